/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-scene.h"

#include <string.h>

#define LEASE (60 * G_TIME_SPAN_SECOND)
#define HOLD (20 * G_TIME_SPAN_SECOND)
#define REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)
#define HUNDRED_YEARS (36525 * G_TIME_SPAN_DAY)
#define KEY "tasklock:nightly"

typedef struct
{
  GrelTestScene scene;
  GrelTaskLock *lock; /* “nightly”, held for HOLD of LEASE */
} Fixture;

static GrelTaskLock *
new_lock (Fixture *fixture)
{
  return g_object_new (GREL_TYPE_TASK_LOCK, "name", "nightly", "backend", fixture->scene.backend,
                       "min-hold-duration", (gint64) HOLD, NULL);
}

static void
set_up_memory (Fixture *fixture, gconstpointer data)
{
  grel_test_scene_set_up_memory (&fixture->scene, data);
  fixture->lock = new_lock (fixture);
}

static void
set_up_store (Fixture *fixture, gconstpointer data)
{
  grel_test_scene_set_up_store (&fixture->scene, data);
  fixture->lock = new_lock (fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->lock);
  grel_test_scene_tear_down (&fixture->scene, data);
}

static void
pass (Fixture *fixture, GTimeSpan span)
{
  grel_test_scene_pass (&fixture->scene, span);
}

static void
set_mood (Fixture *fixture, GrelTestStoreMood mood)
{
  grel_test_store_set_mood (fixture->scene.store, mood);
}

/* The store answers what hangs, and whatever comes from now on. */
static void
answer (Fixture *fixture)
{
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  grel_test_store_answer (fixture->scene.store);
  grel_test_settle ();
}

static guint
n_requests (Fixture *fixture)
{
  return grel_test_store_get_n_requests (fixture->scene.store);
}

static GrelLease *
acquire (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GrelLease *lease = grel_test_task_lock_acquire (fixture->lock, &error);

  g_assert_no_error (error);
  return lease;
}

static void
expect_acquire_error (GrelTaskLock *lock, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_task_lock_acquire (lock, &error));
  g_assert_cmpstr (grel_error_get_name (error), ==, "nightly");
  grel_test_assert_error (error, code, "task lock “nightly”", word);
}

static void
release (GrelLease *lease)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_lease_release (lease, &error));
  g_assert_no_error (error);
}

static void
expect_release_error (GrelLease *lease, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_lease_release (lease, &error));
  grel_test_assert_error (error, code, "task lock “nightly”", word);
}

static gboolean
is_locked (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  gboolean is_locked = grel_test_task_lock_is_locked (fixture->lock, &error);

  g_assert_no_error (error);
  return is_locked;
}

static gboolean
is_cancelled (GrelLease *lease)
{
  return g_cancellable_is_cancelled (grel_lease_get_cancellable (lease));
}

/* It is held for so long yet, to the microsecond, and free then. */
static void
expect_held_for (Fixture *fixture, GTimeSpan span)
{
  grel_test_settle ();
  pass (fixture, span);
  g_assert_true (is_locked (fixture));
  expect_acquire_error (fixture->lock, GREL_ERROR_WOULD_BLOCK, "held");
  pass (fixture, 1);
  g_assert_false (is_locked (fixture));
  g_object_unref (acquire (fixture));
}

static gboolean
must_not_run (GCancellable *cancellable, gpointer data, GError **error)
{
  g_assert_not_reached ();
  return TRUE;
}

static void
expect_settings_error (GError **error, const char *rule)
{
  g_assert_nonnull (*error);
  if (strstr ((*error)->message, "77777") != NULL)
    g_error ("“%s” repeats the value", (*error)->message);
  grel_test_assert_error (*error, GREL_ERROR_SETTINGS, "task lock", rule);
}

/* Every operation refuses, on any thread. */
static void
expect_all_refuse (GrelTaskLock *lock, const char *rule)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_task_lock_acquire (lock, &error));
  expect_settings_error (&error, rule);
  g_assert_null (grel_task_lock_acquire_from_thread (lock, NULL, &error));
  expect_settings_error (&error, rule);
  g_assert_false (grel_test_task_lock_is_locked (lock, &error));
  expect_settings_error (&error, rule);
  g_assert_false (grel_task_lock_is_locked_from_thread (lock, NULL, &error));
  expect_settings_error (&error, rule);
  g_assert_false (grel_task_lock_run_from_thread (lock, must_not_run, NULL, NULL, &error));
  expect_settings_error (&error, rule);
}

