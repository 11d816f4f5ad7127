/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-provider.h"

#include <string.h>

#define REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)
#define N_PARTS 3

/* An app on a context of the test's own and a clock that stands still, with three parts. */
typedef struct
{
  GMainContext *context;
  GrelVirtualClock *clock;
  GString *journal;
  GrelTestPart *parts[N_PARTS]; /* a, b, c */
  GrelApp *app;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const char *const labels[] = { "a", "b", "c" };

  fixture->context = g_main_context_new ();
  g_main_context_push_thread_default (fixture->context);
  fixture->clock = grel_virtual_clock_new ();
  fixture->journal = g_string_new (NULL);
  fixture->app = grel_app_new ();
  grel_app_set_clock (fixture->app, GREL_CLOCK (fixture->clock));
  for (int i = 0; i < N_PARTS; i++)
    {
      fixture->parts[i] = grel_test_part_new (labels[i], fixture->journal);
      grel_app_use (fixture->app, G_OBJECT (fixture->parts[i]), labels[i], NULL);
    }
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (fixture->app != NULL && grel_app_get_is_open (fixture->app))
    grel_test_app_close (fixture->app, NULL);
  for (int i = 0; i < N_PARTS; i++)
    {
      grel_test_part_forget (fixture->parts[i]);
      g_object_unref (fixture->parts[i]);
    }
  g_clear_object (&fixture->app);
  g_object_unref (fixture->clock);
  g_string_free (fixture->journal, TRUE);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

static void
expect_journal (Fixture *fixture, const char *expected)
{
  g_assert_cmpstr (fixture->journal->str, ==, expected);
  g_string_truncate (fixture->journal, 0);
}

static void
open_well (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_app_open (fixture->app, &error));
  g_assert_no_error (error);
  g_assert_true (grel_app_get_is_open (fixture->app));
}

static void
close_well (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_app_close (fixture->app, &error));
  g_assert_no_error (error);
  g_assert_false (grel_app_get_is_open (fixture->app));
}

static void
expect_open_error (Fixture *fixture, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_app_open (fixture->app, &error));
  grel_test_assert_error (error, code, word);
}

static void
expect_close_error (Fixture *fixture, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_test_app_close (fixture->app, &error));
  grel_test_assert_error (error, code, word);
}

static void
expect_all_closed (Fixture *fixture)
{
  g_assert_false (grel_app_get_is_open (fixture->app));
  for (int i = 0; i < N_PARTS; i++)
    g_assert_false (grel_backend_get_is_open (GREL_BACKEND (fixture->parts[i])));
}

static void
it_opens_in_order_and_closes_in_reverse (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  expect_journal (fixture, "+a +b +c");
  close_well (fixture);
  expect_journal (fixture, "-c -b -a");
  expect_all_closed (fixture);
}

static void
it_waits_for_each_before_the_next (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) opened = { NULL };
  g_auto (GrelTestResult) closed = { NULL };

  grel_test_part_set_open_mood (fixture->parts[1], GREL_TEST_PART_HANGS);
  grel_test_part_set_close_mood (fixture->parts[1], GREL_TEST_PART_HANGS);
  grel_app_open_async (fixture->app, NULL, grel_test_result_ready, &opened);
  grel_test_settle ();
  expect_journal (fixture, "+a +b");
  g_assert_false (grel_app_get_is_open (fixture->app));
  grel_test_part_answer (fixture->parts[1]);
  grel_test_result_wait (&opened);
  expect_journal (fixture, "+c");

  grel_app_close_async (fixture->app, NULL, grel_test_result_ready, &closed);
  grel_test_settle ();
  expect_journal (fixture, "-c -b");
  grel_test_part_answer (fixture->parts[1]);
  grel_test_result_wait (&closed);
  expect_journal (fixture, "-a");
}

static void
what_fails_to_open_lets_those_before_it_close (Fixture *fixture, gconstpointer data)
{
  static const char *const journals[] = { "+a", "+a +b -a", "+a +b +c -b -a" };

  for (int i = 0; i < N_PARTS; i++)
    {
      grel_test_part_set_open_mood (fixture->parts[i], GREL_TEST_PART_FAILS);
      expect_open_error (fixture, GREL_ERROR_BACKEND, " is down");
      expect_journal (fixture, journals[i]);
      expect_all_closed (fixture);
      grel_test_part_set_open_mood (fixture->parts[i], GREL_TEST_PART_ANSWERS);
    }
  open_well (fixture);
  expect_journal (fixture, "+a +b +c");
}

