/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/memory/grel-memory-cache-adapter.h>
#include <grelmicro/memory/grel-memory-cache-sweeper-private.h>

/**
 * GrelMemoryCacheAdapter:
 *
 * A cache backend in the memory of this process.
 *
 * It answers at once and on any thread, without a turn of the main loop, and keeps values by
 * reference. Entries that have expired are freed while the main loop runs, whether anybody asks for
 * them or not. Closing it frees everything.
 *
 * Since: 0.1
 */
struct _GrelMemoryCacheAdapter
{
  GrelCacheBackend parent_instance;

  GrelMemoryCache cache;
  GrelMemoryCacheSweeper sweeper;
};

G_DEFINE_FINAL_TYPE (GrelMemoryCacheAdapter, grel_memory_cache_adapter, GREL_TYPE_CACHE_BACKEND)

static gint64
grel_memory_cache_adapter_enter (GrelMemoryCacheAdapter *self)
{
  gint64 now = grel_part_now (grel_backend_get_part ((GrelBackend *) self));

  g_mutex_lock (&self->cache.mutex);
  return now;
}

static gboolean
grel_memory_cache_adapter_try_get (GrelCacheBackend *backend,
                                   const char *key,
                                   GrelCacheRecord *record)
{
  GrelMemoryCacheAdapter *self = (GrelMemoryCacheAdapter *) backend;
  gint64 now = grel_memory_cache_adapter_enter (self);
  GrelMemoryCacheEntry *entry = grel_memory_cache_find (&self->cache, key, now);

  if (entry != NULL)
    {
      record->value = g_bytes_ref (entry->value);
      record->ttl = entry->ttl;
      record->stale_ttl = entry->expiry.due - entry->fresh_until;
      record->load_time = entry->load_time;
      record->remaining = entry->fresh_until - now;
    }
  g_mutex_unlock (&self->cache.mutex);

  return entry != NULL;
}

static void
grel_memory_cache_adapter_try_set (GrelCacheBackend *backend,
                                   const char *key,
                                   const GrelCacheRecord *record,
                                   const char *const *tags,
                                   GrelCacheAccount *account)
{
  GrelMemoryCacheAdapter *self = GREL_MEMORY_CACHE_ADAPTER (backend);
  gint64 now = grel_memory_cache_adapter_enter (self);

  grel_memory_cache_add (&self->cache, key, record, tags, account, now);
  grel_memory_cache_sweeper_arm (&self->sweeper);
  g_mutex_unlock (&self->cache.mutex);
}

static gboolean
grel_memory_cache_adapter_try_delete (GrelCacheBackend *backend, const char *key)
{
  GrelMemoryCacheAdapter *self = GREL_MEMORY_CACHE_ADAPTER (backend);
  gint64 now = grel_memory_cache_adapter_enter (self);
  GrelMemoryCacheEntry *entry = grel_memory_cache_find (&self->cache, key, now);

  if (entry != NULL)
    grel_memory_cache_remove (&self->cache, entry);
  g_mutex_unlock (&self->cache.mutex);

  return entry != NULL;
}

static void
grel_memory_cache_adapter_try_delete_tags (GrelCacheBackend *backend, const char *const *tags)
{
  GrelMemoryCacheAdapter *self = GREL_MEMORY_CACHE_ADAPTER (backend);

  g_mutex_lock (&self->cache.mutex);
  for (; *tags != NULL; tags++)
    grel_memory_cache_remove_tag (&self->cache, *tags);
  g_mutex_unlock (&self->cache.mutex);
}

static void
grel_memory_cache_adapter_try_clear (GrelCacheBackend *backend)
{
  GrelMemoryCacheAdapter *self = GREL_MEMORY_CACHE_ADAPTER (backend);

  g_mutex_lock (&self->cache.mutex);
  grel_memory_cache_remove_all (&self->cache);
  g_mutex_unlock (&self->cache.mutex);
}

static GrelScope
grel_memory_cache_adapter_get_scope (GrelBackend *backend)
{
  return GREL_SCOPE_PROCESS;
}

static void
grel_memory_cache_adapter_try_tidy (GrelCacheBackend *backend)
{
  grel_memory_cache_tidy (&GREL_MEMORY_CACHE_ADAPTER (backend)->cache);
}

static void
grel_memory_cache_adapter_open (GrelBackend *backend, GTask *task)
{
  grel_memory_cache_sweeper_start (&GREL_MEMORY_CACHE_ADAPTER (backend)->sweeper);
  g_task_return_boolean (task, TRUE);
}

static void
grel_memory_cache_adapter_close (GrelBackend *backend, GTask *task)
{
  GrelMemoryCacheAdapter *self = GREL_MEMORY_CACHE_ADAPTER (backend);

  grel_memory_cache_sweeper_stop (&self->sweeper);
  grel_memory_cache_adapter_try_clear (GREL_CACHE_BACKEND (self));
  grel_memory_cache_tidy (&self->cache);
  g_task_return_boolean (task, TRUE);
}

static void
grel_memory_cache_adapter_finalize (GObject *object)
{
  GrelMemoryCacheAdapter *self = GREL_MEMORY_CACHE_ADAPTER (object);

  grel_memory_cache_clear (&self->cache);

  G_OBJECT_CLASS (grel_memory_cache_adapter_parent_class)->finalize (object);
}

static void
grel_memory_cache_adapter_class_init (GrelMemoryCacheAdapterClass *klass)
{
  GrelBackendClass *backend_class = GREL_BACKEND_CLASS (klass);
  GrelCacheBackendClass *cache_class = GREL_CACHE_BACKEND_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = grel_memory_cache_adapter_finalize;
  backend_class->get_scope = grel_memory_cache_adapter_get_scope;
  backend_class->open = grel_memory_cache_adapter_open;
  backend_class->close = grel_memory_cache_adapter_close;
  cache_class->try_get = grel_memory_cache_adapter_try_get;
  cache_class->try_set = grel_memory_cache_adapter_try_set;
  cache_class->try_delete = grel_memory_cache_adapter_try_delete;
  cache_class->try_delete_tags = grel_memory_cache_adapter_try_delete_tags;
  cache_class->try_clear = grel_memory_cache_adapter_try_clear;
  cache_class->try_tidy = grel_memory_cache_adapter_try_tidy;
}

static void
grel_memory_cache_adapter_init (GrelMemoryCacheAdapter *self)
{
  grel_memory_cache_init (&self->cache);
  grel_memory_cache_sweeper_init (&self->sweeper, GREL_BACKEND (self), &self->cache);
}

/**
 * grel_memory_cache_adapter_new:
 *
 * Makes a cache backend in memory. May be called from any thread.
 *
 * Returns: (transfer full): a new adapter
 *
 * Since: 0.1
 */
GrelMemoryCacheAdapter *
grel_memory_cache_adapter_new (void)
{
  return g_object_new (GREL_TYPE_MEMORY_CACHE_ADAPTER, NULL);
}
