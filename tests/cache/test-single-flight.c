/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"

/* One load of a key at a time, whoever asks, and what ends or outdates it. */

typedef GrelTestCacheScene Scene;

#define N_WAITERS 20

static void
begin_many (Scene *scene, GrelTestResult *results)
{
  scene->loader.hangs = TRUE;
  for (guint i = 0; i < N_WAITERS; i++)
    grel_test_cache_scene_begin (scene, "key", NULL, NULL, &results[i]);
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 1);
}

static void
all_who_miss_share_one_load (Scene *scene, gconstpointer data)
{
  GrelTestResult results[N_WAITERS] = { { NULL } };

  begin_many (scene, results);
  grel_test_loader_go_on (&scene->loader);
  for (guint i = 0; i < N_WAITERS; i++)
    {
      grel_test_cache_scene_end (scene, &results[i], "loaded");
      grel_test_result_clear (&results[i]);
    }
  g_assert_cmpint (scene->loader.n_runs, ==, 1);
  grel_test_cache_scene_expect (scene, "key", "loaded");
}

static void
all_who_miss_share_its_error_and_the_next_one_loads (Scene *scene, gconstpointer data)
{
  GrelTestResult results[N_WAITERS] = { { NULL } };

  begin_many (scene, results);
  scene->loader.failure = "unreachable";
  grel_test_loader_go_on (&scene->loader);
  for (guint i = 0; i < N_WAITERS; i++)
    {
      g_autoptr (GError) error = grel_test_cache_scene_end_badly (scene, &results[i]);

      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE);
      grel_test_result_clear (&results[i]);
    }
  g_assert_cmpint (scene->loader.n_runs, ==, 1);

  scene->loader.failure = NULL;
  scene->loader.hangs = FALSE;
  grel_test_cache_scene_load (scene, "key", "loaded");
  g_assert_cmpint (scene->loader.n_runs, ==, 2);
}

static void
different_keys_do_not_wait_for_each_other (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) slow = { NULL };

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "slow", NULL, NULL, &slow);
  grel_test_settle ();
  scene->loader.hangs = FALSE;
  grel_test_cache_scene_load (scene, "quick", "loaded");
  g_assert_false (slow.is_done);
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &slow, "loaded");
}

static void
a_hit_does_not_wait_for_a_load_of_its_key (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) slow = { NULL };

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &slow);
  grel_test_settle ();
  grel_test_cache_scene_set (scene, "key", "set", NULL);
  grel_test_cache_scene_load (scene, "key", "set");
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &slow, "loaded");
}

static void
one_that_is_cancelled_hands_over (Scene *scene, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) first = { NULL };
  g_auto (GrelTestResult) second = { NULL };
  g_auto (GrelTestResult) third = { NULL };
  g_autoptr (GError) error = NULL;
  GTask *task;

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, cancellable, &first);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &second);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &third);
  grel_test_settle ();
  task = g_queue_peek_head (&scene->loader.tasks);
  g_assert_false (g_cancellable_is_cancelled (g_task_get_cancellable (task)));

  g_cancellable_cancel (cancellable);
  error = grel_test_cache_scene_end_badly (scene, &first);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  grel_test_settle ();
  g_assert_true (g_cancellable_is_cancelled (g_task_get_cancellable (task)));
  g_assert_cmpint (scene->loader.n_runs, ==, 2);
  g_assert_false (second.is_done);

  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &second, "loaded");
  grel_test_cache_scene_end (scene, &third, "loaded");
  g_assert_cmpint (scene->loader.n_runs, ==, 2);
}

static void
one_that_only_waits_may_be_cancelled (Scene *scene, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) first = { NULL };
  g_auto (GrelTestResult) second = { NULL };
  g_autoptr (GError) error = NULL;

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &first);
  grel_test_cache_scene_begin (scene, "key", NULL, cancellable, &second);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  error = grel_test_cache_scene_end_badly (scene, &second);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (first.is_done);
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &first, "loaded");
}

static void
a_load_that_nobody_waits_for_is_cancelled (Scene *scene, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) only = { NULL };
  g_autoptr (GError) error = NULL;

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, cancellable, &only);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  error = grel_test_cache_scene_end_badly (scene, &only);
  g_assert_true (
    g_cancellable_is_cancelled (g_task_get_cancellable (g_queue_peek_head (&scene->loader.tasks))));

  grel_test_loader_go_on (&scene->loader); /* too late */
  grel_test_settle ();
  grel_test_cache_scene_expect (scene, "key", NULL);
  scene->loader.hangs = FALSE;
  grel_test_cache_scene_load (scene, "key", "loaded");
}

