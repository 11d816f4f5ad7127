/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-asker.h"
#include "grel-test-cluster.h"

#include <string.h>

/* What happens when a node of a cluster dies or hangs: whoever needs it is told in time, whoever
 * doesn't goes on, and afterwards everything works again. */

#define HOUR (3600 * G_TIME_SPAN_SECOND)
#define TIMEOUT (500 * G_TIME_SPAN_MILLISECOND)
#define SLACK (3 * G_TIME_SPAN_SECOND) /* for a machine that is busy */
#define IMPATIENT "timeout=0.5&connect_timeout=0.5"
#define PATIENT "timeout=9"
#define N_MASTERS 3
#define REPLICA 3 /* of the first master; the others have none */

static GrelTestCluster *cluster;

/* With a short lease: a server that is killed may forget a release that it has confirmed, if the
 * disk was slow. */
static GrelLock *
lock_new (GrelApp *app, const char *name)
{
  GrelLock *lock = grel_test_lock_new (app, name);

  grel_lock_set_lease_duration (lock, TIMEOUT);
  return lock;
}

/* One of the names that the node has; there are several. */
static GrelLock *
lock_new_at (GrelApp *app, guint node, guint which)
{
  g_autofree char *name = grel_test_cluster_find_name (cluster, node, which);

  return lock_new (app, name);
}

static GrelApp *
open_app (const char *query)
{
  g_autofree char *uri = grel_test_cluster_get_uri (cluster, 0, query);

  return grel_test_redis_open_app (uri);
}

static GrelTestRedis *
get_node (guint i)
{
  return grel_test_cluster_get_node (cluster, i);
}

static void
expect_service (GrelLock *lock)
{
  g_autoptr (GrelLease) lease = grel_test_lock_take (lock);

  grel_test_lease_give_back (lease);
}

static void
expect_service_soon (GrelLock *lock)
{
  g_object_unref (grel_test_lock_take_soon (lock));
}

static void
expect_failure_in_time (GrelLock *lock)
{
  gint64 started = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_lock_acquire (lock, -1, &error));
  g_assert_error (error, GREL_ERROR, GREL_ERROR_BACKEND);
  g_assert_cmpint (g_get_monotonic_time () - started, <, TIMEOUT + SLACK);
}

/* Workers at each of the masters; the second of them breaks and mends. */
static void
live_through (void (*breaks) (GrelTestRedis *node), void (*mends) (GrelTestRedis *node))
{
  GrelApp *app = open_app (IMPATIENT);
  g_autoptr (GrelLock) lost = lock_new_at (app, 1, 5);
  GrelTestAsker workers[2 * N_MASTERS];

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    grel_test_asker_start (&workers[i], lock_new_at (app, i % N_MASTERS, i / N_MASTERS), NULL,
                           TIMEOUT + SLACK);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    grel_test_asker_wait_for_grants (&workers[i], 10);

  breaks (get_node (1));
  expect_failure_in_time (lost);
  expect_failure_in_time (lost);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    if (i % N_MASTERS != 1)
      grel_test_asker_wait_for_grants (&workers[i], 10);

  mends (get_node (1));
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    grel_test_asker_wait_for_grants (&workers[i], 10);
  expect_service_soon (lost);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    g_assert_cmpint (workers[i].n_failed > 0, ==, i % N_MASTERS == 1);
  grel_test_asker_stop_all (workers, G_N_ELEMENTS (workers));
  grel_test_redis_close_app (app);
  grel_test_cluster_settle (cluster);
}

static void
a_node_that_dies_takes_only_its_names_along (void)
{
  live_through (grel_test_redis_kill, grel_test_redis_start);
}

static void
a_node_that_hangs_takes_only_its_names_along (void)
{
  live_through (grel_test_redis_pause, grel_test_redis_resume);
}

static void
while_a_node_is_away_the_map_is_asked_for_now_and_then (void)
{
  GrelApp *app = open_app (IMPATIENT);
  g_autoptr (GrelLock) lost = lock_new_at (app, 1, 0);
  gint64 before, asked;

  expect_service (lost);
  grel_test_redis_kill (get_node (1));
  before = grel_test_cluster_count_calls (cluster, "cluster|slots");
  for (guint i = 0; i < 4; i++)
    expect_failure_in_time (lost);
  asked = grel_test_cluster_count_calls (cluster, "cluster|slots") - before;
  g_assert_cmpint (asked, >, 0);
  g_assert_cmpint (asked, <, 100);
  grel_test_redis_start (get_node (1));
  expect_service_soon (lost);
  grel_test_redis_close_app (app);
  grel_test_cluster_settle (cluster);
}

