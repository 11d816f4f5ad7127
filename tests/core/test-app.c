/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-provider.h"

#include <string.h>

/* An app on a context of the test's own that uses nothing yet. */
typedef struct
{
  GMainContext *context;
  GString *journal;
  GrelApp *app;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->context = g_main_context_new ();
  g_main_context_push_thread_default (fixture->context);
  fixture->journal = g_string_new (NULL);
  fixture->app = grel_app_new ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (grel_app_get_is_open (fixture->app))
    grel_test_app_close (fixture->app, NULL);
  g_object_unref (fixture->app);
  g_string_free (fixture->journal, TRUE);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

/* Takes the component. */
static void
use (Fixture *fixture, gpointer component, const char *name)
{
  g_autoptr (GObject) object = component;
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_app_use (fixture->app, object, name, &error));
  g_assert_no_error (error);
}

static void
use_part (Fixture *fixture, const char *label, const char *name)
{
  use (fixture, grel_test_part_new (label, fixture->journal), name);
}

static void
use_provider (Fixture *fixture, const char *label, const char *name)
{
  use (fixture, grel_test_provider_new (label, fixture->journal), name);
}

/* Takes the component. */
static void
expect_use_error (Fixture *fixture,
                  gpointer component,
                  const char *name,
                  int code,
                  const char *word)
{
  g_autoptr (GObject) object = component;
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_app_use (fixture->app, object, name, &error));
  grel_test_assert_error (error, code, "app", word);
}

static void
expect_journal (Fixture *fixture, const char *expected)
{
  g_autoptr (GError) error = NULL;

  grel_test_app_open (fixture->app, &error);
  g_assert_no_error (error);
  grel_test_app_close (fixture->app, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->journal->str, ==, expected);
}

static GrelTestPart *
new_part (Fixture *fixture, const char *label)
{
  return grel_test_part_new (label, fixture->journal);
}

static void
it_uses_a_backend (Fixture *fixture, gconstpointer data)
{
  use_part (fixture, "a", NULL);
  expect_journal (fixture, "+a -a");
}

static void
it_uses_a_provider_and_what_that_makes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) lock_backend = NULL;

  use_provider (fixture, "p", NULL);
  lock_backend = grel_app_get_backend (fixture->app, GREL_TYPE_LOCK_BACKEND, NULL, NULL);
  g_assert_true (GREL_IS_MEMORY_LOCK_ADAPTER (lock_backend));
  expect_journal (fixture, "+p +p1 -p1 -p");
}

static void
it_uses_nothing_else (Fixture *fixture, gconstpointer data)
{
  expect_use_error (fixture, g_object_new (G_TYPE_OBJECT, NULL), NULL, GREL_ERROR_SETTINGS,
                    "component:");
  expect_use_error (fixture, grel_app_new (), NULL, GREL_ERROR_SETTINGS, "component:");
}

static void
what_is_used_twice_is_used_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelTestPart) part = new_part (fixture, "a");
  g_autoptr (GrelTestProvider) provider = grel_test_provider_new ("p", fixture->journal);

  for (int i = 0; i < 2; i++)
    {
      use (fixture, g_object_ref (part), NULL);
      use (fixture, g_object_ref (provider), "other");
    }
  expect_journal (fixture, "+a +p +p1 -p1 -p -a");
}

static void
no_name_means_default (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) unnamed = NULL;
  g_autoptr (GrelBackend) named = NULL;

  use_part (fixture, "a", NULL);
  unnamed = grel_app_get_backend (fixture->app, GREL_TEST_TYPE_PART, NULL, NULL);
  named = grel_app_get_backend (fixture->app, GREL_TEST_TYPE_PART, "default", NULL);
  g_assert_nonnull (unnamed);
  g_assert_true (unnamed == named);
  expect_use_error (fixture, new_part (fixture, "b"), "default", GREL_ERROR_AMBIGUOUS, "default");
}

