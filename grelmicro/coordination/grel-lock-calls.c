/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lease-private.h>
#include <grelmicro/coordination/grel-lock-private.h>
#include <grelmicro/coordination/grel-lock-slot-private.h>
#include <grelmicro/core/grel-registry-private.h>

static GrelSubject
grel_lock_get_subject (GrelLock *self)
{
  return (GrelSubject){ "lock", self->key != NULL ? self->name : NULL };
}

/* One snapshot of the settings, and the backend as it is found now. */
static GrelLockBackend *
grel_lock_prepare (GrelLock *self, GrelLockSettings *settings, GError **error)
{
  GrelSubject subject = grel_lock_get_subject (self);
  g_autoptr (GrelApp) app = NULL;
  g_autoptr (GrelBackend) backend = NULL;
  const char *fault;

  grel_primitive_snapshot (&self->primitive, &self->settings, settings, sizeof *settings, &backend,
                           &app);
  if (settings->max_hold_duration > 0)
    settings->lease_duration = MIN (settings->lease_duration, settings->max_hold_duration);

  fault = self->key != NULL ? grel_lock_settings_find_fault (settings) : GREL_LOCK_NAME_RULE;
  if (fault != NULL)
    g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS, subject, "%s", fault));
  else if (backend != NULL)
    return (GrelLockBackend *) g_steal_pointer (&backend);
  else
    return (GrelLockBackend *) grel_registry_resolve (app, GREL_TYPE_LOCK_BACKEND, subject, error);
  return NULL;
}

static GrelLockWish
grel_lock_wish (GrelLock *self, GTimeSpan timeout, GTask *task, GCancellable *cancellable)
{
  return (GrelLockWish){
    .key = self->key,
    .timeout = timeout,
    .task = task,
    .cancellable = cancellable,
  };
}

static GrelLease *
grel_lock_begin (GrelLock *self, GrelLockWish *wish, GrelCall **call, GError **error)
{
  g_autoptr (GrelLockBackend) backend = NULL;

  if (g_cancellable_set_error_if_cancelled (wish->cancellable, error))
    return NULL;

  backend = grel_lock_prepare (self, &wish->settings, error);
  return backend != NULL ? grel_lock_slot_acquire (backend, wish, call, error) : NULL;
}

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
  g_autoptr (GTask) task = NULL;
  g_autoptr (GrelCall) call = NULL;
  GError *error = NULL;
  GrelLockWish wish;
  GrelLease *lease;

  g_return_if_fail (GREL_IS_LOCK (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, grel_lock_acquire_async);
  g_task_set_check_cancellable (task, FALSE); /* or a lock that was won would be lost */

  wish = grel_lock_wish (self, timeout, task, cancellable);
  lease = grel_lock_begin (self, &wish, &call, &error);
  if (lease != NULL)
    g_task_return_pointer (task, lease, g_object_unref);
  else if (error != NULL)
    g_task_return_error (task, error);
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
 * %GREL_ERROR_AMBIGUOUS if there is no backend to ask, %GREL_ERROR_BACKEND if the store failed, and
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): a lease; drop or release it to release the lock
 *
 * Since: 0.1
 */
GrelLease *
grel_lock_acquire_finish (GrelLock *self, GAsyncResult *result, GError **error)
{
  GrelLease *lease;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_lock_acquire_async), NULL);

  lease = g_task_propagate_pointer (G_TASK (result), error);
  if (lease != NULL)
    grel_lease_hand_out (lease);
  return lease;
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
  GrelCall *call = NULL;
  GrelLockWish wish;
  GrelLease *lease;

  g_return_val_if_fail (GREL_IS_LOCK (self), NULL);

  wish = grel_lock_wish (self, timeout, NULL, cancellable);
  lease = grel_lock_begin (self, &wish, &call, error);
  if (call != NULL)
    lease = grel_call_wait (call, error);
  if (lease != NULL)
    grel_lease_hand_out (lease);
  return lease;
}

static gboolean
grel_lock_query (GrelLock *self,
                 GTask *task,
                 GCancellable *cancellable,
                 GrelCall **call,
                 GError **error)
{
  g_autoptr (GrelLockBackend) backend = NULL;
  GrelLockSettings settings;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  backend = grel_lock_prepare (self, &settings, error);
  return backend != NULL
         && grel_lock_backend_query (backend, self->key, task, cancellable, call, error);
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
  g_autoptr (GTask) task = NULL;
  g_autoptr (GrelCall) call = NULL;
  GError *error = NULL;
  gboolean is_locked;

  g_return_if_fail (GREL_IS_LOCK (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, grel_lock_is_locked_async);
  g_task_set_check_cancellable (task, FALSE);

  is_locked = grel_lock_query (self, task, cancellable, &call, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else if (call == NULL)
    g_task_return_boolean (task, is_locked);
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
  GrelCall *call = NULL;
  gboolean is_locked;

  g_return_val_if_fail (GREL_IS_LOCK (self), FALSE);

  is_locked = grel_lock_query (self, NULL, cancellable, &call, error);
  return call != NULL ? GPOINTER_TO_INT (grel_call_wait (call, error)) : is_locked;
}

static void
grel_lock_cancel_joint (GCancellable *cancellable, GCancellable *joint)
{
  g_cancellable_cancel (joint);
}

static void
grel_lock_unref_joint (gpointer joint, GClosure *closure)
{
  g_object_unref (joint);
}

static void
grel_lock_join (GCancellable *cancellable, GCancellable *joint, gulong *id)
{
  *id = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (grel_lock_cancel_joint),
                               g_object_ref (joint), grel_lock_unref_joint, 0);
  if (g_cancellable_is_cancelled (cancellable))
    g_cancellable_cancel (joint);
}

/* Runs func under a cancellable that fires when the lease is lost or the caller cancels. */
static gboolean
grel_lock_run_guarded (GrelLease *lease,
                       GrelCallFunc func,
                       gpointer func_data,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (GCancellable) joint = g_cancellable_new ();
  gulong caller_id = 0, lease_id = 0;
  gboolean succeeded;

  grel_lock_join (grel_lease_get_cancellable (lease), joint, &lease_id);
  if (cancellable != NULL)
    grel_lock_join (cancellable, joint, &caller_id);

  succeeded = func (joint, func_data, error);

  g_signal_handler_disconnect (grel_lease_get_cancellable (lease), lease_id);
  if (cancellable != NULL)
    g_signal_handler_disconnect (cancellable, caller_id);
  return succeeded;
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
  g_autoptr (GrelLease) lease = NULL;

  g_return_val_if_fail (GREL_IS_LOCK (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  lease = grel_lock_acquire_from_thread (self, timeout, cancellable, error);
  if (lease == NULL)
    return FALSE;

  if (!grel_lock_run_guarded (lease, func, func_data, cancellable, error))
    {
      grel_lease_release_from_thread (lease, NULL, NULL);
      return FALSE;
    }
  return grel_lease_release_from_thread (lease, NULL, error);
}
