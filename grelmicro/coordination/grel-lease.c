/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lease-private.h>

/**
 * GrelLease:
 *
 * Proof that a lock or a task lock is held.
 *
 * A lease ends when it is released, when its last reference is dropped, or when it runs out; until
 * then nobody else holds the lock. That of a [class@Grelmicro.Lock] is extended for as long as the
 * object lives, unless the lock says otherwise. [method@Grelmicro.Lease.get_cancellable] is
 * cancelled before the lease can be lost: pass it to the I/O that the lock guards.
 * [method@Grelmicro.Lease.get_fencing_token] lets a store refuse a holder that came too late. May
 * be used from any thread.
 *
 * Since: 0.1
 */
struct _GrelLease
{
  GObject parent_instance;

  GrelGrant *grant;
};

G_DEFINE_FINAL_TYPE (GrelLease, grel_lease, G_TYPE_OBJECT)

/* A script may make one with g_object_new (), for nothing. */
static gboolean
grel_lease_is_granted (GrelLease *self)
{
  return GREL_IS_LEASE (self) && self->grant != NULL;
}

static void
grel_lease_finalize (GObject *object)
{
  GrelLease *self = GREL_LEASE (object);

  if (self->grant != NULL)
    grel_grant_drop (self->grant);

  G_OBJECT_CLASS (grel_lease_parent_class)->finalize (object);
}

static void
grel_lease_class_init (GrelLeaseClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = grel_lease_finalize;
}

static void
grel_lease_init (GrelLease *self)
{
}

GrelLease *
grel_lease_new (GrelGrant *grant)
{
  GrelLease *self = g_object_new (GREL_TYPE_LEASE, NULL);

  self->grant = grant;
  return self;
}

void
grel_lease_hand_out (GrelLease *self)
{
  grel_grant_keep_alive (self->grant);
}

/**
 * grel_lease_get_name:
 * @self: a lease
 *
 * Gets the name of the lock. May be called from any thread.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
grel_lease_get_name (GrelLease *self)
{
  g_return_val_if_fail (grel_lease_is_granted (self), NULL);

  return grel_grant_get_subject (self->grant).name;
}

/**
 * grel_lease_get_fencing_token:
 * @self: a lease
 *
 * Gets a number that is higher than that of every earlier lease of this lock. Send it along with
 * what you do under the lock, so that whoever receives it can refuse a number lower than one it has
 * seen. May be called from any thread.
 *
 * Returns: the fencing token; from 1 and below 2^53
 *
 * Since: 0.1
 */
gint64
grel_lease_get_fencing_token (GrelLease *self)
{
  g_return_val_if_fail (grel_lease_is_granted (self), 0);

  return self->grant->fence;
}

/**
 * grel_lease_get_deadline:
 * @self: a lease
 *
 * Gets when the lease runs out unless it is extended, as seen from this process: counted from
 * before the store was asked, less a margin. It is a time in microseconds as
 * [method@Grelmicro.Clock.get_monotonic_time] of the app's clock tells it. May be called from any
 * thread.
 *
 * Returns: a time in microseconds
 *
 * Since: 0.1
 */
gint64
grel_lease_get_deadline (GrelLease *self)
{
  g_return_val_if_fail (grel_lease_is_granted (self), 0);

  return grel_grant_get_deadline (self->grant);
}

/**
 * grel_lease_get_cancellable:
 * @self: a lease
 *
 * Gets what is cancelled when the lease is lost, or ends because its backend is closed: before
 * anybody else can hold the lock. Releasing the lease doesn't cancel it. Handlers run on the thread
 * that finds out, as with every cancellable. May be called from any thread.
 *
 * Returns: (transfer none): a cancellable
 *
 * Since: 0.1
 */
GCancellable *
grel_lease_get_cancellable (GrelLease *self)
{
  g_return_val_if_fail (grel_lease_is_granted (self), NULL);

  return grel_grant_get_cancellable (self->grant);
}

