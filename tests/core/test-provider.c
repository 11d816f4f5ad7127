/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-provider-private.h>

#include "grel-test-provider.h"

#include <string.h>

#define REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)

/* A provider in an app on a context of the test's own and on a clock that stands still. */
typedef struct
{
  GMainContext *context;
  GrelVirtualClock *clock;
  GString *journal;
  GrelTestProvider *test_provider;
  GrelProvider *provider; /* the same */
  GrelApp *app;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->context = g_main_context_new ();
  g_main_context_push_thread_default (fixture->context);
  fixture->clock = grel_virtual_clock_new ();
  fixture->journal = g_string_new (NULL);
  fixture->test_provider = grel_test_provider_new ("p", fixture->journal);
  fixture->provider = GREL_PROVIDER (fixture->test_provider);
  fixture->app = grel_app_new ();
  grel_app_set_clock (fixture->app, GREL_CLOCK (fixture->clock));
  grel_app_use (fixture->app, G_OBJECT (fixture->provider), NULL, &error);
  g_assert_no_error (error);
}

static void
set_up_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set_up (fixture, data);
  grel_test_app_open (fixture->app, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (grel_app_get_is_open (fixture->app))
    grel_test_app_close (fixture->app, NULL);
  grel_test_provider_forget (fixture->test_provider);
  g_object_unref (fixture->app);
  g_object_unref (fixture->provider);
  g_object_unref (fixture->clock);
  g_string_free (fixture->journal, TRUE);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

static gboolean
check (GrelProvider *provider, GError **error)
{
  g_auto (GrelTestResult) checked = { NULL };

  grel_provider_check_async (provider, NULL, grel_test_result_ready, &checked);
  return grel_provider_check_finish (provider, grel_test_result_wait (&checked), error);
}

static void
memory_is_a_store (void)
{
  static const char *const uris[] = { "memory:", "memory://", "MEMORY:" };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GrelProvider) provider = grel_provider_new_for_uri (uris[i], &error);
      g_autofree char *uri = NULL;

      g_assert_no_error (error);
      uri = grel_provider_dup_uri (provider);
      g_assert_true (g_ascii_strncasecmp (uri, "memory:", 7) == 0);
    }
}

static void
expect_uri_error (const char *uri, int code)
{
  g_autofree char *printable = uri != NULL ? g_strescape (uri, NULL) : NULL;
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", printable != NULL ? printable : "nothing");
  g_assert_null (grel_provider_new_for_uri (uri, &error));
  if (strstr (error->message, "SECRET") != NULL || strstr (error->message, "VALUE") != NULL)
    g_error ("“%s” repeats the URI", error->message);
  grel_test_assert_error (error, code, "provider", "uri:");
}

