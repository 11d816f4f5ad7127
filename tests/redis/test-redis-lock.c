/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-asker.h"
#include "grel-test-proxy.h"
#include "grel-test-redis.h"

#include <string.h>

/* What is peculiar to locks in Redis. */

#define HOUR (3600 * G_TIME_SPAN_SECOND)
#define MANY_NAMES 10000
#define MANY_WAITERS 1000

static GrelTestRedis *redis;

/* Each rule has the server for itself, emptied, and two apps as two processes would have. */
typedef struct
{
  GrelApp *app;
  GrelApp *other_app;
  GrelLock *lock; /* “cart” */
  GrelLock *other;
} Fixture;

static GrelLock *
lock_new (GrelApp *app, const char *name)
{
  GrelLock *lock = grel_test_lock_new (app, name);

  grel_lock_set_retry_interval (lock, HOUR); /* so that only what tells can wake */
  return lock;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autofree char *uri = grel_test_redis_get_uri (redis, data);
  g_autofree char *flushed = grel_test_redis_ask (redis, "FLUSHALL", NULL);
  g_autofree char *reset = grel_test_redis_ask (redis, "CONFIG", "RESETSTAT", NULL);

  self->app = grel_test_redis_open_app (uri);
  self->other_app = grel_test_redis_open_app (uri);
  self->lock = lock_new (self->app, "cart");
  self->other = lock_new (self->other_app, "cart");
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_object_unref (self->lock);
  g_object_unref (self->other);
  grel_test_redis_close_app (self->app);
  grel_test_redis_close_app (self->other_app);
}

static GrelLease *
acquire (GrelLock *lock, GTimeSpan timeout)
{
  g_autoptr (GError) error = NULL;
  GrelLease *lease = grel_test_lock_acquire (lock, timeout, &error);

  g_assert_no_error (error);
  return lease;
}

static void
the_keys_are_what_its_peers_know (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (self->lock, 0);
  g_autofree char *value = grel_test_redis_ask (redis, "GET", "shop:lock:cart", NULL);
  g_autofree char *fence = grel_test_redis_ask (redis, "GET", "shop:fence:lock:cart", NULL);
  g_autofree char *keys = NULL;
  gint64 left = grel_test_redis_ask_number (redis, "PTTL", "shop:lock:cart", NULL);

  g_assert_true (g_str_has_prefix (value, "1:"));
  g_assert_cmpuint (strlen (value), >, strlen ("1:") + 16);
  g_assert_cmpstr (fence, ==, "1");
  g_assert_cmpint (left, <=, 60 * 1000);
  g_assert_cmpint (left, >, 0);
  g_assert_cmpint (grel_test_redis_ask_number (redis, "PTTL", "shop:fence:lock:cart", NULL), ==,
                   -1);

  grel_test_lease_give_back (lease);
  keys = grel_test_redis_ask (redis, "KEYS", "*", NULL);
  g_assert_cmpstr (keys, ==, "shop:fence:lock:cart");
}

static void
a_peer_that_holds_and_never_tells_is_waited_for (Fixture *self, gconstpointer data)
{
  g_autofree char *fence = grel_test_redis_ask (redis, "SET", "shop:fence:lock:cart", "7", NULL);
  g_autofree char *held
    = grel_test_redis_ask (redis, "SET", "shop:lock:cart", "7:worker:1:a", "PX", "300", NULL);
  g_autoptr (GrelLease) lease = acquire (self->lock, -1);

  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 8);
}

static void
a_record_that_is_none_is_respected (Fixture *self, gconstpointer data)
{
  static const char *const values[] = { "nonsense", "", ":", "1:", "x:y" };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *set = grel_test_redis_ask (redis, "SET", "shop:lock:cart", values[i], NULL);
      g_autoptr (GError) error = NULL;

      g_assert_null (grel_test_lock_acquire (self->lock, 0, &error));
      g_assert_error (error, GREL_ERROR, GREL_ERROR_WOULD_BLOCK);
      g_assert_true (grel_test_lock_is_locked (self->lock, NULL));
    }
}

