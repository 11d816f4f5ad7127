/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-scene.h"

/* What happens to those who wait for a lock. */

#define LEASE (60 * G_TIME_SPAN_SECOND)
#define TIMEOUT (3 * G_TIME_SPAN_SECOND)
#define INTERVAL (100 * G_TIME_SPAN_MILLISECOND)
#define REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)
#define N_WAITERS 3

typedef GrelTestScene Fixture;

/* A call of acquire_async () on the lock of the fixture. */
typedef struct
{
  GrelTestResult result;
  GCancellable *cancellable;
  GrelLease *lease;
} Waiter;

static void
waiter_start (Waiter *self, Fixture *fixture, GTimeSpan timeout)
{
  *self = (Waiter){ .cancellable = g_cancellable_new () };
  grel_lock_acquire_async (fixture->lock, timeout, self->cancellable, grel_test_result_ready,
                           &self->result);
}

static void
waiter_clear (Waiter *self)
{
  grel_test_result_clear (&self->result);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->lease);
}

/* The answer is there. */
static void
waiter_expect_lease (Waiter *self, Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (self->result.is_done);
  self->lease = grel_lock_acquire_finish (fixture->lock, self->result.result, &error);
  g_assert_no_error (error);
  g_assert_true (grel_lease_is_valid (self->lease));
}

static GError *
waiter_get_error (Waiter *self, Fixture *fixture)
{
  GError *error = NULL;

  g_assert_true (self->result.is_done);
  g_assert_null (grel_lock_acquire_finish (fixture->lock, self->result.result, &error));
  g_assert_nonnull (error);
  return error;
}

static void
waiter_expect_error (Waiter *self, Fixture *fixture, int code, const char *word)
{
  g_autoptr (GError) error = waiter_get_error (self, fixture);

  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
  grel_test_assert_error (error, code, "cart", word);
}

static void
waiter_expect_cancelled (Waiter *self, Fixture *fixture)
{
  g_autoptr (GError) error = waiter_get_error (self, fixture);

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
waiter_cancel (Waiter *self)
{
  g_cancellable_cancel (self->cancellable);
  grel_test_settle ();
}

static void
expect_free (Fixture *fixture)
{
  g_autoptr (GrelLease) lease = NULL;

  grel_test_settle ();
  if (fixture->store != NULL)
    {
      g_assert_false (grel_test_store_is_locked (fixture->store, "lock:cart"));
      grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_ANSWERS);
    }
  lease = grel_test_scene_acquire (fixture);
}

static void
release (GrelLease *lease)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_lease_release (lease, &error));
  g_assert_no_error (error);
  grel_test_settle ();
}

static void
hang (Fixture *fixture)
{
  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_HANGS);
}

static void
answer (Fixture *fixture)
{
  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_ANSWERS);
  grel_test_store_answer (fixture->store);
  grel_test_settle ();
}

/* What the library asks next, the store doesn't answer. */
static void
answer_once (Fixture *fixture)
{
  grel_test_store_answer (fixture->store);
  grel_test_settle ();
}

static guint
n_requests (Fixture *fixture)
{
  return grel_test_store_get_n_requests (fixture->store);
}

/* Somebody else holds the lock and the store doesn't tell: the lock is asked for at intervals. */
static void
start_behind_a_rival (Waiter *waiter, Fixture *fixture, GTimeSpan timeout)
{
  grel_test_scene_rival_acquire (fixture, LEASE);
  grel_lock_set_retry_jitter (fixture->lock, 0.0);
  waiter_start (waiter, fixture, timeout);
  grel_test_settle ();
  g_assert_false (waiter->result.is_done);
}

