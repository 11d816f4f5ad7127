/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-scene.h"

/* What the holder of a lease sees of it. Nothing here is extended automatically. */

#define LEASE (60 * G_TIME_SPAN_SECOND)
#define MARGIN (3 * G_TIME_SPAN_SECOND) /* what a store's own clock may take off that */
#define REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)

typedef GrelTestScene Fixture;

static void
set_up_memory (Fixture *fixture, gconstpointer data)
{
  grel_test_scene_set_up_memory (fixture, data);
  grel_lock_set_auto_extend (fixture->lock, FALSE);
}

static void
set_up_store (Fixture *fixture, gconstpointer data)
{
  grel_test_scene_set_up_store (fixture, data);
  grel_lock_set_auto_extend (fixture->lock, FALSE);
}

static void
extend (GrelLease *lease)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_lease_extend (lease, &error));
  g_assert_no_error (error);
}

static void
release (GrelLease *lease)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_lease_release (lease, &error));
  g_assert_no_error (error);
}

static void
expect_extend_error (GrelLease *lease, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_lease_extend (lease, &error));
  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
  grel_test_assert_error (error, code, "cart", word);
}

static void
expect_release_error (GrelLease *lease, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_lease_release (lease, &error));
  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
  grel_test_assert_error (error, code, "cart", word);
}

static gboolean
is_cancelled (GrelLease *lease)
{
  return g_cancellable_is_cancelled (grel_lease_get_cancellable (lease));
}

static gboolean
is_locked_at_the_store (Fixture *fixture)
{
  grel_test_settle ();
  return grel_test_store_is_locked (fixture->store, "lock:cart");
}

static void
set_mood (Fixture *fixture, GrelTestStoreMood mood)
{
  grel_test_store_set_mood (fixture->store, mood);
}

static void
answer (Fixture *fixture)
{
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  grel_test_store_answer (fixture->store);
  grel_test_settle ();
}

/* Lets the lease run out, by whichever margin. */
static void
outlive (Fixture *fixture, GrelLease *lease)
{
  grel_test_scene_pass (fixture, grel_lease_get_deadline (lease) - grel_test_scene_now (fixture));
}

static void
it_has_the_name_of_its_lock (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  g_assert_cmpstr (grel_lease_get_name (lease), ==, "cart");
}

static void
its_fence_is_higher_than_that_of_the_one_before (Fixture *fixture, gconstpointer data)
{
  for (int fence = 1; fence <= 4; fence++)
    {
      g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, fence);
      if (fence % 2 == 0)
        release (lease);
      else
        grel_test_scene_pass (fixture, LEASE + 1);
      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, fence);
    }
}

static void
one_that_was_never_granted_holds_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = g_object_new (GREL_TYPE_LEASE, NULL);

  g_test_expect_message ("Grelmicro", G_LOG_LEVEL_CRITICAL, "*granted*");
  g_assert_false (grel_lease_is_valid (lease));
  g_test_assert_expected_messages ();
}

static void
in_memory_it_has_no_margin (Fixture *fixture, gconstpointer data)
{
  static const GTimeSpan leases[] = { 1, 999, G_TIME_SPAN_SECOND, LEASE, 36525 * G_TIME_SPAN_DAY };

  for (guint i = 0; i < G_N_ELEMENTS (leases); i++)
    {
      g_autoptr (GrelLease) lease = NULL;

      grel_lock_set_lease_duration (fixture->lock, leases[i]);
      lease = grel_test_scene_acquire (fixture);
      g_assert_cmpint (grel_lease_get_deadline (lease), ==,
                       grel_test_scene_now (fixture) + leases[i]);
    }
}

