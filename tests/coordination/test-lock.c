/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-part.h"
#include "grel-test-scene.h"

#include <math.h>
#include <string.h>

#define LEASE (60 * G_TIME_SPAN_SECOND)
#define REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)
#define HUNDRED_YEARS (36525 * G_TIME_SPAN_DAY)

typedef GrelTestScene Fixture;

static GrelLease *
acquire (GrelLock *lock)
{
  g_autoptr (GError) error = NULL;
  GrelLease *lease = grel_test_lock_acquire (lock, 0, &error);

  g_assert_no_error (error);
  return lease;
}

static void
expect_acquire_error (GrelLock *lock, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_lock_acquire (lock, 0, &error));
  grel_test_assert_error (error, code, word);
}

static gboolean
must_not_run (GCancellable *cancellable, gpointer data, GError **error)
{
  g_assert_not_reached ();
  return TRUE;
}

static void
expect_settings_error (GError *error, const char *field)
{
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  if (strstr (error->message, "VALUE") != NULL || strstr (error->message, "77777") != NULL)
    g_error ("“%s” repeats the value", error->message);
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "lock", field);
}

/* Every operation of the lock refuses, on any thread. */
static void
expect_all_refuse (GrelLock *lock, const char *field)
{
  GError *error = NULL;

  g_assert_null (grel_test_lock_acquire (lock, -1, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_null (grel_lock_acquire_from_thread (lock, -1, NULL, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_false (grel_test_lock_is_locked (lock, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_false (grel_lock_is_locked_from_thread (lock, NULL, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_false (grel_lock_run_from_thread (lock, -1, must_not_run, NULL, NULL, &error));
  expect_settings_error (g_steal_pointer (&error), field);
}

static void
a_name_may_not_be_just_anything (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_name = g_strnfill (201, 'n');
  const char *const names[] = {
    NULL,      "",        long_name, "\xff",      "VALUE\xff", "VALUEß", " VALUE",  "VALUE ",
    "VALUE A", "VALUE\n", "\tVALUE", "VALUE\x7f", "VALUE\x01", ".VALUE", "-VALUE",  "/VALUE",
    ":VALUE",  "_VALUE",  "VALUE*",  "VALUE?",    "VALUE#",    "VALUE@", "VALUE\\", "VALUE\"",
    "VALUE,A", "{VALUE}", "VALUE%",  "VALUE;",    "VALUE'",    "VALUE+", "$VALUE",  "(VALUE)",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GrelLock) lock = grel_lock_new (names[i]);

      g_assert_cmpstr (grel_lock_get_name (lock), ==, names[i]);
      grel_lock_set_backend (lock, GREL_LOCK_BACKEND (fixture->backend));
      expect_all_refuse (lock, "name:");
    }
}

static void
an_error_of_a_bad_name_has_no_name (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLock) lock = grel_lock_new ("not good");
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_lock_acquire (lock, -1, &error));
  g_assert_error (error, GREL_ERROR, GREL_ERROR_SETTINGS);
  g_assert_null (grel_error_get_name (error));
}

static void
a_name_may_have_a_structure (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_name = g_strnfill (200, 'n');
  const char *const names[]
    = { "a", "Z", "0", "9lives", "tenant:7/cart", "a.b_c:d/e-f", "a..", "a//", long_name };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GrelLock) lock = grel_lock_new (names[i]);
      g_autoptr (GrelLease) lease = NULL;

      grel_lock_set_backend (lock, GREL_LOCK_BACKEND (fixture->backend));
      lease = acquire (lock);
      g_assert_cmpstr (grel_lease_get_name (lease), ==, names[i]);
    }
}

static void
a_duration_may_not_be_just_anything (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *property;
    gint64 value;
  } durations[] = {
    { "lease-duration", 0 },
    { "lease-duration", -1 },
    { "lease-duration", -77777 },
    { "lease-duration", HUNDRED_YEARS + 1 },
    { "lease-duration", G_MAXINT64 },
    { "lease-duration", G_MININT64 },
    { "retry-interval", 0 },
    { "retry-interval", 999 },
    { "retry-interval", -77777 },
    { "retry-interval", HUNDRED_YEARS + 1 },
    { "retry-interval", G_MAXINT64 },
    { "retry-interval", G_MININT64 },
    { "max-hold-duration", -1 },
    { "max-hold-duration", -77777 },
    { "max-hold-duration", HUNDRED_YEARS + 1 },
    { "max-hold-duration", G_MAXINT64 },
    { "max-hold-duration", G_MININT64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (durations); i++)
    {
      g_autoptr (GrelLock) lock
        = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", fixture->backend,
                        durations[i].property, durations[i].value, NULL);

      expect_all_refuse (lock, durations[i].property);
      expect_all_refuse (lock, "“cart”");
    }
}

static void
a_jitter_is_less_than_the_whole (Fixture *fixture, gconstpointer data)
{
  static const double jitters[]
    = { -0.1, -G_MINDOUBLE, 1.0, 77777.0, -77777.0, G_MAXDOUBLE, NAN, INFINITY, -INFINITY };

  for (guint i = 0; i < G_N_ELEMENTS (jitters); i++)
    {
      grel_lock_set_retry_jitter (fixture->lock, jitters[i]);
      expect_all_refuse (fixture->lock, "retry-jitter:");
    }
}

static void
the_limits_themselves_are_accepted (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *property;
    gint64 value;
  } durations[] = {
    { "lease-duration", 1 },
    { "lease-duration", HUNDRED_YEARS },
    { "retry-interval", 1000 },
    { "retry-interval", HUNDRED_YEARS },
    { "max-hold-duration", 0 },
    { "max-hold-duration", 1 },
    { "max-hold-duration", HUNDRED_YEARS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (durations); i++)
    {
      g_autoptr (GrelLock) lock
        = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", fixture->backend,
                        durations[i].property, durations[i].value, "retry-jitter",
                        i % 2 == 0 ? 0.0 : 0.999, NULL);

      g_test_message ("%s %" G_GINT64_FORMAT, durations[i].property, durations[i].value);
      g_object_unref (acquire (lock));
    }
}

static void
a_setting_that_was_mended_is_accepted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_set_lease_duration (fixture->lock, 0);
  expect_all_refuse (fixture->lock, "lease-duration:");
  grel_lock_set_lease_duration (fixture->lock, LEASE);
  lease = acquire (fixture->lock);
}

