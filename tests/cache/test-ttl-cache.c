/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"

/* What users get from a cache but the loading: in memory, and in a store. */

typedef GrelTestCacheScene Scene;

static gboolean
set_for (Scene *scene, const char *key, GTimeSpan ttl, GError **error)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);

  grel_ttl_cache_set_async (scene->cache, key, value, ttl, NULL, NULL, grel_test_result_ready,
                            &result);
  return grel_ttl_cache_set_finish (scene->cache, grel_test_result_wait (&result), error);
}

static GBytes *
get (Scene *scene, const char *key, GError **error)
{
  g_auto (GrelTestResult) result = { NULL };

  grel_ttl_cache_get_async (scene->cache, key, NULL, grel_test_result_ready, &result);
  return grel_ttl_cache_get_finish (scene->cache, grel_test_result_wait (&result), error);
}

static void
what_was_set_is_got_until_it_expires (Scene *scene, gconstpointer data)
{
  grel_test_cache_scene_expect (scene, "key", NULL);
  grel_test_cache_scene_set (scene, "key", "value", NULL);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL - 1);
  grel_test_cache_scene_expect (scene, "key", "value");
  grel_test_cache_scene_pass (scene, 1);
  grel_test_cache_scene_expect (scene, "key", NULL);
}

static void
an_entry_may_have_a_time_of_its_own (Scene *scene, gconstpointer data)
{
  g_assert_true (set_for (scene, "short", G_TIME_SPAN_SECOND, NULL));
  g_assert_true (set_for (scene, "long", 2 * GREL_TEST_TTL, NULL));
  g_assert_true (set_for (scene, "usual", 0, NULL));
  grel_test_cache_scene_pass (scene, G_TIME_SPAN_SECOND);
  grel_test_cache_scene_expect (scene, "short", NULL);
  grel_test_cache_scene_expect (scene, "usual", "value");
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  grel_test_cache_scene_expect (scene, "usual", NULL);
  grel_test_cache_scene_expect (scene, "long", "value");
}

static void
hits_and_misses_are_counted (Scene *scene, gconstpointer data)
{
  grel_test_cache_scene_expect (scene, "key", NULL);
  grel_test_cache_scene_set (scene, "key", "value", NULL);
  grel_test_cache_scene_expect (scene, "key", "value");
  grel_test_cache_scene_expect (scene, "key", "value");
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  grel_test_cache_scene_expect (scene, "key", NULL);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "hits"), ==, 2);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "misses"), ==, 2);

  grel_test_cache_scene_load (scene, "other", "loaded");
  grel_test_cache_scene_load (scene, "other", "loaded");
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "hits"), ==, 3);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "misses"), ==, 3);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "loads"), ==, 1);
}

static void
a_delete_and_a_tag_and_a_clear_delete (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };

  grel_test_cache_scene_set (scene, "1", "1", "red");
  grel_test_cache_scene_set (scene, "2", "2", "red");
  grel_test_cache_scene_set (scene, "3", "3", "blue");
  grel_test_cache_scene_set (scene, "4", "4", NULL);
  g_assert_true (grel_test_cache_scene_delete (scene, "1"));
  g_assert_false (grel_test_cache_scene_delete (scene, "1"));
  grel_test_cache_scene_expect (scene, "2", "2");
  grel_test_cache_scene_delete_tag (scene, "red");
  grel_test_cache_scene_expect (scene, "2", NULL);
  grel_test_cache_scene_expect (scene, "3", "3");

  grel_ttl_cache_clear_async (scene->cache, NULL, grel_test_result_ready, &result);
  g_assert_true (grel_ttl_cache_clear_finish (scene->cache, grel_test_result_wait (&result), NULL));
  grel_test_cache_scene_expect (scene, "3", NULL);
  grel_test_cache_scene_expect (scene, "4", NULL);
}

