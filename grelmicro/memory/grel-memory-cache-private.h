/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-types.h>
#include <grelmicro/core/grel-heap-private.h>

G_BEGIN_DECLS

typedef struct _GrelMemoryCacheEntry GrelMemoryCacheEntry;
typedef struct _GrelMemoryCachePool GrelMemoryCachePool;
typedef struct _GrelMemoryCacheTag GrelMemoryCacheTag;
typedef struct _GrelMemoryCacheLink GrelMemoryCacheLink;

/* That one entry has one tag: in the list of the tag, and in the array of the entry. */
struct _GrelMemoryCacheLink
{
  GrelMemoryCacheEntry *entry;
  GrelMemoryCacheTag *tag;
  GrelMemoryCacheLink *next;
  GrelMemoryCacheLink *previous;
};

/* There may be millions, so nothing is in here twice. */
struct _GrelMemoryCacheEntry
{
  GrelHeapNode expiry;
  GBytes *value;
  gint64 fresh_until;
  GTimeSpan ttl;
  GTimeSpan load_time;
  GrelMemoryCachePool *pool; /* nullable */
  GrelMemoryCacheEntry *newer;
  GrelMemoryCacheEntry *older; /* in the pool; once it was taken out, in the trash */
  guint n_links;
  const char *key;             /* behind the links */
  GrelMemoryCacheLink links[]; /* one for each tag */
};

/* The entries of one cache, by last use. */
struct _GrelMemoryCachePool
{
  GrelCacheAccount *account;
  GrelMemoryCacheEntry *newest;
  GrelMemoryCacheEntry *oldest;
  guint n_entries;
};

/* What a memory adapter keeps, under the mutex. Nothing in here is unreffed under it: what is taken
 * out lies in the trash until it is freed without the mutex. */
typedef struct
{
  GMutex mutex;
  GHashTable *entries; /* key to GrelMemoryCacheEntry, which owns the key */
  GHashTable *tags;    /* name to GrelMemoryCacheTag */
  GHashTable *pools;   /* GrelCacheAccount to GrelMemoryCachePool */
  GrelHeap heap;       /* (element-type GrelMemoryCacheEntry) by expiry */
  GrelMemoryCacheEntry *trash;
} GrelMemoryCache;

void grel_memory_cache_init (GrelMemoryCache *self);

void grel_memory_cache_clear (GrelMemoryCache *self);

/* Returns: (transfer none) (nullable): a live entry, which has been used now */
GrelMemoryCacheEntry *grel_memory_cache_find (GrelMemoryCache *self, const char *key, gint64 now);

void grel_memory_cache_add (GrelMemoryCache *self,
                            const char *key,
                            const GrelCacheRecord *record,
                            const char *const *tags,
                            GrelCacheAccount *account,
                            gint64 now);

void grel_memory_cache_remove (GrelMemoryCache *self, GrelMemoryCacheEntry *entry);

void grel_memory_cache_remove_tag (GrelMemoryCache *self, const char *name);

void grel_memory_cache_remove_all (GrelMemoryCache *self);

/* Returns: (transfer none) (nullable): the one that expires first */
GrelMemoryCacheEntry *grel_memory_cache_peek (GrelMemoryCache *self);

/* Returns: whether more of them have expired than the limit allowed to take out */
gboolean grel_memory_cache_remove_expired (GrelMemoryCache *self, gint64 now, guint limit);

/* Without the mutex: frees what was taken out. */
void grel_memory_cache_tidy (GrelMemoryCache *self);

/* The tag index. */
GHashTable *grel_memory_cache_tags_new (void);

void grel_memory_cache_tags_add (GHashTable *tags,
                                 GrelMemoryCacheEntry *entry,
                                 const char *const *names);

void grel_memory_cache_tags_remove (GHashTable *tags, GrelMemoryCacheEntry *entry);

/* Returns: (transfer none) (nullable): one that has the tag */
GrelMemoryCacheEntry *grel_memory_cache_tags_peek (GHashTable *tags, const char *name);

G_END_DECLS
