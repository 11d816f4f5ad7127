/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"
#include "grel-test-race.h"

/* The rules of threads where a circuit breaker goes ways of its own. */

#define KEY "cb:payment"
#define SHORT_PATIENCE (100 * G_TIME_SPAN_MILLISECOND)

/* A circuit breaker whose backend works on a loop of its own. */
typedef struct
{
  GrelTestLoop *loop;
  GrelTestCircuitStore *store; /* NULL in memory */
  GrelTestDesk *desk;          /* likewise */
  GrelBackend *backend;
  GrelCircuitBreaker *breaker;
} Fixture;

static void
fixture_init (Fixture *self, gpointer backend)
{
  self->loop = grel_test_loop_new ();
  self->backend = backend;
  self->breaker
    = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment", "backend", backend, NULL);
  grel_backend_set_patience (self->backend, SHORT_PATIENCE);
  grel_test_loop_open_backend (self->loop, self->backend);
}

static void
set_up_memory (Fixture *self, gconstpointer data)
{
  fixture_init (self, grel_memory_circuit_breaker_adapter_new ());
}

static void
set_up_store (Fixture *self, gconstpointer data)
{
  self->store = grel_test_circuit_store_new ();
  self->desk = grel_test_circuit_store_get_desk (self->store);
  fixture_init (self, self->store);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  if (self->loop->thread != NULL && grel_backend_get_is_open (self->backend))
    grel_backend_close_from_thread (self->backend, NULL, NULL);
  grel_test_loop_free (self->loop);
  if (self->desk != NULL)
    grel_test_desk_forget (self->desk);
  g_object_unref (self->breaker);
  g_object_unref (self->backend);
}

/* One slot, for a probe. */
static void
make_half_open (Fixture *self)
{
  grel_test_circuit_store_set_state_behind (self->store, KEY, GREL_CIRCUIT_STATE_HALF_OPEN, 0);
}

static gboolean
slot_is_free (gpointer data)
{
  Fixture *fixture = data;
  const GrelCircuitSettings settings = { 1, 1, 1, G_TIME_SPAN_HOUR };

  return grel_test_circuit_store_admit_behind (fixture->store, KEY, &settings) > 0;
}

static gboolean
desk_has_one_that_hangs (gpointer desk)
{
  return grel_test_desk_get_n_hanging (desk) == 1;
}

static gboolean
desk_has_two_that_hang (gpointer desk)
{
  return grel_test_desk_get_n_hanging (desk) == 2;
}

static void
answer_all (gpointer desk, gpointer unused)
{
  grel_test_desk_set_mood (desk, GREL_TEST_STORE_ANSWERS);
  grel_test_desk_answer (desk);
}

/* A thread that wants a permit, or is done with one. */
typedef struct
{
  GrelCircuitBreaker *breaker;
  GrelPermit *permit;
  GCancellable *cancellable;
  GError *error;
} Worker;

static gpointer
worker_acquire (gpointer data)
{
  Worker *self = data;

  self->permit
    = grel_circuit_breaker_acquire_from_thread (self->breaker, self->cancellable, &self->error);
  return NULL;
}

static gpointer
worker_succeed (gpointer data)
{
  Worker *self = data;

  grel_permit_succeed_from_thread (self->permit, self->cancellable, &self->error);
  return NULL;
}

static void
t7_a_cancel_wakes_the_thread_and_no_slot_stays_taken (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Worker worker = { .breaker = fixture->breaker, .cancellable = cancellable };
  GThread *thread;

  make_half_open (fixture);
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_HANGS);
  thread = g_thread_new ("worker", worker_acquire, &worker);
  grel_test_wait_for (desk_has_one_that_hangs, fixture->desk);
  g_cancellable_cancel (cancellable);
  g_thread_join (thread);
  g_assert_null (worker.permit);
  g_assert_error (worker.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&worker.error);

  grel_test_loop_call (fixture->loop, answer_all, fixture->desk);
  grel_test_wait_for (slot_is_free, fixture);
}

static void
close_backend (GCancellable *cancellable, GrelBackend *backend)
{
  grel_backend_close_async (backend, NULL, NULL, NULL);
}

