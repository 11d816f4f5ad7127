/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-asker.h"
#include "grel-test-proxy.h"
#include "grel-test-redis.h"

#include <string.h>

/* A server that answers, but won't do what it is asked: calls end in time and say why, what is held
 * is given back as soon as that can be, and afterwards everything works again by itself. */

#define HOUR (3600 * G_TIME_SPAN_SECOND)
#define TIMEOUT (500 * G_TIME_SPAN_MILLISECOND)
#define SLACK (3 * G_TIME_SPAN_SECOND) /* for a machine that is busy */
#define QUERY "timeout=0.5&connect_timeout=0.5"
#define LOGIN "on >SECRET ~* &* +@all"

/* What is told to the server, and the code of what it answers meanwhile. */
typedef struct
{
  const char *name;
  const char *breaks;
  const char *mends;
  const char *code;
  gboolean is_busy; /* with a script that doesn't end */
} Fault;

static const Fault faults[] = {
  { "is_full", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "OOM" },
  { "was_demoted", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "READONLY" },
  { "lost_its_master", "CONFIG SET replica-serve-stale-data no; REPLICAOF 127.0.0.1 1",
    "REPLICAOF NO ONE", "MASTERDOWN" },
  { "lost_its_replicas", "CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0",
    "NOREPLICAS" },
  { "is_busy", "CONFIG SET lua-time-limit 1", "SCRIPT KILL", "BUSY", TRUE },
  { "forbids_scripts", "ACL SETUSER shop -evalsha -eval", "ACL SETUSER shop +evalsha +eval",
    "NOPERM" },
  { "forbids_keys", "ACL SETUSER shop resetkeys", "ACL SETUSER shop ~*", "NOPERM" },
  { "forgot_its_user", "ACL DELUSER shop", "ACL SETUSER shop " LOGIN, "WRONGPASS" },
  { "has_another_password", "ACL SETUSER shop resetpass >OTHER; CLIENT KILL TYPE normal",
    "ACL SETUSER shop >SECRET", "WRONGPASS" },
};

typedef struct
{
  GrelTestRedis *redis;
  GSubprocess *script; /* nullable: somebody who runs it */
  GrelApp *app;
  GrelLock *lock; /* “cart” */
  GrelLock *held; /* “held” */
  GrelCircuitBreaker *breaker;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autofree char *uri = NULL;

  self->redis = grel_test_redis_new (NULL);
  grel_test_redis_tell (self->redis, "ACL SETUSER shop " LOGIN);
  uri = g_strdup_printf ("redis+unix://shop:SECRET@%s?" QUERY,
                         grel_test_redis_get_socket (self->redis));
  self->app = grel_test_redis_open_app (uri);
  self->lock = grel_test_lock_new (self->app, "cart");
  self->held = grel_test_lock_new (self->app, "held");
  grel_lock_set_lease_duration (self->held, HOUR);
  self->breaker
    = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment", "app", self->app, NULL);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_object_unref (self->breaker);
  g_object_unref (self->held);
  g_object_unref (self->lock);
  grel_test_redis_close_app (self->app);
  grel_test_redis_free (self->redis);
  g_clear_object (&self->script);
}

static gboolean
is_busy (gpointer redis)
{
  g_autofree char *answer = grel_test_redis_ask (redis, "PING", NULL);

  return g_str_has_prefix (answer, "BUSY");
}

static void
start (Fixture *self, const Fault *fault)
{
  const char *socket = grel_test_redis_get_socket (self->redis);
  g_autoptr (GError) error = NULL;

  grel_test_redis_tell (self->redis, fault->breaks);
  grel_test_settle ();
  if (!fault->is_busy)
    return;

  self->script = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, "redis-cli", "-s",
                                   socket, "EVAL", "while true do end", "0", NULL);
  g_assert_no_error (error);
  grel_test_wait_for (is_busy, self->redis);
}

