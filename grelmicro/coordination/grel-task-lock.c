/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-task-lock-private.h>

/**
 * GrelTaskLock:
 *
 * A lock for scheduled work, which one of many workers is to do.
 *
 * It never waits: whoever comes second has nothing left to do, and is told
 * %GREL_ERROR_WOULD_BLOCK. It is held for at least
 * [property@Grelmicro.TaskLock:min-hold-duration], however quickly the work is done, so that a
 * worker whose clock is late doesn't do it again. Nobody sleeps for that: the lease that is
 * released early is shortened to what is missing and runs out at the store, also if the program
 * ends. Nobody gets in before, the worker that held it last included.
 *
 * Its lease is not extended by itself. Choose a [property@Grelmicro.TaskLock:lease-duration] that
 * is longer than the work takes, or call [method@Grelmicro.Lease.extend_async] in between. A task
 * lock and a [class@Grelmicro.Lock] of one name are two locks. As with any lock, making one does no
 * I/O and never fails. May be used from any thread.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (GrelTaskLock, grel_task_lock, G_TYPE_OBJECT)

enum
{
  PROP_NAME = 1,
  PROP_BACKEND,
  PROP_APP,
  PROP_MIN_HOLD_DURATION,
  PROP_LEASE_DURATION,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

#define GREL_TASK_LOCK_RW (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
grel_task_lock_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GrelTaskLock *self = GREL_TASK_LOCK (object);

  switch (id)
    {
    case PROP_NAME:
      g_value_set_string (value, grel_task_lock_get_name (self));
      break;
    case PROP_BACKEND:
      g_value_set_object (value, grel_task_lock_get_backend (self));
      break;
    case PROP_APP:
      g_value_set_object (value, grel_task_lock_get_app (self));
      break;
    case PROP_MIN_HOLD_DURATION:
      g_value_set_int64 (value, grel_task_lock_get_min_hold_duration (self));
      break;
    case PROP_LEASE_DURATION:
      g_value_set_int64 (value, grel_task_lock_get_lease_duration (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_task_lock_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GrelTaskLock *self = GREL_TASK_LOCK (object);

  switch (id)
    {
    case PROP_NAME:
      grel_lock_base_set_name (&self->base, g_value_get_string (value));
      break;
    case PROP_BACKEND:
      grel_task_lock_set_backend (self, g_value_get_object (value));
      break;
    case PROP_APP:
      grel_task_lock_set_app (self, g_value_get_object (value));
      break;
    case PROP_MIN_HOLD_DURATION:
      grel_task_lock_set_min_hold_duration (self, g_value_get_int64 (value));
      break;
    case PROP_LEASE_DURATION:
      grel_task_lock_set_lease_duration (self, g_value_get_int64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_task_lock_finalize (GObject *object)
{
  grel_lock_base_clear (&GREL_TASK_LOCK (object)->base);

  G_OBJECT_CLASS (grel_task_lock_parent_class)->finalize (object);
}

static void
grel_task_lock_install_properties (GObjectClass *object_class)
{
  /**
   * GrelTaskLock:name: (getter get_name)
   *
   * The name of the task lock: 1 to 200 of the characters `A-Z a-z 0-9 . _ : / -`, the first a
   * letter or digit.
   *
   * Since: 0.1
   */
  properties[PROP_NAME]
    = g_param_spec_string ("name", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * GrelTaskLock:backend: (getter get_backend) (setter set_backend)
   *
   * The backend that remembers who holds the task lock; %NULL finds one in an app at each use.
   *
   * Since: 0.1
   */
  properties[PROP_BACKEND]
    = g_param_spec_object ("backend", NULL, NULL, GREL_TYPE_LOCK_BACKEND, GREL_TASK_LOCK_RW);

  /**
   * GrelTaskLock:app: (getter get_app) (setter set_app)
   *
   * The app to find the backend in; %NULL finds the app, too, at each use.
   *
   * Since: 0.1
   */
  properties[PROP_APP] = g_param_spec_object ("app", NULL, NULL, GREL_TYPE_APP, GREL_TASK_LOCK_RW);

  /**
   * GrelTaskLock:min-hold-duration: (getter get_min_hold_duration) (setter set_min_hold_duration)
   *
   * For how long at least it is held after it was acquired, in microseconds. Choose more than the
   * clocks of the workers are apart, and less than the time until the work is due again.
   *
   * Since: 0.1
   */
  properties[PROP_MIN_HOLD_DURATION]
    = g_param_spec_int64 ("min-hold-duration", NULL, NULL, G_MININT64, G_MAXINT64,
                          grel_task_lock_kind.defaults.min_hold_duration, GREL_TASK_LOCK_RW);

  /**
   * GrelTaskLock:lease-duration: (getter get_lease_duration) (setter set_lease_duration)
   *
   * How long a lease runs unless it is extended, in microseconds: at least as long as the
   * min-hold-duration.
   *
   * Since: 0.1
   */
  properties[PROP_LEASE_DURATION]
    = g_param_spec_int64 ("lease-duration", NULL, NULL, G_MININT64, G_MAXINT64,
                          grel_task_lock_kind.defaults.lease_duration, GREL_TASK_LOCK_RW);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
grel_task_lock_class_init (GrelTaskLockClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = grel_task_lock_get_property;
  object_class->set_property = grel_task_lock_set_property;
  object_class->finalize = grel_task_lock_finalize;

  grel_task_lock_install_properties (object_class);
}

static void
grel_task_lock_init (GrelTaskLock *self)
{
  grel_lock_base_init (&self->base, &grel_task_lock_kind);
}

/**
 * grel_task_lock_new:
 * @name: (nullable): the name of the task lock
 *
 * Makes a task lock. It does no I/O and never fails; a name that is not acceptable makes each
 * operation fail. May be called from any thread.
 *
 * Returns: (transfer full): a new task lock
 *
 * Since: 0.1
 */
GrelTaskLock *
grel_task_lock_new (const char *name)
{
  return g_object_new (GREL_TYPE_TASK_LOCK, "name", name, NULL);
}

/**
 * grel_task_lock_get_name: (get-property name)
 * @self: a task lock
 *
 * Gets the name of the task lock. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the name, as it was given
 *
 * Since: 0.1
 */
const char *
grel_task_lock_get_name (GrelTaskLock *self)
{
  g_return_val_if_fail (GREL_IS_TASK_LOCK (self), NULL);

  return self->base.name;
}

/**
 * grel_task_lock_get_backend: (get-property backend)
 * @self: a task lock
 *
 * Gets the backend that was set. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the backend; %NULL if the task lock finds one in an app
 *
 * Since: 0.1
 */
GrelLockBackend *
grel_task_lock_get_backend (GrelTaskLock *self)
{
  GrelLockBackend *value;

  g_return_val_if_fail (GREL_IS_TASK_LOCK (self), NULL);

  grel_primitive_read (&self->base.primitive, &self->base.primitive.backend, &value, sizeof value);
  return value;
}

/**
 * grel_task_lock_set_backend: (set-property backend)
 * @self: a task lock
 * @backend: (nullable): a lock backend, %NULL to find one in an app at each use
 *
 * Sets the backend. It applies to the next operation. Call it before the task lock is shared
 * between threads.
 *
 * Since: 0.1
 */
void
grel_task_lock_set_backend (GrelTaskLock *self, GrelLockBackend *backend)
{
  g_return_if_fail (GREL_IS_TASK_LOCK (self));
  g_return_if_fail (backend == NULL || GREL_IS_LOCK_BACKEND (backend));

  if (grel_primitive_write_object (&self->base.primitive, &self->base.primitive.backend, backend))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BACKEND]);
}