static void
many_are_set_got_and_deleted (Scene *scene, gconstpointer data)
{
  const char *keys[] = { "1", "none", "2", NULL };
  g_autoptr (GHashTable) values
    = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_bytes_unref);
  g_autoptr (GPtrArray) found = NULL;
  g_auto (GrelTestResult) set = { NULL };
  g_auto (GrelTestResult) got = { NULL };
  g_auto (GrelTestResult) deleted = { NULL };

  g_hash_table_insert (values, (gpointer) "1", g_bytes_new_static ("one", 3));
  g_hash_table_insert (values, (gpointer) "2", g_bytes_new_static ("", 0));
  grel_ttl_cache_set_many_async (scene->cache, values, 0, NULL, NULL, grel_test_result_ready, &set);
  g_assert_true (grel_ttl_cache_set_many_finish (scene->cache, grel_test_result_wait (&set), NULL));

  grel_ttl_cache_get_many_async (scene->cache, keys, NULL, grel_test_result_ready, &got);
  found = grel_ttl_cache_get_many_finish (scene->cache, grel_test_result_wait (&got), NULL);
  g_assert_cmpuint (found->len, ==, 3);
  grel_test_assert_bytes (g_bytes_ref (found->pdata[0]), "one");
  g_assert_null (found->pdata[1]);
  grel_test_assert_bytes (g_bytes_ref (found->pdata[2]), "");
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "hits"), ==, 2);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "misses"), ==, 1);

  grel_ttl_cache_delete_many_async (scene->cache, keys, NULL, grel_test_result_ready, &deleted);
  g_assert_true (
    grel_ttl_cache_delete_many_finish (scene->cache, grel_test_result_wait (&deleted), NULL));
  grel_test_cache_scene_expect (scene, "1", NULL);
  grel_test_cache_scene_expect (scene, "2", NULL);
}

static void
none_at_all_asks_no_store (Scene *scene, gconstpointer data)
{
  const char *none[] = { NULL };
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) found = NULL;
  GrelTestResult results[4] = { { NULL } };

  grel_ttl_cache_get_many_async (scene->cache, none, NULL, grel_test_result_ready, &results[0]);
  found = grel_ttl_cache_get_many_finish (scene->cache, grel_test_result_wait (&results[0]), NULL);
  g_assert_cmpuint (found->len, ==, 0);
  grel_ttl_cache_set_many_async (scene->cache, values, 0, NULL, NULL, grel_test_result_ready,
                                 &results[1]);
  g_assert_true (
    grel_ttl_cache_set_many_finish (scene->cache, grel_test_result_wait (&results[1]), NULL));
  grel_ttl_cache_delete_many_async (scene->cache, none, NULL, grel_test_result_ready, &results[2]);
  g_assert_true (
    grel_ttl_cache_delete_many_finish (scene->cache, grel_test_result_wait (&results[2]), NULL));
  grel_ttl_cache_delete_tags_async (scene->cache, none, NULL, grel_test_result_ready, &results[3]);
  g_assert_true (
    grel_ttl_cache_delete_tags_finish (scene->cache, grel_test_result_wait (&results[3]), NULL));
  g_assert_cmpuint (grel_test_desk_get_n_requests (scene->desk), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    grel_test_result_clear (&results[i]);
}

static void
a_value_that_looks_like_a_header_comes_back (Scene *scene, gconstpointer data)
{
  const char text[] = "\x89grel\r\n\x1a and what would be the times of it, if it were one";

  grel_test_cache_scene_set (scene, "plain", text, NULL);
  grel_test_cache_scene_expect (scene, "plain", text);
  grel_ttl_cache_set_stale_ttl (scene->cache, GREL_TEST_TTL);
  grel_test_cache_scene_set (scene, "fresh", text, NULL);
  grel_test_cache_scene_expect (scene, "fresh", text);
}