/**
 * grel_lease_is_valid:
 * @self: a lease
 *
 * Whether the lock is held by this lease now. It asks no store, only the clock, and is right even
 * in the first instruction after the process was stopped or the machine slept. May be called from
 * any thread.
 *
 * Returns: %TRUE if the lease holds
 *
 * Since: 0.1
 */
gboolean
grel_lease_is_valid (GrelLease *self)
{
  g_return_val_if_fail (grel_lease_is_granted (self), FALSE);

  return grel_grant_is_valid (self->grant);
}

static void
grel_lease_ask_async (GrelLease *self,
                      GrelLockVerb verb,
                      gpointer tag,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  if (!grel_grant_ask (self->grant, verb, task, cancellable, &error))
    g_task_return_error (task, error);
}

/**
 * grel_lease_extend_async:
 * @self: a lease
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Lets the lease run for the lease duration of its lock from now on. It keeps its fencing token.
 * May be called from any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_lease_extend_async (GrelLease *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_return_if_fail (grel_lease_is_granted (self));

  grel_lease_ask_async (self, GREL_LOCK_EXTEND, grel_lease_extend_async, cancellable, callback,
                        user_data);
}

/**
 * grel_lease_extend_finish:
 * @self: a lease
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Lease.extend_async].
 *
 * Sets %GREL_ERROR_NOT_OWNED if the lease was released or lost: it is never taken up again. Sets
 * %GREL_ERROR_CLOSED if its backend was closed, %GREL_ERROR_BACKEND if the store could not be
 * asked.
 *
 * Returns: %TRUE if the lease was extended
 *
 * Since: 0.1
 */
gboolean
grel_lease_extend_finish (GrelLease *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_lease_extend_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_lease_extend_from_thread:
 * @self: a lease
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Extends the lease as [method@Grelmicro.Lease.extend_async] does, from a worker thread, and waits
 * for the answer.
 *
 * Sets the errors of [method@Grelmicro.Lease.extend_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the backend's main context, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if the lease was extended
 *
 * Since: 0.1
 */
gboolean
grel_lease_extend_from_thread (GrelLease *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (grel_lease_is_granted (self), FALSE);

  return grel_grant_ask (self->grant, GREL_LOCK_EXTEND, NULL, cancellable, error);
}

/**
 * grel_lease_release_async:
 * @self: a lease
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the release
 * @callback: (nullable) (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Releases the lock; whoever waits longest gets it at once. A [class@Grelmicro.TaskLock] that was
 * held for less than its min hold duration becomes free when that is over. The lease is invalid
 * from now on, also if the store could not be asked. May be called from any thread; the result
 * arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_lease_release_async (GrelLease *self,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (grel_lease_is_granted (self));

  grel_lease_ask_async (self, GREL_LOCK_RELEASE, grel_lease_release_async, cancellable, callback,
                        user_data);
}

/**
 * grel_lease_release_finish:
 * @self: a lease
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Lease.release_async].
 *
 * Sets %GREL_ERROR_NOT_OWNED if the lease had been released or lost before, %GREL_ERROR_CLOSED if
 * its backend was closed, and %GREL_ERROR_BACKEND if the store could not be asked: then it may be
 * released again.
 *
 * Returns: %TRUE if the lock was released
 *
 * Since: 0.1
 */
gboolean
grel_lease_release_finish (GrelLease *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_lease_release_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_lease_release_from_thread:
 * @self: a lease
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the release
 * @error: return location for an error
 *
 * Releases the lock as [method@Grelmicro.Lease.release_async] does, from a worker thread, and waits
 * for the answer.
 *
 * Sets the errors of [method@Grelmicro.Lease.release_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the backend's main context, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if the lock was released
 *
 * Since: 0.1
 */
gboolean
grel_lease_release_from_thread (GrelLease *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (grel_lease_is_granted (self), FALSE);

  return grel_grant_ask (self->grant, GREL_LOCK_RELEASE, NULL, cancellable, error);
}
