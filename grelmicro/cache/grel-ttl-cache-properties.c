/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-ttl-cache-private.h>
#include <grelmicro/core/grel-enums.h>

enum
{
  PROP_BACKEND = 1,
  PROP_APP,
  PROP_TTL,
  PROP_MAX_SIZE,
  PROP_STALE_TTL,
  PROP_SOFT_TIMEOUT,
  PROP_EARLY_REFRESH,
  PROP_LOCK,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

#define GREL_TTL_CACHE_RW (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
grel_ttl_cache_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GrelTTLCache *self = GREL_TTL_CACHE (object);

  switch (id)
    {
    case PROP_BACKEND:
      g_value_set_object (value, grel_ttl_cache_get_backend (self));
      break;
    case PROP_APP:
      g_value_set_object (value, grel_ttl_cache_get_app (self));
      break;
    case PROP_TTL:
      g_value_set_int64 (value, grel_ttl_cache_get_ttl (self));
      break;
    case PROP_MAX_SIZE:
      g_value_set_uint (value, grel_ttl_cache_get_max_size (self));
      break;
    case PROP_STALE_TTL:
      g_value_set_int64 (value, grel_ttl_cache_get_stale_ttl (self));
      break;
    case PROP_SOFT_TIMEOUT:
      g_value_set_int64 (value, grel_ttl_cache_get_soft_timeout (self));
      break;
    case PROP_EARLY_REFRESH:
      g_value_set_double (value, grel_ttl_cache_get_early_refresh (self));
      break;
    case PROP_LOCK:
      g_value_set_enum (value, grel_ttl_cache_get_lock (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_ttl_cache_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GrelTTLCache *self = GREL_TTL_CACHE (object);

  switch (id)
    {
    case PROP_BACKEND:
      grel_ttl_cache_set_backend (self, g_value_get_object (value));
      break;
    case PROP_APP:
      grel_ttl_cache_set_app (self, g_value_get_object (value));
      break;
    case PROP_TTL:
      grel_ttl_cache_set_ttl (self, g_value_get_int64 (value));
      break;
    case PROP_MAX_SIZE:
      grel_ttl_cache_set_max_size (self, g_value_get_uint (value));
      break;
    case PROP_STALE_TTL:
      grel_ttl_cache_set_stale_ttl (self, g_value_get_int64 (value));
      break;
    case PROP_SOFT_TIMEOUT:
      grel_ttl_cache_set_soft_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_EARLY_REFRESH:
      grel_ttl_cache_set_early_refresh (self, g_value_get_double (value));
      break;
    case PROP_LOCK:
      grel_ttl_cache_set_lock (self, g_value_get_enum (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_ttl_cache_install_wiring (void)
{
  /**
   * GrelTTLCache:backend: (getter get_backend) (setter set_backend)
   *
   * The backend that keeps the values; %NULL finds one in an app at each use.
   *
   * Since: 0.1
   */
  properties[PROP_BACKEND]
    = g_param_spec_object ("backend", NULL, NULL, GREL_TYPE_CACHE_BACKEND, GREL_TTL_CACHE_RW);

  /**
   * GrelTTLCache:app: (getter get_app) (setter set_app)
   *
   * The app to find the backend in, and the lock backend of the fleet; %NULL finds the app, too, at
   * each use.
   *
   * Since: 0.1
   */
  properties[PROP_APP] = g_param_spec_object ("app", NULL, NULL, GREL_TYPE_APP, GREL_TTL_CACHE_RW);
}

static void
grel_ttl_cache_install_bounds (void)
{
  /**
   * GrelTTLCache:ttl: (getter get_ttl) (setter set_ttl)
   *
   * For how long a value is fresh unless it was set with another time, in microseconds.
   *
   * Since: 0.1
   */
  properties[PROP_TTL] = g_param_spec_int64 ("ttl", NULL, NULL, G_MININT64, G_MAXINT64,
                                             grel_cache_settings_default.ttl, GREL_TTL_CACHE_RW);

  /**
   * GrelTTLCache:max-size: (getter get_max_size) (setter set_max_size)
   *
   * How many entries this cache keeps in memory; 0 is no bound. One more, and the one that was not
   * used for longest is evicted. A store outside this process has a bound of its own.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_SIZE]
    = g_param_spec_uint ("max-size", NULL, NULL, 0, G_MAXUINT, 0, GREL_TTL_CACHE_RW);

  /**
   * GrelTTLCache:lock: (getter get_lock) (setter set_lock)
   *
   * How many loads of one key run at a time: one in this process, or one in all processes that
   * share the app's lock backend. Without a lock backend it is one in this process.
   *
   * Since: 0.1
   */
  properties[PROP_LOCK] = g_param_spec_enum ("lock", NULL, NULL, GREL_TYPE_CACHE_LOCK,
                                             GREL_CACHE_LOCK_LOCAL, GREL_TTL_CACHE_RW);
}

static void
grel_ttl_cache_install_freshness (void)
{
  /**
   * GrelTTLCache:stale-ttl: (getter get_stale_ttl) (setter set_stale_ttl)
   *
   * For how much longer a value is kept, to make do with when it can't be loaded again, in
   * microseconds; 0 is none.
   *
   * Since: 0.1
   */
  properties[PROP_STALE_TTL]
    = g_param_spec_int64 ("stale-ttl", NULL, NULL, G_MININT64, G_MAXINT64, 0, GREL_TTL_CACHE_RW);

  /**
   * GrelTTLCache:soft-timeout: (getter get_soft_timeout) (setter set_soft_timeout)
   *
   * After how long a load makes those who wait for it make do with a stale value, in microseconds;
   * 0 is never. The load goes on.
   *
   * Since: 0.1
   */
  properties[PROP_SOFT_TIMEOUT]
    = g_param_spec_int64 ("soft-timeout", NULL, NULL, G_MININT64, G_MAXINT64, 0, GREL_TTL_CACHE_RW);

  /**
   * GrelTTLCache:early-refresh: (getter get_early_refresh) (setter set_early_refresh)
   *
   * In which last part of its time a value may be loaded again before it expires: 0.1 is the last
   * tenth, 0 is never. The closer the end and the longer the last load took, the likelier that is.
   *
   * Since: 0.1
   */
  properties[PROP_EARLY_REFRESH] = g_param_spec_double ("early-refresh", NULL, NULL, -G_MAXDOUBLE,
                                                        G_MAXDOUBLE, 0.0, GREL_TTL_CACHE_RW);
}

void
grel_ttl_cache_install_properties (GObjectClass *klass)
{
  klass->get_property = grel_ttl_cache_get_property;
  klass->set_property = grel_ttl_cache_set_property;

  grel_ttl_cache_install_wiring ();
  grel_ttl_cache_install_bounds ();
  grel_ttl_cache_install_freshness ();
  g_object_class_install_properties (klass, N_PROPS, properties);
}

static void
grel_ttl_cache_write (GrelTTLCache *self,
                      gpointer field,
                      gconstpointer value,
                      gsize size,
                      guint property)
{
  if (!grel_primitive_write (&self->primitive, field, value, size))
    return;

  grel_ttl_cache_renew_margin (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

/**
 * grel_ttl_cache_get_backend: (get-property backend)
 * @self: a cache
 *
 * Gets the backend that was set. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the backend; %NULL if the cache finds one in an app
 *
 * Since: 0.1
 */
GrelCacheBackend *
grel_ttl_cache_get_backend (GrelTTLCache *self)
{
  GrelCacheBackend *value;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), NULL);

  grel_primitive_read (&self->primitive, &self->primitive.backend, &value, sizeof value);
  return value;
}

/**
 * grel_ttl_cache_set_backend: (set-property backend)
 * @self: a cache
 * @backend: (nullable): a cache backend, %NULL to find one in an app at each use
 *
 * Sets the backend. It applies to the next operation. Call it before the cache is shared between
 * threads.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_backend (GrelTTLCache *self, GrelCacheBackend *backend)
{
  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (backend == NULL || GREL_IS_CACHE_BACKEND (backend));

  if (grel_primitive_write_object (&self->primitive, &self->primitive.backend, backend))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BACKEND]);
}

/**
 * grel_ttl_cache_get_app: (get-property app)
 * @self: a cache
 *
 * Gets the app that was set. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the app; %NULL if the cache finds one
 *
 * Since: 0.1
 */
GrelApp *
grel_ttl_cache_get_app (GrelTTLCache *self)
{
  GrelApp *value;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), NULL);

  grel_primitive_read (&self->primitive, &self->primitive.app, &value, sizeof value);
  return value;
}

/**
 * grel_ttl_cache_set_app: (set-property app)
 * @self: a cache
 * @app: (nullable): an app, %NULL to find one at each use
 *
 * Sets the app. It applies to the next operation. Call it before the cache is shared between
 * threads.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_app (GrelTTLCache *self, GrelApp *app)
{
  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (app == NULL || GREL_IS_APP (app));

  if (grel_primitive_write_object (&self->primitive, &self->primitive.app, app))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_APP]);
}

/**
 * grel_ttl_cache_get_ttl: (get-property ttl)
 * @self: a cache
 *
 * Gets for how long a value is fresh unless it was set with another time. May be called from any
 * thread.
 *
 * Returns: a time span in microseconds
 *
 * Since: 0.1
 */
GTimeSpan
grel_ttl_cache_get_ttl (GrelTTLCache *self)
{
  GTimeSpan value;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), 0);

  grel_primitive_read (&self->primitive, &self->settings.ttl, &value, sizeof value);
  return value;
}

/**
 * grel_ttl_cache_set_ttl: (set-property ttl)
 * @self: a cache
 * @ttl: a time span in microseconds; more than 0
 *
 * Sets for how long a value is fresh unless it was set with another time. It applies to the next
 * operation. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_ttl (GrelTTLCache *self, GTimeSpan ttl)
{
  g_return_if_fail (GREL_IS_TTL_CACHE (self));

  grel_ttl_cache_write (self, &self->settings.ttl, &ttl, sizeof ttl, PROP_TTL);
}

/**
 * grel_ttl_cache_get_stale_ttl: (get-property stale-ttl)
 * @self: a cache
 *
 * Gets for how much longer a value is kept, to make do with when it can't be loaded again. May be
 * called from any thread.
 *
 * Returns: a time span in microseconds; 0 is none
 *
 * Since: 0.1
 */
GTimeSpan
grel_ttl_cache_get_stale_ttl (GrelTTLCache *self)
{
  GTimeSpan value;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), 0);

  grel_primitive_read (&self->primitive, &self->settings.stale_ttl, &value, sizeof value);
  return value;
}

/**
 * grel_ttl_cache_set_stale_ttl: (set-property stale-ttl)
 * @self: a cache
 * @stale_ttl: a time span in microseconds; 0 is none
 *
 * Sets for how much longer a value is kept, to make do with when it can't be loaded again. It
 * applies to the next operation. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_stale_ttl (GrelTTLCache *self, GTimeSpan stale_ttl)
{
  g_return_if_fail (GREL_IS_TTL_CACHE (self));

  grel_ttl_cache_write (self, &self->settings.stale_ttl, &stale_ttl, sizeof stale_ttl,
                        PROP_STALE_TTL);
}

/**
 * grel_ttl_cache_get_soft_timeout: (get-property soft-timeout)
 * @self: a cache
 *
 * Gets after how long a load makes those who wait for it make do with a stale value. May be called
 * from any thread.
 *
 * Returns: a time span in microseconds; 0 is never
 *
 * Since: 0.1
 */
GTimeSpan
grel_ttl_cache_get_soft_timeout (GrelTTLCache *self)
{
  GTimeSpan value;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), 0);

  grel_primitive_read (&self->primitive, &self->settings.soft_timeout, &value, sizeof value);
  return value;
}