static void
a_store_keeps_plain_bytes_unless_there_is_more_to_say (Scene *scene, gconstpointer data)
{
  grel_test_cache_scene_set (scene, "key", "value", NULL);
  grel_test_assert_bytes (grel_test_cache_store_get_behind (scene->store, "cache:key"), "value");
  grel_test_cache_store_set_behind (scene->store, "cache:foreign", "from elsewhere");
  grel_test_cache_scene_expect (scene, "foreign", "from elsewhere");
}

static void
values_of_any_type_round_trip (void)
{
  const char *texts[] = { "@mv nothing", "''", "{'a': <1>, 'b': <[true]>}", "uint64 7", "@ay []" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_parsed (texts[i]));
      g_autoptr (GBytes) bytes = grel_cache_pack (value);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) back = grel_cache_unpack (bytes, &error);

      g_assert_no_error (error);
      g_assert_cmpvariant (value, back);
    }
}

static void
bytes_that_are_no_packed_value_are_refused (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("no", 2);
  g_autoptr (GBytes) none = g_bytes_new_static ("", 0);
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_cache_unpack (bytes, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cache");
  g_assert_null (grel_cache_unpack (none, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cache");
}

static void
an_argument_that_is_not_acceptable_is_named (Scene *scene, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (set_for (scene, "key", -1, &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "cache", "ttl");
  g_assert_null (get (scene, "\xff", &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "cache", "key", "UTF-8");
}

static void
a_setting_that_is_not_acceptable_is_named (Scene *scene, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  grel_ttl_cache_set_ttl (scene->cache, 0);
  g_assert_null (get (scene, "key", &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "key", "ttl: must be more than 0");
  grel_ttl_cache_set_ttl (scene->cache, 1);
  grel_ttl_cache_set_stale_ttl (scene->cache, -1);
  g_assert_null (get (scene, "key", &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "stale-ttl");
  grel_ttl_cache_set_stale_ttl (scene->cache, 0);
  grel_ttl_cache_set_early_refresh (scene->cache, 1.0);
  g_assert_null (get (scene, "key", &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "early-refresh");
  grel_ttl_cache_set_early_refresh (scene->cache, 0.0);
  grel_ttl_cache_set_soft_timeout (scene->cache, -1);
  g_assert_null (get (scene, "key", &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "soft-timeout");
}

static void
it_refuses_until_its_backend_is_open_and_after (Scene *scene, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  grel_test_backend_close (scene->backend, NULL);
  g_assert_null (get (scene, "key", &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "key", "its backend");
  grel_test_backend_open (scene->backend, NULL);
  grel_test_cache_scene_expect (scene, "key", NULL);
}

static void
on_its_own_loop_a_thread_call_would_wait_for_itself (Scene *scene, gconstpointer data)
{
  g_autoptr (GBytes) value = g_bytes_new_static ("", 0);
  g_autoptr (GError) error = NULL;

  g_main_context_acquire (scene->context);
  g_assert_null (grel_ttl_cache_get_from_thread (scene->cache, "key", NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "key");
  g_assert_false (
    grel_ttl_cache_set_from_thread (scene->cache, "key", value, 0, NULL, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "key");
  g_assert_null (grel_ttl_cache_get_or_load_from_thread (scene->cache, "key", grel_test_loader_load,
                                                         &scene->loader, NULL, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "key");
  g_assert_cmpint (scene->loader.n_runs, ==, 0);
  g_main_context_release (scene->context);
}

static void
use_it_from_a_thread (gpointer data, gpointer unused)
{
  Scene *scene = data;
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);
  const char *keys[] = { "key", "none", NULL };
  const char *tags[] = { "red", NULL };
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (GError) error = NULL;

  g_hash_table_insert (values, (gpointer) "key", value);
  g_assert_true (
    grel_ttl_cache_set_from_thread (scene->cache, "key", value, 0, tags, NULL, &error));
  g_assert_no_error (error);
  grel_test_assert_bytes (grel_ttl_cache_get_from_thread (scene->cache, "key", NULL, &error),
                          "value");
  found = grel_ttl_cache_get_many_from_thread (scene->cache, keys, NULL, &error);
  g_assert_cmpuint (found->len, ==, 2);
  g_assert_nonnull (found->pdata[0]);
  g_assert_null (found->pdata[1]);
  g_assert_true (grel_ttl_cache_set_many_from_thread (scene->cache, values, 0, tags, NULL, &error));
  g_assert_true (grel_ttl_cache_delete_from_thread (scene->cache, "key", NULL, &error));
  g_assert_true (grel_ttl_cache_delete_many_from_thread (scene->cache, keys, NULL, &error));
  g_assert_true (grel_ttl_cache_delete_tags_from_thread (scene->cache, tags, NULL, &error));
  g_assert_true (grel_ttl_cache_clear_from_thread (scene->cache, NULL, &error));
  g_assert_null (grel_ttl_cache_get_from_thread (scene->cache, "key", NULL, &error));
  g_assert_no_error (error);
}

static void
a_thread_does_all_of_it (Scene *scene, gconstpointer data)
{
  grel_test_in_thread (use_it_from_a_thread, scene);
}

static void
peek_in_thread (gpointer data, gpointer unused)
{
  grel_test_assert_bytes (grel_ttl_cache_peek (((Scene *) data)->cache, "key"), "value");
}

static void
a_peek_tells_at_once_on_any_thread (Scene *scene, gconstpointer data)
{
  g_autofree char *long_key = g_strnfill (1000, 'k');

  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "key"), NULL);
  grel_test_cache_scene_set (scene, "key", "value", NULL);
  grel_test_cache_scene_set (scene, long_key, "long", NULL);
  g_main_context_acquire (scene->context);
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "key"), "value");
  g_main_context_release (scene->context);
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, long_key), "long");
  grel_test_in_thread (peek_in_thread, scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "key"), NULL);
}

static void
a_peek_is_a_use_and_a_hit_but_no_miss (Scene *scene, gconstpointer data)
{
  grel_ttl_cache_set_max_size (scene->cache, 2);
  grel_test_cache_scene_set (scene, "1", "1", NULL);
  grel_test_cache_scene_set (scene, "2", "2", NULL);
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "1"), "1");
  grel_test_cache_scene_set (scene, "3", "3", NULL); /* evicts 2 */
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "2"), NULL);
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "1"), "1");
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "hits"), ==, 2);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "misses"), ==, 0);
}

