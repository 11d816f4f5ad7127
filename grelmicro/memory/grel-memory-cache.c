/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/memory/grel-memory-cache-hit-private.h>

void
grel_memory_cache_init (GrelMemoryCache *self)
{
  self->shards
    = g_aligned_alloc0 (GREL_MEMORY_CACHE_N_SHARDS, sizeof *self->shards, GREL_CACHE_LINE);
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    {
      grel_readers_lock_init (&self->shards[i].lock);
      self->shards[i].tags = grel_memory_cache_tags_new ();
      grel_memory_cache_table_init (&self->shards[i].table);
    }

  g_mutex_init (&self->pools_mutex);
  g_mutex_init (&self->bounds_mutex);
  self->pools = g_hash_table_new (NULL, NULL);
  self->generation = grel_identity_get_generation ();
}

static void
grel_memory_cache_adopt (GrelMemoryCache *self, GMutex *mutex)
{
  guint generation = self->generation;

  grel_identity_adopt_mutex (mutex, &generation);
}

/* The copy of one that is locked can't be cleared. */
void
grel_memory_cache_clear_mutex (GrelMemoryCache *self, GMutex *mutex)
{
  if (self->generation == grel_identity_get_generation ())
    g_mutex_clear (mutex);
}

void
grel_memory_cache_clear (GrelMemoryCache *self)
{
  grel_memory_cache_adopt (self, &self->pools_mutex);
  grel_memory_cache_adopt (self, &self->bounds_mutex);

  grel_memory_cache_delete_all (self);
  grel_memory_cache_tidy (self);
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    {
      g_hash_table_unref (self->shards[i].tags);
      grel_memory_cache_table_clear (&self->shards[i].table);
      grel_heap_clear (&self->shards[i].heap);
      grel_readers_lock_clear (&self->shards[i].lock);
    }
  g_aligned_free (self->shards);
  g_hash_table_unref (self->pools);
  grel_memory_cache_clear_mutex (self, &self->pools_mutex);
  grel_memory_cache_clear_mutex (self, &self->bounds_mutex);
}

static GrelMemoryCacheShard *
grel_memory_cache_write (GrelMemoryCache *self, guint hash)
{
  GrelMemoryCacheShard *shard = grel_memory_cache_get_shard (self, hash);

  grel_readers_lock_write (&shard->lock);
  return shard;
}

/* The shard is locked for writing. */
static void
grel_memory_cache_remove (GrelMemoryCache *self,
                          GrelMemoryCacheShard *shard,
                          GrelMemoryCacheEntry *entry)
{
  grel_memory_cache_table_remove (&shard->table, entry);
  grel_heap_remove (&shard->heap, &entry->expiry);
  grel_memory_cache_tags_remove (shard->tags, entry);
  grel_memory_cache_order_leave (self, entry);

  entry->next = __atomic_load_n (&self->trash, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n (&self->trash, &entry->next, entry, TRUE, __ATOMIC_RELEASE,
                                       __ATOMIC_RELAXED))
    ;
}

void
grel_memory_cache_tidy (GrelMemoryCache *self)
{
  GrelMemoryCacheEntry *trash = NULL;

  if (__atomic_load_n (&self->trash, __ATOMIC_RELAXED) != NULL)
    trash = __atomic_exchange_n (&self->trash, NULL, __ATOMIC_ACQUIRE);
  while (trash != NULL)
    {
      GrelMemoryCacheEntry *entry = trash;

      trash = entry->next;
      g_bytes_unref (entry->value);
      g_free (entry);
    }
}

static GrelMemoryCacheEntry *
grel_memory_cache_entry_new (GrelMemoryCacheKey key,
                             const GrelCacheRecord *record,
                             guint n_tags,
                             gint64 now)
{
  gsize key_size = strlen (key.text) + 1;
  gsize size = sizeof (GrelMemoryCacheEntry) + n_tags * sizeof (GrelMemoryCacheLink);
  GrelMemoryCacheEntry *entry = g_malloc0 (size + key_size);

  entry->key.text = memcpy ((char *) entry + size, key.text, key_size);
  entry->key.hash = key.hash;
  entry->value = g_bytes_ref (record->value);
  entry->ttl = record->ttl;
  entry->load_time = record->load_time;
  entry->fresh_until = now + record->ttl;
  entry->expiry.due = entry->fresh_until + record->stale_ttl;
  return entry;
}

/* For what was set with that stamp: across all shards, and never more than has to go. */
static void
grel_memory_cache_make_room (GrelMemoryCache *self, GrelMemoryCachePool *pool, gint64 stamp)
{
  if (!grel_memory_cache_pool_is_full (pool))
    return;

  g_mutex_lock (&self->bounds_mutex);
  while (grel_memory_cache_pool_is_full (pool))
    {
      gint64 bound;
      guint i = grel_memory_cache_pool_find_oldest (pool, &bound);
      GrelMemoryCacheShard *shard = &self->shards[i];
      GrelMemoryCacheEntry *oldest;

      grel_readers_lock_write (&shard->lock);
      oldest = grel_memory_cache_order_find_oldest (&pool->orders[i], bound, stamp - 1);
      if (oldest != NULL)
        {
          g_atomic_int_inc (&pool->account->evictions);
          grel_memory_cache_remove (self, shard, oldest);
        }
      grel_readers_lock_end_write (&shard->lock);
    }
  g_mutex_unlock (&self->bounds_mutex);
}

