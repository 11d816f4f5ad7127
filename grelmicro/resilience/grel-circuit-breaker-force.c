/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/resilience/grel-circuit-wish-private.h>

/* Isolating a circuit, and resetting it. */

/* Somebody sets the state, and waits for the store. */
typedef struct
{
  GrelCall base;
  GrelCircuit *circuit;
  GrelCircuitTally *tally; /* to be forgotten */
  GrelCircuitState state;
} GrelForceCall;

static void
grel_force_call_answered (gpointer data, gssize answer, GError *error)
{
  GrelForceCall *self = data;
  g_autoptr (GrelCall) call = data;

  g_mutex_lock (&call->part->mutex);
  self->circuit->n_forcing--;
  g_mutex_unlock (&call->part->mutex);

  if (error == NULL && self->state == GREL_CIRCUIT_STATE_CLOSED)
    grel_circuit_tally_reset (self->tally);
  grel_call_answer (call, TRUE, error);
}

static void
grel_force_call_start (GrelCall *call)
{
  GrelForceCall *self = (GrelForceCall *) call;
  const GrelCircuitQuestion question = {
    .verb = GREL_CIRCUIT_SET_STATE,
    .key = self->circuit->key,
    .state = self->state,
  };

  g_mutex_lock (&call->part->mutex);
  self->circuit->n_forcing++;
  g_mutex_unlock (&call->part->mutex);

  grel_circuit_breaker_backend_ask (self->circuit->backend, &question, grel_force_call_answered,
                                    grel_call_ref (call));
}

static void
grel_force_call_finalize (GrelCall *call)
{
  GrelForceCall *self = (GrelForceCall *) call;

  grel_circuit_unref (self->circuit);
  grel_circuit_tally_unref (self->tally);
}

static const GrelCallClass grel_force_call_class = {
  .size = sizeof (GrelForceCall),
  .start = grel_force_call_start,
  .finalize = grel_force_call_finalize,
};

/* Mutex held. */
static GrelCall *
grel_circuit_wish_force_later (GrelCircuitWish *self, GrelCircuit *circuit, GrelCircuitState state)
{
  GrelCall *call
    = grel_call_new (&grel_force_call_class, circuit->part,
                     grel_circuit_subject_for_key (circuit->key), self->task, self->cancellable);
  GrelForceCall *force = (GrelForceCall *) call;

  force->circuit = grel_circuit_ref (circuit);
  force->tally = g_atomic_rc_box_acquire (self->terms.tally);
  force->state = state;
  grel_call_register (call, -1);
  grel_call_post (call);
  return call;
}

/* Mutex held. */
static void
grel_circuit_wish_force_now (GrelCircuitWish *self, GrelCircuit *circuit, GrelCircuitState state)
{
  GrelCircuitSnapshot snapshot;

  GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self->backend)
    ->try_set_state (self->backend, circuit->key, state, 0, &snapshot);
  circuit->n_forcing++;
  grel_circuit_see (circuit, &snapshot);
  circuit->n_forcing--;
}

static gboolean
grel_circuit_breaker_force (GrelCircuitBreaker *self,
                            GrelCircuitState state,
                            GTask *task,
                            GCancellable *cancellable,
                            GError **error)
{
  g_auto (GrelCircuitWish) wish
    = { .breaker = self, .task = task, .from_thread = task == NULL, .cancellable = cancellable };
  g_autoptr (GrelCircuit) circuit = NULL;
  g_autoptr (GrelCall) call = NULL;

  if (!grel_circuit_wish_enter (&wish, &circuit, error))
    return FALSE;

  if (grel_circuit_breaker_backend_is_immediate (wish.backend))
    grel_circuit_wish_force_now (&wish, circuit, state);
  else
    call = grel_circuit_wish_force_later (&wish, circuit, state);
  grel_circuit_wish_leave (&wish, circuit);

  if (call != NULL)
    return task != NULL || GPOINTER_TO_INT (grel_call_wait (g_steal_pointer (&call), error));
  if (state == GREL_CIRCUIT_STATE_CLOSED)
    grel_circuit_tally_reset (self->tally);
  if (task != NULL)
    g_task_return_boolean (task, TRUE);
  return TRUE;
}

