/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-registry-private.h>
#include <grelmicro/resilience/grel-circuit-wish-private.h>

void
grel_circuit_wish_clear (GrelCircuitWish *self)
{
  g_clear_object (&self->backend);
  grel_circuit_terms_clear (&self->terms);
  g_clear_pointer (&self->bound, grel_circuit_unref);
}

static gboolean
grel_circuit_wish_prepare (GrelCircuitWish *self, GError **error)
{
  GrelCircuitBreaker *breaker = self->breaker;
  GrelSubject subject = grel_circuit_breaker_get_subject (breaker);
  GrelCircuitFamily *family = breaker->family;
  g_autoptr (GrelApp) app = NULL;
  g_autoptr (GrelBackend) backend = NULL;
  const char *fault;

  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;

  if (self->route != NULL)
    grel_route_begin (self->route);
  self->terms.tally = g_atomic_rc_box_acquire (breaker->tally);
  grel_primitive_lock (&family->primitive);
  grel_primitive_ref_place (&family->primitive, &backend, &app);
  self->terms.settings = family->settings;
  if (family->ignored != NULL)
    self->terms.ignored = g_array_ref (family->ignored);
  if (breaker->circuit != NULL)
    self->bound = grel_circuit_ref (breaker->circuit);
  grel_primitive_unlock (&family->primitive);

  fault = breaker->key != NULL ? grel_circuit_settings_find_fault (&self->terms.settings)
                               : GREL_CIRCUIT_NAME_RULE;
  if (fault != NULL)
    {
      g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS, subject, "%s", fault));
      return FALSE;
    }
  if (self->route != NULL)
    grel_route_settle (self->route, backend != NULL || app != NULL);
  if (backend == NULL)
    backend = grel_registry_resolve (app, GREL_TYPE_CIRCUIT_BREAKER_BACKEND, subject, error);

  self->backend = (GrelCircuitBreakerBackend *) g_steal_pointer (&backend);
  return self->backend != NULL;
}

gboolean
grel_circuit_wish_enter (GrelCircuitWish *self, GrelCircuit **circuit, GError **error)
{
  GrelSubject subject = grel_circuit_breaker_get_subject (self->breaker);

  if (!grel_circuit_wish_prepare (self, error)
      || !grel_part_enter (grel_backend_get_part (GREL_BACKEND (self->backend)), self->from_thread,
                           subject, error))
    return FALSE;

  if (self->bound != NULL && self->bound->backend == self->backend && !self->bound->is_ended)
    {
      *circuit = grel_circuit_ref (self->bound);
      return TRUE;
    }

  *circuit = grel_circuit_ensure (self->backend, self->breaker->key);
  grel_circuit_watch (*circuit, self->breaker->observer);
  return TRUE;
}

/* An error that nobody looks at isn't made. */
gint64
grel_circuit_wish_try (GrelCircuitWish *self, GrelCircuit *circuit, GError **error)
{
  GrelCircuitBreakerBackendClass *klass = GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self->backend);
  GrelCircuitSnapshot snapshot;
  gint64 answer = klass->try_admit (self->backend, circuit->key, &self->terms.settings, &snapshot);

  grel_circuit_see (circuit, &snapshot);
  if (answer > 0)
    return answer;

  grel_circuit_tally_reject (self->terms.tally);
  if (error != NULL)
    *error = grel_circuit_refuse (circuit, -MAX (answer, -GREL_CIRCUIT_DURATION_MAX));
  return 0;
}

void
grel_circuit_wish_leave (GrelCircuitWish *self, GrelCircuit *circuit)
{
  grel_part_leave (circuit->part);
  if (circuit != self->bound)
    grel_circuit_breaker_bind (self->breaker, circuit);
}