static void
in_a_store_it_has_a_margin (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    GTimeSpan lease;
    GTimeSpan margin;
  } leases[] = {
    { LEASE, MARGIN },
    { G_TIME_SPAN_HOUR, 3 * G_TIME_SPAN_MINUTE },
    { G_TIME_SPAN_SECOND, 50 * G_TIME_SPAN_MILLISECOND },
    { 200 * G_TIME_SPAN_MILLISECOND, 10 * G_TIME_SPAN_MILLISECOND },
    { 199 * G_TIME_SPAN_MILLISECOND, 10 * G_TIME_SPAN_MILLISECOND },
    { 20 * G_TIME_SPAN_MILLISECOND, 10 * G_TIME_SPAN_MILLISECOND },
    { 10 * G_TIME_SPAN_MILLISECOND, 5 * G_TIME_SPAN_MILLISECOND },
    { 2, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (leases); i++)
    {
      g_autoptr (GrelLease) lease = NULL;

      grel_lock_set_lease_duration (fixture->lock, leases[i].lease);
      lease = grel_test_scene_acquire (fixture);
      g_assert_cmpint (grel_lease_get_deadline (lease), ==,
                       grel_test_scene_now (fixture) + leases[i].lease - leases[i].margin);
    }
}

static void
it_counts_from_before_the_store_was_asked (Fixture *fixture, gconstpointer data)
{
  gint64 asked_at = grel_test_scene_now (fixture);
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GrelLease) lease = NULL;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  grel_test_settle ();
  grel_test_scene_pass (fixture, 7 * G_TIME_SPAN_SECOND);
  answer (fixture);
  lease = grel_lock_acquire_finish (fixture->lock, grel_test_result_wait (&acquired), NULL);
  g_assert_cmpint (grel_lease_get_deadline (lease), ==, asked_at + LEASE - MARGIN);
}

static void
it_is_valid_until_just_before_its_deadline (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  GTimeSpan span = grel_lease_get_deadline (lease) - grel_test_scene_now (fixture);

  /* Also if the loop doesn't run. */
  g_assert_true (grel_lease_is_valid (lease));
  grel_virtual_clock_advance (fixture->clock, span - 1);
  g_assert_true (grel_lease_is_valid (lease));
  grel_virtual_clock_advance (fixture->clock, 1);
  g_assert_false (grel_lease_is_valid (lease));
  grel_test_settle ();
  g_assert_false (grel_lease_is_valid (lease));
}

static void
its_cancellable_fires_at_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  GCancellable *cancellable = grel_lease_get_cancellable (lease);

  g_assert_true (cancellable == grel_lease_get_cancellable (lease));
  grel_test_scene_pass (fixture,
                        grel_lease_get_deadline (lease) - grel_test_scene_now (fixture) - 1);
  g_assert_false (g_cancellable_is_cancelled (cancellable));
  grel_test_scene_pass (fixture, 1);
  g_assert_true (g_cancellable_is_cancelled (cancellable));
}

static void
its_cancellable_may_be_asked_for_when_it_is_lost (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  outlive (fixture, lease);
  g_assert_true (is_cancelled (lease));
}

static void
its_cancellable_does_not_fire_when_it_is_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) asked = grel_test_scene_acquire (fixture);
  g_autoptr (GrelLease) unasked = NULL;

  g_assert_false (is_cancelled (asked));
  release (asked);
  g_assert_false (is_cancelled (asked));
  unasked = grel_test_scene_acquire (fixture);
  release (unasked);
  g_assert_false (is_cancelled (unasked));
  grel_test_scene_pass (fixture, LEASE);
  g_assert_false (is_cancelled (asked));
  g_assert_false (is_cancelled (unasked));
}

static void
its_cancellable_fires_when_the_backend_closes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  g_assert_false (is_cancelled (lease));
  grel_backend_close_async (fixture->backend, NULL, NULL, NULL);
  g_assert_true (is_cancelled (lease));
  g_assert_false (grel_lease_is_valid (lease));
  grel_test_settle ();
}

/* What a handler of the cancellable saw. */
typedef struct
{
  Fixture *fixture;
  GThread *thread;
  GMainContext *context;
  gboolean was_free;
} Alarm;

static void
lost (GCancellable *cancellable, Alarm *alarm)
{
  alarm->thread = g_thread_self ();
  alarm->context = g_main_context_get_thread_default ();
}