/* The shard is locked for writing. */
static void
grel_memory_cache_put (GrelMemoryCache *self,
                       GrelMemoryCacheShard *shard,
                       GrelMemoryCacheEntry *entry,
                       const char *const *tags,
                       GrelMemoryCachePool *pool,
                       gint64 stamp)
{
  GrelMemoryCacheEntry *old = grel_memory_cache_table_find (&shard->table, entry->key);

  if (old != NULL)
    grel_memory_cache_remove (self, shard, old);
  grel_memory_cache_table_add (&shard->table, entry);
  grel_heap_add (&shard->heap, &entry->expiry, entry->expiry.due);
  grel_memory_cache_tags_add (shard->tags, entry, tags);
  if (pool != NULL)
    grel_memory_cache_order_enter (&pool->orders[shard - self->shards], entry, stamp);
}

gint64
grel_memory_cache_set (GrelMemoryCache *self,
                       GrelMemoryCacheKey key,
                       const GrelCacheRecord *record,
                       const char *const *tags,
                       GrelCacheAccount *account,
                       gint64 now,
                       gint64 stamp)
{
  guint n_tags = tags != NULL ? g_strv_length ((char **) tags) : 0;
  GrelMemoryCacheEntry *entry = grel_memory_cache_entry_new (key, record, n_tags, now);
  GrelMemoryCachePool *pool = grel_memory_cache_use_pool (self, account);
  gint64 due = entry->expiry.due;
  GrelMemoryCacheShard *shard;
  gboolean is_first;

  shard = grel_memory_cache_write (self, key.hash);
  grel_memory_cache_put (self, shard, entry, tags, pool, stamp);
  is_first = grel_heap_peek (&shard->heap) == &entry->expiry;
  grel_readers_lock_end_write (&shard->lock);

  if (pool != NULL)
    {
      grel_memory_cache_make_room (self, pool, stamp);
      grel_memory_cache_drop_pool (self, pool);
    }
  return is_first ? due : G_MAXINT64;
}

gboolean
grel_memory_cache_delete (GrelMemoryCache *self, GrelMemoryCacheKey key, gint64 now)
{
  GrelMemoryCacheShard *shard = grel_memory_cache_write (self, key.hash);
  GrelMemoryCacheEntry *entry = grel_memory_cache_find (shard, key, now);

  if (entry != NULL)
    grel_memory_cache_remove (self, shard, entry);
  grel_readers_lock_end_write (&shard->lock);

  return entry != NULL;
}

void
grel_memory_cache_delete_tag (GrelMemoryCache *self, const char *name)
{
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    {
      GrelMemoryCacheShard *shard = &self->shards[i];
      GrelMemoryCacheEntry *entry;

      grel_readers_lock_write (&shard->lock);
      while ((entry = grel_memory_cache_tags_peek (shard->tags, name)) != NULL)
        grel_memory_cache_remove (self, shard, entry);
      grel_readers_lock_end_write (&shard->lock);
    }
}

void
grel_memory_cache_delete_all (GrelMemoryCache *self)
{
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    {
      GrelMemoryCacheShard *shard = &self->shards[i];
      GrelHeapNode *last;

      grel_readers_lock_write (&shard->lock);
      while ((last = grel_heap_peek_last (&shard->heap)) != NULL)
        grel_memory_cache_remove (self, shard, (GrelMemoryCacheEntry *) last);
      grel_readers_lock_end_write (&shard->lock);
    }
}

/* Takes out as many as the limit allows, which is lowered. Returns: when the next one expires */
static gint64
grel_memory_cache_shard_delete_expired (GrelMemoryCache *self,
                                        GrelMemoryCacheShard *shard,
                                        gint64 now,
                                        guint *limit)
{
  GrelHeapNode *first;
  gint64 due = G_MAXINT64;

  grel_readers_lock_write (&shard->lock);
  while ((first = grel_heap_peek (&shard->heap)) != NULL && first->due <= now && *limit > 0)
    {
      grel_memory_cache_remove (self, shard, (GrelMemoryCacheEntry *) first);
      (*limit)--;
    }
  if (first != NULL)
    due = first->due;
  grel_readers_lock_end_write (&shard->lock);
  return due;
}

gint64
grel_memory_cache_delete_expired (GrelMemoryCache *self, gint64 now, guint limit)
{
  gint64 due = G_MAXINT64;

  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    {
      gint64 next = grel_memory_cache_shard_delete_expired (self, &self->shards[i], now, &limit);

      due = MIN (due, next);
    }
  return due;
}
