/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-scene.h"

/* How a lease is extended for as long as its object lives. */

#define LEASE (60 * G_TIME_SPAN_SECOND)
#define THIRD (20 * G_TIME_SPAN_SECOND)
#define MARGIN (3 * G_TIME_SPAN_SECOND) /* what a store's own clock may take off a lease */

typedef GrelTestScene Fixture;

static guint
n_requests (Fixture *fixture)
{
  return grel_test_store_get_n_requests (fixture->store);
}

static void
set_mood (Fixture *fixture, GrelTestStoreMood mood)
{
  grel_test_store_set_mood (fixture->store, mood);
}

static gboolean
is_cancelled (GrelLease *lease)
{
  return g_cancellable_is_cancelled (grel_lease_get_cancellable (lease));
}

/* Lets time pass in steps, as it does. */
static void
pass_slowly (Fixture *fixture, GTimeSpan span, GTimeSpan step)
{
  for (; span > 0; span -= step)
    grel_test_scene_pass (fixture, MIN (span, step));
}

/* How long the lease may run on from now, if it is held at all. */
static GTimeSpan
get_rest (Fixture *fixture, GrelLease *lease)
{
  return grel_lease_get_deadline (lease) - grel_test_scene_now (fixture);
}

/* Nothing more is asked of the store, ever. */
static void
expect_silence (Fixture *fixture)
{
  guint n = n_requests (fixture);

  pass_slowly (fixture, 3 * LEASE, THIRD / 4);
  g_assert_cmpuint (n_requests (fixture), ==, n);
}

static void
it_is_extended_when_a_third_has_passed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  GTimeSpan whole = get_rest (fixture, lease);

  for (int i = 0; i < 10; i++)
    {
      grel_test_scene_pass (fixture, THIRD - 1);
      g_assert_cmpint (get_rest (fixture, lease), ==, whole - THIRD + 1);
      grel_test_scene_pass (fixture, 1);
      g_assert_cmpint (get_rest (fixture, lease), ==, whole);
    }
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_false (is_cancelled (lease));
  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 1);
}

static void
it_is_extended_once_each_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  pass_slowly (fixture, 10 * THIRD, THIRD / 4);
  g_assert_cmpuint (n_requests (fixture), ==, 1 + 10);
}

static void
nobody_else_gets_it_meanwhile (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) acquired = { NULL };

  grel_lock_acquire_async (fixture->lock, 10 * LEASE, NULL, grel_test_result_ready, &acquired);
  pass_slowly (fixture, 10 * LEASE - 1, THIRD / 4);
  g_assert_false (acquired.is_done);
  g_assert_true (grel_lease_is_valid (lease));
  grel_test_scene_pass (fixture, 1);
  g_assert_true (acquired.is_done);
}

static void
it_is_extended_only_when_it_was_handed_out (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };

  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  grel_test_result_wait (&acquired);
  pass_slowly (fixture, LEASE, THIRD / 4);
  g_assert_true (grel_test_lock_is_locked (fixture->lock, NULL));
  grel_test_scene_pass (fixture, 1);
  g_assert_false (grel_test_lock_is_locked (fixture->lock, NULL));
}

static void
handed_out_late_it_is_extended_at_once (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  grel_test_result_wait (&acquired);
  grel_test_scene_pass (fixture, LEASE / 2);
  lease = grel_lock_acquire_finish (fixture->lock, acquired.result, NULL);
  grel_test_settle ();
  g_assert_cmpint (get_rest (fixture, lease), >=, LEASE - MARGIN);
}

static void
handed_out_too_late_it_is_lost (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  grel_test_result_wait (&acquired);
  grel_test_scene_pass (fixture, LEASE);
  lease = grel_lock_acquire_finish (fixture->lock, acquired.result, NULL);
  g_assert_nonnull (lease);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
}

static void
switched_off_it_is_never_extended (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;
  GTimeSpan rest;

  grel_lock_set_auto_extend (fixture->lock, FALSE);
  lease = grel_test_scene_acquire (fixture);
  rest = get_rest (fixture, lease);
  pass_slowly (fixture, rest - 1, THIRD / 4);
  g_assert_true (grel_lease_is_valid (lease));
  grel_test_scene_pass (fixture, 1);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
}

static void
a_change_of_settings_does_not_concern_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  grel_lock_set_auto_extend (fixture->lock, FALSE);
  grel_lock_set_lease_duration (fixture->lock, G_TIME_SPAN_SECOND);
  grel_lock_set_max_hold_duration (fixture->lock, 1);
  pass_slowly (fixture, 5 * LEASE, THIRD / 4);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_cmpint (get_rest (fixture, lease), >=, LEASE - MARGIN - THIRD);
}

