/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-ttl-cache-private.h>
#include <grelmicro/core/grel-log-private.h>
#include <grelmicro/core/grel-registry-private.h>

#include <math.h>

/**
 * GrelTTLCache:
 *
 * Keeps values for a while, and loads each key once at a time.
 *
 * Two caches on one backend share what is in it. A cache may be made before the app that it finds
 * its backend in; making one does no I/O and never fails: a setting that is not acceptable makes
 * each operation fail with %GREL_ERROR_SETTINGS. A key is any UTF-8 text. May be used from any
 * thread.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (GrelTTLCache, grel_ttl_cache, G_TYPE_OBJECT)

enum
{
  BACKGROUND_ERROR,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
grel_ttl_cache_finalize (GObject *object)
{
  GrelTTLCache *self = GREL_TTL_CACHE (object);

  g_clear_object (&self->found);
  grel_readers_lock_clear (self->route_lock);
  g_aligned_free (self->route_lock);
  grel_primitive_clear (&self->primitive);
  g_atomic_rc_box_release (self->account);
  g_aligned_free (self->tallies);

  G_OBJECT_CLASS (grel_ttl_cache_parent_class)->finalize (object);
}

static void
grel_ttl_cache_class_init (GrelTTLCacheClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = grel_ttl_cache_finalize;
  grel_ttl_cache_install_properties (object_class);

  /**
   * GrelTTLCache::background-error:
   * @self: a cache
   * @key: the key it is about
   * @error: what went wrong
   *
   * A value could not be loaded or kept, and no call failed with that: it was being refreshed
   * early, its caller made do with a stale value, or the store failed after a good load. The same
   * is logged as a warning. Emitted in the captured context of the backend.
   *
   * Since: 0.1
   */
  signals[BACKGROUND_ERROR]
    = g_signal_new ("background-error", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                    NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_ERROR);
}

static void
grel_ttl_cache_init (GrelTTLCache *self)
{
  grel_primitive_init (&self->primitive);
  self->settings = grel_cache_settings_default;
  self->account = g_atomic_rc_box_new0 (GrelCacheAccount);
  self->tallies
    = g_aligned_alloc0 (GREL_CACHE_N_TALLIES, sizeof (GrelCacheTally), G_ALIGNOF (GrelCacheTally));
  self->route_lock = g_aligned_alloc0 (1, sizeof (GrelReadersLock), G_ALIGNOF (GrelReadersLock));
  grel_readers_lock_init (self->route_lock);
}

static guint64
grel_ttl_cache_sum (GrelTTLCache *self, GrelCacheCounter counter)
{
  guint64 sum = 0;

  for (guint i = 0; i < GREL_CACHE_N_TALLIES; i++)
    sum += __atomic_load_n (&self->tallies[i].counters[counter], __ATOMIC_RELAXED);
  return sum;
}

/* All that a hit has to know of the settings, to read without a mutex: in which last part of its
 * time a value may be refreshed, and infinity if a setting is not acceptable. */
void
grel_ttl_cache_renew_margin (GrelTTLCache *self)
{
  double margin;

  grel_primitive_lock (&self->primitive);
  margin = grel_cache_settings_find_fault (&self->settings) != NULL ? INFINITY
                                                                    : self->settings.early_refresh;
  __atomic_store (&self->hit_margin, &margin, __ATOMIC_RELAXED);
  grel_primitive_unlock (&self->primitive);
}

GrelCacheAccount *
grel_ttl_cache_get_account (GrelTTLCache *self)
{
  return self->account;
}

GrelCacheBackend *
grel_ttl_cache_prepare (GrelTTLCache *self,
                        const char *key,
                        GrelCacheSettings *settings,
                        GrelRoute *route,
                        GError **error)
{
  GrelSubject subject = { "cache", key };
  g_autoptr (GrelApp) app = NULL;
  g_autoptr (GrelBackend) backend = NULL;
  const char *fault;

  if (route != NULL)
    grel_route_begin (route);
  grel_primitive_snapshot (&self->primitive, &self->settings, settings, sizeof *settings, &backend,
                           &app);
  if (route != NULL)
    grel_route_settle (route, backend != NULL || app != NULL);
  fault = grel_cache_settings_find_fault (settings);
  if (fault != NULL)
    g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS, subject, "%s", fault));
  else if (backend != NULL)
    return (GrelCacheBackend *) g_steal_pointer (&backend);
  else
    return (GrelCacheBackend *) grel_registry_resolve (app, GREL_TYPE_CACHE_BACKEND, subject,
                                                       error);
  return NULL;
}

