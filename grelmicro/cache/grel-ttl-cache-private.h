/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-flight-private.h>
#include <grelmicro/core/grel-primitive-private.h>
#include <grelmicro/core/grel-readers-lock-private.h>
#include <grelmicro/core/grel-route-private.h>

G_BEGIN_DECLS

/* What happened to a cache. */
typedef enum
{
  GREL_CACHE_HITS,
  GREL_CACHE_MISSES,
  GREL_CACHE_LOADS,
  GREL_CACHE_FAILURES,
  GREL_CACHE_REFRESHES,
  GREL_CACHE_STALE,
  GREL_CACHE_N_COUNTERS
} GrelCacheCounter;

/* As many threads count without meeting. */
#define GREL_CACHE_N_TALLIES 8

/* What some of the threads counted, in a line of the processor's cache of its own; atomic. */
typedef struct
{
  guint64 counters[GREL_CACHE_N_COUNTERS];
} __attribute__ ((aligned (GREL_CACHE_LINE))) GrelCacheTally;

struct _GrelTTLCache
{
  GObject parent_instance;

  GrelPrimitive primitive;
  GrelCacheSettings settings; /* under the primitive's mutex */
  double hit_margin;          /* atomic: see grel_ttl_cache_renew_margin () */
  GrelCacheAccount *account;
  GrelCacheTally *tallies;
  GrelReadersLock *route_lock; /* for the next two */
  GrelRoute route;
  GrelCacheBackend *found; /* (nullable): by the route, if it answers at once */
};

void grel_ttl_cache_install_properties (GObjectClass *klass);

static inline void
grel_ttl_cache_count (GrelTTLCache *self, GrelCacheCounter counter)
{
  GrelCacheTally *tally = &self->tallies[grel_identity_get_slot (GREL_CACHE_N_TALLIES)];

  __atomic_fetch_add (&tally->counters[counter], 1, __ATOMIC_RELAXED);
}

/* After the settings changed. */
void grel_ttl_cache_renew_margin (GrelTTLCache *self);

GrelCacheAccount *grel_ttl_cache_get_account (GrelTTLCache *self);

/* Without the mutex: tells of an error in the background, that no call fails with: what it was in
 * the middle of doing. The key has its prefix. */
void grel_ttl_cache_report (GrelTTLCache *self,
                            GrelCacheBackend *backend,
                            GRefString *key,
                            const char *what,
                            const GError *error);

/* The way that most calls go, which allocates nothing. Returns: (transfer full) (nullable): a fresh
 * value that is there at once; NULL says nothing but that the call has to go the long way */
GBytes *grel_ttl_cache_hit (GrelTTLCache *self,
                            const char *key,
                            gboolean from_thread,
                            gboolean may_refresh);

/* One snapshot of the settings, and the backend as it is found now (transfer full); route
 * (nullable): for how long it would be. */
GrelCacheBackend *grel_ttl_cache_prepare (GrelTTLCache *self,
                                          const char *key,
                                          GrelCacheSettings *settings,
                                          GrelRoute *route,
                                          GError **error);

G_END_DECLS
