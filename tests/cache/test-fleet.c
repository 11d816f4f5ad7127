/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"
#include "grel-test-store.h"

/* One load at a time in all processes, of which another is played by what happens behind the back
 * of this one. */

#define FLEET_LOCK "lock:cache.stampede."

typedef struct
{
  GrelTestCacheScene base; /* its backend is the app's */
  GrelApp *app;
  GrelTestStore *locks;
  char *lock; /* its key at the store */
} Fleet;

static void
set_up (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "cache:key", -1);
  g_autoptr (GError) error = NULL;

  fleet->lock = g_strdup_printf (FLEET_LOCK "%.32s", hash);
  scene->context = g_main_context_new ();
  g_main_context_push_thread_default (scene->context);
  scene->clock = grel_virtual_clock_new ();
  scene->store = grel_test_cache_store_new ();
  scene->desk = grel_test_cache_store_get_desk (scene->store);
  scene->cache = grel_ttl_cache_new (GREL_TEST_TTL);
  grel_test_loader_init (&scene->loader, "loaded");

  fleet->locks = grel_test_store_new ();
  fleet->app = grel_app_new ();
  grel_app_set_clock (fleet->app, GREL_CLOCK (scene->clock));
  g_assert_true (grel_app_use (fleet->app, G_OBJECT (fleet->locks), NULL, &error));
  g_assert_true (grel_app_use (fleet->app, G_OBJECT (scene->store), NULL, &error));
  grel_ttl_cache_set_app (scene->cache, fleet->app);
  grel_ttl_cache_set_lock (scene->cache, GREL_CACHE_LOCK_FLEET);
  grel_test_app_open (fleet->app, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  g_autoptr (GError) error = NULL;

  grel_test_app_close (fleet->app, &error);
  g_assert_no_error (error);
  grel_test_settle ();
  grel_test_loader_clear (&scene->loader);
  g_assert_finalize_object (scene->cache);
  g_assert_finalize_object (fleet->app);
  g_assert_finalize_object (scene->store);
  g_assert_finalize_object (fleet->locks);
  g_object_unref (scene->clock);
  g_main_context_pop_thread_default (scene->context);
  g_main_context_unref (scene->context);
  g_free (fleet->lock);
}

static void
a_load_holds_the_lock_of_its_key (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  g_auto (GrelTestResult) result = { NULL };

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 1);
  g_assert_true (grel_test_store_is_locked (fleet->locks, fleet->lock));
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &result, "loaded");
  grel_test_settle ();
  g_assert_false (grel_test_store_is_locked (fleet->locks, fleet->lock));
}

static void
a_hit_takes_no_lock (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  guint n_requests;

  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_settle ();
  n_requests = grel_test_store_get_n_requests (fleet->locks);
  grel_test_cache_scene_load (scene, "key", "loaded");
  g_assert_cmpuint (grel_test_store_get_n_requests (fleet->locks), ==, n_requests);
}

static void
what_another_process_loads_is_waited_for (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  g_auto (GrelTestResult) result = { NULL };

  grel_test_store_acquire_behind (fleet->locks, fleet->lock, "rival", G_TIME_SPAN_MINUTE);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 0);

  grel_test_cache_store_set_behind (scene->store, "cache:key", "theirs");
  grel_test_store_release_behind (fleet->locks, fleet->lock, "rival");
  grel_test_cache_scene_pass (scene, G_TIME_SPAN_SECOND);
  grel_test_cache_scene_end (scene, &result, "theirs");
  g_assert_cmpint (scene->loader.n_runs, ==, 0);
}

static void
a_process_that_died_is_outlived (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  g_auto (GrelTestResult) result = { NULL };

  grel_test_store_acquire_behind (fleet->locks, fleet->lock, "rival", G_TIME_SPAN_MINUTE);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  grel_test_cache_scene_pass (scene, 2 * G_TIME_SPAN_MINUTE);
  grel_test_cache_scene_end (scene, &result, "loaded");
}

static void
the_lease_is_extended_while_a_load_takes_its_time (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  g_auto (GrelTestResult) result = { NULL };

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  for (guint i = 0; i < 20; i++)
    grel_test_cache_scene_pass (scene, 15 * G_TIME_SPAN_SECOND);
  g_assert_true (grel_test_store_is_locked (fleet->locks, fleet->lock));
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &result, "loaded");
}

static void
a_lease_that_is_lost_costs_no_value (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  g_auto (GrelTestResult) result = { NULL };

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  grel_test_settle ();
  g_assert_true (grel_test_store_steal (fleet->locks, fleet->lock));
  grel_test_cache_scene_pass (scene, 30 * G_TIME_SPAN_SECOND);
  grel_test_loader_go_on (&scene->loader);
  grel_test_cache_scene_end (scene, &result, "loaded");
  grel_test_cache_scene_expect (scene, "key", "loaded");
}

static void
a_lock_store_that_fails_fails_the_load (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  grel_test_store_set_mood (fleet->locks, GREL_TEST_STORE_FAILS);
  grel_test_cache_scene_begin (scene, "key", NULL, NULL, &result);
  error = grel_test_cache_scene_end_badly (scene, &result);
  g_assert_error (error, GREL_ERROR, GREL_ERROR_BACKEND);
  g_assert_cmpint (scene->loader.n_runs, ==, 0);
}

