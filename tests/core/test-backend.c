/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-backend-private.h>

#include "grel-test-part.h"

#include <string.h>

#define REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)

/* A backend on a context of the test's own and on a clock that stands still. */
typedef struct
{
  GMainContext *context;
  GrelVirtualClock *clock;
  GString *journal;
  GrelTestPart *part;
  GrelBackend *backend; /* the same */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->context = g_main_context_new ();
  g_main_context_push_thread_default (fixture->context);
  fixture->clock = grel_virtual_clock_new ();
  fixture->journal = g_string_new (NULL);
  fixture->part = grel_test_part_new ("a", fixture->journal);
  fixture->backend = GREL_BACKEND (fixture->part);
  grel_backend_set_clock (fixture->backend, GREL_CLOCK (fixture->clock));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (grel_backend_get_is_open (fixture->backend))
    grel_test_backend_close (fixture->backend, NULL);
  grel_test_part_forget (fixture->part);
  g_object_unref (fixture->part);
  g_object_unref (fixture->clock);
  g_string_free (fixture->journal, TRUE);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

static void
open_well (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_backend_open (fixture->backend, &error));
  g_assert_no_error (error);
  g_assert_true (grel_backend_get_is_open (fixture->backend));
}

static void
close_well (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_backend_close (fixture->backend, &error));
  g_assert_no_error (error);
}

static void
expect_closed (Fixture *fixture)
{
  g_assert_false (grel_backend_get_is_open (fixture->backend));
  g_assert_null (grel_backend_ref_main_context (fixture->backend));
}

static void
expect_open_error (Fixture *fixture, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_backend_open (fixture->backend, &error));
  g_assert_cmpstr (grel_error_get_name (error), ==, "GrelTestPart");
  grel_test_assert_error (error, code, "GrelTestPart", word);
}

static void
expect_close_error (Fixture *fixture, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_backend_close (fixture->backend, &error));
  g_assert_cmpstr (grel_error_get_name (error), ==, "GrelTestPart");
  grel_test_assert_error (error, code, "GrelTestPart", word);
}

static void
start_open (Fixture *fixture, GrelTestResult *opened)
{
  grel_backend_open_async (fixture->backend, NULL, grel_test_result_ready, opened);
  grel_test_settle ();
}

static void
start_close (Fixture *fixture, GrelTestResult *closed)
{
  grel_backend_close_async (fixture->backend, NULL, grel_test_result_ready, closed);
  grel_test_settle ();
}

static void
it_opens_and_closes (Fixture *fixture, gconstpointer data)
{
  expect_closed (fixture);
  open_well (fixture);
  close_well (fixture);
  expect_closed (fixture);
  g_assert_cmpstr (fixture->journal->str, ==, "+a -a");
}

static void
it_opens_again (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 2; i++)
    {
      open_well (fixture);
      close_well (fixture);
    }
  g_assert_cmpstr (fixture->journal->str, ==, "+a -a +a -a");
}

static void
open_it_is_not_opened_again (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  expect_open_error (fixture, GREL_ERROR_SETTINGS, "open already");
  g_assert_true (grel_backend_get_is_open (fixture->backend));
  g_assert_cmpstr (fixture->journal->str, ==, "+a");
}

static void
while_it_opens_it_is_not_opened_again (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) opened = { NULL };

  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_HANGS);
  start_open (fixture, &opened);
  expect_open_error (fixture, GREL_ERROR_SETTINGS, "about to be");
  g_assert_false (grel_backend_get_is_open (fixture->backend));

  grel_test_part_answer (fixture->part);
  grel_test_result_wait (&opened);
  g_assert_true (grel_backend_get_is_open (fixture->backend));
}

static void
before_it_is_open_it_is_not_closed (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) opened = { NULL };

  expect_close_error (fixture, GREL_ERROR_NOT_OPEN, "not open yet");
  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_HANGS);
  start_open (fixture, &opened);
  expect_close_error (fixture, GREL_ERROR_NOT_OPEN, "not open yet");
  grel_test_part_answer (fixture->part);
  grel_test_result_wait (&opened);
}

static void
closed_it_is_not_closed_again (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  close_well (fixture);
  expect_close_error (fixture, GREL_ERROR_CLOSED, "closed already");
  g_assert_cmpstr (fixture->journal->str, ==, "+a -a");
}

