/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"

#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)

typedef GrelTestCircuitScene Fixture;

static void
expect_figure (Fixture *fixture, const char *name, guint64 figure)
{
  g_test_message ("%s", name);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker, name), ==, figure);
}

static void
expect_spent (GrelPermit *permit, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_permit_succeed (permit, &error));
  grel_test_assert_error (error, code, "circuit breaker “payment”");
  g_assert_false (grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, &error));
  grel_test_assert_error (error, code, "circuit breaker “payment”");
}

/* Until one probe may go through. */
static void
half_open (Fixture *fixture)
{
  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_cool_down (fixture);
}

/* The only slot is free, and there is one only. */
static void
expect_free_slot (Fixture *fixture)
{
  g_autoptr (GrelPermit) probe = NULL;

  grel_test_settle ();
  probe = grel_test_circuit_scene_admit (fixture);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_HALF_OPEN);
  grel_test_circuit_scene_be_refused (fixture, 0);
}

static void
answer (Fixture *fixture)
{
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_ANSWERS);
  grel_test_desk_answer (fixture->desk);
  grel_test_settle ();
}

static void
it_has_the_name_of_its_circuit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);

  g_assert_cmpstr (grel_permit_get_name (permit), ==, "payment");
}

static void
one_that_was_never_given_permits_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = g_object_new (GREL_TYPE_PERMIT, NULL);

  g_test_expect_message ("Grelmicro", G_LOG_LEVEL_CRITICAL, "*given*");
  grel_permit_abandon (permit);
  g_test_assert_expected_messages ();
}

static void
it_is_completed_once (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);

      if (i == 0)
        g_assert_true (grel_test_permit_succeed (permit, NULL));
      else if (i == 1)
        g_assert_true (grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, NULL));
      else
        grel_permit_abandon (permit);
      expect_spent (permit, GREL_ERROR_NOT_OWNED);
      grel_permit_abandon (permit);
      expect_figure (fixture, "active-calls", 0);
    }
  expect_figure (fixture, "successes", 1);
  expect_figure (fixture, "errors", 1);
}

static void
it_ends_when_its_backend_closes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);
  g_autoptr (GError) error = NULL;

  grel_test_circuit_scene_close (fixture);
  expect_figure (fixture, "active-calls", 0);
  expect_spent (permit, GREL_ERROR_CLOSED);
  grel_test_circuit_scene_open (fixture);
  expect_spent (permit, GREL_ERROR_CLOSED);
  g_assert_false (grel_permit_succeed_from_thread (permit, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "payment");
  grel_permit_abandon (permit);
  expect_figure (fixture, "active-calls", 0);
}

static void
it_outlives_its_breaker (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *other = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment", "backend",
                                            fixture->backend, "error-threshold", 1, NULL);
  g_autoptr (GrelPermit) permit = grel_test_circuit_breaker_acquire (other, NULL);

  g_object_unref (other);
  g_assert_true (grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, NULL));
  grel_test_circuit_scene_be_refused (fixture, GREL_TEST_RESET_TIMEOUT);
}

/* How a call ended, and what that is. */
typedef struct
{
  GQuark (*domain) (void);
  int code;
  GrelCircuitOutcome outcome;
} Ending;

static void
complete (Fixture *fixture, const Ending *ending)
{
  g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);
  g_autoptr (GError) reason = g_error_new_literal (ending->domain (), ending->code, "it ended");
  g_auto (GrelTestResult) recorded = { NULL };

  grel_permit_fail_async (permit, reason, NULL, grel_test_result_ready, &recorded);
  g_assert_true (grel_permit_fail_finish (permit, grel_test_result_wait (&recorded), NULL));
}

static void
expect_endings (Fixture *fixture, const Ending *endings, guint n_endings)
{
  guint64 n_errors = 0, n_successes = 0;

  grel_circuit_breaker_set_error_threshold (fixture->breaker, G_MAXUINT);
  for (guint i = 0; i < n_endings; i++)
    {
      complete (fixture, &endings[i]);
      n_errors += endings[i].outcome == GREL_CIRCUIT_OUTCOME_ERROR;
      n_successes += endings[i].outcome == GREL_CIRCUIT_OUTCOME_SUCCESS;
      g_test_message ("%s %d", g_quark_to_string (endings[i].domain ()), endings[i].code);
      expect_figure (fixture, "errors", n_errors);
      expect_figure (fixture, "successes", n_successes);
      expect_figure (fixture, "active-calls", 0);
    }
}

