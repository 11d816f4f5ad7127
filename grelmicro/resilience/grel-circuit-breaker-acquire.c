/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/resilience/grel-circuit-wish-private.h>
#include <grelmicro/resilience/grel-permit-private.h>

/* Somebody asks to go through, and waits for the store. */
typedef struct
{
  GrelCall base;
  GrelCircuit *circuit;
  GrelCircuitTerms terms;
  guint64 epoch; /* of the circuit, when the store was asked */
} GrelAdmitCall;

/* Mutex held: the store said yes. Returns: (transfer full) (nullable): NULL if the caller doesn't
 * want it any more */
static GrelPermit *
grel_admit_call_take_yes (GrelAdmitCall *self, gint64 ticket)
{
  GrelCircuit *circuit = self->circuit;

  /* A backend that closes has ended its permits already, so there must be no new one. */
  if (circuit->part->state == GREL_PART_OPEN && grel_call_claim (&self->base, GREL_CALL_DONE))
    return grel_permit_new (grel_admission_new (circuit, &self->terms, ticket));

  grel_circuit_breaker_backend_give_back (circuit->backend, circuit->key, ticket);
  return NULL;
}

/* Mutex held: the store said no. A backend may not report what it found, and what it found may be
 * out of date when the answer is there. */
static GError *
grel_admit_call_take_no (GrelAdmitCall *self, GTimeSpan retry_after)
{
  const GrelCircuitSnapshot open = { .state = GREL_CIRCUIT_STATE_OPEN, .retry_after = retry_after };

  if (retry_after > 0 && self->epoch == self->circuit->epoch)
    grel_circuit_see (self->circuit, &open);
  return grel_circuit_refuse (self->circuit, retry_after);
}

static void
grel_admit_call_answered (gpointer data, gssize answer, GError *error)
{
  GrelAdmitCall *self = data;
  g_autoptr (GrelCall) call = data;
  g_autoptr (GrelPermit) permit = NULL;
  gboolean is_refused = error == NULL && answer <= 0;

  g_mutex_lock (&call->part->mutex);
  if (is_refused)
    error = grel_admit_call_take_no (self, -MAX (answer, -GREL_CIRCUIT_DURATION_MAX));
  else if (error == NULL)
    permit = grel_admit_call_take_yes (self, answer);
  g_mutex_unlock (&call->part->mutex);

  if (is_refused)
    grel_circuit_tally_reject (self->terms.tally);
  if (permit != NULL)
    grel_call_deliver (call, g_steal_pointer (&permit), NULL);
  else if (error != NULL)
    grel_call_fail (call, error);
}

static void
grel_admit_call_start (GrelCall *call)
{
  GrelAdmitCall *self = (GrelAdmitCall *) call;
  const GrelCircuitQuestion question = {
    .verb = GREL_CIRCUIT_ADMIT,
    .key = self->circuit->key,
    .settings = self->terms.settings,
  };

  g_mutex_lock (&call->part->mutex);
  self->epoch = self->circuit->epoch;
  g_mutex_unlock (&call->part->mutex);

  grel_circuit_breaker_backend_ask (self->circuit->backend, &question, grel_admit_call_answered,
                                    grel_call_ref (call));
}

static void
grel_admit_call_finalize (GrelCall *call)
{
  GrelAdmitCall *self = (GrelAdmitCall *) call;

  grel_circuit_unref (self->circuit);
  grel_circuit_terms_clear (&self->terms);
}

static const GrelCallClass grel_admit_call_class = {
  .size = sizeof (GrelAdmitCall),
  .answers_object = TRUE,
  .start = grel_admit_call_start,
  .finalize = grel_admit_call_finalize,
};

/* Mutex held. */
static GrelCall *
grel_circuit_wish_ask_later (GrelCircuitWish *self, GrelCircuit *circuit)
{
  GrelCall *call
    = grel_call_new (&grel_admit_call_class, circuit->part,
                     grel_circuit_subject_for_key (circuit->key), self->task, self->cancellable);
  GrelAdmitCall *admit = (GrelAdmitCall *) call;

  admit->circuit = grel_circuit_ref (circuit);
  grel_circuit_terms_copy (&self->terms, &admit->terms);
  grel_call_register (call, -1);
  grel_call_post (call);
  return call;
}

