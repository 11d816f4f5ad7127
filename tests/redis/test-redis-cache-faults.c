/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"
#include "grel-test-proxy.h"
#include "grel-test-redis.h"

#include <string.h>

/* What a cache does when its server dies, hangs, forgets, is full, or holds something else. */

#define TIMEOUT (500 * G_TIME_SPAN_MILLISECOND)
#define SLACK (3 * G_TIME_SPAN_SECOND) /* for a machine that is busy */
#define TAGS(...) ((const char *[]){ __VA_ARGS__, NULL })
#define IMPATIENT "timeout=0.5&connect_timeout=0.5"
#define PATIENT "timeout=9&connect_timeout=9"

typedef struct
{
  GrelTestCacheScene base; /* without a context or a backend of its own */
  GrelTestRedis *redis;
  GrelTestProxy *proxy;
  GrelApp *app;
} Fixture;

static void
open_app (Fixture *self, const char *uri)
{
  self->app = grel_test_redis_open_app (uri);
  self->base.cache = grel_ttl_cache_new (GREL_TEST_TTL);
  grel_ttl_cache_set_app (self->base.cache, self->app);
  grel_test_loader_init (&self->base.loader, "loaded");
}

static void
set_up (Fixture *self, gconstpointer query)
{
  g_autofree char *uri = NULL;

  self->redis = grel_test_redis_new (NULL);
  uri = grel_test_redis_get_uri (self->redis, query);
  open_app (self, uri);
}

static void
set_up_proxy (Fixture *self, gconstpointer query)
{
  g_autofree char *uri = NULL;

  self->redis = grel_test_redis_new (NULL);
  self->proxy = grel_test_proxy_new (grel_test_redis_get_socket (self->redis));
  uri = grel_test_proxy_get_uri (self->proxy, query);
  open_app (self, uri);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  grel_test_loader_clear (&self->base.loader);
  g_object_unref (self->base.cache);
  grel_test_redis_close_app (self->app);
  g_clear_pointer (&self->proxy, grel_test_proxy_free);
  grel_test_redis_free (self->redis);
}

static void
ask (Fixture *self, const char *first, const char *second, const char *third, const char *fourth)
{
  g_autofree char *answer = grel_test_redis_ask (self->redis, first, second, third, fourth, NULL);
}

static void
set (Fixture *self, const char *text, const char *tag)
{
  grel_test_cache_scene_set (&self->base, "key", text, tag);
}

static void
expect (Fixture *self, const char *text)
{
  grel_test_cache_scene_expect (&self->base, "key", text);
}

static gboolean
try_get (Fixture *self, GError **error)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GBytes) value = NULL;

  grel_ttl_cache_get_async (self->base.cache, "key", NULL, grel_test_result_ready, &result);
  value = grel_ttl_cache_get_finish (self->base.cache, grel_test_result_wait (&result), error);
  return value != NULL;
}

static gboolean
try_set (Fixture *self, const char *text, const char *tag, GError **error)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GBytes) value = g_bytes_new (text, strlen (text));

  grel_ttl_cache_set_async (self->base.cache, "key", value, 0, TAGS (tag), NULL,
                            grel_test_result_ready, &result);
  return grel_ttl_cache_set_finish (self->base.cache, grel_test_result_wait (&result), error);
}

static void
set_badly (Fixture *self, const char *text, const char *tag)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (try_set (self, text, tag, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "key");
}

