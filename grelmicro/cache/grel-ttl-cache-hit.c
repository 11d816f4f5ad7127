/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-ttl-cache-private.h>

#include <math.h>

static void
grel_ttl_cache_try_get (GrelCacheBackend *backend, const char *key, GrelCacheRecord *record)
{
  g_autofree char *prefixed = g_strconcat (GREL_CACHE_KEY_PREFIX, key, NULL);

  GREL_CACHE_BACKEND_GET_CLASS (backend)->try_get (backend, prefixed, record);
}

/* What the backend has under a key, if it has it at once. */
static inline void
grel_ttl_cache_try_hit (GrelCacheBackend *backend,
                        const char *key,
                        gboolean from_thread,
                        GrelCacheRecord *record)
{
  GrelCacheBackendClass *klass = GREL_CACHE_BACKEND_GET_CLASS (backend);

  if (klass->try_get == NULL
      || !grel_part_may_answer (grel_backend_get_part (&backend->parent_instance), from_thread))
    return;

  if (klass->try_hit != NULL)
    klass->try_hit (backend, key, record);
  else
    grel_ttl_cache_try_get (backend, key, record);
}

/* Where the last hit was, if that holds still. Takes no reference to the backend, whose count all
 * threads would meet at: it is replaced when nobody reads. */
static gboolean
grel_ttl_cache_hit_again (GrelTTLCache *self,
                          const char *key,
                          gboolean from_thread,
                          GrelCacheRecord *record)
{
  GMutex *mutex = grel_readers_lock_read (self->route_lock);
  gboolean holds = grel_route_is_fresh (&self->route) && grel_route_is_for_thread (&self->route);

  if (holds)
    grel_ttl_cache_try_hit (self->found, key, from_thread, record);
  g_mutex_unlock (mutex);
  return holds;
}

/* A backend that has been closed is forgotten at the next use, or with the cache. */
static void
grel_ttl_cache_remember (GrelTTLCache *self, GrelCacheBackend *backend, const GrelRoute *route)
{
  g_autoptr (GrelCacheBackend) unused = backend != NULL ? g_object_ref (backend) : NULL;

  grel_readers_lock_write (self->route_lock);
  {
    GrelCacheBackend *before = self->found;

    g_atomic_pointer_set (&self->found, g_steal_pointer (&unused));
    unused = before;
    self->route = *route;
  }
  grel_readers_lock_end_write (self->route_lock);
}

static void
grel_ttl_cache_find_and_hit (GrelTTLCache *self,
                             const char *key,
                             gboolean from_thread,
                             GrelCacheRecord *record)
{
  GrelCacheSettings settings;
  GrelRoute route;
  g_autoptr (GrelCacheBackend) backend
    = grel_ttl_cache_prepare (self, key, &settings, &route, NULL);

  if (backend != NULL && route.version > 0 && grel_cache_backend_is_immediate (backend))
    grel_ttl_cache_remember (self, backend, &route);
  else if (g_atomic_pointer_get (&self->found) != NULL)
    grel_ttl_cache_remember (self, NULL, &(GrelRoute){ 0 });
  if (backend != NULL)
    grel_ttl_cache_try_hit (backend, key, from_thread, record);
}

static gboolean
grel_cache_record_is_close_to_end (const GrelCacheRecord *self, double margin)
{
  return margin > 0.0 && self->remaining <= margin * self->ttl;
}

/* A backend that was set stays set: it is not to be changed while threads share the cache. */
GBytes *
grel_ttl_cache_hit (GrelTTLCache *self, const char *key, gboolean from_thread, gboolean may_refresh)
{
  GrelBackend *backend = g_atomic_pointer_get (&self->primitive.backend);
  GrelCacheRecord record = { NULL };
  double margin;

  __atomic_load (&self->hit_margin, &margin, __ATOMIC_RELAXED);
  if (margin == INFINITY)
    return NULL;

  if (backend != NULL)
    grel_ttl_cache_try_hit ((GrelCacheBackend *) backend, key, from_thread, &record);
  else if (!grel_ttl_cache_hit_again (self, key, from_thread, &record))
    grel_ttl_cache_find_and_hit (self, key, from_thread, &record);

  if (record.remaining > 0 && !(may_refresh && grel_cache_record_is_close_to_end (&record, margin)))
    {
      grel_ttl_cache_count (self, GREL_CACHE_HITS);
      return record.value;
    }
  g_clear_pointer (&record.value, g_bytes_unref);
  return NULL;
}

/**
 * grel_ttl_cache_peek:
 * @self: a cache
 * @key: a key
 *
 * Gets the value of a key if it can be had at once: without waiting, without a turn of the main
 * loop and without a load.
 *
 * %NULL doesn't say that there is none: it may be in a store that takes its time, or there may be
 * no backend to ask. Whoever needs the value goes on with
 * [method@Grelmicro.TTLCache.get_or_load_async], which tells what is wrong and counts the miss. May
 * be called from any thread, also from the one that runs the main context of the backend.
 *
 * Returns: (transfer full) (nullable): the value, if it is fresh and in the memory of this process
 *
 * Since: 0.1
 */
GBytes *
grel_ttl_cache_peek (GrelTTLCache *self, const char *key)
{
  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  return grel_ttl_cache_hit (self, key, FALSE, FALSE);
}
