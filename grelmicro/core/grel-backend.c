/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-enums.h>
#include <grelmicro/core/grel-lifecycle-private.h>
#include <grelmicro/core/grel-task-private.h>

/**
 * GrelBackend:
 *
 * The shared state behind one kind of primitive.
 *
 * There is an abstract class for each kind, such as [class@Grelmicro.LockBackend], and an adapter
 * for each store, such as [class@Grelmicro.MemoryLockAdapter]. A backend captures the
 * thread-default main context when it is opened and works there until it is closed. Usually an app
 * opens and closes it; without an app, do so yourself. An open backend is kept alive until it is
 * closed.
 *
 * Since: 0.1
 */
typedef struct
{
  GrelPart *part;
  GrelScope scope; /* as it was when opened */
} GrelBackendPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GrelBackend, grel_backend, G_TYPE_OBJECT)

enum
{
  PROP_CLOCK = 1,
  PROP_PATIENCE,
  PROP_IS_OPEN,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

GrelPart *
grel_backend_get_part (GrelBackend *self)
{
  return ((GrelBackendPrivate *) grel_backend_get_instance_private (self))->part;
}

GrelScope
grel_backend_get_open_scope (GrelBackend *self)
{
  return ((GrelBackendPrivate *) grel_backend_get_instance_private (self))->scope;
}

static GrelScope
grel_backend_real_get_scope (GrelBackend *self)
{
  return GREL_SCOPE_UNDECLARED;
}

static void
grel_backend_do_nothing (GrelBackend *self, GTask *task)
{
  g_task_return_boolean (task, TRUE);
}

/* A script that says the scope must not be asked under a mutex: this is the time to ask. */
static void
grel_backend_run_open (GObject *object, GTask *task)
{
  GrelBackendPrivate *priv = grel_backend_get_instance_private (GREL_BACKEND (object));

  priv->scope = grel_backend_get_scope (GREL_BACKEND (object));
  GREL_BACKEND_GET_CLASS (object)->open (GREL_BACKEND (object), task);
}

static void
grel_backend_run_close (GObject *object, GTask *task)
{
  GREL_BACKEND_GET_CLASS (object)->close (GREL_BACKEND (object), task);
}

static void
grel_backend_constructed (GObject *object)
{
  grel_backend_get_part (GREL_BACKEND (object))->subject.name = G_OBJECT_TYPE_NAME (object);

  G_OBJECT_CLASS (grel_backend_parent_class)->constructed (object);
}

static void
grel_backend_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GrelBackend *self = GREL_BACKEND (object);