static void
a_name_is_text (Fixture *fixture, gconstpointer data)
{
  expect_use_error (fixture, new_part (fixture, "a"), "", GREL_ERROR_SETTINGS, "name:");
  expect_use_error (fixture, new_part (fixture, "a"), "\xff", GREL_ERROR_SETTINGS, "name:");
  use_part (fixture, "a", "größe 1");
}

static void
two_of_a_kind_need_two_names (Fixture *fixture, gconstpointer data)
{
  use_part (fixture, "a", NULL);
  expect_use_error (fixture, new_part (fixture, "b"), NULL, GREL_ERROR_AMBIGUOUS, "GrelTestPart");
  use_part (fixture, "b", "other");
  expect_use_error (fixture, new_part (fixture, "c"), "other", GREL_ERROR_AMBIGUOUS, "other");
  expect_journal (fixture, "+a +b -b -a");
}

static void
two_providers_need_two_names (Fixture *fixture, gconstpointer data)
{
  use_provider (fixture, "p", NULL);
  expect_use_error (fixture, grel_test_provider_new ("q", fixture->journal), NULL,
                    GREL_ERROR_AMBIGUOUS, "GrelProvider");
  use_provider (fixture, "q", "other");
  expect_journal (fixture, "+p +p1 +q +q1 -q1 -q -p1 -p");
}

static void
each_provider_serves_its_own_name (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) one = NULL;
  g_autoptr (GrelBackend) other = NULL;

  use_provider (fixture, "p", NULL);
  use_provider (fixture, "q", "other");
  one = grel_app_get_backend (fixture->app, GREL_TYPE_LOCK_BACKEND, NULL, NULL);
  other = grel_app_get_backend (fixture->app, GREL_TYPE_LOCK_BACKEND, "other", NULL);
  g_assert_nonnull (one);
  g_assert_nonnull (other);
  g_assert_true (one != other);
}

static void
a_backend_goes_before_that_of_a_later_provider (Fixture *fixture, gconstpointer data)
{
  use_part (fixture, "a", NULL);
  use_provider (fixture, "p", NULL);
  expect_journal (fixture, "+a +p -p -a");
}

static void
a_backend_goes_before_that_of_an_earlier_provider (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelTestPart) part = new_part (fixture, "a");
  g_autoptr (GrelBackend) found = NULL;

  use_provider (fixture, "p", NULL);
  use (fixture, g_object_ref (part), NULL);
  found = grel_app_get_backend (fixture->app, GREL_TEST_TYPE_PART, NULL, NULL);
  g_assert_true (found == GREL_BACKEND (part));
  expect_use_error (fixture, new_part (fixture, "b"), NULL, GREL_ERROR_AMBIGUOUS, "GrelTestPart");
  expect_journal (fixture, "+p +a -a -p");
}

static void
a_backend_of_another_name_or_kind_replaces_nothing (Fixture *fixture, gconstpointer data)
{
  use_provider (fixture, "p", NULL);
  use_part (fixture, "a", "other");
  use (fixture, grel_memory_lock_adapter_new (), NULL);
  expect_journal (fixture, "+p +p1 +a -a -p1 -p");
}

static void
a_backend_that_it_has_not_is_not_registered (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  use_part (fixture, "a", NULL);
  g_assert_null (grel_app_get_backend (fixture->app, GREL_TYPE_LOCK_BACKEND, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_REGISTERED, "app", "GrelLockBackend");
  g_assert_null (grel_app_get_backend (fixture->app, GREL_TEST_TYPE_PART, "VALUE", &error));
  g_assert_null (strstr (error->message, "VALUE"));
  grel_test_assert_error (error, GREL_ERROR_NOT_REGISTERED, "app", "GrelTestPart");
}

static void
a_backend_is_found_whether_it_is_open_or_not (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelTestPart) part = new_part (fixture, "a");

  use (fixture, g_object_ref (part), NULL);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GrelBackend) found
        = grel_app_get_backend (fixture->app, GREL_TEST_TYPE_PART, NULL, NULL);

      g_assert_true (found == GREL_BACKEND (part));
      if (i == 0)
        grel_test_app_open (fixture->app, NULL);
      else if (i == 1)
        grel_test_app_close (fixture->app, NULL);
    }
}

