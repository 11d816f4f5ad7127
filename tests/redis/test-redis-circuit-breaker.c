/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"
#include "grel-test-proxy.h"
#include "grel-test-redis.h"

#include <string.h>

/* What is peculiar to circuit breakers in Redis: the record, and a peer who writes to it, too. */

#define KEY "shop:cb:payment"
#define CAPACITY 2
#define COOL_DOWN (30 * G_TIME_SPAN_SECOND)
#define SHORT_TIMEOUT (200 * G_TIME_SPAN_MILLISECOND)
#define A_DAY 86400

static GrelTestRedis *redis;
static char *peer_script;

/* Each rule has the server for itself, emptied, and a peer (). */
typedef struct
{
  GrelApp *app;
  GrelCircuitBreaker *breaker; /* “payment” */
} Fixture;

static GrelCircuitBreaker *
breaker_new (GrelApp *app)
{
  return g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment", "app", app, "error-threshold",
                       3, "success-threshold", 2, "half-open-capacity", CAPACITY, "reset-timeout",
                       (gint64) COOL_DOWN, NULL);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autofree char *uri = grel_test_redis_get_uri (redis, data);
  g_autofree char *flushed = grel_test_redis_ask (redis, "FLUSHALL", NULL);
  g_autofree char *reset = grel_test_redis_ask (redis, "CONFIG", "RESETSTAT", NULL);

  self->app = grel_test_redis_open_app (uri);
  self->breaker = breaker_new (self->app);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_object_unref (self->breaker);
  grel_test_redis_close_app (self->app);
}

/* What a peer does that uses the Python library. */
static void
peer (const char *verb, const char *number, const char *answer)
{
  g_autofree char *said
    = grel_test_redis_ask (redis, "EVAL", peer_script, "1", KEY, verb, number, "30", NULL);

  g_assert_cmpstr (said, ==, answer);
}

static void
peer_asks (gboolean is_admitted)
{
  peer ("acquire", G_STRINGIFY (CAPACITY), is_admitted ? "1" : "0");
}

static void
expect_field (const char *name, const char *value)
{
  g_autofree char *stored = grel_test_redis_ask (redis, "HGET", KEY, name, NULL);

  g_assert_cmpstr (stored, ==, value);
}

static void
expect_lifetime (gint64 seconds)
{
  gint64 left = grel_test_redis_ask_number (redis, "TTL", KEY, NULL);

  g_assert_cmpint (left, <=, seconds);
  g_assert_cmpint (left, >, seconds - 60);
}

static void
expect_no_record (void)
{
  g_assert_cmpint (grel_test_redis_ask_number (redis, "EXISTS", KEY, NULL), ==, 0);
}

/* As if the circuit had been open for so long. */
static void
cool_down (void)
{
  g_autofree char *changed
    = grel_test_redis_ask (redis, "HINCRBYFLOAT", KEY, "opened_at", "-30", NULL);
}

static GrelPermit *
admit (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  GrelPermit *permit = grel_test_circuit_breaker_acquire (self->breaker, &error);

  g_assert_no_error (error);
  return permit;
}

static GTimeSpan
be_refused (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  GTimeSpan retry_after;

  g_assert_null (grel_test_circuit_breaker_acquire (self->breaker, &error));
  retry_after = grel_error_get_retry_after (error);
  grel_test_assert_error (error, GREL_ERROR_CIRCUIT_OPEN, "payment");
  return retry_after;
}

static void
succeed (GrelPermit *permit)
{
  g_autoptr (GError) error = NULL;

  grel_test_permit_succeed (permit, &error);
  g_assert_no_error (error);
}

static void
fail (GrelPermit *permit)
{
  g_autoptr (GError) error = NULL;

  grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, &error);
  g_assert_no_error (error);
}

static void
fail_often (Fixture *self, guint n_calls)
{
  for (guint i = 0; i < n_calls; i++)
    {
      g_autoptr (GrelPermit) permit = admit (self);

      fail (permit);
    }
}

static void
expect_state (Fixture *self, GrelCircuitState state)
{
  g_assert_cmpint (grel_circuit_breaker_get_state (self->breaker), ==, state);
}

static void
the_record_is_what_its_peers_know (Fixture *self, gconstpointer data)
{
  gint64 opened_at, now;

  fail_often (self, 2);
  expect_field ("cerr", "2");
  expect_field ("csucc", "0");
  expect_lifetime (A_DAY);

  fail_often (self, 1);
  expect_field ("state", "OPEN");
  expect_field ("cerr", "0");
  expect_field ("cool_down", "30");
  expect_field ("ho_admit", "0");
  opened_at = grel_test_redis_ask_number (redis, "HGET", KEY, "opened_at", NULL);
  now = grel_test_redis_ask_number (redis, "TIME", NULL);
  g_assert_cmpint (opened_at, <=, now);
  g_assert_cmpint (opened_at, >, now - 60);
  expect_lifetime (A_DAY);
}

