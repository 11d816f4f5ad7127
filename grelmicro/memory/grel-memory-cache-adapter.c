/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-clock-private.h>
#include <grelmicro/memory/grel-memory-cache-adapter.h>
#include <grelmicro/memory/grel-memory-cache-hit-private.h>
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
grel_memory_cache_adapter_now (GrelMemoryCacheAdapter *self, gint64 *stamp)
{
  GrelPart *part = grel_backend_get_part ((GrelBackend *) self);

  return grel_clock_now_stamped (grel_part_peek_clock (part), stamp);
}

static gboolean
grel_memory_cache_adapter_get (GrelMemoryCacheAdapter *self,
                               GrelMemoryCacheKey key,
                               GrelCacheRecord *record)
{
  gint64 stamp, now = grel_memory_cache_adapter_now (self, &stamp);

  return grel_memory_cache_get (&self->cache, key, now, stamp, record);
}

static gboolean
grel_memory_cache_adapter_try_get (GrelCacheBackend *backend,
                                   const char *key,
                                   GrelCacheRecord *record)
{
  return grel_memory_cache_adapter_get ((GrelMemoryCacheAdapter *) backend,
                                        grel_memory_cache_make_key (key), record);
}

static gboolean
grel_memory_cache_adapter_try_hit (GrelCacheBackend *backend,
                                   const char *key,
                                   GrelCacheRecord *record)
{
  return grel_memory_cache_adapter_get ((GrelMemoryCacheAdapter *) backend,
                                        grel_memory_cache_make_bare_key (key), record);
}

static void
grel_memory_cache_adapter_try_set (GrelCacheBackend *backend,
                                   const char *key,
                                   const GrelCacheRecord *record,
                                   const char *const *tags,
                                   GrelCacheAccount *account)
{
  GrelMemoryCacheAdapter *self = GREL_MEMORY_CACHE_ADAPTER (backend);
  gint64 stamp, now = grel_memory_cache_adapter_now (self, &stamp);
  gint64 due = grel_memory_cache_set (&self->cache, grel_memory_cache_make_key (key), record, tags,
                                      account, now, stamp);

  if (due != G_MAXINT64)
    grel_memory_cache_sweeper_arm (&self->sweeper, due);
}

static gboolean
grel_memory_cache_adapter_try_delete (GrelCacheBackend *backend, const char *key)
{
  GrelMemoryCacheAdapter *self = GREL_MEMORY_CACHE_ADAPTER (backend);
  gint64 stamp, now = grel_memory_cache_adapter_now (self, &stamp);

  return grel_memory_cache_delete (&self->cache, grel_memory_cache_make_key (key), now);
}

static void
grel_memory_cache_adapter_try_delete_tags (GrelCacheBackend *backend, const char *const *tags)
{
  for (; *tags != NULL; tags++)
    grel_memory_cache_delete_tag (&GREL_MEMORY_CACHE_ADAPTER (backend)->cache, *tags);
}

static void
grel_memory_cache_adapter_try_clear (GrelCacheBackend *backend)
{
  grel_memory_cache_delete_all (&GREL_MEMORY_CACHE_ADAPTER (backend)->cache);
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

  grel_memory_cache_sweeper_clear (&self->sweeper);
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
  cache_class->try_hit = grel_memory_cache_adapter_try_hit;
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