static void
grel_circuit_breaker_force_async (GrelCircuitBreaker *self,
                                  GrelCircuitState state,
                                  gpointer tag,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  if (!grel_circuit_breaker_force (self, state, task, cancellable, &error))
    g_task_return_error (task, error);
}

/**
 * grel_circuit_breaker_isolate_async:
 * @self: a circuit breaker
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Isolates the circuit: all calls are refused until it is reset, in every process that shares the
 * store. May be called from any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_isolate_async (GrelCircuitBreaker *self,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));

  grel_circuit_breaker_force_async (self, GREL_CIRCUIT_STATE_FORCED_OPEN,
                                    grel_circuit_breaker_isolate_async, cancellable, callback,
                                    user_data);
}

/**
 * grel_circuit_breaker_isolate_finish:
 * @self: a circuit breaker
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.CircuitBreaker.isolate_async].
 *
 * Sets the errors of [method@Grelmicro.CircuitBreaker.acquire_finish], but no refusal.
 *
 * Returns: %TRUE if the circuit is isolated
 *
 * Since: 0.1
 */
gboolean
grel_circuit_breaker_isolate_finish (GrelCircuitBreaker *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_circuit_breaker_isolate_async),
                        FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_circuit_breaker_isolate_from_thread:
 * @self: a circuit breaker
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.CircuitBreaker.isolate_async] does, from a worker thread, and waits
 * until that is done.
 *
 * Sets the errors of [method@Grelmicro.CircuitBreaker.acquire_from_thread], but no refusal.
 *
 * Returns: %TRUE if the circuit is isolated
 *
 * Since: 0.1
 */
gboolean
grel_circuit_breaker_isolate_from_thread (GrelCircuitBreaker *self,
                                          GCancellable *cancellable,
                                          GError **error)
{
  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), FALSE);

  return grel_circuit_breaker_force (self, GREL_CIRCUIT_STATE_FORCED_OPEN, NULL, cancellable,
                                     error);
}

/**
 * grel_circuit_breaker_reset_async:
 * @self: a circuit breaker
 * @cancellable: (nullable): a cancellable
 * @callback: (nullable) (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Closes the circuit, whatever state it was in, and forgets what was counted. May be called from
 * any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_reset_async (GrelCircuitBreaker *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));

  grel_circuit_breaker_force_async (self, GREL_CIRCUIT_STATE_CLOSED,
                                    grel_circuit_breaker_reset_async, cancellable, callback,
                                    user_data);
}

/**
 * grel_circuit_breaker_reset_finish:
 * @self: a circuit breaker
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.CircuitBreaker.reset_async].
 *
 * Sets the errors of [method@Grelmicro.CircuitBreaker.acquire_finish], but no refusal.
 *
 * Returns: %TRUE if the circuit is reset
 *
 * Since: 0.1
 */
gboolean
grel_circuit_breaker_reset_finish (GrelCircuitBreaker *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_circuit_breaker_reset_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_circuit_breaker_reset_from_thread:
 * @self: a circuit breaker
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.CircuitBreaker.reset_async] does, from a worker thread, and waits
 * until that is done.
 *
 * Sets the errors of [method@Grelmicro.CircuitBreaker.acquire_from_thread], but no refusal.
 *
 * Returns: %TRUE if the circuit is reset
 *
 * Since: 0.1
 */
gboolean
grel_circuit_breaker_reset_from_thread (GrelCircuitBreaker *self,
                                        GCancellable *cancellable,
                                        GError **error)
{
  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), FALSE);

  return grel_circuit_breaker_force (self, GREL_CIRCUIT_STATE_CLOSED, NULL, cancellable, error);
}
