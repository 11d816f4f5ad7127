/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-cache-table-private.h>

#define GREL_MEMORY_CACHE_MIN_BUCKETS 8

GrelMemoryCacheKey
grel_memory_cache_make_key (const char *key)
{
  if (g_str_has_prefix (key, GREL_CACHE_KEY_PREFIX))
    return grel_memory_cache_make_bare_key (key + strlen (GREL_CACHE_KEY_PREFIX));
  return (GrelMemoryCacheKey){ key, grel_memory_cache_hash (key, FALSE) };
}

void
grel_memory_cache_table_init (GrelMemoryCacheTable *self)
{
  self->n_buckets = GREL_MEMORY_CACHE_MIN_BUCKETS;
  self->buckets = g_new0 (GrelMemoryCacheEntry *, self->n_buckets);
}

void
grel_memory_cache_table_clear (GrelMemoryCacheTable *self)
{
  g_free (self->buckets);
}

static void
grel_memory_cache_table_push (GrelMemoryCacheTable *self, GrelMemoryCacheEntry *entry)
{
  GrelMemoryCacheEntry **bucket = grel_memory_cache_table_get_bucket (self, entry->key.hash);

  entry->next = *bucket;
  *bucket = entry;
}

static void
grel_memory_cache_table_resize (GrelMemoryCacheTable *self, guint n_buckets)
{
  g_autofree GrelMemoryCacheEntry **old = self->buckets;
  guint n_old = self->n_buckets;

  self->buckets = g_new0 (GrelMemoryCacheEntry *, n_buckets);
  self->n_buckets = n_buckets;
  for (guint i = 0; i < n_old; i++)
    while (old[i] != NULL)
      {
        GrelMemoryCacheEntry *entry = old[i];

        old[i] = entry->next;
        grel_memory_cache_table_push (self, entry);
      }
}

void
grel_memory_cache_table_add (GrelMemoryCacheTable *self, GrelMemoryCacheEntry *entry)
{
  if (++self->n_entries > self->n_buckets)
    grel_memory_cache_table_resize (self, 2 * self->n_buckets);
  grel_memory_cache_table_push (self, entry);
}

/* It shrinks late, so that a size that wavers costs nothing. */
void
grel_memory_cache_table_remove (GrelMemoryCacheTable *self, GrelMemoryCacheEntry *entry)
{
  GrelMemoryCacheEntry **place = grel_memory_cache_table_get_bucket (self, entry->key.hash);

  while (*place != entry)
    place = &(*place)->next;
  *place = entry->next;

  if (--self->n_entries < self->n_buckets / 4 && self->n_buckets > GREL_MEMORY_CACHE_MIN_BUCKETS)
    grel_memory_cache_table_resize (self, self->n_buckets / 2);
}