static void
a_peek_shows_nothing_stale (Scene *scene, gconstpointer data)
{
  grel_ttl_cache_set_stale_ttl (scene->cache, GREL_TEST_TTL);
  grel_test_cache_scene_set (scene, "key", "value", NULL);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "key"), NULL);
}

static void
a_peek_that_cannot_ask_tells_nothing (Scene *scene, gconstpointer data)
{
  grel_test_cache_scene_set (scene, "key", "value", NULL);
  grel_ttl_cache_set_ttl (scene->cache, 0); /* is not acceptable */
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "key"), NULL);
  grel_ttl_cache_set_ttl (scene->cache, GREL_TEST_TTL);
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "key"), "value");
  grel_test_backend_close (scene->backend, NULL);
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "key"), NULL);
}

static void
a_peek_does_not_wait_for_a_store (Scene *scene, gconstpointer data)
{
  grel_test_cache_scene_set (scene, "key", "value", NULL);
  grel_test_assert_bytes (grel_ttl_cache_peek (scene->cache, "key"), NULL);
}

static void
what_is_cancelled_does_nothing (Scene *scene, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  grel_test_cache_scene_begin (scene, "key", NULL, cancellable, &result);
  error = grel_test_cache_scene_end_badly (scene, &result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (scene->loader.n_runs, ==, 0);
}

static void
a_store_that_fails_or_drops_is_a_backend_error (Scene *scene, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_FAILS);
  g_assert_null (get (scene, "key", &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "key", "the store is down");
  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_DROPS);
  g_assert_null (get (scene, "key", &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "key");
}

static void
a_cache_finds_its_backend_in_the_app (void)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelTTLCache) cache = grel_ttl_cache_new (GREL_TEST_TTL);
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_ttl_cache_get_from_thread (cache, "key", NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OPEN, "cache", "key");

  g_assert_true (grel_app_open_in_thread (app, &error));
  g_assert_true (grel_ttl_cache_set_from_thread (cache, "key", value, 0, NULL, NULL, &error));
  g_assert_no_error (error);
  grel_test_assert_bytes (grel_ttl_cache_get_from_thread (cache, "key", NULL, &error), "value");
  g_assert_true (grel_app_close_from_thread (app, NULL, &error));
}

