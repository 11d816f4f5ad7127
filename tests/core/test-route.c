/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test.h"

#include <grelmicro/core/grel-route-private.h>

#include <sys/wait.h>
#include <unistd.h>

/* An app on a context of the test's own, and a route that a primitive found in it. */
typedef struct
{
  GMainContext *context;
  GrelApp *app;
  GrelLock *lock;
  GrelRoute route;
} Fixture;

static void
find (Fixture *fixture, gboolean is_chosen)
{
  grel_route_begin (&fixture->route);
  grel_route_settle (&fixture->route, is_chosen);
}

static gboolean
holds (Fixture *fixture)
{
  return grel_route_is_fresh (&fixture->route) && grel_route_is_for_thread (&fixture->route);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->context = g_main_context_new ();
  g_main_context_push_thread_default (fixture->context);
  fixture->app = grel_app_new ();
  fixture->lock = grel_lock_new ("cart");
  g_assert_true (grel_test_app_open (fixture->app, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (grel_app_get_is_open (fixture->app))
    grel_test_app_close (fixture->app, NULL);
  g_object_unref (fixture->lock);
  g_object_unref (fixture->app);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

static void
one_that_was_never_found_does_not_hold (Fixture *fixture, gconstpointer data)
{
  g_assert_false (holds (fixture));
}

static void
expect_to_hold (gpointer fixture, gpointer unused)
{
  g_assert_true (holds (fixture));
}

static void
the_only_app_is_that_of_all_threads (Fixture *fixture, gconstpointer data)
{
  find (fixture, FALSE);
  expect_to_hold (fixture, NULL);
  grel_test_in_thread (expect_to_hold, fixture);
}

static void
among_several_apps_it_depends_on_the_context (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) other = grel_app_new ();

  find (fixture, FALSE);
  g_assert_true (grel_app_open_in_thread (other, NULL));
  g_assert_false (holds (fixture));
  find (fixture, FALSE);
  g_assert_false (holds (fixture));
  find (fixture, TRUE);
  g_assert_true (holds (fixture));
  g_assert_true (grel_app_close_from_thread (other, NULL, NULL));
  g_assert_false (holds (fixture));
}

static void
what_a_thread_pushed_is_for_those_that_pushed_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) other = grel_app_new ();

  find (fixture, FALSE);
  grel_app_push_thread_default (other);
  g_assert_false (holds (fixture));
  find (fixture, FALSE);
  g_assert_true (holds (fixture));
  grel_app_pop_thread_default (other);
  g_assert_false (holds (fixture));
}

static void
whatever_closes_ends_it (Fixture *fixture, gconstpointer data)
{
  find (fixture, TRUE);
  g_assert_true (grel_test_app_close (fixture->app, NULL));
  g_assert_false (holds (fixture));
}

static void
whatever_is_set_otherwise_ends_it (Fixture *fixture, gconstpointer data)
{
  find (fixture, FALSE);
  grel_lock_set_lease_duration (fixture->lock, grel_lock_get_lease_duration (fixture->lock));
  g_assert_true (holds (fixture));
  grel_lock_set_lease_duration (fixture->lock, G_TIME_SPAN_HOUR);
  g_assert_false (holds (fixture));
  find (fixture, FALSE);
  grel_lock_set_app (fixture->lock, fixture->app);
  g_assert_false (holds (fixture));
}

static void
a_child_of_fork_finds_one_of_its_own (Fixture *fixture, gconstpointer data)
{
  pid_t child;
  int status = 0;

  find (fixture, FALSE);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    _exit (holds (fixture));

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, FALSE);
  g_assert_true (holds (fixture));
}

#define RULE(name) g_test_add ("/route/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (one_that_was_never_found_does_not_hold);
  RULE (the_only_app_is_that_of_all_threads);
  RULE (among_several_apps_it_depends_on_the_context);
  RULE (what_a_thread_pushed_is_for_those_that_pushed_it);
  RULE (whatever_closes_ends_it);
  RULE (whatever_is_set_otherwise_ends_it);
  RULE (a_child_of_fork_finds_one_of_its_own);
  return g_test_run ();
}