static void
cancelled_in_advance_one_gets_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  grel_lock_acquire_async (fixture->lock, -1, cancellable, grel_test_result_ready, &acquired);
  g_assert_null (
    grel_lock_acquire_finish (fixture->lock, grel_test_result_wait (&acquired), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (grel_lock_acquire_from_thread (fixture->lock, -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  expect_free (fixture);
}

static void
cancelled_while_one_waits_one_leaves (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter waiter;

  waiter_start (&waiter, fixture, -1);
  grel_test_settle ();
  g_assert_false (waiter.result.is_done);
  waiter_cancel (&waiter);
  waiter_expect_cancelled (&waiter, fixture);
  waiter_clear (&waiter);
  g_assert_true (grel_lease_is_valid (holder));
  release (holder);
  expect_free (fixture);
}

static void
cancelled_after_one_has_won_one_has_won (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  waiter_start (&waiter, fixture, -1); /* in memory that is all it takes */
  waiter_cancel (&waiter);
  waiter_expect_lease (&waiter, fixture);
  waiter_clear (&waiter);
  expect_free (fixture);
}

static void
who_is_cancelled_holds_nobody_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter waiters[N_WAITERS];

  for (int i = 0; i < N_WAITERS; i++)
    waiter_start (&waiters[i], fixture, -1);
  waiter_cancel (&waiters[0]);
  waiter_expect_cancelled (&waiters[0], fixture);
  waiter_cancel (&waiters[1]);
  waiter_expect_cancelled (&waiters[1], fixture);
  g_assert_false (waiters[2].result.is_done);
  release (holder);
  waiter_expect_lease (&waiters[2], fixture);
  for (int i = 0; i < N_WAITERS; i++)
    waiter_clear (&waiters[i]);
}

static void
cancelled_while_the_store_hangs_one_leaves_at_once (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  hang (fixture);
  waiter_start (&waiter, fixture, -1);
  grel_test_settle ();
  g_assert_cmpuint (grel_test_store_get_n_hanging (fixture->store), ==, 1);
  waiter_cancel (&waiter);
  waiter_expect_cancelled (&waiter, fixture);
  waiter_clear (&waiter);

  answer (fixture);
  expect_free (fixture);
}

static void
what_who_is_cancelled_won_goes_to_the_next (Fixture *fixture, gconstpointer data)
{
  Waiter first, second;

  hang (fixture);
  waiter_start (&first, fixture, -1);
  waiter_start (&second, fixture, -1);
  grel_test_settle ();
  waiter_cancel (&first);
  waiter_expect_cancelled (&first, fixture);
  g_assert_false (second.result.is_done);

  answer (fixture);
  waiter_expect_lease (&second, fixture);
  g_assert_cmpint (grel_lease_get_fencing_token (second.lease), ==, 2);
  waiter_clear (&first);
  waiter_clear (&second);
  expect_free (fixture);
}

static void
while_something_is_given_back_nobody_asks (Fixture *fixture, gconstpointer data)
{
  Waiter first, second;

  hang (fixture);
  waiter_start (&first, fixture, -1);
  grel_test_settle ();
  waiter_cancel (&first);
  waiter_clear (&first);
  grel_test_store_answer (fixture->store); /* which makes the library give it back */
  grel_test_settle ();
  g_assert_cmpuint (grel_test_store_get_n_hanging (fixture->store), ==, 1);
  waiter_start (&second, fixture, -1);
  grel_test_settle ();
  g_assert_cmpuint (grel_test_store_get_n_hanging (fixture->store), ==, 1);

  answer (fixture);
  waiter_expect_lease (&second, fixture);
  waiter_clear (&second);
}

/* The store took longer to answer than the lease lasts. */
static void
answer_late (Fixture *fixture, GTimeSpan patience, Waiter *waiter)
{
  hang (fixture);
  grel_lock_set_lease_duration (fixture->lock, INTERVAL);
  waiter_start (waiter, fixture, patience);
  grel_test_settle ();
  grel_test_scene_pass (fixture, INTERVAL);
  answer (fixture);
}

static void
a_lease_that_ran_out_on_its_way_is_asked_for_again (Fixture *fixture, gconstpointer data)
{
  const GTimeSpan patience[] = { -1, TIMEOUT, 0 };
  Waiter waiter;

  for (guint i = 0; i < G_N_ELEMENTS (patience); i++)
    {
      answer_late (fixture, patience[i], &waiter);
      waiter_expect_lease (&waiter, fixture);
      g_assert_cmpint (grel_lease_get_fencing_token (waiter.lease), ==, 2 * (i + 1));
      release (waiter.lease);
      waiter_clear (&waiter);
    }
  expect_free (fixture);
}

static void
who_was_granted_too_late_waits_no_longer_than_before (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  grel_lock_set_lease_duration (fixture->lock, INTERVAL);
  hang (fixture);
  waiter_start (&waiter, fixture, TIMEOUT);
  grel_test_settle ();
  grel_test_scene_pass (fixture, TIMEOUT - 1);
  answer_once (fixture);
  g_assert_false (waiter.result.is_done);
  grel_test_scene_pass (fixture, 1);
  waiter_expect_error (&waiter, fixture, GREL_ERROR_TIMED_OUT, "within 3 s");
  waiter_clear (&waiter);
  answer (fixture);
  expect_free (fixture);
}

static void
a_store_that_is_always_too_slow_is_told_of (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  hang (fixture);
  grel_lock_set_lease_duration (fixture->lock, INTERVAL);
  waiter_start (&waiter, fixture, -1);
  for (int i = 0; i < 3; i++)
    {
      grel_test_settle ();
      grel_test_scene_pass (fixture, INTERVAL);
      answer_once (fixture); /* it is granted */
      g_assert_cmpint (waiter.result.is_done, ==, i == 2);
      if (i < 2)
        answer_once (fixture); /* it is given back */
    }
  waiter_expect_error (&waiter, fixture, GREL_ERROR_BACKEND, "longer than the lease");
  waiter_clear (&waiter);
  answer (fixture);
  expect_free (fixture);
}

static void
a_timeout_is_exact (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter waiter;

  waiter_start (&waiter, fixture, TIMEOUT);
  grel_test_settle ();
  grel_test_scene_pass (fixture, TIMEOUT - 1);
  g_assert_false (waiter.result.is_done);
  grel_test_scene_pass (fixture, 1);
  waiter_expect_error (&waiter, fixture, GREL_ERROR_TIMED_OUT, "3 s");
  waiter_clear (&waiter);
  release (holder);
  expect_free (fixture);
}

static void
a_timeout_is_exact_while_the_store_hangs (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  hang (fixture);
  waiter_start (&waiter, fixture, TIMEOUT);
  grel_test_settle ();
  grel_test_scene_pass (fixture, TIMEOUT - 1);
  g_assert_false (waiter.result.is_done);
  grel_test_scene_pass (fixture, 1);
  waiter_expect_error (&waiter, fixture, GREL_ERROR_TIMED_OUT, "3 s");
  waiter_clear (&waiter);

  answer (fixture);
  expect_free (fixture);
}

static void
a_timeout_counts_from_the_call (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter waiter;

  waiter_start (&waiter, fixture, TIMEOUT);
  grel_virtual_clock_advance (fixture->clock, TIMEOUT); /* before the loop ran */
  grel_test_settle ();
  waiter_expect_error (&waiter, fixture, GREL_ERROR_TIMED_OUT, "cart");
  waiter_clear (&waiter);
}

static void
a_negative_timeout_never_runs_out (Fixture *fixture, gconstpointer data)
{
  static const GTimeSpan timeouts[] = { -1, -2, -G_TIME_SPAN_HOUR, G_MININT64 };
  Waiter waiters[G_N_ELEMENTS (timeouts)];
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);

  for (guint i = 0; i < G_N_ELEMENTS (timeouts); i++)
    waiter_start (&waiters[i], fixture, timeouts[i]);
  for (int i = 0; i < 100; i++)
    grel_test_scene_pass (fixture, LEASE / 4);
  release (holder);
  for (guint i = 0; i < G_N_ELEMENTS (timeouts); i++)
    {
      waiter_expect_lease (&waiters[i], fixture);
      waiter_clear (&waiters[i]);
      grel_test_settle ();
    }
}

static void
each_has_a_timeout_of_its_own (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter waiters[N_WAITERS];

  for (int i = 0; i < N_WAITERS; i++)
    waiter_start (&waiters[i], fixture, (N_WAITERS - i) * TIMEOUT);
  for (int i = N_WAITERS - 1; i >= 0; i--)
    {
      grel_test_scene_pass (fixture, TIMEOUT - 1);
      g_assert_false (waiters[i].result.is_done);
      grel_test_scene_pass (fixture, 1);
      waiter_expect_error (&waiters[i], fixture, GREL_ERROR_TIMED_OUT, "cart");
      waiter_clear (&waiters[i]);
    }
}

static void
a_release_in_the_last_moment_is_in_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter waiter;

  waiter_start (&waiter, fixture, TIMEOUT);
  grel_test_scene_pass (fixture, TIMEOUT - 1);
  release (holder);
  waiter_expect_lease (&waiter, fixture);
  grel_test_scene_pass (fixture, TIMEOUT);
  g_assert_true (grel_lease_is_valid (waiter.lease));
  waiter_clear (&waiter);
}

