/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"

/* Calls that a circuit breaker makes for its caller. */

typedef GrelTestCircuitScene Fixture;

/* What an operation does, and what became of it. */
typedef struct
{
  GError *error; /* NULL for a value */
  gboolean drops;
  gboolean keeps;
  GTask *kept;
  guint n_started;
  guint n_freed;
  GMainContext *started_within; /* not a reference */
} Work;

static void
work_answer (Work *self, GTask *task)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (self->error != NULL)
    {
      g_task_return_error (task, g_error_copy (self->error));
      return;
    }
  g_value_init (&value, G_TYPE_INT);
  g_value_set_int (&value, 42);
  g_task_return_value (task, &value);
}

static void
work_start (GTask *task, gpointer data)
{
  Work *self = data;

  self->n_started++;
  self->started_within = g_main_context_get_thread_default ();
  if (self->keeps)
    self->kept = g_object_ref (task);
  else if (!self->drops)
    work_answer (self, task);
}

static void
work_freed (gpointer data)
{
  ((Work *) data)->n_freed++;
}

static void
work_clear (Work *self)
{
  g_clear_error (&self->error);
  g_clear_object (&self->kept);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

static void
work_run (Work *self, Fixture *fixture, GCancellable *cancellable, GrelTestResult *ran)
{
  g_autoptr (GrelOperation) operation = grel_operation_new (work_start, self, work_freed);

  grel_circuit_breaker_run_async (fixture->breaker, operation, cancellable, grel_test_result_ready,
                                  ran);
}

/* Returns: whether there was a value, and no error */
static gboolean
finish (GrelTestResult *ran, GError **error)
{
  GAsyncResult *result = grel_test_result_wait (ran);
  g_autoptr (GObject) breaker = g_async_result_get_source_object (result);
  GValue *value = grel_circuit_breaker_run_finish (GREL_CIRCUIT_BREAKER (breaker), result, error);

  g_assert_cmpuint (ran->n_calls, ==, 1);
  if (value == NULL)
    return FALSE;
  g_assert_cmpint (g_value_get_int (value), ==, 42);
  g_boxed_free (G_TYPE_VALUE, value);
  return TRUE;
}

static gboolean
run (Fixture *fixture, Work *work, GError **error)
{
  g_auto (GrelTestResult) ran = { NULL };

  work_run (work, fixture, NULL, &ran);
  return finish (&ran, error);
}

static void
expect_figures (Fixture *fixture, guint64 n_successes, guint64 n_errors)
{
  GrelCircuitBreaker *breaker = fixture->breaker;

  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (breaker, "successes"), ==, n_successes);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (breaker, "errors"), ==, n_errors);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (breaker, "active-calls"), ==, 0);
}

static GError *
new_error (int code)
{
  return g_error_new_literal (G_IO_ERROR, code, "it ended");
}

