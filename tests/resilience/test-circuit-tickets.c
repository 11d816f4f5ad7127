/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"

#include <sys/wait.h>
#include <unistd.h>

typedef GrelTestCircuitScene Fixture;

static void
expect_figure (Fixture *fixture, const char *name, guint64 figure)
{
  g_test_message ("%s", name);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker, name), ==, figure);
}

static guint64
allow (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  guint64 ticket = 0;

  g_assert_true (grel_circuit_breaker_allow (fixture->breaker, &ticket, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (ticket, !=, 0);
  return ticket;
}

static void
expect_refusal (GrelCircuitBreaker *breaker, int code, const char *text)
{
  g_autoptr (GError) error = NULL;
  guint64 ticket = 7;

  g_assert_false (grel_circuit_breaker_allow (breaker, &ticket, &error));
  g_assert_cmpuint (ticket, ==, 0);
  grel_test_assert_error (error, code, "circuit breaker", text);
}

static void
expect_no_slot (Fixture *fixture)
{
  expect_refusal (fixture->breaker, GREL_ERROR_CIRCUIT_OPEN, "half-open");
}

static void
succeed (Fixture *fixture, guint64 ticket)
{
  g_assert_true (grel_circuit_breaker_record_success (fixture->breaker, ticket));
}

static gboolean
fail_with (Fixture *fixture, guint64 ticket, int code)
{
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, code, "it failed");

  return grel_circuit_breaker_record_error (fixture->breaker, ticket, reason);
}

static void
fail (Fixture *fixture, guint64 ticket)
{
  g_assert_true (fail_with (fixture, ticket, G_IO_ERROR_TIMED_OUT));
}

static void
expect_unknown (Fixture *fixture, guint64 ticket)
{
  g_assert_false (grel_circuit_breaker_record_success (fixture->breaker, ticket));
  g_assert_false (fail_with (fixture, ticket, G_IO_ERROR_TIMED_OUT));
}

static void
trip (Fixture *fixture)
{
  for (guint i = 0; i < GREL_TEST_ERROR_THRESHOLD; i++)
    fail (fixture, allow (fixture));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_OPEN);
}

/* Until one probe may go through. */
static void
half_open (Fixture *fixture)
{
  trip (fixture);
  grel_test_circuit_scene_cool_down (fixture);
}

static void
note_cause (GrelCircuitBreaker *breaker,
            GrelCircuitState before,
            GrelCircuitState after,
            const char *cause,
            gpointer causes)
{
  g_string_append_printf (causes, "%s ", cause);
}

static void
calls_count_as_those_with_a_permit (Fixture *fixture, gconstpointer data)
{
  guint64 first = allow (fixture);
  guint64 second = allow (fixture);

  expect_figure (fixture, "active-calls", 2);
  succeed (fixture, first);
  expect_figure (fixture, "active-calls", 1);
  expect_figure (fixture, "consecutive-successes", 1);
  fail (fixture, second);
  expect_figure (fixture, "active-calls", 0);
  expect_figure (fixture, "successes", 1);
  expect_figure (fixture, "errors", 1);
  expect_figure (fixture, "consecutive-successes", 0);
  expect_figure (fixture, "consecutive-errors", 1);
  grel_test_circuit_scene_fail (fixture, GREL_TEST_ERROR_THRESHOLD - 1);
  grel_test_circuit_scene_be_refused (fixture, GREL_TEST_RESET_TIMEOUT);
}

static void
a_success_forgets_the_errors_before_it (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      for (guint j = 1; j < GREL_TEST_ERROR_THRESHOLD; j++)
        fail (fixture, allow (fixture));
      succeed (fixture, allow (fixture));
      expect_figure (fixture, "consecutive-errors", 0);
    }
  trip (fixture);
}

