/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "bare-redis.h"
#include "grel-bench.h"
#include "grel-test-process.h"
#include "grel-test-redis.h"

#include <stdio.h>
#include <sys/resource.h>

/* What waiting for a lock in Redis takes: how long a waiter in another process learns of a release
 * after it, and what a crowd costs that waits for nothing. */

#define N_WAITERS 1000
#define INTERVAL (100 * G_TIME_SPAN_MILLISECOND)
#define SETTLING (3 * G_TIME_SPAN_MILLISECOND)

/* The other process: "bench-redis-wait KIND PLACE". It waits when it reads a line, and then prints
 * when it knew. */

static void
say_when (double now)
{
  printf ("%.0f\n", now);
  fflush (stdout);
}

static void
wait_for_lock (const char *uri)
{
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelLock) lock = grel_lock_new ("baton");

  while (getchar () == '\n')
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GrelLease) lease = grel_test_lock_acquire (lock, -1, &error);
      double now = grel_bench_now ();

      g_assert_no_error (error);
      grel_test_lease_release (lease, NULL);
      say_when (now);
    }
  grel_test_redis_close_app (app);
}

static void
ask_again_and_again (const char *socket)
{
  redisContext *context = bare_connect (socket);
  BareLock lock;

  bare_lock_init (&lock, context, "bare");
  while (getchar () == '\n')
    {
      double now;

      while (!bare_lock_acquire (&lock, context))
        g_usleep (INTERVAL);
      now = grel_bench_now ();
      bare_lock_release (&lock, context);
      say_when (now);
    }
  bare_lock_clear (&lock);
  redisFree (context);
}

static void
listen_to_news (const char *socket)
{
  redisContext *context = bare_connect (socket);

  freeReplyObject (bare_take (redisCommand (context, "SUBSCRIBE news")));
  say_when (grel_bench_now ());
  while (getchar () == '\n')
    {
      gpointer reply = NULL;

      redisGetReply (context, &reply);
      say_when (grel_bench_now ());
      freeReplyObject (bare_take (reply));
    }
  redisFree (context);
}

static const struct
{
  const char *kind;
  void (*run) (const char *place);
} kinds[] = {
  { "lock", wait_for_lock },
  { "poll", ask_again_and_again },
  { "listen", listen_to_news },
};

static GSubprocess *
start_other (const char *kind, const char *place)
{
  g_autoptr (GSubprocessLauncher) launcher
    = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GError) error = NULL;
  GSubprocess *other;

  grel_test_process_let_die (launcher);
  other = g_subprocess_launcher_spawn (launcher, &error, program, kind, place, NULL);
  g_assert_no_error (error);
  return other;
}

static void
let_wait (GSubprocess *other)
{
  GOutputStream *input = g_subprocess_get_stdin_pipe (other);

  g_output_stream_write_all (input, "\n", 1, NULL, NULL, NULL);
  g_output_stream_flush (input, NULL, NULL);
}

static double
hear_when (GSubprocess *other)
{
  g_autofree char *line = grel_test_process_read_line (other);

  return g_ascii_strtod (line, NULL);
}

static void
stop_other (GSubprocess *other)
{
  g_output_stream_close (g_subprocess_get_stdin_pipe (other), NULL, NULL);
  g_subprocess_wait (other, NULL, NULL);
  g_object_unref (other);
}

/* This process. */

typedef struct
{
  GMainContext *context;
  GrelApp *app;
  GrelLock *lock;
  GCancellable *cancellable;
  guint n_left;
} Crowd;

typedef struct
{
  GrelTestRedis *redis;
  GrelApp *app;
  GrelLock *lock;
  redisContext *context;
  BareLock bare;
  GSubprocess *waiter;
  GSubprocess *rival;
  const char *rival_kind;
  Crowd crowd;
  Crowd loner;
} Scene;

