/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"
#include "grel-test-process.h"
#include "grel-test-redis.h"

#include <signal.h>
#include <stdio.h>

/* Several processes stand before one service, and the server of their circuits may die. */

#define N_PROCESSES 6
#define N_PROBES 40
#define CAPACITY 2
#define NEVER "3600000" /* ms */
#define SHORT "300"
#define TIMEOUT (500 * G_TIME_SPAN_MILLISECOND)
#define SLACK (3 * G_TIME_SPAN_SECOND) /* for a machine that is busy */

typedef struct
{
  GrelTestRedis *redis;
  char *uri;
  GPtrArray *processes; /* (element-type GSubprocess) */
  GArray *events;       /* (element-type Event) */
} Fixture;

/* A probe begins, or ends. */
typedef struct
{
  gint64 time;
  int change;
} Event;

static void
set_up (Fixture *self, gconstpointer query)
{
  self->redis = grel_test_redis_new (NULL);
  self->uri = grel_test_redis_get_uri (self->redis, query);
  self->processes = g_ptr_array_new_with_free_func (g_object_unref);
  self->events = g_array_new (FALSE, FALSE, sizeof (Event));
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_array_unref (self->events);
  g_ptr_array_unref (self->processes);
  grel_test_redis_free (self->redis);
  g_free (self->uri);
}

static GSubprocess *
spawn (Fixture *self, const char *reset_timeout, const char *mode)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "redis_prober", NULL);
  GSubprocess *process
    = grel_test_process_new ((const char *[]){ program, self->uri, reset_timeout, mode, NULL });

  g_ptr_array_add (self->processes, process);
  return process;
}

/* In Python where there is one, else in C. */
static void
spawn_peer (Fixture *self, const char *reset_timeout)
{
  g_autofree char *script = g_test_build_filename (G_TEST_DIST, "redis", "prober.py", NULL);
  const char *python = g_getenv ("GREL_TEST_PYTHON");

  if (python == NULL)
    spawn (self, reset_timeout, "probe");
  else
    g_ptr_array_add (self->processes, grel_test_process_new ((const char *[]){
                                        python, "-B", script, self->uri, reset_timeout, NULL }));
}

/* The circuit is open, and its time is over. */
static void
open_and_cool_down (Fixture *self)
{
  g_autofree char *answer = grel_test_redis_ask (self->redis, "HSET", "cb:probed", "state", "OPEN",
                                                 "opened_at", "1", "cool_down", "1", NULL);
}

static void
collect_probes (Fixture *self, GSubprocess *process)
{
  g_auto (GStrv) lines = grel_test_process_collect (process, FALSE);

  g_assert_cmpuint (g_strv_length (lines), ==, N_PROBES);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      Event begin = { 0, 1 }, end = { 0, -1 };

      g_assert_cmpint (sscanf (lines[i], "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, &begin.time,
                               &end.time),
                       ==, 2);
      g_array_append_val (self->events, begin);
      g_array_append_val (self->events, end);
    }
}

/* What ends in the same µs has ended before. */
static int
compare_events (gconstpointer a, gconstpointer b)
{
  const Event *left = a, *right = b;

  if (left->time != right->time)
    return left->time < right->time ? -1 : 1;
  return left->change - right->change;
}

static void
probes_of_all_processes_share_the_capacity (Fixture *self, gconstpointer data)
{
  int n_running = 0;

  open_and_cool_down (self);
  for (int i = 0; i < N_PROCESSES; i++)
    if (i % 3 == 0)
      spawn_peer (self, NEVER);
    else
      spawn (self, NEVER, "probe");
  for (int i = 0; i < N_PROCESSES; i++)
    collect_probes (self, self->processes->pdata[i]);

  g_array_sort (self->events, compare_events);
  for (guint i = 0; i < self->events->len; i++)
    {
      n_running += g_array_index (self->events, Event, i).change;
      g_assert_cmpint (n_running, <=, CAPACITY);
    }
  g_assert_cmpint (grel_test_redis_ask_number (self->redis, "HGET", "cb:probed", "ho_admit", NULL),
                   ==, 0);
}

static void
a_prober_that_is_killed_blocks_nobody_for_ever (Fixture *self, gconstpointer data)
{
  open_and_cool_down (self);
  for (int i = 0; i < CAPACITY; i++)
    {
      g_autofree char *line = grel_test_process_read_line (spawn (self, SHORT, "hang"));

      g_assert_cmpstr (line, ==, "hangs");
      g_subprocess_send_signal (self->processes->pdata[i], SIGKILL);
    }
  collect_probes (self, spawn (self, SHORT, "probe"));
}

static void
expect_everybody_to_see (Fixture *self, const char *state)
{
  for (int i = 0; i < N_PROCESSES; i++)
    {
      g_autofree char *line = grel_test_process_read_line (self->processes->pdata[i]);

      g_assert_cmpstr (line, ==, state);
    }
}

