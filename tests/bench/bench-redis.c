/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "bare-redis.h"
#include "grel-bench.h"
#include "grel-test-redis.h"

#include <hiredis/adapters/glib.h>

/* Locks in Redis, each acquired and released for itself, so many at once: by the library, and by
 * hiredis with the same scripts on the same server. */

typedef struct _Scene Scene;

/* One of those at once. */
typedef struct
{
  Scene *scene;
  GrelLock *lock;
  GrelLease *lease;
  BareLock bare;
  redisContext *context; /* nullable: of a thread of its own */
} Slot;

struct _Scene
{
  GrelTestRedis *redis;
  GrelApp *app;
  guint n_slots;
  Slot *slots;
  redisContext *context;
  redisAsyncContext *async;
  GSource *source;
  guint64 n_to_start;
  guint64 n_to_end;
  guint next; /* slot for a thread */
};

static void
set_up_server (Scene *self)
{
  self->redis = grel_test_redis_new ((const char *[]){ "--appendonly", "no", NULL });
  self->context = bare_connect (grel_test_redis_get_socket (self->redis));
  self->slots = g_new0 (Slot, self->n_slots);
  self->next = 0;
  for (guint i = 0; i < self->n_slots; i++)
    {
      g_autofree char *name = g_strdup_printf ("cart-%u", i);
      g_autofree char *bare = g_strdup_printf ("bare-%u", i);

      self->slots[i].scene = self;
      self->slots[i].lock = grel_lock_new (name);
      bare_lock_init (&self->slots[i].bare, self->context, bare);
    }
}

static void
set_up (gpointer data)
{
  Scene *self = data;
  g_autofree char *uri = NULL;

  set_up_server (self);
  uri = grel_test_redis_get_uri (self->redis, NULL);
  self->app = grel_test_redis_open_app (uri);
  self->async = redisAsyncConnectUnix (grel_test_redis_get_socket (self->redis));
  self->source = redis_source_new (self->async);
  g_source_attach (self->source, NULL);
}

static void
set_up_threads (gpointer data)
{
  Scene *self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = NULL;

  set_up_server (self);
  uri = grel_test_redis_get_uri (self->redis, NULL);
  self->app = grel_app_new_for_uri (uri, NULL);
  grel_app_open_in_thread (self->app, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < self->n_slots; i++)
    self->slots[i].context = bare_connect (grel_test_redis_get_socket (self->redis));
}

static void
tear_down_server (Scene *self)
{
  for (guint i = 0; i < self->n_slots; i++)
    {
      g_clear_pointer (&self->slots[i].context, redisFree);
      g_object_unref (self->slots[i].lock);
      bare_lock_clear (&self->slots[i].bare);
    }
  g_free (self->slots);
  redisFree (self->context);
  grel_test_redis_free (self->redis);
}

static void
tear_down (gpointer data)
{
  Scene *self = data;

  redisAsyncFree (self->async);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  grel_test_redis_close_app (self->app);
  tear_down_server (self);
}

static void
tear_down_threads (gpointer data)
{
  Scene *self = data;

  grel_app_close_from_thread (self->app, NULL, NULL);
  g_object_unref (self->app);
  tear_down_server (self);
}

/* Starts as many as there are slots; each that ends starts the next. */
static void
run_at_once (Scene *self, guint64 n, void (*start) (Slot *slot))
{
  self->n_to_start = self->n_to_end = n;
  for (guint i = 0; i < self->n_slots; i++)
    start (&self->slots[i]);
  while (self->n_to_end > 0)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
may_start (Scene *self)
{
  if (self->n_to_start == 0)
    return FALSE;

  self->n_to_start--;
  return TRUE;
}

/* By the library. */

static void start (Slot *slot);

static void
released (GObject *source, GAsyncResult *result, gpointer data)
{
  Slot *slot = data;

  g_assert (grel_lease_release_finish (slot->lease, result, NULL));
  g_clear_object (&slot->lease);
  slot->scene->n_to_end--;
  start (slot);
}

static void
acquired (GObject *source, GAsyncResult *result, gpointer data)
{
  Slot *slot = data;
  g_autoptr (GError) error = NULL;

  slot->lease = grel_lock_acquire_finish (slot->lock, result, &error);
  g_assert_no_error (error);
  grel_lease_release_async (slot->lease, NULL, released, slot);
}

static void
start (Slot *slot)
{
  if (may_start (slot->scene))
    grel_lock_acquire_async (slot->lock, 0, NULL, acquired, slot);
}

static void
cycle (gpointer data, guint64 n)
{
  run_at_once (data, n, start);
}

static Slot *
take_slot (Scene *self)
{
  return &self->slots[g_atomic_int_add (&self->next, 1) % self->n_slots];
}

static void
cycle_from_thread (gpointer data, guint64 n)
{
  Slot *slot = take_slot (data);

  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (slot->lock, 0, NULL, NULL);

      grel_lease_release_from_thread (lease, NULL, NULL);
    }
}

