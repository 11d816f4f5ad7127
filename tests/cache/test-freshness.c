/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"

/* How a cache keeps values fresh, and what it makes do with when it can't. */

typedef GrelTestCacheScene Scene;

#define STALE_TTL (30 * G_TIME_SPAN_SECOND)

static void
keep_stale (Scene *scene)
{
  grel_ttl_cache_set_stale_ttl (scene->cache, STALE_TTL);
  grel_test_cache_scene_load (scene, "key", "loaded");
}

/* The warnings of caches that were logged, instead of being written. */
static struct
{
  guint n_lines;
  char *last;
} warnings;

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  gboolean is_ours = FALSE;

  for (gsize i = 0; i < n_fields; i++)
    {
      is_ours |= g_str_equal (fields[i].key, "GREL_CODE")
                 && g_str_equal (fields[i].value, "background-error");
      if (g_str_equal (fields[i].key, "MESSAGE"))
        {
          g_free (warnings.last);
          warnings.last = g_strdup (fields[i].value);
        }
    }
  if (!is_ours)
    return g_log_writer_default (level, fields, n_fields, data);

  g_assert_cmpint (level & G_LOG_LEVEL_MASK, ==, G_LOG_LEVEL_WARNING);
  warnings.n_lines++;
  return G_LOG_WRITER_HANDLED;
}

static void
expect_warning (const char *pattern)
{
  g_assert_cmpuint (warnings.n_lines, ==, 1);
  g_assert_true (g_pattern_match_simple (pattern, warnings.last));
  warnings.n_lines = 0;
}

static void
load_badly (Scene *scene, const char *key)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  scene->loader.failure = "unreachable";
  grel_test_cache_scene_begin (scene, key, NULL, NULL, &result);
  error = grel_test_cache_scene_end_badly (scene, &result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE);
  scene->loader.failure = NULL;
}

static void
a_stale_value_stands_in_for_a_load_that_fails (Scene *scene, gconstpointer data)
{
  keep_stale (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  scene->loader.failure = "unreachable";
  grel_test_cache_scene_load (scene, "key", "loaded");
  g_assert_cmpint (scene->loader.n_runs, ==, 2);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "stale"), ==, 1);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "failures"), ==, 1);

  scene->loader.failure = NULL;
  scene->loader.text = "again";
  grel_test_cache_scene_load (scene, "key", "again"); /* the next call loads */
  grel_test_cache_scene_expect (scene, "key", "again");
}

static void
a_stale_value_is_no_hit (Scene *scene, gconstpointer data)
{
  keep_stale (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  grel_test_cache_scene_expect (scene, "key", NULL);
  scene->loader.text = "again";
  grel_test_cache_scene_load (scene, "key", "again");
}

static void
a_stale_value_has_an_end (Scene *scene, gconstpointer data)
{
  keep_stale (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL + STALE_TTL);
  load_badly (scene, "key");
}

static void
a_stale_value_has_an_end_while_it_is_loaded (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  keep_stale (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  scene->loader.hangs = TRUE;
  scene->loader.failure = "unreachable";
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  grel_test_cache_scene_pass (scene, STALE_TTL);
  grel_test_loader_go_on (&scene->loader);
  error = grel_test_cache_scene_end_badly (scene, &result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE);
}

static void
without_a_stale_value_the_error_is_told (Scene *scene, gconstpointer data)
{
  load_badly (scene, "key");
  grel_test_cache_scene_load (scene, "key", "loaded");
}

static void
a_set_leaves_no_older_stale_value (Scene *scene, gconstpointer data)
{
  keep_stale (scene);
  grel_ttl_cache_set_stale_ttl (scene->cache, 0);
  grel_test_cache_scene_set (scene, "key", "newer", NULL);
  grel_ttl_cache_set_stale_ttl (scene->cache, STALE_TTL);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  load_badly (scene, "key");
}

static void
a_delete_leaves_nothing_stale (Scene *scene, gconstpointer data)
{
  keep_stale (scene);
  grel_test_cache_scene_delete (scene, "key");
  load_badly (scene, "key");

  keep_stale (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  grel_test_cache_scene_delete (scene, "key");
  load_badly (scene, "key");
}

static void
a_tag_leaves_nothing_stale (Scene *scene, gconstpointer data)
{
  grel_ttl_cache_set_stale_ttl (scene->cache, STALE_TTL);
  grel_test_cache_scene_set (scene, "key", "value", "red");
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  grel_test_cache_scene_delete_tag (scene, "red");
  load_badly (scene, "key");
}

static void
what_was_deleted_during_a_load_does_not_stand_in_for_it (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  keep_stale (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  scene->loader.hangs = TRUE;
  scene->loader.failure = "unreachable";
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  grel_test_cache_scene_delete (scene, "key");
  grel_test_loader_go_on (&scene->loader);
  error = grel_test_cache_scene_end_badly (scene, &result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE);
}

static void
a_cancel_is_never_answered_with_a_stale_value (Scene *scene, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  keep_stale (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, cancellable, &result);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  error = grel_test_cache_scene_end_badly (scene, &result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
a_dead_store_is_not_hidden (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  keep_stale (scene);
  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_FAILS);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  error = grel_test_cache_scene_end_badly (scene, &result);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "key");
}

static void
a_soft_timeout_makes_do_with_a_stale_value_while_the_load_goes_on (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) first = { NULL };
  g_auto (GrelTestResult) second = { NULL };

  grel_ttl_cache_set_soft_timeout (scene->cache, G_TIME_SPAN_SECOND);
  keep_stale (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  scene->loader.hangs = TRUE;
  scene->loader.text = "again";
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &first);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &second);
  grel_test_settle ();
  grel_test_cache_scene_pass (scene, G_TIME_SPAN_SECOND);
  grel_test_cache_scene_end (scene, &first, "loaded");
  grel_test_cache_scene_end (scene, &second, "loaded");

  g_assert_cmpuint (scene->loader.tasks.length, ==, 1);
  grel_test_loader_go_on (&scene->loader);
  grel_test_settle ();
  grel_test_cache_scene_expect (scene, "key", "again");
}

static void
a_soft_timeout_without_a_stale_value_waits (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };

  grel_ttl_cache_set_soft_timeout (scene->cache, G_TIME_SPAN_SECOND);
  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  grel_test_cache_scene_pass (scene, G_TIME_SPAN_MINUTE);
  g_assert_false (result.is_done);
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &result, "loaded");
}

