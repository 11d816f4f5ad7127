/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"
#include "grel-test-proxy.h"
#include "grel-test-redis.h"

#include <string.h>

/* What is peculiar to caches in Redis: the keys, a peer who uses them, too, and what of it all
 * stays behind. */

#define VALUE "shop:cache:key"
#define RECORD "shop:cache:rtag:cache:key"
#define RED "shop:cache:tag:red"
#define BLUE "shop:cache:tag:blue"
#define MINUTE_MS 60000 /* GREL_TEST_TTL */
#define DAY_MS 86400000
#define SLACK_MS 30000
#define MANY 1500
#define TAGS(...) ((const char *[]){ __VA_ARGS__, NULL })

static GrelTestRedis *redis;
static char *peer_script;

/* Each rule has the server for itself, emptied. */
typedef struct
{
  GrelTestCacheScene base; /* without a context or a backend of its own */
  GrelApp *app;
} Fixture;

static void
open_app (Fixture *self, const char *uri)
{
  self->app = grel_test_redis_open_app (uri);
  self->base.cache = grel_ttl_cache_new (GREL_TEST_TTL);
  grel_ttl_cache_set_app (self->base.cache, self->app);
}

static void
ask (const char *first, const char *second, const char *third, const char *fourth)
{
  g_autofree char *answer = grel_test_redis_ask (redis, first, second, third, fourth, NULL);
}

static void
set_up (Fixture *self, gconstpointer query)
{
  g_autofree char *uri = grel_test_redis_get_uri (redis, query);

  ask ("FLUSHALL", NULL, NULL, NULL);
  ask ("CONFIG", "RESETSTAT", NULL, NULL);
  open_app (self, uri);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_object_unref (self->base.cache);
  grel_test_redis_close_app (self->app);
}

static void
set (Fixture *self, const char *key, const char *text, GTimeSpan ttl, const char *const *tags)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GBytes) value = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;

  grel_ttl_cache_set_async (self->base.cache, key, value, ttl, tags, NULL, grel_test_result_ready,
                            &result);
  grel_ttl_cache_set_finish (self->base.cache, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
}

static void
set_many (Fixture *self, guint n_keys, const char *tag)
{
  g_autoptr (GHashTable) values
    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n_keys; i++)
    g_hash_table_insert (values, g_strdup_printf ("key-%u", i), g_bytes_new ("value", 5));
  grel_ttl_cache_set_many_async (self->base.cache, values, 0, TAGS (tag), NULL,
                                 grel_test_result_ready, &result);
  grel_ttl_cache_set_many_finish (self->base.cache, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
}

static void
clear (Fixture *self)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  grel_ttl_cache_clear_async (self->base.cache, NULL, grel_test_result_ready, &result);
  grel_ttl_cache_clear_finish (self->base.cache, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
}

static void
expect (Fixture *self, const char *key, const char *text)
{
  grel_test_cache_scene_expect (&self->base, key, text);
}

static void
delete_tag (Fixture *self, const char *tag)
{
  grel_test_cache_scene_delete_tag (&self->base, tag);
}

/* What a peer does that uses the Python library, with “key”. */
#define peer(...)                                                                                  \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *said                                                                          \
      = grel_test_redis_ask (redis, "EVAL", peer_script, "2", VALUE, RECORD, __VA_ARGS__, NULL);   \
    g_assert_cmpstr (said, ==, "done");                                                            \
  }                                                                                                \
  G_STMT_END

static void
peer_sets (const char *text, const char *tag)
{
  peer ("set", "shop:", text, G_STRINGIFY (MINUTE_MS), tag);
}

static void
expect_answer (const char *verb, const char *key, const char *answer)
{
  g_autofree char *said = grel_test_redis_ask (redis, verb, key, NULL);

  g_assert_cmpstr (said, ==, answer);
}

static void
expect_lifetime (const char *key, gint64 ms)
{
  gint64 left = grel_test_redis_ask_number (redis, "PTTL", key, NULL);

  g_assert_cmpint (left, <=, ms);
  g_assert_cmpint (left, >, ms - SLACK_MS);
}

static gint64
count_keys (void)
{
  return grel_test_redis_ask_number (redis, "DBSIZE", NULL);
}