static void
its_cancellable_fires_in_the_captured_context (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  Alarm alarm = { .fixture = fixture };

  g_signal_connect (grel_lease_get_cancellable (lease), "cancelled", G_CALLBACK (lost), &alarm);
  grel_virtual_clock_advance (fixture->clock, LEASE);
  g_main_context_push_thread_default (other);
  while (alarm.thread == NULL)
    g_main_context_iteration (fixture->context, TRUE);
  g_main_context_pop_thread_default (other);
  g_assert_true (alarm.context == fixture->context);
}

/* A rival on another thread, while nobody runs the loop. */
static gpointer
acquire_on_thread (gpointer lock)
{
  g_autoptr (GError) error = NULL;
  GrelLease *lease = grel_lock_acquire_from_thread (lock, 0, NULL, &error);

  g_assert_no_error (error);
  return lease;
}

static void
its_cancellable_fires_before_another_has_the_lock (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_autoptr (GrelLease) next = NULL;
  Alarm alarm = { .fixture = fixture };
  GThread *thread;

  g_signal_connect (grel_lease_get_cancellable (lease), "cancelled", G_CALLBACK (lost), &alarm);
  grel_virtual_clock_advance (fixture->clock, LEASE + 1);
  g_assert_null (alarm.thread);
  thread = g_thread_new ("rival", acquire_on_thread, fixture->lock);
  next = g_thread_join (thread);
  g_assert_true (alarm.thread != NULL && alarm.thread != g_thread_self ());
  g_assert_true (grel_lease_is_valid (next));
  g_assert_cmpint (grel_lease_get_fencing_token (next), ==, 2);
}

static void
expect_free (GCancellable *cancellable, Alarm *alarm)
{
  g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (alarm->fixture->lock, 0, NULL, NULL);

  alarm->was_free = lease != NULL;
  alarm->thread = g_thread_self ();
}

static void
while_its_cancellable_fires_the_lock_may_be_acquired (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  Alarm alarm = { .fixture = fixture };
  GThread *thread;

  g_signal_connect (grel_lease_get_cancellable (lease), "cancelled", G_CALLBACK (expect_free),
                    &alarm);
  grel_virtual_clock_advance (fixture->clock, LEASE + 1);
  thread = g_thread_new ("rival", acquire_on_thread, fixture->lock);
  g_object_unref (g_thread_join (thread));
  g_assert_true (alarm.was_free);
}

static void
its_cancellable_fires_when_the_store_gives_it_to_another (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_autoptr (GrelLease) next = NULL;

  g_assert_false (is_cancelled (lease));
  grel_test_scene_steal (fixture);
  next = grel_test_scene_acquire (fixture);
  g_assert_true (is_cancelled (lease));
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (grel_lease_is_valid (next));
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "lost");
  g_assert_true (grel_lease_is_valid (next));
}

static void
extended_it_runs_on_with_the_same_fence (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  gint64 deadline = grel_lease_get_deadline (lease);

  grel_test_scene_pass (fixture, LEASE / 2);
  extend (lease);
  g_assert_cmpint (grel_lease_get_deadline (lease), ==, deadline + LEASE / 2);
  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 1);
  grel_test_scene_pass (fixture, LEASE / 2 + LEASE / 4);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_false (is_cancelled (lease));
  outlive (fixture, lease);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
}

static void
extended_it_counts_from_before_the_store_was_asked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) extended = { NULL };
  gint64 asked_at;

  grel_test_scene_pass (fixture, G_TIME_SPAN_SECOND);
  set_mood (fixture, GREL_TEST_STORE_HANGS);
  asked_at = grel_test_scene_now (fixture);
  grel_lease_extend_async (lease, NULL, grel_test_result_ready, &extended);
  grel_test_settle ();
  grel_test_scene_pass (fixture, 7 * G_TIME_SPAN_SECOND);
  answer (fixture);
  g_assert_true (grel_lease_extend_finish (lease, grel_test_result_wait (&extended), NULL));
  g_assert_cmpint (grel_lease_get_deadline (lease), ==, asked_at + LEASE - MARGIN);
}

static void
lost_it_is_not_extended_though_the_store_has_it_still (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  guint n = grel_test_store_get_n_requests (fixture->store);

  outlive (fixture, lease);
  g_assert_true (is_locked_at_the_store (fixture));
  expect_extend_error (lease, GREL_ERROR_NOT_OWNED, "lost");
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "lost");
  g_assert_cmpuint (grel_test_store_get_n_requests (fixture->store), ==, n);
}