static void
what_it_uses_is_settled_while_it_is_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelTestPart) slow = new_part (fixture, "slow");
  g_auto (GrelTestResult) opened = { NULL };
  g_auto (GrelTestResult) closed = { NULL };

  use (fixture, g_object_ref (slow), NULL);
  grel_test_part_set_open_mood (slow, GREL_TEST_PART_HANGS);
  grel_test_part_set_close_mood (slow, GREL_TEST_PART_HANGS);
  grel_app_open_async (fixture->app, NULL, grel_test_result_ready, &opened);
  grel_test_settle ();
  expect_use_error (fixture, new_part (fixture, "b"), "b", GREL_ERROR_SETTINGS, "closed");

  grel_test_part_answer (slow);
  grel_test_result_wait (&opened);
  expect_use_error (fixture, new_part (fixture, "b"), "b", GREL_ERROR_SETTINGS, "closed");

  grel_app_close_async (fixture->app, NULL, grel_test_result_ready, &closed);
  grel_test_settle ();
  expect_use_error (fixture, new_part (fixture, "b"), "b", GREL_ERROR_SETTINGS, "closed");

  grel_test_part_answer (slow);
  grel_test_result_wait (&closed);
  use_part (fixture, "b", "b");
}

static void
an_app_for_a_uri_uses_that_store (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelApp) app = grel_app_new_for_uri ("memory:", &error);
  g_autoptr (GrelBackend) backend = NULL;

  g_assert_no_error (error);
  backend = grel_app_get_backend (app, GREL_TYPE_LOCK_BACKEND, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (GREL_IS_MEMORY_LOCK_ADAPTER (backend));
}

static void
an_app_for_a_bad_uri_is_not_made (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_app_new_for_uri ("VALUE:", &error));
  g_assert_null (strstr (error->message, "VALUE"));
  grel_test_assert_error (error, GREL_ERROR_NOT_REGISTERED, "uri:");
  g_assert_null (grel_app_new_for_uri ("VALUE", &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "uri:");
}

