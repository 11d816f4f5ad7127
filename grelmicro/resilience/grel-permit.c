/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/resilience/grel-permit-private.h>

/**
 * GrelPermit:
 *
 * Proof that a circuit breaker admitted a call.
 *
 * Complete it exactly once: with [method@Grelmicro.Permit.succeed_async] or
 * [method@Grelmicro.Permit.fail_async], or, if nothing is known of the dependency, with
 * [method@Grelmicro.Permit.abandon]; dropping the last reference abandons it too. The outcome is
 * judged by the settings of the circuit breaker as they were when the call was admitted. May be
 * used from any thread.
 *
 * Since: 0.1
 */
struct _GrelPermit
{
  GObject parent_instance;

  GrelAdmission *admission;
};

G_DEFINE_FINAL_TYPE (GrelPermit, grel_permit, G_TYPE_OBJECT)

/* A script may make one with g_object_new (), for nothing. */
static gboolean
grel_permit_is_given (GrelPermit *self)
{
  return GREL_IS_PERMIT (self) && self->admission != NULL;
}

static void
grel_permit_finalize (GObject *object)
{
  GrelPermit *self = GREL_PERMIT (object);

  if (self->admission != NULL)
    {
      grel_admission_abandon (self->admission);
      grel_admission_unref (self->admission);
    }

  G_OBJECT_CLASS (grel_permit_parent_class)->finalize (object);
}

static void
grel_permit_class_init (GrelPermitClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = grel_permit_finalize;
}

static void
grel_permit_init (GrelPermit *self)
{
}

GrelPermit *
grel_permit_new (GrelAdmission *admission)
{
  GrelPermit *self = g_object_new (GREL_TYPE_PERMIT, NULL);

  self->admission = admission;
  return self;
}

/**
 * grel_permit_get_name:
 * @self: a permit
 *
 * Gets the name of the circuit breaker. May be called from any thread.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
grel_permit_get_name (GrelPermit *self)
{
  g_return_val_if_fail (grel_permit_is_given (self), NULL);

  return grel_circuit_subject_for_key (self->admission->circuit->key).name;
}

void
grel_permit_complete_async (GrelPermit *self,
                            gboolean succeeded,
                            const GError *reason,
                            gpointer tag,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  if (!grel_admission_complete (self->admission, succeeded, reason, task, cancellable, &error))
    g_task_return_error (task, error);
}

/**
 * grel_permit_succeed_async:
 * @self: a permit
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the recording
 * @callback: (nullable) (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Records that the call succeeded. The permit is spent from now on. May be called from any thread;
 * the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_permit_succeed_async (GrelPermit *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_return_if_fail (grel_permit_is_given (self));

  grel_permit_complete_async (self, TRUE, NULL, grel_permit_succeed_async, cancellable, callback,
                              user_data);
}

/**
 * grel_permit_succeed_finish:
 * @self: a permit
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Permit.succeed_async].
 *
 * Sets %GREL_ERROR_NOT_OWNED if the permit was completed before, %GREL_ERROR_CLOSED if its backend
 * was closed, %GREL_ERROR_NOT_OPEN if it was given in another process, before a `fork ()`, and
 * %GREL_ERROR_BACKEND if the store could not be told: the outcome is lost then, and a slot that the
 * call took expires by itself. Sets %G_IO_ERROR_CANCELLED if nobody waited any more: the outcome is
 * recorded nonetheless.
 *
 * Returns: %TRUE if the outcome was recorded
 *
 * Since: 0.1
 */
gboolean
grel_permit_succeed_finish (GrelPermit *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_permit_succeed_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_permit_succeed_from_thread:
 * @self: a permit
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the recording
 * @error: return location for an error
 *
 * Records that the call succeeded, from a worker thread, and waits until that is done.
 *
 * Sets the errors of [method@Grelmicro.Permit.succeed_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the backend's main context, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if the outcome was recorded
 *
 * Since: 0.1
 */
gboolean
grel_permit_succeed_from_thread (GrelPermit *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (grel_permit_is_given (self), FALSE);

  return grel_admission_complete (self->admission, TRUE, NULL, NULL, cancellable, error);
}

/**
 * grel_permit_fail_async:
 * @self: a permit
 * @reason: the error that the call ended with
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the recording
 * @callback: (nullable) (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Records that the call failed. The permit is spent from now on.
 *
 * %G_IO_ERROR_CANCELLED, and the other errors of which [func@Grelmicro.Error.is_outcome] says so,
 * count as no outcome: they say nothing of the dependency. One that the circuit breaker ignores
 * counts as a success, and a refusal ([func@Grelmicro.Error.is_refusal]) that it doesn't ignore as
 * no outcome. May be called from any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_permit_fail_async (GrelPermit *self,
                        const GError *reason,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_return_if_fail (grel_permit_is_given (self));
  g_return_if_fail (reason != NULL);

  grel_permit_complete_async (self, FALSE, reason, grel_permit_fail_async, cancellable, callback,
                              user_data);
}

/**
 * grel_permit_fail_finish:
 * @self: a permit
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Permit.fail_async].
 *
 * Sets the errors of [method@Grelmicro.Permit.succeed_finish].
 *
 * Returns: %TRUE if the outcome was recorded
 *
 * Since: 0.1
 */
gboolean
grel_permit_fail_finish (GrelPermit *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_permit_fail_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_permit_fail_from_thread:
 * @self: a permit
 * @reason: the error that the call ended with
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the recording
 * @error: return location for an error
 *
 * Records that the call failed, as [method@Grelmicro.Permit.fail_async] does, from a worker thread,
 * and waits until that is done.
 *
 * Sets the errors of [method@Grelmicro.Permit.succeed_from_thread].
 *
 * Returns: %TRUE if the outcome was recorded
 *
 * Since: 0.1
 */
gboolean
grel_permit_fail_from_thread (GrelPermit *self,
                              const GError *reason,
                              GCancellable *cancellable,
                              GError **error)
{
  g_return_val_if_fail (grel_permit_is_given (self), FALSE);
  g_return_val_if_fail (reason != NULL, FALSE);

  return grel_admission_complete (self->admission, FALSE, reason, NULL, cancellable, error);
}

/**
 * grel_permit_abandon:
 * @self: a permit
 *
 * Completes the call without an outcome: a slot that it took is given back, and nothing counts.
 * Does nothing if the permit was completed before. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_permit_abandon (GrelPermit *self)
{
  g_return_if_fail (grel_permit_is_given (self));

  grel_admission_abandon (self->admission);
}
