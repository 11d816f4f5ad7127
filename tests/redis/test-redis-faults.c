/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-asker.h"
#include "grel-test-proxy.h"
#include "grel-test-redis.h"

#include <string.h>

/* What happens when the server dies, hangs, forgets, or is cut off: whoever waits is told in time,
 * nobody holds twice, and afterwards everything goes on. */

#define HOUR (3600 * G_TIME_SPAN_SECOND)
#define TIMEOUT (500 * G_TIME_SPAN_MILLISECOND)
#define SLACK (3 * G_TIME_SPAN_SECOND) /* for a machine that is busy */

/* How the server is reached, and how long an answer may take. */
typedef struct
{
  gboolean through_proxy;
  const char *query;
} Way;

static const Way impatient = { FALSE, "timeout=0.5&connect_timeout=0.5" };
static const Way impatient_proxy = { TRUE, "timeout=0.5&connect_timeout=0.5" };
static const Way patient = { FALSE, "timeout=9" };
static const Way patient_proxy = { TRUE, "timeout=9" };
static const Way late_proxy = { TRUE, "timeout=5&connect_timeout=9" };

typedef struct
{
  GrelTestRedis *redis;
  GrelTestProxy *proxy;
  char *uri;
  GrelApp *app;
  GrelLock *lock; /* “cart” */
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  const Way *way = data;

  self->redis = grel_test_redis_new (NULL);
  self->proxy = grel_test_proxy_new (grel_test_redis_get_socket (self->redis));
  self->uri = way->through_proxy ? grel_test_proxy_get_uri (self->proxy, way->query)
                                 : grel_test_redis_get_uri (self->redis, way->query);
  self->app = grel_test_redis_open_app (self->uri);
  self->lock = grel_test_lock_new (self->app, "cart");
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_object_unref (self->lock);
  grel_test_redis_close_app (self->app);
  grel_test_proxy_free (self->proxy);
  grel_test_redis_free (self->redis);
  g_free (self->uri);
}