static void
an_open_circuit_refuses_and_says_for_how_long (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint64 ticket = 7;

  trip (fixture);
  grel_test_circuit_scene_pass (fixture, G_TIME_SPAN_SECOND);
  g_assert_false (grel_circuit_breaker_allow (fixture->breaker, &ticket, &error));
  g_assert_cmpint (grel_error_get_retry_after (error), ==,
                   GREL_TEST_RESET_TIMEOUT - G_TIME_SPAN_SECOND);
  grel_test_assert_error (error, GREL_ERROR_CIRCUIT_OPEN, "circuit breaker “payment”", "is open");
  g_assert_cmpuint (ticket, ==, 0);
  grel_test_circuit_scene_pass (fixture, GREL_TEST_RESET_TIMEOUT - G_TIME_SPAN_SECOND - 1);
  expect_refusal (fixture->breaker, GREL_ERROR_CIRCUIT_OPEN, "is open");
  grel_test_circuit_scene_pass (fixture, 1);
  succeed (fixture, allow (fixture));
}

static void
nobody_has_to_look_at_the_error (Fixture *fixture, gconstpointer data)
{
  guint64 ticket = 7;

  trip (fixture);
  for (guint i = 1; i <= 3; i++)
    {
      g_assert_false (grel_circuit_breaker_allow (fixture->breaker, &ticket, NULL));
      g_assert_cmpuint (ticket, ==, 0);
      expect_figure (fixture, "rejections", i);
    }
  grel_test_circuit_scene_pass (fixture, GREL_TEST_RESET_TIMEOUT - 1);
  g_assert_false (grel_circuit_breaker_allow (fixture->breaker, &ticket, NULL));
  grel_test_circuit_scene_pass (fixture, 1);
  g_assert_true (grel_circuit_breaker_allow (fixture->breaker, &ticket, NULL));
}

static void
an_isolated_circuit_refuses_until_it_is_reset (Fixture *fixture, gconstpointer data)
{
  guint64 before = allow (fixture);

  g_assert_true (grel_test_circuit_breaker_isolate (fixture->breaker, NULL));
  expect_refusal (fixture->breaker, GREL_ERROR_CIRCUIT_OPEN, "isolated");
  grel_test_circuit_scene_pass (fixture, GREL_TEST_RESET_TIMEOUT);
  expect_refusal (fixture->breaker, GREL_ERROR_CIRCUIT_OPEN, "isolated");
  g_assert_true (grel_test_circuit_breaker_reset (fixture->breaker, NULL));
  fail (fixture, before);
  expect_figure (fixture, "consecutive-errors", 0);
  succeed (fixture, allow (fixture));
}

static void
each_change_is_told (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GString) causes = g_string_new (NULL);

  g_signal_connect (fixture->breaker, "state-changed", G_CALLBACK (note_cause), causes);
  half_open (fixture);
  for (guint i = 0; i < GREL_TEST_SUCCESS_THRESHOLD; i++)
    succeed (fixture, allow (fixture));
  grel_test_settle ();
  g_assert_cmpstr (causes->str, ==, "error-threshold reset-timeout success-threshold ");
}

static void
allow_in_thread (gpointer data, gpointer unused)
{
  Fixture *fixture = data;

  succeed (fixture, allow (fixture));
}

static void
any_thread_may_ask_and_record (Fixture *fixture, gconstpointer data)
{
  succeed (fixture, allow (fixture)); /* the one of the main context */
  grel_test_in_thread (allow_in_thread, fixture);
  expect_figure (fixture, "consecutive-successes", 2);
}

static void
a_store_that_takes_time_would_block (Fixture *fixture, gconstpointer data)
{
  expect_refusal (fixture->breaker, GREL_ERROR_WOULD_BLOCK, "payment");
  grel_test_circuit_scene_succeed (fixture, 1);
  expect_refusal (fixture->breaker, GREL_ERROR_WOULD_BLOCK, "payment");
  grel_test_circuit_scene_close (fixture);
  expect_refusal (fixture->breaker, GREL_ERROR_CLOSED, "payment");
  grel_test_circuit_scene_open (fixture);
}