static void
keys_are_those_that_peers_know (Fixture *self, gconstpointer data)
{
  set (self, "key", "value", 0, TAGS ("red", "blue"));
  expect_answer ("GET", VALUE, "value");
  expect_answer ("SMEMBERS", RED, VALUE);
  expect_answer ("SMEMBERS", BLUE, VALUE);
  g_assert_cmpint (grel_test_redis_ask_number (redis, "SISMEMBER", RECORD, RED, NULL), ==, 1);
  g_assert_cmpint (grel_test_redis_ask_number (redis, "SISMEMBER", RECORD, BLUE, NULL), ==, 1);
  expect_answer ("SCARD", RECORD, "2");
  expect_lifetime (VALUE, MINUTE_MS);
  expect_lifetime (RECORD, MINUTE_MS);
  g_assert_cmpint (count_keys (), ==, 4);
}

static void
without_tags_there_is_one_key (Fixture *self, gconstpointer data)
{
  set (self, "key", "value", 0, NULL);
  expect_answer ("GET", VALUE, "value");
  g_assert_cmpint (count_keys (), ==, 1);
}

static void
bytes_are_kept_as_they_are (Fixture *self, gconstpointer data)
{
  static const char bytes[] = "\0\r\n\xff$5\r\n\0";
  g_autoptr (GBytes) value = g_bytes_new_static (bytes, sizeof bytes);
  g_auto (GrelTestResult) set_result = { NULL };
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GBytes) got = NULL;

  grel_ttl_cache_set_async (self->base.cache, "key", value, 0, NULL, NULL, grel_test_result_ready,
                            &set_result);
  g_assert_true (
    grel_ttl_cache_set_finish (self->base.cache, grel_test_result_wait (&set_result), NULL));
  g_assert_cmpint (grel_test_redis_ask_number (redis, "STRLEN", VALUE, NULL), ==, sizeof bytes);
  grel_ttl_cache_get_async (self->base.cache, "key", NULL, grel_test_result_ready, &result);
  got = grel_ttl_cache_get_finish (self->base.cache, grel_test_result_wait (&result), NULL);
  g_assert_true (g_bytes_equal (got, value));
}

static void
the_shortest_time_is_a_millisecond (Fixture *self, gconstpointer data)
{
  set (self, "key", "value", 1, TAGS ("red"));
  grel_test_pass_time (NULL, 2 * G_TIME_SPAN_MILLISECOND);
  expect (self, "key", NULL);

  set (self, "key", "value", 60 * G_TIME_SPAN_SECOND + 1, NULL);
  expect_lifetime (VALUE, MINUTE_MS + 1);
}

/* As a key of theirs, "tag:red" would be a set. */
static void
a_key_like_that_of_a_tag_is_none (Fixture *self, gconstpointer data)
{
  static const char *const keys[] = { "tag:red", "rtag:cache:key", "\x1ftag:red", "tag", "rtag" };

  set (self, "key", "value", 0, TAGS ("red"));
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    set (self, keys[i], keys[i], 0, TAGS ("red"));
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    expect (self, keys[i], keys[i]);
  expect_answer ("GET", "shop:cache:\x1ftag:red", "tag:red");
  expect_answer ("GET", "shop:cache:tag", "tag");
  expect_answer ("SCARD", RED, "6");
  g_assert_true (grel_test_cache_scene_delete (&self->base, "tag:red"));
  expect (self, "\x1ftag:red", "\x1ftag:red");
  expect (self, "key", "value");
  delete_tag (self, "red");
  g_assert_cmpint (count_keys (), ==, 0);
}

static void
what_a_peer_sets_is_got (Fixture *self, gconstpointer data)
{
  peer_sets ("theirs", "red");
  expect (self, "key", "theirs");
  set (self, "key", "ours", 0, TAGS ("blue"));
  peer ("delete_tag", "shop:", "red");
  expect (self, "key", "ours");
  peer_sets ("theirs", "green");
  delete_tag (self, "blue");
  expect (self, "key", "theirs");
  g_assert_true (grel_test_cache_scene_delete (&self->base, "key"));
  g_assert_cmpint (count_keys (), ==, 0);
}

static void
what_a_peer_deletes_is_gone (Fixture *self, gconstpointer data)
{
  set (self, "key", "ours", 0, TAGS ("red"));
  peer ("delete", "shop:");
  expect (self, "key", NULL);
  g_assert_cmpint (count_keys (), ==, 0);

  set (self, "key", "ours", 0, TAGS ("red", "blue"));
  peer ("delete_tag", "shop:", "red");
  expect (self, "key", NULL);
  set (self, "key", "ours", 0, NULL);
  delete_tag (self, "blue");
  expect (self, "key", "ours");
  g_assert_cmpint (count_keys (), ==, 1);
}