static void
expect_failure_in_time (Fixture *self)
{
  gint64 started = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_lock_acquire (self->lock, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart");
  g_assert_cmpint (g_get_monotonic_time () - started, <, TIMEOUT + SLACK);
}

static void
expect_service (Fixture *self)
{
  g_autoptr (GrelLease) lease = grel_test_lock_take (self->lock);

  grel_test_lease_give_back (lease);
}

static void
expect_service_soon (Fixture *self)
{
  g_autoptr (GrelLease) lease = grel_test_lock_take_soon (self->lock);

  grel_test_lease_give_back (lease);
}

static void
a_server_that_is_dead_fails_in_time (Fixture *self, gconstpointer data)
{
  grel_test_redis_kill (self->redis);
  expect_failure_in_time (self);
  expect_failure_in_time (self);
  grel_test_redis_start (self->redis);
  expect_service_soon (self);
}

static void
a_server_that_hangs_fails_in_time (Fixture *self, gconstpointer data)
{
  grel_test_redis_pause (self->redis);
  expect_failure_in_time (self);
  expect_failure_in_time (self);
  grel_test_redis_resume (self->redis);
  expect_service_soon (self);
}

static void
a_network_that_swallows_everything_fails_in_time (Fixture *self, gconstpointer data)
{
  grel_test_proxy_set_hangs (self->proxy, TRUE);
  expect_failure_in_time (self);
  grel_test_proxy_set_hangs (self->proxy, FALSE);
  expect_service_soon (self);
}

static void
a_short_break_is_waited_for (Fixture *self, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;

  grel_test_redis_kill (self->redis);
  grel_test_settle ();
  grel_lock_acquire_async (self->lock, -1, NULL, grel_test_result_ready, &result);
  grel_test_settle ();
  grel_test_redis_start (self->redis);
  lease = grel_lock_acquire_finish (self->lock, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
}

/* The server finds the question when it goes on, and grants the lock to nobody. */
static void
what_is_granted_too_late_is_released (Fixture *self, gconstpointer data)
{
  grel_lock_set_lease_duration (self->lock, HOUR);
  grel_lock_set_retry_interval (self->lock, HOUR);
  grel_test_redis_pause (self->redis);
  expect_failure_in_time (self);
  grel_test_redis_resume (self->redis);
  expect_service_soon (self);
}

static gboolean
is_trying (gpointer proxy)
{
  grel_test_settle ();
  return grel_test_proxy_get_n_connections (proxy) > 1;
}

/* Somebody besides who asks. */
static gboolean
has_a_client (gpointer redis)
{
  g_autofree char *info = grel_test_redis_ask (redis, "INFO", "clients", NULL);

  grel_test_settle ();
  return strstr (info, "connected_clients:2\r") != NULL;
}

/* There is a way to a server, but it doesn't say anything for now. */
static void
reconnect_to_silence (Fixture *self)
{
  grel_test_redis_kill (self->redis);
  grel_test_wait_for (is_trying, self->proxy);
  grel_test_proxy_set_hangs (self->proxy, TRUE);
  grel_test_redis_start (self->redis);
  grel_test_wait_for (has_a_client, self->redis);
}

/* The question leaves just before its time is up, and the answer comes just after. */
static void
who_is_asked_late_has_time_to_answer (Fixture *self, gconstpointer data)
{
  const GTimeSpan timeout = 5 * G_TIME_SPAN_SECOND;
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;
  gint64 asked;

  reconnect_to_silence (self);
  g_free (grel_test_redis_ask (self->redis, "CLIENT", "PAUSE", "60000", "WRITE", NULL));
  grel_lock_acquire_async (self->lock, -1, NULL, grel_test_result_ready, &result);
  grel_test_settle ();
  asked = g_get_monotonic_time ();
  grel_test_pass_time (NULL, timeout * 95 / 100);
  grel_test_proxy_set_hangs (self->proxy, FALSE);
  grel_test_pass_time (NULL, asked + timeout - g_get_monotonic_time ());
  g_assert_false (result.is_done);

  g_free (grel_test_redis_ask (self->redis, "CLIENT", "UNPAUSE", NULL));
  lease = grel_lock_acquire_finish (self->lock, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
}

static void
a_restart_forgets_scripts_but_not_fences (Fixture *self, gconstpointer data)
{
  for (gint64 fence = 1; fence <= 3; fence++)
    {
      g_autoptr (GrelLease) lease = grel_test_lock_take (self->lock);

      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, fence);
      grel_test_lease_give_back (lease);
      grel_test_redis_kill (self->redis);
      grel_test_settle ();
      grel_test_redis_start (self->redis);
    }
}

static void
a_lease_outlives_a_restart (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_lock_take (self->lock);

  grel_test_redis_kill (self->redis);
  grel_test_settle ();
  grel_test_redis_start (self->redis);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_true (grel_test_lease_extend (lease, NULL));
  grel_test_lease_give_back (lease);
}

static void
set_flag (GCancellable *cancellable, gpointer flag)
{
  g_atomic_int_set ((int *) flag, TRUE);
}

static void
without_a_server_a_lease_ends_in_time (Fixture *self, gconstpointer data)
{
  gint64 before = g_get_monotonic_time ();
  g_autoptr (GrelLease) lease = NULL;
  int is_lost = FALSE;
  gint64 end;

  grel_lock_set_lease_duration (self->lock, 2 * TIMEOUT);
  lease = grel_test_lock_take (self->lock);
  g_cancellable_connect (grel_lease_get_cancellable (lease), G_CALLBACK (set_flag), &is_lost, NULL);
  grel_test_redis_pause (self->redis);
  grel_test_run_until (&is_lost);
  end = g_get_monotonic_time ();
  grel_test_redis_resume (self->redis);

  g_assert_false (grel_lease_is_valid (lease));
  g_assert_cmpint (grel_lease_get_deadline (lease), <, end);
  g_assert_cmpint (end - before, >, TIMEOUT);
}

/* The server has lost its memory, and with it the lock. */
static void
a_holder_that_was_forgotten_is_told (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;
  g_autofree char *flushed = NULL;
  int is_lost = FALSE;

  grel_lock_set_lease_duration (self->lock, TIMEOUT);
  lease = grel_test_lock_take (self->lock);
  g_cancellable_connect (grel_lease_get_cancellable (lease), G_CALLBACK (set_flag), &is_lost, NULL);
  flushed = grel_test_redis_ask (self->redis, "FLUSHALL", NULL);
  grel_test_run_until (&is_lost);
  expect_service (self);
}

static void
a_renewal_is_repeated_and_an_acquisition_is_not (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_lock_take (self->lock);
  g_autoptr (GrelLock) other = grel_test_lock_new (self->app, "other");
  g_autoptr (GError) error = NULL;

  grel_test_proxy_cut_after (self->proxy, 10);
  g_assert_true (grel_test_lease_extend (lease, &error));
  g_assert_no_error (error);
  grel_test_proxy_cut_after (self->proxy, 10);
  g_assert_true (grel_test_lock_is_locked (self->lock, &error));
  g_assert_no_error (error);

  grel_test_proxy_cut_after (self->proxy, 10);
  g_assert_null (grel_test_lock_acquire (other, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "other", "lost");
}

static gint64
count_subscribers (Fixture *self)
{
  g_autofree char *answer
    = grel_test_redis_ask (self->redis, "PUBSUB", "NUMSUB", "released:lock:cart", NULL);
  const char *line = strrchr (answer, '\n');

  return line != NULL ? g_ascii_strtoll (line + 1, NULL, 10) : 0;
}

static gboolean
has_subscribed (gpointer self)
{
  grel_test_settle ();
  return count_subscribers (self) == 1;
}

static void
a_subscription_that_was_lost_is_made_again (Fixture *self, gconstpointer data)
{
  GrelApp *app = grel_test_redis_open_app (self->uri);
  g_autoptr (GrelLock) other = grel_test_lock_new (app, "cart");
  g_autoptr (GrelLease) held = grel_test_lock_take (other);
  g_auto (GrelTestResult) waiter = { NULL };

  grel_lock_set_retry_interval (self->lock, HOUR);
  grel_lock_acquire_async (self->lock, -1, NULL, grel_test_result_ready, &waiter);
  grel_test_wait_for (has_subscribed, self);
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *killed
        = grel_test_redis_ask (self->redis, "CLIENT", "KILL", "TYPE", "pubsub", NULL);

      if (i < 2)
        grel_test_wait_for (has_subscribed, self);
    }
  grel_test_lease_give_back (held); /* perhaps before anybody listens again */
  g_object_unref (grel_lock_acquire_finish (self->lock, grel_test_result_wait (&waiter), NULL));
  grel_test_redis_close_app (app);
}

/* Two apps take turns, and never hold it both, while connections break anywhere. */
static void
connections_may_break_at_any_byte (Fixture *self, gconstpointer data)
{
  GrelApp *app = grel_test_redis_open_app (self->uri);
  GrelLock *locks[] = { g_object_ref (self->lock), grel_test_lock_new (app, "cart") };
  GrelTestAsker askers[G_N_ELEMENTS (locks)];
  GrelTestTurns turns;

  grel_test_turns_start (&turns, askers, locks, G_N_ELEMENTS (askers), TIMEOUT);
  while (askers[0].n_granted + askers[1].n_granted < 150 || askers[0].n_failed < 20
         || askers[1].n_failed < 20)
    {
      if (!grel_test_proxy_is_about_to_cut (self->proxy))
        grel_test_proxy_cut_after (self->proxy, g_test_rand_int_range (0, 2000));
      g_main_context_iteration (NULL, TRUE);
    }
  grel_test_proxy_cut_after (self->proxy, -1);
  grel_test_asker_stop_all (askers, G_N_ELEMENTS (askers));
  expect_service_soon (self);
  grel_test_redis_close_app (app);
}

static void
after_an_outage_under_load_everything_goes_on (Fixture *self, gconstpointer data)
{
  GrelTestAsker workers[20];

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      g_autofree char *name = g_strdup_printf ("name-%u", i);

      grel_test_asker_start (&workers[i], grel_test_lock_new (self->app, name), NULL,
                             TIMEOUT + SLACK);
    }
  grel_test_pass_time (NULL, TIMEOUT);
  grel_test_redis_kill (self->redis);
  grel_test_pass_time (NULL, 4 * TIMEOUT);
  grel_test_redis_start (self->redis);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      g_assert_cmpuint (workers[i].n_granted, >, 0);
      g_assert_cmpuint (workers[i].n_failed, >, 0);
      grel_test_asker_wait_for_grants (&workers[i], 1);
    }
  grel_test_asker_stop_all (workers, G_N_ELEMENTS (workers));
}

