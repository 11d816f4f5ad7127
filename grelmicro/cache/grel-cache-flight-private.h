/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-backend-private.h>
#include <grelmicro/cache/grel-cache-settings-private.h>
#include <grelmicro/cache/grel-ttl-cache.h>
#include <grelmicro/coordination/grel-lease.h>
#include <grelmicro/core/grel-operation.h>

G_BEGIN_DECLS

typedef struct _GrelCacheFlight GrelCacheFlight;
typedef struct _GrelCacheLoad GrelCacheLoad;
typedef struct _GrelCacheWait GrelCacheWait;

/*
 * What a backend knows of one key while its value is being asked for or loaded: the one load, and
 * who waits for it. Whatever makes the value of a running load old raises the generation: that load
 * is not kept, and who came later waits for another one.
 */
struct _GrelCacheFlight
{
  GrelCacheBackend *backend; /* not a reference: it lies in there */
  GRefString *key;
  GrelCacheLoad *load; /* a reference; nullable */
  guint generation;
  guint n_asking; /* who asked the store and have no answer yet */
  guint n_landed; /* loads that ended since the first of them asked */
  GQueue waits;   /* (element-type GrelCacheWait) in the order they came */
};

/* Who wants a value, and how to load it. */
typedef struct
{
  GrelTTLCache *cache;
  GRefString *key;
  GrelCacheSettings settings;
  GrelOperation *operation; /* NULL: the thread loads it */
  char **tags;
  guint64 thread; /* 0: asynchronous */
  GBytes *stale;  /* what to make do with if the load fails (nullable) */
  gint64 stale_until;
} GrelCacheWish;

void grel_cache_wish_copy (const GrelCacheWish *wish, GrelCacheWish *copy);

void grel_cache_wish_clear (GrelCacheWish *wish);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GrelCacheWish, grel_cache_wish_clear)

/* One run of a loader. Its flight is NULL once it has landed or was given up. */
struct _GrelCacheLoad
{
  GrelGranted granted; /* first: it ends when the backend closes */
  gatomicrefcount refs;
  GrelCacheBackend *backend;
  GrelCacheWish wish;
  GMainContext *context; /* where its operation starts; NULL: on its thread */
  GCancellable *cancellable;

  GrelCacheFlight *flight; /* the rest under the part's mutex */
  GrelCacheWait *wait;     /* whose loader it is, while that waits; not a reference */
  guint generation;
  gboolean is_refresh;
  gboolean is_storing;
  gboolean is_sent; /* to the store */
  GSList *parked;   /* (element-type GrelCall): changes that wait until it is in the store */

  GrelHopItem item; /* the rest is for whoever runs it */
  gint64 began;
  gboolean is_started;
  gboolean is_found; /* in the store, once the lease was there */
  GrelLease *lease;  /* of the fleet; nullable */
  GBytes *value;
};

/* A call that waits for a value. */
struct _GrelCacheWait
{
  GrelCall base;
  GrelCacheWish wish;
  GrelCacheFlight *flight; /* NULL before and after; as the rest under the part's mutex */
  GList link;
  guint generation;
  GrelCacheLoad *load;     /* a reference; its loader is at work, or the thread's turn has come */
  guint n_landed;          /* of the flight, when the store was asked */
  GrelCacheLoad *given_up; /* to cancel */
  GrelCall *next;          /* a thread whose turn has come, to be told */
};

/* Mutex held, as for the next ones. */
GrelCacheFlight *grel_cache_flight_ensure (GrelCacheBackend *backend, GRefString *key);

void grel_cache_flight_free (GrelCacheFlight *self);

/* Forgets a flight that nobody asks or waits for and nothing is loaded for. */
void grel_cache_flight_tidy (GrelCacheFlight *self);

/* Begins to load what a wish says. Returns: (transfer none): the load */
GrelCacheLoad *grel_cache_flight_begin (GrelCacheFlight *self, const GrelCacheWish *wish);

void grel_cache_flight_queue (GrelCacheFlight *self, GrelCacheWait *wait);

/* Lets the next one load. Returns: (transfer full) (nullable): a claimed call to deliver NULL to */
GrelCall *grel_cache_flight_appoint (GrelCacheFlight *self);

/* Takes the load out, which goes on for nobody. Returns: (transfer full): it */
GrelCacheLoad *grel_cache_flight_drop_load (GrelCacheFlight *self);

/* Makes the loads old that a change is about. Returns: (nullable): one whose value is on its way to
 * the store, which the change must not overtake */
GrelCacheFlight *grel_cache_question_supersede (GrelCacheQuestion *question,
                                                GrelCacheBackend *backend);

/* Without the mutex. Takes the value or the error: it is kept, and who waits for it is answered. */
void grel_cache_load_land (GrelCacheLoad *self, GBytes *value, GError *error);

/* Mutex held: keeps the value in a store that does so at once. */
void grel_cache_load_keep (GrelCacheLoad *self, GBytes *value);

/* Without the mutex. Takes the value, which has been kept, or the error. */
void grel_cache_load_finish (GrelCacheLoad *self, GBytes *value, GError *error);

GrelCacheLoad *grel_cache_load_new (GrelCacheBackend *backend, const GrelCacheWish *wish);

GrelCacheLoad *grel_cache_load_ref (GrelCacheLoad *self);

void grel_cache_load_unref (GrelCacheLoad *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelCacheLoad, grel_cache_load_unref)

/* Starts the operation: now, in the caller's context, or when that gets round to it. */
void grel_cache_load_start (GrelCacheLoad *self);

void grel_cache_load_start_later (GrelCacheLoad *self, int priority);

/* Runs the loader on this thread, which has the load, and lands it. old is what there is in the
 * case of a refresh (transfer full) (nullable). */
GBytes *grel_cache_load_run (GrelCacheLoad *self,
                             GrelLoadFunc loader,
                             gpointer loader_data,
                             GBytes *old,
                             GCancellable *cancellable,
                             GError **error);

/* Gets a value, at once or through *call, or by way of *load, which is the caller's to start or to
 * run (transfer full); a load comes with a value if that is to be refreshed. */
GBytes *grel_cache_wait_begin (GrelCacheBackend *backend,
                               GrelCacheWish *wish,
                               GTask *task,
                               GCancellable *cancellable,
                               GrelCall **call,
                               GrelCacheLoad **load,
                               GError **error);

/* A thread that ran its loader waits until the value is in the store. Returns: (transfer full)
 * (nullable): NULL if the load was given up */
GrelCall *grel_cache_wait_for_load (GrelCacheLoad *load, GCancellable *cancellable);

/* Without the mutex, after a claim: answers with what there was before. */
void grel_cache_wait_settle (GrelCacheWait *self);

/* Returns: (transfer full) (nullable): the load that a thread which was woken has to run */
GrelCacheLoad *grel_cache_wait_steal_load (GrelCall *call);

/* Changes, and what is only read: at once, or through *call, or an error. */
gpointer grel_cache_call_begin (GrelCacheBackend *backend,
                                GrelTTLCache *cache,
                                GrelCacheQuestion *question,
                                GTask *task,
                                GCancellable *cancellable,
                                GrelCall **call,
                                GError **error);

G_END_DECLS
