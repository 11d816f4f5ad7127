/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"

/* What the library makes of backends, well written or not. */

#define KEY "cb:payment"

typedef GrelTestCircuitScene Fixture;

/* A backend that implements as much as its mood says. */
#define TEST_TYPE_SLOPPY (test_sloppy_get_type ())

G_DECLARE_FINAL_TYPE (TestSloppy, test_sloppy, TEST, SLOPPY, GrelCircuitBreakerBackend)

struct _TestSloppy
{
  GrelCircuitBreakerBackend parent_instance;
};

G_DEFINE_FINAL_TYPE (TestSloppy, test_sloppy, GREL_TYPE_CIRCUIT_BREAKER_BACKEND)

/* It reports nothing. */
static void
test_sloppy_admit (GrelCircuitBreakerBackend *backend,
                   const char *name,
                   const GrelCircuitSettings *settings,
                   GTask *task)
{
  g_task_return_int (task, g_str_equal (name, KEY) ? 1 : -G_TIME_SPAN_SECOND);
}

static void
test_sloppy_class_init (TestSloppyClass *klass)
{
  GREL_CIRCUIT_BREAKER_BACKEND_CLASS (klass)->admit = test_sloppy_admit;
}

static void
test_sloppy_init (TestSloppy *self)
{
}

static void
set_up_sloppy (Fixture *fixture, gconstpointer data)
{
  grel_test_circuit_scene_set_up (fixture, g_object_new (TEST_TYPE_SLOPPY, NULL));
}

static void
a_function_that_is_missing_is_an_error_of_the_backend (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_permit_succeed (permit, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment", "record");
  g_assert_false (grel_test_circuit_breaker_isolate (fixture->breaker, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment", "set_state");
  g_assert_false (grel_test_circuit_breaker_reset (fixture->breaker, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment", "set_state");
}

static void
a_backend_that_does_not_answer_what_it_was_asked_says_so (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = g_task_new (fixture->backend, NULL, grel_test_result_ready, &answer);
  g_autoptr (GError) error = NULL;

  grel_circuit_breaker_backend_get_state (GREL_CIRCUIT_BREAKER_BACKEND (fixture->backend), KEY,
                                          task);
  grel_test_result_wait (&answer);
  g_assert_cmpint (g_task_propagate_int (task, &error), ==, -1);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "get_state");
}

static void
a_refusal_that_was_not_reported_is_known_all_the_same (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) breaker = grel_circuit_breaker_new ("other");
  g_autoptr (GError) error = NULL;

  grel_circuit_breaker_set_backend (breaker, GREL_CIRCUIT_BREAKER_BACKEND (fixture->backend));
  g_assert_null (grel_test_circuit_breaker_acquire (breaker, &error));
  g_assert_cmpint (grel_error_get_retry_after (error), ==, G_TIME_SPAN_SECOND);
  grel_test_assert_error (error, GREL_ERROR_CIRCUIT_OPEN, "other");
  g_assert_cmpint (grel_circuit_breaker_get_state (breaker), ==, GREL_CIRCUIT_STATE_OPEN);
  g_assert_cmpint (grel_circuit_breaker_get_retry_after (breaker), ==, G_TIME_SPAN_SECOND);
}

static void
report (Fixture *fixture, const char *key, GrelCircuitState state, GTimeSpan retry_after)
{
  grel_circuit_breaker_backend_report (GREL_CIRCUIT_BREAKER_BACKEND (fixture->backend), key, state,
                                       1, 0, retry_after);
}

static void
a_report_reaches_breakers_of_that_name_only (Fixture *fixture, gconstpointer data)
{
  grel_test_circuit_scene_succeed (fixture, 1);
  report (fixture, "cb:payments", GREL_CIRCUIT_STATE_OPEN, G_TIME_SPAN_SECOND);
  report (fixture, "payment", GREL_CIRCUIT_STATE_OPEN, G_TIME_SPAN_SECOND);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  report (fixture, KEY, GREL_CIRCUIT_STATE_OPEN, G_TIME_SPAN_SECOND);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_OPEN);
  g_assert_cmpint (grel_circuit_breaker_get_retry_after (fixture->breaker), ==, G_TIME_SPAN_SECOND);
}

static void
report_from_thread (gpointer data, gpointer unused)
{
  report (data, KEY, GREL_CIRCUIT_STATE_FORCED_OPEN, 0);
}

static void
any_thread_may_report (Fixture *fixture, gconstpointer data)
{
  grel_test_circuit_scene_succeed (fixture, 1);
  grel_test_in_thread (report_from_thread, fixture);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_FORCED_OPEN);
}

static void
a_report_out_of_season_changes_nothing (Fixture *fixture, gconstpointer data)
{
  report (fixture, KEY, GREL_CIRCUIT_STATE_OPEN, G_TIME_SPAN_SECOND); /* to nobody yet */
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  grel_test_circuit_scene_succeed (fixture, 1);
  grel_test_circuit_scene_close (fixture);
  report (fixture, KEY, GREL_CIRCUIT_STATE_OPEN, G_TIME_SPAN_SECOND);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
}

/* A script may pass any number. */
static void
a_state_that_there_is_not_is_a_programmers_error (Fixture *fixture, gconstpointer data)
{
  static const int states[] = { -1, GREL_CIRCUIT_STATE_FORCED_CLOSED + 1 };
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = g_task_new (fixture->backend, NULL, grel_test_result_ready, &answer);

  grel_test_circuit_scene_succeed (fixture, 1);
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_test_expect_message ("Grelmicro", G_LOG_LEVEL_CRITICAL, "*report*state*");
      report (fixture, KEY, states[i], 0);
      g_test_expect_message ("Grelmicro", G_LOG_LEVEL_CRITICAL, "*set_state*state*");
      grel_circuit_breaker_backend_set_state (GREL_CIRCUIT_BREAKER_BACKEND (fixture->backend), KEY,
                                              states[i], 0, task);
      g_test_assert_expected_messages ();
    }
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  g_task_return_boolean (task, TRUE);
  grel_test_result_wait (&answer);
}