static void
what_one_process_does_all_others_see (Fixture *self, gconstpointer data)
{
  g_autofree char *reset = NULL;

  for (int i = 0; i < N_PROCESSES; i++)
    spawn (self, NEVER, "watch");
  spawn (self, NEVER, "fail");
  expect_everybody_to_see (self, "open");
  open_and_cool_down (self);
  expect_everybody_to_see (self, "half-open");
  reset = grel_test_redis_ask (self->redis, "DEL", "cb:probed", NULL);
  expect_everybody_to_see (self, "closed");
  for (guint i = 0; i < self->processes->len; i++)
    g_strfreev (grel_test_process_collect (self->processes->pdata[i], FALSE));
}

static GrelCircuitBreaker *
breaker_new (GrelApp *app)
{
  return g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "probed", "app", app, "error-threshold",
                       1, NULL);
}

static void
expect_call_to_end_in (GrelCircuitBreaker *breaker, GrelError code)
{
  gint64 started = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_circuit_breaker_acquire (breaker, &error));
  g_assert_error (error, GREL_ERROR, (int) code);
  g_assert_cmpint (g_get_monotonic_time () - started, <, TIMEOUT + SLACK);
}

/* It may take a while until somebody dares to connect again. */
static GrelPermit *
acquire_soon (GrelCircuitBreaker *breaker)
{
  gint64 give_up = g_get_monotonic_time () + GREL_TEST_PATIENCE;
  GrelPermit *permit;

  while ((permit = grel_test_circuit_breaker_acquire (breaker, NULL)) == NULL)
    g_assert_cmpint (g_get_monotonic_time (), <, give_up);
  return permit;
}

static void
without_a_server_calls_fail_in_time (Fixture *self, gconstpointer data)
{
  GrelApp *app = grel_test_redis_open_app (self->uri);
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (app);
  g_autoptr (GrelPermit) permit = grel_test_circuit_breaker_acquire (breaker, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (permit);
  grel_test_redis_kill (self->redis);
  g_assert_false (grel_test_permit_succeed (permit, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "probed");
  expect_call_to_end_in (breaker, GREL_ERROR_BACKEND);
  grel_test_redis_start (self->redis);
  g_object_unref (acquire_soon (breaker));
  grel_test_redis_close_app (app);
}

static void
an_open_circuit_outlives_a_restart (Fixture *self, gconstpointer data)
{
  GrelApp *app = grel_test_redis_open_app (self->uri);
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (app);
  g_autoptr (GrelPermit) permit = grel_test_circuit_breaker_acquire (breaker, NULL);

  g_assert_true (grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, NULL));
  grel_test_redis_kill (self->redis);
  grel_test_settle ();
  grel_test_redis_start (self->redis);
  expect_call_to_end_in (breaker, GREL_ERROR_CIRCUIT_OPEN);
  grel_test_redis_close_app (app);
}

static void
a_server_that_forgot_has_closed_circuits (Fixture *self, gconstpointer data)
{
  GrelApp *app = grel_test_redis_open_app (self->uri);
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (app);
  g_autoptr (GrelPermit) probe = NULL;
  g_autoptr (GrelPermit) permit = NULL;
  g_autofree char *flushed = NULL;

  open_and_cool_down (self);
  probe = grel_test_circuit_breaker_acquire (breaker, NULL);
  expect_call_to_end_in (breaker, GREL_ERROR_CIRCUIT_OPEN);
  flushed = grel_test_redis_ask (self->redis, "FLUSHALL", NULL);
  permit = grel_test_circuit_breaker_acquire (breaker, NULL);
  g_assert_nonnull (permit);
  g_assert_cmpint (grel_circuit_breaker_get_state (breaker), ==, GREL_CIRCUIT_STATE_CLOSED);
  g_assert_true (grel_test_permit_succeed (probe, NULL));
  g_assert_true (grel_test_permit_succeed (permit, NULL));
  grel_test_redis_close_app (app);
}

#define RULE(name, query)                                                                          \
  g_test_add ("/redis/circuit-processes/" #name, Fixture, query, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (probes_of_all_processes_share_the_capacity, "timeout=9&connect_timeout=9");
  RULE (a_prober_that_is_killed_blocks_nobody_for_ever, "timeout=9&connect_timeout=9");
  RULE (what_one_process_does_all_others_see, "timeout=9&connect_timeout=9");
  RULE (without_a_server_calls_fail_in_time, "timeout=0.5&connect_timeout=0.5");
  RULE (an_open_circuit_outlives_a_restart, "timeout=9");
  RULE (a_server_that_forgot_has_closed_circuits, "timeout=9");
  return g_test_run ();
}