static void
an_unknown_scheme_is_not_registered (void)
{
  static const char *const uris[] = {
    "VALUE:",
    "VALUE://user:SECRET@host/",
    "memoryVALUE:",
    "x-VALUE:?password=SECRET",
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    expect_uri_error (uris[i], GREL_ERROR_NOT_REGISTERED);
}

static void
what_is_no_uri_is_refused (void)
{
  static const char *const uris[] = {
    NULL,
    "",
    ":",
    "VALUE",
    "/VALUE",
    "//user:SECRET@VALUE",
    " memory:",
    "memory",
    "1VALUE:",
    "user@VALUE",
    "memory:\xffVALUE",
    "\xffVALUE:",
    "VALUE\n:x",
    "VALUE VALUE:",
    "?VALUE",
    "#VALUE",
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    expect_uri_error (uris[i], GREL_ERROR_SETTINGS);
}

static void
memory_has_neither_a_host_nor_anything_else (void)
{
  static const char *const uris[] = {
    "memory:VALUE",
    "memory:/",
    "memory:///",
    "memory://VALUE",
    "memory://VALUE/",
    "memory:/VALUE",
    "memory:///VALUE",
    "memory://:1234",
    "memory://user:SECRET@VALUE",
    "memory://SECRET@",
    "memory:?VALUE=SECRET",
    "memory://?VALUE",
    "memory:#VALUE",
    "memory: ",
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    expect_uri_error (uris[i], GREL_ERROR_SETTINGS);
}

static void
credentials_read_back_as_stars (void)
{
  static const struct
  {
    const char *uri;
    const char *shown;
  } uris[] = {
    { "redis://user:SECRET@host:6379/0", "redis://***@host:6379/0" },
    { "redis://:SECRET@host", "redis://***@host" },
    { "redis://SECRET@host/", "redis://***@host/" },
    { "redis://us%40er:SE%3ACRET@host", "redis://***@host" },
    { "redis://user:SE:CR@ET@host", "***" },
    { "redis://user:1/SECRET@host", "***" },
    { "redis://user:1?SECRET@host", "***" },
    { "redis://user:1#SECRET@host", "***" },
    { "redis://user:SECRET@host/a@b", "***" },
    { "redis://host/0?password=SECRET&x=y", "redis://host/0?***" },
    { "redis://host/0#SECRET", "redis://host/0" },
    { "redis://user:SECRET@[::1]:6379/1", "redis://***@[::1]:6379/1" },
    { "redis://host", "redis://host" },
    { "sqlite:/home/me@work/locks.db", "sqlite:/home/me@work/locks.db" },
    { "sqlite:///var/lib/locks.db", "sqlite:///var/lib/locks.db" },
    { "redis://user:SECRET@host:port", "***" },
    { "redis://user:SECRET@[::1", "***" },
    { "redis+sentinel://user:SECRET@h1:1,[::1]:2,h2/service/0?sentinel_password=SECRET",
      "redis+sentinel://***@h1:1,[::1]:2,h2/service/0?***" },
    { "redis+cluster://h1,h2:1", "redis+cluster://h1,h2:1" },
    { "redis+cluster://user:SE,CRET@h1,h2", "redis+cluster://***@h1,h2" },
    { "redis+cluster://user:SE@CRET@h1,h2", "***" },
    { "redis+cluster://user:1/SECRET@h1,h2", "***" },
    { "redis+cluster://user:SECRET@h1,h2:port", "***" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GrelProvider) provider
        = g_object_new (GREL_TEST_TYPE_PROVIDER, "uri", uris[i].uri, NULL);
      g_autofree char *uri = grel_provider_dup_uri (provider);
      g_autofree char *property = NULL;

      g_object_get (provider, "uri", &property, NULL);
      g_assert_cmpstr (uri, ==, uris[i].shown);
      g_assert_cmpstr (property, ==, uris[i].shown);
      g_assert_cmpstr (grel_provider_get_secret_uri (provider), ==, uris[i].uri);
    }
}

static void
a_provider_may_have_no_uri (Fixture *fixture, gconstpointer data)
{
  g_assert_null (grel_provider_dup_uri (fixture->provider));
}

static void
it_makes_a_backend_of_each_kind_it_has (void)
{
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri ("memory:", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelBackend) one
    = grel_provider_create_backend (provider, GREL_TYPE_LOCK_BACKEND, &error);
  g_autoptr (GrelBackend) other
    = grel_provider_create_backend (provider, GREL_TYPE_LOCK_BACKEND, &error);

  g_assert_no_error (error);
  g_assert_true (GREL_IS_MEMORY_LOCK_ADAPTER (one));
  g_assert_true (one != other);
  g_assert_false (grel_backend_get_is_open (one));
}

static void
a_kind_it_has_not_is_not_registered (void)
{
  static const char *const strangers[] = { "GrelTestPart", "GrelBackend", "GrelMemoryLockAdapter" };
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri ("memory:", NULL);

  g_type_ensure (GREL_TEST_TYPE_PART);
  for (guint i = 0; i < G_N_ELEMENTS (strangers); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (
        grel_provider_create_backend (provider, g_type_from_name (strangers[i]), &error));
      grel_test_assert_error (error, GREL_ERROR_NOT_REGISTERED, strangers[i]);
    }
}

static void
it_makes_one_of_each (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) backends = grel_provider_create_backends (fixture->provider);

  g_assert_cmpuint (backends->len, ==, 2);
  g_assert_true (GREL_TEST_IS_PART (g_ptr_array_index (backends, 0)));
  g_assert_true (GREL_IS_MEMORY_LOCK_ADAPTER (g_ptr_array_index (backends, 1)));
}

static void
an_adapter_gets_the_provider_that_made_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) part
    = grel_provider_create_backend (fixture->provider, GREL_TEST_TYPE_PART, NULL);

  grel_test_backend_open (part, NULL);
  grel_test_backend_close (part, NULL);
  g_assert_cmpstr (fixture->journal->str, ==, "+p1 -p1");
}

static void
memory_is_always_ready (void)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri ("memory:", NULL);
  g_autoptr (GError) error = NULL;

  grel_app_use (app, G_OBJECT (provider), NULL, NULL);
  grel_test_app_open (app, NULL);
  g_assert_true (check (provider, &error));
  g_assert_no_error (error);
  grel_test_app_close (app, NULL);
}

