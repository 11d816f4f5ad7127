/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-part.h"

#include <string.h>

/* An app on a context of the test's own, and a part that it may use. */
typedef struct
{
  GMainContext *context;
  GString *journal;
  GrelTestPart *part;
  GrelApp *app;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->context = g_main_context_new ();
  g_main_context_push_thread_default (fixture->context);
  fixture->journal = g_string_new (NULL);
  fixture->part = grel_test_part_new ("a", fixture->journal);
  fixture->app = grel_app_new ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unsetenv ("GREL_URL");
  g_unsetenv ("GREL_ENVIRONMENT");
  if (grel_app_get_is_open (fixture->app))
    grel_test_app_close (fixture->app, NULL);
  g_object_unref (fixture->app);
  g_object_unref (fixture->part);
  g_string_free (fixture->journal, TRUE);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

static void
use_part (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  grel_app_use (fixture->app, G_OBJECT (fixture->part), NULL, &error);
  g_assert_no_error (error);
}

static void
open_and_close (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  grel_test_app_open (fixture->app, &error);
  g_assert_no_error (error);
  grel_test_app_close (fixture->app, &error);
  g_assert_no_error (error);
}

static void
expect_error (Fixture *fixture, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_app_open (fixture->app, &error));
  if (strstr (error->message, "VALUE") != NULL)
    g_error ("“%s” repeats the value", error->message);
  grel_test_assert_error (error, code, word);
  g_assert_false (grel_app_get_is_open (fixture->app));
  g_assert_cmpstr (fixture->journal->str, ==, "");
}

static void
an_app_that_uses_nothing_uses_memory (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLock) lock
    = g_object_new (GREL_TYPE_LOCK, "name", "cart", "app", fixture->app, NULL);
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;

  grel_test_app_open (fixture->app, NULL);
  lease = grel_test_lock_acquire (lock, 0, &error);
  g_assert_no_error (error);
}

static void
an_app_that_uses_nothing_uses_the_store_of_the_environment (Fixture *fixture, gconstpointer data)
{
  g_setenv ("GREL_URL", "VALUE:", TRUE);
  expect_error (fixture, GREL_ERROR_NOT_REGISTERED, "uri:");
  g_setenv ("GREL_URL", "VALUE", TRUE);
  expect_error (fixture, GREL_ERROR_SETTINGS, "uri:");
  g_setenv ("GREL_URL", "memory:", TRUE);
  open_and_close (fixture);
}

static void
an_app_that_uses_something_does_not_ask_the_environment (Fixture *fixture, gconstpointer data)
{
  g_setenv ("GREL_URL", "VALUE:", TRUE);
  use_part (fixture);
  open_and_close (fixture);
}

static void
there_are_four_environments (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "development", "test", "staging", "production" };

  use_part (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      grel_app_set_environment (fixture->app, names[i]);
      open_and_close (fixture);
      grel_app_set_environment (fixture->app, NULL);
      g_setenv ("GREL_ENVIRONMENT", names[i], TRUE);
      open_and_close (fixture);
    }
}

static void
there_is_no_other_environment (Fixture *fixture, gconstpointer data)
{
  static const char *const names[]
    = { "", "VALUE", "Production", "prod", " production", "production ", "\xff" };

  use_part (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      grel_app_set_environment (fixture->app, names[i]);
      expect_error (fixture, GREL_ERROR_SETTINGS, "environment:");
      grel_app_set_environment (fixture->app, NULL);
      g_setenv ("GREL_ENVIRONMENT", names[i], TRUE);
      expect_error (fixture, GREL_ERROR_SETTINGS, "GREL_ENVIRONMENT:");
    }
}

static void
what_is_set_goes_before_the_variable (Fixture *fixture, gconstpointer data)
{
  g_setenv ("GREL_ENVIRONMENT", "VALUE", TRUE);
  grel_app_set_environment (fixture->app, "test");
  open_and_close (fixture);
}

static void
the_variable_is_read_when_the_app_opens (Fixture *fixture, gconstpointer data)
{
  g_setenv ("GREL_ENVIRONMENT", "production", TRUE);
  expect_error (fixture, GREL_ERROR_SCOPE, "GrelMemoryLockAdapter");
  g_unsetenv ("GREL_ENVIRONMENT");
  open_and_close (fixture);
}

static void
without_patience_it_does_not_open (Fixture *fixture, gconstpointer data)
{
  static const GTimeSpan values[] = { 0, -1, G_MININT64 };

  use_part (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      grel_app_set_patience (fixture->app, values[i]);
      expect_error (fixture, GREL_ERROR_SETTINGS, "patience:");
    }
  grel_app_set_patience (fixture->app, 1);
  open_and_close (fixture);
}