static void
what_hangs_when_it_opens_fails_at_the_deadline (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) opened = { NULL };
  g_autoptr (GError) error = NULL;

  grel_test_part_set_open_mood (fixture->parts[2], GREL_TEST_PART_HANGS);
  grel_app_open_async (fixture->app, NULL, grel_test_result_ready, &opened);
  grel_test_settle ();
  grel_test_pass_time (fixture->clock, REQUEST_TIMEOUT - 1);
  g_assert_false (opened.is_done);
  grel_test_pass_time (fixture->clock, 1);
  g_assert_true (opened.is_done);
  grel_app_open_finish (fixture->app, opened.result, &error);
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "GrelTestPart", "10 s");
  expect_journal (fixture, "+a +b +c -b -a");
  expect_all_closed (fixture);
}

static void
what_fails_to_close_then_hides_neither_the_error_nor_the_rest (Fixture *fixture, gconstpointer data)
{
  grel_test_part_set_open_mood (fixture->parts[2], GREL_TEST_PART_FAILS);
  grel_test_part_set_close_mood (fixture->parts[1], GREL_TEST_PART_FAILS);
  expect_open_error (fixture, GREL_ERROR_BACKEND, "c is down");
  expect_journal (fixture, "+a +b +c -b -a");
  expect_all_closed (fixture);
}

static void
it_opens_again (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 3; i++)
    {
      open_well (fixture);
      close_well (fixture);
      expect_journal (fixture, "+a +b +c -c -b -a");
    }
}

static void
it_opens_again_after_it_failed (Fixture *fixture, gconstpointer data)
{
  grel_test_part_set_open_mood (fixture->parts[1], GREL_TEST_PART_FAILS);
  expect_open_error (fixture, GREL_ERROR_BACKEND, "b is down");
  grel_test_part_set_open_mood (fixture->parts[1], GREL_TEST_PART_ANSWERS);
  open_well (fixture);
  expect_journal (fixture, "+a +b -a +a +b +c");
}

static void
open_it_is_not_opened_again (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  expect_open_error (fixture, GREL_ERROR_SETTINGS, "open already");
  g_assert_true (grel_app_get_is_open (fixture->app));
  expect_journal (fixture, "+a +b +c");
}

static void
while_it_opens_it_is_neither_opened_nor_closed (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) opened = { NULL };

  grel_test_part_set_open_mood (fixture->parts[1], GREL_TEST_PART_HANGS);
  grel_app_open_async (fixture->app, NULL, grel_test_result_ready, &opened);
  grel_test_settle ();
  expect_open_error (fixture, GREL_ERROR_SETTINGS, "about to be");
  expect_close_error (fixture, GREL_ERROR_NOT_OPEN, "not open yet");
  grel_test_part_answer (fixture->parts[1]);
  grel_test_result_wait (&opened);
  expect_journal (fixture, "+a +b +c");
}

static void
before_it_is_open_it_is_not_closed (Fixture *fixture, gconstpointer data)
{
  expect_close_error (fixture, GREL_ERROR_NOT_OPEN, "app");
  expect_journal (fixture, "");
}

static void
closed_it_is_not_closed_again (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  close_well (fixture);
  expect_close_error (fixture, GREL_ERROR_CLOSED, "app");
  expect_journal (fixture, "+a +b +c -c -b -a");
}

static void
who_fails_to_close_keeps_nobody_from_closing (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  grel_test_part_set_close_mood (fixture->parts[0], GREL_TEST_PART_DROPS);
  grel_test_part_set_close_mood (fixture->parts[1], GREL_TEST_PART_FAILS);
  expect_close_error (fixture, GREL_ERROR_BACKEND, "b is down");
  expect_journal (fixture, "+a +b +c -c -b -a");
  expect_all_closed (fixture);

  grel_test_part_set_close_mood (fixture->parts[0], GREL_TEST_PART_ANSWERS);
  grel_test_part_set_close_mood (fixture->parts[1], GREL_TEST_PART_ANSWERS);
  open_well (fixture);
}

static void
everything_is_over_before_the_first_is_closed (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) closed = { NULL };

  open_well (fixture);
  grel_app_close_async (fixture->app, NULL, grel_test_result_ready, &closed);
  expect_all_closed (fixture);
  expect_journal (fixture, "+a +b +c");
  grel_test_result_wait (&closed);
}