static void
a_lease_that_runs_out_passes_the_lock_on (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = NULL;
  Waiter waiter;

  grel_lock_set_auto_extend (fixture->lock, FALSE);
  holder = grel_test_scene_acquire (fixture);
  waiter_start (&waiter, fixture, LEASE + TIMEOUT);
  grel_test_scene_pass (fixture, LEASE);
  g_assert_false (waiter.result.is_done);
  g_assert_false (grel_lease_is_valid (holder));
  grel_test_scene_pass (fixture, 1);
  waiter_expect_lease (&waiter, fixture);
  g_assert_cmpint (grel_lease_get_fencing_token (waiter.lease), ==, 2);
  waiter_clear (&waiter);
}

static void
for_who_does_not_wait_a_slow_store_fails_within_a_second (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  hang (fixture);
  waiter_start (&waiter, fixture, 0);
  grel_test_settle ();
  grel_test_scene_pass (fixture, G_TIME_SPAN_SECOND - 1);
  g_assert_false (waiter.result.is_done);
  grel_test_scene_pass (fixture, 1);
  waiter_expect_error (&waiter, fixture, GREL_ERROR_BACKEND, "did not say");
  waiter_clear (&waiter);

  answer (fixture);
  expect_free (fixture);
}

static void
who_does_not_wait_never_overtakes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter first, second;

  waiter_start (&first, fixture, -1);
  waiter_start (&second, fixture, 0);
  grel_test_settle ();
  g_assert_false (first.result.is_done);
  waiter_expect_error (&second, fixture, GREL_ERROR_WOULD_BLOCK, "cart");
  waiter_clear (&second);
  release (holder);
  waiter_expect_lease (&first, fixture);
  waiter_clear (&first);
}

static void
nobody_overtakes_who_is_about_to_be_served (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter first, second, third;

  waiter_start (&first, fixture, -1);
  grel_test_settle ();
  grel_lease_release_async (holder, NULL, NULL, NULL);
  waiter_start (&second, fixture, 0);
  waiter_start (&third, fixture, -1);
  grel_test_settle ();
  waiter_expect_lease (&first, fixture);
  waiter_expect_error (&second, fixture, GREL_ERROR_WOULD_BLOCK, "cart");
  g_assert_false (third.result.is_done);
  waiter_clear (&first);
  waiter_clear (&second);
  grel_test_settle ();
  waiter_expect_lease (&third, fixture);
  waiter_clear (&third);
}