static void
probes_are_counted_for_peers (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelPermit) first = NULL;
  g_autoptr (GrelPermit) second = NULL;

  fail_often (self, 3);
  cool_down ();
  first = admit (self);
  expect_field ("state", "HALF_OPEN");
  expect_field ("ho_admit", "1");
  expect_field ("cool_down", "");
  second = admit (self);
  expect_field ("ho_admit", "2");
  succeed (first);
  expect_field ("ho_admit", "1");
  expect_field ("csucc", "1");
  expect_lifetime (A_DAY);
  succeed (second);
  expect_no_record ();
}

static void
a_reset_leaves_no_record (Fixture *self, gconstpointer data)
{
  fail_often (self, 3);
  g_assert_true (grel_test_circuit_breaker_reset (self->breaker, NULL));
  expect_no_record ();
}

static void
one_that_is_isolated_is_kept_for_ever (Fixture *self, gconstpointer data)
{
  fail_often (self, 2);
  g_assert_true (grel_test_circuit_breaker_isolate (self->breaker, NULL));
  expect_field ("state", "FORCED_OPEN");
  expect_field ("cerr", "0");
  g_assert_cmpint (grel_test_redis_ask_number (redis, "TTL", KEY, NULL), ==, -1);
  peer_asks (FALSE);
}

static void
a_record_outlasts_its_cool_down_ten_times (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelBackend) backend
    = grel_app_get_backend (self->app, GREL_TYPE_CIRCUIT_BREAKER_BACKEND, NULL, NULL);
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = g_task_new (backend, NULL, grel_test_result_ready, &answer);

  grel_circuit_breaker_backend_set_state (GREL_CIRCUIT_BREAKER_BACKEND (backend), "cb:payment",
                                          GREL_CIRCUIT_STATE_OPEN, 2 * G_TIME_SPAN_DAY, task);
  grel_test_result_wait (&answer);
  expect_lifetime (20 * A_DAY);
}

static void
who_gives_up_a_probe_shortens_no_lifetime (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelPermit) probe = NULL;

  grel_circuit_breaker_set_reset_timeout (self->breaker, 2 * G_TIME_SPAN_DAY);
  peer ("open", "0", "OPEN");
  cool_down ();
  probe = admit (self);
  grel_permit_abandon (probe);
  g_clear_object (&probe);
  probe = admit (self);
  grel_permit_abandon (probe);
  grel_test_settle ();
  expect_lifetime (20 * A_DAY);
}

static void
what_a_peer_opened_is_open (Fixture *self, gconstpointer data)
{
  for (int i = 0; i < 3; i++)
    {
      peer_asks (TRUE);
      peer ("error", "3", i < 2 ? "CLOSED" : "OPEN");
    }
  g_assert_cmpint (be_refused (self), <=, COOL_DOWN);
  g_assert_cmpint (be_refused (self), >, 0);
  expect_state (self, GREL_CIRCUIT_STATE_OPEN);

  peer ("isolate", "0", "FORCED_OPEN");
  g_assert_cmpint (be_refused (self), ==, 0);
  expect_state (self, GREL_CIRCUIT_STATE_FORCED_OPEN);

  peer ("reset", "0", "CLOSED");
  fail_often (self, 1);
  expect_state (self, GREL_CIRCUIT_STATE_CLOSED);
}

static void
what_is_open_here_is_open_for_a_peer (Fixture *self, gconstpointer data)
{
  fail_often (self, 3);
  peer_asks (FALSE);
  cool_down ();
  peer_asks (TRUE);
  expect_field ("state", "HALF_OPEN");
}

static void
errors_of_peers_are_in_the_same_row (Fixture *self, gconstpointer data)
{
  fail_often (self, 1);
  peer ("error", "3", "CLOSED");
  fail_often (self, 1);
  expect_state (self, GREL_CIRCUIT_STATE_OPEN);

  peer ("reset", "0", "CLOSED");
  fail_often (self, 2);
  peer ("success", "2", "CLOSED");
  fail_often (self, 2);
  expect_state (self, GREL_CIRCUIT_STATE_CLOSED);
}

/* Who half-opens it, we or the peer, makes no difference. */
static void
check_shared_capacity (Fixture *self, gboolean we_are_first)
{
  g_autoptr (GrelPermit) probe = NULL;
  g_autoptr (GrelPermit) again = NULL;

  fail_often (self, 3);
  cool_down ();
  if (!we_are_first)
    peer_asks (TRUE);
  probe = admit (self);
  if (we_are_first)
    peer_asks (TRUE);
  expect_field ("ho_admit", "2");
  peer_asks (FALSE);
  g_assert_cmpint (be_refused (self), ==, 0);

  peer ("success", "2", "HALF_OPEN");
  again = admit (self);
  peer_asks (FALSE);
  grel_permit_abandon (again);
  grel_test_settle ();
  peer_asks (TRUE);
  succeed (probe);
  expect_no_record ();
}

static void
probes_share_the_capacity_with_peers (Fixture *self, gconstpointer data)
{
  check_shared_capacity (self, TRUE);
  check_shared_capacity (self, FALSE);
}