static void
run_out_it_is_not_extended_though_the_loop_has_not_noticed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) extended = { NULL };
  g_autoptr (GError) error = NULL;

  grel_virtual_clock_advance (fixture->clock, LEASE);
  grel_lease_extend_async (lease, NULL, grel_test_result_ready, &extended);
  g_assert_false (grel_lease_extend_finish (lease, grel_test_result_wait (&extended), &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OWNED, "cart", "ran out");
}

static void
the_store_may_say_that_it_is_lost (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  g_assert_false (is_cancelled (lease));
  grel_test_scene_steal (fixture);
  g_assert_true (grel_lease_is_valid (lease));
  expect_extend_error (lease, GREL_ERROR_NOT_OWNED, "lost");
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
}

static void
what_is_extended_after_it_was_lost_is_given_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) extended = { NULL };
  g_autoptr (GError) error = NULL;

  grel_test_scene_pass (fixture, LEASE - MARGIN - 1);
  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_extend_async (lease, NULL, grel_test_result_ready, &extended);
  grel_test_settle ();
  grel_test_scene_pass (fixture, 1);
  g_assert_true (is_cancelled (lease));
  g_assert_true (is_locked_at_the_store (fixture));

  answer (fixture);
  g_assert_false (grel_lease_extend_finish (lease, grel_test_result_wait (&extended), &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OWNED, "cart", "lost");
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_false (is_locked_at_the_store (fixture));
}

static void
an_extension_that_fails_may_be_tried_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  gint64 deadline = grel_lease_get_deadline (lease);

  set_mood (fixture, GREL_TEST_STORE_FAILS);
  expect_extend_error (lease, GREL_ERROR_BACKEND, "the store is down");
  set_mood (fixture, GREL_TEST_STORE_DROPS);
  expect_extend_error (lease, GREL_ERROR_BACKEND, "dropped");
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_false (is_cancelled (lease));
  g_assert_cmpint (grel_lease_get_deadline (lease), ==, deadline);
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  extend (lease);
}

static void
an_extension_that_hangs_fails_at_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) extended = { NULL };
  g_autoptr (GError) error = NULL;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_extend_async (lease, NULL, grel_test_result_ready, &extended);
  grel_test_settle ();
  grel_test_scene_pass (fixture, REQUEST_TIMEOUT - 1);
  g_assert_false (extended.is_done);
  grel_test_scene_pass (fixture, 1);
  g_assert_true (extended.is_done);
  grel_lease_extend_finish (lease, extended.result, &error);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "10 s");
  g_assert_true (grel_lease_is_valid (lease));
}

static void
an_extension_may_be_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) extended = { NULL };
  g_auto (GrelTestResult) again = { NULL };
  g_autoptr (GError) error = NULL;
  guint n;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_extend_async (lease, cancellable, grel_test_result_ready, &extended);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  g_assert_false (grel_lease_extend_finish (lease, grel_test_result_wait (&extended), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  answer (fixture);
  g_assert_true (grel_lease_is_valid (lease));

  n = grel_test_store_get_n_requests (fixture->store);
  grel_lease_extend_async (lease, cancellable, grel_test_result_ready, &again);
  g_assert_false (grel_lease_extend_finish (lease, grel_test_result_wait (&again), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (grel_test_store_get_n_requests (fixture->store), ==, n);
}

static void
released_it_is_invalid_at_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) released = { NULL };

  grel_lease_release_async (lease, NULL, grel_test_result_ready, &released);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (grel_lease_release_finish (lease, grel_test_result_wait (&released), NULL));
  g_assert_false (grel_test_lock_is_locked (fixture->lock, NULL));
}

static void
released_it_is_neither_released_nor_extended_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_autoptr (GrelLease) next = NULL;

  release (lease);
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "released already");
  expect_extend_error (lease, GREL_ERROR_NOT_OWNED, "released already");
  next = grel_test_scene_acquire (fixture);
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "released already");
  g_assert_true (grel_lease_is_valid (next));
}

