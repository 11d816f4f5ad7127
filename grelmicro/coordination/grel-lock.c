/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lock-private.h>

/**
 * GrelLock:
 *
 * A named lock that at most one holder has at a time.
 *
 * What holds it is a [class@Grelmicro.Lease]. Waiters are served in the order they came, and a
 * release wakes the next one at once. Two lock objects of one name on one backend are one lock. A
 * lock may be made before the app that it finds its backend in; making one does no I/O and never
 * fails: a setting that is not acceptable makes each operation fail with %GREL_ERROR_SETTINGS. May
 * be used from any thread.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (GrelLock, grel_lock, G_TYPE_OBJECT)

enum
{
  PROP_NAME = 1,
  PROP_BACKEND,
  PROP_APP,
  PROP_LEASE_DURATION,
  PROP_RETRY_INTERVAL,
  PROP_RETRY_JITTER,
  PROP_AUTO_EXTEND,
  PROP_MAX_HOLD_DURATION,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

#define GREL_LOCK_RW (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
grel_lock_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GrelLock *self = GREL_LOCK (object);

  switch (id)
    {
    case PROP_NAME:
      g_value_set_string (value, grel_lock_get_name (self));
      break;
    case PROP_BACKEND:
      g_value_set_object (value, grel_lock_get_backend (self));
      break;
    case PROP_APP:
      g_value_set_object (value, grel_lock_get_app (self));
      break;
    case PROP_LEASE_DURATION:
      g_value_set_int64 (value, grel_lock_get_lease_duration (self));
      break;
    case PROP_RETRY_INTERVAL:
      g_value_set_int64 (value, grel_lock_get_retry_interval (self));
      break;
    case PROP_RETRY_JITTER:
      g_value_set_double (value, grel_lock_get_retry_jitter (self));
      break;
    case PROP_AUTO_EXTEND:
      g_value_set_boolean (value, grel_lock_get_auto_extend (self));
      break;
    case PROP_MAX_HOLD_DURATION:
      g_value_set_int64 (value, grel_lock_get_max_hold_duration (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_lock_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GrelLock *self = GREL_LOCK (object);

  switch (id)
    {
    case PROP_NAME:
      grel_lock_base_set_name (&self->base, g_value_get_string (value));
      break;
    case PROP_BACKEND:
      grel_lock_set_backend (self, g_value_get_object (value));
      break;
    case PROP_APP:
      grel_lock_set_app (self, g_value_get_object (value));
      break;
    case PROP_LEASE_DURATION:
      grel_lock_set_lease_duration (self, g_value_get_int64 (value));
      break;
    case PROP_RETRY_INTERVAL:
      grel_lock_set_retry_interval (self, g_value_get_int64 (value));
      break;
    case PROP_RETRY_JITTER:
      grel_lock_set_retry_jitter (self, g_value_get_double (value));
      break;
    case PROP_AUTO_EXTEND:
      grel_lock_set_auto_extend (self, g_value_get_boolean (value));
      break;
    case PROP_MAX_HOLD_DURATION:
      grel_lock_set_max_hold_duration (self, g_value_get_int64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_lock_finalize (GObject *object)
{
  GrelLock *self = GREL_LOCK (object);

  grel_lock_base_clear (&self->base);

  G_OBJECT_CLASS (grel_lock_parent_class)->finalize (object);
}

static void
grel_lock_install_wiring (void)
{
  /**
   * GrelLock:name: (getter get_name)
   *
   * The name of the lock: 1 to 200 of the characters `A-Z a-z 0-9 . _ : / -`, the first a letter or
   * digit.
   *
   * Since: 0.1
   */
  properties[PROP_NAME]
    = g_param_spec_string ("name", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * GrelLock:backend: (getter get_backend) (setter set_backend)
   *
   * The backend that remembers who holds the lock; %NULL finds one in an app at each use.
   *
   * Since: 0.1
   */
  properties[PROP_BACKEND]
    = g_param_spec_object ("backend", NULL, NULL, GREL_TYPE_LOCK_BACKEND, GREL_LOCK_RW);

  /**
   * GrelLock:app: (getter get_app) (setter set_app)
   *
   * The app to find the backend in; %NULL finds the app, too, at each use.
   *
   * Since: 0.1
   */
  properties[PROP_APP] = g_param_spec_object ("app", NULL, NULL, GREL_TYPE_APP, GREL_LOCK_RW);
}

