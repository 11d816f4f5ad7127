/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error-private.h>
#include <grelmicro/core/grel-operation.h>

/**
 * GrelOperation:
 *
 * An asynchronous piece of the user's work that a primitive may start, once or several times.
 *
 * Make one from a function with [ctor@Grelmicro.Operation.new], or derive a class that implements
 * `start`. An operation starts in the thread-default context of the caller who runs it; its closure
 * is freed in that of the caller who made it.
 *
 * Since: 0.1
 */
typedef struct
{
  GrelOperationFunc func;
  gpointer func_data;
  GDestroyNotify func_destroy;
  GMainContext *context;
} GrelOperationPrivate;

G_DEFINE_TYPE_WITH_PRIVATE (GrelOperation, grel_operation, G_TYPE_OBJECT)

static const GrelSubject grel_operation_subject = { "operation", NULL };

static void
grel_operation_start_func (GrelOperation *self, GTask *task)
{
  GrelOperationPrivate *priv = grel_operation_get_instance_private (self);

  if (priv->func != NULL)
    priv->func (task, priv->func_data);
  else
    g_task_return_error (task, grel_error_new (GREL_ERROR_SETTINGS, grel_operation_subject,
                                               "start: must be implemented"));
}

static gboolean
grel_operation_free_nothing (gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* A garbage collector finalizes on any thread, and a closure belongs to its context. */
static void
grel_operation_free_closure (GrelOperationPrivate *priv)
{
  g_autoptr (GSource) source = NULL;

  if (priv->func_destroy == NULL)
    return;
  if (g_main_context_is_owner (priv->context))
    {
      priv->func_destroy (priv->func_data);
      return;
    }

  source = g_idle_source_new ();
  g_source_set_callback (source, grel_operation_free_nothing, priv->func_data, priv->func_destroy);
  g_source_attach (source, priv->context);
}

static void
grel_operation_finalize (GObject *object)
{
  GrelOperationPrivate *priv = grel_operation_get_instance_private (GREL_OPERATION (object));

  grel_operation_free_closure (priv);
  g_main_context_unref (priv->context);

  G_OBJECT_CLASS (grel_operation_parent_class)->finalize (object);
}

static void
grel_operation_class_init (GrelOperationClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = grel_operation_finalize;
  klass->start = grel_operation_start_func;
}

static void
grel_operation_init (GrelOperation *self)
{
  GrelOperationPrivate *priv = grel_operation_get_instance_private (self);

  priv->context = g_main_context_ref_thread_default ();
}

/**
 * grel_operation_new:
 * @func: (scope notified) (closure func_data) (destroy func_destroy): starts the work
 * @func_data: passed to @func
 * @func_destroy: (nullable): frees @func_data
 *
 * Makes an operation from a function. @func runs in the thread-default context of the caller who
 * runs the operation, and @func_data is freed in the one that is thread-default now.
 *
 * Returns: (transfer full): a new operation
 *
 * Since: 0.1
 */
GrelOperation *
grel_operation_new (GrelOperationFunc func, gpointer func_data, GDestroyNotify func_destroy)
{
  GrelOperation *self;
  GrelOperationPrivate *priv;

  g_return_val_if_fail (func != NULL, NULL);

  self = g_object_new (GREL_TYPE_OPERATION, NULL);
  priv = grel_operation_get_instance_private (self);
  priv->func = func;
  priv->func_data = func_data;
  priv->func_destroy = func_destroy;
  return self;
}

static gboolean
grel_operation_return_dropped (gpointer data)
{
  g_task_return_error (data, grel_error_new (GREL_ERROR_BACKEND, grel_operation_subject,
                                             "its task was dropped without a result"));
  return G_SOURCE_REMOVE;
}

/* If the inner task left without a result, the caller's task gets one; later, because a callback
 * must not run from a finalizer. */
static void
grel_operation_task_gone (gpointer data, GObject *inner)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GSource) source = NULL;

  if (g_task_get_completed (task) || g_task_get_task_data (task) != NULL)
    return;

  source = g_idle_source_new ();
  g_source_set_callback (source, grel_operation_return_dropped, g_object_ref (task),
                         g_object_unref);
  g_source_attach (source, g_task_get_context (task));
}

static void
grel_operation_free_value (gpointer data)
{
  g_boxed_free (G_TYPE_VALUE, data);
}

static void
grel_operation_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data; /* alive until the inner task is gone */
  g_auto (GValue) value = G_VALUE_INIT;
  GError *error = NULL;

  g_task_set_task_data (task, GINT_TO_POINTER (TRUE), NULL); /* it did leave a result */
  if (g_task_propagate_value (G_TASK (result), &value, &error))
    g_task_return_pointer (task, g_boxed_copy (G_TYPE_VALUE, &value), grel_operation_free_value);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_error (task, grel_error_new (GREL_ERROR_BACKEND, grel_operation_subject,
                                               "its task was completed without a value"));
}

/**
 * grel_operation_run_async:
 * @self: an operation
 * @cancellable: (nullable): tells the work that its result is no longer wanted
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Starts the work, at once and on the calling thread. A task that is dropped without a result fails
 * with %GREL_ERROR_BACKEND. The result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_operation_run_async (GrelOperation *self,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GTask) inner = NULL;

  g_return_if_fail (GREL_IS_OPERATION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, grel_operation_run_async);
  if (g_task_return_error_if_cancelled (task))
    return;

  inner = g_task_new (self, cancellable, grel_operation_ready, task);
  g_task_set_source_tag (inner, grel_operation_run_async);
  g_object_weak_ref (G_OBJECT (inner), grel_operation_task_gone, g_object_ref (task));
  GREL_OPERATION_GET_CLASS (self)->start (self, inner);
}

/**
 * grel_operation_run_finish:
 * @self: an operation
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Operation.run_async].
 *
 * Sets the error of the work, %G_IO_ERROR_CANCELLED, or %GREL_ERROR_BACKEND if the work dropped its
 * task.
 *
 * Returns: (transfer full): what the work returned
 *
 * Since: 0.1
 */
GValue *
grel_operation_run_finish (GrelOperation *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_operation_run_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