static void
while_it_is_released_it_is_not_released_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) released = { NULL };

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_release_async (lease, NULL, grel_test_result_ready, &released);
  grel_test_settle ();
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "released already");
  answer (fixture);
  g_assert_true (grel_lease_release_finish (lease, grel_test_result_wait (&released), NULL));
}

static void
while_it_is_released_the_store_may_give_it_to_another (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_autoptr (GrelLease) next = NULL;
  g_auto (GrelTestResult) released = { NULL };

  g_assert_false (is_cancelled (lease));
  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_release_async (lease, NULL, grel_test_result_ready, &released);
  grel_test_settle ();
  grel_test_scene_steal (fixture);
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  next = grel_test_scene_acquire (fixture);
  answer (fixture);
  grel_test_result_wait (&released);
  g_assert_false (is_cancelled (lease));
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (grel_lease_is_valid (next));
}

static void
lost_it_is_not_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  outlive (fixture, lease);
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "lost");
}

static void
a_release_of_what_the_store_gave_to_another_frees_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  grel_test_scene_steal (fixture);
  grel_test_scene_rival_acquire (fixture, LEASE);
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "lost");
  g_assert_true (is_locked_at_the_store (fixture));
}

static void
after_the_end_it_is_closed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  grel_test_backend_close (fixture->backend, NULL);
  expect_release_error (lease, GREL_ERROR_CLOSED, "closed");
  expect_extend_error (lease, GREL_ERROR_CLOSED, "closed");
  grel_test_backend_open (fixture->backend, NULL);
  expect_release_error (lease, GREL_ERROR_CLOSED, "closed");
  expect_extend_error (lease, GREL_ERROR_CLOSED, "closed");
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
}

static void
the_end_is_that_of_every_lease (Fixture *fixture, gconstpointer data)
{
  GrelLease *leases[3];

  for (int i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("cart-%d", i);
      g_autoptr (GrelLock) lock
        = g_object_new (GREL_TYPE_LOCK, "name", name, "backend", fixture->backend, NULL);

      leases[i] = grel_test_lock_acquire (lock, 0, NULL);
      g_assert_false (is_cancelled (leases[i]));
    }
  grel_backend_close_async (fixture->backend, NULL, NULL, NULL);
  for (int i = 0; i < 3; i++)
    {
      g_assert_true (is_cancelled (leases[i]));
      g_assert_false (grel_lease_is_valid (leases[i]));
      g_object_unref (leases[i]);
    }
  grel_test_settle ();
}

static void
released_before_the_end_it_stays_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  release (lease);
  grel_test_backend_close (fixture->backend, NULL);
  g_assert_false (is_cancelled (lease));
  grel_test_backend_open (fixture->backend, NULL);
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "released already");
}

static void
dropped_just_before_the_end_it_is_released (Fixture *fixture, gconstpointer data)
{
  GrelLease *lease = grel_test_scene_acquire (fixture);

  g_object_unref (lease);
  grel_test_backend_close (fixture->backend, NULL);
  g_assert_false (is_locked_at_the_store (fixture));
}

static void
a_release_that_fails_may_be_tried_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  set_mood (fixture, GREL_TEST_STORE_FAILS);
  expect_release_error (lease, GREL_ERROR_BACKEND, "the store is down");
  set_mood (fixture, GREL_TEST_STORE_DROPS);
  expect_release_error (lease, GREL_ERROR_BACKEND, "dropped");
  g_assert_true (is_locked_at_the_store (fixture));
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  release (lease);
  g_assert_false (is_locked_at_the_store (fixture));
}

static void
a_lease_that_may_have_been_released_is_used_no_more (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  set_mood (fixture, GREL_TEST_STORE_FAILS);
  expect_release_error (lease, GREL_ERROR_BACKEND, "the store is down");
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  g_assert_false (grel_lease_is_valid (lease));
  expect_extend_error (lease, GREL_ERROR_NOT_OWNED, "release it again");
  outlive (fixture, lease);
  g_assert_true (is_cancelled (lease));
  expect_release_error (lease, GREL_ERROR_NOT_OWNED, "lost");
}

