/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-asker.h"
#include "grel-test-proxy.h"
#include "grel-test-redis.h"

#include <string.h>

/* How the server is found, whatever the sentinels say. */

#define SLACK (5 * G_TIME_SPAN_SECOND) /* for a machine that is busy */

/* One sentinel, which watches and does nothing, and two servers, one of them a replica. */
typedef struct
{
  GrelTestRedis *master;
  GrelTestRedis *replica;
  GrelTestRedis *sentinel;
} Fixture;

static char *
get_port (GrelTestRedis *redis)
{
  return g_strdup_printf ("%u", grel_test_redis_get_port (redis));
}

static void
set_up (Fixture *self, gconstpointer secrets)
{
  g_autofree char *port = NULL;
  g_autofree char *config = NULL;

  self->master = grel_test_redis_new_on_port (NULL);
  port = get_port (self->master);
  self->replica
    = grel_test_redis_new_on_port ((const char *[]){ "--replicaof", "127.0.0.1", port, NULL });
  config = g_strdup_printf ("sentinel monitor shop 127.0.0.1 %s 1\n"
                            "sentinel down-after-milliseconds shop 3600000\n%s",
                            port, secrets != NULL ? (const char *) secrets : "");
  self->sentinel = grel_test_redis_new_sentinel (config);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  grel_test_redis_free (self->sentinel);
  grel_test_redis_free (self->replica);
  grel_test_redis_free (self->master);
}

/* before: other sentinels, each with a comma. */
static char *
get_uri (Fixture *self, const char *before, const char *service, const char *query)
{
  return g_strdup_printf ("redis+sentinel://%s127.0.0.1:%u/%s?connect_timeout=6%s", before,
                          grel_test_redis_get_port (self->sentinel), service, query);
}

/* Where it is, as one of several. */
static char *
get_place (GrelTestProxy *proxy)
{
  g_autofree char *uri = grel_test_proxy_get_uri (proxy, NULL);

  return g_strconcat (uri + strlen ("redis://"), ",", NULL);
}

static GrelApp *
open_app (Fixture *self, const char *before, const char *query)
{
  g_autofree char *uri = get_uri (self, before, "shop", query);

  return grel_test_redis_open_app (uri);
}

/* Asks who is asked for locks. */
static void
expect_service (GrelApp *app, GrelTestRedis *server)
{
  g_autoptr (GrelLock) lock = grel_test_lock_new (app, "cart");
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = grel_test_lock_acquire (lock, -1, &error);

  g_assert_no_error (error);
  g_assert_nonnull (lease);
  g_assert_cmpint (grel_test_redis_ask_number (server, "EXISTS", "lock:cart", NULL), ==, 1);
  g_assert_cmpint (grel_test_redis_count_calls (server, "evalsha"), >, 0);
  g_assert_true (grel_test_lease_release (lease, &error));
  g_assert_no_error (error);
}

static void
expect_service_with (Fixture *self, const char *before, const char *query)
{
  GrelApp *app = open_app (self, before, query);

  expect_service (app, self->master);
  grel_test_redis_close_app (app);
}

#define expect_refusal(self, service, query, ...)                                                  \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *refused = get_uri (self, "", service, query);                                 \
    g_autoptr (GrelApp) stranger = grel_app_new_for_uri (refused, NULL);                           \
    g_autoptr (GError) expected = NULL;                                                            \
                                                                                                   \
    g_assert_false (grel_test_app_open (stranger, &expected));                                     \
    g_assert_null (strstr (expected->message, "SECRET"));                                          \
    grel_test_assert_error (expected, GREL_ERROR_BACKEND, __VA_ARGS__);                            \
  }                                                                                                \
  G_STMT_END

static void
a_sentinel_says_where_the_server_is (Fixture *self, gconstpointer data)
{
  expect_service_with (self, "", "&db=0&client_name=shop-1");
  g_assert_cmpint (grel_test_redis_count_calls (self->replica, "evalsha"), ==, 0);
}

static void
a_service_that_nobody_knows_is_an_error (Fixture *self, gconstpointer data)
{
  expect_refusal (self, "shopp", "", "a sentinel", "doesn't know this service");
}