static void
grel_lock_install_settings (void)
{
  /**
   * GrelLock:lease-duration: (getter get_lease_duration) (setter set_lease_duration)
   *
   * How long a lease runs unless it is extended, in microseconds.
   *
   * Since: 0.1
   */
  properties[PROP_LEASE_DURATION]
    = g_param_spec_int64 ("lease-duration", NULL, NULL, G_MININT64, G_MAXINT64,
                          grel_lock_kind.defaults.lease_duration, GREL_LOCK_RW);

  /**
   * GrelLock:retry-interval: (getter get_retry_interval) (setter set_retry_interval)
   *
   * How often the first waiter asks a store that does not tell of every release, in microseconds.
   *
   * Since: 0.1
   */
  properties[PROP_RETRY_INTERVAL]
    = g_param_spec_int64 ("retry-interval", NULL, NULL, G_MININT64, G_MAXINT64,
                          grel_lock_kind.defaults.retry_interval, GREL_LOCK_RW);

  /**
   * GrelLock:retry-jitter: (getter get_retry_jitter) (setter set_retry_jitter)
   *
   * By which part of itself the retry interval varies at random, up and down.
   *
   * Since: 0.1
   */
  properties[PROP_RETRY_JITTER]
    = g_param_spec_double ("retry-jitter", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE,
                           grel_lock_kind.defaults.retry_jitter, GREL_LOCK_RW);

  /**
   * GrelLock:auto-extend: (getter get_auto_extend) (setter set_auto_extend)
   *
   * Whether a lease is extended for as long as its object lives.
   *
   * Since: 0.1
   */
  properties[PROP_AUTO_EXTEND]
    = g_param_spec_boolean ("auto-extend", NULL, NULL, TRUE, GREL_LOCK_RW);

  /**
   * GrelLock:max-hold-duration: (getter get_max_hold_duration) (setter set_max_hold_duration)
   *
   * For how long after it was acquired a lease is extended automatically, in microseconds; 0 is no
   * bound. The lease runs out then, and no single lease is longer.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_HOLD_DURATION]
    = g_param_spec_int64 ("max-hold-duration", NULL, NULL, G_MININT64, G_MAXINT64, 0, GREL_LOCK_RW);
}

static void
grel_lock_class_init (GrelLockClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = grel_lock_get_property;
  object_class->set_property = grel_lock_set_property;
  object_class->finalize = grel_lock_finalize;

  grel_lock_install_wiring ();
  grel_lock_install_settings ();
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
grel_lock_init (GrelLock *self)
{
  grel_lock_base_init (&self->base, &grel_lock_kind);
}

static void
grel_lock_write (GrelLock *self, gpointer field, gconstpointer value, gsize size, guint property)
{
  if (grel_primitive_write (&self->base.primitive, field, value, size))
    g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

/**
 * grel_lock_new:
 * @name: (nullable): the name of the lock
 *
 * Makes a lock. It does no I/O and never fails; a name that is not acceptable makes each operation
 * fail. May be called from any thread.
 *
 * Returns: (transfer full): a new lock
 *
 * Since: 0.1
 */
GrelLock *
grel_lock_new (const char *name)
{
  return g_object_new (GREL_TYPE_LOCK, "name", name, NULL);
}

/**
 * grel_lock_get_name: (get-property name)
 * @self: a lock
 *
 * Gets the name of the lock. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the name, as it was given
 *
 * Since: 0.1
 */
const char *
grel_lock_get_name (GrelLock *self)
{
  g_return_val_if_fail (GREL_IS_LOCK (self), NULL);

  return self->base.name;
}

/**
 * grel_lock_get_backend: (get-property backend)
 * @self: a lock
 *
 * Gets the backend that was set. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the backend; %NULL if the lock finds one in an app
 *
 * Since: 0.1
 */
GrelLockBackend *
grel_lock_get_backend (GrelLock *self)
{
  GrelLockBackend *value;

  g_return_val_if_fail (GREL_IS_LOCK (self), NULL);

  grel_primitive_read (&self->base.primitive, &self->base.primitive.backend, &value, sizeof value);
  return value;
}

/**
 * grel_lock_set_backend: (set-property backend)
 * @self: a lock
 * @backend: (nullable): a lock backend, %NULL to find one in an app at each use
 *
 * Sets the backend that was set. It applies to the next operation. Call it before the lock is
 * shared between threads.
 *
 * Since: 0.1
 */
void
grel_lock_set_backend (GrelLock *self, GrelLockBackend *backend)
{
  g_return_if_fail (GREL_IS_LOCK (self));
  g_return_if_fail (backend == NULL || GREL_IS_LOCK_BACKEND (backend));

  if (grel_primitive_write_object (&self->base.primitive, &self->base.primitive.backend, backend))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BACKEND]);
}

