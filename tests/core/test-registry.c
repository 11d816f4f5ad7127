/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test.h"

#define N_APPS 200

/* An app on a context of the test's own. */
typedef struct
{
  GMainContext *context;
  GrelApp *app;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->context = g_main_context_new ();
  g_main_context_push_thread_default (fixture->context);
  fixture->app = grel_app_new ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (grel_app_get_is_open (fixture->app))
    grel_test_app_close (fixture->app, NULL);
  g_object_unref (fixture->app);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

static void
expect_default (GrelApp *expected)
{
  g_autoptr (GrelApp) found = grel_app_dup_default ();

  g_assert_true (found == expected);
}

static void
expect_default_in_thread (gpointer expected, gpointer unused)
{
  expect_default (expected);
}

static void
there_is_no_default_before_one_is_open_or_after (Fixture *fixture, gconstpointer data)
{
  expect_default (NULL);
  grel_test_app_open (fixture->app, NULL);
  expect_default (fixture->app);
  grel_test_app_close (fixture->app, NULL);
  expect_default (NULL);
}

static void
the_only_one_that_is_open_is_the_default_everywhere (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) unopened = grel_app_new ();

  grel_test_app_open (fixture->app, NULL);
  grel_test_in_thread (expect_default_in_thread, fixture->app);
  g_main_context_pop_thread_default (fixture->context);
  expect_default (fixture->app);
  g_main_context_push_thread_default (fixture->context);
}

static void
of_two_that_on_this_context_is_the_default (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GrelApp) other = grel_app_new ();

  grel_test_app_open (fixture->app, NULL);
  g_main_context_push_thread_default (context);
  grel_test_app_open (other, NULL);
  expect_default (other);
  g_main_context_pop_thread_default (context);
  expect_default (fixture->app);
  grel_test_in_thread (expect_default_in_thread, NULL);

  g_main_context_push_thread_default (context);
  grel_test_app_close (other, NULL);
  g_main_context_pop_thread_default (context);
  grel_test_in_thread (expect_default_in_thread, fixture->app);
}

static void
of_two_on_one_context_neither_is_the_default (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) other = grel_app_new ();

  grel_test_app_open (fixture->app, NULL);
  grel_test_app_open (other, NULL);
  expect_default (NULL);
  grel_test_app_close (fixture->app, NULL);
  expect_default (other);
  grel_test_app_close (other, NULL);
}

static void
a_pushed_app_is_the_default_of_its_thread (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) other = grel_app_new ();

  grel_test_app_open (fixture->app, NULL);
  grel_app_push_thread_default (other);
  expect_default (other);
  grel_test_in_thread (expect_default_in_thread, fixture->app);
  grel_app_pop_thread_default (other);
  expect_default (fixture->app);
}

static void
what_is_pushed_last_comes_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) other = grel_app_new ();

  grel_app_push_thread_default (fixture->app);
  grel_app_push_thread_default (other);
  grel_app_push_thread_default (other);
  grel_app_pop_thread_default (other);
  expect_default (other);
  grel_app_pop_thread_default (other);
  expect_default (fixture->app);
  grel_app_pop_thread_default (fixture->app);
  expect_default (NULL);
}

static void
only_what_was_pushed_last_is_popped (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) other = grel_app_new ();

  for (int i = 0; i < 2; i++)
    {
      g_test_expect_message ("Grelmicro", G_LOG_LEVEL_CRITICAL, "*== self*");
      grel_app_pop_thread_default (other);
      g_test_assert_expected_messages ();
      if (i == 0)
        grel_app_push_thread_default (fixture->app);
    }
  expect_default (fixture->app);
  grel_app_pop_thread_default (fixture->app);
}

static void
expect_lock_error (GrelLock *lock, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_lock_acquire (lock, 0, &error));
  grel_test_assert_error (error, code, "cart", "app");
}