static void
a_full_cache_evicts_what_was_not_used_for_longest (Scene *scene, gconstpointer data)
{
  grel_ttl_cache_set_max_size (scene->cache, 3);
  grel_test_cache_scene_set (scene, "1", "1", NULL);
  grel_test_cache_scene_set (scene, "2", "2", NULL);
  grel_test_cache_scene_set (scene, "3", "3", NULL);
  grel_test_cache_scene_expect (scene, "1", "1");
  grel_test_cache_scene_set (scene, "2", "2", NULL);
  grel_test_cache_scene_set (scene, "4", "4", NULL);
  grel_test_cache_scene_expect (scene, "3", NULL);
  grel_test_cache_scene_load (scene, "1", "1");
  grel_test_cache_scene_load (scene, "5", "loaded");
  grel_test_cache_scene_expect (scene, "2", NULL);
  grel_test_cache_scene_expect (scene, "1", "1");
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "evictions"), ==, 2);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "size"), ==, 3);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "max-size"), ==, 3);
}

static void
caches_of_one_backend_are_bounded_apart (Scene *scene, gconstpointer data)
{
  g_autoptr (GrelTTLCache) other = grel_ttl_cache_new (GREL_TEST_TTL);
  GrelTTLCache *cache = scene->cache;

  grel_ttl_cache_set_max_size (cache, 1);
  grel_ttl_cache_set_backend (other, GREL_CACHE_BACKEND (scene->backend));
  grel_test_cache_scene_set (scene, "1", "1", NULL);
  scene->cache = other;
  grel_test_cache_scene_set (scene, "2", "2", NULL);
  grel_test_cache_scene_set (scene, "3", "3", NULL);
  scene->cache = cache;
  grel_test_cache_scene_set (scene, "4", "4", NULL);
  grel_test_cache_scene_expect (scene, "1", NULL);
  grel_test_cache_scene_expect (scene, "2", "2");
  grel_test_cache_scene_expect (scene, "3", "3");
  g_assert_cmpuint (grel_test_cache_get_figure (other, "size"), ==, 2);

  grel_test_cache_scene_set (scene, "3", "mine", NULL); /* whoever set it last counts it */
  g_assert_cmpuint (grel_test_cache_get_figure (other, "size"), ==, 1);
  g_assert_cmpuint (grel_test_cache_get_figure (cache, "size"), ==, 1);
}

static void
the_size_follows_what_expires_is_deleted_and_cleared (Scene *scene, gconstpointer data)
{
  grel_test_cache_scene_set (scene, "1", "1", NULL);
  grel_test_cache_scene_set (scene, "2", "2", "red");
  grel_test_cache_scene_set (scene, "3", "3", NULL);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "size"), ==, 3);
  grel_test_cache_scene_delete (scene, "1");
  grel_test_cache_scene_delete_tag (scene, "red");
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "size"), ==, 1);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "size"), ==, 0);
}

