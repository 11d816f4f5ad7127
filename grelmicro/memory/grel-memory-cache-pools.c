/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-cache-private.h>

/* How many uses to place before others get a turn at the shard. */
#define GREL_MEMORY_CACHE_MAX_PLACED 64

static GrelMemoryCachePool *
grel_memory_cache_pool_new (GrelCacheAccount *account)
{
  GrelMemoryCachePool *self = g_aligned_alloc0 (1, sizeof *self, GREL_CACHE_LINE);

  self->account = g_atomic_rc_box_acquire (account);
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    {
      self->orders[i].pool = self;
      self->orders[i].oldest = G_MAXINT64;
    }
  return self;
}

void
grel_memory_cache_free_pool (GrelMemoryCachePool *self)
{
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    grel_heap_clear (&self->orders[i].heap);
  g_atomic_rc_box_release (self->account);
  g_aligned_free (self);
}

GrelMemoryCachePool *
grel_memory_cache_use_pool (GrelMemoryCache *self, GrelCacheAccount *account)
{
  GrelMemoryCachePool *pool;

  if (account == NULL)
    return NULL;

  g_mutex_lock (&self->pools_mutex);
  pool = g_hash_table_lookup (self->pools, account);
  if (pool == NULL)
    {
      pool = grel_memory_cache_pool_new (account);
      g_hash_table_insert (self->pools, account, pool);
    }
  pool->n_users++;
  g_mutex_unlock (&self->pools_mutex);
  return pool;
}

/* Mutex of the pools held. */
static void
grel_memory_cache_forget_pool (GrelMemoryCache *self, GrelMemoryCachePool *pool)
{
  if (pool->n_users > 0 || g_atomic_int_get (&pool->n_entries) > 0)
    return;

  g_hash_table_remove (self->pools, pool->account);
  grel_memory_cache_free_pool (pool);
}

void
grel_memory_cache_drop_pool (GrelMemoryCache *self, GrelMemoryCachePool *pool)
{
  g_mutex_lock (&self->pools_mutex);
  pool->n_users--;
  grel_memory_cache_forget_pool (self, pool);
  g_mutex_unlock (&self->pools_mutex);
}

gboolean
grel_memory_cache_pool_is_full (GrelMemoryCachePool *self)
{
  guint max_size = g_atomic_int_get (&self->account->max_size);

  return max_size > 0 && (guint) g_atomic_int_get (&self->n_entries) > max_size;
}

guint
grel_memory_cache_pool_find_oldest (GrelMemoryCachePool *self, gint64 *bound)
{
  gint64 first = G_MAXINT64;
  guint found = 0;

  *bound = G_MAXINT64;
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    {
      gint64 oldest = __atomic_load_n (&self->orders[i].oldest, __ATOMIC_RELAXED);

      if (oldest >= first)
        {
          *bound = MIN (*bound, oldest);
          continue;
        }
      *bound = first;
      first = oldest;
      found = i;
    }
  return found;
}

static void
grel_memory_cache_order_note_oldest (GrelMemoryCacheOrder *self)
{
  GrelHeapNode *first = grel_heap_peek (&self->heap);
  gint64 oldest = first != NULL ? first->due : G_MAXINT64;

  if (oldest != self->oldest)
    __atomic_store_n (&self->oldest, oldest, __ATOMIC_RELAXED);
}

void
grel_memory_cache_order_enter (GrelMemoryCacheOrder *self,
                               GrelMemoryCacheEntry *entry,
                               gint64 stamp)
{
  entry->order = self;
  entry->last_used = stamp;
  grel_heap_add (&self->heap, &entry->use, stamp);
  grel_memory_cache_order_note_oldest (self);
  g_atomic_int_inc (&self->pool->n_entries);
  g_atomic_int_inc (&self->pool->account->size);
}

/* A use is placed once at most, whoever has to. Those after the limit count as at it: entries that
 * are used all the time don't outrun who makes room, nor drive out what it is made for. */
GrelMemoryCacheEntry *
grel_memory_cache_order_find_oldest (GrelMemoryCacheOrder *self, gint64 bound, gint64 limit)
{
  GrelMemoryCacheEntry *oldest = NULL;
  GrelHeapNode *first;

  for (guint i = 0; i < GREL_MEMORY_CACHE_MAX_PLACED && oldest == NULL; i++)
    {
      GrelMemoryCacheEntry *entry;

      first = grel_heap_peek (&self->heap);
      if (first == NULL || first->due > bound)
        break;

      entry
        = (GrelMemoryCacheEntry *) ((char *) first - G_STRUCT_OFFSET (GrelMemoryCacheEntry, use));
      if (first->due == entry->last_used || first->due >= limit)
        oldest = entry;
      else
        {
          grel_heap_remove (&self->heap, first);
          grel_heap_add (&self->heap, first, MIN (entry->last_used, limit));
        }
    }
  grel_memory_cache_order_note_oldest (self);
  return oldest;
}

/* An empty pool is found again by its account: once it is empty it may be gone. */
void
grel_memory_cache_order_leave (GrelMemoryCache *cache, GrelMemoryCacheEntry *entry)
{
  GrelMemoryCacheOrder *self = g_steal_pointer (&entry->order);
  GrelMemoryCachePool *pool;
  GrelCacheAccount *account;

  if (self == NULL)
    return;

  account = self->pool->account;
  grel_heap_remove (&self->heap, &entry->use);
  grel_memory_cache_order_note_oldest (self);
  g_atomic_int_add (&account->size, -1);
  if (!g_atomic_int_dec_and_test (&self->pool->n_entries))
    return;

  g_mutex_lock (&cache->pools_mutex);
  pool = g_hash_table_lookup (cache->pools, account);
  if (pool != NULL)
    grel_memory_cache_forget_pool (cache, pool);
  g_mutex_unlock (&cache->pools_mutex);
}
