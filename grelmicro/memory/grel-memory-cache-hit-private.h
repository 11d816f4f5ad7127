/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/memory/grel-memory-cache-table-private.h>

G_BEGIN_DECLS

/* Inline, as what every hit goes through in the table. */

/* The top bits of a hash choose the shard, those at the bottom the bucket. */
#define GREL_MEMORY_CACHE_SHARD_SHIFT 28

G_STATIC_ASSERT (GREL_MEMORY_CACHE_N_SHARDS == 1u << (32 - GREL_MEMORY_CACHE_SHARD_SHIFT));

static inline GrelMemoryCacheShard *
grel_memory_cache_get_shard (GrelMemoryCache *self, guint hash)
{
  return &self->shards[hash >> GREL_MEMORY_CACHE_SHARD_SHIFT];
}

/* The shard is locked. Returns: (nullable): a live entry */
static inline GrelMemoryCacheEntry *
grel_memory_cache_find (GrelMemoryCacheShard *shard, GrelMemoryCacheKey key, gint64 now)
{
  GrelMemoryCacheEntry *entry = grel_memory_cache_table_find (&shard->table, key);

  return entry != NULL && now < entry->expiry.due ? entry : NULL;
}

/* Others may do so at the same time, and this one may have come late. */
static inline void
grel_memory_cache_entry_use (GrelMemoryCacheEntry *self, gint64 stamp)
{
  if (stamp > __atomic_load_n (&self->last_used, __ATOMIC_RELAXED))
    __atomic_store_n (&self->last_used, stamp, __ATOMIC_RELAXED);
}

/* stamp grows with each use, also while the time stands still. Returns: whether there is a live
 * entry, which has been used now */
static inline gboolean
grel_memory_cache_get (GrelMemoryCache *self,
                       GrelMemoryCacheKey key,
                       gint64 now,
                       gint64 stamp,
                       GrelCacheRecord *record)
{
  GrelMemoryCacheShard *shard = grel_memory_cache_get_shard (self, key.hash);
  GMutex *mutex = grel_readers_lock_read (&shard->lock);
  GrelMemoryCacheEntry *entry = grel_memory_cache_find (shard, key, now);

  if (entry != NULL)
    {
      grel_memory_cache_entry_use (entry, stamp);
      record->value = g_bytes_ref (entry->value);
      record->ttl = entry->ttl;
      record->stale_ttl = entry->expiry.due - entry->fresh_until;
      record->load_time = entry->load_time;
      record->remaining = entry->fresh_until - now;
    }
  g_mutex_unlock (mutex);

  return entry != NULL;
}

G_END_DECLS