typedef struct
{
  GrelHopItem item;
  GrelTTLCache *cache;
  GRefString *key;
  GError *error;
} GrelCacheReport;

static void
grel_cache_report_emit (GrelHopItem *item)
{
  GrelCacheReport *self = (GrelCacheReport *) item;

  g_signal_emit (self->cache, signals[BACKGROUND_ERROR], 0, grel_cache_strip_key (self->key),
                 self->error);
  g_object_unref (self->cache);
  g_ref_string_release (self->key);
  g_error_free (self->error);
  g_free (self);
}

void
grel_ttl_cache_report (GrelTTLCache *self,
                       GrelCacheBackend *backend,
                       GRefString *key,
                       const char *what,
                       const GError *error)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  GrelCacheReport *report;

  grel_log (G_LOG_LEVEL_WARNING, "background-error", grel_cache_subject_for_key (key),
            "%s it in the background failed: %s", what, error->message);

  g_mutex_lock (&part->mutex);
  if (part->state == GREL_PART_OPEN)
    {
      report = g_new0 (GrelCacheReport, 1);
      report->item.run = grel_cache_report_emit;
      report->cache = g_object_ref (self);
      report->key = g_ref_string_acquire (key);
      report->error = g_error_copy (error);
      grel_hop_post (part->hop, &report->item);
    }
  g_mutex_unlock (&part->mutex);
}

/**
 * grel_ttl_cache_new:
 * @ttl: for how long a value is fresh, in microseconds; more than 0
 *
 * Makes a cache. It does no I/O and never fails; a time that is not acceptable makes each operation
 * fail. May be called from any thread.
 *
 * Returns: (transfer full): a new cache
 *
 * Since: 0.1
 */
GrelTTLCache *
grel_ttl_cache_new (GTimeSpan ttl)
{
  return g_object_new (GREL_TYPE_TTL_CACHE, "ttl", ttl, NULL);
}

/**
 * grel_ttl_cache_get_stats:
 * @self: a cache
 *
 * Gets what happened to this cache so far, as a dictionary of numbers.
 *
 * `hits` and `misses` count keys that were asked for and were fresh or not, `loads` calls of a
 * loader, `failures` those that failed, `refreshes` those that were begun early, `stale` calls that
 * made do with a stale value, `evictions` entries that made room for others. `size` is how many
 * entries of this cache are in memory, and `max-size` how many there may be. May be called from any
 * thread.
 *
 * Returns: (transfer full): a dictionary of type `a{sv}`, with values of type `t`
 *
 * Since: 0.1
 */
GVariant *
grel_ttl_cache_get_stats (GrelTTLCache *self)
{
  static const char *const names[]
    = { "hits", "misses", "loads", "failures", "refreshes", "stale" };
  g_auto (GVariantDict) stats = G_VARIANT_DICT_INIT (NULL);

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), NULL);

  for (guint i = 0; i < GREL_CACHE_N_COUNTERS; i++)
    g_variant_dict_insert (&stats, names[i], "t", grel_ttl_cache_sum (self, i));
  g_variant_dict_insert (&stats, "evictions", "t",
                         (guint64) (guint) g_atomic_int_get (&self->account->evictions));
  g_variant_dict_insert (&stats, "size", "t",
                         (guint64) (guint) g_atomic_int_get (&self->account->size));
  g_variant_dict_insert (&stats, "max-size", "t",
                         (guint64) (guint) g_atomic_int_get (&self->account->max_size));
  return g_variant_ref_sink (g_variant_dict_end (&stats));
}