static void
one_that_was_extended_by_hand_has_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  grel_test_scene_pass (fixture, THIRD / 2);
  g_assert_true (grel_test_lease_extend (lease, NULL));
  g_assert_cmpuint (n_requests (fixture), ==, 2);
  grel_test_scene_pass (fixture, THIRD - 1);
  g_assert_cmpuint (n_requests (fixture), ==, 2);
  grel_test_scene_pass (fixture, 1);
  g_assert_cmpuint (n_requests (fixture), ==, 3);
}

static void
a_store_that_fails_is_asked_again_until_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  GTimeSpan rest = get_rest (fixture, lease);

  g_assert_false (is_cancelled (lease));
  set_mood (fixture, GREL_TEST_STORE_FAILS);
  pass_slowly (fixture, rest - 1, G_TIME_SPAN_SECOND);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_cmpuint (n_requests (fixture), ==, 1 + 7); /* at 20, 26, 32, 38, 44, 50 and 56 s */
  grel_test_scene_pass (fixture, 1);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
  expect_silence (fixture);
}

static void
a_store_that_recovers_in_time_keeps_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  for (int i = 0; i < 3; i++)
    {
      set_mood (fixture, i == 1 ? GREL_TEST_STORE_DROPS : GREL_TEST_STORE_FAILS);
      pass_slowly (fixture, 2 * THIRD, G_TIME_SPAN_SECOND);
      g_assert_true (grel_lease_is_valid (lease));
      set_mood (fixture, GREL_TEST_STORE_ANSWERS);
      pass_slowly (fixture, THIRD / 2, G_TIME_SPAN_SECOND);
    }
  pass_slowly (fixture, 3 * LEASE, G_TIME_SPAN_SECOND);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_false (is_cancelled (lease));
}

static void
a_store_that_hangs_loses_it_at_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  GTimeSpan rest = get_rest (fixture, lease);

  g_assert_false (is_cancelled (lease));
  set_mood (fixture, GREL_TEST_STORE_HANGS);
  pass_slowly (fixture, rest - 1, G_TIME_SPAN_SECOND);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_false (is_cancelled (lease));
  grel_test_scene_pass (fixture, 1);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
}

static void
what_a_store_extends_too_late_is_given_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_set_lease_duration (fixture->lock, 6 * G_TIME_SPAN_SECOND);
  lease = grel_test_scene_acquire (fixture);
  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_test_scene_pass (fixture, 2 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (grel_test_store_get_n_hanging (fixture->store), ==, 1);
  grel_test_scene_pass (fixture, get_rest (fixture, lease));
  g_assert_true (is_cancelled (lease));

  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  grel_test_store_answer (fixture->store);
  grel_test_settle ();
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_false (grel_test_store_is_locked (fixture->store, "lock:cart"));
}

static void
a_store_that_has_lost_it_says_so (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  g_assert_false (is_cancelled (lease));
  grel_test_scene_steal (fixture);
  grel_test_scene_pass (fixture, THIRD - 1);
  g_assert_true (grel_lease_is_valid (lease));
  grel_test_scene_pass (fixture, 1);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
  expect_silence (fixture);
}

static void
released_it_is_extended_no_more (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  grel_test_scene_pass (fixture, THIRD);
  g_assert_true (grel_test_lease_release (lease, NULL));
  expect_silence (fixture);
  g_assert_false (is_cancelled (lease));
}

static void
dropped_it_is_extended_no_more (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  grel_test_scene_pass (fixture, THIRD);
  g_clear_object (&lease);
  grel_test_settle ();
  expect_silence (fixture);
  g_assert_false (grel_test_store_is_locked (fixture->store, "lock:cart"));
}

static void
after_the_end_it_is_extended_no_more (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  grel_test_backend_close (fixture->backend, NULL);
  grel_test_backend_open (fixture->backend, NULL);
  expect_silence (fixture);
}

static void
released_while_it_is_extended_it_stays_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);
  g_auto (GrelTestResult) released = { NULL };

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_test_scene_pass (fixture, THIRD);
  g_assert_cmpuint (grel_test_store_get_n_hanging (fixture->store), ==, 1);
  grel_lease_release_async (lease, NULL, grel_test_result_ready, &released);
  grel_test_settle ();
  g_assert_cmpuint (grel_test_store_get_n_hanging (fixture->store), ==, 2);
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  grel_test_store_answer (fixture->store);
  g_assert_true (grel_lease_release_finish (lease, grel_test_result_wait (&released), NULL));
  expect_silence (fixture);
  g_assert_false (grel_test_store_is_locked (fixture->store, "lock:cart"));
}

static void
dropped_while_it_is_extended_it_is_released (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_test_scene_acquire (fixture);

  set_mood (fixture, GREL_TEST_STORE_HANGS);
  grel_test_scene_pass (fixture, THIRD);
  g_clear_object (&lease);
  grel_test_settle ();
  set_mood (fixture, GREL_TEST_STORE_ANSWERS);
  grel_test_store_answer (fixture->store);
  grel_test_settle ();
  expect_silence (fixture);
  g_assert_false (grel_test_store_is_locked (fixture->store, "lock:cart"));
}