/* A loop runs its context without making it thread-default. */
static void
run_without_default (Scene *scene, const int *flag)
{
  g_main_context_pop_thread_default (scene->context);
  while (!*flag)
    g_main_context_iteration (scene->context, TRUE);
  g_main_context_push_thread_default (scene->context);
}

static void
a_load_starts_in_the_context_of_its_caller (Scene *scene, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) first = { NULL };
  g_auto (GrelTestResult) second = { NULL };
  g_autoptr (GError) error = NULL;

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, cancellable, &first);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &second);
  grel_test_settle ();
  scene->loader.hangs = FALSE;
  scene->loader.started_within = NULL;
  g_cancellable_cancel (cancellable);
  run_without_default (scene, &second.is_done);
  g_assert_true (scene->loader.started_within == scene->context);
  grel_test_cache_scene_end (scene, &second, "loaded");
  error = grel_test_cache_scene_end_badly (scene, &first);
}

typedef enum
{
  BY_SET,
  BY_DELETE,
  BY_TAG,
  BY_CLEAR,
  BY_SET_MANY,
  BY_DELETE_MANY,
  BY_SKIP
} Change;

static void
change (Scene *scene, Change how)
{
  g_autoptr (GHashTable) values
    = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_bytes_unref);
  const char *keys[] = { "other", "key", NULL };
  g_auto (GrelTestResult) result = { NULL };

  switch (how)
    {
    case BY_SET:
      grel_test_cache_scene_set (scene, "key", "newer", NULL);
      break;
    case BY_DELETE:
      grel_test_cache_scene_delete (scene, "key");
      break;
    case BY_TAG:
      grel_test_cache_scene_delete_tag (scene, "red");
      break;
    case BY_CLEAR:
      grel_ttl_cache_clear_async (scene->cache, NULL, grel_test_result_ready, &result);
      grel_test_result_wait (&result);
      break;
    case BY_SET_MANY:
      g_hash_table_insert (values, (gpointer) "key", g_bytes_new_static ("newer", 5));
      grel_ttl_cache_set_many_async (scene->cache, values, 0, NULL, NULL, grel_test_result_ready,
                                     &result);
      grel_test_result_wait (&result);
      break;
    case BY_DELETE_MANY:
      grel_ttl_cache_delete_many_async (scene->cache, keys, NULL, grel_test_result_ready, &result);
      grel_test_result_wait (&result);
      break;
    case BY_SKIP:
    default:
      grel_ttl_cache_skip (scene->cache, "key");
      break;
    }
}

static void
a_load_never_overwrites_what_is_newer (Scene *scene, gconstpointer data)
{
  static const char *const after[] = { "newer", NULL, NULL, NULL, "newer", NULL, NULL };

  for (Change how = BY_SET; how <= BY_SKIP; how++)
    {
      g_auto (GrelTestResult) result = { NULL };

      scene->loader.hangs = TRUE;
      grel_test_cache_scene_begin (scene, "key", "red", NULL, &result);
      grel_test_settle ();
      change (scene, how);
      grel_test_loader_go_on (&scene->loader);
      grel_test_cache_scene_end (scene, &result, "loaded");
      grel_test_cache_scene_expect (scene, "key", after[how]);
      grel_test_cache_scene_delete (scene, "key");
    }
}

static void
a_tag_that_a_load_does_not_have_leaves_it_alone (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) result = { NULL };

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", "blue", NULL, &result);
  grel_test_settle ();
  grel_test_cache_scene_delete_tag (scene, "red");
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &result, "loaded");
  grel_test_cache_scene_expect (scene, "key", "loaded");
}

static void
who_asks_after_a_delete_gets_what_is_loaded_after_it (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) before = { NULL };
  g_auto (GrelTestResult) after = { NULL };

  scene->loader.hangs = TRUE;
  scene->loader.text = "old";
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &before);
  grel_test_settle ();
  grel_test_cache_scene_delete (scene, "key");
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &after);
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 1); /* one at a time */

  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &before, "old");
  grel_test_settle ();
  g_assert_false (after.is_done);
  scene->loader.text = "new";
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &after, "new");
  grel_test_cache_scene_expect (scene, "key", "new");
  g_assert_cmpint (scene->loader.n_running_most, ==, 1);
}

/* The value is loaded, and on its way to the store, which hangs. */
static void
begin_to_store (Scene *scene, GrelTestResult *result)
{
  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, result);
  grel_test_settle ();
  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_HANGS);
  grel_test_loader_go_on (&scene->loader);
  grel_test_settle ();
}