static void
a_name_may_not_be_just_anything (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { NULL, "", "77777 at night", ":77777", "77777*" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GrelTaskLock) lock = grel_task_lock_new (names[i]);

      g_assert_cmpstr (grel_task_lock_get_name (lock), ==, names[i]);
      expect_all_refuse (lock, "name: must be");
    }
}

static void
a_duration_may_not_be_just_anything (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    GTimeSpan min_hold;
    GTimeSpan lease;
    const char *rule;
  } durations[] = {
    { 0, LEASE, "min-hold-duration: must be more than 0" },
    { -1, LEASE, "min-hold-duration: must be more than 0" },
    { -77777, LEASE, "min-hold-duration: must be more than 0" },
    { G_MININT64, LEASE, "min-hold-duration: must be more than 0" },
    { LEASE + 1, LEASE, "min-hold-duration: must be more than 0 and at most the lease-duration" },
    { 77778, 77777, "min-hold-duration: must be more than 0 and at most the lease-duration" },
    { G_MAXINT64, LEASE, "min-hold-duration: must be more than 0 and at most the lease-duration" },
    { HOLD, 0, "lease-duration: must be more than 0" },
    { HOLD, -77777, "lease-duration: must be more than 0" },
    { HOLD, HUNDRED_YEARS + 1, "lease-duration: must be more than 0 and at most 100 years" },
    { G_MAXINT64, G_MAXINT64, "lease-duration: must be more than 0 and at most 100 years" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (durations); i++)
    {
      g_autoptr (GrelTaskLock) lock = new_lock (fixture);

      grel_task_lock_set_min_hold_duration (lock, durations[i].min_hold);
      grel_task_lock_set_lease_duration (lock, durations[i].lease);
      expect_all_refuse (lock, durations[i].rule);
    }
}

static void
the_limits_themselves_are_accepted (Fixture *fixture, gconstpointer data)
{
  static const GTimeSpan leases[] = { 1, LEASE, HUNDRED_YEARS };

  for (guint i = 0; i < G_N_ELEMENTS (leases); i++)
    {
      g_autofree char *name = g_strdup_printf ("lease-%u", i);
      g_autoptr (GrelTaskLock) lock = grel_task_lock_new (name);
      g_autoptr (GrelLease) lease = NULL;
      g_autoptr (GError) error = NULL;

      grel_task_lock_set_backend (lock, GREL_LOCK_BACKEND (fixture->scene.backend));
      grel_task_lock_set_min_hold_duration (lock, leases[i]);
      grel_task_lock_set_lease_duration (lock, leases[i]);
      lease = grel_test_task_lock_acquire (lock, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (grel_lease_get_name (lease), ==, name);
    }
}

static void
properties_have_defaults (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelTaskLock) lock = g_object_new (GREL_TYPE_TASK_LOCK, NULL);

  g_assert_null (grel_task_lock_get_name (lock));
  g_assert_null (grel_task_lock_get_backend (lock));
  g_assert_null (grel_task_lock_get_app (lock));
  g_assert_cmpint (grel_task_lock_get_min_hold_duration (lock), ==, G_TIME_SPAN_SECOND);
  g_assert_cmpint (grel_task_lock_get_lease_duration (lock), ==, LEASE);
}

static void
properties_are_those_of_the_functions (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelTaskLock) lock
    = g_object_new (GREL_TYPE_TASK_LOCK, "name", "nightly", "backend", fixture->scene.backend,
                    "app", app, "min-hold-duration", (gint64) 2, "lease-duration", (gint64) 3,
                    NULL);

  g_assert_cmpstr (grel_task_lock_get_name (lock), ==, "nightly");
  g_assert_true (grel_task_lock_get_backend (lock) == GREL_LOCK_BACKEND (fixture->scene.backend));
  g_assert_true (grel_task_lock_get_app (lock) == app);
  g_assert_cmpint (grel_task_lock_get_min_hold_duration (lock), ==, 2);
  g_assert_cmpint (grel_task_lock_get_lease_duration (lock), ==, 3);
}