/* The reports that a cache emitted. */
typedef struct
{
  Scene *scene;
  guint n_reports;
} Reports;

static void
on_background_error (GrelTTLCache *cache, const char *key, const GError *error, Reports *reports)
{
  g_assert_cmpstr (key, ==, "key");
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE);
  g_assert_true (g_main_context_is_owner (reports->scene->context));
  reports->n_reports++;
}

static void
a_load_that_fails_after_the_soft_timeout_is_reported (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };
  Reports reports = { scene };

  g_signal_connect (scene->cache, "background-error", G_CALLBACK (on_background_error), &reports);
  grel_ttl_cache_set_soft_timeout (scene->cache, G_TIME_SPAN_SECOND);
  keep_stale (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL);
  scene->loader.hangs = TRUE;
  scene->loader.failure = "unreachable";
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  grel_test_cache_scene_pass (scene, G_TIME_SPAN_SECOND);
  grel_test_cache_scene_end (scene, &result, "loaded");

  grel_test_loader_go_on (&scene->loader);
  grel_test_settle ();
  expect_warning ("*“key”*unreachable*");
  g_assert_cmpuint (reports.n_reports, ==, 1);
}

/* A value that took so long to load that it is due as soon as it may be. */
static void
load_slowly (Scene *scene)
{
  grel_ttl_cache_set_early_refresh (scene->cache, 0.5);
  scene->loader.clock = scene->clock;
  scene->loader.duration = 36500 * G_TIME_SPAN_DAY;
  grel_test_cache_scene_load (scene, "key", "loaded");
  scene->loader.clock = NULL;
}

static void
a_value_is_refreshed_early_in_the_background (Scene *scene, gconstpointer data)
{
  load_slowly (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL / 2);
  scene->loader.text = "again";
  scene->loader.hangs = TRUE;
  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_cache_scene_load (scene, "key", "loaded"); /* under way already */
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 2);
  grel_test_loader_go_on (&scene->loader);
  grel_test_settle ();
  grel_test_cache_scene_expect (scene, "key", "again");
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "refreshes"), ==, 1);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "misses"), ==, 1);
}

static void
a_value_is_not_refreshed_before_the_last_part_of_its_time (Scene *scene, gconstpointer data)
{
  load_slowly (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL / 2 - 1);
  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 1);
}

static void
a_value_that_was_set_is_not_refreshed_early (Scene *scene, gconstpointer data)
{
  load_slowly (scene);
  grel_test_cache_scene_set (scene, "key", "set", NULL);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL - 1);
  grel_test_cache_scene_load (scene, "key", "set");
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 1);
}

