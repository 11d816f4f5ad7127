/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/resilience/grel-circuit-breaker-private.h>

/* What a circuit breaker has seen of its circuit. */

static GrelCircuitSnapshot
grel_circuit_breaker_look (GrelCircuitBreaker *self)
{
  g_autoptr (GrelCircuit) circuit = grel_circuit_breaker_ref_circuit (self);
  GrelCircuitSnapshot view = { GREL_CIRCUIT_STATE_CLOSED };

  if (circuit == NULL || grel_part_is_foreign (circuit->part))
    return view;

  grel_part_lock (circuit->part);
  view.state = circuit->state;
  view.consecutive_errors = circuit->consecutive_errors;
  view.consecutive_successes = grel_circuit_get_consecutive_successes (circuit);
  if (circuit->state == GREL_CIRCUIT_STATE_OPEN)
    view.retry_after = MAX (circuit->open_until - grel_part_now (circuit->part), 0);
  g_mutex_unlock (&circuit->part->mutex);

  return view;
}

/**
 * grel_circuit_breaker_get_state: (get-property state)
 * @self: a circuit breaker
 *
 * Gets the state of the circuit as far as this circuit breaker knows, from its first use on: no
 * store is asked. An open circuit stays open until a call asks to go through. May be called from
 * any thread.
 *
 * Returns: the state; closed if nothing was asked yet, or if the backend was closed
 *
 * Since: 0.1
 */
GrelCircuitState
grel_circuit_breaker_get_state (GrelCircuitBreaker *self)
{
  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), GREL_CIRCUIT_STATE_CLOSED);

  return grel_circuit_breaker_look (self).state;
}

/**
 * grel_circuit_breaker_get_retry_after:
 * @self: a circuit breaker
 *
 * Gets how long the circuit is open still, as far as this process knows. May be called from any
 * thread.
 *
 * Returns: a time span in microseconds; 0 unless the circuit is open
 *
 * Since: 0.1
 */
GTimeSpan
grel_circuit_breaker_get_retry_after (GrelCircuitBreaker *self)
{
  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), 0);

  return grel_circuit_breaker_look (self).retry_after;
}

/**
 * grel_circuit_breaker_get_metrics:
 * @self: a circuit breaker
 *
 * Gets what was counted: a dictionary of type `a{sv}`.
 *
 * `state` is a string, the nick of a [enum@Grelmicro.CircuitState]. `consecutive-errors` and
 * `consecutive-successes` are those of the circuit. `active-calls`, `successes`, `errors` and
 * `rejections` were counted by this object, as 64 bit unsigned integers; calls without an outcome
 * count nowhere. `last-error` is the message of the last error, and empty if there was none. May be
 * called from any thread.
 *
 * Returns: (transfer full): the figures
 *
 * Since: 0.1
 */
GVariant *
grel_circuit_breaker_get_metrics (GrelCircuitBreaker *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  GrelCircuitTally *tally;
  GrelCircuitSnapshot view;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), NULL);

  view = grel_circuit_breaker_look (self);
  tally = self->tally;
  g_variant_dict_insert (&dict, "state", "s", grel_circuit_state_to_string (view.state));
  g_variant_dict_insert (&dict, "consecutive-errors", "t", (guint64) view.consecutive_errors);
  g_variant_dict_insert (&dict, "consecutive-successes", "t", (guint64) view.consecutive_successes);

  grel_circuit_tally_lock (tally);
  g_variant_dict_insert (&dict, "active-calls", "t", (guint64) tally->active_calls);
  g_variant_dict_insert (&dict, "successes", "t", tally->successes);
  g_variant_dict_insert (&dict, "errors", "t", tally->errors);
  g_variant_dict_insert (&dict, "rejections", "t", tally->rejections);
  g_variant_dict_insert (&dict, "last-error", "s",
                         tally->last_error != NULL ? tally->last_error : "");
  grel_circuit_tally_unlock (tally);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