static void
a_key_of_another_kind_is_an_error (Fixture *self, gconstpointer data)
{
  g_autofree char *set = grel_test_redis_ask (redis, "LPUSH", "shop:lock:cart", "x", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_lock_acquire (self->lock, 0, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "refused");
}

static void
the_shortest_lease_is_a_millisecond (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelBackend) backend
    = grel_app_get_backend (self->app, GREL_TYPE_LOCK_BACKEND, NULL, NULL);
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = g_task_new (backend, NULL, grel_test_result_ready, &answer);
  g_autoptr (GError) error = NULL;

  grel_lock_backend_acquire (GREL_LOCK_BACKEND (backend), "lock:cart", "token", 1, task);
  g_assert_cmpint (g_task_propagate_int (G_TASK (grel_test_result_wait (&answer)), &error), ==, 1);
  g_assert_no_error (error);
}

static void
each_operation_is_one_question (Fixture *self, gconstpointer data)
{
  for (int i = 0; i < 10; i++)
    {
      g_autoptr (GrelLease) lease = acquire (self->lock, 0);

      g_assert_true (grel_test_lease_extend (lease, NULL));
      g_assert_true (grel_test_lock_is_locked (self->lock, NULL));
      grel_test_lease_give_back (lease);
    }
  g_assert_cmpint (grel_test_redis_count_calls (redis, "evalsha"), ==, 30);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "exists"), ==, 10);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "eval"), <=, 3);
}

static void
a_server_that_forgot_the_scripts_is_told (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (self->lock, 0);
  g_autofree char *flushed = grel_test_redis_ask (redis, "SCRIPT", "FLUSH", NULL);
  gint64 n_loads = grel_test_redis_count_calls (redis, "eval");

  g_assert_true (grel_test_lease_extend (lease, NULL));
  g_assert_true (grel_test_lease_extend (lease, NULL));
  grel_test_lease_give_back (lease);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "eval"), ==, n_loads + 2);
}

static void
what_is_asked_in_one_turn_leaves_in_one_packet (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelTestProxy) proxy = grel_test_proxy_new (grel_test_redis_get_socket (redis));
  g_autofree char *uri = grel_test_proxy_get_uri (proxy, NULL);
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelLock) lock = lock_new (app, "cart");
  GrelTestResult results[100] = { { NULL } };
  guint before = grel_test_proxy_get_n_packets (proxy);

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    grel_lock_is_locked_async (lock, NULL, grel_test_result_ready, &results[i]);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (GError) error = NULL;

      grel_lock_is_locked_finish (lock, grel_test_result_wait (&results[i]), &error);
      g_assert_no_error (error);
      grel_test_result_clear (&results[i]);
    }
  g_assert_cmpuint (grel_test_proxy_get_n_packets (proxy), ==, before + 1);
  grel_test_redis_close_app (app);
}

static gint64
count_connections (void)
{
  g_autofree char *list = grel_test_redis_ask (redis, "CLIENT", "LIST", NULL);
  gint64 n = 0;

  for (const char *c = list; (c = strstr (c, "laddr=")) != NULL; c++)
    n++;
  return n - 1; /* that of who asks */
}

static gint64
count_channels (void)
{
  g_autofree char *stats = grel_test_redis_ask (redis, "INFO", "stats", NULL);

  return g_ascii_strtoll (strstr (stats, "pubsub_channels:") + strlen ("pubsub_channels:"), NULL,
                          10);
}

static gboolean
has_no_channels (gpointer unused)
{
  grel_test_settle ();
  return count_channels () == 0;
}

static gboolean
has_a_channel (gpointer unused)
{
  grel_test_settle ();
  return count_channels () == 1;
}

static gboolean
has_subscribed_so_often (gpointer n)
{
  grel_test_settle ();
  return grel_test_redis_count_calls (redis, "subscribe") == GPOINTER_TO_INT (n);
}