static void
while_it_closes_it_is_neither_closed_nor_opened (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) closed = { NULL };

  open_well (fixture);
  grel_test_part_set_close_mood (fixture->part, GREL_TEST_PART_HANGS);
  start_close (fixture, &closed);
  g_assert_false (grel_backend_get_is_open (fixture->backend));
  expect_close_error (fixture, GREL_ERROR_CLOSED, "closed already");
  expect_open_error (fixture, GREL_ERROR_SETTINGS, "close it first");

  g_assert_false (closed.is_done);
  grel_test_part_answer (fixture->part);
  grel_test_result_wait (&closed);
  expect_closed (fixture);
}

static void
it_captures_the_context_of_who_opens_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) captured = NULL;

  open_well (fixture);
  captured = grel_backend_ref_main_context (fixture->backend);
  g_assert_true (captured == fixture->context);
}

static void
opened_again_it_captures_anew (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_autoptr (GMainContext) captured = NULL;

  open_well (fixture);
  close_well (fixture);
  g_main_context_push_thread_default (other);
  open_well (fixture);
  captured = grel_backend_ref_main_context (fixture->backend);
  g_assert_true (captured == other);
  g_assert_true (grel_test_part_get_asked_within (fixture->part) == other);
  close_well (fixture);
  g_main_context_pop_thread_default (other);
}

static void
it_works_in_the_context_it_captured (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_auto (GrelTestResult) opened = { NULL };

  grel_backend_open_async (fixture->backend, NULL, grel_test_result_ready, &opened);
  g_assert_cmpstr (fixture->journal->str, ==, "");

  g_main_context_push_thread_default (other);
  while (!opened.is_done)
    g_main_context_iteration (fixture->context, TRUE);
  g_main_context_pop_thread_default (other);
  g_assert_true (grel_test_part_get_asked_within (fixture->part) == fixture->context);
  g_assert_true (opened.context == fixture->context);
}

static void
close_async_in_thread (gpointer backend, gpointer unused)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_auto (GrelTestResult) closed = { NULL };

  grel_backend_close_async (backend, NULL, grel_test_result_ready, &closed);
  g_assert_true (grel_backend_close_finish (backend, grel_test_result_wait (&closed), NULL));
  g_assert_true (closed.context == context);
}

static void
it_closes_there_whoever_closes_it (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  grel_test_in_thread (close_async_in_thread, fixture->backend);
  g_assert_true (grel_test_part_get_asked_on (fixture->part) == g_thread_self ());
  g_assert_true (grel_test_part_get_asked_within (fixture->part) == fixture->context);
  expect_closed (fixture);
}

static void
open_it_lives_until_it_is_closed (Fixture *fixture, gconstpointer data)
{
  GrelTestPart *part = grel_test_part_new ("b", fixture->journal);
  gpointer alive = part;

  g_object_add_weak_pointer (G_OBJECT (part), &alive);
  grel_test_backend_open (GREL_BACKEND (part), NULL);
  g_object_unref (part);
  g_assert_nonnull (alive);
  grel_test_backend_close (GREL_BACKEND (part), NULL);
  grel_test_settle ();
  g_assert_null (alive);
}

static void
an_opening_that_fails_leaves_it_as_it_was (Fixture *fixture, gconstpointer data)
{
  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_FAILS);
  expect_open_error (fixture, GREL_ERROR_BACKEND, "a is down");
  expect_closed (fixture);
  expect_close_error (fixture, GREL_ERROR_NOT_OPEN, "not open yet");

  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_ANSWERS);
  open_well (fixture);
  g_assert_cmpstr (fixture->journal->str, ==, "+a +a");
}

static void
an_opening_that_hangs_fails_at_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) opened = { NULL };
  g_autoptr (GError) error = NULL;
  GCancellable *cancellable;

  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_HANGS);
  start_open (fixture, &opened);
  cancellable = g_task_get_cancellable (grel_test_part_get_hanging (fixture->part));
  grel_test_pass_time (fixture->clock, REQUEST_TIMEOUT - 1);
  g_assert_false (opened.is_done);
  g_assert_false (g_cancellable_is_cancelled (cancellable));

  grel_test_pass_time (fixture->clock, 1);
  g_assert_true (opened.is_done);
  g_assert_true (g_cancellable_is_cancelled (cancellable));
  grel_backend_open_finish (fixture->backend, opened.result, &error);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "GrelTestPart", "10 s");
  expect_closed (fixture);
}