/**
 * grel_ttl_cache_set_soft_timeout: (set-property soft-timeout)
 * @self: a cache
 * @soft_timeout: a time span in microseconds; 0 is never
 *
 * Sets after how long a load makes those who wait for it make do with a stale value. It applies to
 * the next operation. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_soft_timeout (GrelTTLCache *self, GTimeSpan soft_timeout)
{
  g_return_if_fail (GREL_IS_TTL_CACHE (self));

  grel_ttl_cache_write (self, &self->settings.soft_timeout, &soft_timeout, sizeof soft_timeout,
                        PROP_SOFT_TIMEOUT);
}

/**
 * grel_ttl_cache_get_early_refresh: (get-property early-refresh)
 * @self: a cache
 *
 * Gets in which last part of its time a value may be loaded again before it expires. May be called
 * from any thread.
 *
 * Returns: a number from 0, for none, to less than 1
 *
 * Since: 0.1
 */
double
grel_ttl_cache_get_early_refresh (GrelTTLCache *self)
{
  double value;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), 0);

  grel_primitive_read (&self->primitive, &self->settings.early_refresh, &value, sizeof value);
  return value;
}

/**
 * grel_ttl_cache_set_early_refresh: (set-property early-refresh)
 * @self: a cache
 * @early_refresh: a number from 0, for none, to less than 1
 *
 * Sets in which last part of its time a value may be loaded again before it expires. It applies to
 * the next operation. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_early_refresh (GrelTTLCache *self, double early_refresh)
{
  g_return_if_fail (GREL_IS_TTL_CACHE (self));

  grel_ttl_cache_write (self, &self->settings.early_refresh, &early_refresh, sizeof early_refresh,
                        PROP_EARLY_REFRESH);
}

/**
 * grel_ttl_cache_get_lock: (get-property lock)
 * @self: a cache
 *
 * Gets how many loads of one key run at a time. May be called from any thread.
 *
 * Returns: one in this process, or one in the fleet
 *
 * Since: 0.1
 */