static void
what_says_nothing_of_the_dependency_counts_nothing (Fixture *fixture, gconstpointer data)
{
  static const Ending endings[] = {
    { g_io_error_quark, G_IO_ERROR_TIMED_OUT, GREL_CIRCUIT_OUTCOME_ERROR },
    { g_io_error_quark, G_IO_ERROR_CANCELLED, GREL_CIRCUIT_OUTCOME_NONE },
    { g_file_error_quark, G_IO_ERROR_CANCELLED, GREL_CIRCUIT_OUTCOME_ERROR },
    { grel_error_quark, GREL_ERROR_NOT_OPEN, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_CLOSED, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_DEADLOCK, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_LOOP_NOT_RUNNING, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_SETTINGS, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_REENTRANT, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_CIRCUIT_OPEN, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_WOULD_BLOCK, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_RATE_LIMITED, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_BULKHEAD_FULL, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_BACKEND, GREL_CIRCUIT_OUTCOME_ERROR },
    { grel_error_quark, GREL_ERROR_TIMED_OUT, GREL_CIRCUIT_OUTCOME_ERROR },
  };

  expect_endings (fixture, endings, G_N_ELEMENTS (endings));
}

static void
an_error_that_is_ignored_counts_as_a_success (Fixture *fixture, gconstpointer data)
{
  static const Ending endings[] = {
    { g_io_error_quark, G_IO_ERROR_NOT_FOUND, GREL_CIRCUIT_OUTCOME_SUCCESS },
    { g_io_error_quark, G_IO_ERROR_EXISTS, GREL_CIRCUIT_OUTCOME_SUCCESS },
    { g_io_error_quark, G_IO_ERROR_TIMED_OUT, GREL_CIRCUIT_OUTCOME_ERROR },
    { g_file_error_quark, G_IO_ERROR_NOT_FOUND, GREL_CIRCUIT_OUTCOME_ERROR },
    { g_key_file_error_quark, G_KEY_FILE_ERROR_PARSE, GREL_CIRCUIT_OUTCOME_SUCCESS },
    { g_key_file_error_quark, 77777, GREL_CIRCUIT_OUTCOME_SUCCESS },
  };

  grel_circuit_breaker_ignore_error (fixture->breaker, "g-io-error-quark", G_IO_ERROR_NOT_FOUND);
  grel_circuit_breaker_ignore_error (fixture->breaker, "g-io-error-quark", G_IO_ERROR_EXISTS);
  grel_circuit_breaker_ignore_error (fixture->breaker, "g-key-file-error-quark", -1);
  expect_endings (fixture, endings, G_N_ELEMENTS (endings));
}

static void
a_refusal_may_be_ignored_as_well (Fixture *fixture, gconstpointer data)
{
  static const Ending endings[] = {
    { grel_error_quark, GREL_ERROR_WOULD_BLOCK, GREL_CIRCUIT_OUTCOME_SUCCESS },
    { grel_error_quark, GREL_ERROR_CIRCUIT_OPEN, GREL_CIRCUIT_OUTCOME_NONE },
  };

  grel_circuit_breaker_ignore_error (fixture->breaker, g_quark_to_string (GREL_ERROR),
                                     GREL_ERROR_WOULD_BLOCK);
  expect_endings (fixture, endings, G_N_ELEMENTS (endings));
}

static void
what_is_no_outcome_may_not_be_ignored (Fixture *fixture, gconstpointer data)
{
  static const Ending endings[] = {
    { g_io_error_quark, G_IO_ERROR_TIMED_OUT, GREL_CIRCUIT_OUTCOME_SUCCESS },
    { g_io_error_quark, G_IO_ERROR_CANCELLED, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_BACKEND, GREL_CIRCUIT_OUTCOME_SUCCESS },
    { grel_error_quark, GREL_ERROR_CLOSED, GREL_CIRCUIT_OUTCOME_NONE },
    { grel_error_quark, GREL_ERROR_DEADLOCK, GREL_CIRCUIT_OUTCOME_NONE },
  };

  grel_circuit_breaker_ignore_error (fixture->breaker, "g-io-error-quark", -1);
  grel_circuit_breaker_ignore_error (fixture->breaker, g_quark_to_string (GREL_ERROR), -1);
  expect_endings (fixture, endings, G_N_ELEMENTS (endings));
}

static void
what_is_ignored_was_so_at_its_admission (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) before = grel_test_circuit_scene_admit (fixture);

  grel_circuit_breaker_ignore_error (fixture->breaker, "g-io-error-quark", G_IO_ERROR_NOT_FOUND);
  g_assert_true (grel_test_permit_fail (before, G_IO_ERROR_NOT_FOUND, NULL));
  expect_figure (fixture, "errors", 1);
}

