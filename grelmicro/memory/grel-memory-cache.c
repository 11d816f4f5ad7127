/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-cache-private.h>

#include <string.h>

static void
grel_memory_cache_pool_free (gpointer data)
{
  GrelMemoryCachePool *self = data;

  g_atomic_rc_box_release (self->account);
  g_free (self);
}

static GrelMemoryCachePool *
grel_memory_cache_ensure_pool (GrelMemoryCache *self, GrelCacheAccount *account)
{
  GrelMemoryCachePool *pool = g_hash_table_lookup (self->pools, account);

  if (pool != NULL)
    return pool;

  pool = g_new0 (GrelMemoryCachePool, 1);
  pool->account = g_atomic_rc_box_acquire (account);
  g_hash_table_insert (self->pools, account, pool);
  return pool;
}

static void
grel_memory_cache_pool_push (GrelMemoryCachePool *self, GrelMemoryCacheEntry *entry)
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
grel_memory_cache_pool_unlink (GrelMemoryCachePool *self, GrelMemoryCacheEntry *entry)
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

static void
grel_memory_cache_enter_pool (GrelMemoryCache *self,
                              GrelMemoryCacheEntry *entry,
                              GrelCacheAccount *account)
{
  if (account == NULL)
    return;

  entry->pool = grel_memory_cache_ensure_pool (self, account);
  grel_memory_cache_pool_push (entry->pool, entry);
  entry->pool->n_entries++;
  g_atomic_int_inc (&account->size);
}

static void
grel_memory_cache_leave_pool (GrelMemoryCache *self, GrelMemoryCacheEntry *entry)
{
  GrelMemoryCachePool *pool = g_steal_pointer (&entry->pool);

  if (pool == NULL)
    return;

  grel_memory_cache_pool_unlink (pool, entry);
  g_atomic_int_add (&pool->account->size, -1);
  if (--pool->n_entries == 0)
    g_hash_table_remove (self->pools, pool->account);
}

void
grel_memory_cache_init (GrelMemoryCache *self)
{
  g_mutex_init (&self->mutex);
  self->entries = g_hash_table_new (g_str_hash, g_str_equal);
  self->tags = grel_memory_cache_tags_new ();
  self->pools = g_hash_table_new_full (NULL, NULL, NULL, grel_memory_cache_pool_free);
}

void
grel_memory_cache_clear (GrelMemoryCache *self)
{
  grel_memory_cache_remove_all (self);
  grel_memory_cache_tidy (self);
  g_hash_table_unref (self->entries);
  g_hash_table_unref (self->tags);
  g_hash_table_unref (self->pools);
  g_mutex_clear (&self->mutex);
}

GrelMemoryCacheEntry *
grel_memory_cache_find (GrelMemoryCache *self, const char *key, gint64 now)
{
  GrelMemoryCacheEntry *entry = g_hash_table_lookup (self->entries, key);

  if (entry == NULL || now >= entry->expiry.due)
    return NULL;

  if (entry->pool != NULL && entry->newer != NULL
      && g_atomic_int_get (&entry->pool->account->max_size) > 0)
    {
      grel_memory_cache_pool_unlink (entry->pool, entry);
      grel_memory_cache_pool_push (entry->pool, entry);
    }
  return entry;
}

static GrelMemoryCacheEntry *
grel_memory_cache_entry_new (const char *key,
                             const GrelCacheRecord *record,
                             guint n_tags,
                             gint64 now)
{
  gsize key_size = strlen (key) + 1;
  gsize size = sizeof (GrelMemoryCacheEntry) + n_tags * sizeof (GrelMemoryCacheLink);
  GrelMemoryCacheEntry *entry = g_malloc0 (size + key_size);

  entry->key = memcpy ((char *) entry + size, key, key_size);
  entry->value = g_bytes_ref (record->value);
  entry->ttl = record->ttl;
  entry->load_time = record->load_time;
  entry->fresh_until = now + record->ttl;
  return entry;
}

static void
grel_memory_cache_make_room (GrelMemoryCache *self, GrelMemoryCachePool *pool)
{
  guint max_size = pool != NULL ? g_atomic_int_get (&pool->account->max_size) : 0;

  while (max_size > 0 && pool->n_entries > max_size)
    {
      g_atomic_int_inc (&pool->account->evictions);
      grel_memory_cache_remove (self, pool->oldest);
    }
}

void
grel_memory_cache_add (GrelMemoryCache *self,
                       const char *key,
                       const GrelCacheRecord *record,
                       const char *const *tags,
                       GrelCacheAccount *account,
                       gint64 now)
{
  GrelMemoryCacheEntry *old = g_hash_table_lookup (self->entries, key);
  guint n_tags = tags != NULL ? g_strv_length ((char **) tags) : 0;
  GrelMemoryCacheEntry *entry = grel_memory_cache_entry_new (key, record, n_tags, now);

  if (old != NULL)
    grel_memory_cache_remove (self, old);
  g_hash_table_insert (self->entries, (gpointer) entry->key, entry);
  grel_heap_add (&self->heap, &entry->expiry, entry->fresh_until + record->stale_ttl);
  grel_memory_cache_tags_add (self->tags, entry, tags);
  grel_memory_cache_enter_pool (self, entry, account);
  grel_memory_cache_make_room (self, entry->pool);
}

static void
grel_memory_cache_throw_away (GrelMemoryCache *self, GrelMemoryCacheEntry *entry)
{
  grel_memory_cache_tags_remove (self->tags, entry);
  grel_memory_cache_leave_pool (self, entry);
  entry->older = self->trash;
  self->trash = entry;
}

void
grel_memory_cache_remove (GrelMemoryCache *self, GrelMemoryCacheEntry *entry)
{
  g_hash_table_remove (self->entries, entry->key);
  grel_heap_remove (&self->heap, &entry->expiry);
  grel_memory_cache_throw_away (self, entry);
}

void
grel_memory_cache_remove_tag (GrelMemoryCache *self, const char *name)
{
  GrelMemoryCacheEntry *entry;

  while ((entry = grel_memory_cache_tags_peek (self->tags, name)) != NULL)
    grel_memory_cache_remove (self, entry);
}

void
grel_memory_cache_remove_all (GrelMemoryCache *self)
{
  GHashTableIter iter;
  gpointer entry;

  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    grel_memory_cache_throw_away (self, entry);

  g_hash_table_remove_all (self->entries);
  grel_heap_clear (&self->heap);
}

GrelMemoryCacheEntry *
grel_memory_cache_peek (GrelMemoryCache *self)
{
  return (GrelMemoryCacheEntry *) grel_heap_peek (&self->heap);
}

gboolean
grel_memory_cache_remove_expired (GrelMemoryCache *self, gint64 now, guint limit)
{
  GrelMemoryCacheEntry *first;

  while ((first = grel_memory_cache_peek (self)) != NULL && first->expiry.due <= now)
    {
      if (limit-- == 0)
        return TRUE;
      grel_memory_cache_remove (self, first);
    }
  return FALSE;
}

void
grel_memory_cache_tidy (GrelMemoryCache *self)
{
  GrelMemoryCacheEntry *trash;

  g_mutex_lock (&self->mutex);
  trash = g_steal_pointer (&self->trash);
  g_mutex_unlock (&self->mutex);

  while (trash != NULL)
    {
      GrelMemoryCacheEntry *entry = trash;

      trash = entry->older;
      g_bytes_unref (entry->value);
      g_free (entry);
    }
}