static void
what_the_functions_set_the_properties_tell (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLockBackend) found_backend = NULL;
  g_autoptr (GrelApp) found_app = NULL;
  g_autofree char *name = NULL;
  gint64 min_hold_duration, lease_duration;

  grel_task_lock_set_app (fixture->lock, app);
  grel_task_lock_set_min_hold_duration (fixture->lock, 2);
  grel_task_lock_set_lease_duration (fixture->lock, 3);
  g_object_get (fixture->lock, "name", &name, "backend", &found_backend, "app", &found_app,
                "min-hold-duration", &min_hold_duration, "lease-duration", &lease_duration, NULL);
  g_assert_cmpstr (name, ==, "nightly");
  g_assert_true (found_backend == GREL_LOCK_BACKEND (fixture->scene.backend));
  g_assert_true (found_app == app);
  g_assert_cmpint (min_hold_duration, ==, 2);
  g_assert_cmpint (lease_duration, ==, 3);
}

static void
count_notification (GObject *object, GParamSpec *pspec, guint *count)
{
  ++*count;
}

static void
only_a_change_is_notified (Fixture *fixture, gconstpointer data)
{
  guint n_notified = 0;

  g_signal_connect (fixture->lock, "notify", G_CALLBACK (count_notification), &n_notified);
  for (int i = 0; i < 2; i++)
    {
      grel_task_lock_set_min_hold_duration (fixture->lock, 2);
      grel_task_lock_set_lease_duration (fixture->lock, 3);
      grel_task_lock_set_backend (fixture->lock, NULL);
      grel_task_lock_set_app (fixture->lock, NULL); /* as it was */
    }
  g_assert_cmpuint (n_notified, ==, 3);
}

static void
a_change_of_settings_does_not_concern_who_holds_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  grel_task_lock_set_min_hold_duration (fixture->lock, 1);
  grel_task_lock_set_lease_duration (fixture->lock, HUNDRED_YEARS);
  release (lease);
  expect_held_for (fixture, HOLD);
}

static void
without_an_app_it_is_not_open (Fixture *fixture, gconstpointer data)
{
  grel_task_lock_set_backend (fixture->lock, NULL);
  expect_acquire_error (fixture->lock, GREL_ERROR_NOT_OPEN, "open");
}

static void
it_finds_its_backend_in_the_app (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) app = grel_app_new (); /* uses memory */
  g_autoptr (GrelLease) lease = NULL;

  g_assert_true (grel_test_app_open (app, NULL));
  grel_task_lock_set_backend (fixture->lock, NULL);
  lease = acquire (fixture);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_true (grel_test_app_close (app, NULL));
  expect_release_error (lease, GREL_ERROR_CLOSED, "closed");
}

static void
it_never_waits (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelTaskLock) same = new_lock (fixture);
  g_autoptr (GrelLease) lease = acquire (fixture);

  expect_acquire_error (fixture->lock, GREL_ERROR_WOULD_BLOCK, "held by another");
  expect_acquire_error (same, GREL_ERROR_WOULD_BLOCK, "held by another");
  g_assert_true (grel_lease_is_valid (lease));
}

static void
a_lock_of_its_name_is_another_lock (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLock) lock
    = g_object_new (GREL_TYPE_LOCK, "name", "nightly", "backend", fixture->scene.backend, NULL);
  g_autoptr (GrelLease) task_lease = acquire (fixture);
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_lock_is_locked (lock, NULL));
  lease = grel_test_lock_acquire (lock, 0, &error);
  g_assert_no_error (error);
  release (task_lease);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 1);
}

static void
its_fence_is_higher_than_that_of_the_one_before (Fixture *fixture, gconstpointer data)
{
  for (int fence = 1; fence <= 3; fence++)
    {
      g_autoptr (GrelLease) lease = acquire (fixture);

      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, fence);
      release (lease);
      pass (fixture, HOLD + 1);
    }
}

static void
its_lease_is_not_extended_by_itself (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  gint64 deadline = grel_lease_get_deadline (lease);

  for (int i = 0; i < 10; i++)
    pass (fixture, LEASE / 10);
  g_assert_cmpint (grel_lease_get_deadline (lease), ==, deadline);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "lost");
}

static void
while_the_work_goes_on_it_may_be_extended (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  for (int i = 0; i < 5; i++)
    {
      pass (fixture, LEASE / 2);
      g_assert_true (grel_test_lease_extend (lease, NULL));
    }
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 1);
  release (lease);
  g_assert_false (is_locked (fixture));
}