static void
drop (gpointer permit, gpointer unused)
{
  g_object_unref (permit);
}

static void
dropped_it_gives_its_slot_back (Fixture *fixture, gconstpointer data)
{
  half_open (fixture);
  g_object_unref (grel_test_circuit_scene_admit (fixture));
  expect_free_slot (fixture);
  grel_test_settle ();
  grel_test_in_thread (drop, grel_test_circuit_scene_admit (fixture));
  expect_free_slot (fixture);
  expect_figure (fixture, "active-calls", 0);
}

static void
abandoned_it_gives_its_slot_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) probe = NULL;

  half_open (fixture);
  probe = grel_test_circuit_scene_admit (fixture);
  grel_permit_abandon (probe);
  expect_free_slot (fixture);
}

static void
never_completed_it_loses_its_slot (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) dead = NULL;
  g_autoptr (GrelPermit) next = NULL;

  half_open (fixture);
  dead = grel_test_circuit_scene_admit (fixture);
  grel_test_circuit_scene_cool_down (fixture);
  next = grel_test_circuit_scene_admit (fixture);
  g_assert_true (grel_test_permit_succeed (dead, NULL));
  expect_figure (fixture, "consecutive-successes", 0);
  grel_test_circuit_scene_be_refused (fixture, 0);
  g_assert_true (grel_test_permit_succeed (next, NULL));
  expect_figure (fixture, "consecutive-successes", 1);
}

static void
from_before_it_opened_it_counts_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) good = grel_test_circuit_scene_admit (fixture);
  g_autoptr (GrelPermit) bad = grel_test_circuit_scene_admit (fixture);
  g_autoptr (GrelPermit) probe = NULL;

  grel_circuit_breaker_set_success_threshold (fixture->breaker, 1);
  half_open (fixture);
  probe = grel_test_circuit_scene_admit (fixture);
  g_assert_true (grel_test_permit_succeed (good, NULL));
  g_assert_true (grel_test_permit_fail (bad, G_IO_ERROR_TIMED_OUT, NULL));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_HALF_OPEN);
  expect_figure (fixture, "consecutive-successes", 0);
  expect_figure (fixture, "consecutive-errors", 0);
  grel_test_circuit_scene_be_refused (fixture, 0);
}

static void
from_before_it_recovered_it_counts_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) before = grel_test_circuit_scene_admit (fixture);

  half_open (fixture);
  grel_test_circuit_scene_succeed (fixture, GREL_TEST_SUCCESS_THRESHOLD);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  g_assert_true (grel_test_permit_fail (before, G_IO_ERROR_TIMED_OUT, NULL));
  expect_figure (fixture, "consecutive-errors", 0);
  expect_figure (fixture, "errors", GREL_TEST_ERROR_THRESHOLD + 1);
}

/* Asks for the slot at a store that hangs. */
static void
start_to_acquire (Fixture *fixture, GCancellable *cancellable, GrelTestResult *acquired)
{
  half_open (fixture);
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_HANGS);
  grel_circuit_breaker_acquire_async (fixture->breaker, cancellable, grel_test_result_ready,
                                      acquired);
  grel_test_settle ();
  g_assert_false (acquired->is_done);
}