static void
a_check_asks_the_store (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (check (fixture->provider, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (fixture->journal->str, ==, "+p +p1 ?p");
}

static void
before_it_is_open_there_is_nothing_to_check (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (check (fixture->provider, &error));
  g_assert_cmpstr (grel_error_get_name (error), ==, "GrelTestProvider");
  grel_test_assert_error (error, GREL_ERROR_NOT_OPEN, "provider", "never opened");
}

static void
after_it_is_closed_there_is_nothing_to_check (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  grel_test_app_close (fixture->app, NULL);
  g_assert_false (check (fixture->provider, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "provider");
}

static void
a_check_that_fails_says_why (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  grel_test_provider_set_check_mood (fixture->test_provider, GREL_TEST_PART_FAILS);
  g_assert_false (check (fixture->provider, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "GrelTestProvider", "p is down");
}

static void
a_check_whose_task_is_dropped_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  grel_test_provider_set_check_mood (fixture->test_provider, GREL_TEST_PART_DROPS);
  g_assert_false (check (fixture->provider, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "GrelTestProvider", "dropped");
}

static void
start_check (Fixture *fixture, GCancellable *cancellable, GrelTestResult *checked)
{
  grel_test_provider_set_check_mood (fixture->test_provider, GREL_TEST_PART_HANGS);
  grel_provider_check_async (fixture->provider, cancellable, grel_test_result_ready, checked);
  grel_test_settle ();
  g_assert_false (checked->is_done);
}

static void
a_check_that_hangs_fails_at_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) checked = { NULL };
  g_autoptr (GError) error = NULL;

  start_check (fixture, NULL, &checked);
  grel_test_pass_time (fixture->clock, REQUEST_TIMEOUT - 1);
  g_assert_false (checked.is_done);
  grel_test_pass_time (fixture->clock, 1);
  g_assert_true (checked.is_done);
  g_assert_false (grel_provider_check_finish (fixture->provider, checked.result, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "GrelTestProvider", "10 s");

  grel_test_provider_answer (fixture->test_provider);
  grel_test_settle ();
  g_assert_cmpuint (checked.n_calls, ==, 1);
}

static void
a_check_may_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) checked = { NULL };
  g_auto (GrelTestResult) again = { NULL };
  g_autoptr (GError) error = NULL;

  start_check (fixture, cancellable, &checked);
  g_cancellable_cancel (cancellable);
  grel_test_settle ();
  g_assert_true (checked.is_done);
  grel_provider_check_finish (fixture->provider, checked.result, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  grel_provider_check_async (fixture->provider, cancellable, grel_test_result_ready, &again);
  grel_provider_check_finish (fixture->provider, grel_test_result_wait (&again), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpstr (fixture->journal->str, ==, "+p +p1 ?p");
}

static void
closing_ends_a_check (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) checked = { NULL };
  g_autoptr (GError) error = NULL;

  start_check (fixture, NULL, &checked);
  grel_test_app_close (fixture->app, &error);
  g_assert_no_error (error);
  g_assert_true (checked.is_done);
  grel_provider_check_finish (fixture->provider, checked.result, &error);
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "GrelTestProvider");
}

/* One call of check_from_thread (). */
typedef struct
{
  GrelProvider *provider;
  gboolean is_ready;
  GError *error;
} Checker;

static void
checker_run (gpointer data, gpointer unused)
{
  Checker *self = data;

  self->is_ready = grel_provider_check_from_thread (self->provider, NULL, &self->error);
}

static void
a_thread_may_check_it (Fixture *fixture, gconstpointer data)
{
  Checker good = { .provider = fixture->provider };
  Checker bad = { .provider = fixture->provider };

  grel_test_in_thread (checker_run, &good);
  g_assert_no_error (good.error);
  g_assert_true (good.is_ready);

  grel_test_provider_set_check_mood (fixture->test_provider, GREL_TEST_PART_FAILS);
  grel_test_in_thread (checker_run, &bad);
  g_assert_false (bad.is_ready);
  grel_test_assert_error (bad.error, GREL_ERROR_BACKEND, "p is down");
}

static void
the_thread_of_the_loop_must_not_wait_for_itself (Fixture *fixture, gconstpointer data)
{
  Checker checker = { .provider = fixture->provider };

  checker_run (&checker, NULL); /* to push a context is to own it */
  g_assert_false (checker.is_ready);
  grel_test_assert_error (checker.error, GREL_ERROR_DEADLOCK, "GrelTestProvider");
}

#define RULE(name) g_test_add_func ("/provider/" #name, name)
#define RULE_CLOSED(name) g_test_add ("/provider/" #name, Fixture, NULL, set_up, name, tear_down)
#define RULE_OPEN(name) g_test_add ("/provider/" #name, Fixture, NULL, set_up_open, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (memory_is_a_store);
  RULE (an_unknown_scheme_is_not_registered);
  RULE (what_is_no_uri_is_refused);
  RULE (memory_has_neither_a_host_nor_anything_else);
  RULE (credentials_read_back_as_stars);
  RULE_CLOSED (a_provider_may_have_no_uri);
  RULE (it_makes_a_backend_of_each_kind_it_has);
  RULE (a_kind_it_has_not_is_not_registered);
  RULE_CLOSED (it_makes_one_of_each);
  RULE_CLOSED (an_adapter_gets_the_provider_that_made_it);
  RULE (memory_is_always_ready);
  RULE_OPEN (a_check_asks_the_store);
  RULE_CLOSED (before_it_is_open_there_is_nothing_to_check);
  RULE_OPEN (after_it_is_closed_there_is_nothing_to_check);
  RULE_OPEN (a_check_that_fails_says_why);
  RULE_OPEN (a_check_whose_task_is_dropped_fails);
  RULE_OPEN (a_check_that_hangs_fails_at_the_deadline);
  RULE_OPEN (a_check_may_be_cancelled);
  RULE_OPEN (closing_ends_a_check);
  RULE_OPEN (a_thread_may_check_it);
  RULE_OPEN (the_thread_of_the_loop_must_not_wait_for_itself);
  return g_test_run ();
}
