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
static void
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

static void
grel_ttl_cache_find_and_hit (GrelTTLCache *self,
                             const char *key,
                             gboolean from_thread,
                             GrelCacheRecord *record)
{
  GrelCacheSettings settings;
  g_autoptr (GrelCacheBackend) backend = grel_ttl_cache_prepare (self, key, &settings, NULL);

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
  else
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