static void
let_opening_hang_and_fail (Fixture *fixture)
{
  g_auto (GrelTestResult) opened = { NULL };

  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_HANGS);
  start_open (fixture, &opened);
  grel_test_pass_time (fixture->clock, REQUEST_TIMEOUT);
  g_assert_true (opened.is_done);
  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_ANSWERS);
}

static void
what_opens_too_late_is_closed_again (Fixture *fixture, gconstpointer data)
{
  let_opening_hang_and_fail (fixture);
  grel_test_part_answer (fixture->part);
  grel_test_settle ();
  g_assert_cmpstr (fixture->journal->str, ==, "+a -a");
  expect_closed (fixture);
}

static void
what_fails_too_late_is_not_closed (Fixture *fixture, gconstpointer data)
{
  let_opening_hang_and_fail (fixture);
  g_task_return_new_error (grel_test_part_get_hanging (fixture->part), G_IO_ERROR,
                           G_IO_ERROR_FAILED, "after all");
  grel_test_settle ();
  g_assert_cmpstr (fixture->journal->str, ==, "+a");
}

static void
what_opens_too_late_does_not_close_what_was_opened_since (Fixture *fixture, gconstpointer data)
{
  let_opening_hang_and_fail (fixture);
  open_well (fixture);
  grel_test_part_answer (fixture->part);
  grel_test_settle ();
  g_assert_true (grel_backend_get_is_open (fixture->backend));
  g_assert_cmpstr (fixture->journal->str, ==, "+a +a");
}

static void
an_opening_that_drops_its_task_fails (Fixture *fixture, gconstpointer data)
{
  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_DROPS);
  expect_open_error (fixture, GREL_ERROR_BACKEND, "dropped");
  expect_closed (fixture);
}

static void
a_closing_that_fails_closes_all_the_same (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  grel_test_part_set_close_mood (fixture->part, GREL_TEST_PART_FAILS);
  expect_close_error (fixture, GREL_ERROR_BACKEND, "a is down");
  expect_closed (fixture);
}

static void
a_closing_that_drops_its_task_closes_all_the_same (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  grel_test_part_set_close_mood (fixture->part, GREL_TEST_PART_DROPS);
  expect_close_error (fixture, GREL_ERROR_BACKEND, "dropped");
  expect_closed (fixture);
}

static void
a_closing_that_hangs_fails_at_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) closed = { NULL };
  g_autoptr (GError) error = NULL;

  open_well (fixture);
  grel_test_part_set_close_mood (fixture->part, GREL_TEST_PART_HANGS);
  start_close (fixture, &closed);
  grel_test_pass_time (fixture->clock, REQUEST_TIMEOUT - 1);
  g_assert_false (closed.is_done);
  grel_test_pass_time (fixture->clock, 1);
  g_assert_true (closed.is_done);
  grel_backend_close_finish (fixture->backend, closed.result, &error);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "GrelTestPart", "10 s");
  expect_closed (fixture);

  grel_test_part_answer (fixture->part);
  grel_test_settle ();
  g_assert_cmpuint (closed.n_calls, ==, 1);
}