static void
a_value_is_returned_and_counts_as_a_success (Fixture *fixture, gconstpointer data)
{
  g_auto (Work) work = { NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (run (fixture, &work, &error));
  g_assert_no_error (error);
  expect_figures (fixture, 1, 0);
  g_assert_cmpuint (work.n_started, ==, 1);
  g_assert_cmpuint (work.n_freed, ==, 1);
}

static void
an_error_is_returned_and_counts (Fixture *fixture, gconstpointer data)
{
  g_auto (Work) work = { .error = new_error (G_IO_ERROR_TIMED_OUT) };

  for (guint i = 0; i < GREL_TEST_ERROR_THRESHOLD; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (run (fixture, &work, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
      g_assert_cmpstr (error->message, ==, "it ended");
      expect_figures (fixture, 0, i + 1);
    }
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_OPEN);
}

static void
an_error_that_is_ignored_is_returned_all_the_same (Fixture *fixture, gconstpointer data)
{
  g_auto (Work) work = { .error = new_error (G_IO_ERROR_NOT_FOUND) };
  g_autoptr (GError) error = NULL;

  grel_circuit_breaker_ignore_error (fixture->breaker, "g-io-error-quark", G_IO_ERROR_NOT_FOUND);
  g_assert_false (run (fixture, &work, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  expect_figures (fixture, 1, 0);
}

static void
an_operation_that_drops_its_task_counts_as_an_error (Fixture *fixture, gconstpointer data)
{
  g_auto (Work) work = { .drops = TRUE };
  g_autoptr (GError) error = NULL;

  g_assert_false (run (fixture, &work, &error));
  g_assert_nonnull (error);
  expect_figures (fixture, 0, 1);
}

static void
a_call_that_is_refused_never_starts (Fixture *fixture, gconstpointer data)
{
  g_auto (Work) work = { NULL };
  g_autoptr (GError) error = NULL;

  grel_test_circuit_scene_trip (fixture);
  g_assert_false (run (fixture, &work, &error));
  g_assert_cmpint (grel_error_get_retry_after (error), ==, GREL_TEST_RESET_TIMEOUT);
  grel_test_assert_error (error, GREL_ERROR_CIRCUIT_OPEN, "payment");
  g_assert_cmpuint (work.n_started, ==, 0);
  g_assert_cmpuint (work.n_freed, ==, 1);
}

static void
a_setting_that_will_not_do_lets_nothing_start (Fixture *fixture, gconstpointer data)
{
  g_auto (Work) work = { NULL };
  g_autoptr (GError) error = NULL;

  grel_circuit_breaker_set_error_threshold (fixture->breaker, 0);
  g_assert_false (run (fixture, &work, &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "error-threshold");
  g_assert_cmpuint (work.n_started, ==, 0);
}

static void
cancelled_in_advance_nothing_starts (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) ran = { NULL };
  g_auto (Work) work = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  work_run (&work, fixture, cancellable, &ran);
  g_assert_false (finish (&ran, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (work.n_started, ==, 0);
  expect_figures (fixture, 0, 0);
}

static void
a_probe_that_is_cancelled_gives_its_slot_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) ran = { NULL };
  g_auto (Work) work = { .keeps = TRUE };
  g_autoptr (GError) error = NULL;

  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_cool_down (fixture);
  work_run (&work, fixture, cancellable, &ran);
  grel_test_settle ();
  g_assert_cmpuint (work.n_started, ==, 1);
  grel_test_circuit_scene_be_refused (fixture, 0);

  g_cancellable_cancel (cancellable);
  work_answer (&work, work.kept); /* which is too late */
  g_assert_false (finish (&ran, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  expect_figures (fixture, 0, GREL_TEST_ERROR_THRESHOLD);
  grel_test_circuit_scene_succeed (fixture, 1);
  g_assert_cmpuint (ran.n_calls, ==, 1);
}

static void
the_backend_may_close_meanwhile (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) ran = { NULL };
  g_auto (Work) work = { .keeps = TRUE };
  g_autoptr (GError) error = NULL;

  work_run (&work, fixture, NULL, &ran);
  grel_test_settle ();
  grel_test_circuit_scene_close (fixture);
  work_answer (&work, work.kept);
  g_assert_true (finish (&ran, &error));
  g_assert_no_error (error);
}

static void
the_breaker_may_be_dropped_meanwhile (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *breaker = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment",
                                              "backend", fixture->backend, NULL);
  g_auto (Work) work = { .keeps = TRUE };
  g_autoptr (GrelOperation) operation = grel_operation_new (work_start, &work, work_freed);
  g_auto (GrelTestResult) ran = { NULL };

  grel_circuit_breaker_run_async (breaker, operation, NULL, grel_test_result_ready, &ran);
  g_object_unref (breaker);
  grel_test_settle ();
  work_answer (&work, work.kept);
  g_assert_true (finish (&ran, NULL));
}

static void
a_record_that_is_lost_is_no_error (Fixture *fixture, gconstpointer data)
{
  static const GrelTestStoreMood moods[] = { GREL_TEST_STORE_FAILS, GREL_TEST_STORE_DROPS };

  for (guint i = 0; i < G_N_ELEMENTS (moods); i++)
    {
      g_auto (GrelTestResult) ran = { NULL };
      g_auto (Work) work = { .keeps = TRUE };
      g_autoptr (GError) error = NULL;

      work_run (&work, fixture, NULL, &ran);
      grel_test_settle ();
      grel_test_desk_set_mood (fixture->desk, moods[i]);
      work_answer (&work, work.kept);
      g_assert_true (finish (&ran, &error));
      g_assert_no_error (error);
      grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_ANSWERS);
    }
}

static void
whoever_cancels_does_not_wait_for_the_record (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) ran = { NULL };
  g_auto (Work) work = { .keeps = TRUE };
  g_autoptr (GError) error = NULL;

  work_run (&work, fixture, cancellable, &ran);
  grel_test_settle ();
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_HANGS);
  g_cancellable_cancel (cancellable);
  work_answer (&work, work.kept);
  g_assert_false (finish (&ran, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (grel_test_desk_get_n_hanging (fixture->desk), ==, 1);
}

/* A caller on a context of its own, on a thread of its own. */
typedef struct
{
  Fixture *fixture;
  Work work;
  GMainContext *context; /* compared, not used */
  GMainContext *answered_within;
} Caller;

static void
run_elsewhere (gpointer data, gpointer unused)
{
  Caller *self = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_auto (GrelTestResult) ran = { NULL };

  work_run (&self->work, self->fixture, NULL, &ran);
  g_assert_true (finish (&ran, NULL));
  self->context = context;
  self->answered_within = ran.context;
}

static void
it_starts_in_the_context_of_its_caller (Fixture *fixture, gconstpointer data)
{
  Caller caller = { .fixture = fixture };

  grel_test_in_thread (run_elsewhere, &caller);
  g_assert_true (caller.work.started_within == caller.context);
  g_assert_true (caller.answered_within == caller.context);
  expect_figures (fixture, 1, 0);
}

/* A call on a worker thread. */
typedef struct
{
  Fixture *fixture;
  GError *fails_with;
  gboolean fails;
  gboolean cancels;
  GCancellable *cancellable;
  guint n_runs;
  gboolean succeeded;
  GError *error;
} Call;

static gboolean
call_func (GCancellable *cancellable, gpointer data, GError **error)
{
  Call *self = data;

  g_assert_true (cancellable == self->cancellable);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (self->fixture->breaker, "active-calls"),
                    ==, 1);
  self->n_runs++;
  if (self->cancels)
    g_cancellable_cancel (cancellable);
  if (self->fails_with != NULL)
    g_propagate_error (error, g_steal_pointer (&self->fails_with));
  return !self->fails;
}

static void
call_on_thread (gpointer data, gpointer unused)
{
  Call *self = data;

  self->succeeded = grel_circuit_breaker_run_from_thread (self->fixture->breaker, call_func, self,
                                                          self->cancellable, &self->error);
}

static void
a_call_from_a_thread_counts (Fixture *fixture, gconstpointer data)
{
  Call call = { .fixture = fixture };

  grel_test_in_thread (call_on_thread, &call);
  g_assert_no_error (call.error);
  g_assert_true (call.succeeded);
  expect_figures (fixture, 1, 0);

  call.fails = TRUE;
  call.fails_with = new_error (G_IO_ERROR_TIMED_OUT);
  grel_test_in_thread (call_on_thread, &call);
  g_assert_false (call.succeeded);
  g_assert_error (call.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&call.error);
  expect_figures (fixture, 1, 1);
}

static void
a_call_from_a_thread_that_fails_without_an_error_gets_one (Fixture *fixture, gconstpointer data)
{
  Call call = { .fixture = fixture, .fails = TRUE };

  grel_test_in_thread (call_on_thread, &call);
  g_assert_false (call.succeeded);
  g_assert_error (call.error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_clear_error (&call.error);
  expect_figures (fixture, 0, 1);
}

static void
a_call_from_a_thread_that_is_cancelled_counts_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Call call = { .fixture = fixture, .fails = TRUE, .cancels = TRUE, .cancellable = cancellable };

  call.fails_with = new_error (G_IO_ERROR_CANCELLED);
  grel_test_in_thread (call_on_thread, &call);
  g_assert_error (call.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&call.error);
  expect_figures (fixture, 0, 0);
}

static void
a_call_from_a_thread_counts_although_it_was_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Call call = { .fixture = fixture, .cancels = TRUE, .cancellable = cancellable };

  grel_test_in_thread (call_on_thread, &call);
  g_assert_no_error (call.error);
  g_assert_true (call.succeeded);
  grel_test_settle (); /* nobody waited for the record */
  expect_figures (fixture, 1, 0);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker,
                                                          "consecutive-successes"),
                    ==, 1);
}

