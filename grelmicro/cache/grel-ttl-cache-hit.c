/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-ttl-cache-private.h>

#include <string.h>

/* As long as it needs no allocation, with its prefix. */
#define GREL_TTL_CACHE_SHORT_KEY 256

static const char *
grel_ttl_cache_add_prefix (const char *key, char buffer[GREL_TTL_CACHE_SHORT_KEY], char **allocated)
{
  const gsize prefix_size = strlen (GREL_CACHE_PREFIX);
  gsize size = strlen (key) + 1;

  if (size > GREL_TTL_CACHE_SHORT_KEY - prefix_size)
    return *allocated = g_strconcat (GREL_CACHE_PREFIX, key, NULL);

  memcpy (buffer, GREL_CACHE_PREFIX, prefix_size);
  memcpy (buffer + prefix_size, key, size);
  return buffer;
}

/* What the backend has under a key with its prefix, if it has it at once. */
static void
grel_ttl_cache_try_get (GrelCacheBackend *backend,
                        const char *key,
                        gboolean from_thread,
                        GrelCacheRecord *record)
{
  GrelPart *part = grel_backend_get_part (&backend->parent_instance);

  if (!grel_cache_backend_is_immediate (backend)
      || !grel_part_enter (part, from_thread, grel_cache_subject_for_key (key), NULL))
    return;

  GREL_CACHE_BACKEND_GET_CLASS (backend)->try_get (backend, key, record);
  grel_part_leave (part);
}

/* A backend that was set stays set under the mutex, which is cheaper than a reference. Returns:
 * whether one was */
static gboolean
grel_ttl_cache_try_get_set (GrelTTLCache *self,
                            const char *key,
                            gboolean from_thread,
                            GrelCacheSettings *settings,
                            GrelCacheRecord *record)
{
  GrelCacheBackend *backend;

  grel_primitive_lock (&self->primitive);
  backend = (GrelCacheBackend *) self->primitive.backend;
  *settings = self->settings;
  if (backend != NULL && grel_cache_settings_find_fault (settings) == NULL)
    grel_ttl_cache_try_get (backend, key, from_thread, record);
  grel_primitive_unlock (&self->primitive);
  return backend != NULL;
}

GBytes *
grel_ttl_cache_hit (GrelTTLCache *self, const char *key, gboolean from_thread, gboolean may_refresh)
{
  char buffer[GREL_TTL_CACHE_SHORT_KEY];
  g_autofree char *allocated = NULL;
  const char *prefixed = grel_ttl_cache_add_prefix (key, buffer, &allocated);
  GrelCacheRecord record = { NULL };
  GrelCacheSettings settings;

  if (!grel_ttl_cache_try_get_set (self, prefixed, from_thread, &settings, &record))
    {
      g_autoptr (GrelCacheBackend) backend = grel_ttl_cache_prepare (self, key, &settings, NULL);

      if (backend != NULL)
        grel_ttl_cache_try_get (backend, prefixed, from_thread, &record);
    }

  if (record.remaining > 0
      && (!may_refresh || record.remaining > settings.early_refresh * record.ttl))
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