static void
a_probe_takes_a_slot_until_it_is_recorded (Fixture *fixture, gconstpointer data)
{
  guint64 probe;

  half_open (fixture);
  probe = allow (fixture);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_HALF_OPEN);
  expect_no_slot (fixture);
  grel_test_circuit_scene_be_refused (fixture, 0);
  succeed (fixture, probe);
  probe = allow (fixture);
  expect_no_slot (fixture);
  fail (fixture, probe);
  expect_figure (fixture, "consecutive-errors", 1);
}

static void
a_cancelled_call_gives_its_slot_back (Fixture *fixture, gconstpointer data)
{
  half_open (fixture);
  for (guint i = 0; i < GREL_TEST_ERROR_THRESHOLD; i++)
    g_assert_true (fail_with (fixture, allow (fixture), G_IO_ERROR_CANCELLED));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_HALF_OPEN);
  expect_figure (fixture, "active-calls", 0);
  expect_figure (fixture, "consecutive-errors", 0);
}

static void
a_probe_that_is_never_recorded_loses_its_slot (Fixture *fixture, gconstpointer data)
{
  guint64 dead, next;

  half_open (fixture);
  dead = allow (fixture);
  grel_test_circuit_scene_cool_down (fixture);
  next = allow (fixture);
  succeed (fixture, dead);
  expect_figure (fixture, "consecutive-successes", 0);
  expect_no_slot (fixture);
  succeed (fixture, next);
  expect_figure (fixture, "consecutive-successes", 1);
}

static void
a_call_from_before_a_change_counts_nothing (Fixture *fixture, gconstpointer data)
{
  guint64 good = allow (fixture);
  guint64 bad = allow (fixture);
  guint64 late = allow (fixture);

  grel_circuit_breaker_set_success_threshold (fixture->breaker, 1);
  half_open (fixture);
  allow (fixture);
  succeed (fixture, good);
  fail (fixture, bad);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_HALF_OPEN);
  expect_no_slot (fixture);
  grel_test_circuit_scene_cool_down (fixture);
  succeed (fixture, allow (fixture));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  fail (fixture, late);
  expect_figure (fixture, "consecutive-errors", 0);
}

static void
a_call_is_judged_by_the_settings_of_its_admission (Fixture *fixture, gconstpointer data)
{
  guint64 strict, lenient, old = allow (fixture);

  grel_circuit_breaker_set_error_threshold (fixture->breaker, 1);
  strict = allow (fixture);
  grel_circuit_breaker_ignore_error (fixture->breaker, "g-io-error-quark", G_IO_ERROR_NOT_FOUND);
  lenient = allow (fixture);

  g_assert_true (fail_with (fixture, lenient, G_IO_ERROR_NOT_FOUND));
  expect_figure (fixture, "successes", 1);
  g_assert_true (fail_with (fixture, old, G_IO_ERROR_NOT_FOUND));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  g_assert_true (fail_with (fixture, strict, G_IO_ERROR_NOT_FOUND));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_OPEN);
  expect_figure (fixture, "errors", 2);
}

static void
a_call_is_recorded_once (Fixture *fixture, gconstpointer data)
{
  guint64 ticket = allow (fixture);

  succeed (fixture, ticket);
  expect_unknown (fixture, ticket);
  half_open (fixture);
  ticket = allow (fixture);
  fail (fixture, ticket);
  expect_unknown (fixture, ticket);
  expect_figure (fixture, "active-calls", 0);
}

static void
what_was_never_given_is_not_recorded (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) other = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment",
                                                       "backend", fixture->backend, NULL);
  guint64 ticket;

  expect_unknown (fixture, 0);
  expect_unknown (fixture, G_MAXUINT64);
  allow (fixture);
  g_assert_true (grel_circuit_breaker_allow (other, &ticket, NULL));
  expect_unknown (fixture, ticket);
  g_assert_true (grel_circuit_breaker_record_success (other, ticket));
}