static void
who_does_not_wait_gets_what_was_dropped_before (Fixture *fixture, gconstpointer data)
{
  for (int i = 1; i <= 5; i++)
    {
      g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, i);
    }
}

static void
who_does_not_wait_gets_what_was_released_before (Fixture *fixture, gconstpointer data)
{
  for (int i = 1; i <= 5; i++)
    {
      g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, i);
      grel_lease_release_async (lease, NULL, NULL, NULL);
    }
}

static void
when_the_store_fails_all_who_wait_are_told (Fixture *fixture, gconstpointer data)
{
  Waiter waiters[N_WAITERS];

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_FAILS);
  for (int i = 0; i < N_WAITERS; i++)
    waiter_start (&waiters[i], fixture, -1);
  grel_test_settle ();
  for (int i = 0; i < N_WAITERS; i++)
    {
      waiter_expect_error (&waiters[i], fixture, GREL_ERROR_BACKEND, "the store is down");
      waiter_clear (&waiters[i]);
    }
  g_assert_cmpuint (n_requests (fixture), ==, 2); /* one to acquire, one to be on the safe side */
  expect_free (fixture);
}

static void
when_the_store_drops_the_question_all_who_wait_are_told (Fixture *fixture, gconstpointer data)
{
  Waiter waiters[N_WAITERS];

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_DROPS);
  for (int i = 0; i < N_WAITERS; i++)
    waiter_start (&waiters[i], fixture, -1);
  grel_test_settle ();
  for (int i = 0; i < N_WAITERS; i++)
    {
      waiter_expect_error (&waiters[i], fixture, GREL_ERROR_BACKEND, "dropped");
      waiter_clear (&waiters[i]);
    }
  expect_free (fixture);
}

static void
when_the_store_hangs_all_who_wait_are_told_at_the_deadline (Fixture *fixture, gconstpointer data)
{
  Waiter waiters[N_WAITERS];

  hang (fixture);
  for (int i = 0; i < N_WAITERS; i++)
    waiter_start (&waiters[i], fixture, -1);
  grel_test_settle ();
  grel_test_scene_pass (fixture, REQUEST_TIMEOUT - 1);
  for (int i = 0; i < N_WAITERS; i++)
    g_assert_false (waiters[i].result.is_done);
  grel_test_scene_pass (fixture, 1);
  for (int i = 0; i < N_WAITERS; i++)
    {
      waiter_expect_error (&waiters[i], fixture, GREL_ERROR_BACKEND, "10 s");
      waiter_clear (&waiters[i]);
    }

  answer (fixture); /* which grants it, too late */
  expect_free (fixture);
}

static void
when_a_rival_keeps_it_the_store_may_fail_later (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  start_behind_a_rival (&waiter, fixture, -1);
  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_FAILS);
  grel_test_scene_pass (fixture, INTERVAL - 1);
  g_assert_false (waiter.result.is_done);
  grel_test_scene_pass (fixture, 1);
  waiter_expect_error (&waiter, fixture, GREL_ERROR_BACKEND, "the store is down");
  waiter_clear (&waiter);
}

static void
a_store_that_does_not_tell_is_asked_at_intervals (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;
  guint n;

  start_behind_a_rival (&waiter, fixture, -1);
  n = n_requests (fixture);
  for (int i = 0; i < 20; i++)
    {
      grel_test_scene_pass (fixture, INTERVAL - 1);
      g_assert_cmpuint (n_requests (fixture), ==, n);
      grel_test_scene_pass (fixture, 1);
      g_assert_cmpuint (n_requests (fixture), ==, ++n);
    }
  grel_test_scene_rival_release (fixture);
  grel_test_scene_pass (fixture, INTERVAL - 1);
  g_assert_false (waiter.result.is_done);
  grel_test_scene_pass (fixture, 1);
  waiter_expect_lease (&waiter, fixture);
  waiter_clear (&waiter);
}

static void
the_interval_varies_by_the_jitter (Fixture *fixture, gconstpointer data)
{
  gint64 asked_at = grel_test_scene_now (fixture);
  GTimeSpan least = G_MAXINT64, most = 0;
  guint n;
  Waiter waiter;

  start_behind_a_rival (&waiter, fixture, -1);
  waiter_cancel (&waiter);
  waiter_clear (&waiter);
  grel_lock_set_retry_jitter (fixture->lock, 0.5);
  waiter_start (&waiter, fixture, -1);
  grel_test_settle ();

  n = n_requests (fixture);
  for (int i = 0; i < 200;)
    {
      GTimeSpan span;

      grel_test_scene_pass (fixture, G_TIME_SPAN_MILLISECOND);
      if (n_requests (fixture) == n)
        continue;

      span = grel_test_scene_now (fixture) - asked_at;
      asked_at = grel_test_scene_now (fixture);
      least = MIN (least, span);
      most = MAX (most, span);
      n = n_requests (fixture);
      i++;
      grel_test_scene_rival_acquire (fixture, LEASE);
    }
  g_assert_cmpint (least, >=, INTERVAL / 2);
  g_assert_cmpint (least, <, INTERVAL * 3 / 4);
  g_assert_cmpint (most, >, INTERVAL * 5 / 4);
  g_assert_cmpint (most, <=, INTERVAL * 3 / 2 + G_TIME_SPAN_MILLISECOND);
  waiter_cancel (&waiter);
  waiter_clear (&waiter);
}