static void
a_release_that_hangs_fails_at_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) released = { NULL };
  g_autoptr (GError) error = NULL;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_lease_release_async (lease, NULL, grel_test_result_ready, &released);
  grel_test_settle ();
  grel_test_scene_pass (fixture, REQUEST_TIMEOUT - 1);
  g_assert_false (released.is_done);
  grel_test_scene_pass (fixture, 1);
  g_assert_true (released.is_done);
  grel_lease_release_finish (lease, released.result, &error);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "10 s");
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  release (lease);
}

static void
a_release_that_failed_is_tried_again_when_it_is_dropped (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  set_mood (fixture, GREL_TEST_STORE_FAILS);
  expect_release_error (lease, GREL_ERROR_BACKEND, "the store is down");
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  g_clear_object (&lease);
  g_assert_false (is_locked_at_the_store (fixture));
}

static void
a_release_that_fails_after_it_is_dropped_is_tried_again (Fixture *fixture, gconstpointer data)
{
  GrelLease *lease = grel_test_scene_acquire (fixture);

  set_mood (fixture, GREL_TEST_STORE_FAILS);
  grel_lease_release_async (lease, NULL, NULL, NULL);
  g_object_unref (lease);
  while (grel_test_store_get_n_requests (fixture->store) < 2)
    g_main_context_iteration (fixture->context, TRUE);
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  g_assert_false (is_locked_at_the_store (fixture));
}

/* A worker that stops waiting, and drops the lease. */
typedef struct
{
  GrelLease *lease;
  GCancellable *cancellable;
} Quitter;

static gpointer
quitter_run (gpointer data)
{
  Quitter *self = data;
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_lease_release_from_thread (self->lease, self->cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (&self->lease);
  return NULL;
}

static void
a_release_that_nobody_waits_for_is_tried_again_too (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Quitter quitter = { grel_test_scene_acquire (fixture), cancellable };
  GThread *thread;

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  thread = g_thread_new ("quitter", quitter_run, &quitter);
  while (grel_test_store_get_n_hanging (fixture->store) == 0)
    g_main_context_iteration (fixture->context, TRUE);
  g_cancellable_cancel (cancellable);
  g_thread_join (thread);
  g_assert_true (is_locked_at_the_store (fixture));

  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  grel_test_store_forget (fixture->store);
  g_assert_false (is_locked_at_the_store (fixture));
}

static void
who_stops_waiting_for_a_release_has_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
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
  g_assert_false (is_locked_at_the_store (fixture));
}

static void
cancelled_in_advance_it_is_released_all_the_same (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) released = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  grel_lease_release_async (lease, cancellable, grel_test_result_ready, &released);
  grel_lease_release_finish (lease, grel_test_result_wait (&released), &error);
  if (fixture->store != NULL)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  else
    g_assert_no_error (error); /* there was nothing to wait for */
  grel_test_settle ();
  g_assert_false (grel_test_lock_is_locked (fixture->lock, NULL));
}

static void
dropped_it_is_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  g_clear_object (&lease);
  g_assert_false (grel_test_lock_is_locked (fixture->lock, NULL));
}

static gpointer
unref_on_thread (gpointer object)
{
  g_object_unref (object);
  return NULL;
}

static void
dropped_by_another_thread_it_is_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GrelLease) next = NULL;

  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  grel_test_settle ();
  g_thread_join (g_thread_new ("finalizer", unref_on_thread, g_steal_pointer (&lease)));
  g_assert_false (acquired.is_done);
  grel_test_settle ();
  g_assert_true (acquired.is_done);
  next = grel_lock_acquire_finish (fixture->lock, acquired.result, NULL);
  g_assert_cmpint (grel_lease_get_fencing_token (next), ==, 2);
}

static void
dropped_with_a_result_that_nobody_fetches_it_is_released (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };

  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  grel_test_result_wait (&acquired);
  g_assert_true (grel_test_lock_is_locked (fixture->lock, NULL));
  grel_test_result_clear (&acquired);
  grel_test_settle ();
  g_assert_false (grel_test_lock_is_locked (fixture->lock, NULL));
}