/* Connections that are refused, and one that is accepted and then nothing is said. */
static void
sentinels_that_are_down_are_passed_over (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelTestProxy) proxy
    = grel_test_proxy_new (grel_test_redis_get_socket (self->sentinel));
  g_autofree char *place = get_place (proxy);
  g_autofree char *before = g_strconcat ("127.0.0.1:1,", place, NULL);
  gint64 started = g_get_monotonic_time ();

  grel_test_proxy_set_hangs (proxy, TRUE);
  expect_service_with (self, before, "");
  g_assert_cmpint (g_get_monotonic_time () - started, <, 6 * G_TIME_SPAN_SECOND + SLACK);
}

static void
if_all_sentinels_are_down_that_is_said_in_time (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelApp) app
    = grel_app_new_for_uri ("redis+sentinel://127.0.0.1:1,127.0.0.1:2/shop", NULL);
  gint64 started = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_app_open (app, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "a sentinel: ");
  g_assert_cmpint (g_get_monotonic_time () - started, <, 2 * G_TIME_SPAN_SECOND + SLACK);
}

/* The first who answers doesn't know better. */
static void
a_replica_is_never_taken_for_the_master (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelTestProxy) proxy = grel_test_proxy_new (NULL);
  g_autofree char *before = get_place (proxy);
  g_autofree char *port = get_port (self->replica);
  g_autofree char *answer = g_strdup_printf ("+PONG\r\n*2\r\n$9\r\n127.0.0.1\r\n$%u\r\n%s\r\n",
                                             (guint) strlen (port), port);

  grel_test_proxy_set_answer (proxy, answer, strlen (answer));
  expect_service_with (self, before, "");
  g_assert_cmpint (grel_test_redis_count_calls (self->replica, "role"), ==, 1);
  g_assert_cmpint (grel_test_redis_count_calls (self->replica, "evalsha"), ==, 0);
}

static void
a_sentinel_that_is_none_is_passed_over (Fixture *self, gconstpointer data)
{
  static const char *const answers[] = {
    "+PONG\r\n*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n",
    "+PONG\r\n*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n",
    "+PONG\r\n*2\r\n$0\r\n\r\n$1\r\n1\r\n",
    "+PONG\r\n*2\r\n$-1\r\n$1\r\n1\r\n",
    "+PONG\r\n*1\r\n$9\r\n127.0.0.1\r\n",
    "+PONG\r\n*0\r\n",
    "+PONG\r\n+OK\r\n",
    "+PONG\r\n-ERR unknown command\r\n",
    "HTTP/1.1 400 Bad Request\r\n\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (GrelTestProxy) proxy = grel_test_proxy_new (NULL);
      g_autofree char *before = get_place (proxy);

      grel_test_proxy_set_answer (proxy, answers[i], strlen (answers[i]));
      expect_service_with (self, before, "");
      g_assert_cmpuint (grel_test_proxy_get_n_connections (proxy), ==, 1);
    }
}

static void
sentinels_have_a_password_of_their_own (Fixture *self, gconstpointer data)
{
  expect_service_with (self, "", "&sentinel_password=SECRET1");
  expect_refusal (self, "shop", "", "a sentinel", "logging in", "NOAUTH");
  expect_refusal (self, "shop", "&sentinel_password=SECRET2", "a sentinel", "WRONGPASS");
}

static void
sentinels_may_know_users (Fixture *self, gconstpointer data)
{
  expect_service_with (self, "", "&sentinel_user=guard&sentinel_password=SECRET1");
  expect_refusal (self, "shop", "&sentinel_user=guest&sentinel_password=SECRET1", "WRONGPASS");
}

/* The sentinel is told by hand what it would find out by itself. */
static void
move_the_master (Fixture *self)
{
  g_autofree char *port = get_port (self->replica);
  g_autofree char *promoted = grel_test_redis_ask (self->replica, "REPLICAOF", "NO", "ONE", NULL);
  g_autofree char *demoted
    = grel_test_redis_ask (self->master, "REPLICAOF", "127.0.0.1", port, NULL);
  g_autofree char *removed
    = grel_test_redis_ask (self->sentinel, "SENTINEL", "REMOVE", "shop", NULL);
  g_autofree char *monitored = grel_test_redis_ask (self->sentinel, "SENTINEL", "MONITOR", "shop",
                                                    "127.0.0.1", port, "1", NULL);

  g_assert_cmpstr (promoted, ==, "OK");
  g_assert_cmpstr (demoted, ==, "OK");
  g_assert_cmpstr (removed, ==, "OK");
  g_assert_cmpstr (monitored, ==, "OK");
}