/* A waiter may be at its server, and none of its own. */
static void
closing_does_not_wait_for_a_node (void)
{
  GrelApp *app = open_app (PATIENT);
  g_autoptr (GrelLock) lost = lock_new_at (app, 1, 0);
  g_autoptr (GrelLock) new_lost = lock_new_at (app, 1, 1);
  GrelLock *locks[] = { lost, new_lost };
  GrelTestResult results[2] = { { NULL } };
  g_autoptr (GError) error = NULL;

  expect_service (lost);
  grel_test_redis_pause (get_node (1));
  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    grel_lock_acquire_async (locks[i], -1, NULL, grel_test_result_ready, &results[i]);
  grel_test_settle ();
  g_assert_true (grel_test_app_close (app, &error));
  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    {
      g_assert_null (
        grel_lock_acquire_finish (locks[i], grel_test_result_wait (&results[i]), &error));
      grel_test_assert_error (error, GREL_ERROR_CLOSED, "cart");
      grel_test_result_clear (&results[i]);
    }
  grel_test_redis_resume (get_node (1));
  grel_test_cluster_settle (cluster);
  g_assert_true (grel_test_app_open (app, &error));
  g_assert_no_error (error);
  expect_service_soon (lost);
  grel_test_redis_close_app (app);
}

typedef struct
{
  GrelTestCluster *cluster;
  const char *channel;
  int node; /* which has subscribed */
} Subscription;

static gboolean
has_subscribed (gpointer data)
{
  Subscription *self = data;

  grel_test_settle ();
  self->node = grel_test_cluster_find_listener (self->cluster, self->channel);
  return self->node >= 0;
}

/* The node that passed on what was said dies, and not the one that has the lock. */
static void
who_waits_is_told_by_another_node (void)
{
  GrelApp *app = open_app (PATIENT);
  GrelApp *other_app = open_app (PATIENT);
  g_autoptr (GrelLock) waited_for = lock_new (app, "watched");
  g_autoptr (GrelLock) watched = lock_new (other_app, "watched");
  g_autoptr (GrelLease) watched_for = NULL;
  Subscription first = { cluster, "released:lock:watched", 0 };
  g_auto (GrelTestResult) first_waiter = { NULL };
  g_auto (GrelTestResult) waiter = { NULL };
  g_autoptr (GrelLock) lock = NULL;
  g_autoptr (GrelLock) other = NULL;
  g_autoptr (GrelLease) held = NULL;
  g_autoptr (GrelLease) lease = NULL;
  g_autofree char *channel = NULL;
  g_autoptr (GError) error = NULL;
  Subscription next;

  grel_lock_set_lease_duration (waited_for, HOUR);
  watched_for = grel_test_lock_acquire (waited_for, -1, NULL);
  grel_lock_acquire_async (watched, -1, NULL, grel_test_result_ready, &first_waiter);
  grel_test_wait_for (has_subscribed, &first);

  lock = lock_new_at (app, (first.node + 1) % N_MASTERS, 0);
  other = lock_new (other_app, grel_lock_get_name (lock));
  grel_lock_set_retry_interval (other, HOUR);
  grel_lock_set_lease_duration (lock, HOUR);
  held = grel_test_lock_acquire (lock, -1, NULL);
  grel_lock_acquire_async (other, -1, NULL, grel_test_result_ready, &waiter);
  channel = g_strconcat ("released:lock:", grel_lock_get_name (lock), NULL);
  next = (Subscription){ cluster, channel, 0 };
  grel_test_wait_for (has_subscribed, &next);
  g_assert_cmpint (next.node, ==, first.node);

  grel_test_redis_kill (get_node (first.node));
  grel_test_settle ();
  grel_test_wait_for (has_subscribed, &next);
  g_assert_cmpint (next.node, !=, first.node);
  g_assert_true (grel_test_lease_release (held, &error));
  lease = grel_lock_acquire_finish (other, grel_test_result_wait (&waiter), &error);
  g_assert_no_error (error);

  grel_test_redis_start (get_node (first.node));
  grel_test_redis_close_app (other_app);
  grel_test_redis_close_app (app);
  grel_test_result_wait (&first_waiter);
  grel_test_cluster_settle (cluster);
}

static gboolean
has_subscribed_at_first (gpointer subscription)
{
  return has_subscribed (subscription) && ((Subscription *) subscription)->node == 0;
}