static void
any_timeout_will_do (Fixture *fixture, gconstpointer data)
{
  static const GTimeSpan timeouts[] = { G_MININT64, -77777, -1, 0, 1, HUNDRED_YEARS, G_MAXINT64 };

  for (guint i = 0; i < G_N_ELEMENTS (timeouts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GrelLease) lease = grel_test_lock_acquire (fixture->lock, timeouts[i], &error);

      g_assert_no_error (error);
      g_assert_true (grel_lease_is_valid (lease));
    }
}

static void
two_objects_of_one_name_are_one_lock (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLock) same
    = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", fixture->backend, NULL);
  g_autoptr (GrelLock) other
    = g_object_new (GREL_TYPE_LOCK, "name", "Cart", "backend", fixture->backend, NULL);
  g_autoptr (GrelLease) lease = acquire (fixture->lock);
  g_autoptr (GrelLease) other_lease = NULL;

  expect_acquire_error (same, GREL_ERROR_WOULD_BLOCK, "cart");
  g_assert_true (grel_test_lock_is_locked (same, NULL));
  g_assert_false (grel_test_lock_is_locked (other, NULL));
  other_lease = acquire (other);
}

static void
be_refused (gpointer lock, gpointer unused)
{
  g_assert_null (grel_lock_acquire_from_thread (lock, 0, NULL, NULL));
}