/* Nobody has cut the connection: the server refuses, and has done nothing. */
static void
what_a_demoted_master_refuses_is_sent_to_the_new_one (Fixture *self, gconstpointer data)
{
  GrelApp *app = open_app (self, "", "&timeout=9");
  GrelLock *locks[] = { grel_test_lock_new (app, "a"), grel_test_lock_new (app, "b"),
                        grel_test_lock_new (app, "c") };
  GrelTestResult results[G_N_ELEMENTS (locks)] = { { NULL } };

  expect_service (app, self->master);
  move_the_master (self);
  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    grel_lock_acquire_async (locks[i], -1, NULL, grel_test_result_ready, &results[i]);
  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GrelLease) lease
        = grel_lock_acquire_finish (locks[i], grel_test_result_wait (&results[i]), &error);

      g_assert_no_error (error);
      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 1);
      grel_test_result_clear (&results[i]);
      g_object_unref (locks[i]);
    }
  expect_service (app, self->replica);
  grel_test_redis_close_app (app);
}

static void
a_master_that_was_demoted_is_not_connected_to_again (Fixture *self, gconstpointer data)
{
  GrelApp *app = open_app (self, "", "&timeout=9");
  g_autofree char *killed = NULL;

  expect_service (app, self->master);
  move_the_master (self);
  killed = grel_test_redis_ask (self->master, "CLIENT", "KILL", "TYPE", "normal", NULL);
  grel_test_settle ();
  expect_service (app, self->replica);
  grel_test_redis_close_app (app);
}

static void
the_secrets_are_not_in_the_uri_that_is_shown (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelProvider) provider
    = grel_provider_new_for_uri ("redis+sentinel://a:SECRET@h1,h2:1/shop?sentinel_password=SECRET",
                                 &error);
  g_autofree char *uri = NULL;

  g_assert_no_error (error);
  uri = grel_provider_dup_uri (provider);
  g_assert_cmpstr (uri, ==, "redis+sentinel://***@h1,h2:1/shop?***");
}

/* Their names have to be what the certificate says. */
static void
sentinels_and_servers_may_speak_tls (void)
{
  g_autoptr (GrelTestRedis) server = grel_test_redis_new_with_tls ();
  g_autofree char *certificate = grel_test_redis_get_file (server, "ca.crt");
  g_autofree char *key = grel_test_redis_get_file (server, "ca.key");
  guint port = grel_test_redis_find_port ();
  g_autofree char *config
    = g_strdup_printf ("tls-port %u\ntls-cert-file %s\ntls-key-file %s\ntls-ca-cert-file %s\n"
                       "tls-auth-clients no\ntls-replication yes\n"
                       "sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\n"
                       "sentinel monitor shop localhost %u 1\n",
                       port, certificate, key, certificate, grel_test_redis_get_port (server));
  g_autoptr (GrelTestRedis) sentinel = grel_test_redis_new_sentinel (config);
  g_autofree char *uri
    = g_strdup_printf ("rediss+sentinel://localhost:%u/shop?connect_timeout=6&ca_file=%s", port,
                       certificate);
  g_autofree char *mistrustful
    = g_strdup_printf ("rediss+sentinel://localhost:%u/shop?connect_timeout=6", port);
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelApp) stranger = grel_app_new_for_uri (mistrustful, NULL);
  g_autoptr (GError) error = NULL;

  expect_service (app, server);
  g_assert_false (grel_test_app_open (stranger, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "a sentinel", "certificate");
  grel_test_redis_close_app (app);
}

#define RULE(name, secrets)                                                                        \
  g_test_add ("/redis/sentinel/" #name, Fixture, secrets, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (a_sentinel_says_where_the_server_is, NULL);
  RULE (a_service_that_nobody_knows_is_an_error, NULL);
  RULE (sentinels_that_are_down_are_passed_over, NULL);
  RULE (if_all_sentinels_are_down_that_is_said_in_time, NULL);
  RULE (a_replica_is_never_taken_for_the_master, NULL);
  RULE (a_sentinel_that_is_none_is_passed_over, NULL);
  RULE (sentinels_have_a_password_of_their_own, "requirepass SECRET1\n");
  RULE (sentinels_may_know_users, "user guard on >SECRET1 allchannels +@all\n");
  RULE (what_a_demoted_master_refuses_is_sent_to_the_new_one, NULL);
  RULE (a_master_that_was_demoted_is_not_connected_to_again, NULL);
  g_test_add_func ("/redis/sentinel/sentinels_and_servers_may_speak_tls",
                   sentinels_and_servers_may_speak_tls);
  RULE (the_secrets_are_not_in_the_uri_that_is_shown, NULL);
  return g_test_run ();
}