static void
one_that_is_cancelled_gives_the_lock_back (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;

  scene->loader.hangs = TRUE;
  grel_test_cache_scene_begin (scene, "key", NULL, cancellable, &result);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  error = grel_test_cache_scene_end_badly (scene, &result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  grel_test_loader_go_on (&scene->loader);
  grel_test_settle ();
  g_assert_false (grel_test_store_is_locked (fleet->locks, fleet->lock));
}

static void
load_from_thread (gpointer data, gpointer unused)
{
  GrelTestCacheScene *scene = data;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    grel_test_assert_bytes (grel_ttl_cache_get_or_load_from_thread (scene->cache, "key",
                                                                    grel_test_loader_load,
                                                                    &scene->loader, NULL, NULL,
                                                                    &error),
                            scene->loader.text);
  g_assert_no_error (error);
}

static void
a_thread_holds_it_as_well (Fleet *fleet, gconstpointer data)
{
  grel_test_in_thread (load_from_thread, &fleet->base);
  grel_test_settle ();
  g_assert_cmpint (fleet->base.loader.n_runs, ==, 1);
  g_assert_cmpuint (grel_test_store_get_n_requests (fleet->locks), >, 0);
  g_assert_false (grel_test_store_is_locked (fleet->locks, fleet->lock));
}

/* Loads a value that is due to be refreshed early. */
static void
load_due (GrelTestCacheScene *scene)
{
  grel_ttl_cache_set_early_refresh (scene->cache, 0.5);
  scene->loader.clock = scene->clock;
  scene->loader.duration = 36500 * G_TIME_SPAN_DAY;
  grel_test_cache_scene_load (scene, "key", "loaded");
  scene->loader.clock = NULL;
  scene->loader.text = "again";
  grel_test_settle ();
  grel_test_cache_scene_pass (scene, GREL_TEST_TTL / 2);
}

static void
a_value_that_is_due_is_loaded_again (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;

  load_due (scene);
  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 2);
  grel_test_cache_scene_expect (scene, "key", "again");
  g_assert_false (grel_test_store_is_locked (fleet->locks, fleet->lock));
}

static void
a_thread_loads_it_again_as_well (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;

  load_due (scene);
  grel_test_in_thread (load_from_thread, scene);
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 2);
  grel_test_cache_scene_expect (scene, "key", "again");
}

static void
what_another_process_refreshes_is_left_to_it (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;

  load_due (scene);
  grel_test_store_acquire_behind (fleet->locks, fleet->lock, "rival", G_TIME_SPAN_MINUTE);
  scene->loader.text = "loaded";
  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_in_thread (load_from_thread, scene);
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 1);
  g_assert_cmpuint (grel_test_cache_get_figure (scene->cache, "failures"), ==, 0);
}

static void
what_another_process_has_refreshed_is_not_loaded_again (Fleet *fleet, gconstpointer data)
{
  GrelTestCacheScene *scene = &fleet->base;

  load_due (scene);
  grel_test_store_set_mood (fleet->locks, GREL_TEST_STORE_HANGS);
  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_settle ();
  grel_test_cache_store_set_behind (scene->store, "cache:key", "theirs");
  grel_test_store_set_mood (fleet->locks, GREL_TEST_STORE_ANSWERS);
  grel_test_store_answer (fleet->locks);
  grel_test_settle ();
  g_assert_cmpint (scene->loader.n_runs, ==, 1);
  grel_test_cache_scene_expect (scene, "key", "theirs");
}

static void
without_a_lock_backend_there_is_one_load_in_this_process (GrelTestCacheScene *scene,
                                                          gconstpointer data)
{
  grel_ttl_cache_set_lock (scene->cache, GREL_CACHE_LOCK_FLEET);
  grel_test_cache_scene_load (scene, "key", "loaded");
  grel_test_cache_scene_delete (scene, "key");
  grel_test_in_thread (load_from_thread, scene);
  g_assert_cmpint (scene->loader.n_runs, ==, 2);
}

#define ADD(test) g_test_add ("/fleet/" #test, Fleet, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (a_load_holds_the_lock_of_its_key);
  ADD (a_hit_takes_no_lock);
  ADD (what_another_process_loads_is_waited_for);
  ADD (a_process_that_died_is_outlived);
  ADD (the_lease_is_extended_while_a_load_takes_its_time);
  ADD (a_lease_that_is_lost_costs_no_value);
  ADD (a_lock_store_that_fails_fails_the_load);
  ADD (one_that_is_cancelled_gives_the_lock_back);
  ADD (a_thread_holds_it_as_well);
  ADD (a_value_that_is_due_is_loaded_again);
  ADD (a_thread_loads_it_again_as_well);
  ADD (what_another_process_refreshes_is_left_to_it);
  ADD (what_another_process_has_refreshed_is_not_loaded_again);
  g_test_add ("/fleet/without-a-lock-backend/memory", GrelTestCacheScene, NULL,
              grel_test_cache_scene_set_up_memory,
              without_a_lock_backend_there_is_one_load_in_this_process,
              grel_test_cache_scene_tear_down);
  g_test_add ("/fleet/without-a-lock-backend/store", GrelTestCacheScene, NULL,
              grel_test_cache_scene_set_up_store,
              without_a_lock_backend_there_is_one_load_in_this_process,
              grel_test_cache_scene_tear_down);
  return g_test_run ();
}