/* Closing while the server is away, with somebody waiting. */
static void
closing_does_not_wait_for_a_server (Fixture *self, gconstpointer data)
{
  GrelTestResult waiters[10] = { { NULL } };
  g_autoptr (GError) error = NULL;

  grel_test_redis_pause (self->redis);
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    grel_lock_acquire_async (self->lock, -1, NULL, grel_test_result_ready, &waiters[i]);
  grel_test_settle ();
  g_assert_true (grel_test_app_close (self->app, &error));
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    {
      g_assert_null (
        grel_lock_acquire_finish (self->lock, grel_test_result_wait (&waiters[i]), &error));
      grel_test_assert_error (error, GREL_ERROR_CLOSED, "cart");
      grel_test_result_clear (&waiters[i]);
    }
  grel_test_redis_resume (self->redis);
  g_assert_true (grel_test_app_open (self->app, &error));
  g_assert_no_error (error);
}

#define RULE(name, way) g_test_add ("/redis/faults/" #name, Fixture, &way, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (a_server_that_is_dead_fails_in_time, impatient);
  RULE (a_server_that_hangs_fails_in_time, impatient);
  RULE (a_network_that_swallows_everything_fails_in_time, impatient_proxy);
  RULE (a_short_break_is_waited_for, patient);
  RULE (what_is_granted_too_late_is_released, impatient);
  RULE (who_is_asked_late_has_time_to_answer, late_proxy);
  RULE (a_restart_forgets_scripts_but_not_fences, patient);
  RULE (a_lease_outlives_a_restart, patient);
  RULE (without_a_server_a_lease_ends_in_time, patient);
  RULE (a_holder_that_was_forgotten_is_told, patient);
  RULE (a_renewal_is_repeated_and_an_acquisition_is_not, patient_proxy);
  RULE (a_subscription_that_was_lost_is_made_again, patient);
  RULE (connections_may_break_at_any_byte, patient_proxy);
  RULE (after_an_outage_under_load_everything_goes_on, impatient);
  RULE (closing_does_not_wait_for_a_server, patient);
  return g_test_run ();
}