static void
what_was_closed_behind_its_back_is_left_alone (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  grel_test_backend_close (GREL_BACKEND (fixture->parts[1]), NULL);
  close_well (fixture);
  expect_journal (fixture, "+a +b +c -b -c -a");
  open_well (fixture);
  expect_journal (fixture, "+a +b +c");
}

static void
what_another_has_opened_is_not_opened_or_closed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) other = grel_app_new ();
  g_autoptr (GError) error = NULL;

  grel_app_use (other, G_OBJECT (fixture->parts[1]), NULL, NULL);
  grel_test_app_open (other, NULL);
  expect_journal (fixture, "+b");
  expect_open_error (fixture, GREL_ERROR_SETTINGS, "open already");
  expect_journal (fixture, "+a -a");
  g_assert_true (grel_backend_get_is_open (GREL_BACKEND (fixture->parts[1])));
  grel_test_app_close (other, &error);
  g_assert_no_error (error);
}

static void
cancelled_in_advance_it_does_not_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) opened = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  grel_app_open_async (fixture->app, cancellable, grel_test_result_ready, &opened);
  grel_app_open_finish (fixture->app, grel_test_result_wait (&opened), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  expect_journal (fixture, "");
  open_well (fixture);
}

static void
a_cancellation_stops_the_waiting_but_not_the_closing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) closed = { NULL };
  g_autoptr (GError) error = NULL;

  open_well (fixture);
  grel_test_part_set_close_mood (fixture->parts[2], GREL_TEST_PART_HANGS);
  grel_app_close_async (fixture->app, cancellable, grel_test_result_ready, &closed);
  grel_test_settle ();
  g_cancellable_cancel (cancellable);
  grel_app_close_finish (fixture->app, grel_test_result_wait (&closed), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  grel_test_part_answer (fixture->parts[2]);
  grel_test_settle ();
  expect_journal (fixture, "+a +b +c -c -b -a");
  expect_all_closed (fixture);
}

static void
open_it_lives_until_it_is_closed (Fixture *fixture, gconstpointer data)
{
  gpointer alive = fixture->app;
  GrelApp *app;

  open_well (fixture);
  g_object_add_weak_pointer (alive, &alive);
  g_clear_object (&fixture->app);
  g_assert_nonnull (alive);

  app = grel_app_dup_default ();
  g_assert_true (app == alive);
  grel_test_app_close (app, NULL);
  g_object_unref (app);
  grel_test_settle ();
  g_assert_null (alive);
}

/* Runs on the loop of a test of run (). */
typedef struct
{
  Fixture *fixture;
  GMainLoop *loop;
  gboolean was_open;
  gboolean had_our_context;
  void (*then) (Fixture *fixture, GrelTestResult *closed);
  GrelTestResult closed;
} Visit;

static gboolean
visit (gpointer data)
{
  Visit *self = data;
  g_autoptr (GMainContext) captured
    = grel_backend_ref_main_context (GREL_BACKEND (self->fixture->parts[0]));

  self->was_open = grel_app_get_is_open (self->fixture->app);
  self->had_our_context = captured == g_main_loop_get_context (self->loop);
  if (self->then != NULL)
    self->then (self->fixture, &self->closed);
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
run_and_visit (Visit *self, GMainContext *context, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr (GSource) source = g_idle_source_new ();

  self->loop = loop;
  g_source_set_callback (source, visit, self, NULL);
  g_source_attach (source, context);
  return grel_app_run (self->fixture->app, loop, error);
}

static void
run_opens_it_on_the_loop_and_closes_it_after (Fixture *fixture, gconstpointer data)
{
  GMainContext *contexts[] = { fixture->context, g_main_context_new (), g_main_context_default () };

  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++)
    {
      Visit visitor = { .fixture = fixture };
      g_autoptr (GError) error = NULL;

      g_assert_true (run_and_visit (&visitor, contexts[i], &error));
      g_assert_no_error (error);
      g_assert_true (visitor.was_open);
      g_assert_true (visitor.had_our_context);
      expect_journal (fixture, "+a +b +c -c -b -a");
      expect_all_closed (fixture);
    }
  g_main_context_unref (contexts[1]);
}

static void
run_does_not_run_what_does_not_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (fixture->context, FALSE);
  g_autoptr (GError) error = NULL;

  grel_test_part_set_open_mood (fixture->parts[0], GREL_TEST_PART_FAILS);
  g_assert_false (grel_app_run (fixture->app, loop, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "a is down");
}