static void
it_may_be_held_no_longer_than_allowed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;
  gint64 end;

  grel_lock_set_max_hold_duration (fixture->lock, 150 * G_TIME_SPAN_SECOND);
  lease = grel_test_scene_acquire (fixture);
  end = grel_test_scene_now (fixture) + 150 * G_TIME_SPAN_SECOND;
  pass_slowly (fixture, 140 * G_TIME_SPAN_SECOND, G_TIME_SPAN_SECOND);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_cmpint (grel_lease_get_deadline (lease), <=, end);
  g_assert_cmpint (grel_lease_get_deadline (lease), >=, end - MARGIN);

  grel_test_scene_pass (fixture, get_rest (fixture, lease) - 1);
  g_assert_true (grel_lease_is_valid (lease));
  grel_test_scene_pass (fixture, 1);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (is_cancelled (lease));
}

static void
near_the_end_it_is_not_extended_for_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_set_max_hold_duration (fixture->lock, 150 * G_TIME_SPAN_SECOND);
  lease = grel_test_scene_acquire (fixture);
  pass_slowly (fixture, 150 * G_TIME_SPAN_SECOND, G_TIME_SPAN_MILLISECOND);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_cmpuint (n_requests (fixture), ==, 1 + 5); /* at 20, 40, 60, 80 and 100 s */
}

static void
a_hold_that_is_shorter_than_a_lease_is_not_extended (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_set_max_hold_duration (fixture->lock, LEASE / 2);
  lease = grel_test_scene_acquire (fixture);
  g_assert_cmpint (get_rest (fixture, lease), <=, LEASE / 2);
  pass_slowly (fixture, LEASE / 2, THIRD / 4);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_cmpuint (n_requests (fixture), ==, 1);
}

static void
by_hand_it_may_be_held_for_longer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_set_max_hold_duration (fixture->lock, LEASE);
  lease = grel_test_scene_acquire (fixture);
  grel_test_scene_pass (fixture, LEASE / 2);
  g_assert_true (grel_test_lease_extend (lease, NULL));
  pass_slowly (fixture, LEASE / 2, THIRD / 4);
  g_assert_true (grel_lease_is_valid (lease));
  pass_slowly (fixture, LEASE / 2, THIRD / 4);
  g_assert_false (grel_lease_is_valid (lease));
}

static void
a_tiny_lease_does_not_keep_the_loop_busy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_set_lease_duration (fixture->lock, 1);
  lease = grel_test_scene_acquire (fixture);
  grel_test_settle ();
  g_assert_true (grel_lease_is_valid (lease));
  grel_test_scene_pass (fixture, 1);
  g_assert_false (grel_lease_is_valid (lease));
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/grant/memory/" #name, Fixture, NULL, grel_test_scene_set_up_memory, name,          \
              grel_test_scene_tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/grant/store/" #name, Fixture, NULL, grel_test_scene_set_up_store, name,            \
              grel_test_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (it_is_extended_when_a_third_has_passed);
  RULE_IN_STORE (it_is_extended_once_each_time);
  RULE (nobody_else_gets_it_meanwhile);
  RULE (it_is_extended_only_when_it_was_handed_out);
  RULE (handed_out_late_it_is_extended_at_once);
  RULE (handed_out_too_late_it_is_lost);
  RULE (switched_off_it_is_never_extended);
  RULE (a_change_of_settings_does_not_concern_it);
  RULE_IN_STORE (one_that_was_extended_by_hand_has_time);
  RULE_IN_STORE (a_store_that_fails_is_asked_again_until_the_deadline);
  RULE_IN_STORE (a_store_that_recovers_in_time_keeps_it);
  RULE_IN_STORE (a_store_that_hangs_loses_it_at_the_deadline);
  RULE_IN_STORE (what_a_store_extends_too_late_is_given_back);
  RULE_IN_STORE (a_store_that_has_lost_it_says_so);
  RULE_IN_STORE (released_it_is_extended_no_more);
  RULE_IN_STORE (dropped_it_is_extended_no_more);
  RULE_IN_STORE (after_the_end_it_is_extended_no_more);
  RULE_IN_STORE (released_while_it_is_extended_it_stays_released);
  RULE_IN_STORE (dropped_while_it_is_extended_it_is_released);
  RULE (it_may_be_held_no_longer_than_allowed);
  RULE_IN_STORE (near_the_end_it_is_not_extended_for_nothing);
  RULE_IN_STORE (a_hold_that_is_shorter_than_a_lease_is_not_extended);
  RULE (by_hand_it_may_be_held_for_longer);
  RULE (a_tiny_lease_does_not_keep_the_loop_busy);
  return g_test_run ();
}
