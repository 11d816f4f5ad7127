/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/resilience/grel-circuit-observer-private.h>

GrelCircuitObserver *
grel_circuit_observer_new (GrelCircuitBreaker *breaker)
{
  GrelCircuitObserver *self = g_atomic_rc_box_new0 (GrelCircuitObserver);

  g_mutex_init (&self->mutex);
  self->mutex_generation = grel_identity_get_generation ();
  self->breaker = breaker;
  return self;
}

GrelCircuitObserver *
grel_circuit_observer_ref (GrelCircuitObserver *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
grel_circuit_observer_lock (GrelCircuitObserver *self)
{
  grel_identity_adopt_mutex (&self->mutex, &self->mutex_generation);
  g_mutex_lock (&self->mutex);
}

static void
grel_circuit_observer_clear (gpointer data)
{
  GrelCircuitObserver *self = data;

  grel_identity_adopt_mutex (&self->mutex, &self->mutex_generation);
  g_mutex_clear (&self->mutex);
}

void
grel_circuit_observer_unref (GrelCircuitObserver *self)
{
  g_atomic_rc_box_release_full (self, grel_circuit_observer_clear);
}

GrelCircuitBreaker *
grel_circuit_observer_ref_breaker (GrelCircuitObserver *self)
{
  GrelCircuitBreaker *breaker;

  grel_circuit_observer_lock (self);
  breaker = self->breaker != NULL ? g_object_ref (self->breaker) : NULL;
  g_mutex_unlock (&self->mutex);
  return breaker;
}

void
grel_circuit_observer_forget (GrelCircuitObserver *self)
{
  grel_circuit_observer_lock (self);
  self->breaker = NULL;
  g_mutex_unlock (&self->mutex);
}