static void
nobody_has_to_look_at_the_error (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture->lock);

  grel_test_in_thread (be_refused, fixture->lock);
  g_assert_true (grel_lease_is_valid (lease));
}

static void
a_lease_outlives_its_lock (Fixture *fixture, gconstpointer data)
{
  GrelLock *lock
    = g_object_new (GREL_TYPE_LOCK, "name", "other", "backend", fixture->backend, NULL);
  g_autoptr (GrelLease) lease = acquire (lock);

  g_object_unref (lock);
  g_assert_cmpstr (grel_lease_get_name (lease), ==, "other");
  g_assert_true (grel_test_lease_extend (lease, NULL));
  g_assert_true (grel_test_lease_release (lease, NULL));
}

static void
properties_have_defaults (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLock) lock = g_object_new (GREL_TYPE_LOCK, NULL);

  g_assert_null (grel_lock_get_name (lock));
  g_assert_null (grel_lock_get_backend (lock));
  g_assert_null (grel_lock_get_app (lock));
  g_assert_cmpint (grel_lock_get_lease_duration (lock), ==, 60 * G_TIME_SPAN_SECOND);
  g_assert_cmpint (grel_lock_get_retry_interval (lock), ==, 100 * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpfloat (grel_lock_get_retry_jitter (lock), ==, 0.1);
  g_assert_true (grel_lock_get_auto_extend (lock));
  g_assert_cmpint (grel_lock_get_max_hold_duration (lock), ==, 0);
}

static void
properties_are_those_of_the_functions (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) lock
    = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", fixture->backend, "app", app,
                    "lease-duration", (gint64) 1, "retry-interval", (gint64) 2000, "retry-jitter",
                    0.3, "auto-extend", FALSE, "max-hold-duration", (gint64) 4, NULL);

  g_assert_cmpstr (grel_lock_get_name (lock), ==, "cart");
  g_assert_true (grel_lock_get_backend (lock) == GREL_LOCK_BACKEND (fixture->backend));
  g_assert_true (grel_lock_get_app (lock) == app);
  g_assert_cmpint (grel_lock_get_lease_duration (lock), ==, 1);
  g_assert_cmpint (grel_lock_get_retry_interval (lock), ==, 2000);
  g_assert_cmpfloat (grel_lock_get_retry_jitter (lock), ==, 0.3);
  g_assert_false (grel_lock_get_auto_extend (lock));
  g_assert_cmpint (grel_lock_get_max_hold_duration (lock), ==, 4);
}

static void
what_the_functions_set_the_properties_tell (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLockBackend) found_backend = NULL;
  g_autoptr (GrelApp) found_app = NULL;
  g_autofree char *name = NULL;
  gint64 lease_duration, retry_interval, max_hold_duration;
  double retry_jitter;
  gboolean auto_extend;

  grel_lock_set_app (fixture->lock, app);
  grel_lock_set_lease_duration (fixture->lock, 1);
  grel_lock_set_retry_interval (fixture->lock, 2);
  grel_lock_set_retry_jitter (fixture->lock, 0.3);
  grel_lock_set_auto_extend (fixture->lock, FALSE);
  grel_lock_set_max_hold_duration (fixture->lock, 4);
  g_object_get (fixture->lock, "name", &name, "backend", &found_backend, "app", &found_app,
                "lease-duration", &lease_duration, "retry-interval", &retry_interval,
                "retry-jitter", &retry_jitter, "auto-extend", &auto_extend, "max-hold-duration",
                &max_hold_duration, NULL);
  g_assert_cmpstr (name, ==, "cart");
  g_assert_true (found_backend == GREL_LOCK_BACKEND (fixture->backend));
  g_assert_true (found_app == app);
  g_assert_cmpint (lease_duration, ==, 1);
  g_assert_cmpint (retry_interval, ==, 2);
  g_assert_cmpfloat (retry_jitter, ==, 0.3);
  g_assert_false (auto_extend);
  g_assert_cmpint (max_hold_duration, ==, 4);
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
      grel_lock_set_lease_duration (fixture->lock, 1);
      grel_lock_set_retry_jitter (fixture->lock, 0.3);
      grel_lock_set_auto_extend (fixture->lock, FALSE);
      grel_lock_set_backend (fixture->lock, NULL);
    }
  g_assert_cmpuint (n_notified, ==, 4);
}