static void
t7_a_cancelled_handler_may_close_the_backend (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_connect (cancellable, G_CALLBACK (close_backend), fixture->backend, NULL);
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_HANGS);
  grel_circuit_breaker_acquire_async (fixture->breaker, cancellable, grel_test_result_ready,
                                      &acquired);
  g_cancellable_cancel (cancellable);
  g_assert_null (grel_circuit_breaker_acquire_finish (fixture->breaker,
                                                      grel_test_result_wait (&acquired), &error));
  g_assert_true (g_error_matches (error, GREL_ERROR, GREL_ERROR_CLOSED)
                 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_assert_cmpuint (acquired.n_calls, ==, 1);
}

/* One thread waits to be admitted, another for its outcome to be recorded. */
static void
t8_a_close_ends_every_call_at_once (Fixture *fixture, gconstpointer data)
{
  Worker acquiring = { .breaker = fixture->breaker };
  Worker completing = { .breaker = fixture->breaker };
  GThread *threads[2];

  worker_acquire (&completing);
  g_assert_nonnull (completing.permit);
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_HANGS);
  threads[0] = g_thread_new ("worker", worker_acquire, &acquiring);
  threads[1] = g_thread_new ("worker", worker_succeed, &completing);
  grel_test_wait_for (desk_has_two_that_hang, fixture->desk);
  g_assert_true (grel_backend_close_from_thread (fixture->backend, NULL, NULL));
  g_thread_join (threads[0]);
  g_thread_join (threads[1]);
  grel_test_assert_error (acquiring.error, GREL_ERROR_CLOSED, "payment");
  grel_test_assert_error (completing.error, GREL_ERROR_CLOSED, "payment");
  g_object_unref (completing.permit);
}

static void
t8_permits_end_with_the_backend_also_on_a_dead_loop (Fixture *fixture, gconstpointer data)
{
  Worker worker = { .breaker = fixture->breaker };

  worker_acquire (&worker);
  g_assert_nonnull (worker.permit);
  grel_test_loop_stop (fixture->loop);
  grel_backend_close_async (fixture->backend, NULL, NULL, NULL);
  worker_succeed (&worker);
  grel_test_assert_error (worker.error, GREL_ERROR_CLOSED, "payment");
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker, "active-calls"), ==, 0);
  g_object_unref (worker.permit);

  /* Who runs the context again finishes the closing. */
  while (g_main_context_iteration (fixture->loop->context, FALSE))
    ;
}

static void
t12_an_immediate_answer_needs_no_loop (Fixture *fixture, gconstpointer data)
{
  Worker worker = { .breaker = fixture->breaker };

  grel_test_loop_stop (fixture->loop);
  for (int i = 0; i < 100; i++)
    {
      worker_acquire (&worker);
      g_assert_no_error (worker.error);
      worker_succeed (&worker);
      g_assert_no_error (worker.error);
      g_clear_object (&worker.permit);
    }
  g_assert_true (grel_circuit_breaker_isolate_from_thread (fixture->breaker, NULL, NULL));
  worker_acquire (&worker);
  grel_test_assert_error (worker.error, GREL_ERROR_CIRCUIT_OPEN, "payment");
}

static gboolean
must_not_run (GCancellable *cancellable, gpointer data, GError **error)
{
  g_assert_not_reached ();
  return TRUE;
}