static void
a_reset_that_fails_forgets_nothing (Fixture *fixture, gconstpointer data)
{
  static const GrelTestStoreMood moods[] = { GREL_TEST_STORE_FAILS, GREL_TEST_STORE_DROPS };

  grel_test_circuit_scene_fail (fixture, 1);
  for (guint i = 0; i < G_N_ELEMENTS (moods); i++)
    {
      g_autoptr (GError) error = NULL;

      grel_test_desk_set_mood (fixture->desk, moods[i]);
      g_assert_false (grel_test_circuit_breaker_reset (fixture->breaker, &error));
      grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment");
      g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker, "errors"), ==, 1);
    }
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_ANSWERS);
  g_assert_true (grel_test_circuit_breaker_reset (fixture->breaker, NULL));
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker, "errors"), ==, 0);
}

static void
a_reset_is_done_although_its_caller_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) done = { NULL };
  g_autoptr (GError) error = NULL;

  grel_test_circuit_scene_trip (fixture);
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_HANGS);
  grel_circuit_breaker_reset_async (fixture->breaker, cancellable, grel_test_result_ready, &done);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  g_assert_false (
    grel_circuit_breaker_reset_finish (fixture->breaker, grel_test_result_wait (&done), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  grel_test_desk_answer (fixture->desk);
  grel_test_settle ();
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker, "errors"), ==, 0);
}

#define RULE(name, set_up)                                                                         \
  g_test_add ("/circuit-breaker-backend/" #name, Fixture, NULL, set_up, name,                      \
              grel_test_circuit_scene_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (a_function_that_is_missing_is_an_error_of_the_backend, set_up_sloppy);
  RULE (a_backend_that_does_not_answer_what_it_was_asked_says_so, set_up_sloppy);
  RULE (a_refusal_that_was_not_reported_is_known_all_the_same, set_up_sloppy);
  RULE (a_report_reaches_breakers_of_that_name_only, grel_test_circuit_scene_set_up_store);
  RULE (any_thread_may_report, grel_test_circuit_scene_set_up_store);
  RULE (a_report_out_of_season_changes_nothing, grel_test_circuit_scene_set_up_store);
  RULE (a_state_that_there_is_not_is_a_programmers_error, grel_test_circuit_scene_set_up_store);
  RULE (a_reset_that_fails_forgets_nothing, grel_test_circuit_scene_set_up_store);
  RULE (a_reset_is_done_although_its_caller_cancelled, grel_test_circuit_scene_set_up_store);
  return g_test_run ();
}