static void
run_says_what_fails_to_close (Fixture *fixture, gconstpointer data)
{
  Visit visitor = { .fixture = fixture };
  g_autoptr (GError) error = NULL;

  grel_test_part_set_close_mood (fixture->parts[1], GREL_TEST_PART_FAILS);
  g_assert_false (run_and_visit (&visitor, fixture->context, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "b is down");
  expect_all_closed (fixture);
}

static void
close_and_wait (Fixture *fixture, GrelTestResult *closed)
{
  close_well (fixture);
}

static void
run_lets_the_program_close_it (Fixture *fixture, gconstpointer data)
{
  Visit visitor = { .fixture = fixture, .then = close_and_wait };
  g_autoptr (GError) error = NULL;

  g_assert_true (run_and_visit (&visitor, fixture->context, &error));
  g_assert_no_error (error);
  expect_journal (fixture, "+a +b +c -c -b -a");
}

static void
start_to_close (Fixture *fixture, GrelTestResult *closed)
{
  grel_app_close_async (fixture->app, NULL, grel_test_result_ready, closed);
}

static void
run_waits_until_the_program_has_closed_it (Fixture *fixture, gconstpointer data)
{
  Visit visitor = { .fixture = fixture, .then = start_to_close };
  g_autoptr (GError) error = NULL;

  g_assert_true (run_and_visit (&visitor, fixture->context, &error));
  g_assert_no_error (error);
  expect_journal (fixture, "+a +b +c -c -b -a");
  grel_test_result_wait (&visitor.closed);
  grel_test_result_clear (&visitor.closed);
}

static void
drop_the_app (Fixture *fixture, GrelTestResult *closed)
{
  g_clear_object (&fixture->app);
}

static void
run_keeps_it_alive (Fixture *fixture, gconstpointer data)
{
  Visit visitor = { .fixture = fixture, .then = drop_the_app };
  gpointer alive = fixture->app;
  g_autoptr (GError) error = NULL;

  g_object_add_weak_pointer (alive, &alive);
  g_assert_true (run_and_visit (&visitor, fixture->context, &error));
  g_assert_no_error (error);
  grel_test_settle ();
  g_assert_null (alive);
  expect_journal (fixture, "+a +b +c -c -b -a");
}

static void
activated (GApplication *application, Fixture *fixture)
{
  g_string_append (fixture->journal,
                   grel_app_get_is_open (fixture->app) ? " activated" : " activated-closed");
}

/* An application runs on the default context. */
static void
run_application (Fixture *fixture, GApplication *application)
{
  g_main_context_pop_thread_default (fixture->context);
  g_signal_connect (application, "activate", G_CALLBACK (activated), fixture);
  g_assert_cmpint (g_application_run (application, 0, NULL), ==, 0);
  g_main_context_push_thread_default (fixture->context);
}

static void
attached_it_is_open_while_the_application_is_active (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);

  grel_app_attach (fixture->app, application);
  expect_journal (fixture, "");
  run_application (fixture, application);
  expect_journal (fixture, "+a +b +c activated -c -b -a");
  expect_all_closed (fixture);
}

static void
attached_it_lives_as_long_as_the_application (Fixture *fixture, gconstpointer data)
{
  GApplication *application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);
  gpointer alive = fixture->app;

  g_object_add_weak_pointer (alive, &alive);
  grel_app_attach (fixture->app, application);
  g_clear_object (&fixture->app);
  g_assert_nonnull (alive);
  g_object_unref (application);
  g_assert_null (alive);
}

static void
close_when_activated (GApplication *application, Fixture *fixture)
{
  close_well (fixture);
}

static void
attached_it_may_be_closed_by_the_program (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);

  grel_app_attach (fixture->app, application);
  g_signal_connect_after (application, "activate", G_CALLBACK (close_when_activated), fixture);
  run_application (fixture, application);
  expect_journal (fixture, "+a +b +c activated -c -b -a");
}

static GString *warnings = NULL; /* not NULL: collects them */

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (warnings == NULL || level != G_LOG_LEVEL_WARNING)
    return g_log_writer_default (level, fields, n_fields, data);

  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      g_string_append_printf (warnings, "%s\n", (const char *) fields[i].value);
  return G_LOG_WRITER_HANDLED;
}