static void
a_store_that_does_badly_leaves_it_free (Fixture *fixture, gconstpointer data)
{
  set_mood (fixture, GREL_TEST_STORE_FAILS);
  expect_acquire_error (fixture->lock, GREL_ERROR_BACKEND, "the store is down");
  set_mood (fixture, GREL_TEST_STORE_DROPS);
  expect_acquire_error (fixture->lock, GREL_ERROR_BACKEND, "dropped");
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  grel_test_settle ();
  g_object_unref (acquire (fixture));
}

/* Nobody has begun to work, so there is nothing to hold it for. */
static void
what_is_won_by_one_who_left_is_free_at_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_task_lock_acquire_async (fixture->lock, cancellable, grel_test_result_ready, &acquired);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  g_assert_null (
    grel_task_lock_acquire_finish (fixture->lock, grel_test_result_wait (&acquired), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  answer (fixture);
  g_assert_false (is_locked (fixture));
  g_object_unref (acquire (fixture));
}

static void
a_store_that_is_slow_is_not_waited_for (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_task_lock_acquire_async (fixture->lock, NULL, grel_test_result_ready, &acquired);
  grel_test_settle ();
  pass (fixture, G_TIME_SPAN_SECOND);
  g_assert_true (acquired.is_done);
  g_assert_null (grel_task_lock_acquire_finish (fixture->lock, acquired.result, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "task lock “nightly”", "did not say");
  answer (fixture);
  g_assert_false (is_locked (fixture));
}

static void
released_early_it_is_held_for_its_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  pass (fixture, HOLD / 4);
  release (lease);
  g_assert_true (is_locked (fixture));
  expect_held_for (fixture, HOLD - HOLD / 4);
}

static void
released_a_moment_early_it_is_held_for_a_moment (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  pass (fixture, HOLD - 1);
  release (lease);
  expect_held_for (fixture, 1);
}

static void
released_just_in_time_it_is_free (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  pass (fixture, HOLD);
  release (lease);
  g_assert_false (is_locked (fixture));
  g_object_unref (acquire (fixture));
}

static void
released_later_it_is_free (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  pass (fixture, HOLD + 1);
  release (lease);
  g_assert_false (is_locked (fixture));
}

static void
held_as_long_as_its_lease_it_lapses_with_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;

  grel_task_lock_set_min_hold_duration (fixture->lock, LEASE);
  lease = acquire (fixture);
  pass (fixture, LEASE / 2);
  release (lease);
  expect_held_for (fixture, LEASE / 2);
}

static void
extended_and_released_early_it_is_held_for_its_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  pass (fixture, HOLD / 2);
  g_assert_true (grel_test_lease_extend (lease, NULL));
  release (lease);
  expect_held_for (fixture, HOLD / 2);
}

static void
dropped_early_it_is_held_for_its_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  pass (fixture, HOLD / 4);
  g_clear_object (&lease);
  expect_held_for (fixture, HOLD - HOLD / 4);
}

static void
dropped_later_it_is_free (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  pass (fixture, HOLD);
  g_clear_object (&lease);
  grel_test_settle ();
  g_assert_false (is_locked (fixture));
}

static gpointer
unref_on_thread (gpointer object)
{
  g_object_unref (object);
  return NULL;
}

static void
dropped_by_another_thread_it_is_held_for_its_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  pass (fixture, HOLD / 4);
  g_thread_join (g_thread_new ("finalizer", unref_on_thread, g_steal_pointer (&lease)));
  expect_held_for (fixture, HOLD - HOLD / 4);
}

static void
dropped_with_a_result_that_nobody_fetches_it_is_held_for_its_time (Fixture *fixture,
                                                                   gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };

  grel_task_lock_acquire_async (fixture->lock, NULL, grel_test_result_ready, &acquired);
  grel_test_result_wait (&acquired);
  grel_test_result_clear (&acquired);
  expect_held_for (fixture, HOLD);
}

static void
its_time_begins_when_the_store_has_answered (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GrelLease) lease = NULL;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_task_lock_acquire_async (fixture->lock, NULL, grel_test_result_ready, &acquired);
  grel_test_settle ();
  pass (fixture, G_TIME_SPAN_SECOND / 2);
  answer (fixture);
  lease = grel_task_lock_acquire_finish (fixture->lock, grel_test_result_wait (&acquired), NULL);
  release (lease);
  expect_held_for (fixture, HOLD);
}