static void
a_pushed_app_that_is_not_open_is_used_nonetheless (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) other = grel_app_new ();
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");

  grel_test_app_open (fixture->app, NULL);
  grel_app_push_thread_default (other);
  expect_lock_error (lock, GREL_ERROR_NOT_OPEN);
  grel_test_app_open (other, NULL);
  g_assert_false (grel_test_lock_is_locked (lock, NULL));
  grel_test_app_close (other, NULL);
  expect_lock_error (lock, GREL_ERROR_CLOSED);
  grel_app_pop_thread_default (other);
}

static gboolean
is_locked (GrelApp *app, GrelBackend *backend)
{
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");
  g_autoptr (GError) error = NULL;
  gboolean answer;

  grel_lock_set_app (lock, app);
  grel_lock_set_backend (lock, (GrelLockBackend *) backend);
  answer = grel_test_lock_is_locked (lock, &error);
  g_assert_no_error (error);
  return answer;
}

static void
what_a_primitive_was_given_goes_before_a_pushed_app (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) other = grel_app_new ();
  g_autoptr (GrelBackend) backend = NULL;
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");
  g_autoptr (GrelLease) lease = NULL;

  grel_test_app_open (fixture->app, NULL);
  grel_test_app_open (other, NULL);
  backend = grel_app_get_backend (other, GREL_TYPE_LOCK_BACKEND, NULL, NULL);
  grel_lock_set_app (lock, other);
  lease = grel_test_lock_acquire (lock, 0, NULL);

  grel_app_push_thread_default (fixture->app);
  g_assert_false (is_locked (NULL, NULL));
  g_assert_true (is_locked (other, NULL));
  g_assert_true (is_locked (NULL, backend));
  grel_app_pop_thread_default (fixture->app);
  grel_test_app_close (other, NULL);
}

static void
push_for_good (gpointer app, gpointer unused)
{
  grel_app_push_thread_default (app);
}

static void
a_pushed_app_is_kept_as_long_as_its_thread (Fixture *fixture, gconstpointer data)
{
  GrelApp *other = grel_app_new ();

  g_object_add_weak_pointer (G_OBJECT (other), (gpointer *) &other);
  grel_app_push_thread_default (other);
  g_object_unref (other);
  expect_default (other);
  grel_app_pop_thread_default (other);
  g_assert_null (other);

  other = grel_app_new ();
  grel_test_in_thread (push_for_good, other);
  g_assert_finalize_object (other);
}

static gpointer
open_and_close_many (gpointer n_left)
{
  for (int i = 0; i < N_APPS; i++)
    {
      g_autoptr (GrelApp) app = grel_app_new ();

      g_assert_true (grel_app_open_in_thread (app, NULL));
      g_assert_true (grel_app_close_from_thread (app, NULL, NULL));
      g_atomic_int_add ((int *) n_left, -1);
    }
  return NULL;
}

static void
an_app_may_close_while_it_is_looked_for (Fixture *fixture, gconstpointer data)
{
  int n_left = N_APPS;
  GThread *thread = g_thread_new ("owner", open_and_close_many, &n_left);

  while (g_atomic_int_get (&n_left) > 0)
    {
      g_autoptr (GrelApp) found = grel_app_dup_default ();

      g_assert_true (found == NULL || GREL_IS_APP (found));
    }
  g_thread_join (thread);
  expect_default (NULL);
}

#define RULE(name) g_test_add ("/registry/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (there_is_no_default_before_one_is_open_or_after);
  RULE (the_only_one_that_is_open_is_the_default_everywhere);
  RULE (of_two_that_on_this_context_is_the_default);
  RULE (of_two_on_one_context_neither_is_the_default);
  RULE (a_pushed_app_is_the_default_of_its_thread);
  RULE (what_is_pushed_last_comes_first);
  RULE (only_what_was_pushed_last_is_popped);
  RULE (a_pushed_app_that_is_not_open_is_used_nonetheless);
  RULE (what_a_primitive_was_given_goes_before_a_pushed_app);
  RULE (a_pushed_app_is_kept_as_long_as_its_thread);
  RULE (an_app_may_close_while_it_is_looked_for);
  return g_test_run ();
}
