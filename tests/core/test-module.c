/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* Stores that are modules. */

typedef struct
{
  char *folder; /* GREL_MODULE_PATH, with the module of a third party */
} Fixture;

static void
add_link (Fixture *fixture, const char *name, const char *target)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

  g_assert_no_errno (symlink (target, path));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *module = g_test_build_filename (G_TEST_BUILT, "libgrel-third.so", NULL);

  fixture->folder = g_dir_make_tmp (NULL, NULL);
  g_setenv ("GREL_MODULE_PATH", fixture->folder, TRUE);
  add_link (fixture, "libgrel-third.so", module);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      g_assert_no_errno (g_unlink (path));
    }
  g_assert_no_errno (g_rmdir (fixture->folder));
  g_free (fixture->folder);
  g_unsetenv ("GREL_MODULE_PATH");
}

static void
expect_third (const char *uri)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri (uri, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (G_OBJECT_TYPE_NAME (provider), ==, "ThirdProvider");
  g_assert_cmpstr (grel_provider_get_secret_uri (provider), ==, uri);
}

#define expect_error(uri, ...)                                                                     \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autoptr (GError) expected = NULL;                                                            \
                                                                                                   \
    g_assert_null (grel_provider_new_for_uri (uri, &expected));                                    \
    grel_test_assert_error (expected, GREL_ERROR_NOT_REGISTERED, "provider", "uri:", __VA_ARGS__); \
  }                                                                                                \
  G_STMT_END

static void
the_scheme_names_the_file (Fixture *fixture, gconstpointer data)
{
  expect_third ("third:");
  expect_third ("THIRD://user:SECRET@host");
}

static void
what_follows_a_plus_is_for_the_module (Fixture *fixture, gconstpointer data)
{
  expect_third ("third+unix:/path");
  expect_error ("third+none:", "libgrel-third.so");
}

static void
another_scheme_is_a_link_to_the_file (Fixture *fixture, gconstpointer data)
{
  expect_error ("thirds:", "no store for this scheme");
  add_link (fixture, "libgrel-thirds.so", "libgrel-third.so");
  expect_third ("thirds:");
  expect_third ("third:");
}

static void
what_is_missing_is_named (Fixture *fixture, gconstpointer data)
{
  static const char *const uris[] = {
    "redis:",
    "rediss:",
    "redis+unix:/path",
    "redis+sentinel://h1,h2/service",
    "rediss+sentinel://h1,h2/service",
    "redis+cluster://h1,h2",
    "valkey:",
    "valkeys:",
    "valkey+unix:/path",
    "valkeys+cluster://h1,h2",
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    expect_error (uris[i], "libgrel-redis.so", "not installed", "libgrelmicro-1-redis");
  expect_error ("fourth:", "libgrel-SCHEME.so", "grelmicro-1/providers");
}

static void
without_a_folder_there_are_no_modules (Fixture *fixture, gconstpointer data)
{
  g_setenv ("GREL_MODULE_PATH", "", TRUE);
  expect_error ("third:", "no store for this scheme");
  g_unsetenv ("GREL_MODULE_PATH");
  expect_error ("third:", "no store for this scheme");
}

static void
a_file_that_is_no_library_is_named (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "libgrel-broken.so", NULL);

  g_assert_true (g_file_set_contents (path, "text", -1, NULL));
  expect_error ("broken:", "not usable", "libgrel-broken.so");
}

static void
a_library_that_is_no_module_is_named (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_test_build_filename (G_TEST_BUILT, "libgrel-other.so", NULL);

  add_link (fixture, "libgrel-other.so", other);
  expect_error ("other:", "not usable", "grel_provider_module_query");
}

static void
open_third (gpointer data, gpointer unused)
{
  expect_third ("third:");
}

static void
threads_may_open_it_at_the_same_time (Fixture *fixture, gconstpointer data)
{
  GThreadPool *pool = g_thread_pool_new (open_third, NULL, 8, TRUE, NULL);

  for (gsize i = 1; i <= 100; i++)
    g_thread_pool_push (pool, GSIZE_TO_POINTER (i), NULL);
  g_thread_pool_free (pool, FALSE, TRUE);
}

#define RULE(name) g_test_add ("/module/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (the_scheme_names_the_file);
  RULE (what_follows_a_plus_is_for_the_module);
  RULE (another_scheme_is_a_link_to_the_file);
  RULE (what_is_missing_is_named);
  RULE (without_a_folder_there_are_no_modules);
  RULE (a_file_that_is_no_library_is_named);
  RULE (a_library_that_is_no_module_is_named);
  RULE (threads_may_open_it_at_the_same_time);
  return g_test_run ();
}