static void
its_time_is_judged_when_the_store_is_asked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_auto (GrelTestResult) released = { NULL };

  pass (fixture, HOLD - 1);
  grel_lease_release_async (lease, NULL, grel_test_result_ready, &released);
  grel_virtual_clock_advance (fixture->scene.clock, 1);
  g_assert_true (grel_lease_release_finish (lease, grel_test_result_wait (&released), NULL));
  g_assert_false (is_locked (fixture));
}

static void
released_it_is_over_for_its_owner (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_autoptr (GError) error = NULL;

  release (lease);
  g_assert_true (is_locked (fixture));
  g_assert_false (grel_lease_is_valid (lease));
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "released already");
  g_assert_false (grel_test_lease_extend (lease, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OWNED, "nightly", "released already");
  expect_held_for (fixture, HOLD);
}

static void
when_its_time_is_over_nothing_is_lost (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_autoptr (GrelLease) next = NULL;

  g_assert_false (is_cancelled (lease));
  release (lease);
  pass (fixture, HOLD + 1);
  next = acquire (fixture);
  g_assert_false (is_cancelled (lease));
  g_assert_true (grel_lease_is_valid (next));
}

static void
run_out_it_is_not_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_autoptr (GrelLease) next = NULL;

  pass (fixture, LEASE + 1);
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "lost");
  next = acquire (fixture);
  g_clear_object (&lease);
  grel_test_settle ();
  g_assert_true (grel_lease_is_valid (next));
  g_assert_true (is_locked (fixture));
}

static void
one_that_the_store_gave_to_another_is_not_released (Fixture *fixture, gconstpointer data)
{
  static const GTimeSpan spans[] = { 0, HOLD };

  for (guint i = 0; i < G_N_ELEMENTS (spans); i++)
    {
      g_autoptr (GrelLease) lease = acquire (fixture);

      pass (fixture, spans[i]);
      g_assert_true (grel_test_store_steal (fixture->scene.store, KEY));
      expect_release_error (lease, GREL_ERROR_NOT_OWNED, "lost");
      g_object_unref (acquire (fixture));
      pass (fixture, HOLD + 1);
    }
}

static void
a_release_that_fails_may_be_tried_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  set_mood (fixture, GREL_TEST_STORE_FAILS);
  expect_release_error (lease, GREL_ERROR_BACKEND, "the store is down");
  g_assert_false (grel_lease_is_valid (lease));
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  pass (fixture, HOLD / 2);
  release (lease);
  expect_held_for (fixture, HOLD / 2);
}

static void
a_release_that_failed_is_tried_again_when_it_is_dropped (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  set_mood (fixture, GREL_TEST_STORE_FAILS);
  expect_release_error (lease, GREL_ERROR_BACKEND, "the store is down");
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  g_clear_object (&lease);
  expect_held_for (fixture, HOLD);
}

static void
a_release_that_failed_leaves_the_object_usable (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_autoptr (GrelLease) next = NULL;

  set_mood (fixture, GREL_TEST_STORE_FAILS);
  expect_release_error (lease, GREL_ERROR_BACKEND, "the store is down");
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  expect_acquire_error (fixture->lock, GREL_ERROR_WOULD_BLOCK, "held");
  pass (fixture, LEASE + 1);
  next = acquire (fixture);
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "lost");
  g_assert_true (grel_lease_is_valid (next));
}

/* The store lets it lapse, as it was asked, though nobody waits for that any more. */
static void
a_release_that_is_answered_too_late_frees_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_auto (GrelTestResult) released = { NULL };
  g_autoptr (GError) error = NULL;
  guint n;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_release_async (lease, NULL, grel_test_result_ready, &released);
  grel_test_settle ();
  pass (fixture, REQUEST_TIMEOUT);
  g_assert_false (grel_lease_release_finish (lease, released.result, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "task lock “nightly”", "10 s");
  n = n_requests (fixture);
  answer (fixture);
  g_assert_cmpuint (n_requests (fixture), ==, n);
  expect_held_for (fixture, HOLD);
}

static void
a_release_that_nobody_waits_for_is_tried_again_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) released = { NULL };
  guint n = n_requests (fixture);

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_release_async (lease, cancellable, grel_test_result_ready, &released);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  grel_test_result_wait (&released);
  grel_test_result_clear (&released);
  g_clear_object (&lease);

  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  pass (fixture, REQUEST_TIMEOUT);
  g_assert_cmpuint (n_requests (fixture), ==, n + 2);
  grel_test_store_answer (fixture->scene.store);
  grel_test_settle ();
  g_assert_cmpuint (n_requests (fixture), ==, n + 2);
  g_assert_true (is_locked (fixture));
}

