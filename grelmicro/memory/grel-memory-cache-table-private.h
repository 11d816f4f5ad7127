/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/memory/grel-memory-cache-private.h>

#include <string.h>

G_BEGIN_DECLS

/* What every hit goes through is inline. */

#define GREL_MEMORY_CACHE_FACTOR G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

static inline guint64
grel_memory_cache_mix (guint64 hash, guint64 word)
{
  hash = (hash ^ word) * GREL_MEMORY_CACHE_FACTOR;
  return hash ^ (hash >> 32);
}

/* Eight bytes at a time: keys share their beginning and are seldom short. The last eight of a long
 * key may overlap those before. */
static inline guint
grel_memory_cache_hash (const char *key, gboolean is_bare)
{
  gsize size = strlen (key), rest = size;
  guint64 hash = size, word = 0;

  for (; rest > sizeof word; rest -= sizeof word, key += sizeof word)
    {
      memcpy (&word, key, sizeof word);
      hash = grel_memory_cache_mix (hash, word);
    }

  if (size >= sizeof word)
    memcpy (&word, key + rest - sizeof word, sizeof word);
  else
    memcpy (&word, key, rest);
  hash = grel_memory_cache_mix (hash, word) * GREL_MEMORY_CACHE_FACTOR;
  hash >>= 32; /* where each bit of the key has got to */
  return is_bare ? hash | 1 : hash & ~(guint64) 1;
}

static inline GrelMemoryCacheKey
grel_memory_cache_make_bare_key (const char *key)
{
  return (GrelMemoryCacheKey){ key, grel_memory_cache_hash (key, TRUE) };
}

GrelMemoryCacheKey grel_memory_cache_make_key (const char *key);

static inline GrelMemoryCacheEntry **
grel_memory_cache_table_get_bucket (GrelMemoryCacheTable *self, guint hash)
{
  return &self->buckets[(hash >> 1) & (self->n_buckets - 1)];
}

static inline GrelMemoryCacheEntry *
grel_memory_cache_table_find (GrelMemoryCacheTable *self, GrelMemoryCacheKey key)
{
  GrelMemoryCacheEntry *entry = *grel_memory_cache_table_get_bucket (self, key.hash);

  while (entry != NULL && (entry->key.hash != key.hash || strcmp (entry->key.text, key.text) != 0))
    entry = entry->next;
  return entry;
}

void grel_memory_cache_table_init (GrelMemoryCacheTable *self);

/* Frees the table, not what lies in it. */
void grel_memory_cache_table_clear (GrelMemoryCacheTable *self);

/* The key must not be in there. */
void grel_memory_cache_table_add (GrelMemoryCacheTable *self, GrelMemoryCacheEntry *entry);

void grel_memory_cache_table_remove (GrelMemoryCacheTable *self, GrelMemoryCacheEntry *entry);

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
