/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test.h"

/* What the functions below are given, and what becomes of it. */
typedef struct
{
  int answer;
  int n_started;
  GThread *started_on;
  GMainContext *started_within;
  GCancellable *cancellable; /* of the task; not a reference */
  GTask *pending;            /* what keep_task () keeps */
  int n_freed;
  GThread *freed_on;
  GMainContext *freed_within;
} Work;

static void
work_note (Work *self, GTask *task)
{
  self->n_started++;
  self->started_on = g_thread_self ();
  self->started_within = g_main_context_get_thread_default ();
  self->cancellable = g_task_get_cancellable (task);
}

static void
work_return (Work *self, GTask *task)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT);
  g_value_set_int (&value, self->answer);
  g_task_return_value (task, &value);
}

static void
answer_at_once (GTask *task, gpointer data)
{
  work_note (data, task);
  work_return (data, task);
}

static void
fail (GTask *task, gpointer data)
{
  work_note (data, task);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is nothing");
}

static void
drop_task (GTask *task, gpointer data)
{
  work_note (data, task);
}

static void
keep_task (GTask *task, gpointer data)
{
  work_note (data, task);
  ((Work *) data)->pending = g_object_ref (task);
}

static void
return_something_else (GTask *task, gpointer data)
{
  g_task_return_boolean (task, TRUE);
}

static void
work_freed (gpointer data)
{
  Work *self = data;

  self->n_freed++;
  self->freed_on = g_thread_self ();
  self->freed_within = g_main_context_get_thread_default ();
}

static int
get_int (GValue *value, GError *error)
{
  int number;

  g_assert_no_error (error);
  g_assert_true (G_VALUE_HOLDS_INT (value));
  number = g_value_get_int (value);
  g_boxed_free (G_TYPE_VALUE, value);
  return number;
}

static int
finish (GrelOperation *operation, GrelTestResult *ran)
{
  g_autoptr (GError) error = NULL;
  GValue *value = grel_operation_run_finish (operation, grel_test_result_wait (ran), &error);

  g_assert_cmpuint (ran->n_calls, ==, 1);
  return get_int (value, error);
}

static GError *
finish_with_error (GrelOperation *operation, GrelTestResult *ran)
{
  GError *error = NULL;

  g_assert_null (grel_operation_run_finish (operation, grel_test_result_wait (ran), &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (ran->n_calls, ==, 1);
  return error;
}

static int
run (GrelOperation *operation)
{
  g_auto (GrelTestResult) ran = { NULL };

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  return finish (operation, &ran);
}

static GError *
run_and_fail (GrelOperation *operation)
{
  g_auto (GrelTestResult) ran = { NULL };

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  return finish_with_error (operation, &ran);
}

static void
a_function_returns_a_value (void)
{
  Work work = { .answer = 42 };
  g_autoptr (GrelOperation) operation = grel_operation_new (answer_at_once, &work, NULL);

  g_assert_cmpint (run (operation), ==, 42);
}

static void
a_function_returns_an_error_of_its_own (void)
{
  Work work = { 0 };
  g_autoptr (GrelOperation) operation = grel_operation_new (fail, &work, NULL);
  g_autoptr (GError) error = run_and_fail (operation);

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "there is nothing");
}

static void
it_starts_at_once_in_the_context_of_who_runs_it (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Work work = { .answer = 1 };
  g_autoptr (GrelOperation) operation = grel_operation_new (answer_at_once, &work, NULL);
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_auto (GrelTestResult) ran = { NULL };

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  g_assert_cmpint (work.n_started, ==, 1);
  g_assert_true (work.started_on == g_thread_self ());
  g_assert_true (work.started_within == context);
  g_assert_cmpint (finish (operation, &ran), ==, 1);
  g_assert_true (ran.context == context);
}

static void
the_result_never_comes_before_run_async_returns (void)
{
  Work work = { .answer = 1 };
  g_autoptr (GrelOperation) operation = grel_operation_new (answer_at_once, &work, NULL);
  g_auto (GrelTestResult) ran = { NULL };

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  g_assert_false (ran.is_done);
  finish (operation, &ran);
}

static void
it_may_answer_later (void)
{
  Work work = { .answer = 42 };
  g_autoptr (GrelOperation) operation = grel_operation_new (keep_task, &work, NULL);
  g_auto (GrelTestResult) ran = { NULL };

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  grel_test_settle ();
  g_assert_false (ran.is_done);
  work_return (&work, work.pending);
  g_object_unref (work.pending);
  g_assert_cmpint (finish (operation, &ran), ==, 42);
}

static gpointer
return_from_thread (gpointer data)
{
  Work *self = data;

  work_return (self, self->pending);
  g_object_unref (self->pending);
  return NULL;
}

static void
it_may_answer_from_another_thread (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  Work work = { .answer = 42 };
  g_autoptr (GrelOperation) operation = grel_operation_new (keep_task, &work, NULL);
  g_auto (GrelTestResult) ran = { NULL };
  GThread *thread;

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  thread = g_thread_new ("work", return_from_thread, &work);
  g_assert_cmpint (finish (operation, &ran), ==, 42);
  g_assert_true (ran.context == context);
  g_thread_join (thread);
}

static void
a_task_that_is_dropped_is_an_error (void)
{
  Work work = { 0 };
  g_autoptr (GrelOperation) operation = grel_operation_new (drop_task, &work, NULL);
  g_auto (GrelTestResult) ran = { NULL };
  g_autoptr (GError) error = NULL;

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  g_assert_false (ran.is_done);
  error = finish_with_error (operation, &ran);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "operation", "dropped");
}

