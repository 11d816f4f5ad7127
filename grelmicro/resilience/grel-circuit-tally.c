/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/resilience/grel-admission-private.h>

static void
grel_circuit_tally_clear (gpointer data)
{
  GrelCircuitTally *self = data;

  grel_identity_adopt_mutex (&self->mutex, &self->mutex_generation);
  g_mutex_clear (&self->mutex);
  g_free (self->last_error);
}

GrelCircuitTally *
grel_circuit_tally_new (void)
{
  GrelCircuitTally *self = g_atomic_rc_box_new0 (GrelCircuitTally);

  g_mutex_init (&self->mutex);
  self->mutex_generation = self->calls_generation = grel_identity_get_generation ();
  return self;
}

void
grel_circuit_tally_lock (GrelCircuitTally *self)
{
  grel_identity_adopt_mutex (&self->mutex, &self->mutex_generation);
  g_mutex_lock (&self->mutex);
  if (self->calls_generation == self->mutex_generation)
    return;

  /* The permits of the parent are inert in the child of a fork, and never end. */
  self->calls_generation = self->mutex_generation;
  self->active_calls = 0;
}

void
grel_circuit_tally_unlock (GrelCircuitTally *self)
{
  g_mutex_unlock (&self->mutex);
}

void
grel_circuit_tally_unref (GrelCircuitTally *self)
{
  g_atomic_rc_box_release_full (self, grel_circuit_tally_clear);
}

void
grel_circuit_tally_begin (GrelCircuitTally *self)
{
  grel_circuit_tally_lock (self);
  self->active_calls++;
  grel_circuit_tally_unlock (self);
}

void
grel_circuit_tally_end (GrelCircuitTally *self, GrelCircuitOutcome outcome, const GError *reason)
{
  g_autofree char *text
    = outcome == GREL_CIRCUIT_OUTCOME_ERROR && reason != NULL ? g_strdup (reason->message) : NULL;

  grel_circuit_tally_lock (self);
  self->active_calls--;
  self->successes += outcome == GREL_CIRCUIT_OUTCOME_SUCCESS;
  self->errors += outcome == GREL_CIRCUIT_OUTCOME_ERROR;
  if (text != NULL)
    {
      g_free (self->last_error);
      self->last_error = g_steal_pointer (&text);
    }
  grel_circuit_tally_unlock (self);
}

void
grel_circuit_tally_reject (GrelCircuitTally *self)
{
  grel_circuit_tally_lock (self);
  self->rejections++;
  grel_circuit_tally_unlock (self);
}

void
grel_circuit_tally_reset (GrelCircuitTally *self)
{
  grel_circuit_tally_lock (self);
  self->successes = 0;
  self->errors = 0;
  self->rejections = 0;
  g_clear_pointer (&self->last_error, g_free);
  grel_circuit_tally_unlock (self);
}
