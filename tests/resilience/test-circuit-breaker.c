/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"

#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)

typedef GrelTestCircuitScene Fixture;

static GrelCircuitBreaker *
new_breaker (gpointer backend, const char *name)
{
  return g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", name, "backend", backend, NULL);
}

static GrelBackend *
new_open_adapter (void)
{
  GrelBackend *adapter = GREL_BACKEND (grel_memory_circuit_breaker_adapter_new ());

  g_assert_true (grel_test_backend_open (adapter, NULL));
  return adapter;
}

static void
expect_acquire_error (GrelCircuitBreaker *breaker, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_circuit_breaker_acquire (breaker, &error));
  grel_test_assert_error (error, code, "circuit breaker", word);
}

static void
expect_figure (GrelCircuitBreaker *breaker, const char *name, guint64 figure)
{
  g_test_message ("%s", name);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (breaker, name), ==, figure);
}

static void
expect_text (GrelCircuitBreaker *breaker, const char *name, const char *text)
{
  g_autoptr (GVariant) metrics = grel_circuit_breaker_get_metrics (breaker);
  const char *found = NULL;

  g_assert_true (g_variant_lookup (metrics, name, "&s", &found));
  g_assert_cmpstr (found, ==, text);
}

static void
an_isolated_circuit_refuses_until_it_is_reset (Fixture *fixture, gconstpointer data)
{
  g_assert_true (grel_test_circuit_breaker_isolate (fixture->breaker, NULL));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_FORCED_OPEN);
  grel_test_circuit_scene_pass (fixture, 10 * G_TIME_SPAN_DAY);
  grel_test_circuit_scene_be_refused (fixture, 0);
  g_assert_true (grel_test_circuit_breaker_reset (fixture->breaker, NULL));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  grel_test_circuit_scene_succeed (fixture, 1);
}

static void
a_reset_forgets_what_was_counted (Fixture *fixture, gconstpointer data)
{
  static const char *const figures[]
    = { "successes", "errors", "rejections", "consecutive-errors", "consecutive-successes" };

  grel_test_circuit_scene_succeed (fixture, 2);
  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_be_refused (fixture, GREL_TEST_RESET_TIMEOUT);
  g_assert_true (grel_test_circuit_breaker_reset (fixture->breaker, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (figures); i++)
    expect_figure (fixture->breaker, figures[i], 0);
  expect_text (fixture->breaker, "last-error", "");
  grel_test_circuit_scene_fail (fixture, GREL_TEST_ERROR_THRESHOLD - 1);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
}

static void
a_reset_leaves_calls_under_way_alone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);

  g_assert_true (grel_test_circuit_breaker_reset (fixture->breaker, NULL));
  expect_figure (fixture->breaker, "active-calls", 1);
  g_assert_true (grel_test_permit_succeed (permit, NULL));
  expect_figure (fixture->breaker, "active-calls", 0);
}

static void
metrics_tell_what_happened (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = NULL;

  expect_text (fixture->breaker, "state", "closed");
  expect_text (fixture->breaker, "last-error", "");
  grel_test_circuit_scene_succeed (fixture, 2);
  expect_figure (fixture->breaker, "consecutive-successes", 2);
  grel_test_circuit_scene_fail (fixture, 2);
  expect_figure (fixture->breaker, "consecutive-successes", 0);
  expect_figure (fixture->breaker, "consecutive-errors", 2);
  expect_text (fixture->breaker, "last-error", "The dependency failed");
  permit = grel_test_circuit_scene_admit (fixture);
  expect_figure (fixture->breaker, "active-calls", 1);
  grel_permit_abandon (permit);
  expect_figure (fixture->breaker, "active-calls", 0);
  grel_test_circuit_scene_fail (fixture, 1);
  expect_text (fixture->breaker, "state", "open");
  for (guint i = 0; i < 4; i++)
    grel_test_circuit_scene_be_refused (fixture, -1);
  expect_figure (fixture->breaker, "rejections", 4);
  expect_figure (fixture->breaker, "successes", 2);
  expect_figure (fixture->breaker, "errors", 3);
  expect_figure (fixture->breaker, "consecutive-errors", 0);
}