/* By hiredis. */

static void
cycle_bare (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    {
      g_assert (bare_lock_acquire (&self->slots[0].bare, self->context));
      bare_lock_release (&self->slots[0].bare, self->context);
    }
}

static void
cycle_bare_from_thread (gpointer data, guint64 n)
{
  Slot *slot = take_slot (data);

  for (guint64 i = 0; i < n; i++)
    {
      g_assert (bare_lock_acquire (&slot->bare, slot->context));
      bare_lock_release (&slot->bare, slot->context);
    }
}

static void start_bare (Slot *slot);

static void
send_bare (Slot *slot, redisCallbackFn *answered, const BareCommand *command)
{
  redisAsyncCommandArgv (slot->scene->async, answered, slot, command->n_words,
                         (const char **) command->words, NULL);
}

static void
released_bare (redisAsyncContext *async, gpointer reply, gpointer data)
{
  Slot *slot = data;

  g_assert (((redisReply *) reply)->integer == 1);
  slot->scene->n_to_end--;
  start_bare (slot);
}

static void
acquired_bare (redisAsyncContext *async, gpointer reply, gpointer data)
{
  Slot *slot = data;

  g_assert (((redisReply *) reply)->integer > 0);
  send_bare (slot, released_bare, &slot->bare.release);
}

static void
start_bare (Slot *slot)
{
  if (may_start (slot->scene))
    send_bare (slot, acquired_bare, &slot->bare.acquire);
}

static void
cycle_bare_async (gpointer data, guint64 n)
{
  run_at_once (data, n, start_bare);
}

/* All in one write, and then all answers: what only a program can do that wants nothing else. */
static void
cycle_pipelined (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 done = 0; done < n; done += self->n_slots)
    for (guint step = 0; step < 2; step++)
      {
        guint n_at_once = MIN (self->n_slots, n - done);

        for (guint i = 0; i < n_at_once; i++)
          {
            BareLock *bare = &self->slots[i].bare;
            const BareCommand *command = step == 0 ? &bare->acquire : &bare->release;

            redisAppendCommandArgv (self->context, command->n_words, (const char **) command->words,
                                    NULL);
          }
        for (guint i = 0; i < n_at_once; i++)
          {
            gpointer reply = NULL;

            redisGetReply (self->context, &reply);
            g_assert (((redisReply *) reply)->integer > 0);
            freeReplyObject (reply);
          }
      }
}

#define SYNC "hiredis, one after the other"
#define ASYNC "hiredis, asynchronously on GLib"
#define PIPELINE "hiredis, all in one write"
#define HERE(name, reference, run_reference)                                                       \
  name, reference, cycle, run_reference, set_up, tear_down
#define THREADS(name)                                                                              \
  name, SYNC, cycle_from_thread, cycle_bare_from_thread, set_up_threads, tear_down_threads

static const struct
{
  GrelBenchRow row;
  guint n_slots;
} rows[] = {
  { { HERE ("redis/one-cpu/1", SYNC, cycle_bare), .target = 1 / 0.95 }, 1 },
  { { HERE ("redis/one-cpu/4", ASYNC, cycle_bare_async) }, 4 },
  { { HERE ("redis/one-cpu/16", ASYNC, cycle_bare_async) }, 16 },
  { { HERE ("redis/one-cpu/64", ASYNC, cycle_bare_async) }, 64 },
  { { HERE ("redis/one-cpu/256", ASYNC, cycle_bare_async), .target = 1 / 0.85 }, 256 },
  { { HERE ("redis/all-cpus/1", SYNC, cycle_bare), .is_spread = TRUE }, 1 },
  { { HERE ("redis/all-cpus/16", ASYNC, cycle_bare_async), .is_spread = TRUE }, 16 },
  { { HERE ("redis/all-cpus/256", ASYNC, cycle_bare_async), .is_spread = TRUE, .target = 1 / 0.85 },
    256 },
  { { HERE ("redis/pipelined/16", PIPELINE, cycle_pipelined), .is_spread = TRUE }, 16 },
  { { HERE ("redis/pipelined/256", PIPELINE, cycle_pipelined), .is_spread = TRUE }, 256 },
  { { THREADS ("redis/from-thread/1"), .n_workers = 1 }, 1 },
  { { THREADS ("redis/from-thread/16"), .n_workers = 16 }, 16 },
};

int
main (int argc, char **argv)
{
  grel_bench_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Scene scene = { .n_slots = rows[i].n_slots };
      GrelBenchRow row = rows[i].row;

      row.data = &scene;
      grel_bench_run (&row);
    }
  return 0;
}