static void
dropped_with_a_call_that_has_no_callback_it_is_released (Fixture *fixture, gconstpointer data)
{
  grel_lock_acquire_async (fixture->lock, -1, NULL, NULL, NULL);
  grel_test_settle ();
  g_assert_false (grel_test_lock_is_locked (fixture->lock, NULL));
}

static void
dropped_after_it_was_lost_it_frees_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_autoptr (GrelLease) next = NULL;

  grel_test_scene_pass (fixture, LEASE + 1);
  next = grel_test_scene_acquire (fixture);
  g_clear_object (&lease);
  g_assert_true (grel_test_lock_is_locked (fixture->lock, NULL));
  g_assert_true (grel_lease_is_valid (next));
}

static void
dropped_after_the_end_it_sends_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  guint n = grel_test_store_get_n_requests (fixture->store);

  grel_test_backend_close (fixture->backend, NULL);
  grel_test_backend_open (fixture->backend, NULL);
  g_clear_object (&lease);
  grel_test_settle ();
  g_assert_cmpuint (grel_test_store_get_n_requests (fixture->store), ==, n);
}

static void
it_outlives_its_backend (Fixture *fixture, gconstpointer data)
{
  GrelBackend *backend = GREL_BACKEND (grel_memory_lock_adapter_new ());
  g_autoptr (GrelLease) lease = NULL;
  gpointer alive = backend;

  grel_test_backend_open (backend, NULL);
  grel_lock_set_backend (fixture->lock, GREL_LOCK_BACKEND (backend));
  lease = grel_test_lock_acquire (fixture->lock, 0, NULL);
  grel_lock_set_backend (fixture->lock, NULL);
  grel_test_backend_close (backend, NULL);
  g_object_add_weak_pointer (G_OBJECT (backend), &alive);
  g_object_unref (backend);
  grel_test_settle ();
  g_assert_null (alive);
  g_assert_false (grel_lease_is_valid (lease));
  expect_release_error (lease, GREL_ERROR_CLOSED, "closed");
}

/* What a worker does with a lease. */
typedef struct
{
  GrelLease *lease;
  gboolean extended;
  gboolean released;
  GError *extend_error;
  GError *release_error;
} Worker;

static void
worker_run (gpointer data, gpointer unused)
{
  Worker *self = data;

  self->extended = grel_lease_extend_from_thread (self->lease, NULL, &self->extend_error);
  self->released = grel_lease_release_from_thread (self->lease, NULL, &self->release_error);
}

static void
a_worker_may_extend_and_release_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  Worker worker = { .lease = lease };
  gint64 deadline = grel_lease_get_deadline (lease);

  grel_test_scene_pass (fixture, G_TIME_SPAN_SECOND);
  grel_test_in_thread (worker_run, &worker);
  g_assert_no_error (worker.extend_error);
  g_assert_true (worker.extended);
  g_assert_no_error (worker.release_error);
  g_assert_true (worker.released);
  g_assert_cmpint (grel_lease_get_deadline (lease), ==, deadline + G_TIME_SPAN_SECOND);
  g_assert_false (grel_lease_is_valid (lease));
}

static void
a_worker_is_told_that_it_is_lost (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  Worker worker = { .lease = lease };

  outlive (fixture, lease);
  grel_test_in_thread (worker_run, &worker);
  grel_test_assert_error (worker.extend_error, GREL_ERROR_NOT_OWNED, "cart", "lost");
  grel_test_assert_error (worker.release_error, GREL_ERROR_NOT_OWNED, "cart", "lost");
}

