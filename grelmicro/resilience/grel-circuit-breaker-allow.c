/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/resilience/grel-circuit-tickets-private.h>
#include <grelmicro/resilience/grel-circuit-wish-private.h>

/* Calls by ticket: for who can't wait, and for whom a permit costs too much. */

/* Only a backend whose state is all in this process, and which decides at once, says what it
 * changes before anybody can ask it again. */
static gboolean
grel_circuit_wish_may_remember (GrelCircuitWish *self)
{
  return grel_backend_get_open_scope (GREL_BACKEND (self->backend)) == GREL_SCOPE_PROCESS;
}

/* Mutex held. Returns: a ticket, or 0 */
static guint64
grel_circuit_wish_allow (GrelCircuitWish *self,
                         GrelCircuit *circuit,
                         GrelAdmission **displaced,
                         GError **error)
{
  gint64 ticket;

  if (!grel_circuit_breaker_backend_is_immediate (self->backend))
    {
      if (error != NULL)
        *error
          = grel_error_new (GREL_ERROR_WOULD_BLOCK, grel_circuit_subject_for_key (circuit->key),
                            "its store has to be asked, which takes time; acquire a permit "
                            "instead");
      return 0;
    }

  ticket = grel_circuit_wish_try (self, circuit, error);
  if (!grel_circuit_wish_may_remember (self))
    *self->route = (GrelRoute){ 0 };
  return grel_circuit_tickets_give (circuit, &self->terms, ticket, self->route, displaced);
}

/* Returns: a ticket, or 0 */
static guint64
grel_circuit_breaker_ask (GrelCircuitBreaker *self, GError **error)
{
  GrelRoute route;
  g_auto (GrelCircuitWish) wish = { .breaker = self, .route = &route };
  g_autoptr (GrelCircuit) circuit = NULL;
  GrelAdmission *displaced = NULL;
  guint64 ticket;

  if (!grel_circuit_wish_enter (&wish, &circuit, error))
    return 0;

  ticket = grel_circuit_wish_allow (&wish, circuit, &displaced, error);
  grel_circuit_wish_leave (&wish, circuit);
  g_clear_pointer (&displaced, grel_admission_retire);
  return ticket;
}

/**
 * grel_circuit_breaker_allow:
 * @self: a circuit breaker
 * @ticket: (out): return location for a ticket, which is never 0; it is if the call is refused
 * @error: return location for an error
 *
 * Asks whether a call may go through, and has the answer at once.
 *
 * Record how the call ended, exactly once, with
 * [method@Grelmicro.CircuitBreaker.record_success] or
 * [method@Grelmicro.CircuitBreaker.record_error]. A ticket is a number, which several calls may
 * have in common, so that nothing is allocated for a call through a closed circuit; nor is it for
 * one that is refused, if @error is %NULL. What isn't recorded stays among the `active-calls`, and
 * a slot that it took comes back after the reset timeout. May be called from any thread, also from
 * the one that runs the backend's main context.
 *
 * Sets %GREL_ERROR_WOULD_BLOCK if the backend asks a store, which takes time:
 * [method@Grelmicro.CircuitBreaker.acquire_async] waits for it. Sets %GREL_ERROR_CIRCUIT_OPEN if
 * the call is refused, %GREL_ERROR_SETTINGS if the name or a setting is not acceptable, and
 * %GREL_ERROR_NOT_OPEN, %GREL_ERROR_CLOSED, %GREL_ERROR_NOT_REGISTERED or %GREL_ERROR_AMBIGUOUS if
 * there is no backend to ask.
 *
 * Returns: %TRUE if the call may go through
 *
 * Since: 0.1
 */
gboolean
grel_circuit_breaker_allow (GrelCircuitBreaker *self, guint64 *ticket, GError **error)
{
  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), FALSE);
  g_return_val_if_fail (ticket != NULL, FALSE);

  *ticket = 0;
  if (grel_circuit_tickets_ask (self->tally, error == NULL, ticket) == GREL_CIRCUIT_ANSWER_UNKNOWN)
    *ticket = grel_circuit_breaker_ask (self, error);
  return *ticket != 0;
}

static gboolean
grel_circuit_breaker_record (GrelCircuitBreaker *self,
                             guint64 ticket,
                             gboolean succeeded,
                             const GError *reason)
{
  gboolean is_last = FALSE;
  g_autoptr (GrelAdmission) admission = grel_circuit_tickets_take (self->tally, ticket, &is_last);

  return admission != NULL && grel_admission_record (admission, succeeded, reason, is_last);
}

/**
 * grel_circuit_breaker_record_success:
 * @self: a circuit breaker
 * @ticket: what [method@Grelmicro.CircuitBreaker.allow] gave for the call
 *
 * Records that a call succeeded. The call is over from now on. May be called from any thread.
 *
 * Returns: %TRUE if the call was under way; %FALSE if it was recorded already, or ended when its
 *   backend was closed
 *
 * Since: 0.1
 */
gboolean
grel_circuit_breaker_record_success (GrelCircuitBreaker *self, guint64 ticket)
{
  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), FALSE);

  return grel_circuit_tickets_succeed (self->tally, ticket)
         || grel_circuit_breaker_record (self, ticket, TRUE, NULL);
}

/**
 * grel_circuit_breaker_record_error:
 * @self: a circuit breaker
 * @ticket: what [method@Grelmicro.CircuitBreaker.allow] gave for the call
 * @reason: the error that the call ended with
 *
 * Records that a call failed. The call is over from now on.
 *
 * What counts is told at [method@Grelmicro.Permit.fail_async]; so a call that was cancelled, or
 * never made, is recorded with %G_IO_ERROR_CANCELLED, which gives its slot back and counts nothing.
 * May be called from any thread.
 *
 * Returns: %TRUE if the call was under way; %FALSE if it was recorded already, or ended when its
 *   backend was closed
 *
 * Since: 0.1
 */
gboolean
grel_circuit_breaker_record_error (GrelCircuitBreaker *self, guint64 ticket, const GError *reason)
{
  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), FALSE);
  g_return_val_if_fail (reason != NULL, FALSE);

  return grel_circuit_breaker_record (self, ticket, FALSE, reason);
}
