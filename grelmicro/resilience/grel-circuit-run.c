/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-log-private.h>
#include <grelmicro/resilience/grel-circuit-breaker-private.h>
#include <grelmicro/resilience/grel-permit-private.h>

/* A call that a circuit breaker makes for its caller: asks, runs, records. */
typedef struct
{
  GrelOperation *operation;
  GrelPermit *permit;
  GValue *value; /* what it returned, or else the error */
  GError *error;
} GrelCircuitRun;

static void
grel_circuit_run_free_value (gpointer value)
{
  g_boxed_free (G_TYPE_VALUE, value);
}

static void
grel_circuit_run_free (gpointer data)
{
  GrelCircuitRun *self = data;

  g_object_unref (self->operation);
  g_clear_object (&self->permit);
  g_clear_pointer (&self->value, grel_circuit_run_free_value);
  g_clear_error (&self->error);
  g_free (self);
}

/* The work is done, whatever becomes of the record. */
static void
grel_circuit_run_log_failure (GrelPermit *permit, const GError *error)
{
  const GrelSubject subject = { "circuit breaker", grel_permit_get_name (permit) };

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* it is being recorded, and nobody waits for that */

  grel_log (G_LOG_LEVEL_INFO, "record-failed", subject, "an outcome was lost: %s", error->message);
}

static void
grel_circuit_run_recorded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GrelCircuitRun *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    grel_circuit_run_log_failure (self->permit, error);

  if (self->error != NULL)
    g_task_return_error (task, g_steal_pointer (&self->error));
  else
    g_task_return_pointer (task, g_steal_pointer (&self->value), grel_circuit_run_free_value);
}

static void
grel_circuit_run_finished (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GrelCircuitRun *self = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);

  self->value = grel_operation_run_finish (self->operation, result, &self->error);
  grel_permit_complete_async (self->permit, self->error == NULL, self->error,
                              grel_circuit_run_finished, cancellable, grel_circuit_run_recorded,
                              g_steal_pointer (&task));
}

static void
grel_circuit_run_admitted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GrelCircuitRun *self = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  GError *error = NULL;

  self->permit
    = grel_circuit_breaker_acquire_finish (GREL_CIRCUIT_BREAKER (source), result, &error);
  if (self->permit == NULL)
    g_task_return_error (task, error);
  else
    grel_operation_run_async (self->operation, cancellable, grel_circuit_run_finished,
                              g_steal_pointer (&task));
}

/**
 * grel_circuit_breaker_run_async:
 * @self: a circuit breaker
 * @operation: the call
 * @cancellable: (nullable): a cancellable, which the operation gets too
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Makes a call if the circuit lets it through, and records how it ended.
 *
 * An error of the operation counts, unless it says nothing of the dependency, as
 * [method@Grelmicro.Permit.fail_async] explains. The operation starts in the caller's
 * thread-default context. May be called from any thread; the result arrives in the caller's
 * context.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_run_async (GrelCircuitBreaker *self,
                                GrelOperation *operation,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GrelCircuitRun *run;
  GTask *task;

  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));
  g_return_if_fail (GREL_IS_OPERATION (operation));

  run = g_new0 (GrelCircuitRun, 1);
  run->operation = g_object_ref (operation);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, grel_circuit_breaker_run_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, run, grel_circuit_run_free);

  grel_circuit_breaker_acquire_async (self, cancellable, grel_circuit_run_admitted, task);
}

/**
 * grel_circuit_breaker_run_finish:
 * @self: a circuit breaker
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.CircuitBreaker.run_async].
 *
 * Sets the errors of [method@Grelmicro.CircuitBreaker.acquire_finish] if the call was not made, and
 * else what the operation ended with. That the outcome could not be recorded is no error of the
 * call: it is logged.
 *
 * Returns: (transfer full): what the operation returned
 *
 * Since: 0.1
 */
GValue *
grel_circuit_breaker_run_finish (GrelCircuitBreaker *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_circuit_breaker_run_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
grel_circuit_run_record_from_thread (GrelPermit *permit,
                                     const GError *reason,
                                     GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  gboolean is_recorded = reason == NULL
                           ? grel_permit_succeed_from_thread (permit, cancellable, &error)
                           : grel_permit_fail_from_thread (permit, reason, cancellable, &error);

  if (!is_recorded)
    grel_circuit_run_log_failure (permit, error);
}

/**
 * grel_circuit_breaker_run_from_thread:
 * @self: a circuit breaker
 * @func: (scope call) (closure func_data): the call
 * @func_data: passed to @func
 * @cancellable: (nullable): a cancellable, which @func gets too
 * @error: return location for an error
 *
 * Makes a call on a worker thread if the circuit lets it through, and records how it ended, as
 * [method@Grelmicro.CircuitBreaker.run_async] does.
 *
 * Sets the errors of [method@Grelmicro.CircuitBreaker.acquire_from_thread] if the call was not
 * made, and else those of @func.
 *
 * Returns: %TRUE if @func did
 *
 * Since: 0.1
 */
gboolean
grel_circuit_breaker_run_from_thread (GrelCircuitBreaker *self,
                                      GrelCallFunc func,
                                      gpointer func_data,
                                      GCancellable *cancellable,
                                      GError **error)
{
  g_autoptr (GrelPermit) permit = NULL;
  GError *reason = NULL;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  permit = grel_circuit_breaker_acquire_from_thread (self, cancellable, error);
  if (permit == NULL)
    return FALSE;

  if (func (cancellable, func_data, &reason))
    {
      grel_circuit_run_record_from_thread (permit, NULL, cancellable);
      return TRUE;
    }

  if (reason == NULL) /* against the rules of GError, but an error all the same */
    reason
      = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "The call failed without an error");
  grel_circuit_run_record_from_thread (permit, reason, cancellable);
  g_propagate_error (error, reason);
  return FALSE;
}