/**
 * grel_task_lock_get_app: (get-property app)
 * @self: a task lock
 *
 * Gets the app that was set. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the app; %NULL if the task lock finds one
 *
 * Since: 0.1
 */
GrelApp *
grel_task_lock_get_app (GrelTaskLock *self)
{
  GrelApp *value;

  g_return_val_if_fail (GREL_IS_TASK_LOCK (self), NULL);

  grel_primitive_read (&self->base.primitive, &self->base.primitive.app, &value, sizeof value);
  return value;
}

/**
 * grel_task_lock_set_app: (set-property app)
 * @self: a task lock
 * @app: (nullable): an app, %NULL to find one at each use
 *
 * Sets the app. It applies to the next operation. Call it before the task lock is shared between
 * threads.
 *
 * Since: 0.1
 */
void
grel_task_lock_set_app (GrelTaskLock *self, GrelApp *app)
{
  g_return_if_fail (GREL_IS_TASK_LOCK (self));
  g_return_if_fail (app == NULL || GREL_IS_APP (app));

  if (grel_primitive_write_object (&self->base.primitive, &self->base.primitive.app, app))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_APP]);
}

/**
 * grel_task_lock_get_min_hold_duration: (get-property min-hold-duration)
 * @self: a task lock
 *
 * Gets for how long at least it is held after it was acquired. May be called from any thread.
 *
 * Returns: a time span in microseconds
 *
 * Since: 0.1
 */
GTimeSpan
grel_task_lock_get_min_hold_duration (GrelTaskLock *self)
{
  GTimeSpan value;

  g_return_val_if_fail (GREL_IS_TASK_LOCK (self), 0);

  grel_primitive_read (&self->base.primitive, &self->base.settings.min_hold_duration, &value,
                       sizeof value);
  return value;
}

/**
 * grel_task_lock_set_min_hold_duration: (set-property min-hold-duration)
 * @self: a task lock
 * @min_hold_duration: a time span in microseconds; more than 0 and at most the lease duration
 *
 * Sets for how long at least it is held after it was acquired. It applies to the next operation.
 * May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_task_lock_set_min_hold_duration (GrelTaskLock *self, GTimeSpan min_hold_duration)
{
  g_return_if_fail (GREL_IS_TASK_LOCK (self));

  if (grel_primitive_write (&self->base.primitive, &self->base.settings.min_hold_duration,
                            &min_hold_duration, sizeof min_hold_duration))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MIN_HOLD_DURATION]);
}

/**
 * grel_task_lock_get_lease_duration: (get-property lease-duration)
 * @self: a task lock
 *
 * Gets how long a lease runs unless it is extended. May be called from any thread.
 *
 * Returns: a time span in microseconds
 *
 * Since: 0.1
 */
GTimeSpan
grel_task_lock_get_lease_duration (GrelTaskLock *self)
{
  GTimeSpan value;

  g_return_val_if_fail (GREL_IS_TASK_LOCK (self), 0);

  grel_primitive_read (&self->base.primitive, &self->base.settings.lease_duration, &value,
                       sizeof value);
  return value;
}

/**
 * grel_task_lock_set_lease_duration: (set-property lease-duration)
 * @self: a task lock
 * @lease_duration: a time span in microseconds; at least the min hold duration
 *
 * Sets how long a lease runs unless it is extended. It applies to the next operation. May be called
 * from any thread.
 *
 * Since: 0.1
 */
void
grel_task_lock_set_lease_duration (GrelTaskLock *self, GTimeSpan lease_duration)
{
  g_return_if_fail (GREL_IS_TASK_LOCK (self));

  if (grel_primitive_write (&self->base.primitive, &self->base.settings.lease_duration,
                            &lease_duration, sizeof lease_duration))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LEASE_DURATION]);
}