/* Until it is not the node that has the lock. */
static void
move_subscription (Subscription *self)
{
  grel_test_wait_for (has_subscribed, self);
  while (self->node == 0)
    {
      g_free (grel_test_redis_ask (grel_test_cluster_get_node (self->cluster, 0), "CLIENT", "KILL",
                                   "TYPE", "pubsub", NULL));
      grel_test_settle ();
      grel_test_wait_for (has_subscribed, self);
    }
}

/* The one that passed on what was said is in it no more, and runs on. */
static void
who_waits_is_told_by_a_node_that_is_in_the_cluster (void)
{
  g_autoptr (GrelTestCluster) small = grel_test_cluster_new (2, FALSE, NULL);
  g_autofree char *uri = grel_test_cluster_get_uri (small, 0, PATIENT);
  g_autofree char *name = grel_test_cluster_find_name (small, 0, 0);
  g_autofree char *moved = grel_test_cluster_find_name (small, 1, 0);
  g_autofree char *channel = g_strconcat ("released:lock:", name, NULL);
  GrelApp *apps[] = { grel_test_redis_open_app (uri), grel_test_redis_open_app (uri) };
  g_autoptr (GrelLock) lock = lock_new (apps[0], name);
  g_autoptr (GrelLock) other = lock_new (apps[1], name);
  g_autoptr (GrelLock) elsewhere = lock_new (apps[1], moved);
  g_autoptr (GrelLease) held = NULL;
  g_autoptr (GrelLease) lease = NULL;
  g_auto (GrelTestResult) waiter = { NULL };
  g_autoptr (GError) error = NULL;
  Subscription subscription = { small, channel, 0 };

  grel_lock_set_lease_duration (lock, HOUR);
  grel_lock_set_retry_interval (other, HOUR);
  held = grel_test_lock_acquire (lock, -1, &error);
  grel_lock_acquire_async (other, -1, NULL, grel_test_result_ready, &waiter);
  expect_service (elsewhere);
  move_subscription (&subscription);
  grel_test_cluster_remove (small, 1, 0);
  expect_service (elsewhere);
  grel_test_wait_for (has_subscribed_at_first, &subscription);

  g_assert_true (grel_test_lease_release (held, &error));
  lease = grel_lock_acquire_finish (other, grel_test_result_wait (&waiter), &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (apps); i++)
    grel_test_redis_close_app (apps[i]);
}

static gint64
get_offset (guint node)
{
  static const char field[] = "master_repl_offset:";
  g_autofree char *info = grel_test_redis_ask (get_node (node), "INFO", "replication", NULL);

  return g_ascii_strtoll (strstr (info, field) + strlen (field), NULL, 10);
}

/* The replica, of what the master has. */
static gboolean
has_all (gpointer data)
{
  gint64 offset = get_offset (0);

  return get_offset (REPLICA) >= offset;
}

/* Whoever asks meanwhile waits for the new master, and keeps what it held. */
static void
a_replica_takes_over (void)
{
  GrelApp *app = open_app (PATIENT);
  g_autoptr (GrelLock) lock = lock_new_at (app, 0, 0);
  g_autoptr (GrelLock) kept = lock_new_at (app, 0, 1);
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;
  gint64 killed;

  grel_lock_set_lease_duration (lock, HOUR);
  grel_lock_set_lease_duration (kept, HOUR);
  expect_service (lock);
  lease = grel_test_lock_acquire (kept, -1, &error);
  g_assert_no_error (error);
  grel_test_wait_for (has_all, NULL);

  grel_test_redis_kill (get_node (0));
  killed = g_get_monotonic_time ();
  grel_test_settle ();
  expect_service (lock);
  g_test_message ("a replica had taken over after %.1f s",
                  (g_get_monotonic_time () - killed) / (double) G_TIME_SPAN_SECOND);
  g_assert_true (grel_test_lease_extend (lease, &error));
  g_assert_no_error (error);

  grel_test_redis_start (get_node (0));
  grel_test_cluster_settle (cluster);
  expect_service (lock);
  grel_test_redis_close_app (app);
}

#define RULE(name) g_test_add_func ("/redis/cluster-faults/" #name, name)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  RULE (a_node_that_dies_takes_only_its_names_along);
  RULE (a_node_that_hangs_takes_only_its_names_along);
  RULE (while_a_node_is_away_the_map_is_asked_for_now_and_then);
  RULE (closing_does_not_wait_for_a_node);
  RULE (who_waits_is_told_by_another_node);
  RULE (who_waits_is_told_by_a_node_that_is_in_the_cluster);
  RULE (a_replica_takes_over);

  cluster = grel_test_cluster_new (N_MASTERS, TRUE, NULL);
  status = g_test_run ();
  grel_test_cluster_free (cluster);
  return status;
}