static void
a_store_that_knows_when_is_asked_then (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  grel_test_scene_rival_acquire (fixture, INTERVAL / 2);
  waiter_start (&waiter, fixture, -1);
  grel_test_settle ();
  grel_test_scene_pass (fixture, INTERVAL / 2);
  g_assert_false (waiter.result.is_done);
  grel_test_scene_pass (fixture, 1);
  waiter_expect_lease (&waiter, fixture);
  waiter_clear (&waiter);
}

static void
only_the_head_of_the_queue_asks (Fixture *fixture, gconstpointer data)
{
  Waiter waiters[N_WAITERS];
  guint n;

  start_behind_a_rival (&waiters[0], fixture, -1);
  for (int i = 1; i < N_WAITERS; i++)
    waiter_start (&waiters[i], fixture, -1);
  grel_test_settle ();
  n = n_requests (fixture);
  for (int i = 0; i < 5; i++)
    {
      grel_test_scene_pass (fixture, INTERVAL);
      g_assert_cmpuint (n_requests (fixture), ==, ++n);
    }

  waiter_cancel (&waiters[0]);
  waiter_clear (&waiters[0]);
  grel_test_scene_rival_release (fixture);
  grel_test_scene_pass (fixture, INTERVAL);
  waiter_expect_lease (&waiters[1], fixture);
  waiter_clear (&waiters[1]);
  grel_test_settle ();
  waiter_expect_lease (&waiters[2], fixture);
  waiter_clear (&waiters[2]);
}

static void
the_next_asks_when_the_answer_to_who_left_is_no (Fixture *fixture, gconstpointer data)
{
  Waiter first, second;

  start_behind_a_rival (&first, fixture, -1);
  waiter_start (&second, fixture, -1);
  hang (fixture);
  grel_test_scene_pass (fixture, INTERVAL);
  waiter_cancel (&first);
  waiter_clear (&first);
  answer (fixture);
  g_assert_false (second.result.is_done);
  grel_test_scene_rival_release (fixture);
  grel_test_scene_pass (fixture, INTERVAL);
  waiter_expect_lease (&second, fixture);
  waiter_clear (&second);
}

static void
the_next_asks_when_who_does_not_wait_is_refused (Fixture *fixture, gconstpointer data)
{
  Waiter first, second;

  grel_lock_set_retry_jitter (fixture->lock, 0.0);
  grel_test_scene_rival_acquire (fixture, LEASE);
  hang (fixture);
  waiter_start (&first, fixture, 0);
  waiter_start (&second, fixture, -1);
  grel_test_settle ();
  answer (fixture);
  waiter_expect_error (&first, fixture, GREL_ERROR_WOULD_BLOCK, "cart");
  waiter_clear (&first);
  g_assert_false (second.result.is_done);
  grel_test_scene_rival_release (fixture);
  grel_test_scene_pass (fixture, INTERVAL);
  waiter_expect_lease (&second, fixture);
  waiter_clear (&second);
}

static void
nobody_asks_for_who_has_left (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;
  guint n;

  start_behind_a_rival (&waiter, fixture, TIMEOUT);
  grel_test_scene_pass (fixture, TIMEOUT);
  waiter_expect_error (&waiter, fixture, GREL_ERROR_TIMED_OUT, "cart");
  waiter_clear (&waiter);
  n = n_requests (fixture);
  grel_test_scene_pass (fixture, 10 * INTERVAL);
  g_assert_cmpuint (n_requests (fixture), ==, n);
}

static void
nobody_asks_when_it_is_held_here_and_nobody_waits (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  grel_test_scene_pass (fixture, 10 * INTERVAL);
  g_assert_cmpuint (n_requests (fixture), ==, 1);
}

static void
a_notification_wakes_the_head_at_once (Fixture *fixture, gconstpointer data)
{
  Waiter waiters[2];

  start_behind_a_rival (&waiters[0], fixture, -1);
  waiter_start (&waiters[1], fixture, -1);
  grel_test_scene_rival_release (fixture);
  grel_test_settle ();
  g_assert_false (waiters[0].result.is_done);
  grel_lock_backend_notify_released (GREL_LOCK_BACKEND (fixture->backend), "lock:cart");
  grel_test_settle ();
  waiter_expect_lease (&waiters[0], fixture);
  g_assert_false (waiters[1].result.is_done);
  waiter_clear (&waiters[0]);
  grel_test_settle ();
  waiter_expect_lease (&waiters[1], fixture);
  waiter_clear (&waiters[1]);
}

static gpointer
notify (gpointer backend)
{
  grel_lock_backend_notify_released (backend, "lock:cart");
  return NULL;
}

static void
a_notification_may_come_from_any_thread (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  start_behind_a_rival (&waiter, fixture, -1);
  grel_test_scene_rival_release (fixture);
  g_thread_join (g_thread_new ("store", notify, fixture->backend));
  g_assert_false (waiter.result.is_done);
  grel_test_settle ();
  waiter_expect_lease (&waiter, fixture);
  waiter_clear (&waiter);
}