static void
start_to_extend (Fixture *fixture, GrelLease *lease, GrelTestResult *extended)
{
  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_extend_async (lease, NULL, grel_test_result_ready, extended);
  grel_test_settle ();
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
}

static void
an_extension_that_the_store_does_last_lapses_too (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_auto (GrelTestResult) extended = { NULL };

  start_to_extend (fixture, lease, &extended);
  release (lease);
  pass (fixture, HOLD / 4);
  answer (fixture);
  g_assert_true (extended.is_done);
  expect_held_for (fixture, HOLD - HOLD / 4);
}

static void
an_extension_that_is_answered_too_late_lapses_too (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_auto (GrelTestResult) extended = { NULL };

  start_to_extend (fixture, lease, &extended);
  pass (fixture, REQUEST_TIMEOUT);
  g_assert_true (extended.is_done);
  release (lease);
  answer (fixture);
  expect_held_for (fixture, HOLD - REQUEST_TIMEOUT);
}

static void
extended_after_it_was_lost_it_is_held_for_its_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;
  g_auto (GrelTestResult) extended = { NULL };
  GTimeSpan span;

  grel_task_lock_set_min_hold_duration (fixture->lock, LEASE);
  lease = acquire (fixture);
  span = grel_lease_get_deadline (lease) - grel_test_scene_now (&fixture->scene);
  g_assert_cmpint (span, <, LEASE);
  pass (fixture, span - 1);
  start_to_extend (fixture, lease, &extended);
  pass (fixture, 1);
  g_assert_true (is_cancelled (lease));
  answer (fixture);
  expect_held_for (fixture, LEASE - span);
}

static void
who_stops_waiting_for_a_release_has_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) released = { NULL };
  g_autoptr (GError) error = NULL;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_release_async (lease, cancellable, grel_test_result_ready, &released);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  g_assert_false (grel_lease_release_finish (lease, grel_test_result_wait (&released), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  answer (fixture);
  expect_held_for (fixture, HOLD);
}

static void
after_the_end_it_is_closed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);

  g_assert_false (is_cancelled (lease));
  grel_backend_close_async (fixture->scene.backend, NULL, NULL, NULL);
  g_assert_true (is_cancelled (lease));
  g_assert_false (grel_lease_is_valid (lease));
  grel_test_settle ();
  expect_release_error (lease, GREL_ERROR_CLOSED, "closed");
  expect_acquire_error (fixture->lock, GREL_ERROR_CLOSED, "closed");
}

static void
in_memory_its_time_ends_with_the_backend (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  g_autoptr (GrelLease) next = NULL;

  release (lease);
  grel_test_backend_close (fixture->scene.backend, NULL);
  grel_test_backend_open (fixture->scene.backend, NULL);
  next = acquire (fixture);
  g_assert_cmpint (grel_lease_get_fencing_token (next), ==, 2);
}

static void
in_a_store_its_time_outlasts_the_backend (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  guint n;

  release (lease);
  n = n_requests (fixture);
  grel_test_backend_close (fixture->scene.backend, NULL);
  grel_test_backend_open (fixture->scene.backend, NULL);
  g_clear_object (&lease);
  grel_test_settle ();
  g_assert_cmpuint (n_requests (fixture), ==, n);
  expect_held_for (fixture, HOLD);
}

/* What a worker does in one go, and what came of it. */
typedef struct
{
  Fixture *fixture;
  gboolean is_dropping;
  GError *nested;
  GError *too_early;
  gboolean was_valid;
  gboolean was_locked;
  gboolean was_released;
} Worker;

static void
worker_run (gpointer data, gpointer unused)
{
  Worker *self = data;
  g_autoptr (GrelTaskLock) same = new_lock (self->fixture);
  g_autoptr (GrelLease) lease = NULL;

  lease = grel_task_lock_acquire_from_thread (self->fixture->lock, NULL, NULL);
  self->was_valid = grel_lease_is_valid (lease);
  grel_task_lock_acquire_from_thread (same, NULL, &self->nested);
  if (!self->is_dropping)
    self->was_released = grel_lease_release_from_thread (lease, NULL, NULL);
  g_clear_object (&lease);
  grel_task_lock_acquire_from_thread (self->fixture->lock, NULL, &self->too_early);
  self->was_locked = grel_task_lock_is_locked_from_thread (same, NULL, NULL);
}

