/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-types.h>
#include <grelmicro/core/grel-heap-private.h>
#include <grelmicro/core/grel-readers-lock-private.h>

G_BEGIN_DECLS

#define GREL_MEMORY_CACHE_N_SHARDS 16

typedef struct _GrelMemoryCacheEntry GrelMemoryCacheEntry;
typedef struct _GrelMemoryCacheOrder GrelMemoryCacheOrder;
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

/* The keys of caches have a prefix, which is not kept: the lowest bit of the hash tells them from
 * others. */
typedef struct
{
  const char *text;
  guint hash;
} GrelMemoryCacheKey;

/* There may be millions, so nothing is in here twice; what a hit reads comes first. */
struct _GrelMemoryCacheEntry
{
  GrelHeapNode expiry;
  GrelMemoryCacheKey key;     /* its text is behind the links */
  GrelMemoryCacheEntry *next; /* in the table; once it was taken out, in the trash */
  GBytes *value;
  gint64 fresh_until;
  gint64 last_used; /* a stamp; atomic: who reads the shard writes it */
  GTimeSpan ttl;
  GTimeSpan load_time;
  GrelMemoryCacheOrder *order; /* nullable */
  GrelHeapNode use;            /* by when it was last used, as far as the order knows */
  guint n_links;
  GrelMemoryCacheLink links[]; /* one for each tag */
};

/* Entries by key. */
typedef struct
{
  GrelMemoryCacheEntry **buckets;
  guint n_buckets; /* a power of two */
  guint n_entries;
} GrelMemoryCacheTable;

/* The entries of one cache in one shard, by last use; for who writes the shard. A use only leaves
 * its stamp in the entry, which is never behind its place here: what turns out to have been used
 * since is placed again when something has to go. */
struct _GrelMemoryCacheOrder
{
  GrelMemoryCachePool *pool;
  GrelHeap heap; /* (element-type GrelMemoryCacheEntry) by use */
  gint64 oldest; /* the place of the first, none was used before; G_MAXINT64 if none; atomic */
} __attribute__ ((aligned (GREL_CACHE_LINE)));

/* The entries of one cache. */
struct _GrelMemoryCachePool
{
  GrelCacheAccount *account;
  guint n_users;   /* under the mutex of the pools */
  guint n_entries; /* atomic */
  GrelMemoryCacheOrder orders[GREL_MEMORY_CACHE_N_SHARDS];
};

/* The keys that share some bits of their hash, and all that concerns them. */
typedef struct
{
  GrelReadersLock lock;
  GHashTable *tags; /* name to GrelMemoryCacheTag */
  GrelMemoryCacheTable table;
  GrelHeap heap; /* (element-type GrelMemoryCacheEntry) by expiry */
} __attribute__ ((aligned (GREL_CACHE_LINE))) GrelMemoryCacheShard;

/*
 * What a memory adapter keeps, in shards so that threads seldom meet. The lock of a shard is held
 * alone, or with the mutex of the pools, which is locked after it. Nothing is unreffed under
 * either: what is taken out lies in the trash until it is freed without them.
 */
typedef struct
{
  GrelMemoryCacheShard *shards;
  GrelMemoryCacheEntry *trash; /* atomic */
  GMutex pools_mutex;
  GHashTable *pools;   /* GrelCacheAccount to GrelMemoryCachePool */
  GMutex bounds_mutex; /* one at a time makes room; locked first */
  guint generation;    /* of the process it was made in */
} GrelMemoryCache;

void grel_memory_cache_init (GrelMemoryCache *self);

/* Nobody uses it any more; it may be a fork's copy of one that somebody used. */
void grel_memory_cache_clear (GrelMemoryCache *self);

/* For a mutex that goes with it. */
void grel_memory_cache_clear_mutex (GrelMemoryCache *self, GMutex *mutex);

/* Returns: when it expires if that is sooner than what else is in its shard, or G_MAXINT64 */
gint64 grel_memory_cache_set (GrelMemoryCache *self,
                              GrelMemoryCacheKey key,
                              const GrelCacheRecord *record,
                              const char *const *tags,
                              GrelCacheAccount *account,
                              gint64 now,
                              gint64 stamp);

/* Returns: whether there was a live entry */
gboolean grel_memory_cache_delete (GrelMemoryCache *self, GrelMemoryCacheKey key, gint64 now);

void grel_memory_cache_delete_tag (GrelMemoryCache *self, const char *name);

void grel_memory_cache_delete_all (GrelMemoryCache *self);

/* Returns: when the one that expires first does so, or G_MAXINT64; which is in the past if more of
 * them have expired than the limit allowed to take out */
gint64 grel_memory_cache_delete_expired (GrelMemoryCache *self, gint64 now, guint limit);

/* Frees what was taken out. */
void grel_memory_cache_tidy (GrelMemoryCache *self);

/* The tag index of a shard, for who writes it, as the table and the orders. */
GHashTable *grel_memory_cache_tags_new (void);

void grel_memory_cache_tags_add (GHashTable *tags,
                                 GrelMemoryCacheEntry *entry,
                                 const char *const *names);

void grel_memory_cache_tags_remove (GHashTable *tags, GrelMemoryCacheEntry *entry);

/* Returns: (transfer none) (nullable): one that has the tag */
GrelMemoryCacheEntry *grel_memory_cache_tags_peek (GHashTable *tags, const char *name);

/* The pools. Who uses one drops it afterwards. Returns: (nullable): NULL if there is no account */
GrelMemoryCachePool *grel_memory_cache_use_pool (GrelMemoryCache *self, GrelCacheAccount *account);

void grel_memory_cache_drop_pool (GrelMemoryCache *self, GrelMemoryCachePool *pool);

void grel_memory_cache_free_pool (GrelMemoryCachePool *self);

gboolean grel_memory_cache_pool_is_full (GrelMemoryCachePool *self);

/* bound: since when all in the other shards were used. Returns: the shard that the entry that was
 * not used for longest may be in */
guint grel_memory_cache_pool_find_oldest (GrelMemoryCachePool *self, gint64 *bound);

void grel_memory_cache_order_enter (GrelMemoryCacheOrder *self,
                                    GrelMemoryCacheEntry *entry,
                                    gint64 stamp);

/* Places some of what was used since. limit: until when uses count. Returns: (nullable): the entry
 * that was not used for longest, if that is sure now and not after the bound */
GrelMemoryCacheEntry *
grel_memory_cache_order_find_oldest (GrelMemoryCacheOrder *self, gint64 bound, gint64 limit);

void grel_memory_cache_order_leave (GrelMemoryCache *cache, GrelMemoryCacheEntry *entry);

G_END_DECLS