static void
a_refresh_that_fails_is_reported_and_the_value_stays (Scene *scene, gconstpointer data)
{
  Reports reports = { scene };

  g_signal_connect (scene->cache, "background-error", G_CALLBACK (on_background_error), &reports);
  load_slowly (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL / 2);
  scene->loader.failure = "unreachable";
  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_settle ();
  expect_warning ("*“key”*unreachable*");
  g_assert_cmpuint (reports.n_reports, ==, 1);
  grel_test_cache_scene_expect (scene, "key", "loaded");

  scene->loader.failure = NULL;
  scene->loader.text = "again";
  grel_test_cache_scene_load (scene, "key", "loaded"); /* tries again */
  grel_test_settle ();
  grel_test_cache_scene_expect (scene, "key", "again");
}

static void
a_miss_waits_for_a_refresh_that_is_under_way (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };

  load_slowly (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL / 2);
  scene->loader.text = "again";
  scene->loader.hangs = TRUE;
  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_settle ();
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL / 2);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 2);
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &result, "again");
}

static void
refresh_from_a_thread (gpointer data, gpointer unused)
{
  Scene *scene = data;
  g_autoptr (GError) error = NULL;

  grel_test_assert_bytes (grel_ttl_cache_get_or_load_from_thread (scene->cache, "key",
                                                                  grel_test_loader_load,
                                                                  &scene->loader, NULL, NULL,
                                                                  &error),
                          scene->loader.failure != NULL ? "loaded" : "again");
  g_assert_no_error (error);
}

static void
a_thread_refreshes_inline (Scene *scene, gconstpointer data)
{
  load_slowly (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL / 2);
  scene->loader.text = "again";
  grel_test_in_thread (refresh_from_a_thread, scene);
  grel_test_settle ();
  grel_test_cache_scene_expect (scene, "key", "again");
}

static void
a_thread_keeps_its_value_if_the_refresh_fails (Scene *scene, gconstpointer data)
{
  Reports reports = { scene };

  g_signal_connect (scene->cache, "background-error", G_CALLBACK (on_background_error), &reports);
  load_slowly (scene);
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL / 2);
  scene->loader.failure = "unreachable";
  grel_test_in_thread (refresh_from_a_thread, scene);
  grel_test_settle ();
  expect_warning ("*“key”*unreachable*");
  g_assert_cmpuint (reports.n_reports, ==, 1);
}

static void
a_store_that_fails_after_a_good_load_costs_no_value (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_FAILS);
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &result, "loaded");
  expect_warning ("*“key”*storing*the store is down*");
}

/* Its time ended before there was any, and it was to last for longer than there will be. */
static void
a_record_that_makes_no_sense_is_a_miss (Scene *scene, gconstpointer data)
{
  grel_test_cache_store_set_behind (scene->store, "cache:key",
                                    "\x89grel\r\n\x1a"
                                    "\x80\x01\x01\x01\x01\x01\x01\x01"
                                    "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"
                                    "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"
                                    "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"
                                    "text");
  grel_test_cache_scene_expect (scene, "key", NULL);
  grel_ttl_cache_set_stale_ttl (scene->cache, G_TIME_SPAN_MINUTE);
  grel_test_cache_scene_load (scene, "key", "loaded");
}

#define ADD(test) grel_test_cache_scene_add ("freshness", #test, test, TRUE)
#define ADD_STORE(test) grel_test_cache_scene_add ("freshness", #test, test, FALSE)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);

  ADD (a_stale_value_stands_in_for_a_load_that_fails);
  ADD (a_stale_value_is_no_hit);
  ADD (a_stale_value_has_an_end);
  ADD (a_stale_value_has_an_end_while_it_is_loaded);
  ADD (without_a_stale_value_the_error_is_told);
  ADD (a_set_leaves_no_older_stale_value);
  ADD (a_delete_leaves_nothing_stale);
  ADD (a_tag_leaves_nothing_stale);
  ADD (what_was_deleted_during_a_load_does_not_stand_in_for_it);
  ADD (a_cancel_is_never_answered_with_a_stale_value);
  ADD_STORE (a_dead_store_is_not_hidden);
  ADD_STORE (a_record_that_makes_no_sense_is_a_miss);
  ADD (a_soft_timeout_makes_do_with_a_stale_value_while_the_load_goes_on);
  ADD (a_soft_timeout_without_a_stale_value_waits);
  ADD (a_load_that_fails_after_the_soft_timeout_is_reported);
  ADD (a_value_is_refreshed_early_in_the_background);
  ADD (a_value_is_not_refreshed_before_the_last_part_of_its_time);
  ADD (a_value_that_was_set_is_not_refreshed_early);
  ADD (a_refresh_that_fails_is_reported_and_the_value_stays);
  ADD (a_miss_waits_for_a_refresh_that_is_under_way);
  ADD (a_thread_refreshes_inline);
  ADD (a_thread_keeps_its_value_if_the_refresh_fails);
  ADD_STORE (a_store_that_fails_after_a_good_load_costs_no_value);
  status = g_test_run ();
  g_free (warnings.last);
  return status;
}
