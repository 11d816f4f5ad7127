/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-process.h"
#include "grel-test-redis.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Several processes want the same lock. */

#define LEASE_MS 400
#define N_PROCESSES 6
#define N_ROUNDS 40

typedef struct
{
  GrelTestRedis *redis;
  char *uri;
  GPtrArray *processes; /* (element-type GSubprocess) */
  GArray *holds;        /* (element-type GrelTestHold) */
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->redis = grel_test_redis_new (NULL);
  self->uri = grel_test_redis_get_uri (self->redis, "timeout=9&connect_timeout=9");
  self->processes = g_ptr_array_new_with_free_func (g_object_unref);
  self->holds = g_array_new (FALSE, FALSE, sizeof (GrelTestHold));
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_array_unref (self->holds);
  g_ptr_array_unref (self->processes);
  grel_test_redis_free (self->redis);
  g_free (self->uri);
}

static GSubprocess *
spawn (Fixture *self, const char *const *argv)
{
  GSubprocess *process = grel_test_process_new (argv);

  g_ptr_array_add (self->processes, process);
  return process;
}

static GSubprocess *
spawn_contender (Fixture *self, int n_rounds, int lease, int hold, const char *stop)
{
  GSubprocess *process = grel_test_process_new_contender (self->uri, n_rounds, lease, hold, stop);

  g_ptr_array_add (self->processes, process);
  return process;
}

/* In Python where there is one, else in C. */
static void
spawn_peer (Fixture *self, int n_rounds, int lease, int hold)
{
  g_autofree char *script = g_test_build_filename (G_TEST_DIST, "redis", "contender.py", NULL);
  const char *python = g_getenv ("GREL_TEST_PYTHON");
  g_autofree char *rounds_text = g_strdup_printf ("%d", n_rounds);
  g_autofree char *lease_text = g_strdup_printf ("%d", lease);
  g_autofree char *hold_text = g_strdup_printf ("%d", hold);

  if (python == NULL)
    spawn_contender (self, n_rounds, lease, hold, NULL);
  else
    spawn (self, (const char *[]){ python, "-B", script, self->uri, rounds_text, lease_text,
                                   hold_text, NULL });
}

static void
they_take_turns (Fixture *self, gconstpointer data)
{
  for (int i = 0; i < N_PROCESSES; i++)
    if (i % 3 == 0)
      spawn_peer (self, N_ROUNDS, 60000, 1);
    else
      spawn_contender (self, N_ROUNDS, 60000, 1, NULL);
  for (int i = 0; i < N_PROCESSES; i++)
    grel_test_process_collect_holds (self->processes->pdata[i], FALSE, self->holds);

  g_assert_cmpuint (self->holds->len, ==, N_PROCESSES * N_ROUNDS);
  grel_test_expect_one_holder_at_a_time (self->holds);
}

static gint64
get_fence (Fixture *self)
{
  return grel_test_redis_ask_number (self->redis, "GET", "fence:lock:contended", NULL);
}

typedef struct
{
  Fixture *fixture;
  gint64 fence;
} Progress;

static gboolean
has_got_further (gpointer data)
{
  Progress *progress = data;

  return get_fence (progress->fixture) > progress->fence;
}

static void
wait_for_turns (Fixture *self, gint64 n)
{
  Progress progress = { self, get_fence (self) + n };

  grel_test_wait_for (has_got_further, &progress);
}

static void
who_is_killed_holds_nobody_up_for_ever (Fixture *self, gconstpointer data)
{
  for (int i = 0; i < N_PROCESSES; i++)
    spawn_contender (self, i < 3 ? 1000000 : N_ROUNDS, LEASE_MS, 1, NULL);
  for (int i = 0; i < 3; i++)
    {
      wait_for_turns (self, 3);
      g_subprocess_send_signal (self->processes->pdata[i], SIGKILL);
    }
  for (int i = 0; i < N_PROCESSES; i++)
    grel_test_process_collect_holds (self->processes->pdata[i], i < 3, self->holds);

  g_assert_cmpuint (self->holds->len, >=, 3 * N_ROUNDS);
  grel_test_expect_one_holder_at_a_time (self->holds);
}

static gboolean
does_everybody_listen (gpointer data)
{
  Fixture *self = data;
  g_autofree char *said
    = grel_test_redis_ask (self->redis, "PUBSUB", "NUMSUB", "released:lock:contended", NULL);
  const char *line = strrchr (said, '\n');

  return line != NULL && g_ascii_strtoll (line + 1, NULL, 10) == N_PROCESSES;
}