static void
on_the_thread_of_the_loop_it_is_not_waited_for (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  Worker worker = { .lease = lease };

  worker_run (&worker, NULL); /* to push a context is to own it */
  grel_test_assert_error (worker.extend_error, GREL_ERROR_DEADLOCK, "cart", "async");
  grel_test_assert_error (worker.release_error, GREL_ERROR_DEADLOCK, "cart", "async");
  g_assert_true (grel_lease_is_valid (lease));
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/lease/memory/" #name, Fixture, NULL, set_up_memory, name, grel_test_scene_tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/lease/store/" #name, Fixture, NULL, set_up_store, name, grel_test_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

static void
add_rules_of_validity (void)
{
  RULE (it_has_the_name_of_its_lock);
  RULE (its_fence_is_higher_than_that_of_the_one_before);
  RULE_IN_MEMORY (one_that_was_never_granted_holds_nothing);
  RULE_IN_MEMORY (in_memory_it_has_no_margin);
  RULE_IN_STORE (in_a_store_it_has_a_margin);
  RULE_IN_STORE (it_counts_from_before_the_store_was_asked);
  RULE (it_is_valid_until_just_before_its_deadline);
  RULE (its_cancellable_fires_at_the_deadline);
  RULE (its_cancellable_may_be_asked_for_when_it_is_lost);
  RULE (its_cancellable_does_not_fire_when_it_is_released);
  RULE (its_cancellable_fires_when_the_backend_closes);
  RULE (its_cancellable_fires_in_the_captured_context);
  RULE_IN_MEMORY (its_cancellable_fires_before_another_has_the_lock);
  RULE_IN_MEMORY (while_its_cancellable_fires_the_lock_may_be_acquired);
  RULE_IN_STORE (its_cancellable_fires_when_the_store_gives_it_to_another);
}

static void
add_rules_of_extension (void)
{
  RULE (extended_it_runs_on_with_the_same_fence);
  RULE_IN_STORE (extended_it_counts_from_before_the_store_was_asked);
  RULE_IN_STORE (lost_it_is_not_extended_though_the_store_has_it_still);
  RULE (run_out_it_is_not_extended_though_the_loop_has_not_noticed);
  RULE_IN_STORE (the_store_may_say_that_it_is_lost);
  RULE_IN_STORE (what_is_extended_after_it_was_lost_is_given_back);
  RULE_IN_STORE (an_extension_that_fails_may_be_tried_again);
  RULE_IN_STORE (an_extension_that_hangs_fails_at_the_deadline);
  RULE_IN_STORE (an_extension_may_be_cancelled);
}

static void
add_rules_of_release (void)
{
  RULE (released_it_is_invalid_at_once);
  RULE (released_it_is_neither_released_nor_extended_again);
  RULE_IN_STORE (while_it_is_released_it_is_not_released_again);
  RULE_IN_STORE (while_it_is_released_the_store_may_give_it_to_another);
  RULE (lost_it_is_not_released);
  RULE_IN_STORE (a_release_of_what_the_store_gave_to_another_frees_nothing);
  RULE (after_the_end_it_is_closed);
  RULE (the_end_is_that_of_every_lease);
  RULE (released_before_the_end_it_stays_released);
  RULE_IN_STORE (a_release_that_fails_may_be_tried_again);
  RULE_IN_STORE (a_lease_that_may_have_been_released_is_used_no_more);
  RULE_IN_STORE (a_release_that_hangs_fails_at_the_deadline);
  RULE_IN_STORE (a_release_that_failed_is_tried_again_when_it_is_dropped);
  RULE_IN_STORE (a_release_that_fails_after_it_is_dropped_is_tried_again);
  RULE_IN_STORE (a_release_that_nobody_waits_for_is_tried_again_too);
  RULE_IN_STORE (who_stops_waiting_for_a_release_has_released);
  RULE (cancelled_in_advance_it_is_released_all_the_same);
  RULE (dropped_it_is_released);
  RULE (dropped_by_another_thread_it_is_released);
  RULE (dropped_with_a_result_that_nobody_fetches_it_is_released);
  RULE (dropped_with_a_call_that_has_no_callback_it_is_released);
  RULE (dropped_after_it_was_lost_it_frees_nothing);
  RULE_IN_STORE (dropped_just_before_the_end_it_is_released);
  RULE_IN_STORE (dropped_after_the_end_it_sends_nothing);
  RULE_IN_MEMORY (it_outlives_its_backend);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_rules_of_validity ();
  add_rules_of_extension ();
  add_rules_of_release ();
  RULE (a_worker_may_extend_and_release_it);
  RULE (a_worker_is_told_that_it_is_lost);
  RULE (on_the_thread_of_the_loop_it_is_not_waited_for);
  return g_test_run ();
}