static void
a_change_of_settings_applies_to_the_next_operation (Fixture *fixture, gconstpointer data)
{
  gint64 now = grel_test_scene_now (fixture);
  g_autoptr (GrelLease) holder = acquire (fixture->lock);
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GrelLease) waiter = NULL;
  g_autoptr (GrelLease) next = NULL;

  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  grel_lock_set_lease_duration (fixture->lock, 7 * G_TIME_SPAN_SECOND);
  g_assert_cmpint (grel_lease_get_deadline (holder), ==, now + LEASE);
  grel_test_lease_extend (holder, NULL);
  g_assert_cmpint (grel_lease_get_deadline (holder), ==, now + LEASE);

  grel_test_lease_release (holder, NULL);
  waiter = grel_lock_acquire_finish (fixture->lock, grel_test_result_wait (&acquired), NULL);
  g_assert_cmpint (grel_lease_get_deadline (waiter), ==, now + LEASE);
  grel_test_lease_release (waiter, NULL);
  next = acquire (fixture->lock);
  g_assert_cmpint (grel_lease_get_deadline (next), ==, now + 7 * G_TIME_SPAN_SECOND);
}

/* A lock that finds its backend itself. */
static GrelLock *
new_lock (GrelApp *app)
{
  return g_object_new (GREL_TYPE_LOCK, "name", "cart", "app", app, NULL);
}

static GrelApp *
open_app (gpointer component)
{
  GrelApp *app = grel_app_new ();
  g_autoptr (GError) error = NULL;

  if (component != NULL)
    grel_app_use (app, component, NULL, NULL);
  grel_test_app_open (app, &error);
  g_assert_no_error (error);
  return app;
}

static void
without_an_app_it_is_not_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLock) lock = new_lock (NULL);

  expect_acquire_error (lock, GREL_ERROR_NOT_OPEN, "“cart”: there is no app");
}

static void
before_its_app_is_open_it_is_not_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) explicit_lock = new_lock (app);
  g_autoptr (GrelLock) lock = new_lock (NULL);

  expect_acquire_error (explicit_lock, GREL_ERROR_NOT_OPEN, "“cart”: its app was never opened");
  expect_acquire_error (lock, GREL_ERROR_NOT_OPEN, "“cart”: the app is not open yet");
}

static void
after_its_app_is_closed_it_is_closed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) app = open_app (NULL);
  g_autoptr (GrelLock) explicit_lock = new_lock (app);
  g_autoptr (GrelLock) lock = new_lock (NULL);

  grel_test_app_close (app, NULL);
  expect_acquire_error (explicit_lock, GREL_ERROR_CLOSED, "cart");
  expect_acquire_error (lock, GREL_ERROR_CLOSED, "cart");
}

static void
its_backend_must_be_open_too (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) unopened = GREL_BACKEND (grel_memory_lock_adapter_new ());

  grel_lock_set_backend (fixture->lock, GREL_LOCK_BACKEND (unopened));
  expect_acquire_error (fixture->lock, GREL_ERROR_NOT_OPEN, "“cart”: its backend was never opened");
  grel_lock_set_backend (fixture->lock, GREL_LOCK_BACKEND (fixture->backend));
  grel_test_backend_close (fixture->backend, NULL);
  expect_acquire_error (fixture->lock, GREL_ERROR_CLOSED, "cart");
}