static void
a_tag_deletes_what_a_peer_set (Fixture *self, gconstpointer data)
{
  peer_sets ("theirs", "red");
  delete_tag (self, "red");
  expect (self, "key", NULL);
  g_assert_cmpint (count_keys (), ==, 0);
}

static void
a_deleted_value_leaves_nothing (Fixture *self, gconstpointer data)
{
  set (self, "key", "value", 0, TAGS ("red", "blue"));
  g_assert_true (grel_test_cache_scene_delete (&self->base, "key"));
  g_assert_cmpint (count_keys (), ==, 0);

  set (self, "key", "value", 0, TAGS ("red", "blue"));
  delete_tag (self, "blue");
  g_assert_cmpint (count_keys (), ==, 0);
}

static void
a_set_replaces_what_was_kept_of_tags (Fixture *self, gconstpointer data)
{
  set (self, "key", "value", 0, TAGS ("red", "green"));
  set (self, "key", "value", 0, TAGS ("blue"));
  expect_answer ("SMEMBERS", RECORD, BLUE);
  g_assert_cmpint (count_keys (), ==, 3);
  set (self, "key", "value", 0, NULL);
  g_assert_cmpint (count_keys (), ==, 1);
}

static void
what_has_expired_is_pruned_from_a_tag (Fixture *self, gconstpointer data)
{
  const guint n = 200;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *key = g_strdup_printf ("short-%u", i);

      set (self, key, "value", 1, TAGS ("red"));
    }
  grel_test_pass_time (NULL, 2 * G_TIME_SPAN_MILLISECOND);
  set_many (self, n, "red");
  g_assert_cmpint (grel_test_redis_ask_number (redis, "SCARD", RED, NULL), >=, n);
  g_assert_cmpint (grel_test_redis_ask_number (redis, "SCARD", RED, NULL), <, n + n / 2);
}

static void
a_tag_outlives_its_values_by_a_day (Fixture *self, gconstpointer data)
{
  set (self, "long", "value", 10 * G_TIME_SPAN_MINUTE, TAGS ("red"));
  expect_lifetime (RED, DAY_MS + 10 * MINUTE_MS);
  set (self, "key", "value", 0, TAGS ("red"));
  expect_lifetime (RED, DAY_MS + 10 * MINUTE_MS);
  set (self, "longer", "value", 20 * G_TIME_SPAN_MINUTE, TAGS ("red"));
  expect_lifetime (RED, DAY_MS + 20 * MINUTE_MS);
}

/* Its values may live for longer than ours. */
static void
a_tag_that_a_peer_began_has_no_end (Fixture *self, gconstpointer data)
{
  peer_sets ("theirs", "red");
  set (self, "ours", "value", 0, TAGS ("red"));
  expect_answer ("PTTL", RED, "-1");
  expect_answer ("SCARD", RED, "2");
}

static void
a_clear_spares_what_is_no_cache (Fixture *self, gconstpointer data)
{
  ask ("SET", "other", "1", NULL);
  ask ("SET", "caches:1", "1", NULL);
  ask ("SET", "xcache:1", "1", NULL);
  ask ("SET", "lock:cache:1", "1", NULL);
  ask ("SET", "other:cache:1", "1", NULL);
  set (self, "key", "value", 0, TAGS ("red"));
  clear (self);
  g_assert_cmpint (count_keys (), ==, 5);
}

static void
a_prefix_is_no_pattern (Fixture *self, gconstpointer data)
{
  ask ("SET", "s:h:cache:1", "1", NULL);
  ask ("SET", "soh:cache:1", "1", NULL);
  ask ("SET", "s?[h]^*\\h:cache:1", "1", NULL);
  set (self, "1", "value", 0, TAGS ("red"));
  expect_answer ("GET", "s?[h]^*\\:cache:1", "value");
  clear (self);
  g_assert_cmpint (count_keys (), ==, 3);
  clear (self);
  expect (self, "1", NULL);
}

static void
expect_steps (gint64 n)
{
  g_assert_cmpint (grel_test_redis_count_calls (redis, "evalsha"), >=, n);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "keys"), ==, 0);
}

static void
much_is_cleared_in_steps (Fixture *self, gconstpointer data)
{
  set_many (self, MANY, NULL);
  ask ("CONFIG", "RESETSTAT", NULL, NULL);
  clear (self);
  expect_steps (3);
  g_assert_cmpint (count_keys (), ==, 0);
}