static void
set_up_server (Scene *self)
{
  g_autofree char *uri = NULL;

  self->redis = grel_test_redis_new ((const char *[]){ "--appendonly", "no", NULL });
  uri = grel_test_redis_get_uri (self->redis, NULL);
  self->app = grel_test_redis_open_app (uri);
  self->lock = grel_lock_new ("baton");
  self->context = bare_connect (grel_test_redis_get_socket (self->redis));
  bare_lock_init (&self->bare, self->context, "bare");
}

static void
tear_down_server (Scene *self)
{
  bare_lock_clear (&self->bare);
  redisFree (self->context);
  g_object_unref (self->lock);
  grel_test_redis_close_app (self->app);
  grel_test_redis_free (self->redis);
}

static void
set_up_others (gpointer data)
{
  Scene *self = data;
  g_autofree char *uri = NULL;

  set_up_server (self);
  uri = grel_test_redis_get_uri (self->redis, NULL);
  self->waiter = start_other ("lock", uri);
  self->rival = start_other (self->rival_kind, grel_test_redis_get_socket (self->redis));
  if (g_str_equal (self->rival_kind, "listen"))
    hear_when (self->rival);
}

static void
tear_down_others (gpointer data)
{
  Scene *self = data;

  stop_other (self->waiter);
  stop_other (self->rival);
  tear_down_server (self);
}

static gboolean
is_watched (Scene *self)
{
  redisReply *reply = bare_take (redisCommand (self->context, "PUBSUB NUMSUB released:lock:baton"));
  gboolean is_watched = reply->element[1]->integer > 0;

  freeReplyObject (reply);
  return is_watched;
}

/* Twice, since it may be that of the last turn which is seen. */
static void
wait_until_watched (Scene *self)
{
  for (int n = 0; n < 2; n = is_watched (self) ? n + 1 : 0)
    g_usleep (SETTLING);
}

static void
release_lock (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GrelLease) lease = grel_test_lock_acquire (self->lock, 0, &error);
      double before;

      g_assert_no_error (error);
      let_wait (self->waiter);
      wait_until_watched (self);
      before = grel_bench_now ();
      grel_test_lease_release (lease, NULL);
      grel_bench_add_sample (hear_when (self->waiter) - before);
    }
}

static void
release_bare_lock (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    {
      double before;

      g_assert (bare_lock_acquire (&self->bare, self->context));
      let_wait (self->rival);
      g_usleep (SETTLING + g_random_double () * INTERVAL);
      before = grel_bench_now ();
      bare_lock_release (&self->bare, self->context);
      grel_bench_add_sample (hear_when (self->rival) - before);
    }
}

static void
publish (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    {
      double before;

      let_wait (self->rival);
      g_usleep (SETTLING);
      before = grel_bench_now ();
      freeReplyObject (bare_take (redisCommand (self->context, "PUBLISH news released")));
      grel_bench_add_sample (hear_when (self->rival) - before);
    }
}

/* Those who wait for what somebody else holds for long, on a context of their own. */

static void
gave_up (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GrelLease) lease = grel_lock_acquire_finish (GREL_LOCK (source), result, NULL);

  g_assert (lease == NULL);
  ((Crowd *) data)->n_left--;
}

static void
crowd_gather (Crowd *self, const char *uri, guint n)
{
  g_autoptr (GMainContextPusher) pusher = NULL;

  self->context = g_main_context_new ();
  pusher = g_main_context_pusher_new (self->context);
  self->app = grel_test_redis_open_app (uri);
  self->lock = grel_lock_new ("taken");
  self->cancellable = g_cancellable_new ();
  grel_lock_set_app (self->lock, self->app);
  grel_lock_set_retry_interval (self->lock, INTERVAL);
  for (self->n_left = 0; self->n_left < n; self->n_left++)
    grel_lock_acquire_async (self->lock, -1, self->cancellable, gave_up, self);
  grel_test_pass_time (NULL, 2 * INTERVAL);
}

static void
crowd_disperse (Crowd *self)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (self->context);

  g_cancellable_cancel (self->cancellable);
  while (self->n_left > 0)
    g_main_context_iteration (self->context, TRUE);
  grel_test_redis_close_app (self->app);
  g_object_unref (self->cancellable);
  g_object_unref (self->lock);
  g_main_context_unref (self->context);
}