static void
an_app_for_no_uri_asks_the_environment (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelApp) app = NULL;

  g_setenv ("GREL_URL", "VALUE:", TRUE);
  g_assert_null (grel_app_new_for_uri (NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_REGISTERED, "uri:");

  g_unsetenv ("GREL_URL");
  app = grel_app_new_for_uri (NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (app);
}

static void
its_properties_have_defaults (Fixture *fixture, gconstpointer data)
{
  g_autofree char *environment = NULL;
  g_autoptr (GrelClock) clock = NULL;
  gint64 patience;
  gboolean is_open;

  g_object_get (fixture->app, "environment", &environment, "clock", &clock, "patience", &patience,
                "is-open", &is_open, NULL);
  g_assert_null (environment);
  g_assert_true (clock == grel_clock_get_real ());
  g_assert_cmpint (patience, ==, 5 * G_TIME_SPAN_SECOND);
  g_assert_false (is_open);
}

static void
its_properties_are_those_of_the_functions (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  gboolean is_open;

  g_object_set (fixture->app, "environment", "test", "clock", clock, "patience", (gint64) 7, NULL);
  g_assert_cmpstr (grel_app_get_environment (fixture->app), ==, "test");
  g_assert_true (grel_app_get_clock (fixture->app) == GREL_CLOCK (clock));
  g_assert_cmpint (grel_app_get_patience (fixture->app), ==, 7);

  grel_test_app_open (fixture->app, NULL);
  g_object_get (fixture->app, "is-open", &is_open, NULL);
  g_assert_true (is_open);
}

static void
count_notification (GObject *object, GParamSpec *pspec, guint *count)
{
  ++*count;
}

static void
only_a_change_is_notified (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  guint n_notified = 0;

  g_signal_connect (fixture->app, "notify", G_CALLBACK (count_notification), &n_notified);
  for (int i = 0; i < 2; i++)
    {
      grel_app_set_environment (fixture->app, "test");
      grel_app_set_patience (fixture->app, G_TIME_SPAN_SECOND);
    }
  grel_app_set_clock (fixture->app, GREL_CLOCK (clock));
  g_assert_cmpuint (n_notified, ==, 3);
}

static void
opening_and_closing_are_notified (Fixture *fixture, gconstpointer data)
{
  guint n_notified = 0;

  g_signal_connect (fixture->app, "notify::is-open", G_CALLBACK (count_notification), &n_notified);
  grel_test_app_open (fixture->app, NULL);
  g_assert_cmpuint (n_notified, ==, 1);
  grel_test_app_close (fixture->app, NULL);
  g_assert_cmpuint (n_notified, ==, 2);
}

static void
its_parts_go_by_its_clock_and_patience (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  g_autoptr (GrelTestPart) part = new_part (fixture, "a");

  use (fixture, g_object_ref (part), NULL);
  grel_app_set_clock (fixture->app, GREL_CLOCK (clock));
  grel_app_set_patience (fixture->app, 7);
  grel_test_app_open (fixture->app, NULL);
  g_assert_true (grel_backend_get_clock (GREL_BACKEND (part)) == GREL_CLOCK (clock));
  g_assert_cmpint (grel_backend_get_patience (GREL_BACKEND (part)), ==, 7);
}

static void
without_a_clock_it_leaves_its_parts_theirs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  g_autoptr (GrelTestPart) part = new_part (fixture, "a");

  grel_backend_set_clock (GREL_BACKEND (part), GREL_CLOCK (clock));
  use (fixture, g_object_ref (part), NULL);
  grel_test_app_open (fixture->app, NULL);
  g_assert_true (grel_backend_get_clock (GREL_BACKEND (part)) == GREL_CLOCK (clock));
}

static void
its_clock_stays_while_it_is_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();

  grel_test_app_open (fixture->app, NULL);
  grel_app_set_clock (fixture->app, GREL_CLOCK (clock));
  g_assert_true (grel_app_get_clock (fixture->app) == grel_clock_get_real ());
}

#define RULE(name) g_test_add ("/app/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (it_uses_a_backend);
  RULE (it_uses_a_provider_and_what_that_makes);
  RULE (it_uses_nothing_else);
  RULE (what_is_used_twice_is_used_once);
  RULE (no_name_means_default);
  RULE (a_name_is_text);
  RULE (two_of_a_kind_need_two_names);
  RULE (two_providers_need_two_names);
  RULE (each_provider_serves_its_own_name);
  RULE (a_backend_goes_before_that_of_a_later_provider);
  RULE (a_backend_goes_before_that_of_an_earlier_provider);
  RULE (a_backend_of_another_name_or_kind_replaces_nothing);
  RULE (a_backend_that_it_has_not_is_not_registered);
  RULE (a_backend_is_found_whether_it_is_open_or_not);
  RULE (what_it_uses_is_settled_while_it_is_open);
  RULE (an_app_for_a_uri_uses_that_store);
  RULE (an_app_for_a_bad_uri_is_not_made);
  RULE (an_app_for_no_uri_asks_the_environment);
  RULE (its_properties_have_defaults);
  RULE (its_properties_are_those_of_the_functions);
  RULE (only_a_change_is_notified);
  RULE (opening_and_closing_are_notified);
  RULE (its_parts_go_by_its_clock_and_patience);
  RULE (without_a_clock_it_leaves_its_parts_theirs);
  RULE (its_clock_stays_while_it_is_open);
  return g_test_run ();
}