static gpointer
unref_in_thread (gpointer object)
{
  g_object_unref (object);
  return NULL;
}

static void
a_task_that_another_thread_drops_is_an_error_here (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  Work work = { 0 };
  g_autoptr (GrelOperation) operation = grel_operation_new (keep_task, &work, NULL);
  g_auto (GrelTestResult) ran = { NULL };
  g_autoptr (GError) error = NULL;

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  g_thread_join (g_thread_new ("work", unref_in_thread, work.pending));
  error = finish_with_error (operation, &ran);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "dropped");
  g_assert_true (ran.context == context);
}

static void
a_task_that_returns_no_value_is_an_error (void)
{
  g_autoptr (GrelOperation) operation = grel_operation_new (return_something_else, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_test_expect_message ("GLib-GIO", G_LOG_LEVEL_CRITICAL, "*g_task_propagate_value*");
  error = run_and_fail (operation);
  g_test_assert_expected_messages ();
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "operation", "value");
}

static void
cancelled_before_it_is_run_it_never_starts (void)
{
  Work work = { 0 };
  g_autoptr (GrelOperation) operation = grel_operation_new (answer_at_once, &work, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) ran = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  grel_operation_run_async (operation, cancellable, grel_test_result_ready, &ran);
  error = finish_with_error (operation, &ran);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (work.n_started, ==, 0);
}

static void
cancelled_while_it_runs_it_is_told (void)
{
  Work work = { .answer = 42 };
  g_autoptr (GrelOperation) operation = grel_operation_new (keep_task, &work, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) ran = { NULL };
  g_autoptr (GError) error = NULL;

  grel_operation_run_async (operation, cancellable, grel_test_result_ready, &ran);
  g_assert_false (g_cancellable_is_cancelled (work.cancellable));
  g_cancellable_cancel (cancellable);
  g_assert_true (g_cancellable_is_cancelled (work.cancellable));

  work_return (&work, work.pending);
  g_object_unref (work.pending);
  error = finish_with_error (operation, &ran);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
it_runs_several_times (void)
{
  Work work = { .answer = 1 };
  g_autoptr (GrelOperation) operation = grel_operation_new (answer_at_once, &work, NULL);

  for (; work.answer <= 3; work.answer++)
    g_assert_cmpint (run (operation), ==, work.answer);
  g_assert_cmpint (work.n_started, ==, 3);
}

static void
several_runs_at_once_keep_apart (void)
{
  Work work = { 0 };
  g_autoptr (GrelOperation) operation = grel_operation_new (keep_task, &work, NULL);
  GrelTestResult ran[3] = { { NULL } };
  GTask *tasks[3];

  for (int i = 0; i < 3; i++)
    {
      grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran[i]);
      tasks[i] = work.pending;
    }
  for (int i = 2; i >= 0; i--)
    {
      work.answer = i;
      work_return (&work, tasks[i]);
      g_object_unref (tasks[i]);
    }
  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpint (finish (operation, &ran[i]), ==, i);
      grel_test_result_clear (&ran[i]);
    }
}

static void
it_lives_as_long_as_it_runs (void)
{
  Work work = { .answer = 42 };
  GrelOperation *operation = grel_operation_new (keep_task, &work, work_freed);
  g_auto (GrelTestResult) ran = { NULL };

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  g_object_unref (operation);
  grel_test_settle ();
  g_assert_cmpint (work.n_freed, ==, 0);
  work_return (&work, work.pending);
  g_object_unref (work.pending);
  g_assert_cmpint (finish (operation, &ran), ==, 42);

  grel_test_result_clear (&ran);
  grel_test_settle ();
  g_assert_cmpint (work.n_freed, ==, 1);
}