/* It is asked about itself at each step. */
static void
who_may_not_ask_about_the_server_clears_it_all_the_same (Fixture *self, gconstpointer data)
{
  set_many (self, MANY, NULL);
  ask ("ACL", "SETUSER", "default", "-info");
  clear (self);
  ask ("ACL", "SETUSER", "default", "+info");
  g_assert_cmpint (count_keys (), ==, 0);
}

static void
much_is_deleted_by_tag_in_steps (Fixture *self, gconstpointer data)
{
  set_many (self, MANY, "red");
  set (self, "key", "value", 0, TAGS ("blue"));
  ask ("CONFIG", "RESETSTAT", NULL, NULL);
  delete_tag (self, "red");
  expect_steps (3);
  expect (self, "key", "value");
  g_assert_cmpint (count_keys (), ==, 3);
}

static void
each_operation_is_one_question (Fixture *self, gconstpointer data)
{
  set (self, "key", "value", 0, TAGS ("red", "blue"));
  grel_test_cache_scene_delete (&self->base, "key");
  delete_tag (self, "red");
  clear (self);
  ask ("CONFIG", "RESETSTAT", NULL, NULL);
  for (guint i = 0; i < 10; i++)
    {
      expect (self, "key", NULL);
      set (self, "key", "value", 0, TAGS ("red", "blue"));
      expect (self, "key", "value");
      grel_test_cache_scene_delete (&self->base, "key");
      delete_tag (self, "red");
      clear (self);
    }
  g_assert_cmpint (grel_test_redis_count_calls (redis, "get"), ==, 20);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "evalsha"), ==, 40);
  g_assert_cmpint (grel_test_redis_count_calls (redis, "eval"), ==, 0);
}

static void
many_are_asked_for_in_one_write (Fixture *self, gconstpointer data)
{
  g_autoptr (GrelTestProxy) proxy = grel_test_proxy_new (grel_test_redis_get_socket (redis));
  g_autofree char *uri = grel_test_proxy_get_uri (proxy, data);
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GPtrArray) values = NULL;
  Fixture far = { .app = NULL };
  guint n_packets;

  open_app (&far, uri);
  set_many (&far, 20, NULL);
  n_packets = grel_test_proxy_get_n_packets (proxy);
  grel_ttl_cache_get_many_async (far.base.cache, TAGS ("key-1", "none", "key-2", "key-3"), NULL,
                                 grel_test_result_ready, &result);
  values = grel_ttl_cache_get_many_finish (far.base.cache, grel_test_result_wait (&result), NULL);
  g_assert_cmpuint (values->len, ==, 4);
  g_assert_null (values->pdata[1]);
  grel_test_assert_bytes (g_bytes_ref (values->pdata[3]), "value");
  g_assert_cmpuint (grel_test_proxy_get_n_packets (proxy), ==, n_packets + 1);
  tear_down (&far, NULL);
}

#define RULE_WITH(name, query)                                                                     \
  g_test_add ("/redis/cache/" #name, Fixture, query, set_up, name, tear_down)
#define RULE(name) RULE_WITH (name, "prefix=shop:")

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  path = g_test_build_filename (G_TEST_DIST, "redis", "peer-cache.lua", NULL);
  g_assert_true (g_file_get_contents (path, &peer_script, NULL, NULL));
  RULE (keys_are_those_that_peers_know);
  RULE (without_tags_there_is_one_key);
  RULE (bytes_are_kept_as_they_are);
  RULE (the_shortest_time_is_a_millisecond);
  RULE (a_key_like_that_of_a_tag_is_none);
  RULE (what_a_peer_sets_is_got);
  RULE (what_a_peer_deletes_is_gone);
  RULE (a_tag_deletes_what_a_peer_set);
  RULE (a_deleted_value_leaves_nothing);
  RULE (a_set_replaces_what_was_kept_of_tags);
  RULE (what_has_expired_is_pruned_from_a_tag);
  RULE (a_tag_outlives_its_values_by_a_day);
  RULE (a_tag_that_a_peer_began_has_no_end);
  RULE_WITH (a_clear_spares_what_is_no_cache, NULL);
  RULE_WITH (a_prefix_is_no_pattern, "prefix=s%3F%5Bh%5D%5E%2A%5C:");
  RULE (much_is_cleared_in_steps);
  RULE (who_may_not_ask_about_the_server_clears_it_all_the_same);
  RULE (much_is_deleted_by_tag_in_steps);
  RULE (each_operation_is_one_question);
  RULE (many_are_asked_for_in_one_write);

  redis = grel_test_redis_new (NULL);
  status = g_test_run ();
  grel_test_redis_free (redis);
  g_free (peer_script);
  return status;
}