static void
expect_failure_in_time (Fixture *self)
{
  gint64 started = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;

  g_assert_false (try_get (self, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "key");
  set_badly (self, "value", "red");
  g_assert_cmpint (g_get_monotonic_time () - started, <, 2 * TIMEOUT + SLACK);
}

/* It may take a while until somebody dares to connect again. */
static void
expect_service_soon (Fixture *self)
{
  gint64 give_up = g_get_monotonic_time () + GREL_TEST_PATIENCE;

  while (!try_set (self, "value", "red", NULL))
    g_assert_cmpint (g_get_monotonic_time (), <, give_up);
  expect (self, "value");
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
values_and_tags_outlive_a_restart (Fixture *self, gconstpointer data)
{
  set (self, "value", "red");
  grel_test_redis_kill (self->redis);
  grel_test_settle ();
  grel_test_redis_start (self->redis);
  expect (self, "value");
  grel_test_cache_scene_delete_tag (&self->base, "red");
  expect (self, NULL);
}

static void
a_server_that_forgot_its_scripts_learns_them_again (Fixture *self, gconstpointer data)
{
  set (self, "value", "red");
  ask (self, "SCRIPT", "FLUSH", NULL, NULL);
  set (self, "new", "blue");
  ask (self, "SCRIPT", "FLUSH", NULL, NULL);
  grel_test_cache_scene_delete_tag (&self->base, "red");
  expect (self, "new");
  ask (self, "SCRIPT", "FLUSH", NULL, NULL);
  g_assert_true (grel_test_cache_scene_delete (&self->base, "key"));
  g_assert_cmpint (grel_test_redis_count_calls (self->redis, "eval"), ==, 4);
}

static void
a_server_that_forgot_everything_has_nothing (Fixture *self, gconstpointer data)
{
  set (self, "value", "red");
  ask (self, "FLUSHALL", NULL, NULL, NULL);
  expect (self, NULL);
  grel_test_cache_scene_delete_tag (&self->base, "red");
  g_assert_false (grel_test_cache_scene_delete (&self->base, "key"));
  expect_service_soon (self);
}

static void
a_server_that_is_full_changes_nothing (Fixture *self, gconstpointer data)
{
  set (self, "old", "red");
  ask (self, "CONFIG", "SET", "maxmemory", "1");
  set_badly (self, "new", "blue");
  expect (self, "old");
  ask (self, "CONFIG", "SET", "maxmemory", "0");
  grel_test_cache_scene_delete_tag (&self->base, "red");
  expect (self, NULL);
}

/* It may be full of caches, too. */
static void
a_server_that_is_full_can_be_cleared (Fixture *self, gconstpointer data)
{
  set (self, "value", "red");
  ask (self, "CONFIG", "SET", "maxmemory", "1");
  grel_test_cache_scene_delete_tag (&self->base, "red");
  expect (self, NULL);
}

static void
what_is_no_value_is_an_error (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  ask (self, "SADD", "cache:key", "element", NULL);
  g_assert_false (try_get (self, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "key", "WRONGTYPE");
  set (self, "value", NULL);
  expect (self, "value");
}

static void
a_value_does_not_stay_without_its_tags (Fixture *self, gconstpointer data)
{
  ask (self, "SET", "cache:tag:red", "text", NULL);
  set (self, "old", "blue");
  set_badly (self, "new", "red");
  expect (self, NULL);
}

static void
a_get_is_asked_again_and_a_set_is_not (Fixture *self, gconstpointer data)
{
  set (self, "value", "red");
  grel_test_proxy_cut_after (self->proxy, 10);
  expect (self, "value");
  grel_test_proxy_cut_after (self->proxy, 10);
  grel_test_cache_scene_delete_tag (&self->base, "red");
  expect (self, NULL);

  grel_test_proxy_cut_after (self->proxy, 10);
  set_badly (self, "value", "red");
  expect (self, NULL);
}

static void
who_can_not_be_asked_is_not_loaded_for (Fixture *self, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  grel_test_redis_pause (self->redis);
  grel_test_cache_scene_begin (&self->base, "key", NULL, NULL, &result);
  error = grel_test_cache_scene_end_badly (&self->base, &result);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "key");
  g_assert_cmpint (self->base.loader.n_runs, ==, 0);
  grel_test_redis_resume (self->redis);
  expect_service_soon (self);
}

#define RULE_WITH(name, query, set_up)                                                             \
  g_test_add ("/redis/cache-faults/" #name, Fixture, query, set_up, name, tear_down)
#define RULE(name, query) RULE_WITH (name, query, set_up)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (a_server_that_is_dead_fails_in_time, IMPATIENT);
  RULE (a_server_that_hangs_fails_in_time, IMPATIENT);
  RULE (values_and_tags_outlive_a_restart, PATIENT);
  RULE (a_server_that_forgot_its_scripts_learns_them_again, PATIENT);
  RULE (a_server_that_forgot_everything_has_nothing, PATIENT);
  RULE (a_server_that_is_full_changes_nothing, PATIENT);
  RULE (a_server_that_is_full_can_be_cleared, PATIENT);
  RULE (what_is_no_value_is_an_error, PATIENT);
  RULE (a_value_does_not_stay_without_its_tags, PATIENT);
  RULE_WITH (a_get_is_asked_again_and_a_set_is_not, PATIENT, set_up_proxy);
  RULE (who_can_not_be_asked_is_not_loaded_for, IMPATIENT);
  return g_test_run ();
}