static void
what_is_not_open_is_not_asked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) unopened = GREL_BACKEND (grel_memory_lock_adapter_new ());
  g_auto (GrelTestResult) opened = { NULL };
  g_autoptr (GError) error = NULL;

  grel_lock_set_backend (fixture->lock, GREL_LOCK_BACKEND (unopened));
  g_assert_false (grel_test_lock_is_locked (fixture->lock, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OPEN, "cart", "never opened");
  grel_backend_open_async (unopened, NULL, grel_test_result_ready, &opened);
  g_assert_false (grel_lock_is_locked_from_thread (fixture->lock, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OPEN, "cart", "still opening");
  grel_test_result_wait (&opened);
  grel_test_backend_close (unopened, NULL);
  g_assert_false (grel_test_lock_is_locked (fixture->lock, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "cart");
}

static void
an_app_without_a_lock_backend_will_not_do (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GString) journal = g_string_new (NULL);
  g_autoptr (GrelTestPart) part = grel_test_part_new ("a", journal);
  g_autoptr (GrelMemoryLockAdapter) adapter = grel_memory_lock_adapter_new ();
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) lock = new_lock (NULL);

  grel_app_use (app, G_OBJECT (part), NULL, NULL);
  grel_app_use (app, G_OBJECT (adapter), "not the default", NULL);
  grel_test_app_open (app, NULL);
  expect_acquire_error (lock, GREL_ERROR_NOT_REGISTERED, "“cart”: ");
  grel_test_app_close (app, NULL);
}

static void
of_several_apps_one_must_be_meant (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) one = open_app (NULL);
  g_autoptr (GrelApp) other = open_app (NULL);
  g_autoptr (GrelLock) lock = new_lock (NULL);
  g_autoptr (GrelLease) lease = NULL;

  expect_acquire_error (lock, GREL_ERROR_AMBIGUOUS, "“cart”: several apps are open");
  grel_lock_set_app (lock, other);
  lease = acquire (lock);
  grel_test_app_close (one, NULL);
  g_assert_true (grel_lease_is_valid (lease));
  grel_test_app_close (other, NULL);
  g_assert_false (grel_lease_is_valid (lease));
}

static void
the_app_on_this_context_comes_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GrelApp) here = open_app (NULL);
  g_autoptr (GrelApp) there = NULL;
  g_autoptr (GrelLock) lock = new_lock (NULL);
  g_autoptr (GrelLease) lease_here = acquire (lock);
  g_autoptr (GrelLease) lease_there = NULL;

  g_main_context_push_thread_default (context);
  there = open_app (NULL);
  lease_there = acquire (lock);
  grel_test_app_close (there, NULL);
  g_main_context_pop_thread_default (context);
  g_assert_false (grel_lease_is_valid (lease_there));
  g_assert_true (grel_lease_is_valid (lease_here));
  grel_test_app_close (here, NULL);
}

static void
a_backend_of_its_own_comes_before_any_app (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) app = open_app (NULL);
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GrelLease) in_app = NULL;

  grel_lock_set_app (fixture->lock, app);
  lease = acquire (fixture->lock);
  grel_lock_set_backend (fixture->lock, NULL);
  in_app = acquire (fixture->lock);
  grel_test_app_close (app, NULL);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_false (grel_lease_is_valid (in_app));
}

static void
it_finds_its_backend_at_each_use (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLock) lock = new_lock (NULL);

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GrelMemoryLockAdapter) adapter = grel_memory_lock_adapter_new ();
      g_autoptr (GrelApp) app = open_app (adapter);
      g_autoptr (GrelLease) lease = acquire (lock);

      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 1);
      grel_test_app_close (app, NULL);
    }
}

static void
whether_it_is_locked_follows_its_lease (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;

  grel_lock_set_auto_extend (fixture->lock, FALSE);
  g_assert_false (grel_test_lock_is_locked (fixture->lock, &error));
  g_assert_no_error (error);
  lease = acquire (fixture->lock);
  g_assert_true (grel_test_lock_is_locked (fixture->lock, &error));
  grel_test_scene_pass (fixture, LEASE + 1);
  g_assert_false (grel_test_lock_is_locked (fixture->lock, &error));
  g_assert_no_error (error);
}

