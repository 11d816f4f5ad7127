/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test-cache-store.h"

G_BEGIN_DECLS

#define GREL_TEST_TTL (60 * G_TIME_SPAN_SECOND)

/* Something that loads a value: it counts its runs, and does well or badly, now or when told to. */
typedef struct
{
  GrelOperation *operation;
  const char *text;    /* what it loads */
  const char *failure; /* instead; NULL: it does well */
  gboolean hangs;      /* until grel_test_loader_go_on () */
  GQueue tasks;        /* (element-type GTask) that hang */
  GrelVirtualClock *clock;
  GTimeSpan duration; /* by that clock, if it has one */
  int n_runs;
  int n_running;
  int n_running_most;
  GMainContext *started_within; /* the thread-default context; not a reference */
} GrelTestLoader;

void grel_test_loader_init (GrelTestLoader *self, const char *text);
void grel_test_loader_clear (GrelTestLoader *self);

/* Completes what hangs: well or badly as it is set now. */
void grel_test_loader_go_on (GrelTestLoader *self);

/* A GrelLoadFunc for threads. It doesn't hang. */
GBytes *
grel_test_loader_load (const char *key, GCancellable *cancellable, gpointer loader, GError **error);

/* A cache on a context of the test's own and a clock that stands still, in memory or in a store. A
 * fixture for g_test_add (). */
typedef struct
{
  GMainContext *context;
  GrelVirtualClock *clock;
  GrelTestCacheStore *store; /* NULL in memory */
  GrelTestDesk *desk;        /* likewise */
  GrelBackend *backend;
  GrelTTLCache *cache;
  GrelTestLoader loader; /* of “loaded” */
} GrelTestCacheScene;

void grel_test_cache_scene_set_up_memory (GrelTestCacheScene *self, gconstpointer data);
void grel_test_cache_scene_set_up_store (GrelTestCacheScene *self, gconstpointer data);
void grel_test_cache_scene_tear_down (GrelTestCacheScene *self, gconstpointer data);

/* Adds a test as /suite/store/name, and as /suite/memory/name if it needs no store. */
void grel_test_cache_scene_add (const char *suite,
                                const char *name,
                                void (*test) (GrelTestCacheScene *self, gconstpointer data),
                                gboolean in_memory);

void grel_test_cache_scene_pass (GrelTestCacheScene *self, GTimeSpan span);

/* What has to go well, asynchronously and waited for. Texts stand for bytes; NULL is none. tags is
 * NULL or one tag. */
void grel_test_cache_scene_set (GrelTestCacheScene *self,
                                const char *key,
                                const char *text,
                                const char *tag);
gboolean grel_test_cache_scene_delete (GrelTestCacheScene *self, const char *key);
void grel_test_cache_scene_delete_tag (GrelTestCacheScene *self, const char *tag);
void grel_test_cache_scene_expect (GrelTestCacheScene *self, const char *key, const char *text);

/* Starts to get or load a key, with a tag or NULL. */
void grel_test_cache_scene_begin (GrelTestCacheScene *self,
                                  const char *key,
                                  const char *tag,
                                  GCancellable *cancellable,
                                  GrelTestResult *result);

/* Waits for what was begun, and checks that it is this text, or an error. */
void grel_test_cache_scene_end (GrelTestCacheScene *self, GrelTestResult *result, const char *text);
GError *grel_test_cache_scene_end_badly (GrelTestCacheScene *self, GrelTestResult *result);

/* Both at once. */
void grel_test_cache_scene_load (GrelTestCacheScene *self, const char *key, const char *text);

guint64 grel_test_cache_get_figure (GrelTTLCache *cache, const char *name);

/* Checks bytes, which it takes, against a text; NULL is none. */
void grel_test_assert_bytes (GBytes *bytes, const char *text);

G_END_DECLS
