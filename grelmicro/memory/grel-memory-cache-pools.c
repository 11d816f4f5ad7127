/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-cache-private.h>

static GrelMemoryCachePool *
grel_memory_cache_pool_new (GrelCacheAccount *account)
{
  GrelMemoryCachePool *self = g_aligned_alloc0 (1, sizeof *self, GREL_MEMORY_CACHE_LINE);

  self->account = g_atomic_rc_box_acquire (account);
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    {
      self->orders[i].pool = self;
      self->orders[i].oldest_used = G_MAXINT64;
    }
  return self;
}

void
grel_memory_cache_free_pool (GrelMemoryCachePool *self)
{
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
grel_memory_cache_pool_find_oldest (GrelMemoryCachePool *self)
{
  gint64 oldest_used = G_MAXINT64;
  guint oldest = 0;

  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    {
      gint64 used = __atomic_load_n (&self->orders[i].oldest_used, __ATOMIC_RELAXED);

      if (used >= oldest_used)
        continue;
      oldest_used = used;
      oldest = i;
    }
  return oldest;
}

static void
grel_memory_cache_order_note_oldest (GrelMemoryCacheOrder *self)
{
  gint64 used = self->oldest != NULL ? self->oldest->last_used : G_MAXINT64;

  if (used != self->oldest_used)
    __atomic_store_n (&self->oldest_used, used, __ATOMIC_RELAXED);
}

static void
grel_memory_cache_order_push (GrelMemoryCacheOrder *self, GrelMemoryCacheEntry *entry)
{
  entry->newer = NULL;
  entry->older = self->newest;
  if (self->newest != NULL)
    self->newest->newer = entry;
  else
    self->oldest = entry;
  self->newest = entry;
}

static void
grel_memory_cache_order_unlink (GrelMemoryCacheOrder *self, GrelMemoryCacheEntry *entry)
{
  if (entry->newer != NULL)
    entry->newer->older = entry->older;
  else
    self->newest = entry->older;
  if (entry->older != NULL)
    entry->older->newer = entry->newer;
  else
    self->oldest = entry->newer;
}

void
grel_memory_cache_order_enter (GrelMemoryCacheOrder *self,
                               GrelMemoryCacheEntry *entry,
                               gint64 stamp)
{
  entry->order = self;
  entry->last_used = stamp;
  grel_memory_cache_order_push (self, entry);
  grel_memory_cache_order_note_oldest (self);
  g_atomic_int_inc (&self->pool->n_entries);
  g_atomic_int_inc (&self->pool->account->size);
}

/* Only a bounded cache has to know what was used when. */
void
grel_memory_cache_order_use (GrelMemoryCacheOrder *self, GrelMemoryCacheEntry *entry, gint64 stamp)
{

  gboolean was_oldest;

  if (g_atomic_int_get (&self->pool->account->max_size) == 0)
    return;

  was_oldest = entry->older == NULL;
  if (entry->newer != NULL)
    {
      grel_memory_cache_order_unlink (self, entry);
      grel_memory_cache_order_push (self, entry);
    }
  entry->last_used = stamp;
  if (was_oldest)
    grel_memory_cache_order_note_oldest (self);
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
  grel_memory_cache_order_unlink (self, entry);
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