  switch (id)
    {
    case PROP_CLOCK:
      g_value_set_object (value, grel_backend_get_clock (self));
      break;
    case PROP_PATIENCE:
      g_value_set_int64 (value, grel_backend_get_patience (self));
      break;
    case PROP_IS_OPEN:
      g_value_set_boolean (value, grel_backend_get_is_open (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_backend_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GrelBackend *self = GREL_BACKEND (object);

  switch (id)
    {
    case PROP_CLOCK:
      grel_backend_set_clock (self, g_value_get_object (value));
      break;
    case PROP_PATIENCE:
      grel_backend_set_patience (self, g_value_get_int64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_backend_finalize (GObject *object)
{
  grel_part_unref (grel_backend_get_part (GREL_BACKEND (object)));

  G_OBJECT_CLASS (grel_backend_parent_class)->finalize (object);
}

static void
grel_backend_class_init (GrelBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = grel_backend_constructed;
  object_class->get_property = grel_backend_get_property;
  object_class->set_property = grel_backend_set_property;
  object_class->finalize = grel_backend_finalize;
  klass->get_scope = grel_backend_real_get_scope;
  klass->open = grel_backend_do_nothing;
  klass->close = grel_backend_do_nothing;

  /**
   * GrelBackend:clock: (getter get_clock) (setter set_clock)
   *
   * The clock that the backend goes by; %NULL sets the real one.
   *
   * Since: 0.1
   */
  properties[PROP_CLOCK]
    = g_param_spec_object ("clock", NULL, NULL, GREL_TYPE_CLOCK,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * GrelBackend:patience: (getter get_patience) (setter set_patience)
   *
   * How long, in microseconds, a thread waits for a main context that nobody runs.
   *
   * Since: 0.1
   */
  properties[PROP_PATIENCE]
    = g_param_spec_int64 ("patience", NULL, NULL, G_MININT64, G_MAXINT64, GREL_DEFAULT_PATIENCE,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * GrelBackend:is-open: (getter get_is_open)
   *
   * Whether the backend is open.
   *
   * Since: 0.1
   */
  properties[PROP_IS_OPEN] = g_param_spec_boolean ("is-open", NULL, NULL, FALSE,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
grel_backend_init (GrelBackend *self)
{
  GrelBackendPrivate *priv = grel_backend_get_instance_private (self);

  priv->part
    = grel_part_new (G_OBJECT (self), "backend", grel_backend_run_open, grel_backend_run_close);
}

GType
grel_backend_get_kind (GrelBackend *self)
{
  GType kind = G_OBJECT_TYPE (self);

  while (g_type_parent (kind) != GREL_TYPE_BACKEND)
    kind = g_type_parent (kind);
  return kind;
}

static G_DEFINE_QUARK (grel-backend-required-scope, grel_backend_required_scope);

void
grel_backend_class_require_scope (GrelBackendClass *klass, GrelScope scope)
{
  g_type_set_qdata (G_TYPE_FROM_CLASS (klass), grel_backend_required_scope_quark (),
                    GUINT_TO_POINTER (scope));
}

GrelScope
grel_backend_kind_get_required_scope (GType kind)
{
  return GPOINTER_TO_UINT (g_type_get_qdata (kind, grel_backend_required_scope_quark ()));
}

/**
 * grel_backend_get_scope: (virtual get_scope)
 * @self: a backend
 *
 * Gets how far the state of the backend is shared. May be called from any thread.
 *
 * Returns: the scope
 *
 * Since: 0.1
 */
GrelScope
grel_backend_get_scope (GrelBackend *self)
{
  g_return_val_if_fail (GREL_IS_BACKEND (self), GREL_SCOPE_UNDECLARED);

  return GREL_BACKEND_GET_CLASS (self)->get_scope (self);
}

/**
 * grel_backend_get_is_open: (get-property is-open)
 * @self: a backend
 *
 * Gets whether the backend is open. May be called from any thread.
 *
 * Returns: %TRUE from when it has opened until it begins to close
 *
 * Since: 0.1
 */
gboolean
grel_backend_get_is_open (GrelBackend *self)
{
  g_return_val_if_fail (GREL_IS_BACKEND (self), FALSE);

  return grel_part_is_open (grel_backend_get_part (self));
}

/**
 * grel_backend_ref_main_context:
 * @self: a backend
 *
 * Gets the main context that the backend captured when it was opened. May be called from any
 * thread.
 *
 * Returns: (transfer full) (nullable): the context; %NULL before it is opened and after it is
 * closed
 *
 * Since: 0.1
 */
GMainContext *
grel_backend_ref_main_context (GrelBackend *self)
{
  g_return_val_if_fail (GREL_IS_BACKEND (self), NULL);

  return grel_part_ref_context (grel_backend_get_part (self));
}

/**
 * grel_backend_get_clock: (get-property clock)
 * @self: a backend
 *
 * Gets the clock that the backend, and every adapter of it, goes by. May be called from any thread.
 *
 * Returns: (transfer none): the clock
 *
 * Since: 0.1
 */
GrelClock *
grel_backend_get_clock (GrelBackend *self)
{
  g_return_val_if_fail (GREL_IS_BACKEND (self), NULL);

  return grel_part_get_clock (grel_backend_get_part (self));
}

/**
 * grel_backend_set_clock: (set-property clock)
 * @self: a backend
 * @clock: (nullable): a clock, %NULL for the real one
 *
 * Sets the clock that the backend goes by. An app does this for its backends. Does nothing while
 * the backend is open. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_backend_set_clock (GrelBackend *self, GrelClock *clock)
{
  g_return_if_fail (GREL_IS_BACKEND (self));
  g_return_if_fail (clock == NULL || GREL_IS_CLOCK (clock));

  if (grel_part_set_clock (grel_backend_get_part (self), clock))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLOCK]);
}

/**
 * grel_backend_get_patience: (get-property patience)
 * @self: a backend
 *
 * Gets how long a thread waits for a main context that nobody runs, in microseconds. May be called
 * from any thread.
 *
 * Returns: a time span in microseconds
 *
 * Since: 0.1
 */
GTimeSpan
grel_backend_get_patience (GrelBackend *self)
{
  g_return_val_if_fail (GREL_IS_BACKEND (self), 0);

  return grel_part_get_patience (grel_backend_get_part (self));
}

/**
 * grel_backend_set_patience: (set-property patience)
 * @self: a backend
 * @patience: a time span in microseconds; more than 0
 *
 * Sets how long a `from_thread` call waits for a main context that nobody runs before it fails with
 * %GREL_ERROR_LOOP_NOT_RUNNING. An app does this for its backends. Call it before the backend is
 * opened; a patience of 0 or less makes the opening fail with %GREL_ERROR_SETTINGS.
 *
 * Since: 0.1
 */
void
grel_backend_set_patience (GrelBackend *self, GTimeSpan patience)
{
  g_return_if_fail (GREL_IS_BACKEND (self));

  if (grel_part_set_patience (grel_backend_get_part (self), patience))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PATIENCE]);
}

/**
 * grel_backend_open_async:
 * @self: a backend
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called when the backend is open
 * @user_data: passed to @callback
 *
 * Opens the backend on the thread-default main context of the caller, which it captures: that
 * context has to run. Not needed for a backend that an app uses.
 *
 * Since: 0.1
 */
void
grel_backend_open_async (GrelBackend *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (GREL_IS_BACKEND (self));

  task = grel_task_new (self, cancellable, callback, user_data, grel_backend_open_async);
  grel_part_open_async (grel_backend_get_part (self), task);
}

/**
 * grel_backend_open_finish:
 * @self: a backend
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Backend.open_async].
 *
 * Sets %GREL_ERROR_SETTINGS if the backend was open already, or what the store reported.
 *
 * Returns: %TRUE if the backend is open
 *
 * Since: 0.1
 */
gboolean
grel_backend_open_finish (GrelBackend *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_backend_open_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_backend_close_async:
 * @self: a backend
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the closing
 * @callback: (scope async) (closure user_data): called when the backend is closed
 * @user_data: passed to @callback
 *
 * Closes the backend. Everything granted through it ends, and every call that waits for it fails
 * with %GREL_ERROR_CLOSED, before this function returns. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_backend_close_async (GrelBackend *self,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (GREL_IS_BACKEND (self));

  task = grel_task_new (self, cancellable, callback, user_data, grel_backend_close_async);
  grel_part_close_async (grel_backend_get_part (self), task);
}

/**
 * grel_backend_close_finish:
 * @self: a backend
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Backend.close_async].
 *
 * Sets %GREL_ERROR_NOT_OPEN or %GREL_ERROR_CLOSED if it wasn't open, or what the store reported; it
 * is closed all the same.
 *
 * Returns: %TRUE if the backend closed without an error
 *
 * Since: 0.1
 */
gboolean
grel_backend_close_finish (GrelBackend *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_backend_close_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_backend_close_from_thread:
 * @self: a backend
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the closing
 * @error: return location for an error
 *
 * Closes the backend from a thread that doesn't run its main context, and waits until it is closed.
 *
 * Sets the errors of [method@Grelmicro.Backend.close_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the captured context, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if the backend closed without an error
 *
 * Since: 0.1
 */
gboolean
grel_backend_close_from_thread (GrelBackend *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (GREL_IS_BACKEND (self), FALSE);

  return grel_part_close_from_thread (grel_backend_get_part (self), cancellable, error);
}