static void
cancelled_in_advance_it_does_not_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) opened = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  grel_backend_open_async (fixture->backend, cancellable, grel_test_result_ready, &opened);
  g_assert_false (
    grel_backend_open_finish (fixture->backend, grel_test_result_wait (&opened), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpstr (fixture->journal->str, ==, "");
  expect_closed (fixture);
}

static void
a_cancellation_stops_the_waiting_but_not_the_closing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) closed = { NULL };
  g_autoptr (GError) error = NULL;

  open_well (fixture);
  grel_test_part_set_close_mood (fixture->part, GREL_TEST_PART_HANGS);
  grel_backend_close_async (fixture->backend, cancellable, grel_test_result_ready, &closed);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  g_assert_false (
    grel_backend_close_finish (fixture->backend, grel_test_result_wait (&closed), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  grel_test_part_answer (fixture->part);
  grel_test_settle ();
  expect_closed (fixture);
}

/* One call of close_from_thread (). */
typedef struct
{
  GrelBackend *backend;
  GCancellable *cancellable;
  gboolean closed;
  GError *error;
  int is_done;
} Closer;

static void
closer_run (gpointer data, gpointer unused)
{
  Closer *self = data;

  self->closed = grel_backend_close_from_thread (self->backend, self->cancellable, &self->error);
  g_atomic_int_set (&self->is_done, TRUE);
}

static void
a_thread_may_close_it (Fixture *fixture, gconstpointer data)
{
  Closer closer = { .backend = fixture->backend };

  open_well (fixture);
  grel_test_in_thread (closer_run, &closer);
  g_assert_no_error (closer.error);
  g_assert_true (closer.closed);
  g_assert_true (grel_test_part_get_asked_on (fixture->part) == g_thread_self ());
  expect_closed (fixture);
}

static void
a_thread_is_told_why_it_cannot_close_it (Fixture *fixture, gconstpointer data)
{
  Closer early = { .backend = fixture->backend };
  Closer late = { .backend = fixture->backend };

  grel_test_in_thread (closer_run, &early);
  g_assert_false (early.closed);
  grel_test_assert_error (early.error, GREL_ERROR_NOT_OPEN, "GrelTestPart", "never opened");

  open_well (fixture);
  close_well (fixture);
  grel_test_in_thread (closer_run, &late);
  g_assert_false (late.closed);
  grel_test_assert_error (late.error, GREL_ERROR_CLOSED, "GrelTestPart");
}

static void
a_thread_is_told_how_the_closing_failed (Fixture *fixture, gconstpointer data)
{
  Closer closer = { .backend = fixture->backend };

  open_well (fixture);
  grel_test_part_set_close_mood (fixture->part, GREL_TEST_PART_FAILS);
  grel_test_in_thread (closer_run, &closer);
  g_assert_false (closer.closed);
  grel_test_assert_error (closer.error, GREL_ERROR_BACKEND, "a is down");
  expect_closed (fixture);
}

static gboolean
close_on_the_loop (gpointer closer)
{
  closer_run (closer, NULL);
  return G_SOURCE_REMOVE;
}

static void
the_thread_of_the_loop_must_not_wait_for_itself (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  Closer closer = { .backend = fixture->backend };

  open_well (fixture);
  g_source_set_callback (source, close_on_the_loop, &closer, NULL);
  g_source_attach (source, fixture->context);
  grel_test_run_until (&closer.is_done);
  grel_test_assert_error (closer.error, GREL_ERROR_DEADLOCK, "GrelTestPart", "async");
  g_assert_true (grel_backend_get_is_open (fixture->backend));
}

static gpointer
closer_thread (gpointer closer)
{
  closer_run (closer, NULL);
  return NULL;
}

static void
a_thread_does_not_wait_for_a_loop_that_nobody_runs (Fixture *fixture, gconstpointer data)
{
  Closer closer = { .backend = fixture->backend };

  grel_backend_set_patience (fixture->backend, 20 * G_TIME_SPAN_MILLISECOND);
  open_well (fixture);
  g_main_context_pop_thread_default (fixture->context);
  g_thread_join (g_thread_new ("closer", closer_thread, &closer));
  g_main_context_push_thread_default (fixture->context);
  g_assert_false (closer.closed);
  grel_test_assert_error (closer.error, GREL_ERROR_LOOP_NOT_RUNNING, "GrelTestPart");

  grel_test_settle ();
  expect_closed (fixture);
  g_assert_cmpstr (fixture->journal->str, ==, "+a -a");
}

static void
the_clock_is_the_real_one_unless_it_is_set (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  g_autoptr (GrelBackend) backend = GREL_BACKEND (grel_memory_lock_adapter_new ());

  g_assert_true (grel_backend_get_clock (backend) == grel_clock_get_real ());
  grel_backend_set_clock (backend, GREL_CLOCK (clock));
  g_assert_true (grel_backend_get_clock (backend) == GREL_CLOCK (clock));
  grel_backend_set_clock (backend, NULL);
  g_assert_true (grel_backend_get_clock (backend) == grel_clock_get_real ());
}

static void
count_notification (GObject *object, GParamSpec *pspec, guint *count)
{
  ++*count;
}

static void
the_clock_stays_while_it_is_open (Fixture *fixture, gconstpointer data)
{
  guint n_notified = 0;

  g_signal_connect (fixture->backend, "notify::clock", G_CALLBACK (count_notification),
                    &n_notified);
  open_well (fixture);
  grel_backend_set_clock (fixture->backend, NULL);
  g_assert_true (grel_backend_get_clock (fixture->backend) == GREL_CLOCK (fixture->clock));
  g_assert_cmpuint (n_notified, ==, 0);

  close_well (fixture);
  grel_backend_set_clock (fixture->backend, NULL);
  g_assert_true (grel_backend_get_clock (fixture->backend) == grel_clock_get_real ());
  g_assert_cmpuint (n_notified, ==, 1);
}

static void
opening_and_closing_are_notified (Fixture *fixture, gconstpointer data)
{
  guint n_notified = 0;

  g_signal_connect (fixture->backend, "notify::is-open", G_CALLBACK (count_notification),
                    &n_notified);
  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_FAILS);
  expect_open_error (fixture, GREL_ERROR_BACKEND, "a is down");
  g_assert_cmpuint (n_notified, ==, 0);
  grel_test_part_set_open_mood (fixture->part, GREL_TEST_PART_ANSWERS);
  open_well (fixture);
  g_assert_cmpuint (n_notified, ==, 1);
  close_well (fixture);
  g_assert_cmpuint (n_notified, ==, 2);
}