static void
attached_it_warns_when_it_does_not_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);

  grel_test_part_set_open_mood (fixture->parts[1], GREL_TEST_PART_FAILS);
  grel_app_attach (fixture->app, application);
  warnings = g_string_new (NULL);
  run_application (fixture, application);
  g_assert_nonnull (strstr (warnings->str, "app: could not open at startup: "));
  g_assert_nonnull (strstr (warnings->str, "b is down"));
  g_assert_null (strstr (warnings->str, "shutdown"));
  g_string_free (g_steal_pointer (&warnings), TRUE);
  expect_journal (fixture, "+a +b -a activated-closed");
}

static void
attached_it_warns_when_it_does_not_close (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);

  grel_test_part_set_close_mood (fixture->parts[1], GREL_TEST_PART_FAILS);
  grel_app_attach (fixture->app, application);
  warnings = g_string_new (NULL);
  run_application (fixture, application);
  g_assert_nonnull (strstr (warnings->str, "app: could not close at shutdown: "));
  g_string_free (g_steal_pointer (&warnings), TRUE);
  expect_all_closed (fixture);
}

static void
open_in_thread (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_app_open_in_thread (fixture->app, &error));
  g_assert_no_error (error);
  g_assert_true (grel_app_get_is_open (fixture->app));
}

static void
close_from_thread (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_app_close_from_thread (fixture->app, NULL, &error));
  g_assert_no_error (error);
}

static void
in_a_thread_of_its_own_it_needs_no_loop (Fixture *fixture, gconstpointer data)
{
  g_main_context_pop_thread_default (fixture->context);
  open_in_thread (fixture);
  g_assert_true (grel_test_part_get_asked_on (fixture->parts[0]) != g_thread_self ());
  g_assert_true (grel_test_part_get_asked_on (fixture->parts[0])
                 == grel_test_part_get_asked_on (fixture->parts[2]));
  close_from_thread (fixture);
  expect_journal (fixture, "+a +b +c -c -b -a");
  expect_all_closed (fixture);
  g_main_context_push_thread_default (fixture->context);
}

static void
closed_from_a_thread_its_own_thread_has_ended (Fixture *fixture, gconstpointer data)
{
  gpointer alive = fixture->app;

  open_in_thread (fixture);
  g_object_add_weak_pointer (alive, &alive);
  close_from_thread (fixture);
  g_clear_object (&fixture->app);
  g_assert_null (alive);
}

static void
in_a_thread_of_its_own_it_opens_again (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 3; i++)
    {
      open_in_thread (fixture);
      close_from_thread (fixture);
      expect_journal (fixture, "+a +b +c -c -b -a");
    }
  open_well (fixture);
}

static void
what_does_not_open_in_a_thread_says_why (Fixture *fixture, gconstpointer data)
{
  gpointer alive = fixture->app;
  g_autoptr (GError) error = NULL;

  grel_test_part_set_open_mood (fixture->parts[1], GREL_TEST_PART_FAILS);
  g_assert_false (grel_app_open_in_thread (fixture->app, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "b is down");
  expect_journal (fixture, "+a +b -a");
  expect_all_closed (fixture);

  g_object_add_weak_pointer (alive, &alive);
  g_clear_object (&fixture->app);
  g_assert_null (alive);
}

static void
open_in_a_thread_it_is_not_opened_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  open_in_thread (fixture);
  g_assert_false (grel_app_open_in_thread (fixture->app, &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "open already");
  expect_open_error (fixture, GREL_ERROR_SETTINGS, "open already");
  close_from_thread (fixture);
}

static void
in_a_thread_it_may_be_closed_with_a_callback_too (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 2; i++)
    {
      open_in_thread (fixture);
      close_well (fixture);
      expect_journal (fixture, "+a +b +c -c -b -a");
    }
  open_in_thread (fixture);
  close_from_thread (fixture);
}

static void
a_worker_may_close_what_the_loop_opened (Fixture *fixture, gconstpointer data)
{
  open_well (fixture);
  grel_test_in_thread ((GFunc) (GCallback) close_from_thread, fixture);
  expect_journal (fixture, "+a +b +c -c -b -a");
  g_assert_true (grel_test_part_get_asked_on (fixture->parts[0]) == g_thread_self ());
}