static void
it_ends_when_its_backend_closes (Fixture *fixture, gconstpointer data)
{
  guint64 ticket = allow (fixture);

  allow (fixture);
  grel_test_circuit_scene_close (fixture);
  expect_figure (fixture, "active-calls", 0);
  expect_unknown (fixture, ticket);
  expect_refusal (fixture->breaker, GREL_ERROR_CLOSED, "payment");
  grel_test_circuit_scene_open (fixture);
  expect_unknown (fixture, ticket);
  succeed (fixture, allow (fixture));
  expect_figure (fixture, "active-calls", 0);
}

static void
what_keeps_a_permit_from_being_given_refuses_it_too (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) other = grel_circuit_breaker_new ("other");
  g_autoptr (GrelBackend) unopened = GREL_BACKEND (grel_memory_circuit_breaker_adapter_new ());

  expect_refusal (other, GREL_ERROR_NOT_OPEN, "other");
  grel_circuit_breaker_set_backend (other, GREL_CIRCUIT_BREAKER_BACKEND (unopened));
  expect_refusal (other, GREL_ERROR_NOT_OPEN, "other");
  grel_circuit_breaker_set_backend (other, GREL_CIRCUIT_BREAKER_BACKEND (fixture->backend));
  grel_circuit_breaker_set_error_threshold (other, 0);
  expect_refusal (other, GREL_ERROR_SETTINGS, "error-threshold");
  grel_circuit_breaker_set_error_threshold (other, 1);
  g_assert_true (grel_circuit_breaker_allow (other, &(guint64){ 0 }, NULL));
}

static void
another_backend_takes_effect_at_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) second = GREL_BACKEND (grel_memory_circuit_breaker_adapter_new ());
  guint64 ticket = allow (fixture);

  g_assert_true (grel_test_backend_open (second, NULL));
  grel_circuit_breaker_set_backend (fixture->breaker, GREL_CIRCUIT_BREAKER_BACKEND (second));
  trip (fixture);
  grel_circuit_breaker_set_backend (fixture->breaker,
                                    GREL_CIRCUIT_BREAKER_BACKEND (fixture->backend));
  fail (fixture, ticket); /* where it was admitted */
  succeed (fixture, allow (fixture));
  expect_figure (fixture, "consecutive-errors", 0);
  grel_circuit_breaker_set_backend (fixture->breaker, GREL_CIRCUIT_BREAKER_BACKEND (second));
  expect_refusal (fixture->breaker, GREL_ERROR_CIRCUIT_OPEN, "is open");
  g_assert_true (grel_test_backend_close (second, NULL));
}

static void
refuse_in_thread (gpointer data, gpointer text)
{
  expect_refusal (((Fixture *) data)->breaker, GREL_ERROR_AMBIGUOUS, text);
}

static GrelApp *
open_app (GrelBackend *backend)
{
  GrelApp *app = grel_app_new ();

  if (backend != NULL)
    g_assert_true (grel_app_use (app, G_OBJECT (backend), NULL, NULL));
  g_assert_true (grel_test_app_open (app, NULL));
  return app;
}

static void
the_app_is_that_of_the_moment (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) first = NULL, second = NULL;
  guint64 ticket;

  grel_circuit_breaker_set_backend (fixture->breaker, NULL);
  first = open_app (NULL);
  ticket = allow (fixture);
  succeed (fixture, ticket);
  g_assert_cmpuint (allow (fixture), ==, ticket);

  second = open_app (NULL);
  expect_refusal (fixture->breaker, GREL_ERROR_AMBIGUOUS, "payment");
  grel_app_push_thread_default (second);
  trip (fixture);
  grel_app_pop_thread_default (second);
  grel_app_push_thread_default (first);
  succeed (fixture, allow (fixture));
  grel_test_in_thread (refuse_in_thread, fixture);
  grel_app_pop_thread_default (first);

  g_assert_true (grel_test_app_close (first, NULL));
  expect_refusal (fixture->breaker, GREL_ERROR_CIRCUIT_OPEN, "is open");
  g_assert_true (grel_test_app_close (second, NULL));
  expect_refusal (fixture->breaker, GREL_ERROR_CLOSED, "payment");
}