/* Mutex held: an adapter that decides at once is asked on the spot. */
static GrelAdmission *
grel_circuit_wish_ask_now (GrelCircuitWish *self, GrelCircuit *circuit, GError **error)
{
  gint64 ticket = grel_circuit_wish_try (self, circuit, error);

  return ticket > 0 ? grel_admission_new (circuit, &self->terms, ticket) : NULL;
}

/* Returns: (transfer full): a permit that could be given at once, or NULL with either @call, for an
 * answer that comes later, or @error */
static GrelPermit *
grel_circuit_breaker_begin (GrelCircuitBreaker *self,
                            GTask *task,
                            GCancellable *cancellable,
                            GrelCall **call,
                            GError **error)
{
  g_auto (GrelCircuitWish) wish
    = { .breaker = self, .task = task, .from_thread = task == NULL, .cancellable = cancellable };
  g_autoptr (GrelCircuit) circuit = NULL;
  GrelAdmission *admission = NULL;

  if (!grel_circuit_wish_enter (&wish, &circuit, error))
    return NULL;

  if (grel_circuit_breaker_backend_is_immediate (wish.backend))
    admission = grel_circuit_wish_ask_now (&wish, circuit, error);
  else
    *call = grel_circuit_wish_ask_later (&wish, circuit);
  grel_circuit_wish_leave (&wish, circuit);

  return admission != NULL ? grel_permit_new (admission) : NULL;
}

/**
 * grel_circuit_breaker_acquire_async:
 * @self: a circuit breaker
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Asks whether a call may go through. [method@Grelmicro.CircuitBreaker.run_async] does this, makes
 * the call, and records how it ended. May be called from any thread; the result arrives in the
 * caller's context.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_acquire_async (GrelCircuitBreaker *self,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GrelCall) call = NULL;
  GError *error = NULL;
  GrelPermit *permit;

  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, grel_circuit_breaker_acquire_async);
  g_task_set_check_cancellable (task, FALSE); /* or a slot that was won would be lost */

  permit = grel_circuit_breaker_begin (self, task, cancellable, &call, &error);
  if (permit != NULL)
    g_task_return_pointer (task, permit, g_object_unref);
  else if (error != NULL)
    g_task_return_error (task, error);
}

/**
 * grel_circuit_breaker_acquire_finish:
 * @self: a circuit breaker
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.CircuitBreaker.acquire_async].
 *
 * Sets %GREL_ERROR_CIRCUIT_OPEN if the call is refused; [func@Grelmicro.Error.get_retry_after]
 * tells when to come back, if that is known. Sets %GREL_ERROR_SETTINGS if the name or a setting is
 * not acceptable, %GREL_ERROR_NOT_OPEN, %GREL_ERROR_CLOSED, %GREL_ERROR_NOT_REGISTERED or
 * %GREL_ERROR_AMBIGUOUS if there is no backend to ask, %GREL_ERROR_BACKEND if the store failed, and
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): a permit, to be completed when the call has ended
 *
 * Since: 0.1
 */
GrelPermit *
grel_circuit_breaker_acquire_finish (GrelCircuitBreaker *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_circuit_breaker_acquire_async),
                        NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * grel_circuit_breaker_acquire_from_thread:
 * @self: a circuit breaker
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Asks from a worker thread whether a call may go through, and waits for the answer.
 *
 * Sets the errors of [method@Grelmicro.CircuitBreaker.acquire_finish], %GREL_ERROR_DEADLOCK on the
 * thread that runs the backend's main context, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: (transfer full): a permit, to be completed when the call has ended
 *
 * Since: 0.1
 */
GrelPermit *
grel_circuit_breaker_acquire_from_thread (GrelCircuitBreaker *self,
                                          GCancellable *cancellable,
                                          GError **error)
{
  GrelCall *call = NULL;
  GrelPermit *permit;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), NULL);

  permit = grel_circuit_breaker_begin (self, NULL, cancellable, &call, error);
  return call != NULL ? grel_call_wait (call, error) : permit;
}
