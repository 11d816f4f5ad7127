/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-asker.h"
#include "grel-test-cluster.h"
#include "grel-test-process.h"

#include <string.h>

/* Which node is asked, and what happens while a slot moves from one to another. */

#define HOUR (3600 * G_TIME_SPAN_SECOND)
#define LEASE_MS 60000
#define N_MASTERS 3
#define N_PROCESSES 4
#define N_ROUNDS 200
#define HOLD_MS 5
#define PASSWORD "SECRET"

static GrelTestCluster *cluster;

static GrelApp *
open_app (const char *query)
{
  g_autofree char *uri = grel_test_cluster_get_uri (cluster, 0, query);

  return grel_test_redis_open_app (uri);
}

static void
expect_service (const char *uri)
{
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelLock) lock = grel_test_lock_new (app, "service");
  g_autoptr (GrelLease) lease = grel_test_lock_take (lock);

  grel_test_lease_give_back (lease);
  grel_test_redis_close_app (app);
}

static void
expect_refusal (const char *uri, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelApp) app = grel_app_new_for_uri (uri, &error);

  g_assert_no_error (error);
  g_assert_false (grel_test_app_open (app, &error));
  g_assert_null (strstr (error->message, PASSWORD));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "GrelRedisProvider", word);
}

static gboolean
has_key (guint node, const char *key)
{
  GrelTestRedis *server = grel_test_cluster_get_node (cluster, node);
  g_autofree char *answer = grel_test_redis_ask (server, "EXISTS", key, NULL);

  return g_str_equal (answer, "1");
}

/* The slots are shared out in order. */
static guint
get_home (const char *key)
{
  return grel_test_cluster_get_slot (cluster, key) * N_MASTERS / 16384;
}

static void
all_keys_of_a_name_are_where_the_servers_want_them (void)
{
  GrelApp *app = open_app ("prefix=shop:");
  guint n_names[N_MASTERS] = { 0 };

  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *name = g_strdup_printf ("cart-%u", i);
      g_autofree char *key = g_strdup_printf ("shop:{lock:%s}", name);
      g_autofree char *fence = g_strdup_printf ("shop:fence:{lock:%s}", name);
      g_autoptr (GrelLock) lock = grel_test_lock_new (app, name);
      g_autoptr (GrelLease) lease = grel_test_lock_take (lock);

      g_assert_true (has_key (get_home (key), key));
      g_assert_true (has_key (get_home (key), fence));
      n_names[get_home (key)]++;
    }
  for (guint i = 0; i < N_MASTERS; i++)
    g_assert_cmpuint (n_names[i], >, 0);
  grel_test_redis_close_app (app);
}

/* As Python grelmicro has it. */
static void
a_prefix_with_a_tag_keeps_all_keys_together (void)
{
  GrelApp *app = open_app ("prefix={shop}:");
  guint home = get_home ("{shop}");

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("cart-%u", i);
      g_autofree char *key = g_strdup_printf ("{shop}:lock:%s", name);
      g_autofree char *fence = g_strdup_printf ("{shop}:fence:lock:%s", name);
      g_autoptr (GrelLock) lock = grel_test_lock_new (app, name);
      g_autoptr (GrelLease) lease = grel_test_lock_take (lock);

      g_assert_true (has_key (home, key));
      g_assert_true (has_key (home, fence));
    }
  grel_test_redis_close_app (app);
}