static void
properties_hold_what_was_set (void)
{
  g_autoptr (GrelTTLCache) cache
    = g_object_new (GREL_TYPE_TTL_CACHE, "ttl", (gint64) 1, "max-size", 2, "stale-ttl", (gint64) 3,
                    "soft-timeout", (gint64) 4, "early-refresh", 0.5, "lock", GREL_CACHE_LOCK_FLEET,
                    NULL);
  gint64 ttl, stale_ttl, soft_timeout;
  double early_refresh;
  GrelCacheLock lock;
  guint max_size;

  g_object_get (cache, "ttl", &ttl, "max-size", &max_size, "stale-ttl", &stale_ttl, "soft-timeout",
                &soft_timeout, "early-refresh", &early_refresh, "lock", &lock, NULL);
  g_assert_cmpint (ttl, ==, 1);
  g_assert_cmpuint (max_size, ==, 2);
  g_assert_cmpint (stale_ttl, ==, 3);
  g_assert_cmpint (soft_timeout, ==, 4);
  g_assert_cmpfloat (early_refresh, ==, 0.5);
  g_assert_cmpint (lock, ==, GREL_CACHE_LOCK_FLEET);
}

static void
add (const char *name, void (*test) (Scene *, gconstpointer), gboolean in_memory, gboolean in_store)
{
  g_autofree char *memory = g_strdup_printf ("/ttl-cache/memory/%s", name);
  g_autofree char *store = g_strdup_printf ("/ttl-cache/store/%s", name);

  if (in_memory)
    g_test_add (memory, Scene, NULL, grel_test_cache_scene_set_up_memory, test,
                grel_test_cache_scene_tear_down);
  if (in_store)
    g_test_add (store, Scene, NULL, grel_test_cache_scene_set_up_store, test,
                grel_test_cache_scene_tear_down);
}

#define ADD(test) add (#test, test, TRUE, TRUE)
#define ADD_MEMORY(test) add (#test, test, TRUE, FALSE)
#define ADD_STORE(test) add (#test, test, FALSE, TRUE)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (what_was_set_is_got_until_it_expires);
  ADD (an_entry_may_have_a_time_of_its_own);
  ADD (hits_and_misses_are_counted);
  ADD (a_delete_and_a_tag_and_a_clear_delete);
  ADD (many_are_set_got_and_deleted);
  ADD_STORE (none_at_all_asks_no_store);
  ADD (a_value_that_looks_like_a_header_comes_back);
  ADD_STORE (a_store_keeps_plain_bytes_unless_there_is_more_to_say);
  ADD (an_argument_that_is_not_acceptable_is_named);
  ADD (a_setting_that_is_not_acceptable_is_named);
  ADD (it_refuses_until_its_backend_is_open_and_after);
  ADD (on_its_own_loop_a_thread_call_would_wait_for_itself);
  ADD (a_thread_does_all_of_it);
  ADD_MEMORY (a_peek_tells_at_once_on_any_thread);
  ADD_MEMORY (a_peek_is_a_use_and_a_hit_but_no_miss);
  ADD_MEMORY (a_peek_shows_nothing_stale);
  ADD_MEMORY (a_peek_that_cannot_ask_tells_nothing);
  ADD_STORE (a_peek_does_not_wait_for_a_store);
  ADD (what_is_cancelled_does_nothing);
  ADD_STORE (a_store_that_fails_or_drops_is_a_backend_error);
  ADD_MEMORY (a_full_cache_evicts_what_was_not_used_for_longest);
  ADD_MEMORY (caches_of_one_backend_are_bounded_apart);
  ADD_MEMORY (the_size_follows_what_expires_is_deleted_and_cleared);
  g_test_add_func ("/ttl-cache/values_of_any_type_round_trip", values_of_any_type_round_trip);
  g_test_add_func ("/ttl-cache/bytes_that_are_no_packed_value_are_refused",
                   bytes_that_are_no_packed_value_are_refused);
  g_test_add_func ("/ttl-cache/a_cache_finds_its_backend_in_the_app",
                   a_cache_finds_its_backend_in_the_app);
  g_test_add_func ("/ttl-cache/properties_hold_what_was_set", properties_hold_what_was_set);
  return g_test_run ();
}