static void
what_another_breaker_of_the_name_did_counts_at_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) other = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment",
                                                       "backend", fixture->backend, NULL);

  for (guint i = 0; i < 3; i++)
    succeed (fixture, allow (fixture));
  g_assert_true (grel_test_circuit_breaker_isolate (other, NULL));
  g_assert_false (grel_circuit_breaker_allow (fixture->breaker, &(guint64){ 0 }, NULL));
  g_assert_false (grel_circuit_breaker_allow (fixture->breaker, &(guint64){ 0 }, NULL));
  expect_figure (fixture, "rejections", 2);
  g_assert_true (grel_test_circuit_breaker_reset (other, NULL));
  succeed (fixture, allow (fixture));
  expect_figure (fixture, "consecutive-successes", 1);
}

static void
a_breaker_that_goes_gives_its_slots_back (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *other = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment", "backend",
                                            fixture->backend, NULL);

  half_open (fixture);
  g_assert_true (grel_circuit_breaker_allow (other, &(guint64){ 0 }, NULL));
  expect_no_slot (fixture);
  g_object_unref (other);
  allow (fixture);
}

static int
use_in_child (Fixture *fixture, guint64 ticket)
{
  expect_refusal (fixture->breaker, GREL_ERROR_NOT_OPEN, "fork");
  expect_unknown (fixture, ticket);
  g_object_unref (fixture->breaker);
  return 0;
}

static void
in_a_child_of_fork_there_are_none (Fixture *fixture, gconstpointer data)
{
  guint64 ticket = allow (fixture);
  pid_t child = fork ();
  int status = 0;

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    _exit (use_in_child (fixture, ticket));

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  succeed (fixture, ticket);
}

#define RULE(name)                                                                                 \
  g_test_add ("/circuit-tickets/" #name, Fixture, NULL, grel_test_circuit_scene_set_up_memory,     \
              name, grel_test_circuit_scene_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (calls_count_as_those_with_a_permit);
  RULE (a_success_forgets_the_errors_before_it);
  RULE (an_open_circuit_refuses_and_says_for_how_long);
  RULE (nobody_has_to_look_at_the_error);
  RULE (an_isolated_circuit_refuses_until_it_is_reset);
  RULE (each_change_is_told);
  RULE (any_thread_may_ask_and_record);
  g_test_add ("/circuit-tickets/a_store_that_takes_time_would_block", Fixture, NULL,
              grel_test_circuit_scene_set_up_store, a_store_that_takes_time_would_block,
              grel_test_circuit_scene_tear_down);
  RULE (a_probe_takes_a_slot_until_it_is_recorded);
  RULE (a_cancelled_call_gives_its_slot_back);
  RULE (a_probe_that_is_never_recorded_loses_its_slot);
  RULE (a_call_from_before_a_change_counts_nothing);
  RULE (a_call_is_judged_by_the_settings_of_its_admission);
  RULE (a_call_is_recorded_once);
  RULE (what_was_never_given_is_not_recorded);
  RULE (it_ends_when_its_backend_closes);
  RULE (what_keeps_a_permit_from_being_given_refuses_it_too);
  RULE (another_backend_takes_effect_at_once);
  RULE (the_app_is_that_of_the_moment);
  RULE (what_another_breaker_of_the_name_did_counts_at_once);
  RULE (a_breaker_that_goes_gives_its_slots_back);
  RULE (in_a_child_of_fork_there_are_none);
  return g_test_run ();
}