/* Most of those who wait are killed; the others don't mind. */
static void
a_waiter_that_is_killed_holds_nobody_up (Fixture *self, gconstpointer data)
{
  GSubprocess *stopped = spawn_contender (self, 1, 60000, 0, "stop");
  g_autofree char *fence = grel_test_process_read_line (stopped);

  g_assert_cmpstr (fence, ==, "1");
  for (int i = 0; i < N_PROCESSES; i++)
    spawn_contender (self, N_ROUNDS, 60000, 0, NULL);
  grel_test_wait_for (does_everybody_listen, self);
  for (int i = 1; i < N_PROCESSES - 1; i++)
    g_subprocess_send_signal (self->processes->pdata[i], SIGKILL);
  g_subprocess_send_signal (stopped, SIGCONT);
  for (int i = N_PROCESSES - 1; i <= N_PROCESSES; i++)
    grel_test_process_collect_holds (self->processes->pdata[i], FALSE, self->holds);

  g_assert_cmpuint (self->holds->len, ==, 2 * N_ROUNDS);
  grel_test_expect_one_holder_at_a_time (self->holds);
}

static void
who_was_stopped_for_too_long_knows_it_at_once (Fixture *self, gconstpointer data)
{
  GSubprocess *stopped = spawn_contender (self, 1, LEASE_MS, 0, "stop");
  g_autofree char *fence = grel_test_process_read_line (stopped);
  g_autofree char *belief = NULL;

  g_assert_cmpstr (fence, ==, "1");
  spawn_contender (self, 1, LEASE_MS, 1, NULL);
  grel_test_process_collect_holds (self->processes->pdata[1], FALSE, self->holds);
  g_assert_cmpint (g_array_index (self->holds, GrelTestHold, 0).fence, ==, 2);

  g_subprocess_send_signal (stopped, SIGCONT);
  belief = grel_test_process_read_line (stopped);
  g_assert_cmpstr (belief, ==, "lost it");
  g_subprocess_wait (stopped, NULL, NULL);
}

static void
a_server_that_pauses_makes_no_second_holder (Fixture *self, gconstpointer data)
{
  for (int i = 0; i < N_PROCESSES; i++)
    spawn_contender (self, N_ROUNDS, LEASE_MS, 1, NULL);
  for (int i = 0; i < 3; i++)
    {
      wait_for_turns (self, 3);
      grel_test_redis_pause (self->redis);
      grel_test_pass_time (NULL, 2 * LEASE_MS * G_TIME_SPAN_MILLISECOND);
      grel_test_redis_resume (self->redis);
    }
  for (int i = 0; i < N_PROCESSES; i++)
    grel_test_process_collect_holds (self->processes->pdata[i], FALSE, self->holds);
  grel_test_expect_one_holder_at_a_time (self->holds);
}

/* For longer than any lease. GREL_TEST_OUTAGE makes it as many seconds. */
static void
let_time_pass_without_a_server (void)
{
  const char *seconds = g_getenv ("GREL_TEST_OUTAGE");
  GTimeSpan outage = 4 * LEASE_MS * G_TIME_SPAN_MILLISECOND;

  if (seconds != NULL)
    outage = g_ascii_strtod (seconds, NULL) * G_TIME_SPAN_SECOND;
  grel_test_pass_time (NULL, outage);
}

/* Two processes use locks, caches and circuits at full speed all the while. */
static void
check_outage (Fixture *self,
              void (*begin) (GrelTestRedis *redis),
              void (*end) (GrelTestRedis *redis))
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "redis_survivor", NULL);
  g_autofree char *uri = grel_test_redis_get_uri (self->redis, "timeout=0.3&connect_timeout=0.3");

  for (int i = 0; i < 2; i++)
    spawn (self, (const char *[]){ program, uri, G_STRINGIFY (LEASE_MS), NULL });
  wait_for_turns (self, 20);
  begin (self->redis);
  let_time_pass_without_a_server ();
  end (self->redis);
  for (int i = 0; i < 2; i++)
    grel_test_process_collect_holds (self->processes->pdata[i], FALSE, self->holds);

  g_assert_cmpuint (self->holds->len, >, 20);
  grel_test_expect_one_holder_at_a_time (self->holds);
}

static void
everything_goes_on_after_a_server_was_away (Fixture *self, gconstpointer data)
{
  check_outage (self, grel_test_redis_kill, grel_test_redis_start);
}

static void
everything_goes_on_after_a_server_hung (Fixture *self, gconstpointer data)
{
  check_outage (self, grel_test_redis_pause, grel_test_redis_resume);
}

#define RULE(name) g_test_add ("/redis/processes/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (they_take_turns);
  RULE (who_is_killed_holds_nobody_up_for_ever);
  RULE (a_waiter_that_is_killed_holds_nobody_up);
  RULE (who_was_stopped_for_too_long_knows_it_at_once);
  RULE (a_server_that_pauses_makes_no_second_holder);
  RULE (everything_goes_on_after_a_server_was_away);
  RULE (everything_goes_on_after_a_server_hung);
  return g_test_run ();
}