static void
return_an_object (GTask *task, gpointer alive)
{
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  *(gpointer *) alive = object;
  g_object_add_weak_pointer (object, alive);
  g_value_init (&value, G_TYPE_OBJECT);
  g_value_take_object (&value, object);
  g_task_return_value (task, &value);
}

static void
a_value_that_nobody_fetches_is_freed (void)
{
  gpointer alive = NULL;
  g_autoptr (GrelOperation) operation = grel_operation_new (return_an_object, &alive, NULL);
  g_auto (GrelTestResult) ran = { NULL };

  grel_operation_run_async (operation, NULL, grel_test_result_ready, &ran);
  grel_test_result_wait (&ran);
  g_assert_nonnull (alive);
  grel_test_result_clear (&ran);
  grel_test_settle ();
  g_assert_null (alive);
}

static void
its_closure_is_freed_at_once_in_the_context_it_was_made_in (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  Work work = { 0 };

  g_object_unref (grel_operation_new (answer_at_once, &work, work_freed));
  g_assert_cmpint (work.n_freed, ==, 1);
}

static void
its_closure_is_freed_there_when_another_thread_drops_it (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  Work work = { 0 };
  GrelOperation *operation = grel_operation_new (answer_at_once, &work, work_freed);

  g_thread_join (g_thread_new ("work", unref_in_thread, operation));
  g_assert_cmpint (work.n_freed, ==, 0);
  grel_test_settle ();
  g_assert_cmpint (work.n_freed, ==, 1);
  g_assert_true (work.freed_on == g_thread_self ());
  g_assert_true (work.freed_within == context);
}

static void
its_closure_is_freed_with_a_context_that_nobody_runs (void)
{
  GMainContext *context = g_main_context_new ();
  Work work = { 0 };
  GrelOperation *operation;

  g_main_context_push_thread_default (context);
  operation = grel_operation_new (answer_at_once, &work, work_freed);
  g_main_context_pop_thread_default (context);

  g_object_unref (operation);
  g_assert_cmpint (work.n_freed, ==, 0);
  g_main_context_unref (context);
  g_assert_cmpint (work.n_freed, ==, 1);
}

#define TYPE_DOUBLER (doubler_get_type ())

G_DECLARE_FINAL_TYPE (Doubler, doubler, TEST, DOUBLER, GrelOperation)

struct _Doubler
{
  GrelOperation parent_instance;

  int number;
};

G_DEFINE_FINAL_TYPE (Doubler, doubler, GREL_TYPE_OPERATION)

static void
doubler_start (GrelOperation *operation, GTask *task)
{
  Work work = { .answer = 2 * TEST_DOUBLER (operation)->number };

  work_return (&work, task);
}

static void
doubler_class_init (DoublerClass *klass)
{
  GREL_OPERATION_CLASS (klass)->start = doubler_start;
}

static void
doubler_init (Doubler *self)
{
}

static void
a_derived_class_starts_in_its_own_way (void)
{
  g_autoptr (GrelOperation) operation = g_object_new (TYPE_DOUBLER, NULL);

  TEST_DOUBLER (operation)->number = 21;
  g_assert_cmpint (run (operation), ==, 42);
}

static void
one_that_cannot_start_says_so (void)
{
  g_autoptr (GrelOperation) operation = g_object_new (GREL_TYPE_OPERATION, NULL);
  g_autoptr (GError) error = run_and_fail (operation);

  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "operation", "start");
}

#define RULE(name) g_test_add_func ("/operation/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (a_function_returns_a_value);
  RULE (a_function_returns_an_error_of_its_own);
  RULE (it_starts_at_once_in_the_context_of_who_runs_it);
  RULE (the_result_never_comes_before_run_async_returns);
  RULE (it_may_answer_later);
  RULE (it_may_answer_from_another_thread);
  RULE (a_task_that_is_dropped_is_an_error);
  RULE (a_task_that_another_thread_drops_is_an_error_here);
  RULE (a_task_that_returns_no_value_is_an_error);
  RULE (cancelled_before_it_is_run_it_never_starts);
  RULE (cancelled_while_it_runs_it_is_told);
  RULE (it_runs_several_times);
  RULE (several_runs_at_once_keep_apart);
  RULE (it_lives_as_long_as_it_runs);
  RULE (a_value_that_nobody_fetches_is_freed);
  RULE (its_closure_is_freed_at_once_in_the_context_it_was_made_in);
  RULE (its_closure_is_freed_there_when_another_thread_drops_it);
  RULE (its_closure_is_freed_with_a_context_that_nobody_runs);
  RULE (a_derived_class_starts_in_its_own_way);
  RULE (one_that_cannot_start_says_so);
  return g_test_run ();
}