static void
metrics_count_successes_in_a_row_while_half_open (Fixture *fixture, gconstpointer data)
{
  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_cool_down (fixture);
  grel_test_circuit_scene_succeed (fixture, GREL_TEST_SUCCESS_THRESHOLD - 1);
  expect_text (fixture->breaker, "state", "half-open");
  expect_figure (fixture->breaker, "consecutive-successes", GREL_TEST_SUCCESS_THRESHOLD - 1);
  grel_test_circuit_scene_succeed (fixture, 1);
  expect_figure (fixture->breaker, "consecutive-successes", 0);
}

static void
retry_after_counts_down (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (grel_circuit_breaker_get_retry_after (fixture->breaker), ==, 0);
  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_be_refused (fixture, GREL_TEST_RESET_TIMEOUT);
  grel_test_circuit_scene_pass (fixture, GREL_TEST_RESET_TIMEOUT - 1);
  grel_test_circuit_scene_be_refused (fixture, 1);
  g_assert_cmpint (grel_circuit_breaker_get_retry_after (fixture->breaker), ==, 1);
  grel_test_circuit_scene_pass (fixture, 1);
  g_assert_cmpint (grel_circuit_breaker_get_retry_after (fixture->breaker), ==, 0);
}

static void
nobody_knows_when_a_probe_ends (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) probe = NULL;

  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_cool_down (fixture);
  probe = grel_test_circuit_scene_admit (fixture);
  grel_test_circuit_scene_be_refused (fixture, 0);
  g_assert_cmpint (grel_circuit_breaker_get_retry_after (fixture->breaker), ==, 0);
}

static void
cancelled_in_advance_nothing_is_asked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  grel_circuit_breaker_acquire_async (fixture->breaker, cancellable, grel_test_result_ready,
                                      &acquired);
  g_assert_null (grel_circuit_breaker_acquire_finish (fixture->breaker,
                                                      grel_test_result_wait (&acquired), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (grel_circuit_breaker_acquire_from_thread (fixture->breaker, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  expect_figure (fixture->breaker, "rejections", 0);
  if (fixture->desk != NULL)
    g_assert_cmpuint (grel_test_desk_get_n_requests (fixture->desk), ==, 0);
}

static void
expect_thread_error (GrelCircuitBreaker *breaker, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_circuit_breaker_acquire_from_thread (breaker, NULL, &error));
  grel_test_assert_error (error, code, "circuit breaker “payment”", word);
  g_assert_false (grel_circuit_breaker_isolate_from_thread (breaker, NULL, &error));
  grel_test_assert_error (error, code, "circuit breaker “payment”", word);
  g_assert_false (grel_circuit_breaker_reset_from_thread (breaker, NULL, &error));
  grel_test_assert_error (error, code, "circuit breaker “payment”", word);
}

static void
a_backend_must_be_open_and_its_loop_another_thread_s (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) unopened = GREL_BACKEND (grel_memory_circuit_breaker_adapter_new ());
  g_autoptr (GrelCircuitBreaker) early = new_breaker (unopened, "payment");

  expect_acquire_error (early, GREL_ERROR_NOT_OPEN, "never opened");
  expect_thread_error (early, GREL_ERROR_NOT_OPEN, "never opened");
  expect_thread_error (fixture->breaker, GREL_ERROR_DEADLOCK, "async");
  grel_test_circuit_scene_close (fixture);
  expect_acquire_error (fixture->breaker, GREL_ERROR_CLOSED, "was closed");
  expect_thread_error (fixture->breaker, GREL_ERROR_CLOSED, "was closed");
  expect_figure (fixture->breaker, "rejections", 0);
}

static void
a_loop_that_nobody_runs_is_told (Fixture *fixture, gconstpointer data)
{
  grel_backend_set_patience (fixture->backend, G_TIME_SPAN_MILLISECOND);
  g_main_context_pop_thread_default (fixture->context);
  expect_thread_error (fixture->breaker, GREL_ERROR_LOOP_NOT_RUNNING, "run");
  g_main_context_push_thread_default (fixture->context);
  grel_backend_set_patience (fixture->backend, GREL_TEST_PATIENCE);
  grel_test_circuit_scene_succeed (fixture, 1);
}

static void
without_an_app_it_is_not_open (Fixture *fixture, gconstpointer data)
{
  grel_circuit_breaker_set_backend (fixture->breaker, NULL);
  expect_acquire_error (fixture->breaker, GREL_ERROR_NOT_OPEN, "“payment”: there is no app");
}

static void
a_closed_app_lets_its_backend_go (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) breaker = grel_circuit_breaker_new ("payment");

  for (guint i = 0; i < 3; i++)
    {
      GrelBackend *adapter = GREL_BACKEND (grel_memory_circuit_breaker_adapter_new ());
      g_autoptr (GrelApp) app = grel_app_new ();
      g_autoptr (GrelPermit) permit = NULL;

      grel_app_use (app, G_OBJECT (adapter), NULL, NULL);
      g_object_add_weak_pointer (G_OBJECT (adapter), (gpointer *) &adapter);
      g_object_unref (adapter);
      g_assert_true (grel_test_app_open (app, NULL));
      permit = grel_test_circuit_breaker_acquire (breaker, NULL);
      g_assert_true (grel_test_permit_fail (permit, G_IO_ERROR_FAILED, NULL));
      g_clear_object (&permit);
      g_assert_true (grel_test_app_close (app, NULL));
      grel_test_settle ();
      g_clear_object (&app);
      g_assert_null (adapter);
    }
}