static void
its_properties_are_those_of_the_functions (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelVirtualClock) other = grel_virtual_clock_new ();
  g_autoptr (GrelClock) clock = NULL;
  gint64 patience;
  gboolean is_open;

  g_object_set (fixture->backend, "clock", other, "patience", (gint64) 7, NULL);
  g_assert_true (grel_backend_get_clock (fixture->backend) == GREL_CLOCK (other));
  g_assert_cmpint (grel_backend_get_patience (fixture->backend), ==, 7);
  open_well (fixture);
  g_object_get (fixture->backend, "clock", &clock, "patience", &patience, "is-open", &is_open,
                NULL);
  g_assert_true (clock == GREL_CLOCK (other));
  g_assert_cmpint (patience, ==, 7);
  g_assert_true (is_open);
}

static void
without_patience_it_does_not_open (Fixture *fixture, gconstpointer data)
{
  static const GTimeSpan values[] = { 0, -1, -77777, G_MININT64 };

  g_assert_cmpint (grel_backend_get_patience (fixture->backend), ==, 5 * G_TIME_SPAN_SECOND);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (GError) error = NULL;

      grel_backend_set_patience (fixture->backend, values[i]);
      g_assert_false (grel_test_backend_open (fixture->backend, &error));
      g_assert_null (strstr (error->message, "77777"));
      grel_test_assert_error (error, GREL_ERROR_SETTINGS, "GrelTestPart", "patience:");
      expect_closed (fixture);
    }
  g_assert_cmpstr (fixture->journal->str, ==, "");
}

static void
its_scope_is_what_its_class_says (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (grel_backend_get_scope (fixture->backend), ==, GREL_SCOPE_UNDECLARED);
  grel_test_part_set_scope (fixture->part, GREL_SCOPE_HOST);
  g_assert_cmpint (grel_backend_get_scope (fixture->backend), ==, GREL_SCOPE_HOST);
}

#define TYPE_BARE (bare_get_type ())

G_DECLARE_FINAL_TYPE (Bare, bare, TEST, BARE, GrelLockBackend)

/* An adapter that implements nothing at all. */
struct _Bare
{
  GrelLockBackend parent_instance;
};

G_DEFINE_FINAL_TYPE (Bare, bare, GREL_TYPE_LOCK_BACKEND)

static void
bare_class_init (BareClass *klass)
{
}

static void
bare_init (Bare *self)
{
}

static void
its_kind_is_the_abstract_class (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) memory = GREL_BACKEND (grel_memory_lock_adapter_new ());
  g_autoptr (GrelBackend) bare = g_object_new (TYPE_BARE, NULL);

  g_assert_true (grel_backend_get_kind (memory) == GREL_TYPE_LOCK_BACKEND);
  g_assert_true (grel_backend_get_kind (bare) == GREL_TYPE_LOCK_BACKEND);
  g_assert_true (grel_backend_get_kind (fixture->backend) == GREL_TEST_TYPE_PART);
}

static void
only_some_kinds_must_be_shared (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (grel_backend_kind_get_required_scope (GREL_TYPE_LOCK_BACKEND), ==,
                   GREL_SCOPE_CLUSTER);
  g_assert_cmpint (grel_backend_kind_get_required_scope (GREL_TEST_TYPE_PART), ==,
                   GREL_SCOPE_UNDECLARED);
}

static void
what_a_class_leaves_out_has_a_default (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) bare = g_object_new (TYPE_BARE, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (grel_backend_get_scope (bare), ==, GREL_SCOPE_UNDECLARED);
  grel_test_backend_open (bare, &error);
  g_assert_no_error (error);
  g_assert_true (grel_backend_get_is_open (bare));
  grel_test_backend_close (bare, &error);
  g_assert_no_error (error);
}