static void
a_worker_is_told_what_fails_to_close (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  open_in_thread (fixture);
  grel_test_part_set_close_mood (fixture->parts[1], GREL_TEST_PART_FAILS);
  g_assert_false (grel_app_close_from_thread (fixture->app, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "b is down");
  expect_journal (fixture, "+a +b +c -c -b -a");
}

static void
a_worker_is_told_why_it_cannot_close_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (grel_app_close_from_thread (fixture->app, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OPEN, "app");
  open_well (fixture);
  g_assert_false (grel_app_close_from_thread (fixture->app, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "app");
  g_assert_true (grel_app_get_is_open (fixture->app));
  close_well (fixture);
  g_assert_false (grel_app_close_from_thread (fixture->app, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "app");
}

static void
cancel (gpointer cancellable, gpointer unused)
{
  g_cancellable_cancel (cancellable);
}

/* One call of close_from_thread () that somebody cancels. */
typedef struct
{
  GrelApp *app;
  GCancellable *cancellable;
  GError *error;
} Closer;

static gpointer
closer_run (gpointer data)
{
  Closer *self = data;

  grel_app_close_from_thread (self->app, self->cancellable, &self->error);
  return NULL;
}

static gboolean
is_hanging (gpointer part)
{
  return grel_test_part_get_hanging (part) != NULL;
}

static void
answer (gpointer part, gpointer unused)
{
  grel_test_part_answer (part);
}

static void
a_worker_that_stops_waiting_does_not_stop_the_closing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GrelTestLoop) loop = grel_test_loop_new ();
  Closer closer = { fixture->app, cancellable, NULL };
  GThread *thread;

  grel_test_loop_open (loop, fixture->app);
  grel_test_part_set_close_mood (fixture->parts[2], GREL_TEST_PART_HANGS);
  thread = g_thread_new ("closer", closer_run, &closer);
  grel_test_wait_for (is_hanging, fixture->parts[2]);
  cancel (cancellable, NULL);
  g_thread_join (thread);
  g_assert_error (closer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&closer.error);

  grel_test_loop_call (loop, answer, fixture->parts[2]);
  grel_test_loop_stop (loop);
  expect_journal (fixture, "+a +b +c -c -b -a");
  expect_all_closed (fixture);
}

#define RULE(name) g_test_add ("/app/lifecycle/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
  RULE (it_opens_in_order_and_closes_in_reverse);
  RULE (it_waits_for_each_before_the_next);
  RULE (what_fails_to_open_lets_those_before_it_close);
  RULE (what_hangs_when_it_opens_fails_at_the_deadline);
  RULE (what_fails_to_close_then_hides_neither_the_error_nor_the_rest);
  RULE (it_opens_again);
  RULE (it_opens_again_after_it_failed);
  RULE (open_it_is_not_opened_again);
  RULE (while_it_opens_it_is_neither_opened_nor_closed);
  RULE (before_it_is_open_it_is_not_closed);
  RULE (closed_it_is_not_closed_again);
  RULE (who_fails_to_close_keeps_nobody_from_closing);
  RULE (everything_is_over_before_the_first_is_closed);
  RULE (what_was_closed_behind_its_back_is_left_alone);
  RULE (what_another_has_opened_is_not_opened_or_closed);
  RULE (cancelled_in_advance_it_does_not_open);
  RULE (a_cancellation_stops_the_waiting_but_not_the_closing);
  RULE (open_it_lives_until_it_is_closed);
  RULE (run_opens_it_on_the_loop_and_closes_it_after);
  RULE (run_does_not_run_what_does_not_open);
  RULE (run_says_what_fails_to_close);
  RULE (run_lets_the_program_close_it);
  RULE (run_waits_until_the_program_has_closed_it);
  RULE (run_keeps_it_alive);
  RULE (attached_it_is_open_while_the_application_is_active);
  RULE (attached_it_lives_as_long_as_the_application);
  RULE (attached_it_may_be_closed_by_the_program);
  RULE (attached_it_warns_when_it_does_not_open);
  RULE (attached_it_warns_when_it_does_not_close);
  RULE (in_a_thread_of_its_own_it_needs_no_loop);
  RULE (closed_from_a_thread_its_own_thread_has_ended);
  RULE (in_a_thread_of_its_own_it_opens_again);
  RULE (what_does_not_open_in_a_thread_says_why);
  RULE (open_in_a_thread_it_is_not_opened_again);
  RULE (in_a_thread_it_may_be_closed_with_a_callback_too);
  RULE (a_worker_may_close_what_the_loop_opened);
  RULE (a_worker_is_told_what_fails_to_close);
  RULE (a_worker_is_told_why_it_cannot_close_it);
  RULE (a_worker_that_stops_waiting_does_not_stop_the_closing);
  return g_test_run ();
}
