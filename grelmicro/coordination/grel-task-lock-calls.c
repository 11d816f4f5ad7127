/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-task-lock-private.h>

/**
 * grel_task_lock_acquire_async:
 * @self: a task lock
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Acquires the task lock, if it is free. It asks the store, but never waits for another holder. May
 * be called from any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_task_lock_acquire_async (GrelTaskLock *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_return_if_fail (GREL_IS_TASK_LOCK (self));

  grel_lock_base_acquire_async (&self->base, self, grel_task_lock_acquire_async, 0, cancellable,
                                callback, user_data);
}

/**
 * grel_task_lock_acquire_finish:
 * @self: a task lock
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TaskLock.acquire_async].
 *
 * Sets %GREL_ERROR_WOULD_BLOCK if another holds the task lock, or held it so lately that its min
 * hold duration is not over, %GREL_ERROR_SETTINGS if the name or a setting is not acceptable,
 * %GREL_ERROR_NOT_OPEN, %GREL_ERROR_CLOSED, %GREL_ERROR_NOT_REGISTERED or %GREL_ERROR_AMBIGUOUS if
 * there is no backend to ask, %GREL_ERROR_BACKEND if the store failed or did not answer within a
 * second, and %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): a lease; drop or release it when the work is done
 *
 * Since: 0.1
 */
GrelLease *
grel_task_lock_acquire_finish (GrelTaskLock *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_task_lock_acquire_async), NULL);

  return grel_lock_base_acquire_finish (result, error);
}

/**
 * grel_task_lock_acquire_from_thread:
 * @self: a task lock
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Acquires the task lock from a worker thread, if it is free.
 *
 * Sets the errors of [method@Grelmicro.TaskLock.acquire_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the backend's main context, %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it, and
 * %GREL_ERROR_REENTRANT if this thread holds the task lock already.
 *
 * Returns: (transfer full): a lease; drop or release it when the work is done
 *
 * Since: 0.1
 */
GrelLease *
grel_task_lock_acquire_from_thread (GrelTaskLock *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (GREL_IS_TASK_LOCK (self), NULL);

  return grel_lock_base_acquire_from_thread (&self->base, 0, cancellable, error);
}

/**
 * grel_task_lock_is_locked_async:
 * @self: a task lock
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Asks whether anybody holds the task lock, or held it so lately that its min hold duration is not
 * over; the answer may be out of date when it arrives. May be called from any thread; the result
 * arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_task_lock_is_locked_async (GrelTaskLock *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (GREL_IS_TASK_LOCK (self));

  grel_lock_base_is_locked_async (&self->base, self, grel_task_lock_is_locked_async, cancellable,
                                  callback, user_data);
}

/**
 * grel_task_lock_is_locked_finish:
 * @self: a task lock
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TaskLock.is_locked_async].
 *
 * Sets the errors of [method@Grelmicro.TaskLock.acquire_finish] but %GREL_ERROR_WOULD_BLOCK.
 *
 * Returns: %TRUE if nobody can acquire it now
 *
 * Since: 0.1
 */
gboolean
grel_task_lock_is_locked_finish (GrelTaskLock *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_task_lock_is_locked_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_task_lock_is_locked_from_thread:
 * @self: a task lock
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Asks as [method@Grelmicro.TaskLock.is_locked_async] does, from a worker thread, and waits for the
 * answer.
 *
 * Sets the errors of [method@Grelmicro.TaskLock.is_locked_finish], %GREL_ERROR_DEADLOCK on the
 * thread that runs the backend's main context, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if nobody can acquire it now
 *
 * Since: 0.1
 */
gboolean
grel_task_lock_is_locked_from_thread (GrelTaskLock *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (GREL_IS_TASK_LOCK (self), FALSE);

  return grel_lock_base_is_locked_from_thread (&self->base, cancellable, error);
}

/**
 * grel_task_lock_run_from_thread:
 * @self: a task lock
 * @func: (scope call) (closure func_data): what to do under the task lock
 * @func_data: passed to @func
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Acquires the task lock from a worker thread, if it is free, calls @func on it, and releases it,
 * whatever @func returns. The cancellable that @func gets is cancelled when the lease is lost or
 * the caller cancels.
 *
 * Sets the errors of [method@Grelmicro.TaskLock.acquire_from_thread], those of @func, and those of
 * [method@Grelmicro.Lease.release_from_thread] if @func succeeded: %GREL_ERROR_NOT_OWNED says that
 * the lease was lost meanwhile.
 *
 * Returns: %TRUE if @func did and the task lock was held all the time
 *
 * Since: 0.1
 */
gboolean
grel_task_lock_run_from_thread (GrelTaskLock *self,
                                GrelCallFunc func,
                                gpointer func_data,
                                GCancellable *cancellable,
                                GError **error)
{
  g_return_val_if_fail (GREL_IS_TASK_LOCK (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return grel_lock_base_run_from_thread (&self->base, 0, func, func_data, cancellable, error);
}