static void
cancelled_in_advance_nothing_is_asked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) asked = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  grel_lock_is_locked_async (fixture->lock, cancellable, grel_test_result_ready, &asked);
  grel_lock_is_locked_finish (fixture->lock, grel_test_result_wait (&asked), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (grel_lock_is_locked_from_thread (fixture->lock, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (
    grel_lock_run_from_thread (fixture->lock, -1, must_not_run, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (grel_test_store_get_n_requests (fixture->store), ==, 0);
}

static void
a_store_that_does_badly_is_no_answer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_FAILS);
  g_assert_false (grel_test_lock_is_locked (fixture->lock, &error));
  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "the store is down");
  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_DROPS);
  g_assert_false (grel_test_lock_is_locked (fixture->lock, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "dropped");
}

static void
start_to_ask (Fixture *fixture, GCancellable *cancellable, GrelTestResult *asked)
{
  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_HANGS);
  grel_lock_is_locked_async (fixture->lock, cancellable, grel_test_result_ready, asked);
  grel_test_settle ();
  g_assert_false (asked->is_done);
}

static void
a_store_that_hangs_is_asked_until_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) asked = { NULL };
  g_autoptr (GError) error = NULL;

  start_to_ask (fixture, NULL, &asked);
  grel_test_scene_pass (fixture, REQUEST_TIMEOUT - 1);
  g_assert_false (asked.is_done);
  grel_test_scene_pass (fixture, 1);
  g_assert_true (asked.is_done);
  grel_lock_is_locked_finish (fixture->lock, asked.result, &error);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "10 s");
}

static void
who_asks_may_stop_waiting (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) asked = { NULL };
  g_autoptr (GError) error = NULL;

  start_to_ask (fixture, cancellable, &asked);
  g_cancellable_cancel (cancellable);
  grel_test_settle ();
  g_assert_true (asked.is_done);
  grel_lock_is_locked_finish (fixture->lock, asked.result, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  grel_test_store_answer (fixture->store);
  grel_test_settle ();
  g_assert_cmpuint (asked.n_calls, ==, 1);
}

static void
closing_ends_a_question (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) asked = { NULL };
  g_autoptr (GError) error = NULL;

  start_to_ask (fixture, NULL, &asked);
  grel_test_backend_close (fixture->backend, NULL);
  g_assert_true (asked.is_done);
  grel_lock_is_locked_finish (fixture->lock, asked.result, &error);
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "cart");
}

/* One call of run_from_thread (), and what its function does. */
typedef struct
{
  Fixture *fixture;
  GTimeSpan timeout;
  GCancellable *cancellable;
  void (*act) (Fixture *fixture, GCancellable *cancellable);
  gboolean fails;
  int n_runs;
  gboolean was_locked;
  gboolean succeeded;
  GError *error;
} Run;

static gboolean
run_func (GCancellable *cancellable, gpointer data, GError **error)
{
  Run *self = data;

  self->n_runs++;
  self->was_locked = grel_lock_is_locked_from_thread (self->fixture->lock, NULL, NULL);
  g_assert_false (g_cancellable_is_cancelled (cancellable));
  if (self->act != NULL)
    self->act (self->fixture, cancellable);
  if (self->fails)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is nothing");
  return !self->fails;
}

static void
run_in_thread (gpointer data, gpointer unused)
{
  Run *self = data;

  self->succeeded = grel_lock_run_from_thread (self->fixture->lock, self->timeout, run_func, self,
                                               self->cancellable, &self->error);
}

static void
run (Run *self)
{
  grel_test_in_thread (run_in_thread, self);
}

static void
run_holds_the_lock_meanwhile (Fixture *fixture, gconstpointer data)
{
  Run work = { .fixture = fixture, .timeout = -1 };

  run (&work);
  g_assert_no_error (work.error);
  g_assert_true (work.succeeded);
  g_assert_cmpint (work.n_runs, ==, 1);
  g_assert_true (work.was_locked);
  g_assert_false (grel_test_lock_is_locked (fixture->lock, NULL));
}