static void
expect_refusal_in_time (Fixture *self, const Fault *fault)
{
  gint64 started = g_get_monotonic_time ();
  g_autoptr (GrelPermit) permit = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_lock_acquire (self->lock, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", fault->code);
  permit = grel_test_circuit_breaker_acquire (self->breaker, &error);
  if (permit == NULL)
    grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment", fault->code);
  g_assert_cmpint (g_get_monotonic_time () - started, <, 2 * TIMEOUT + SLACK);
}

static void
expect_service_soon (Fixture *self)
{
  g_autoptr (GrelLease) lease = grel_test_lock_take_soon (self->lock);
  g_autoptr (GrelPermit) permit = NULL;
  g_autoptr (GError) error = NULL;

  grel_test_lease_give_back (lease);
  permit = grel_test_circuit_breaker_acquire (self->breaker, &error);
  g_assert_no_error (error);
  g_assert_true (grel_test_permit_succeed (permit, &error));
}

static gboolean
is_given_back (gpointer redis)
{
  grel_test_settle ();
  return grel_test_redis_ask_number (redis, "EXISTS", "lock:held", NULL) == 0;
}

static void
it_refuses_for_a_while (Fixture *self, gconstpointer data)
{
  const Fault *fault = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = grel_test_lock_take (self->held);

  start (self, fault);
  expect_refusal_in_time (self, fault);
  if (!grel_test_lease_release (lease, &error))
    grel_test_assert_error (error, GREL_ERROR_BACKEND, "held", fault->code);
  expect_refusal_in_time (self, fault);

  grel_test_redis_tell (self->redis, fault->mends);
  expect_service_soon (self);
  grel_test_wait_for (is_given_back, self->redis);
}

/* The address may lead to another server by now. */
static void
who_was_demoted_is_looked_for_anew (void)
{
  g_autoptr (GrelTestRedis) redis = grel_test_redis_new (NULL);
  g_autoptr (GrelTestProxy) proxy = grel_test_proxy_new (grel_test_redis_get_socket (redis));
  g_autofree char *uri = grel_test_proxy_get_uri (proxy, NULL);
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelLock) lock = grel_test_lock_new (app, "cart");
  g_autoptr (GError) error = NULL;

  grel_test_redis_tell (redis, "REPLICAOF 127.0.0.1 1");
  g_assert_null (grel_test_lock_acquire (lock, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "READONLY");
  g_assert_cmpuint (grel_test_proxy_get_n_connections (proxy), >, 1);
  grel_test_redis_close_app (app);
}

/* It reads ten thousand values, and takes its time. */
static void
a_server_that_reads_its_data_is_waited_for (void)
{
  g_autoptr (GrelTestRedis) redis
    = grel_test_redis_new ((const char *[]){ "--key-load-delay", "200", NULL });
  g_autofree char *uri = grel_test_redis_get_uri (redis, "timeout=9");
  GrelApp *app = grel_test_redis_open_app (uri);
  g_autoptr (GrelLock) lock = grel_test_lock_new (app, "cart");
  g_autoptr (GrelLease) held = NULL;
  g_autofree char *errors = NULL;
  g_autoptr (GError) error = NULL;

  grel_lock_set_lease_duration (lock, HOUR);
  g_free (grel_test_redis_ask (redis, "EVAL", "for i = 1, 10000 do redis.call('SET', i, i) end",
                               "0", NULL));
  held = grel_test_lock_acquire (lock, -1, &error);
  g_assert_no_error (error);

  grel_test_redis_kill (redis);
  grel_test_settle ();
  grel_test_redis_launch (redis);
  g_assert_true (grel_test_lease_extend (held, &error));
  g_assert_no_error (error);
  errors = grel_test_redis_ask (redis, "INFO", "errorstats", NULL);
  g_assert_nonnull (strstr (errors, "errorstat_LOADING"));
  grel_test_redis_close_app (app);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autofree char *path = g_strconcat ("/redis/refusals/a_server_that_", faults[i].name, NULL);

      g_test_add (path, Fixture, &faults[i], set_up, it_refuses_for_a_while, tear_down);
    }
  g_test_add_func ("/redis/refusals/a_server_that_reads_its_data_is_waited_for",
                   a_server_that_reads_its_data_is_waited_for);
  g_test_add_func ("/redis/refusals/who_was_demoted_is_looked_for_anew",
                   who_was_demoted_is_looked_for_anew);
  return g_test_run ();
}
