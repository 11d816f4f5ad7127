/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-asker.h"
#include "grel-test-cluster.h"
#include "grel-test-sentinels.h"

#include <string.h>

/* A master dies, and a replica takes its place: everything goes on there. */

#define HOUR (3600 * G_TIME_SPAN_SECOND)
#define TIMEOUT (9 * G_TIME_SPAN_SECOND)

typedef struct
{
  GrelTestSentinels *sentinels;
  char *uri;
  GrelApp *app;
  GrelLock *lock; /* “cart” */
} Fixture;

/* How many replicas there are, and how they are used. */
typedef struct
{
  guint n_replicas;
  const char *query;
} Way;

static const Way one = { 1, "timeout=9" };
static const Way one_that_counts = { 1, "timeout=9&min_replicas=1" };
static const Way two = { 2, "timeout=9&min_replicas=1" };

static void
set_up (Fixture *self, gconstpointer data)
{
  const Way *way = data;

  self->sentinels = grel_test_sentinels_new (way->n_replicas);
  self->uri = grel_test_sentinels_get_uri (self->sentinels, "", way->query);
  self->app = grel_test_redis_open_app (self->uri);
  self->lock = grel_test_lock_new (self->app, "cart");
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_object_unref (self->lock);
  grel_test_redis_close_app (self->app);
  grel_test_sentinels_free (self->sentinels);
  g_free (self->uri);
}

static GrelTestRedis *
get_server (Fixture *self, guint i)
{
  return grel_test_sentinels_get_server (self->sentinels, i);
}

static void
fail_over (Fixture *self)
{
  grel_test_redis_kill (get_server (self, 0));
  grel_test_sentinels_wait_for_master (self->sentinels, 1);
}

static gboolean
is_subscribed (gpointer server)
{
  g_autofree char *answer
    = grel_test_redis_ask (server, "PUBSUB", "NUMSUB", "released:lock:cart", NULL);

  grel_test_settle ();
  return g_str_has_suffix (answer, "\n1");
}

/* The holder asked once; the other before it listened, and after. */
static gboolean
is_waited_for (gpointer server)
{
  return is_subscribed (server) && grel_test_redis_count_calls (server, "evalsha") == 3;
}

/* One holds it, and one waits who asks once and then waits to be told. */
static void
a_failover_is_survived_by_who_holds_and_who_waits (Fixture *self, gconstpointer data)
{
  GrelApp *app = grel_test_redis_open_app (self->uri);
  g_autoptr (GrelLock) other = grel_test_lock_new (app, "cart");
  g_autoptr (GrelLease) held = grel_test_lock_take (self->lock);
  g_auto (GrelTestResult) waiter = { NULL };
  g_autoptr (GrelLease) next = NULL;
  g_autoptr (GError) error = NULL;

  grel_lock_set_retry_interval (other, HOUR);
  grel_lock_acquire_async (other, -1, NULL, grel_test_result_ready, &waiter);
  grel_test_wait_for (is_waited_for, get_server (self, 0));
  grel_test_settle ();
  fail_over (self);
  grel_test_sentinels_wait_for_replica (self->sentinels, 2);
  grel_test_wait_for (is_subscribed, get_server (self, 1));

  g_assert_false (waiter.is_done);
  g_assert_true (grel_lease_is_valid (held));
  grel_test_lease_extend (held, &error);
  g_assert_no_error (error);
  grel_test_lease_give_back (held);
  next = grel_lock_acquire_finish (other, grel_test_result_wait (&waiter), &error);
  g_assert_no_error (error);
  g_assert_cmpint (grel_lease_get_fencing_token (next), ==,
                   grel_lease_get_fencing_token (held) + 1);
  grel_test_redis_close_app (app);
}