static void
expect_deadlock (gpointer data, gpointer unused)
{
  Worker *worker = data;
  GError *error = NULL;

  g_assert_null (grel_circuit_breaker_acquire_from_thread (worker->breaker, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "payment", "async");
  g_assert_false (
    grel_circuit_breaker_run_from_thread (worker->breaker, must_not_run, NULL, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "payment", "async");
  g_assert_false (grel_circuit_breaker_isolate_from_thread (worker->breaker, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "payment", "async");
  g_assert_false (grel_circuit_breaker_reset_from_thread (worker->breaker, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "payment", "async");
  g_assert_false (grel_permit_succeed_from_thread (worker->permit, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "payment", "async");
}

static void
t12_the_rules_are_checked_before_an_immediate_answer (Fixture *fixture, gconstpointer data)
{
  Worker worker = { .breaker = fixture->breaker };

  worker_acquire (&worker);
  grel_test_loop_call (fixture->loop, expect_deadlock, &worker);
  worker_succeed (&worker); /* which it may still be */
  g_assert_no_error (worker.error);
  g_object_unref (worker.permit);
}

static void
t13_a_permit_may_be_finalized_on_any_thread (Fixture *fixture, gconstpointer data)
{
  Worker worker = { .breaker = fixture->breaker };

  make_half_open (fixture);
  worker_acquire (&worker);
  g_assert_nonnull (worker.permit);
  g_assert_false (slot_is_free (fixture));
  grel_test_drop_elsewhere (worker.permit);
  grel_test_wait_for (slot_is_free, fixture);
  g_assert_true (fixture->desk->asked_on == fixture->loop->thread);
}

/* Where an operation was started, and where its closure was freed. */
typedef struct
{
  GThread *started_on;
  GMainContext *started_within;
  GThread *freed_on;
} Place;

static void
start_here (GTask *task, gpointer data)
{
  Place *self = data;

  self->started_on = g_thread_self ();
  self->started_within = g_main_context_get_thread_default ();
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "The dependency failed");
}

static void
free_here (gpointer data)
{
  ((Place *) data)->freed_on = g_thread_self ();
}

static void
t13_an_operation_starts_and_ends_with_the_caller (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_auto (GrelTestResult) ran = { NULL };
  g_autoptr (GError) error = NULL;
  Place place = { NULL };
  GrelOperation *operation = grel_operation_new (start_here, &place, free_here);

  grel_circuit_breaker_run_async (fixture->breaker, operation, NULL, grel_test_result_ready, &ran);
  g_object_unref (operation);
  g_assert_null (
    grel_circuit_breaker_run_finish (fixture->breaker, grel_test_result_wait (&ran), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_true (ran.context == context);
  g_assert_true (place.started_on == g_thread_self ());
  g_assert_true (place.started_within == context);
  grel_test_result_clear (&ran);
  grel_test_settle ();
  g_assert_true (place.freed_on == g_thread_self ());
}

static gboolean
ask_where_it_may_not (GCancellable *cancellable, gpointer data, GError **error)
{
  g_autoptr (GrelCircuitBreaker) inner = grel_circuit_breaker_new ("inner");
  g_autoptr (GrelApp) app = grel_app_new ();

  grel_circuit_breaker_set_app (inner, app);
  g_assert_null (grel_circuit_breaker_acquire_from_thread (inner, NULL, error));
  return FALSE;
}

static void
t14_an_error_of_the_thread_rules_counts_nowhere (Fixture *fixture, gconstpointer data)
{
  grel_circuit_breaker_set_error_threshold (fixture->breaker, 1);
  for (int i = 0; i < 5; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (grel_circuit_breaker_run_from_thread (fixture->breaker, ask_where_it_may_not,
                                                            NULL, NULL, &error));
      grel_test_assert_error (error, GREL_ERROR_NOT_OPEN, "inner");
    }
  g_assert_cmpint (grel_circuit_breaker_get_state (fixture->breaker), ==,
                   GREL_CIRCUIT_STATE_CLOSED);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker, "errors"), ==, 0);
}

static const struct
{
  const char *path;
  void (*check) (Fixture *fixture, gconstpointer data);
  gboolean in_memory;
} tests[] = {
  { "t7-a-cancel-wakes-the-thread", t7_a_cancel_wakes_the_thread_and_no_slot_stays_taken, FALSE },
  { "t7-a-cancelled-handler-may-close", t7_a_cancelled_handler_may_close_the_backend, FALSE },
  { "t8-a-close-ends-every-call", t8_a_close_ends_every_call_at_once, FALSE },
  { "t8-permits-end-on-a-dead-loop", t8_permits_end_with_the_backend_also_on_a_dead_loop, FALSE },
  { "t12-an-immediate-answer-needs-no-loop", t12_an_immediate_answer_needs_no_loop, TRUE },
  { "t12-the-rules-come-first", t12_the_rules_are_checked_before_an_immediate_answer, TRUE },
  { "t13-a-permit-may-be-finalized-anywhere", t13_a_permit_may_be_finalized_on_any_thread, FALSE },
  { "t13-an-operation-is-the-callers", t13_an_operation_starts_and_ends_with_the_caller, FALSE },
  { "t14-counts-nowhere", t14_an_error_of_the_thread_rules_counts_nowhere, FALSE },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/circuit-threads/", tests[i].path, NULL);

      g_test_add (path, Fixture, NULL, tests[i].in_memory ? set_up_memory : set_up_store,
                  tests[i].check, tear_down);
    }
  return g_test_run ();
}