static void
a_call_from_a_thread_that_is_refused_never_runs (Fixture *fixture, gconstpointer data)
{
  Call call = { .fixture = fixture };

  grel_test_circuit_scene_trip (fixture);
  grel_test_in_thread (call_on_thread, &call);
  g_assert_false (call.succeeded);
  grel_test_assert_error (call.error, GREL_ERROR_CIRCUIT_OPEN, "payment");
  g_assert_cmpuint (call.n_runs, ==, 0);
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/circuit-run/memory/" #name, Fixture, NULL, grel_test_circuit_scene_set_up_memory,  \
              name, grel_test_circuit_scene_tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/circuit-run/store/" #name, Fixture, NULL, grel_test_circuit_scene_set_up_store,    \
              name, grel_test_circuit_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (a_value_is_returned_and_counts_as_a_success);
  RULE (an_error_is_returned_and_counts);
  RULE (an_error_that_is_ignored_is_returned_all_the_same);
  RULE (an_operation_that_drops_its_task_counts_as_an_error);
  RULE (a_call_that_is_refused_never_starts);
  RULE (a_setting_that_will_not_do_lets_nothing_start);
  RULE (cancelled_in_advance_nothing_starts);
  RULE (a_probe_that_is_cancelled_gives_its_slot_back);
  RULE (the_backend_may_close_meanwhile);
  RULE (the_breaker_may_be_dropped_meanwhile);
  RULE_IN_STORE (a_record_that_is_lost_is_no_error);
  RULE_IN_STORE (whoever_cancels_does_not_wait_for_the_record);
  RULE (it_starts_in_the_context_of_its_caller);
  RULE (a_call_from_a_thread_counts);
  RULE (a_call_from_a_thread_that_fails_without_an_error_gets_one);
  RULE (a_call_from_a_thread_that_is_cancelled_counts_nothing);
  RULE (a_call_from_a_thread_counts_although_it_was_cancelled);
  RULE (a_call_from_a_thread_that_is_refused_never_runs);
  return g_test_run ();
}