static void
a_change_does_not_overtake_a_value_on_its_way_to_the_store (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) loaded = { NULL };
  g_auto (GrelTestResult) deleted = { NULL };

  begin_to_store (scene, &loaded);
  g_assert_cmpuint (grel_test_desk_get_n_hanging (scene->desk), ==, 1);

  grel_ttl_cache_delete_async (scene->cache, "key", NULL, grel_test_result_ready, &deleted);
  grel_test_settle ();
  g_assert_cmpuint (grel_test_desk_get_n_hanging (scene->desk), ==, 1);

  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_ANSWERS);
  grel_test_desk_answer (scene->desk);
  grel_test_cache_scene_end (scene, &loaded, "loaded");
  g_assert_true (
    grel_ttl_cache_delete_finish (scene->cache, grel_test_result_wait (&deleted), NULL));
  grel_test_cache_scene_expect (scene, "key", NULL);
}

static void
a_change_that_is_cancelled_while_it_waits_is_not_made (Scene *scene, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) loaded = { NULL };
  g_auto (GrelTestResult) deleted = { NULL };
  g_autoptr (GError) error = NULL;

  begin_to_store (scene, &loaded);
  grel_ttl_cache_delete_async (scene->cache, "key", cancellable, grel_test_result_ready, &deleted);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  grel_ttl_cache_delete_finish (scene->cache, grel_test_result_wait (&deleted), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_ANSWERS);
  grel_test_desk_answer (scene->desk);
  grel_test_cache_scene_end (scene, &loaded, "loaded");
  grel_test_cache_scene_expect (scene, "key", "loaded");
}

static void
a_store_that_hangs_is_not_waited_for_by_other_keys (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) loaded = { NULL };

  begin_to_store (scene, &loaded);
  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_ANSWERS);
  grel_test_cache_scene_set (scene, "other", "value", NULL);
  grel_test_cache_scene_delete (scene, "other");
  g_assert_false (loaded.is_done);
  grel_test_desk_answer (scene->desk);
  grel_test_cache_scene_end (scene, &loaded, "loaded");
}

static void
a_miss_is_not_looked_up_again_for_what_else_was_loaded (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) other = { NULL };
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;
  guint n_requests;

  scene->loader.hangs = TRUE;
  scene->loader.failure = "unreachable";
  grel_test_cache_scene_begin (scene, "other", NULL, NULL, &other);
  grel_test_settle ();
  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_HANGS);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  grel_test_loader_go_on (&scene->loader);
  error = grel_test_cache_scene_end_badly (scene, &other);

  scene->loader.hangs = FALSE;
  scene->loader.failure = NULL;
  n_requests = grel_test_desk_get_n_requests (scene->desk);
  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_ANSWERS);
  grel_test_desk_answer (scene->desk);
  grel_test_cache_scene_end (scene, &result, "loaded");
  g_assert_cmpuint (grel_test_desk_get_n_requests (scene->desk), ==,
                    n_requests + 1); /* to keep it */
}

static void
a_miss_that_a_load_overtook_is_looked_up_again (Scene *scene, gconstpointer data)
{
  g_auto (GrelTestResult) late = { NULL };

  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_HANGS);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &late);
  grel_test_settle ();
  grel_test_desk_set_mood (scene->desk, GREL_TEST_STORE_ANSWERS);
  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_cache_scene_delete (scene, "key");
  grel_test_desk_answer (scene->desk); /* a miss: it knows nothing of what comes next */
  grel_test_cache_store_set_behind (scene->store, "cache:key", "meanwhile");
  grel_test_cache_scene_end (scene, &late, "meanwhile");
  g_assert_cmpint (scene->loader.n_runs, ==, 1);
}

static void
a_close_ends_all_who_wait_and_the_load (Scene *scene, gconstpointer data)
{
  GrelTestResult results[N_WAITERS] = { { NULL } };
  GTask *task;

  begin_many (scene, results);
  task = g_queue_peek_head (&scene->loader.tasks);
  grel_test_backend_close (scene->backend, NULL);
  g_assert_true (g_cancellable_is_cancelled (g_task_get_cancellable (task)));
  for (guint i = 0; i < N_WAITERS; i++)
    {
      g_autoptr (GError) error = grel_test_cache_scene_end_badly (scene, &results[i]);

      grel_test_assert_error (error, GREL_ERROR_CLOSED, "key");
      grel_test_result_clear (&results[i]);
    }

  grel_test_backend_open (scene->backend, NULL);
  grel_test_loader_go_on (&scene->loader); /* of before */
  grel_test_settle ();
  grel_test_cache_scene_expect (scene, "key", NULL);
  scene->loader.hangs = FALSE;
  grel_test_cache_scene_load (scene, "key", "loaded");
}