static void
granted_too_late_it_is_given_back (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;

  start_to_acquire (fixture, NULL, &acquired);
  grel_test_circuit_scene_pass (fixture, REQUEST_TIMEOUT);
  g_assert_null (grel_circuit_breaker_acquire_finish (fixture->breaker, acquired.result, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment", "10 s");
  answer (fixture);
  g_assert_cmpuint (acquired.n_calls, ==, 1);
  expect_free_slot (fixture);
}

static void
cancelled_meanwhile_it_is_given_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;

  start_to_acquire (fixture, cancellable, &acquired);
  g_cancellable_cancel (cancellable);
  grel_test_settle ();
  g_assert_null (grel_circuit_breaker_acquire_finish (fixture->breaker, acquired.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  answer (fixture);
  g_assert_cmpuint (acquired.n_calls, ==, 1);
  expect_free_slot (fixture);
  expect_figure (fixture, "active-calls", 0);
}

static void
closed_meanwhile_there_is_none (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;

  start_to_acquire (fixture, NULL, &acquired);
  grel_test_circuit_scene_close (fixture);
  g_assert_null (grel_circuit_breaker_acquire_finish (fixture->breaker, acquired.result, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "payment");
  answer (fixture);
  g_assert_cmpuint (acquired.n_calls, ==, 1);
}

static void
an_outcome_is_sent_although_its_caller_cancelled (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);
      g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "it failed");
      g_auto (GrelTestResult) recorded = { NULL };
      g_autoptr (GError) error = NULL;

      grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_HANGS);
      if (i == 0)
        g_cancellable_cancel (cancellable);
      grel_permit_fail_async (permit, reason, cancellable, grel_test_result_ready, &recorded);
      grel_test_settle ();
      g_cancellable_cancel (cancellable);
      g_assert_false (grel_permit_fail_finish (permit, grel_test_result_wait (&recorded), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      answer (fixture);
      g_assert_cmpuint (recorded.n_calls, ==, 1);
      expect_figure (fixture, "consecutive-errors", i + 1);
      expect_spent (permit, GREL_ERROR_NOT_OWNED);
    }
}

static void
an_outcome_may_be_lost_and_is_spent_then (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);
  g_autoptr (GError) error = NULL;

  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_FAILS);
  g_assert_false (grel_test_permit_succeed (permit, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment", "the store is down");
  expect_spent (permit, GREL_ERROR_NOT_OWNED);
  expect_figure (fixture, "active-calls", 0);
}

static void
succeed_in_thread (gpointer permit, gpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_permit_succeed_from_thread (permit, NULL, &error));
  g_assert_no_error (error);
}

static void
fail_in_thread (gpointer permit, gpointer unused)
{
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "it failed");

  g_assert_true (grel_permit_fail_from_thread (permit, reason, NULL, NULL));
}

static void
any_thread_may_complete_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) good = grel_test_circuit_scene_admit (fixture);
  g_autoptr (GrelPermit) bad = grel_test_circuit_scene_admit (fixture);

  grel_test_in_thread (succeed_in_thread, good);
  grel_test_in_thread (fail_in_thread, bad);
  expect_figure (fixture, "successes", 1);
  expect_figure (fixture, "consecutive-errors", 1);
}

static void
a_refusal_to_complete_does_not_spend_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_permit_succeed_from_thread (permit, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "payment");
  g_assert_true (grel_test_permit_succeed (permit, NULL));
}

static int
use_in_child (GrelPermit *permit)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_permit_succeed_from_thread (permit, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OPEN, "payment", "fork");
  grel_permit_abandon (permit);
  g_object_unref (permit);
  return 0;
}

static void
in_a_child_of_fork_it_is_inert (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) probe = NULL;
  pid_t child;
  int status = 0;

  half_open (fixture);
  probe = grel_test_circuit_scene_admit (fixture);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    _exit (use_in_child (probe));

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  grel_test_circuit_scene_be_refused (fixture, 0);
  g_assert_true (grel_test_permit_succeed (probe, NULL));
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/permit/memory/" #name, Fixture, NULL, grel_test_circuit_scene_set_up_memory, name, \
              grel_test_circuit_scene_tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/permit/store/" #name, Fixture, NULL, grel_test_circuit_scene_set_up_store, name,   \
              grel_test_circuit_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (it_has_the_name_of_its_circuit);
  RULE_IN_MEMORY (one_that_was_never_given_permits_nothing);
  RULE (it_is_completed_once);
  RULE (it_ends_when_its_backend_closes);
  RULE (it_outlives_its_breaker);
  RULE (what_says_nothing_of_the_dependency_counts_nothing);
  RULE (an_error_that_is_ignored_counts_as_a_success);
  RULE (a_refusal_may_be_ignored_as_well);
  RULE (what_is_no_outcome_may_not_be_ignored);
  RULE (what_is_ignored_was_so_at_its_admission);
  RULE (dropped_it_gives_its_slot_back);
  RULE (abandoned_it_gives_its_slot_back);
  RULE (never_completed_it_loses_its_slot);
  RULE (from_before_it_opened_it_counts_nothing);
  RULE (from_before_it_recovered_it_counts_nothing);
  RULE_IN_STORE (granted_too_late_it_is_given_back);
  RULE_IN_STORE (cancelled_meanwhile_it_is_given_back);
  RULE_IN_STORE (closed_meanwhile_there_is_none);
  RULE_IN_STORE (an_outcome_is_sent_although_its_caller_cancelled);
  RULE_IN_STORE (an_outcome_may_be_lost_and_is_spent_then);
  RULE (any_thread_may_complete_it);
  RULE (a_refusal_to_complete_does_not_spend_it);
  RULE (in_a_child_of_fork_it_is_inert);
  return g_test_run ();
}