static void
a_notification_while_the_store_is_asked_is_not_lost (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  start_behind_a_rival (&waiter, fixture, -1);
  hang (fixture);
  grel_test_scene_pass (fixture, INTERVAL);
  g_assert_cmpuint (grel_test_store_get_n_hanging (fixture->store), ==, 1);
  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_ANSWERS);
  grel_test_store_answer (fixture->store); /* with a no that is still on its way */
  grel_test_scene_rival_release (fixture);
  grel_lock_backend_notify_released (GREL_LOCK_BACKEND (fixture->backend), "lock:cart");
  grel_test_settle ();
  waiter_expect_lease (&waiter, fixture);
  waiter_clear (&waiter);
}

static void
a_notification_that_concerns_nobody_does_nothing (Fixture *fixture, gconstpointer data)
{
  GrelLockBackend *backend = GREL_LOCK_BACKEND (fixture->backend);
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  grel_lock_backend_notify_released (backend, "lock:cart");
  grel_lock_backend_notify_released (backend, "lock:other");
  grel_lock_backend_notify_released (backend, "no prefix");
  grel_test_settle ();
  g_assert_cmpuint (n_requests (fixture), ==, 1);
  g_assert_true (grel_lease_is_valid (lease));
}

static void
a_notification_after_the_end_does_nothing (Fixture *fixture, gconstpointer data)
{
  grel_test_backend_close (fixture->backend, NULL);
  grel_lock_backend_notify_released (GREL_LOCK_BACKEND (fixture->backend), "lock:cart");
  grel_test_settle ();
}

static void
expect_watches (Fixture *fixture, guint n_watched, guint n_unwatched)
{
  grel_test_settle ();
  g_assert_cmpuint (grel_test_store_get_n_watched (fixture->store), ==, n_watched);
  g_assert_cmpuint (grel_test_store_get_n_unwatched (fixture->store), ==, n_unwatched);
}

static void
the_store_is_told_when_the_first_begins_to_wait (Fixture *fixture, gconstpointer data)
{
  Waiter waiters[N_WAITERS];

  start_behind_a_rival (&waiters[0], fixture, -1);
  expect_watches (fixture, 1, 0);
  for (guint i = 1; i < N_WAITERS; i++)
    waiter_start (&waiters[i], fixture, -1);
  grel_test_scene_pass (fixture, INTERVAL);
  expect_watches (fixture, 1, 0);

  for (guint i = 0; i < N_WAITERS; i++)
    {
      waiter_cancel (&waiters[i]);
      expect_watches (fixture, 1, i == N_WAITERS - 1);
      waiter_clear (&waiters[i]);
    }
}

static void
the_store_is_told_when_the_last_has_its_lock (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  start_behind_a_rival (&waiter, fixture, -1);
  grel_test_scene_rival_release (fixture);
  grel_test_scene_pass (fixture, INTERVAL);
  waiter_expect_lease (&waiter, fixture);
  expect_watches (fixture, 1, 1);
  waiter_clear (&waiter);
}

static void
who_need_not_wait_is_not_watched_for (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_lock_acquire (fixture->lock, 0, &error));
  g_assert_error (error, GREL_ERROR, GREL_ERROR_WOULD_BLOCK);
  release (lease);
  expect_watches (fixture, 0, 0);
}

static void
closing_ends_a_watch_without_a_word (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  start_behind_a_rival (&waiter, fixture, -1);
  g_assert_true (grel_test_backend_close (fixture->backend, NULL));
  waiter_expect_error (&waiter, fixture, GREL_ERROR_CLOSED, "closed");
  waiter_clear (&waiter);
  expect_watches (fixture, 1, 0);

  g_assert_true (grel_test_backend_open (fixture->backend, NULL));
  waiter_start (&waiter, fixture, -1);
  expect_watches (fixture, 2, 0);
  waiter_cancel (&waiter);
  expect_watches (fixture, 2, 1);
  waiter_clear (&waiter);
}

static void
a_release_here_wakes_the_head_at_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter waiters[N_WAITERS];

  for (int i = 0; i < N_WAITERS; i++)
    waiter_start (&waiters[i], fixture, -1);
  grel_test_settle ();
  release (holder);
  for (int i = 0; i < N_WAITERS; i++)
    {
      waiter_expect_lease (&waiters[i], fixture);
      g_assert_true (i + 1 == N_WAITERS || !waiters[i + 1].result.is_done);
      waiter_clear (&waiters[i]); /* drops the lease */
      grel_test_settle ();
    }
}

static void
closing_ends_all_who_wait (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_test_scene_acquire (fixture);
  Waiter waiters[N_WAITERS];

  for (int i = 0; i < N_WAITERS; i++)
    waiter_start (&waiters[i], fixture, i == 0 ? -1 : TIMEOUT);
  grel_test_settle ();
  grel_backend_close_async (fixture->backend, NULL, NULL, NULL);
  g_assert_false (grel_lease_is_valid (holder));
  grel_test_settle ();
  for (int i = 0; i < N_WAITERS; i++)
    {
      waiter_expect_error (&waiters[i], fixture, GREL_ERROR_CLOSED, "closed");
      waiter_clear (&waiters[i]);
    }
}