static gboolean
has_asked_so_often (gpointer n)
{
  grel_test_settle ();
  return grel_test_redis_count_calls (redis, "evalsha") == GPOINTER_TO_INT (n);
}

static void
a_release_elsewhere_wakes_who_waits (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) held = acquire (self->lock, 0);
  g_auto (GrelTestResult) waiter = { NULL };
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_acquire_async (self->other, -1, NULL, grel_test_result_ready, &waiter);
  grel_test_wait_for (has_asked_so_often, GINT_TO_POINTER (3)); /* again, once subscribed */
  grel_test_lease_give_back (held);

  lease = grel_lock_acquire_finish (self->other, grel_test_result_wait (&waiter), NULL);
  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 2);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "evalsha"), ==, 5);
  grel_test_wait_for (has_no_channels, NULL);
}

static void
who_need_not_wait_subscribes_to_nothing (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (self->lock, -1);

  g_assert_cmpint (count_connections (), ==, 2);
  grel_test_lease_give_back (lease);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "subscribe"), ==, 0);
}

static void
many_who_wait_share_one_subscription (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) held = acquire (self->other, 0);
  GrelTestResult *waiters = g_new0 (GrelTestResult, MANY_WAITERS);

  for (guint i = 0; i < MANY_WAITERS; i++)
    grel_lock_acquire_async (self->lock, -1, NULL, grel_test_result_ready, &waiters[i]);
  grel_test_wait_for (has_a_channel, NULL);
  g_assert_cmpint (count_connections (), ==, 3);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "subscribe"), ==, 1);
  grel_test_lease_give_back (held);

  for (guint i = 0; i < MANY_WAITERS; i++)
    {
      g_autoptr (GrelLease) lease
        = grel_lock_acquire_finish (self->lock, grel_test_result_wait (&waiters[i]), NULL);

      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, i + 2);
      grel_test_lease_give_back (lease);
      grel_test_result_clear (&waiters[i]);
    }
  g_free (waiters);
  grel_test_wait_for (has_no_channels, NULL);
  g_assert_cmpint (count_connections (), ==, 3);
}

static void
many_names_share_one_connection (Fixture *self, gconstpointer data)
{
  GrelTestResult *results = g_new0 (GrelTestResult, MANY_NAMES);
  g_autoptr (GPtrArray) locks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < MANY_NAMES; i++)
    {
      g_autofree char *name = g_strdup_printf ("name-%u", i);

      g_ptr_array_add (locks, lock_new (self->app, name));
      grel_lock_acquire_async (locks->pdata[i], -1, NULL, grel_test_result_ready, &results[i]);
    }
  for (guint i = 0; i < MANY_NAMES; i++)
    {
      g_autoptr (GrelLease) lease
        = grel_lock_acquire_finish (locks->pdata[i], grel_test_result_wait (&results[i]), NULL);

      g_assert_nonnull (lease);
      grel_test_result_clear (&results[i]);
    }
  g_free (results);
  g_assert_cmpint (count_connections (), ==, 2);
}

static void
closing_ends_all_connections (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelLease) held = acquire (self->other, 0);
  g_auto (GrelTestResult) waiter = { NULL };
  g_autoptr (GError) error = NULL;

  grel_lock_acquire_async (self->lock, -1, NULL, grel_test_result_ready, &waiter);
  grel_test_wait_for (has_a_channel, NULL);
  grel_test_app_close (self->app, &error);
  g_assert_no_error (error);
  g_assert_null (grel_lock_acquire_finish (self->lock, grel_test_result_wait (&waiter), &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "cart");
  grel_test_wait_for (has_no_channels, NULL);
  g_assert_cmpint (count_connections (), ==, 1);

  g_assert_true (grel_test_app_open (self->app, &error));
  g_assert_no_error (error);
}

