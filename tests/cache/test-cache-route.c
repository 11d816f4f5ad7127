/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"

/* Where a cache that was told of no backend finds one, time after time. */

static void
expect_in_the_app (GrelTTLCache *cache, const char *wanted)
{
  g_autoptr (GError) error = NULL;

  grel_test_assert_bytes (grel_ttl_cache_get_from_thread (cache, "key", NULL, &error), wanted);
  g_assert_no_error (error);
}

/* Also if it was found before; and it keeps none of the others alive. */
static void
a_cache_finds_its_backend_in_the_app_that_is_open_now (void)
{
  g_autoptr (GrelTTLCache) cache = grel_ttl_cache_new (GREL_TEST_TTL);
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);
  g_autoptr (GError) error = NULL;
  GWeakRef before;

  g_weak_ref_init (&before, NULL);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GrelApp) app = grel_app_new_for_uri ("memory:", NULL);
      g_autoptr (GrelBackend) backend = NULL;

      g_assert_true (grel_app_open_in_thread (app, NULL));
      expect_in_the_app (cache, NULL);
      g_assert_null (g_weak_ref_get (&before));
      g_assert_true (grel_ttl_cache_set_from_thread (cache, "key", value, 0, NULL, NULL, NULL));
      expect_in_the_app (cache, "value");
      expect_in_the_app (cache, "value");

      backend = grel_app_get_backend (app, GREL_TYPE_CACHE_BACKEND, NULL, NULL);
      g_weak_ref_set (&before, backend);
      g_assert_true (grel_app_close_from_thread (app, NULL, NULL));
      g_assert_null (grel_ttl_cache_get_from_thread (cache, "key", NULL, &error));
      grel_test_assert_error (error, GREL_ERROR_CLOSED, "cache", "key");
    }
  g_weak_ref_clear (&before);
}

static gpointer
use_in_an_app_of_its_own (gpointer data)
{
  g_autoptr (GrelApp) app = grel_app_new_for_uri ("memory:", NULL);
  g_autoptr (GBytes) value = g_bytes_new (&app, sizeof app);

  g_assert_true (grel_app_open_in_thread (app, NULL));
  grel_app_push_thread_default (app);
  g_assert_true (grel_ttl_cache_set_from_thread (data, "key", value, 0, NULL, NULL, NULL));
  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (GBytes) found = grel_ttl_cache_get_from_thread (data, "key", NULL, NULL);

      g_assert_true (g_bytes_equal (found, value));
      if (i % 10 == 0)
        g_thread_yield ();
    }
  grel_app_pop_thread_default (app);
  g_assert_true (grel_app_close_from_thread (app, NULL, NULL));
  return NULL;
}

static void
threads_find_their_own_apps_at_once (void)
{
  g_autoptr (GrelTTLCache) cache = grel_ttl_cache_new (GREL_TEST_TTL);
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("user", use_in_an_app_of_its_own, cache);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cache-route/a_cache_finds_its_backend_in_the_app_that_is_open_now",
                   a_cache_finds_its_backend_in_the_app_that_is_open_now);
  g_test_add_func ("/cache-route/threads_find_their_own_apps_at_once",
                   threads_find_their_own_apps_at_once);
  return g_test_run ();
}