static void
closing_does_not_wait_for_a_store_that_hangs (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  hang (fixture);
  waiter_start (&waiter, fixture, -1);
  grel_test_settle ();
  grel_test_backend_close (fixture->backend, NULL);
  waiter_expect_error (&waiter, fixture, GREL_ERROR_CLOSED, "closed");
  waiter_clear (&waiter);
}

static void
what_the_store_grants_after_the_end_is_nobodys (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  hang (fixture);
  waiter_start (&waiter, fixture, -1);
  grel_test_settle ();
  grel_test_backend_close (fixture->backend, NULL);
  waiter_clear (&waiter);
  answer (fixture);
  g_assert_cmpuint (waiter.result.n_calls, ==, 1);
}

static void
what_the_store_grants_after_a_new_beginning_is_given_back (Fixture *fixture, gconstpointer data)
{
  Waiter waiter;

  hang (fixture);
  waiter_start (&waiter, fixture, -1);
  grel_test_settle ();
  grel_test_backend_close (fixture->backend, NULL);
  waiter_clear (&waiter);
  grel_test_backend_open (fixture->backend, NULL);
  answer (fixture);
  expect_free (fixture);
}

#define TYPE_STUBBORN (stubborn_get_type ())

G_DECLARE_FINAL_TYPE (Stubborn, stubborn, TEST, STUBBORN, GrelLockBackend)

/* A backend that keeps every task until the test takes it. */
struct _Stubborn
{
  GrelLockBackend parent_instance;

  GQueue tasks; /* (element-type GTask) */
};

G_DEFINE_FINAL_TYPE (Stubborn, stubborn, GREL_TYPE_LOCK_BACKEND)

static void
stubborn_open (GrelBackend *backend, GTask *task)
{
  g_queue_push_tail (&TEST_STUBBORN (backend)->tasks, g_object_ref (task));
}

static void
stubborn_acquire (GrelLockBackend *backend,
                  const char *name,
                  const char *token,
                  GTimeSpan lease,
                  GTask *task)
{
  g_queue_push_tail (&TEST_STUBBORN (backend)->tasks, g_object_ref (task));
}

static void
stubborn_release (GrelLockBackend *backend, const char *name, const char *token, GTask *task)
{
  g_queue_push_tail (&TEST_STUBBORN (backend)->tasks, g_object_ref (task));
}

static void
stubborn_class_init (StubbornClass *klass)
{
  GREL_BACKEND_CLASS (klass)->open = stubborn_open;
  GREL_LOCK_BACKEND_CLASS (klass)->acquire = stubborn_acquire;
  GREL_LOCK_BACKEND_CLASS (klass)->release = stubborn_release;
}

static void
stubborn_init (Stubborn *self)
{
}

static void
stubborn_start_open (Stubborn *self, GrelTestResult *opened)
{
  grel_backend_open_async (GREL_BACKEND (self), NULL, grel_test_result_ready, opened);
  grel_test_settle ();
}

static GTask *
stubborn_take (Stubborn *self)
{
  g_assert_cmpuint (self->tasks.length, >, 0);
  return g_queue_pop_head (&self->tasks);
}

static void
stubborn_answer (Stubborn *self)
{
  g_autoptr (GTask) task = stubborn_take (self);

  g_task_return_boolean (task, TRUE);
  grel_test_settle ();
}

static void
what_is_granted_while_it_opens_again_does_no_harm (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Stubborn) backend = g_object_new (TYPE_STUBBORN, NULL);
  g_autoptr (GTask) acquisition = NULL;
  g_autoptr (GTask) opening = NULL;
  g_auto (GrelTestResult) opened = { NULL };
  g_auto (GrelTestResult) again = { NULL };
  Waiter waiter;

  grel_lock_set_backend (fixture->lock, GREL_LOCK_BACKEND (backend));
  stubborn_start_open (backend, &opened);
  stubborn_answer (backend);
  waiter_start (&waiter, fixture, -1);
  grel_test_settle ();
  acquisition = stubborn_take (backend);
  grel_test_backend_close (GREL_BACKEND (backend), NULL);
  waiter_expect_error (&waiter, fixture, GREL_ERROR_CLOSED, "closed");
  waiter_clear (&waiter);

  stubborn_start_open (backend, &again);
  opening = stubborn_take (backend);
  g_task_return_int (acquisition, 1);
  grel_test_settle ();
  g_task_return_new_error (opening, G_IO_ERROR, G_IO_ERROR_FAILED, "not this time");
  grel_test_settle ();
  g_assert_true (again.is_done);
  while (backend->tasks.length > 0)
    stubborn_answer (backend);
}

/* The timer is the same for all who hold the lock, one after the other; and after a new beginning.
 */