/* It comes back in the belief that it is the master, until a sentinel tells it. */
static void
an_old_master_that_comes_back_is_not_used (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;
  g_autofree char *killed = NULL;

  fail_over (self);
  grel_test_redis_start (get_server (self, 0));
  killed = grel_test_redis_ask (get_server (self, 1), "CLIENT", "KILL", "TYPE", "normal", NULL);
  grel_test_settle ();
  lease = grel_test_lock_take_soon (self->lock);
  grel_test_sentinels_wait_for_replica (self->sentinels, 0);

  grel_test_lease_give_back (lease);
  g_assert_cmpint (grel_test_redis_count_calls (get_server (self, 0), "evalsha"), ==, 0);
  g_assert_cmpint (grel_test_redis_count_calls (get_server (self, 1), "evalsha"), >, 0);
}

static gboolean
is_free (gpointer server)
{
  grel_test_settle ();
  return grel_test_redis_ask_number (server, "EXISTS", "lock:cart", NULL) == 0;
}

static void
what_too_few_replicas_have_is_given_back (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;

  grel_lock_set_lease_duration (self->lock, HOUR);
  grel_lock_set_retry_interval (self->lock, HOUR);
  grel_test_redis_pause (get_server (self, 1));
  g_assert_null (grel_test_lock_acquire (self->lock, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "too few replicas", "0 of 1");
  grel_test_wait_for (is_free, get_server (self, 0));

  grel_test_redis_resume (get_server (self, 1));
  lease = grel_test_lock_take_soon (self->lock);
  grel_test_lease_give_back (lease);
}

/* Whatever many of them ask. */
static void
while_replicas_are_away_nobody_else_waits_for_long (Fixture *self, gconstpointer data)
{
  GrelTestResult results[50] = { { NULL } };
  GrelLock *locks[G_N_ELEMENTS (results)];
  g_autoptr (GError) error = NULL;
  gint64 asked = g_get_monotonic_time ();

  grel_test_redis_pause (get_server (self, 1));
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autofree char *name = g_strdup_printf ("name-%u", i);

      locks[i] = grel_test_lock_new (self->app, name);
      grel_lock_acquire_async (locks[i], -1, NULL, grel_test_result_ready, &results[i]);
    }
  g_assert_false (grel_test_lock_is_locked (self->lock, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_assert_null (
        grel_lock_acquire_finish (locks[i], grel_test_result_wait (&results[i]), &error));
      grel_test_assert_error (error, GREL_ERROR_BACKEND, "name-", "too few replicas", "0 of 1");
      grel_test_result_clear (&results[i]);
      g_object_unref (locks[i]);
    }
  g_assert_cmpint (g_get_monotonic_time () - asked, <, TIMEOUT);
  grel_test_redis_resume (get_server (self, 1));
}

/* The holder goes by what it was promised before. */
static void
an_extension_that_too_few_replicas_have_is_none (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_lock_take (self->lock);
  gint64 deadline = grel_lease_get_deadline (lease);
  g_autoptr (GError) error = NULL;

  grel_test_redis_pause (get_server (self, 1));
  g_assert_false (grel_test_lease_extend (lease, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "too few replicas", "0 of 1");
  g_assert_cmpint (grel_lease_get_deadline (lease), ==, deadline);
  g_assert_true (grel_lease_is_valid (lease));

  grel_test_redis_resume (get_server (self, 1));
  while (!grel_test_lease_extend (lease, NULL))
    g_assert_true (grel_lease_is_valid (lease));
  g_assert_cmpint (grel_lease_get_deadline (lease), >, deadline);
  grel_test_lease_give_back (lease);
}

/* Who is refused needs no replica to know it. */
static void
a_server_without_sentinels_may_have_replicas_too (Fixture *self, gconstpointer data)
{
  g_autofree char *uri = g_strdup_printf ("redis://127.0.0.1:%u?min_replicas=1",
                                          grel_test_redis_get_port (get_server (self, 0)));
  GrelApp *apps[] = { grel_test_redis_open_app (uri), grel_test_redis_open_app (uri) };
  g_autoptr (GrelLock) lock = grel_test_lock_new (apps[0], "cart");
  g_autoptr (GrelLock) other = grel_test_lock_new (apps[1], "cart");
  g_autoptr (GrelLease) lease = grel_test_lock_take (lock);
  g_autoptr (GError) error = NULL;

  grel_test_redis_pause (get_server (self, 1));
  g_assert_null (grel_test_lock_acquire (other, 0, &error));
  grel_test_assert_error (error, GREL_ERROR_WOULD_BLOCK, "cart");
  grel_test_lease_give_back (lease);
  g_assert_null (grel_test_lock_acquire (other, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "too few replicas", "0 of 1");
  grel_test_redis_resume (get_server (self, 1));
  for (guint i = 0; i < G_N_ELEMENTS (apps); i++)
    grel_test_redis_close_app (apps[i]);
}

/* A lock whose keys that node of a cluster has. */
static GrelLock *
lock_new_at (GrelApp *app, GrelTestCluster *cluster, guint node)
{
  g_autofree char *name = grel_test_cluster_find_name (cluster, node, 0);

  return grel_test_lock_new (app, name);
}

/* Only the first of them has one. */
static void
in_a_cluster_the_replicas_of_the_node_that_grants_count (void)
{
  g_autoptr (GrelTestCluster) cluster = grel_test_cluster_new (2, TRUE, NULL);
  g_autofree char *uri = grel_test_cluster_get_uri (cluster, 0, "min_replicas=1");
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelLock) there = lock_new_at (app, cluster, 0);
  g_autoptr (GrelLock) elsewhere = lock_new_at (app, cluster, 1);
  g_autoptr (GrelLease) lease = grel_test_lock_take_soon (there);
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_lock_acquire (elsewhere, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "too few replicas", "0 of 1");
  grel_test_lease_give_back (lease);
  grel_test_redis_close_app (app);
}

/* The master wants a password from now on, which the replica doesn't know. */
static void
cut_off (Fixture *self)
{
  GrelTestRedis *master = get_server (self, 0);
  g_autofree char *set
    = grel_test_redis_ask (master, "CONFIG", "SET", "requirepass", "SECRET", NULL);
  g_autofree char *killed = grel_test_redis_ask (master, "-a", "SECRET", "--no-auth-warning",
                                                 "CLIENT", "KILL", "TYPE", "replica", NULL);

  g_assert_cmpstr (set, ==, "OK");
  g_assert_cmpstr (killed, ==, "1");
}

/* This is what asynchronous replication means. */
static void
without_min_replicas_a_grant_may_be_lost_with_the_master (Fixture *self, gconstpointer data)
{
  GrelApp *app = grel_test_redis_open_app (self->uri);
  g_autoptr (GrelLock) other = grel_test_lock_new (app, "cart");
  g_autoptr (GrelLease) lost = NULL;
  g_autoptr (GrelLease) second = NULL;
  g_autoptr (GError) error = NULL;

  grel_lock_set_lease_duration (self->lock, HOUR);
  cut_off (self);
  lost = grel_test_lock_take (self->lock);
  fail_over (self);
  second = grel_test_lock_take_soon (other);

  g_assert_true (grel_lease_is_valid (lost));
  g_assert_true (grel_lease_is_valid (second));
  g_assert_cmpint (grel_lease_get_fencing_token (lost), ==, grel_lease_get_fencing_token (second));
  g_assert_false (grel_test_lease_extend (lost, &error)); /* and here it is told */
  grel_test_assert_error (error, GREL_ERROR_NOT_OWNED, "cart");
  grel_test_lease_give_back (second);
  grel_test_redis_close_app (app);
}

static void
with_min_replicas_it_is_not_granted_in_the_first_place (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  cut_off (self);
  g_assert_null (grel_test_lock_acquire (self->lock, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "too few replicas");
  fail_over (self);
  g_assert_true (is_free (get_server (self, 1)));
}

/* The old master comes back as the replica that is needed. */
static void
with_min_replicas_nothing_is_held_twice (Fixture *self, gconstpointer data)
{
  GrelApp *app = grel_test_redis_open_app (self->uri);
  GrelLock *locks[] = { g_object_ref (self->lock), grel_test_lock_new (app, "cart") };
  GrelTestAsker askers[G_N_ELEMENTS (locks)];
  GrelTestTurns turns;

  grel_test_turns_start (&turns, askers, locks, G_N_ELEMENTS (askers), G_TIME_SPAN_SECOND);
  for (guint i = 0; i < G_N_ELEMENTS (askers); i++)
    grel_test_asker_wait_for_grants (&askers[i], 20);
  fail_over (self);
  grel_test_redis_start (get_server (self, 0));
  for (guint i = 0; i < G_N_ELEMENTS (askers); i++)
    grel_test_asker_wait_for_grants (&askers[i], 20);
  grel_test_asker_stop_all (askers, G_N_ELEMENTS (askers));
  g_assert_cmpint (grel_test_redis_count_calls (get_server (self, 0), "evalsha"), ==, 0);
  grel_test_redis_close_app (app);
}

static void
fill_cache (GrelTestRedis *server)
{
  g_free (grel_test_redis_ask (server, "EVAL",
                               "for i = 1, 20000 do redis.call('SET', 'cache:' .. i, 'value') end",
                               "0", NULL));
}

static gint64
count_values (GrelTestRedis *server)
{
  return grel_test_redis_ask_number (server, "EVAL", "return #redis.call('KEYS', 'cache:*')", "0",
                                     NULL);
}

/* Each server has its keys in an order of its own. */
static void
a_cache_that_is_half_cleared_is_cleared_by_the_next_master (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelTTLCache) cache = grel_ttl_cache_new (HOUR);
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  grel_ttl_cache_set_app (cache, self->app);
  fill_cache (get_server (self, 0));
  grel_ttl_cache_clear_async (cache, NULL, grel_test_result_ready, &result);
  while (count_values (get_server (self, 0)) > 10000)
    grel_test_settle ();
  fail_over (self);
  g_assert_cmpint (count_values (get_server (self, 1)), >, 0);

  grel_ttl_cache_clear_finish (cache, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpint (count_values (get_server (self, 1)), ==, 0);
}

/* One is left, who can't elect a master but knows it. */
static void
without_most_of_its_sentinels_the_service_goes_on (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;
  g_autofree char *killed = NULL;

  for (guint i = 0; i < 2; i++)
    grel_test_redis_kill (grel_test_sentinels_get_sentinel (self->sentinels, i));
  killed = grel_test_redis_ask (get_server (self, 0), "CLIENT", "KILL", "TYPE", "normal", NULL);
  grel_test_settle ();
  lease = grel_test_lock_take (self->lock);
  grel_test_lease_give_back (lease);
}

#define RULE(name, way)                                                                            \
  g_test_add ("/redis/failover/" #name, Fixture, &way, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (a_failover_is_survived_by_who_holds_and_who_waits, two);
  RULE (an_old_master_that_comes_back_is_not_used, one);
  RULE (what_too_few_replicas_have_is_given_back, one_that_counts);
  RULE (while_replicas_are_away_nobody_else_waits_for_long, one_that_counts);
  RULE (an_extension_that_too_few_replicas_have_is_none, one_that_counts);
  RULE (a_server_without_sentinels_may_have_replicas_too, one);
  g_test_add_func ("/redis/failover/in_a_cluster_the_replicas_of_the_node_that_grants_count",
                   in_a_cluster_the_replicas_of_the_node_that_grants_count);
  RULE (without_min_replicas_a_grant_may_be_lost_with_the_master, one);
  RULE (with_min_replicas_it_is_not_granted_in_the_first_place, one_that_counts);
  RULE (with_min_replicas_nothing_is_held_twice, one_that_counts);
  RULE (a_cache_that_is_half_cleared_is_cleared_by_the_next_master, one);
  RULE (without_most_of_its_sentinels_the_service_goes_on, one);
  return g_test_run ();
}
