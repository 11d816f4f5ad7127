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

G_END_DECLS