static void
two_objects_of_one_name_are_one_circuit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) same = new_breaker (fixture->backend, "payment");
  g_autoptr (GrelCircuitBreaker) other = new_breaker (fixture->backend, "Payment");
  g_autoptr (GrelPermit) permit = NULL;

  grel_test_circuit_scene_trip (fixture);
  expect_acquire_error (same, GREL_ERROR_CIRCUIT_OPEN, "“payment”");
  g_assert_cmpint (grel_circuit_breaker_get_state (same), ==, GREL_CIRCUIT_STATE_OPEN);
  expect_figure (same, "rejections", 1);
  expect_figure (same, "errors", 0);
  expect_figure (fixture->breaker, "rejections", 0);
  permit = grel_test_circuit_breaker_acquire (other, NULL);
  g_assert_nonnull (permit);
  g_assert_true (grel_test_circuit_breaker_reset (same, NULL));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
}

static void
another_backend_is_another_circuit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) other = new_open_adapter ();
  g_autoptr (GrelPermit) before = grel_test_circuit_scene_admit (fixture);

  grel_test_circuit_scene_fail (fixture, GREL_TEST_ERROR_THRESHOLD - 1);
  grel_circuit_breaker_set_backend (fixture->breaker, GREL_CIRCUIT_BREAKER_BACKEND (other));
  grel_test_circuit_scene_fail (fixture, 1);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  g_assert_true (grel_test_permit_fail (before, G_IO_ERROR_TIMED_OUT, NULL));
  grel_test_circuit_scene_succeed (fixture, 1);

  grel_circuit_breaker_set_backend (fixture->breaker,
                                    GREL_CIRCUIT_BREAKER_BACKEND (fixture->backend));
  grel_test_circuit_scene_be_refused (fixture, GREL_TEST_RESET_TIMEOUT);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_OPEN);
  grel_test_backend_close (other, NULL);
}

static void
closed_and_opened_memory_starts_clean (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      grel_test_circuit_scene_trip (fixture);
      grel_test_circuit_scene_close (fixture);
      grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
      g_assert_cmpint (grel_circuit_breaker_get_retry_after (fixture->breaker), ==, 0);
      grel_test_circuit_scene_open (fixture);
      grel_test_circuit_scene_succeed (fixture, 1);
    }
}

static void
what_the_store_knows_outlasts_a_close (Fixture *fixture, gconstpointer data)
{
  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_close (fixture);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  grel_test_circuit_scene_open (fixture);
  grel_test_circuit_scene_be_refused (fixture, GREL_TEST_RESET_TIMEOUT);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_OPEN);
}

static void
a_store_that_does_badly_is_no_refusal (Fixture *fixture, gconstpointer data)
{
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_FAILS);
  expect_acquire_error (fixture->breaker, GREL_ERROR_BACKEND, "the store is down");
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_DROPS);
  expect_acquire_error (fixture->breaker, GREL_ERROR_BACKEND, "dropped");
  expect_figure (fixture->breaker, "rejections", 0);
  expect_figure (fixture->breaker, "active-calls", 0);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
}