static void
run_returns_the_error_and_releases_the_lock (Fixture *fixture, gconstpointer data)
{
  Run work = { .fixture = fixture, .timeout = -1, .fails = TRUE };

  run (&work);
  g_assert_false (work.succeeded);
  g_assert_error (work.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&work.error);
  g_assert_true (work.was_locked);
  g_assert_false (grel_test_lock_is_locked (fixture->lock, NULL));
}

static void
a_closed_app_lets_its_backend_go (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");
  GrelBackend *adapter = GREL_BACKEND (grel_memory_lock_adapter_new ());
  g_autoptr (GrelApp) app = grel_app_new ();

  grel_app_use (app, G_OBJECT (adapter), NULL, NULL);
  g_object_add_weak_pointer (G_OBJECT (adapter), (gpointer *) &adapter);
  g_object_unref (adapter);
  g_assert_true (grel_test_app_open (app, NULL));
  g_object_unref (acquire (lock));
  g_assert_true (grel_test_app_close (app, NULL));
  grel_test_settle ();
  g_clear_object (&app);
  g_assert_null (adapter);
}

static void
run_does_nothing_without_the_lock (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = acquire (fixture->lock);
  Run work = { .fixture = fixture, .timeout = 0 };

  run (&work);
  g_assert_false (work.succeeded);
  grel_test_assert_error (work.error, GREL_ERROR_WOULD_BLOCK, "cart");
  g_assert_cmpint (work.n_runs, ==, 0);
  g_assert_true (grel_lease_is_valid (lease));
}

static void
wait_for_cancellation (GCancellable *cancellable)
{
  GPollFD record;

  g_assert_true (g_cancellable_make_pollfd (cancellable, &record));
  g_assert_cmpint (g_poll (&record, 1, GREL_TEST_PATIENCE / G_TIME_SPAN_MILLISECOND), ==, 1);
  g_cancellable_release_fd (cancellable);
  g_assert_true (g_cancellable_is_cancelled (cancellable));
}

static void
outlive_the_lease (Fixture *fixture, GCancellable *cancellable)
{
  grel_virtual_clock_advance (fixture->clock, LEASE);
  wait_for_cancellation (cancellable);
}

static void
close_the_backend (Fixture *fixture, GCancellable *cancellable)
{
  grel_backend_close_async (fixture->backend, NULL, NULL, NULL);
  wait_for_cancellation (cancellable);
}

static void
run_is_told_when_the_lease_is_lost (Fixture *fixture, gconstpointer data)
{
  Run work = { .fixture = fixture, .timeout = -1, .act = outlive_the_lease };

  grel_lock_set_auto_extend (fixture->lock, FALSE);
  run (&work);
  g_assert_false (work.succeeded);
  grel_test_assert_error (work.error, GREL_ERROR_NOT_OWNED, "cart", "lost");
}

static void
run_returns_the_error_also_when_the_lease_is_lost (Fixture *fixture, gconstpointer data)
{
  Run work = { .fixture = fixture, .timeout = -1, .act = outlive_the_lease, .fails = TRUE };

  grel_lock_set_auto_extend (fixture->lock, FALSE);
  run (&work);
  g_assert_false (work.succeeded);
  g_assert_error (work.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&work.error);
}

static void
run_is_told_when_the_backend_closes (Fixture *fixture, gconstpointer data)
{
  Run work = { .fixture = fixture, .timeout = -1, .act = close_the_backend };

  run (&work);
  g_assert_false (work.succeeded);
  grel_test_assert_error (work.error, GREL_ERROR_CLOSED, "cart");
  grel_test_settle ();
}

static GCancellable *callers = NULL;