static void
two_backends_of_one_store_wait_apart (Fixture *self, gconstpointer data)
{
  g_autofree char *uri = grel_test_redis_get_uri (redis, data);
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri (uri, NULL);
  g_autoptr (GrelLease) held = acquire (self->other, 0);
  GrelTestResult waiters[2] = { { NULL } };
  GrelBackend *backends[2];

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GrelLock) lock = lock_new (NULL, "cart");

      backends[i] = grel_provider_create_backend (provider, GREL_TYPE_LOCK_BACKEND, NULL);
      g_assert_true (grel_test_backend_open (backends[i], NULL));
      grel_lock_set_backend (lock, GREL_LOCK_BACKEND (backends[i]));
      grel_lock_acquire_async (lock, -1, NULL, grel_test_result_ready, &waiters[i]);
      grel_test_wait_for (has_subscribed_so_often, GINT_TO_POINTER (i + 1));
    }
  g_assert_cmpint (count_connections (), ==, 4);

  g_assert_true (grel_test_backend_close (backends[0], NULL));
  grel_test_result_wait (&waiters[0]);
  g_assert_cmpint (count_channels (), ==, 1);
  grel_test_lease_give_back (held);
  grel_test_result_wait (&waiters[1]);
  g_assert_true (grel_test_backend_close (backends[1], NULL));
  for (guint i = 0; i < 2; i++)
    {
      grel_test_result_clear (&waiters[i]);
      g_object_unref (backends[i]);
    }
}

static void
who_may_not_publish_may_release (Fixture *self, gconstpointer data)
{
  g_autofree char *user = grel_test_redis_ask (redis, "ACL", "SETUSER", "mute", "on", ">SECRET",
                                               "~*", "+@all", "resetchannels", NULL);
  g_autofree char *uri = g_strdup_printf ("redis+unix://mute:SECRET@%s?%s",
                                          grel_test_redis_get_socket (redis), (const char *) data);
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelLock) lock = lock_new (app, "cart");
  g_autoptr (GrelLease) lease = acquire (lock, 0);
  g_auto (GrelTestResult) waiter = { NULL };

  grel_lock_set_retry_interval (self->lock, G_TIME_SPAN_MILLISECOND);
  grel_lock_acquire_async (self->lock, -1, NULL, grel_test_result_ready, &waiter);
  grel_test_lease_give_back (lease);
  g_object_unref (grel_lock_acquire_finish (self->lock, grel_test_result_wait (&waiter), NULL));
  grel_test_redis_close_app (app);
}

static void
a_count_that_is_used_up_grants_nothing (Fixture *self, gconstpointer data)
{
  g_autofree char *set
    = grel_test_redis_ask (redis, "SET", "shop:fence:lock:cart", "9007199254740990", NULL);
  g_autoptr (GrelLease) last = acquire (self->lock, 0);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (grel_lease_get_fencing_token (last), ==, 9007199254740991);
  grel_test_lease_give_back (last);
  g_assert_null (grel_test_lock_acquire (self->lock, 0, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "impossible");
}

#define RULE(name)                                                                                 \
  g_test_add ("/redis/lock/" #name, Fixture, "prefix=shop:", set_up, name, tear_down)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  RULE (the_keys_are_what_its_peers_know);
  RULE (a_peer_that_holds_and_never_tells_is_waited_for);
  RULE (a_record_that_is_none_is_respected);
  RULE (a_key_of_another_kind_is_an_error);
  RULE (the_shortest_lease_is_a_millisecond);
  RULE (each_operation_is_one_question);
  RULE (a_server_that_forgot_the_scripts_is_told);
  RULE (what_is_asked_in_one_turn_leaves_in_one_packet);
  RULE (a_release_elsewhere_wakes_who_waits);
  RULE (who_need_not_wait_subscribes_to_nothing);
  RULE (many_who_wait_share_one_subscription);
  RULE (many_names_share_one_connection);
  RULE (closing_ends_all_connections);
  RULE (two_backends_of_one_store_wait_apart);
  RULE (who_may_not_publish_may_release);
  RULE (a_count_that_is_used_up_grants_nothing);

  redis = grel_test_redis_new (NULL);
  status = g_test_run ();
  grel_test_redis_free (redis);
  return status;
}