static void
a_worker_does_not_get_in_twice (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 2; i++)
    {
      Worker worker = { .fixture = fixture, .is_dropping = i == 1 };

      grel_test_in_thread (worker_run, &worker);
      g_assert_true (worker.was_valid);
      g_assert_cmpint (worker.was_released, ==, !worker.is_dropping);
      grel_test_assert_error (worker.nested, GREL_ERROR_REENTRANT, "task lock “nightly”", "thread");
      grel_test_assert_error (worker.too_early, GREL_ERROR_WOULD_BLOCK, "task lock “nightly”");
      g_assert_true (worker.was_locked);
      expect_held_for (fixture, HOLD);
      pass (fixture, HOLD + 1);
    }
}

static void
on_the_thread_of_the_loop_it_is_not_waited_for (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_task_lock_acquire_from_thread (fixture->lock, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "task lock “nightly”", "async");
  g_assert_false (grel_task_lock_is_locked_from_thread (fixture->lock, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "task lock “nightly”", "async");
  g_assert_false (grel_task_lock_run_from_thread (fixture->lock, must_not_run, NULL, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "task lock “nightly”", "async");
  g_assert_false (is_locked (fixture));
}

/* One call of run_from_thread (), and what its function does. */
typedef struct
{
  Fixture *fixture;
  GTimeSpan span;
  gboolean fails;
  int n_runs;
  gboolean succeeded;
  GError *error;
} Run;

static gboolean
run_func (GCancellable *cancellable, gpointer data, GError **error)
{
  Run *self = data;

  self->n_runs++;
  g_assert_false (g_cancellable_is_cancelled (cancellable));
  g_assert_true (grel_task_lock_is_locked_from_thread (self->fixture->lock, NULL, NULL));
  grel_virtual_clock_advance (self->fixture->scene.clock, self->span);
  if (self->fails)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is nothing");
  return !self->fails;
}

static void
run_in_thread (gpointer data, gpointer unused)
{
  Run *self = data;

  self->succeeded
    = grel_task_lock_run_from_thread (self->fixture->lock, run_func, self, NULL, &self->error);
}

static void
what_runs_in_a_moment_holds_it_for_its_time (Fixture *fixture, gconstpointer data)
{
  Run work = { .fixture = fixture };

  grel_test_in_thread (run_in_thread, &work);
  g_assert_no_error (work.error);
  g_assert_true (work.succeeded);
  g_assert_cmpint (work.n_runs, ==, 1);
  expect_held_for (fixture, HOLD);
}

static void
what_runs_longer_holds_it_until_it_is_done (Fixture *fixture, gconstpointer data)
{
  Run work = { .fixture = fixture, .span = HOLD };

  grel_test_in_thread (run_in_thread, &work);
  g_assert_true (work.succeeded);
  g_assert_false (is_locked (fixture));
}

static void
what_runs_and_fails_holds_it_for_its_time_too (Fixture *fixture, gconstpointer data)
{
  Run work = { .fixture = fixture, .fails = TRUE };

  grel_test_in_thread (run_in_thread, &work);
  g_assert_false (work.succeeded);
  g_assert_error (work.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&work.error);
  expect_held_for (fixture, HOLD);
}

static void
what_runs_too_long_is_told (Fixture *fixture, gconstpointer data)
{
  Run work = { .fixture = fixture, .span = LEASE };

  grel_test_in_thread (run_in_thread, &work);
  g_assert_false (work.succeeded);
  grel_test_assert_error (work.error, GREL_ERROR_NOT_OWNED, "task lock “nightly”", "lease");
}

static void
nothing_runs_while_another_holds_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture);
  Run work = { .fixture = fixture };

  grel_test_in_thread (run_in_thread, &work);
  g_assert_false (work.succeeded);
  grel_test_assert_error (work.error, GREL_ERROR_WOULD_BLOCK, "task lock “nightly”");
  g_assert_cmpint (work.n_runs, ==, 0);
  g_assert_true (grel_lease_is_valid (lease));
}

