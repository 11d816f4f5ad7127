/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-ttl-cache-private.h>

#include <string.h>

/* Longer keys go the long way. */
#define GREL_TTL_CACHE_SHORT_KEY 256

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
  gsize size = strlen (key) + 1;
  GrelCacheRecord record = { NULL };
  char prefixed[GREL_TTL_CACHE_SHORT_KEY];
  GrelCacheSettings settings;

  if (size > sizeof prefixed - strlen (GREL_CACHE_PREFIX))
    return NULL;
  memcpy (prefixed, GREL_CACHE_PREFIX, strlen (GREL_CACHE_PREFIX));
  memcpy (prefixed + strlen (GREL_CACHE_PREFIX), key, size);

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