GrelCacheLock
grel_ttl_cache_get_lock (GrelTTLCache *self)
{
  GrelCacheLock value;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), GREL_CACHE_LOCK_LOCAL);

  grel_primitive_read (&self->primitive, &self->settings.lock, &value, sizeof value);
  return value;
}

/**
 * grel_ttl_cache_set_lock: (set-property lock)
 * @self: a cache
 * @lock: one in this process, or one in the fleet
 *
 * Sets how many loads of one key run at a time. It applies to the next operation. May be called
 * from any thread.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_lock (GrelTTLCache *self, GrelCacheLock lock)
{
  g_return_if_fail (GREL_IS_TTL_CACHE (self));

  grel_ttl_cache_write (self, &self->settings.lock, &lock, sizeof lock, PROP_LOCK);
}

/**
 * grel_ttl_cache_get_max_size: (get-property max-size)
 * @self: a cache
 *
 * Gets how many entries this cache keeps in memory. May be called from any thread.
 *
 * Returns: a number of entries; 0 is no bound
 *
 * Since: 0.1
 */
guint
grel_ttl_cache_get_max_size (GrelTTLCache *self)
{
  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), 0);

  return g_atomic_int_get (&self->account->max_size);
}

/**
 * grel_ttl_cache_set_max_size: (set-property max-size)
 * @self: a cache
 * @max_size: a number of entries; 0 is no bound
 *
 * Sets how many entries this cache keeps in memory. It applies to the next entry. May be called
 * from any thread.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_max_size (GrelTTLCache *self, guint max_size)
{
  g_return_if_fail (GREL_IS_TTL_CACHE (self));

  if ((guint) g_atomic_int_get (&self->account->max_size) == max_size)
    return;

  g_atomic_int_set (&self->account->max_size, max_size);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_SIZE]);
}