static void
a_probe_from_before_a_peer_opened_it_counts_nothing (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelPermit) old = NULL;
  g_autoptr (GrelPermit) probe = NULL;

  fail_often (self, 3);
  cool_down ();
  old = admit (self);
  peer ("error", "1", "OPEN");
  cool_down ();
  peer_asks (TRUE);
  succeed (old);
  expect_field ("ho_admit", "1");
  expect_field ("csucc", "0");

  probe = admit (self);
  g_assert_cmpint (be_refused (self), ==, 0);
  succeed (probe);
  expect_field ("csucc", "1");
  expect_field ("ho_admit", "1");
}

/* A peer that was admitted while it was closed gives back a slot that it never took. */
static void
a_slot_that_a_peer_gives_back_wrongly_is_no_slot (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelPermit) first = NULL;
  g_autoptr (GrelPermit) second = NULL;

  peer_asks (TRUE);
  fail_often (self, 3);
  cool_down ();
  first = admit (self);
  second = admit (self);
  peer ("error", "9", "HALF_OPEN");
  g_assert_cmpint (be_refused (self), ==, 0);
  succeed (first);
  expect_field ("ho_admit", "1");
}

static void
a_prober_that_died_is_not_counted_for_peers (Fixture *self, gconstpointer data)
{
  GrelPermit *dead[CAPACITY];
  g_autoptr (GrelPermit) probe = NULL;

  fail_often (self, 3);
  cool_down ();
  grel_circuit_breaker_set_reset_timeout (self->breaker, SHORT_TIMEOUT);
  for (guint i = 0; i < CAPACITY; i++)
    dead[i] = admit (self);
  grel_test_pass_time (NULL, SHORT_TIMEOUT);
  probe = admit (self);
  expect_field ("ho_admit", "1");
  peer_asks (TRUE);
  for (guint i = 0; i < CAPACITY; i++)
    {
      succeed (dead[i]);
      g_object_unref (dead[i]);
    }
  expect_field ("csucc", "0");
  expect_field ("ho_admit", "2");
}

static void
a_record_that_is_none_is_an_error (Fixture *self, gconstpointer data)
{
  static const char *const words[][4] = { { "HSET", KEY, "state", "AJAR" },
                                          { "HSET", KEY, "cerr", "-1" },
                                          { "SET", KEY, "x", NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree char *flushed = grel_test_redis_ask (redis, "FLUSHALL", NULL);
      g_autofree char *set
        = grel_test_redis_ask (redis, words[i][0], words[i][1], words[i][2], words[i][3], NULL);
      g_autoptr (GError) error = NULL;

      g_assert_null (grel_test_circuit_breaker_acquire (self->breaker, &error));
      grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment");
    }
}

static void
each_operation_is_one_question (Fixture *self, gconstpointer data)
{
  fail_often (self, 1);
  for (int i = 0; i < 10; i++)
    {
      g_autoptr (GrelPermit) permit = admit (self);

      succeed (permit);
    }
  g_assert_cmpint (grel_test_redis_count_calls (redis, "evalsha"), ==, 22);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "eval"), <=, 2);
}

static void
an_outcome_is_never_sent_twice (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelTestProxy) proxy = grel_test_proxy_new (grel_test_redis_get_socket (redis));
  g_autofree char *uri = grel_test_proxy_get_uri (proxy, data);
  GrelApp *app = grel_test_redis_open_app (uri);
  Fixture far = { app, breaker_new (app) };

  fail_often (&far, 1);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GrelPermit) permit = admit (&far);
      g_autoptr (GError) error = NULL;

      grel_test_proxy_cut_after (proxy, 10);
      g_assert_false (grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, &error));
      grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment", "lost");
    }
  g_object_unref (admit (&far));
  expect_field ("cerr", "1");
  tear_down (&far, NULL);
}

#define RULE(name)                                                                                 \
  g_test_add ("/redis/circuit-breaker/" #name, Fixture, "prefix=shop:", set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  path = g_test_build_filename (G_TEST_DIST, "redis", "peer-circuit.lua", NULL);
  g_assert_true (g_file_get_contents (path, &peer_script, NULL, NULL));
  RULE (the_record_is_what_its_peers_know);
  RULE (probes_are_counted_for_peers);
  RULE (a_reset_leaves_no_record);
  RULE (one_that_is_isolated_is_kept_for_ever);
  RULE (a_record_outlasts_its_cool_down_ten_times);
  RULE (who_gives_up_a_probe_shortens_no_lifetime);
  RULE (what_a_peer_opened_is_open);
  RULE (what_is_open_here_is_open_for_a_peer);
  RULE (errors_of_peers_are_in_the_same_row);
  RULE (probes_share_the_capacity_with_peers);
  RULE (a_probe_from_before_a_peer_opened_it_counts_nothing);
  RULE (a_slot_that_a_peer_gives_back_wrongly_is_no_slot);
  RULE (a_prober_that_died_is_not_counted_for_peers);
  RULE (a_record_that_is_none_is_an_error);
  RULE (each_operation_is_one_question);
  RULE (an_outcome_is_never_sent_twice);

  redis = grel_test_redis_new (NULL);
  status = g_test_run ();
  grel_test_redis_free (redis);
  g_free (peer_script);
  return status;
}