static void
start_and_drop (GTask *task, gpointer data)
{
}

static void
start_and_return_a_number (GTask *task, gpointer data)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT);
  g_task_return_value (task, &value);
}

static void
a_loader_that_gives_no_bytes_is_told_so (Scene *scene, gconstpointer data)
{
  GrelOperation *loaders[] = { grel_operation_new (start_and_drop, NULL, NULL),
                               grel_operation_new (start_and_return_a_number, NULL, NULL) };

  for (guint i = 0; i < G_N_ELEMENTS (loaders); i++)
    {
      g_auto (GrelTestResult) result = { NULL };
      g_autoptr (GError) error = NULL;

      grel_ttl_cache_get_or_load_async (scene->cache, "key", loaders[i], NULL, NULL,
                                        grel_test_result_ready, &result);
      error = grel_test_cache_scene_end_badly (scene, &result);
      g_assert_error (error, GREL_ERROR, GREL_ERROR_BACKEND);
      g_object_unref (loaders[i]);
    }
}

static GBytes *
load_nothing (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  return NULL;
}

static GBytes *
load_recursively (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  Scene *scene = data;

  return grel_ttl_cache_get_or_load_from_thread (scene->cache, g_str_equal (key, "a") ? "b" : "a",
                                                 load_recursively, scene, NULL, NULL, error);
}

static GBytes *
load_itself (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  Scene *scene = data;

  return grel_ttl_cache_get_or_load_from_thread (scene->cache, key, load_itself, scene, NULL, NULL,
                                                 error);
}

static GBytes *
load_another (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  Scene *scene = data;

  return grel_ttl_cache_get_or_load_from_thread (scene->cache, "b", grel_test_loader_load,
                                                 &scene->loader, NULL, NULL, error);
}

static void
load_in_turn (gpointer data, gpointer unused)
{
  Scene *scene = data;
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_ttl_cache_get_or_load_from_thread (scene->cache, "key", load_nothing, NULL,
                                                         NULL, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "key", "loader");
  g_assert_null (grel_ttl_cache_get_or_load_from_thread (scene->cache, "key", load_itself, scene,
                                                         NULL, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_REENTRANT, "key");
  g_assert_null (grel_ttl_cache_get_or_load_from_thread (scene->cache, "a", load_recursively, scene,
                                                         NULL, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_REENTRANT, "a");
  grel_test_assert_bytes (grel_ttl_cache_get_or_load_from_thread (scene->cache, "a", load_another,
                                                                  scene, NULL, NULL, &error),
                          "loaded");
  g_assert_no_error (error);
}

static void
a_recursive_load_on_a_thread_is_refused (Scene *scene, gconstpointer data)
{
  grel_test_in_thread (load_in_turn, scene);
  grel_test_cache_scene_expect (scene, "b", "loaded");
}

#define ADD(test) grel_test_cache_scene_add ("single-flight", #test, test, TRUE)
#define ADD_STORE(test) grel_test_cache_scene_add ("single-flight", #test, test, FALSE)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (all_who_miss_share_one_load);
  ADD (all_who_miss_share_its_error_and_the_next_one_loads);
  ADD (different_keys_do_not_wait_for_each_other);
  ADD (a_hit_does_not_wait_for_a_load_of_its_key);
  ADD (one_that_is_cancelled_hands_over);
  ADD (one_that_only_waits_may_be_cancelled);
  ADD (a_load_that_nobody_waits_for_is_cancelled);
  ADD (a_load_starts_in_the_context_of_its_caller);
  ADD (a_load_never_overwrites_what_is_newer);
  ADD (a_tag_that_a_load_does_not_have_leaves_it_alone);
  ADD (who_asks_after_a_delete_gets_what_is_loaded_after_it);
  ADD_STORE (a_change_does_not_overtake_a_value_on_its_way_to_the_store);
  ADD_STORE (a_change_that_is_cancelled_while_it_waits_is_not_made);
  ADD_STORE (a_store_that_hangs_is_not_waited_for_by_other_keys);
  ADD_STORE (a_miss_that_a_load_overtook_is_looked_up_again);
  ADD_STORE (a_miss_is_not_looked_up_again_for_what_else_was_loaded);
  ADD (a_close_ends_all_who_wait_and_the_load);
  ADD (a_loader_that_gives_no_bytes_is_told_so);
  ADD (a_recursive_load_on_a_thread_is_refused);
  return g_test_run ();
}