static void
cancel_as_the_caller (Fixture *fixture, GCancellable *cancellable)
{
  g_cancellable_cancel (callers);
  wait_for_cancellation (cancellable);
}

static void
run_is_told_when_the_caller_cancels (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Run work = { .fixture = fixture, .timeout = -1, .act = cancel_as_the_caller };

  callers = work.cancellable = cancellable;
  run (&work);
  g_assert_no_error (work.error);
  g_assert_true (work.succeeded); /* what the function made of it */
  g_assert_false (grel_test_lock_is_locked (fixture->lock, NULL));
}

static void
run_leaves_the_callers_cancellable_alone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Run work = { .fixture = fixture, .timeout = -1, .cancellable = cancellable };

  run (&work);
  g_assert_true (work.succeeded);
  g_assert_false (g_cancellable_is_cancelled (cancellable));
  g_cancellable_cancel (cancellable);
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/lock/memory/" #name, Fixture, NULL, grel_test_scene_set_up_memory, name,           \
              grel_test_scene_tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/lock/store/" #name, Fixture, NULL, grel_test_scene_set_up_store, name,             \
              grel_test_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE_IN_MEMORY (a_name_may_not_be_just_anything);
  RULE_IN_MEMORY (an_error_of_a_bad_name_has_no_name);
  RULE (a_name_may_have_a_structure);
  RULE_IN_MEMORY (a_duration_may_not_be_just_anything);
  RULE_IN_MEMORY (a_jitter_is_less_than_the_whole);
  RULE (the_limits_themselves_are_accepted);
  RULE_IN_MEMORY (a_setting_that_was_mended_is_accepted);
  RULE (any_timeout_will_do);
  RULE (two_objects_of_one_name_are_one_lock);
  RULE_IN_MEMORY (nobody_has_to_look_at_the_error);
  RULE (a_lease_outlives_its_lock);
  RULE_IN_MEMORY (properties_have_defaults);
  RULE_IN_MEMORY (properties_are_those_of_the_functions);
  RULE_IN_MEMORY (what_the_functions_set_the_properties_tell);
  RULE_IN_MEMORY (only_a_change_is_notified);
  RULE_IN_MEMORY (a_change_of_settings_applies_to_the_next_operation);
  RULE_IN_MEMORY (without_an_app_it_is_not_open);
  RULE_IN_MEMORY (before_its_app_is_open_it_is_not_open);
  RULE_IN_MEMORY (after_its_app_is_closed_it_is_closed);
  RULE (its_backend_must_be_open_too);
  RULE_IN_MEMORY (what_is_not_open_is_not_asked);
  RULE_IN_MEMORY (an_app_without_a_lock_backend_will_not_do);
  RULE_IN_MEMORY (of_several_apps_one_must_be_meant);
  RULE_IN_MEMORY (the_app_on_this_context_comes_first);
  RULE_IN_MEMORY (a_backend_of_its_own_comes_before_any_app);
  RULE_IN_MEMORY (it_finds_its_backend_at_each_use);
  RULE (whether_it_is_locked_follows_its_lease);
  RULE_IN_STORE (cancelled_in_advance_nothing_is_asked);
  RULE_IN_STORE (a_store_that_does_badly_is_no_answer);
  RULE_IN_STORE (a_store_that_hangs_is_asked_until_the_deadline);
  RULE_IN_STORE (who_asks_may_stop_waiting);
  RULE_IN_STORE (closing_ends_a_question);
  RULE (run_holds_the_lock_meanwhile);
  RULE (run_returns_the_error_and_releases_the_lock);
  RULE (a_closed_app_lets_its_backend_go);
  RULE (run_does_nothing_without_the_lock);
  RULE (run_is_told_when_the_lease_is_lost);
  RULE (run_returns_the_error_also_when_the_lease_is_lost);
  RULE (run_is_told_when_the_backend_closes);
  RULE (run_is_told_when_the_caller_cancels);
  RULE (run_leaves_the_callers_cancellable_alone);
  return g_test_run ();
}