static void
what_a_class_must_not_leave_out_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) bare = g_object_new (TYPE_BARE, NULL);
  g_autoptr (GrelLock) lock = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", bare, NULL);
  g_autoptr (GError) error = NULL;

  grel_test_backend_open (bare, NULL);
  g_assert_null (grel_test_lock_acquire (lock, -1, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "does not implement acquire");
  g_assert_false (grel_test_lock_is_locked (lock, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "cart", "does not implement is_locked");
  grel_test_backend_close (bare, NULL);
}

static void
expect_missing (GTask *task, GrelTestResult *asked, const char *vfunc)
{
  g_autoptr (GError) error = NULL;

  grel_test_result_wait (asked);
  g_task_propagate_int (task, &error);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "does not implement", vfunc);
}

static void
each_function_says_which_one_is_missing (Fixture *fixture, gconstpointer data)
{
  static const char *const vfuncs[] = { "acquire", "extend", "release", "is_locked", "is_owned" };
  g_autoptr (GrelLockBackend) bare = g_object_new (TYPE_BARE, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (vfuncs); i++)
    {
      g_auto (GrelTestResult) asked = { NULL };
      g_autoptr (GTask) task = g_task_new (bare, NULL, grel_test_result_ready, &asked);

      switch (i)
        {
        case 0:
          grel_lock_backend_acquire (bare, "lock:cart", "token", 1, task);
          break;
        case 1:
          grel_lock_backend_extend (bare, "lock:cart", "token", 1, task);
          break;
        case 2:
          grel_lock_backend_release (bare, "lock:cart", "token", task);
          break;
        case 3:
          grel_lock_backend_is_locked (bare, "lock:cart", task);
          break;
        default:
          grel_lock_backend_is_owned (bare, "lock:cart", "token", task);
        }
      expect_missing (task, &asked, vfuncs[i]);
    }
}

#define RULE(name) g_test_add ("/backend/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (it_opens_and_closes);
  RULE (it_opens_again);
  RULE (open_it_is_not_opened_again);
  RULE (while_it_opens_it_is_not_opened_again);
  RULE (before_it_is_open_it_is_not_closed);
  RULE (closed_it_is_not_closed_again);
  RULE (while_it_closes_it_is_neither_closed_nor_opened);
  RULE (it_captures_the_context_of_who_opens_it);
  RULE (opened_again_it_captures_anew);
  RULE (it_works_in_the_context_it_captured);
  RULE (it_closes_there_whoever_closes_it);
  RULE (open_it_lives_until_it_is_closed);
  RULE (an_opening_that_fails_leaves_it_as_it_was);
  RULE (an_opening_that_hangs_fails_at_the_deadline);
  RULE (what_opens_too_late_is_closed_again);
  RULE (what_fails_too_late_is_not_closed);
  RULE (what_opens_too_late_does_not_close_what_was_opened_since);
  RULE (an_opening_that_drops_its_task_fails);
  RULE (a_closing_that_fails_closes_all_the_same);
  RULE (a_closing_that_drops_its_task_closes_all_the_same);
  RULE (a_closing_that_hangs_fails_at_the_deadline);
  RULE (cancelled_in_advance_it_does_not_open);
  RULE (a_cancellation_stops_the_waiting_but_not_the_closing);
  RULE (a_thread_may_close_it);
  RULE (a_thread_is_told_why_it_cannot_close_it);
  RULE (a_thread_is_told_how_the_closing_failed);
  RULE (the_thread_of_the_loop_must_not_wait_for_itself);
  RULE (a_thread_does_not_wait_for_a_loop_that_nobody_runs);
  RULE (the_clock_is_the_real_one_unless_it_is_set);
  RULE (the_clock_stays_while_it_is_open);
  RULE (opening_and_closing_are_notified);
  RULE (its_properties_are_those_of_the_functions);
  RULE (without_patience_it_does_not_open);
  RULE (its_scope_is_what_its_class_says);
  RULE (its_kind_is_the_abstract_class);
  RULE (only_some_kinds_must_be_shared);
  RULE (what_a_class_leaves_out_has_a_default);
  RULE (what_a_class_must_not_leave_out_is_an_error);
  RULE (each_function_says_which_one_is_missing);
  return g_test_run ();
}