static void
a_store_that_hangs_is_asked_until_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };
  g_auto (GrelTestResult) isolated = { NULL };
  g_autoptr (GError) error = NULL;

  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_HANGS);
  grel_circuit_breaker_acquire_async (fixture->breaker, NULL, grel_test_result_ready, &acquired);
  grel_circuit_breaker_isolate_async (fixture->breaker, NULL, grel_test_result_ready, &isolated);
  grel_test_settle ();
  grel_test_circuit_scene_pass (fixture, REQUEST_TIMEOUT - 1);
  g_assert_false (acquired.is_done || isolated.is_done);
  grel_test_circuit_scene_pass (fixture, 1);
  g_assert_true (acquired.is_done && isolated.is_done);
  grel_circuit_breaker_acquire_finish (fixture->breaker, acquired.result, &error);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment", "10 s");
  grel_circuit_breaker_isolate_finish (fixture->breaker, isolated.result, &error);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "payment", "10 s");
}

static void
expect_success_of_child (int (*func) (gpointer data), gpointer data)
{
  pid_t child = fork ();
  int status = 0;

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    _exit (func (data));

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

static int
use_own_backend (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (GVariant) metrics = grel_circuit_breaker_get_metrics (fixture->breaker);
  g_autoptr (GrelBackend) own = NULL;

  expect_thread_error (fixture->breaker, GREL_ERROR_NOT_OPEN, "fork");
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  own = new_open_adapter ();
  grel_circuit_breaker_set_backend (fixture->breaker, GREL_CIRCUIT_BREAKER_BACKEND (own));
  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_be_refused (fixture, -1);
  g_assert_true (grel_test_backend_close (own, NULL));
  g_object_unref (fixture->breaker);
  return 0;
}

static void
a_child_of_fork_may_open_a_backend_of_its_own (Fixture *fixture, gconstpointer data)
{
  grel_test_circuit_scene_trip (fixture);
  expect_success_of_child (use_own_backend, fixture);
  grel_test_circuit_scene_be_refused (fixture, GREL_TEST_RESET_TIMEOUT);
}

static int
expect_no_call_under_way (gpointer data)
{
  Fixture *fixture = data;

  expect_figure (fixture->breaker, "active-calls", 0);
  return 0;
}

static void
calls_under_way_are_none_of_the_child_of_a_fork (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (fixture);

  expect_success_of_child (expect_no_call_under_way, fixture);
  expect_figure (fixture->breaker, "active-calls", 1);
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/circuit-breaker/memory/" #name, Fixture, NULL,                                     \
              grel_test_circuit_scene_set_up_memory, name, grel_test_circuit_scene_tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/circuit-breaker/store/" #name, Fixture, NULL,                                      \
              grel_test_circuit_scene_set_up_store, name, grel_test_circuit_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (an_isolated_circuit_refuses_until_it_is_reset);
  RULE (a_reset_forgets_what_was_counted);
  RULE (a_reset_leaves_calls_under_way_alone);
  RULE (metrics_tell_what_happened);
  RULE (metrics_count_successes_in_a_row_while_half_open);
  RULE (retry_after_counts_down);
  RULE (nobody_knows_when_a_probe_ends);
  RULE (cancelled_in_advance_nothing_is_asked);
  RULE (a_backend_must_be_open_and_its_loop_another_thread_s);
  RULE_IN_STORE (a_loop_that_nobody_runs_is_told);
  RULE_IN_MEMORY (without_an_app_it_is_not_open);
  RULE_IN_MEMORY (a_closed_app_lets_its_backend_go);
  RULE (two_objects_of_one_name_are_one_circuit);
  RULE (another_backend_is_another_circuit);
  RULE_IN_MEMORY (closed_and_opened_memory_starts_clean);
  RULE_IN_STORE (what_the_store_knows_outlasts_a_close);
  RULE_IN_STORE (a_store_that_does_badly_is_no_refusal);
  RULE_IN_STORE (a_store_that_hangs_is_asked_until_the_deadline);
  RULE (a_child_of_fork_may_open_a_backend_of_its_own);
  RULE (calls_under_way_are_none_of_the_child_of_a_fork);
  return g_test_run ();
}