static void
cache_set (GrelTTLCache *cache, const char *key, const char *tag)
{
  g_autoptr (GBytes) value = g_bytes_new_static ("v", 1);
  const char *tags[] = { tag, NULL };
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  grel_ttl_cache_set_async (cache, key, value, 0, tags, NULL, grel_test_result_ready, &result);
  grel_ttl_cache_set_finish (cache, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
}

/* A tag deletes values whatever their keys are. */
static void
a_cache_is_on_one_node (void)
{
  GrelApp *app = open_app ("prefix=shop:");
  g_autoptr (GrelTTLCache) cache = grel_ttl_cache_new (HOUR);
  guint home = get_home ("{shop:cache}");
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  grel_ttl_cache_set_app (cache, app);
  cache_set (cache, "a", "fruit");
  cache_set (cache, "b", "fruit");
  cache_set (cache, "c", "other");
  g_assert_true (has_key (home, "shop:{shop:cache}cache:a"));
  g_assert_true (has_key (home, "shop:{shop:cache}cache:b"));
  g_assert_true (has_key (home, "shop:{shop:cache}cache:tag:fruit"));

  grel_ttl_cache_delete_tags_async (cache, (const char *[]){ "fruit", NULL }, NULL,
                                    grel_test_result_ready, &result);
  grel_ttl_cache_delete_tags_finish (cache, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
  g_assert_false (has_key (home, "shop:{shop:cache}cache:a"));
  g_assert_false (has_key (home, "shop:{shop:cache}cache:b"));
  g_assert_true (has_key (home, "shop:{shop:cache}cache:c"));
  grel_test_redis_close_app (app);
}

typedef struct
{
  GrelTestCluster *cluster;
  const char *channel;
} Subscription;

static gboolean
has_subscribed (gpointer data)
{
  Subscription *self = data;

  grel_test_settle ();
  return grel_test_cluster_find_listener (self->cluster, self->channel) >= 0;
}

/* The prefix of both apps is “wake:”. */
static void
expect_wake_up (GrelTestCluster *at, GrelApp *app, GrelApp *other_app, const char *name)
{
  g_autofree char *channel = g_strdup_printf ("wake:released:lock:%s", name);
  g_autoptr (GrelLock) lock = grel_test_lock_new (app, name);
  g_autoptr (GrelLock) other = grel_test_lock_new (other_app, name);
  g_autoptr (GrelLease) held = grel_test_lock_take (lock);
  g_auto (GrelTestResult) waiter = { NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_set_retry_interval (other, HOUR);
  grel_lock_acquire_async (other, -1, NULL, grel_test_result_ready, &waiter);
  grel_test_wait_for (has_subscribed, &(Subscription){ at, channel });
  grel_test_lease_give_back (held);
  lease = grel_lock_acquire_finish (other, grel_test_result_wait (&waiter), &error);
  g_assert_no_error (error);
}

/* One node listens, whoever releases tells any. */
static void
who_waits_is_told_by_whatever_node (void)
{
  GrelApp *app = open_app ("prefix=wake:");
  GrelApp *other_app = open_app ("prefix=wake:");

  for (guint i = 0; i < 9; i++)
    {
      g_autofree char *name = g_strdup_printf ("cart-%u", i);

      expect_wake_up (cluster, app, other_app, name);
    }
  grel_test_redis_close_app (other_app);
  grel_test_redis_close_app (app);
}

static void
one_host_that_works_is_enough (void)
{
  g_autofree char *address = grel_test_cluster_get_address (cluster, 1);
  guint port = grel_test_redis_find_port ();
  g_autofree char *alone = g_strdup_printf ("redis+cluster://%s", address);
  g_autofree char *last = g_strdup_printf ("redis+cluster://127.0.0.1:%u,%s", port, address);
  g_autofree char *name = g_strdup (address);
  g_autofree char *by_name = NULL;

  expect_service (alone);
  expect_service (last);

  /* By another name than the cluster has for it. */
  by_name = g_strdup_printf ("redis+cluster://localhost:%s", strchr (name, ':') + 1);
  expect_service (by_name);
}

static void
where_nobody_is_it_fails_in_time (void)
{
  guint port = grel_test_redis_find_port ();
  g_autofree char *uri = g_strdup_printf ("redis+cluster://127.0.0.1:%u,localhost:%u", port, port);

  expect_refusal (uri, "refused");
}

static void
a_server_that_is_in_no_cluster_is_refused (void)
{
  g_autofree char *port = g_strdup_printf ("%u", grel_test_redis_find_port ());
  g_autoptr (GrelTestRedis) redis
    = grel_test_redis_new ((const char *[]){ "--bind", "127.0.0.1", "--port", port, NULL });
  g_autofree char *uri = g_strdup_printf ("redis+cluster://127.0.0.1:%s", port);

  expect_refusal (uri, "slots of the cluster");
}

static void
each_node_wants_the_password (void)
{
  g_autofree char *address = grel_test_cluster_get_address (cluster, 0);
  g_autofree char *good = g_strdup_printf ("redis+cluster://shop:" PASSWORD "@%s", address);
  g_autofree char *bad = g_strdup_printf ("redis+cluster://shop:x" PASSWORD "@%s", address);

  for (guint i = 0; i < N_MASTERS; i++)
    g_free (grel_test_redis_ask (grel_test_cluster_get_node (cluster, i), "ACL", "SETUSER", "shop",
                                 "on", ">" PASSWORD, "~*", "&*", "+@all", NULL));
  expect_service (good);
  expect_refusal (bad, "WRONGPASS");
}

static void
any_node_says_whether_it_is_well (void)
{
  g_autofree char *uri = grel_test_cluster_get_uri (cluster, 0, NULL);
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri (uri, NULL);
  g_autoptr (GrelApp) app = grel_app_new ();
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  grel_app_use (app, G_OBJECT (provider), NULL, &error);
  g_assert_no_error (error);
  g_assert_true (grel_test_app_open (app, &error));
  grel_provider_check_async (provider, NULL, grel_test_result_ready, &result);
  g_assert_true (grel_provider_check_finish (provider, grel_test_result_wait (&result), &error));
  g_assert_true (grel_test_app_close (app, &error));
  g_assert_no_error (error);
}

/* Each node shows a certificate that is made out to what the others call it. */
static void
the_nodes_may_speak_tls (void)
{
  g_autoptr (GrelTestRedis) certificates = grel_test_redis_new_with_tls ();
  g_autofree char *ca = grel_test_redis_get_file (certificates, "ca.crt");
  g_autoptr (GrelTestCluster) secure = grel_test_cluster_new_with_tls (2, certificates);
  g_autofree char *query = g_strdup_printf ("prefix=wake:&connect_timeout=6&ca_file=%s", ca);
  g_autofree char *uri = grel_test_cluster_get_uri (secure, 0, query);
  g_autofree char *mistrustful = grel_test_cluster_get_uri (secure, 0, "connect_timeout=6");
  GrelApp *app = grel_test_redis_open_app (uri);
  GrelApp *other_app = grel_test_redis_open_app (uri);
  g_autofree char *moved = NULL;
  g_autofree char *key = NULL;
  guint slot;

  for (guint node = 0; node < 2; node++)
    for (guint i = 0; i < 2; i++)
      {
        g_autofree char *name = grel_test_cluster_find_name (secure, node, i);

        expect_wake_up (secure, app, other_app, name);
      }
  moved = grel_test_cluster_find_name (secure, 1, 2);
  key = g_strdup_printf ("{lock:%s}", moved);
  slot = grel_test_cluster_get_slot (secure, key);
  grel_test_cluster_begin_move (secure, slot, 1, 0);
  grel_test_cluster_end_move (secure, slot, 1, 0);
  expect_wake_up (secure, app, other_app, moved);
  expect_refusal (mistrustful, "certificate");
  grel_test_redis_close_app (other_app);
  grel_test_redis_close_app (app);

  /* LeakSanitizer can't read what idle threads have of their own from the module of TLS. */
  g_thread_pool_set_max_idle_time (1);
  grel_test_pass_time (NULL, G_TIME_SPAN_SECOND);
}

/* The whole prefix, since all is in one slot. */
typedef struct
{
  guint slot;
  guint from;
  guint to;
} Move;

static Move
move_new (const char *prefix)
{
  guint home = grel_test_cluster_find (cluster, prefix);

  return (Move){ grel_test_cluster_get_slot (cluster, prefix), home, (home + 1) % N_MASTERS };
}

static void
move_begin (const Move *move)
{
  grel_test_cluster_begin_move (cluster, move->slot, move->from, move->to);
}

static void
move_keys (const Move *move)
{
  grel_test_cluster_move_keys (cluster, move->slot, move->from, move->to);
}

static void
move_end (const Move *move)
{
  grel_test_cluster_end_move (cluster, move->slot, move->from, move->to);
}

static void
a_slot_that_has_moved_is_asked_for_once (void)
{
  GrelApp *app = open_app ("prefix={herd}:");
  Move move = move_new ("{herd}");
  GrelLock *locks[100];
  GrelTestResult results[100] = { { NULL } };
  gint64 before;

  move_begin (&move);
  move_keys (&move);
  move_end (&move);
  before = grel_test_cluster_count_calls (cluster, "cluster|slots");
  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    {
      g_autofree char *name = g_strdup_printf ("cart-%u", i);

      locks[i] = grel_test_lock_new (app, name);
      grel_lock_acquire_async (locks[i], -1, NULL, grel_test_result_ready, &results[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GrelLease) lease
        = grel_lock_acquire_finish (locks[i], grel_test_result_wait (&results[i]), &error);

      g_assert_no_error (error);
      grel_test_result_clear (&results[i]);
      g_object_unref (locks[i]);
    }
  grel_test_redis_close_app (app);
  g_assert_cmpint (grel_test_cluster_count_calls (cluster, "cluster|slots"), <=, before + 1);
}

/* Two nodes that each take the other for the owner. */
static void
who_is_sent_in_a_circle_is_told (void)
{
  GrelApp *app = open_app ("prefix={circle}:");
  g_autoptr (GrelLock) lock = grel_test_lock_new (app, "cart");
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;
  Move move = move_new ("{circle}");

  grel_test_cluster_set_owner (cluster, move.from, move.slot, move.to);
  grel_test_cluster_set_owner (cluster, move.to, move.slot, move.from);
  g_assert_null (grel_test_lock_acquire (lock, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "circle");
  move_end (&move);
  lease = grel_test_lock_take (lock);
  grel_test_redis_close_app (app);
}

static void
a_lease_goes_along_with_its_slot (void)
{
  GrelApp *app = open_app ("prefix={along}:");
  g_autoptr (GrelLock) lock = grel_test_lock_new (app, "cart");
  g_autoptr (GrelLease) lease = grel_test_lock_take (lock);
  g_autoptr (GrelLease) next = NULL;
  g_autoptr (GError) error = NULL;
  Move move = move_new ("{along}");

  move_begin (&move);
  g_assert_true (grel_test_lease_extend (lease, &error));
  move_keys (&move);
  g_assert_true (grel_test_lock_is_locked (lock, &error));
  g_assert_true (grel_test_lease_extend (lease, &error));
  g_assert_no_error (error);
  move_end (&move);
  g_assert_true (grel_test_lease_extend (lease, &error));
  g_assert_no_error (error);
  grel_test_lease_give_back (lease);

  next = grel_test_lock_take (lock);
  g_assert_cmpint (grel_lease_get_fencing_token (next), >, grel_lease_get_fencing_token (lease));
  grel_test_redis_close_app (app);
}

/* A script that has one key here and one there is to come back later. */
static void
a_lock_that_is_half_moved_is_waited_for (void)
{
  GrelApp *app = open_app ("prefix={half}:");
  g_autoptr (GrelLock) lock = grel_test_lock_new (app, "cart");
  g_autoptr (GrelLease) lease = NULL;
  g_auto (GrelTestResult) waiter = { NULL };
  g_autoptr (GError) error = NULL;
  gint64 fence;
  Move move;

  lease = grel_test_lock_take (lock);
  fence = grel_lease_get_fencing_token (lease);
  grel_test_lease_give_back (lease);
  g_clear_object (&lease);

  move = move_new ("{half}");
  move_begin (&move);
  grel_lock_acquire_async (lock, -1, NULL, grel_test_result_ready, &waiter);
  grel_test_pass_time (NULL, 50 * G_TIME_SPAN_MILLISECOND);
  g_assert_false (waiter.is_done);
  move_keys (&move);
  grel_test_pass_time (NULL, 50 * G_TIME_SPAN_MILLISECOND);
  g_assert_false (waiter.is_done);
  move_end (&move);
  lease = grel_lock_acquire_finish (lock, grel_test_result_wait (&waiter), &error);
  g_assert_no_error (error);
  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, fence + 1);
  grel_test_redis_close_app (app);
}

static gint64
get_fence (void)
{
  static const char key[] = "{moving}:fence:lock:contended";
  GrelTestRedis *node = grel_test_cluster_get_node (cluster, grel_test_cluster_find (cluster, key));

  return grel_test_redis_ask_number (node, "GET", key, NULL);
}

static void
nothing_is_held_twice_while_its_slot_moves (void)
{
  g_autofree char *uri = grel_test_cluster_get_uri (cluster, 0, "prefix={moving}:");
  g_autoptr (GPtrArray) processes = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GArray) holds = g_array_new (FALSE, FALSE, sizeof (GrelTestHold));
  guint n_moves = 0;

  for (guint i = 0; i < N_PROCESSES; i++)
    g_ptr_array_add (processes,
                     grel_test_process_new_contender (uri, N_ROUNDS, LEASE_MS, HOLD_MS, NULL));
  do
    {
      Move move = move_new ("{moving}");

      move_begin (&move);
      move_keys (&move);
      move_end (&move);
      n_moves++;
    }
  while (get_fence () < N_PROCESSES * N_ROUNDS);
  g_assert_cmpuint (n_moves, >, 1);
  for (guint i = 0; i < N_PROCESSES; i++)
    grel_test_process_collect_holds (processes->pdata[i], FALSE, holds);
  g_assert_cmpuint (holds->len, ==, N_PROCESSES * N_ROUNDS);
  grel_test_expect_one_holder_at_a_time (holds);
}

#define RULE(name) g_test_add_func ("/redis/cluster/" #name, name)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  RULE (all_keys_of_a_name_are_where_the_servers_want_them);
  RULE (a_prefix_with_a_tag_keeps_all_keys_together);
  RULE (a_cache_is_on_one_node);
  RULE (who_waits_is_told_by_whatever_node);
  RULE (one_host_that_works_is_enough);
  RULE (where_nobody_is_it_fails_in_time);
  RULE (a_server_that_is_in_no_cluster_is_refused);
  RULE (each_node_wants_the_password);
  RULE (any_node_says_whether_it_is_well);
  RULE (the_nodes_may_speak_tls);
  RULE (a_slot_that_has_moved_is_asked_for_once);
  RULE (who_is_sent_in_a_circle_is_told);
  RULE (a_lease_goes_along_with_its_slot);
  RULE (a_lock_that_is_half_moved_is_waited_for);
  RULE (nothing_is_held_twice_while_its_slot_moves);

  cluster = grel_test_cluster_new (N_MASTERS, FALSE, NULL);
  status = g_test_run ();
  grel_test_cluster_free (cluster);
  return status;
}