static void
set_up_crowd (gpointer data)
{
  Scene *self = data;
  g_autofree char *uri = NULL;

  set_up_server (self);
  uri = grel_test_redis_get_uri (self->redis, NULL);
  freeReplyObject (
    bare_take (redisCommand (self->context, "MSET lock:taken 1:other lock:bare 1:other")));
  crowd_gather (&self->crowd, uri, grel_bench_scale (N_WAITERS));
  crowd_gather (&self->loner, uri, 1);
}

static void
tear_down_crowd (gpointer data)
{
  Scene *self = data;

  crowd_disperse (&self->crowd);
  crowd_disperse (&self->loner);
  tear_down_server (self);
}

static void
let_wait_here (Crowd *self, GTimeSpan span)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (self->context);

  grel_test_pass_time (NULL, span);
}

static void
stand_by (Scene *self)
{
  let_wait_here (&self->crowd, INTERVAL);
}

static void
stand_by_alone (Scene *self)
{
  let_wait_here (&self->loner, INTERVAL);
}

/* Nobody is behind with what was due while others were measured. */
static void
catch_up (Scene *self)
{
  let_wait_here (&self->crowd, SETTLING);
  let_wait_here (&self->loner, SETTLING);
}

static void
ask_for_each (Scene *self)
{
  for (guint i = 0; i < self->crowd.n_left; i++)
    g_assert (!bare_lock_acquire (&self->bare, self->context));
}

/* What an interval of waiting costs. */
static void
count (Scene *self, guint64 n, void (*wait) (Scene *), double (*get) (Scene *))
{
  for (guint64 i = 0; i < n; i++)
    {
      double before;

      catch_up (self);
      before = get (self);
      wait (self);
      grel_bench_add_sample (get (self) - before);
    }
}

static double
get_commands (Scene *self)
{
  return grel_test_redis_count_calls (self->redis, "evalsha");
}

static double
get_cpu_time (Scene *self)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9
         + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

static void
count_commands (gpointer data, guint64 n)
{
  count (data, n, stand_by, get_commands);
}

static void
count_commands_of_polling (gpointer data, guint64 n)
{
  count (data, n, ask_for_each, get_commands);
}

static void
count_cpu_time (gpointer data, guint64 n)
{
  count (data, n, stand_by, get_cpu_time);
}

static void
count_cpu_time_of_one (gpointer data, guint64 n)
{
  count (data, n, stand_by_alone, get_cpu_time);
}

static Scene publishing = { .rival_kind = "listen" }, polling = { .rival_kind = "poll" }, crowd;

/* Of a thousand commands that polling takes, two. */
static const GrelBenchRow rows[] = {
  { "redis/wake-up/publish", "from PUBLISH to who is subscribed", release_lock, publish,
    set_up_others, tear_down_others, &publishing, GREL_BENCH_SAMPLES, .target = 1.5 },
  { "redis/wake-up/poll", "asking every 0.1 s", release_lock, release_bare_lock, set_up_others,
    tear_down_others, &polling, GREL_BENCH_SAMPLES, .target = 0.1 },
  { "redis/waiting/commands", "each of 1,000 asks every 0.1 s", count_commands,
    count_commands_of_polling, set_up_crowd, tear_down_crowd, &crowd, GREL_BENCH_SAMPLES,
    "commands", .target = 0.002 },
  { "redis/waiting/cpu-time", "one waiter, not 1,000", count_cpu_time, count_cpu_time_of_one,
    set_up_crowd, tear_down_crowd, &crowd, GREL_BENCH_SAMPLES, .target = 1.1 },
};

int
main (int argc, char **argv)
{
  for (guint i = 0; argc == 3 && i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (argv[1], kinds[i].kind))
      {
        kinds[i].run (argv[2]);
        return 0;
      }

  grel_bench_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    grel_bench_run (&rows[i]);
  return 0;
}