static void
each_holder_is_told_in_time (Fixture *fixture, gconstpointer data)
{
  static const GTimeSpan leases[] = { LEASE, 2 * LEASE, LEASE / 2, LEASE };

  grel_lock_set_auto_extend (fixture->lock, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (leases); i++)
    {
      g_autoptr (GrelLease) released = grel_test_scene_acquire (fixture);
      g_autoptr (GrelLease) kept = NULL;
      GCancellable *cancellable;

      release (released);
      if (i % 2 == 1)
        {
          g_assert_true (grel_test_backend_close (fixture->backend, NULL));
          g_assert_true (grel_test_backend_open (fixture->backend, NULL));
        }
      grel_lock_set_lease_duration (fixture->lock, leases[i]);
      kept = grel_test_scene_acquire (fixture);
      cancellable = grel_lease_get_cancellable (kept);
      grel_test_scene_pass (fixture,
                            grel_lease_get_deadline (kept) - grel_test_scene_now (fixture) - 1);
      g_assert_false (g_cancellable_is_cancelled (cancellable));
      grel_test_scene_pass (fixture, 1);
      g_assert_true (g_cancellable_is_cancelled (cancellable));
      grel_test_scene_pass (fixture, leases[i]);
    }
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/lock/slot/memory/" #name, Fixture, NULL, grel_test_scene_set_up_memory, name,      \
              grel_test_scene_tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/lock/slot/store/" #name, Fixture, NULL, grel_test_scene_set_up_store, name,        \
              grel_test_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (cancelled_in_advance_one_gets_nothing);
  RULE (cancelled_while_one_waits_one_leaves);
  RULE_IN_MEMORY (cancelled_after_one_has_won_one_has_won);
  RULE (who_is_cancelled_holds_nobody_up);
  RULE_IN_STORE (cancelled_while_the_store_hangs_one_leaves_at_once);
  RULE_IN_STORE (what_who_is_cancelled_won_goes_to_the_next);
  RULE_IN_STORE (while_something_is_given_back_nobody_asks);
  RULE_IN_STORE (a_lease_that_ran_out_on_its_way_is_asked_for_again);
  RULE_IN_STORE (who_was_granted_too_late_waits_no_longer_than_before);
  RULE_IN_STORE (a_store_that_is_always_too_slow_is_told_of);
  RULE (a_timeout_is_exact);
  RULE_IN_STORE (a_timeout_is_exact_while_the_store_hangs);
  RULE (a_timeout_counts_from_the_call);
  RULE (a_negative_timeout_never_runs_out);
  RULE (each_has_a_timeout_of_its_own);
  RULE (a_release_in_the_last_moment_is_in_time);
  RULE_IN_MEMORY (a_lease_that_runs_out_passes_the_lock_on);
  RULE_IN_STORE (for_who_does_not_wait_a_slow_store_fails_within_a_second);
  RULE (each_holder_is_told_in_time);
  RULE (who_does_not_wait_never_overtakes);
  RULE (nobody_overtakes_who_is_about_to_be_served);
  RULE (who_does_not_wait_gets_what_was_dropped_before);
  RULE (who_does_not_wait_gets_what_was_released_before);
  RULE_IN_STORE (when_the_store_fails_all_who_wait_are_told);
  RULE_IN_STORE (when_the_store_drops_the_question_all_who_wait_are_told);
  RULE_IN_STORE (when_the_store_hangs_all_who_wait_are_told_at_the_deadline);
  RULE_IN_STORE (when_a_rival_keeps_it_the_store_may_fail_later);
  RULE_IN_STORE (a_store_that_does_not_tell_is_asked_at_intervals);
  RULE_IN_STORE (the_interval_varies_by_the_jitter);
  RULE_IN_STORE (a_store_that_knows_when_is_asked_then);
  RULE_IN_STORE (only_the_head_of_the_queue_asks);
  RULE_IN_STORE (the_next_asks_when_the_answer_to_who_left_is_no);
  RULE_IN_STORE (the_next_asks_when_who_does_not_wait_is_refused);
  RULE_IN_STORE (nobody_asks_for_who_has_left);
  RULE_IN_STORE (nobody_asks_when_it_is_held_here_and_nobody_waits);
  RULE_IN_STORE (a_notification_wakes_the_head_at_once);
  RULE_IN_STORE (a_notification_may_come_from_any_thread);
  RULE_IN_STORE (a_notification_while_the_store_is_asked_is_not_lost);
  RULE (a_notification_after_the_end_does_nothing);
  RULE_IN_STORE (a_notification_that_concerns_nobody_does_nothing);
  RULE_IN_STORE (the_store_is_told_when_the_first_begins_to_wait);
  RULE_IN_STORE (the_store_is_told_when_the_last_has_its_lock);
  RULE_IN_STORE (who_need_not_wait_is_not_watched_for);
  RULE_IN_STORE (closing_ends_a_watch_without_a_word);
  RULE (a_release_here_wakes_the_head_at_once);
  RULE (closing_ends_all_who_wait);
  RULE_IN_STORE (closing_does_not_wait_for_a_store_that_hangs);
  RULE_IN_STORE (what_the_store_grants_after_the_end_is_nobodys);
  RULE_IN_STORE (what_the_store_grants_after_a_new_beginning_is_given_back);
  RULE_IN_MEMORY (what_is_granted_while_it_opens_again_does_no_harm);
  return g_test_run ();
}