/**
 * grel_lock_get_app: (get-property app)
 * @self: a lock
 *
 * Gets the app that was set. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the app; %NULL if the lock finds one
 *
 * Since: 0.1
 */
GrelApp *
grel_lock_get_app (GrelLock *self)
{
  GrelApp *value;

  g_return_val_if_fail (GREL_IS_LOCK (self), NULL);

  grel_primitive_read (&self->base.primitive, &self->base.primitive.app, &value, sizeof value);
  return value;
}

/**
 * grel_lock_set_app: (set-property app)
 * @self: a lock
 * @app: (nullable): an app, %NULL to find one at each use
 *
 * Sets the app that was set. It applies to the next operation. Call it before the lock is shared
 * between threads.
 *
 * Since: 0.1
 */
void
grel_lock_set_app (GrelLock *self, GrelApp *app)
{
  g_return_if_fail (GREL_IS_LOCK (self));
  g_return_if_fail (app == NULL || GREL_IS_APP (app));

  if (grel_primitive_write_object (&self->base.primitive, &self->base.primitive.app, app))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_APP]);
}

/**
 * grel_lock_get_lease_duration: (get-property lease-duration)
 * @self: a lock
 *
 * Gets how long a lease runs unless it is extended. May be called from any thread.
 *
 * Returns: a time span in microseconds
 *
 * Since: 0.1
 */
GTimeSpan
grel_lock_get_lease_duration (GrelLock *self)
{
  GTimeSpan value;

  g_return_val_if_fail (GREL_IS_LOCK (self), 0);

  grel_primitive_read (&self->base.primitive, &self->base.settings.lease_duration, &value,
                       sizeof value);
  return value;
}

/**
 * grel_lock_set_lease_duration: (set-property lease-duration)
 * @self: a lock
 * @lease_duration: a time span in microseconds; more than 0
 *
 * Sets how long a lease runs unless it is extended. It applies to the next operation. May be called
 * from any thread.
 *
 * Since: 0.1
 */
void
grel_lock_set_lease_duration (GrelLock *self, GTimeSpan lease_duration)
{
  g_return_if_fail (GREL_IS_LOCK (self));

  grel_lock_write (self, &self->base.settings.lease_duration, &lease_duration,
                   sizeof lease_duration, PROP_LEASE_DURATION);
}

/**
 * grel_lock_get_retry_interval: (get-property retry-interval)
 * @self: a lock
 *
 * Gets how often the first waiter asks a store that does not tell of every release. May be called
 * from any thread.
 *
 * Returns: a time span in microseconds
 *
 * Since: 0.1
 */
GTimeSpan
grel_lock_get_retry_interval (GrelLock *self)
{
  GTimeSpan value;

  g_return_val_if_fail (GREL_IS_LOCK (self), 0);

  grel_primitive_read (&self->base.primitive, &self->base.settings.retry_interval, &value,
                       sizeof value);
  return value;
}

