/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lock-private.h>

/**
 * grel_lock_acquire_async:
 * @self: a lock
 * @timeout: how long to wait, in microseconds: -1 is for ever, 0 is not at all
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Acquires the lock. It isn't reentrant: whoever holds it and acquires it again waits for itself.
 * May be called from any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_lock_acquire_async (GrelLock *self,
                         GTimeSpan timeout,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_return_if_fail (GREL_IS_LOCK (self));

  grel_lock_base_acquire_async (&self->base, self, grel_lock_acquire_async, timeout, cancellable,
                                callback, user_data);
}

/**
 * grel_lock_acquire_finish:
 * @self: a lock
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Lock.acquire_async].
 *
 * Sets %GREL_ERROR_WOULD_BLOCK if another holds the lock and the timeout was 0,
 * %GREL_ERROR_TIMED_OUT if the timeout ran out, %GREL_ERROR_SETTINGS if the name or a setting is
 * not acceptable, %GREL_ERROR_NOT_OPEN, %GREL_ERROR_CLOSED, %GREL_ERROR_NOT_REGISTERED or
 * %GREL_ERROR_AMBIGUOUS if there is no backend to ask, %GREL_ERROR_BACKEND if the store failed, or
 * the timeout was 0 and it did not answer within a second, and %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): a lease; drop or release it to release the lock
 *
 * Since: 0.1
 */
GrelLease *
grel_lock_acquire_finish (GrelLock *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_lock_acquire_async), NULL);

  return grel_lock_base_acquire_finish (result, error);
}

/**
 * grel_lock_acquire_from_thread:
 * @self: a lock
 * @timeout: how long to wait, in microseconds: -1 is for ever, 0 is not at all
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Acquires the lock from a worker thread and waits for it.
 *
 * Sets the errors of [method@Grelmicro.Lock.acquire_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the backend's main context, %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it, and
 * %GREL_ERROR_REENTRANT if this thread holds the lock already.
 *
 * Returns: (transfer full): a lease; drop or release it to release the lock
 *
 * Since: 0.1
 */
GrelLease *
grel_lock_acquire_from_thread (GrelLock *self,
                               GTimeSpan timeout,
                               GCancellable *cancellable,
                               GError **error)
{
  g_return_val_if_fail (GREL_IS_LOCK (self), NULL);

  return grel_lock_base_acquire_from_thread (&self->base, timeout, cancellable, error);
}

/**
 * grel_lock_is_locked_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Asks whether anybody holds the lock; the answer may be out of date when it arrives. May be called
 * from any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_lock_is_locked_async (GrelLock *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_return_if_fail (GREL_IS_LOCK (self));

  grel_lock_base_is_locked_async (&self->base, self, grel_lock_is_locked_async, cancellable,
                                  callback, user_data);
}

/**
 * grel_lock_is_locked_finish:
 * @self: a lock
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Lock.is_locked_async].
 *
 * Sets the errors of [method@Grelmicro.Lock.acquire_finish] but those that come of waiting.
 *
 * Returns: %TRUE if somebody holds the lock
 *
 * Since: 0.1
 */
gboolean
grel_lock_is_locked_finish (GrelLock *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_lock_is_locked_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_lock_is_locked_from_thread:
 * @self: a lock
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Asks from a worker thread whether anybody holds the lock, and waits for the answer.
 *
 * Sets the errors of [method@Grelmicro.Lock.is_locked_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the backend's main context, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if somebody holds the lock
 *
 * Since: 0.1
 */
gboolean
grel_lock_is_locked_from_thread (GrelLock *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (GREL_IS_LOCK (self), FALSE);

  return grel_lock_base_is_locked_from_thread (&self->base, cancellable, error);
}

/**
 * grel_lock_run_from_thread:
 * @self: a lock
 * @timeout: how long to wait, in microseconds: -1 is for ever, 0 is not at all
 * @func: (scope call) (closure func_data): what to do under the lock
 * @func_data: passed to @func
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Acquires the lock from a worker thread, calls @func on it, and releases the lock, whatever @func
 * returns. The cancellable that @func gets is cancelled when the lease is lost or the caller
 * cancels.
 *
 * Sets the errors of [method@Grelmicro.Lock.acquire_from_thread], those of @func, and those of
 * [method@Grelmicro.Lease.release_from_thread] if @func succeeded: %GREL_ERROR_NOT_OWNED says that
 * the lease was lost meanwhile.
 *
 * Returns: %TRUE if @func did and the lock was held all the time
 *
 * Since: 0.1
 */
gboolean
grel_lock_run_from_thread (GrelLock *self,
                           GTimeSpan timeout,
                           GrelCallFunc func,
                           gpointer func_data,
                           GCancellable *cancellable,
                           GError **error)
{
  g_return_val_if_fail (GREL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return grel_lock_base_run_from_thread (&self->base, timeout, func, func_data, cancellable, error);
}