static void
cancelled_in_advance_nothing_is_asked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (grel_task_lock_acquire_from_thread (fixture->lock, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (grel_task_lock_is_locked_from_thread (fixture->lock, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (
    grel_task_lock_run_from_thread (fixture->lock, must_not_run, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (n_requests (fixture), ==, 0);
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/task-lock/memory/" #name, Fixture, NULL, set_up_memory, name, tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/task-lock/store/" #name, Fixture, NULL, set_up_store, name, tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

static void
add_rules_of_settings (void)
{
  RULE_IN_MEMORY (a_name_may_not_be_just_anything);
  RULE_IN_MEMORY (a_duration_may_not_be_just_anything);
  RULE (the_limits_themselves_are_accepted);
  RULE_IN_MEMORY (properties_have_defaults);
  RULE_IN_MEMORY (properties_are_those_of_the_functions);
  RULE_IN_MEMORY (what_the_functions_set_the_properties_tell);
  RULE_IN_MEMORY (only_a_change_is_notified);
  RULE (a_change_of_settings_does_not_concern_who_holds_it);
  RULE_IN_MEMORY (without_an_app_it_is_not_open);
  RULE_IN_MEMORY (it_finds_its_backend_in_the_app);
}

static void
add_rules_of_acquisition (void)
{
  RULE (it_never_waits);
  RULE (a_lock_of_its_name_is_another_lock);
  RULE (its_fence_is_higher_than_that_of_the_one_before);
  RULE (its_lease_is_not_extended_by_itself);
  RULE (while_the_work_goes_on_it_may_be_extended);
  RULE_IN_STORE (a_store_that_does_badly_leaves_it_free);
  RULE_IN_STORE (what_is_won_by_one_who_left_is_free_at_once);
  RULE_IN_STORE (a_store_that_is_slow_is_not_waited_for);
}

static void
add_rules_of_release (void)
{
  RULE (released_early_it_is_held_for_its_time);
  RULE (released_a_moment_early_it_is_held_for_a_moment);
  RULE (released_just_in_time_it_is_free);
  RULE (released_later_it_is_free);
  RULE (held_as_long_as_its_lease_it_lapses_with_it);
  RULE (extended_and_released_early_it_is_held_for_its_time);
  RULE (dropped_early_it_is_held_for_its_time);
  RULE (dropped_later_it_is_free);
  RULE (dropped_by_another_thread_it_is_held_for_its_time);
  RULE (dropped_with_a_result_that_nobody_fetches_it_is_held_for_its_time);
  RULE_IN_STORE (its_time_begins_when_the_store_has_answered);
  RULE_IN_STORE (its_time_is_judged_when_the_store_is_asked);
  RULE (released_it_is_over_for_its_owner);
  RULE (when_its_time_is_over_nothing_is_lost);
  RULE (run_out_it_is_not_released);
  RULE_IN_STORE (one_that_the_store_gave_to_another_is_not_released);
}

static void
add_rules_of_failure (void)
{
  RULE_IN_STORE (a_release_that_fails_may_be_tried_again);
  RULE_IN_STORE (a_release_that_failed_is_tried_again_when_it_is_dropped);
  RULE_IN_STORE (a_release_that_failed_leaves_the_object_usable);
  RULE_IN_STORE (a_release_that_is_answered_too_late_frees_nothing);
  RULE_IN_STORE (a_release_that_nobody_waits_for_is_tried_again_once);
  RULE_IN_STORE (an_extension_that_the_store_does_last_lapses_too);
  RULE_IN_STORE (an_extension_that_is_answered_too_late_lapses_too);
  RULE_IN_STORE (extended_after_it_was_lost_it_is_held_for_its_time);
  RULE_IN_STORE (who_stops_waiting_for_a_release_has_released);
  RULE (after_the_end_it_is_closed);
  RULE_IN_MEMORY (in_memory_its_time_ends_with_the_backend);
  RULE_IN_STORE (in_a_store_its_time_outlasts_the_backend);
}

static void
add_rules_of_threads (void)
{
  RULE (a_worker_does_not_get_in_twice);
  RULE (on_the_thread_of_the_loop_it_is_not_waited_for);
  RULE (what_runs_in_a_moment_holds_it_for_its_time);
  RULE (what_runs_longer_holds_it_until_it_is_done);
  RULE (what_runs_and_fails_holds_it_for_its_time_too);
  RULE (what_runs_too_long_is_told);
  RULE (nothing_runs_while_another_holds_it);
  RULE_IN_STORE (cancelled_in_advance_nothing_is_asked);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_rules_of_settings ();
  add_rules_of_acquisition ();
  add_rules_of_release ();
  add_rules_of_failure ();
  add_rules_of_threads ();
  return g_test_run ();
}