/**
 * grel_lock_set_retry_interval: (set-property retry-interval)
 * @self: a lock
 * @retry_interval: a time span in microseconds; at least 1000
 *
 * Sets how often the first waiter asks a store that does not tell of every release. It applies to
 * the next operation. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_lock_set_retry_interval (GrelLock *self, GTimeSpan retry_interval)
{
  g_return_if_fail (GREL_IS_LOCK (self));

  grel_lock_write (self, &self->base.settings.retry_interval, &retry_interval,
                   sizeof retry_interval, PROP_RETRY_INTERVAL);
}

/**
 * grel_lock_get_retry_jitter: (get-property retry-jitter)
 * @self: a lock
 *
 * Gets by which part of itself the retry interval varies at random. May be called from any thread.
 *
 * Returns: a number from 0 to less than 1
 *
 * Since: 0.1
 */
double
grel_lock_get_retry_jitter (GrelLock *self)
{
  double value;

  g_return_val_if_fail (GREL_IS_LOCK (self), 0);

  grel_primitive_read (&self->base.primitive, &self->base.settings.retry_jitter, &value,
                       sizeof value);
  return value;
}

/**
 * grel_lock_set_retry_jitter: (set-property retry-jitter)
 * @self: a lock
 * @retry_jitter: a number from 0 to less than 1
 *
 * Sets by which part of itself the retry interval varies at random. It applies to the next
 * operation. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_lock_set_retry_jitter (GrelLock *self, double retry_jitter)
{
  g_return_if_fail (GREL_IS_LOCK (self));

  grel_lock_write (self, &self->base.settings.retry_jitter, &retry_jitter, sizeof retry_jitter,
                   PROP_RETRY_JITTER);
}

/**
 * grel_lock_get_auto_extend: (get-property auto-extend)
 * @self: a lock
 *
 * Gets whether a lease is extended for as long as its object lives. May be called from any thread.
 *
 * Returns: %TRUE if it is
 *
 * Since: 0.1
 */
gboolean
grel_lock_get_auto_extend (GrelLock *self)
{
  gboolean value;

  g_return_val_if_fail (GREL_IS_LOCK (self), FALSE);

  grel_primitive_read (&self->base.primitive, &self->base.settings.auto_extend, &value,
                       sizeof value);
  return value;
}

/**
 * grel_lock_set_auto_extend: (set-property auto-extend)
 * @self: a lock
 * @auto_extend: whether to extend
 *
 * Sets whether a lease is extended for as long as its object lives. It applies to the next
 * operation. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_lock_set_auto_extend (GrelLock *self, gboolean auto_extend)
{
  g_return_if_fail (GREL_IS_LOCK (self));

  auto_extend = auto_extend != FALSE;
  grel_lock_write (self, &self->base.settings.auto_extend, &auto_extend, sizeof auto_extend,
                   PROP_AUTO_EXTEND);
}

/**
 * grel_lock_get_max_hold_duration: (get-property max-hold-duration)
 * @self: a lock
 *
 * Gets for how long after it was acquired a lease is extended automatically. May be called from any
 * thread.
 *
 * Returns: a time span in microseconds
 *
 * Since: 0.1
 */
GTimeSpan
grel_lock_get_max_hold_duration (GrelLock *self)
{
  GTimeSpan value;

  g_return_val_if_fail (GREL_IS_LOCK (self), 0);

  grel_primitive_read (&self->base.primitive, &self->base.settings.max_hold_duration, &value,
                       sizeof value);
  return value;
}

/**
 * grel_lock_set_max_hold_duration: (set-property max-hold-duration)
 * @self: a lock
 * @max_hold_duration: a time span in microseconds; 0 is no bound
 *
 * Sets for how long after it was acquired a lease is extended automatically. It applies to the next
 * operation. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_lock_set_max_hold_duration (GrelLock *self, GTimeSpan max_hold_duration)
{
  g_return_if_fail (GREL_IS_LOCK (self));

  grel_lock_write (self, &self->base.settings.max_hold_duration, &max_hold_duration,
                   sizeof max_hold_duration, PROP_MAX_HOLD_DURATION);
}