static void
in_staging_and_production_a_lock_is_shared_by_the_cluster (Fixture *fixture, gconstpointer data)
{
  grel_app_set_environment (fixture->app, "staging");
  expect_error (fixture, GREL_ERROR_SCOPE, "GrelMemoryLockAdapter");
  grel_app_set_environment (fixture->app, "production");
  expect_error (fixture, GREL_ERROR_SCOPE, "require_scope");
}

static void
elsewhere_a_lock_may_be_shared_by_the_process (Fixture *fixture, gconstpointer data)
{
  open_and_close (fixture);
  grel_app_set_environment (fixture->app, "development");
  open_and_close (fixture);
  grel_app_set_environment (fixture->app, "test");
  open_and_close (fixture);
}

static void
less_may_be_required_of_a_lock (Fixture *fixture, gconstpointer data)
{
  grel_app_set_environment (fixture->app, "production");
  grel_app_require_scope (fixture->app, GREL_TYPE_LOCK_BACKEND, GREL_SCOPE_PROCESS);
  open_and_close (fixture);
}

static void
of_other_kinds_nothing_is_required (Fixture *fixture, gconstpointer data)
{
  use_part (fixture);
  grel_app_set_environment (fixture->app, "production");
  grel_test_part_set_scope (fixture->part, GREL_SCOPE_PROCESS);
  open_and_close (fixture);
}

static gboolean
opens_with (Fixture *fixture, GrelScope has, GrelScope required)
{
  grel_test_part_set_scope (fixture->part, has);
  grel_app_require_scope (fixture->app, GREL_TEST_TYPE_PART, required);
  if (!grel_test_app_open (fixture->app, NULL))
    return FALSE;

  grel_test_app_close (fixture->app, NULL);
  return TRUE;
}

static void
a_scope_includes_the_narrower_ones (Fixture *fixture, gconstpointer data)
{
  use_part (fixture);
  grel_app_set_environment (fixture->app, "production");
  for (guint has = GREL_SCOPE_PROCESS; has <= GREL_SCOPE_CLUSTER; has++)
    for (guint required = GREL_SCOPE_UNDECLARED; required <= GREL_SCOPE_CLUSTER; required++)
      g_assert_cmpint (opens_with (fixture, has, required), ==, has >= required);
}

static void
who_declares_no_scope_is_never_refused (Fixture *fixture, gconstpointer data)
{
  use_part (fixture);
  grel_app_set_environment (fixture->app, "production");
  for (guint required = GREL_SCOPE_UNDECLARED; required <= GREL_SCOPE_CLUSTER; required++)
    g_assert_true (opens_with (fixture, GREL_SCOPE_UNDECLARED, required));
}

static void
all_findings_come_in_one_message (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelMemoryLockAdapter) adapter = grel_memory_lock_adapter_new ();
  g_autoptr (GError) error = NULL;

  use_part (fixture);
  grel_app_use (fixture->app, G_OBJECT (adapter), NULL, NULL);
  grel_app_use (fixture->app, G_OBJECT (fixture->part), "other", NULL);
  grel_app_set_environment (fixture->app, "production");
  grel_test_part_set_scope (fixture->part, GREL_SCOPE_PROCESS);
  grel_app_require_scope (fixture->app, GREL_TEST_TYPE_PART, GREL_SCOPE_HOST);

  g_assert_false (grel_test_app_open (fixture->app, &error));
  grel_test_assert_error (error, GREL_ERROR_SCOPE,
                          "GrelTestPart is shared by the process but has to be by the host; ",
                          "; GrelMemoryLockAdapter is shared by the process but has to be by the "
                          "cluster");
  g_assert_cmpstr (fixture->journal->str, ==, "");
}

static void
what_was_refused_may_be_mended (Fixture *fixture, gconstpointer data)
{
  grel_app_set_environment (fixture->app, "production");
  expect_error (fixture, GREL_ERROR_SCOPE, "cluster");
  grel_app_set_environment (fixture->app, "development");
  open_and_close (fixture);
}

#define RULE(name) g_test_add ("/app/prepare/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (an_app_that_uses_nothing_uses_memory);
  RULE (an_app_that_uses_nothing_uses_the_store_of_the_environment);
  RULE (an_app_that_uses_something_does_not_ask_the_environment);
  RULE (there_are_four_environments);
  RULE (there_is_no_other_environment);
  RULE (what_is_set_goes_before_the_variable);
  RULE (the_variable_is_read_when_the_app_opens);
  RULE (without_patience_it_does_not_open);
  RULE (in_staging_and_production_a_lock_is_shared_by_the_cluster);
  RULE (elsewhere_a_lock_may_be_shared_by_the_process);
  RULE (less_may_be_required_of_a_lock);
  RULE (of_other_kinds_nothing_is_required);
  RULE (a_scope_includes_the_narrower_ones);
  RULE (who_declares_no_scope_is_never_refused);
  RULE (all_findings_come_in_one_message);
  RULE (what_was_refused_may_be_mended);
  return g_test_run ();
}
