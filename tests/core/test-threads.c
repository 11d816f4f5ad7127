/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/coordination/grel-lock-slot-private.h>
#include <grelmicro/core/grel-hop-private.h>

#include "grel-test-store.h"
#include "grel-test.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT_PATIENCE (100 * G_TIME_SPAN_MILLISECOND)

/* An app on a loop of its own, with a lock in a store that answers in turns of that loop. */
typedef struct
{
  GrelTestLoop *loop;
  GrelApp *app;
  GrelTestStore *store;
  GrelLock *lock;
} Fixture;

static void
fixture_init (Fixture *self, gboolean in_memory)
{
  g_autoptr (GrelMemoryLockAdapter) adapter = grel_memory_lock_adapter_new ();

  self->loop = grel_test_loop_new ();
  self->store = grel_test_store_new ();
  self->app = grel_app_new ();
  grel_app_use (self->app, in_memory ? G_OBJECT (adapter) : G_OBJECT (self->store), NULL, NULL);
  grel_app_set_patience (self->app, SHORT_PATIENCE);
  self->lock = g_object_new (GREL_TYPE_LOCK, "name", "cart", "app", self->app, NULL);
  grel_test_loop_open (self->loop, self->app);
}

static void
set_up_store (Fixture *self, gconstpointer data)
{
  fixture_init (self, FALSE);
}

static void
set_up_memory (Fixture *self, gconstpointer data)
{
  fixture_init (self, TRUE);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  if (grel_app_get_is_open (self->app))
    grel_app_close_from_thread (self->app, NULL, NULL);
  grel_test_loop_free (self->loop);
  grel_test_store_forget (self->store);
  g_object_unref (self->lock);
  g_object_unref (self->app);
  g_object_unref (self->store);
}

/* A thread that acquires, and keeps what it got. */
typedef struct
{
  GrelLock *lock;
  GTimeSpan timeout;
  GCancellable *cancellable;
  GThread *thread;
  GrelLease *lease;
  GError *error;
  int is_done;
} Worker;

static gpointer
worker_run (gpointer data)
{
  Worker *self = data;

  self->lease
    = grel_lock_acquire_from_thread (self->lock, self->timeout, self->cancellable, &self->error);
  g_atomic_int_set (&self->is_done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
worker_start (Worker *self, GrelLock *lock, GTimeSpan timeout)
{
  self->lock = lock;
  self->timeout = timeout;
  self->thread = g_thread_new ("worker", worker_run, self);
}

static void
worker_join (Worker *self)
{
  g_thread_join (g_steal_pointer (&self->thread));
}

static gboolean
store_hangs_once (gpointer store)
{
  return grel_test_store_get_n_hanging (store) == 1;
}

static void
answer_store (gpointer store, gpointer unused)
{
  grel_test_store_answer (store);
}

static void
t1_a_backend_captures_the_context_it_is_opened_on (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (GrelBackend) backend = GREL_BACKEND (grel_memory_lock_adapter_new ());

  g_assert_null (grel_backend_ref_main_context (backend));
  grel_test_backend_open (backend, NULL);
  {
    g_autoptr (GMainContext) captured = grel_backend_ref_main_context (backend);

    g_assert_true (captured == context);
  }
  grel_test_backend_close (backend, NULL);
  g_assert_null (grel_backend_ref_main_context (backend));
}

static void
t1_each_app_has_a_context_of_its_own (void)
{
  Fixture one, other;
  g_autoptr (GrelLease) first = NULL;
  g_autoptr (GrelLease) second = NULL;
  g_autoptr (GError) error = NULL;

  fixture_init (&one, FALSE);
  fixture_init (&other, FALSE);
  first = grel_lock_acquire_from_thread (one.lock, -1, NULL, &error);
  g_assert_no_error (error);
  second = grel_lock_acquire_from_thread (other.lock, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (grel_test_store_get_asked_within (one.store) == one.loop->context);
  g_assert_true (grel_test_store_get_asked_within (other.store) == other.loop->context);
  tear_down (&one, NULL);
  g_assert_true (grel_lease_is_valid (second));
  tear_down (&other, NULL);
}

static void
t2_async_works_there_and_answers_here (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  lease = grel_lock_acquire_finish (fixture->lock, grel_test_result_wait (&acquired), NULL);
  g_assert_nonnull (lease);
  g_assert_true (acquired.context == context);
  g_assert_true (grel_test_store_get_asked_on (fixture->store) == fixture->loop->thread);
  g_assert_true (grel_test_store_get_asked_within (fixture->store) == fixture->loop->context);
}

static void
t3_never_opened_is_not_open (void)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) lock = g_object_new (GREL_TYPE_LOCK, "name", "cart", "app", app, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_lock_acquire_from_thread (lock, -1, NULL, &error));
  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
  grel_test_assert_error (error, GREL_ERROR_NOT_OPEN, "cart", "open");
}

static void
t3_after_close_is_closed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  grel_app_close_from_thread (fixture->app, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (grel_lock_acquire_from_thread (fixture->lock, -1, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "cart", "open");
}

static void
expect_deadlock (gpointer data, gpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_lock_acquire_from_thread (data, -1, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_DEADLOCK, "cart", "async");
}

static void
t3_the_loops_own_thread_is_refused (Fixture *fixture, gconstpointer data)
{
  grel_test_loop_call (fixture->loop, expect_deadlock, fixture->lock);
}

static void
expect_served (gpointer data, gpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (data, -1, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (grel_lease_release_from_thread (lease, NULL, &error));
}

static void
t3_a_thread_that_runs_another_loop_is_served (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelTestLoop) other = grel_test_loop_new ();

  grel_test_loop_call (other, expect_served, fixture->lock);
}

/* Returns: what the child makes of it, as its exit status */
static int
in_child (int (*func) (gpointer data), gpointer data)
{
  pid_t child = fork ();
  int status = 0;

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    _exit (func (data));

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static int
acquire_in_child (gpointer lock)
{
  g_autoptr (GError) error = NULL;
  GrelLease *lease = grel_lock_acquire_from_thread (lock, -1, NULL, &error);

  return lease == NULL && g_error_matches (error, GREL_ERROR, GREL_ERROR_NOT_OPEN)
             && strstr (error->message, "fork") != NULL
           ? 0
           : 1;
}

static void
t3_a_child_of_fork_is_told_so (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (in_child (acquire_in_child, fixture->lock), ==, 0);
  expect_served (fixture->lock, NULL);
}

static int
open_in_child (gpointer finds_it)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");
  g_autoptr (GrelLease) lease = NULL;

  alarm (GREL_TEST_PATIENCE / G_TIME_SPAN_SECOND); /* it must not hang */
  if (!GPOINTER_TO_INT (finds_it))
    grel_lock_set_app (lock, app);
  if (!grel_app_open_in_thread (app, NULL))
    return 1;
  lease = grel_lock_acquire_from_thread (lock, -1, NULL, NULL);
  return lease != NULL && grel_app_close_from_thread (app, NULL, NULL) ? 0 : 2;
}

static void
t3_a_child_of_fork_may_open_its_own (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (in_child (open_in_child, GINT_TO_POINTER (FALSE)), ==, 0);
}

static int
use_in_child (gpointer backend)
{
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");
  g_autoptr (GError) error = NULL;

  alarm (GREL_TEST_PATIENCE / G_TIME_SPAN_SECOND); /* it must not hang */
  grel_lock_set_backend (lock, backend);
  if (grel_lock_acquire_from_thread (lock, -1, NULL, &error) != NULL
      || !g_error_matches (error, GREL_ERROR, GREL_ERROR_NOT_OPEN))
    return 1;
  g_clear_error (&error);
  grel_test_backend_close (backend, &error);
  return g_error_matches (error, GREL_ERROR, GREL_ERROR_NOT_OPEN) ? 0 : 2;
}

/* Some thread of the parent holds its mutex for ever. */
static void
t3_a_child_of_fork_waits_for_no_mutex_of_its_parent (void)
{
  g_autoptr (GrelMemoryLockAdapter) backend = grel_memory_lock_adapter_new ();
  GMutex *mutex = &grel_backend_get_part (GREL_BACKEND (backend))->mutex;

  g_mutex_lock (mutex);
  g_assert_cmpint (in_child (use_in_child, backend), ==, 0);
  g_mutex_unlock (mutex);
}

static void
t3_a_child_of_fork_finds_its_own_among_those_of_its_parent (void)
{
  g_autoptr (GrelApp) never_opened = grel_app_new ();

  g_assert_cmpint (in_child (open_in_child, GINT_TO_POINTER (TRUE)), ==, 0);
}

typedef struct
{
  GrelHopItem item;
  int *n_run;
} Item;

static void
item_run (GrelHopItem *item)
{
  g_atomic_int_inc (((Item *) item)->n_run);
  g_free (item);
}

static void
t4_a_burst_costs_one_turn_of_the_loop (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  GrelHop *hop = grel_hop_ref_for_context (context);
  guint beats = grel_hop_get_beats (hop);
  int n_run = 0;

  for (int i = 0; i < 1000; i++)
    {
      Item *item = g_new0 (Item, 1);

      item->item.run = item_run;
      item->n_run = &n_run;
      grel_hop_post (hop, &item->item);
    }
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_cmpint (n_run, ==, 1000);
  g_assert_cmpuint (grel_hop_get_beats (hop), ==, beats + 1);
  grel_hop_unref (hop);
}

static void
t4_what_an_abandoned_call_wins_is_given_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Worker worker = { NULL };

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_HANGS);
  worker_start (&worker, fixture->lock, 200 * G_TIME_SPAN_MILLISECOND);
  worker_join (&worker);
  grel_test_assert_error (worker.error, GREL_ERROR_TIMED_OUT, "cart");

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_ANSWERS);
  grel_test_loop_call (fixture->loop, answer_store, fixture->store);
  expect_served (fixture->lock, NULL);
}

static void
t5_the_work_never_runs_on_the_caller (void)
{
  g_autoptr (GrelTestStore) store = grel_test_store_new ();
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) lock = g_object_new (GREL_TYPE_LOCK, "name", "cart", "app", app, NULL);
  Worker worker = { NULL };

  /* Nobody runs the global default context while the worker posts to it: it is free to be taken. */
  grel_app_use (app, G_OBJECT (store), NULL, NULL);
  grel_test_app_open (app, NULL);
  worker_start (&worker, lock, 300 * G_TIME_SPAN_MILLISECOND);
  worker_join (&worker);
  g_assert_error (worker.error, GREL_ERROR, GREL_ERROR_TIMED_OUT);
  g_clear_error (&worker.error);
  g_assert_cmpuint (grel_test_store_get_n_requests (store), ==, 0);

  worker.is_done = FALSE;
  worker_start (&worker, lock, -1);
  grel_test_run_until (&worker.is_done);
  worker_join (&worker);
  g_assert_no_error (worker.error);
  g_assert_true (grel_test_store_get_asked_on (store) == g_thread_self ());
  g_clear_object (&worker.lease);
  grel_test_app_close (app, NULL);
}

static gpointer
run_without_push (gpointer loop)
{
  g_main_loop_run (loop);
  return NULL;
}

static void
t6_the_captured_context_is_thread_default_for_the_work (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr (GrelTestStore) store = grel_test_store_new ();
  g_autoptr (GrelLock) lock = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", store, NULL);
  g_autoptr (GrelLease) lease = NULL;
  GThread *thread;

  g_main_context_push_thread_default (context);
  grel_test_backend_open (GREL_BACKEND (store), NULL);
  g_main_context_pop_thread_default (context);

  thread = g_thread_new ("loop", run_without_push, loop);
  lease = grel_lock_acquire_from_thread (lock, -1, NULL, NULL);
  g_assert_nonnull (lease);
  g_assert_true (grel_test_store_get_asked_within (store) == context);

  g_assert_true (grel_lease_release_from_thread (lease, NULL, NULL));
  g_assert_true (grel_backend_close_from_thread (GREL_BACKEND (store), NULL, NULL));
  g_main_loop_quit (loop);
  g_thread_join (thread);
}

static void
t7_a_cancel_wakes_the_thread_and_nothing_stays_won (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Worker worker = { .cancellable = cancellable };

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_HANGS);
  worker_start (&worker, fixture->lock, -1);
  grel_test_wait_for (store_hangs_once, fixture->store);
  g_cancellable_cancel (cancellable);
  worker_join (&worker);
  g_assert_error (worker.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&worker.error);

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_ANSWERS);
  grel_test_loop_call (fixture->loop, answer_store, fixture->store);
  expect_served (fixture->lock, NULL);
}

static void
close_app (GCancellable *cancellable, GrelApp *app)
{
  grel_app_close_async (app, NULL, NULL, NULL);
}

static void
t7_a_cancelled_handler_may_close_the_app (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;

  g_cancellable_connect (cancellable, G_CALLBACK (close_app), fixture->app, NULL);
  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_HANGS);
  grel_lock_acquire_async (fixture->lock, -1, cancellable, grel_test_result_ready, &acquired);
  g_cancellable_cancel (cancellable);
  g_assert_null (
    grel_lock_acquire_finish (fixture->lock, grel_test_result_wait (&acquired), &error));
  g_assert_true (g_error_matches (error, GREL_ERROR, GREL_ERROR_CLOSED)
                 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_assert_cmpuint (acquired.n_calls, ==, 1);
}

static void
t8_a_close_ends_every_call_at_once (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GError) error = NULL;
  Worker worker = { NULL };

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_HANGS);
  worker_start (&worker, fixture->lock, -1);
  grel_test_wait_for (store_hangs_once, fixture->store);
  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  g_assert_true (grel_app_close_from_thread (fixture->app, NULL, &error));

  worker_join (&worker);
  grel_test_assert_error (worker.error, GREL_ERROR_CLOSED, "cart");
  g_assert_null (
    grel_lock_acquire_finish (fixture->lock, grel_test_result_wait (&acquired), &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "cart");
}

static void
t8_a_close_waits_for_no_dead_loop_to_end_the_calls (Fixture *fixture, gconstpointer data)
{
  Worker worker = { NULL };

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_HANGS);
  grel_backend_set_patience (GREL_BACKEND (fixture->store), GREL_TEST_PATIENCE);
  worker_start (&worker, fixture->lock, -1);
  grel_test_wait_for (store_hangs_once, fixture->store);
  grel_test_loop_stop (fixture->loop);
  grel_app_close_async (fixture->app, NULL, NULL, NULL);
  worker_join (&worker);
  grel_test_assert_error (worker.error, GREL_ERROR_CLOSED, "cart");

  /* Who runs the context again finishes the closing. */
  while (g_main_context_iteration (fixture->loop->context, FALSE))
    ;
}

static void
check_that_nothing_is_valid (GCancellable *cancellable, GrelLease *lease)
{
  g_assert_false (grel_lease_is_valid (lease));
  g_object_set_data (G_OBJECT (cancellable), "checked", cancellable);
}

static void
t8_leases_end_with_the_backend (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GrelLease) next = NULL;
  g_autoptr (GError) error = NULL;
  GCancellable *cancellable;
  gint64 fence;

  grel_lock_set_lease_duration (fixture->lock, 200 * G_TIME_SPAN_MILLISECOND);
  lease = grel_lock_acquire_from_thread (fixture->lock, -1, NULL, NULL);
  cancellable = grel_lease_get_cancellable (lease);
  fence = grel_lease_get_fencing_token (lease);
  g_signal_connect (cancellable, "cancelled", G_CALLBACK (check_that_nothing_is_valid), lease);
  g_assert_true (grel_app_close_from_thread (fixture->app, NULL, &error));
  g_assert_nonnull (g_object_get_data (G_OBJECT (cancellable), "checked"));
  g_assert_false (grel_lease_release_from_thread (lease, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "cart");

  grel_test_loop_open (fixture->loop, fixture->app);
  g_assert_false (grel_lease_extend_from_thread (lease, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "cart");
  next = grel_lock_acquire_from_thread (fixture->lock, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (grel_lease_get_fencing_token (next), >, fence);
}

static void
expect_loop_not_running (GrelLock *lock)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_lock_acquire_from_thread (lock, -1, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_LOOP_NOT_RUNNING, "cart", "run");
}

static void
t9_a_loop_that_nobody_runs_is_told (Fixture *fixture, gconstpointer data)
{
  grel_test_loop_stop (fixture->loop);
  expect_loop_not_running (fixture->lock);
}

static void
t9_also_where_an_immediate_answer_does_not_help (Fixture *fixture, gconstpointer data)
{
  Worker holder = { NULL };

  worker_start (&holder, fixture->lock, -1);
  worker_join (&holder);
  grel_test_loop_stop (fixture->loop);
  expect_loop_not_running (fixture->lock);
  g_clear_object (&holder.lease);
}

static void
t9_a_loop_that_quits_in_the_middle_is_told (Fixture *fixture, gconstpointer data)
{
  Worker worker = { NULL };

  grel_test_store_set_mood (fixture->store, GREL_TEST_STORE_HANGS);
  worker_start (&worker, fixture->lock, -1);
  grel_test_wait_for (store_hangs_once, fixture->store);
  grel_test_loop_stop (fixture->loop);
  worker_join (&worker);
  grel_test_assert_error (worker.error, GREL_ERROR_LOOP_NOT_RUNNING, "cart");
}

/* A loop that is kept busy until it is told to go on. */
typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean goes_on;
  int is_busy;
} Gate;

static gboolean
gate_wait (gpointer data)
{
  Gate *self = data;

  g_mutex_lock (&self->mutex);
  g_atomic_int_set (&self->is_busy, TRUE);
  while (!self->goes_on)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
  g_atomic_int_set (&self->is_busy, FALSE);
  return G_SOURCE_REMOVE;
}

static gboolean
gate_is_busy (gpointer data)
{
  return g_atomic_int_get (&((Gate *) data)->is_busy);
}

static gboolean
gate_is_idle (gpointer data)
{
  return !gate_is_busy (data);
}

static void
gate_close (Gate *self, GMainContext *context)
{
  g_main_context_invoke (context, gate_wait, self);
  grel_test_wait_for (gate_is_busy, self);
}

static void
gate_open (Gate *self)
{
  g_mutex_lock (&self->mutex);
  self->goes_on = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
  grel_test_wait_for (gate_is_idle, self);
}

static int n_warnings;

static GLogWriterOutput
count_warnings (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (!(level & G_LOG_LEVEL_WARNING))
    return g_log_writer_default (level, fields, n_fields, data);

  g_atomic_int_inc (&n_warnings);
  return G_LOG_WRITER_HANDLED;
}

static gboolean
was_warned (gpointer unused)
{
  return g_atomic_int_get (&n_warnings) > 0;
}

static void
t9_a_busy_loop_is_waited_for (Fixture *fixture, gconstpointer data)
{
  Worker worker = { NULL };
  Gate gate = { .goes_on = FALSE };

  n_warnings = 0;
  grel_backend_set_patience (GREL_BACKEND (fixture->store), G_TIME_SPAN_SECOND);
  gate_close (&gate, fixture->loop->context);
  worker_start (&worker, fixture->lock, -1);
  grel_test_wait_for (was_warned, NULL);
  gate_open (&gate);
  worker_join (&worker);
  g_assert_no_error (worker.error);
  g_assert_cmpint (n_warnings, ==, 1);
  g_clear_object (&worker.lease);
}

static void
t9_a_loop_that_stays_busy_is_not_waited_for_for_ever (Fixture *fixture, gconstpointer data)
{
  Worker worker = { NULL };
  Gate gate = { .goes_on = FALSE };

  gate_close (&gate, fixture->loop->context);
  worker_start (&worker, fixture->lock, -1);
  worker_join (&worker);
  grel_test_assert_error (worker.error, GREL_ERROR_LOOP_NOT_RUNNING, "cart", "busy");
  gate_open (&gate);
}

static void
t9_a_timeout_is_kept_whatever_the_loop_does (Fixture *fixture, gconstpointer data)
{
  Worker worker = { NULL };
  Gate gate = { .goes_on = FALSE };
  gint64 started;

  gate_close (&gate, fixture->loop->context);
  started = g_get_monotonic_time ();
  worker_start (&worker, fixture->lock, SHORT_PATIENCE / 2);
  worker_join (&worker);
  grel_test_assert_error (worker.error, GREL_ERROR_TIMED_OUT, "cart");
  g_assert_cmpint (g_get_monotonic_time () - started, >=, SHORT_PATIENCE / 2);
  gate_open (&gate);
}

static int n_loops_taken;

static gboolean
both_loops_are_taken (gpointer unused)
{
  return g_atomic_int_get (&n_loops_taken) == 2;
}

static void
wait_for_the_other (gpointer data, gpointer unused)
{
  g_atomic_int_inc (&n_loops_taken);
  grel_test_wait_for (both_loops_are_taken, NULL);
  worker_run (data);
}

static gpointer
call_on_loop (gpointer data)
{
  gpointer *args = data;

  grel_test_loop_call (args[0], wait_for_the_other, args[1]);
  return NULL;
}

static void
t9_two_loops_that_wait_for_each_other_end (void)
{
  Fixture one, other;
  Worker workers[2] = { { NULL } };
  gpointer args[2];
  GThread *thread;

  fixture_init (&one, FALSE);
  fixture_init (&other, FALSE);
  workers[0] = (Worker){ .lock = other.lock, .timeout = -1 };
  workers[1] = (Worker){ .lock = one.lock, .timeout = -1 };
  args[0] = one.loop;
  args[1] = &workers[0];
  thread = g_thread_new ("one", call_on_loop, args);
  grel_test_loop_call (other.loop, wait_for_the_other, &workers[1]);
  g_thread_join (thread);

  g_assert_true (workers[0].error != NULL || workers[1].error != NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_clear_object (&workers[i].lease);
      g_clear_error (&workers[i].error);
    }
  tear_down (&one, NULL);
  tear_down (&other, NULL);
}

static void
t10_an_app_in_a_thread_serves_the_main_thread (void)
{
  g_autoptr (GrelTestStore) store = grel_test_store_new ();
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) lock = g_object_new (GREL_TYPE_LOCK, "name", "cart", "app", app, NULL);
  g_autoptr (GError) error = NULL;

  grel_app_use (app, G_OBJECT (store), NULL, NULL);
  g_assert_true (grel_app_open_in_thread (app, &error));
  expect_served (lock, NULL);
  g_assert_true (grel_test_store_get_asked_on (store) != g_thread_self ());
  g_assert_true (grel_app_close_from_thread (app, NULL, &error));
  g_assert_false (grel_app_get_is_open (app));
  g_assert_true (grel_app_open_in_thread (app, &error));
  expect_served (lock, NULL);
  g_assert_true (grel_app_close_from_thread (app, NULL, &error));
}

static void
t11_a_thread_that_holds_it_may_not_ask_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLock) twin
    = g_object_new (GREL_TYPE_LOCK, "name", "cart", "app", fixture->app, NULL);
  g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (fixture->lock, -1, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_lock_acquire_from_thread (twin, -1, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_REENTRANT, "cart");
  g_assert_null (grel_lock_acquire_from_thread (twin, 0, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_REENTRANT, "cart");

  g_assert_true (grel_lease_release_from_thread (lease, NULL, &error));
  expect_served (twin, NULL);
}

static gpointer
extend_lease (gpointer lease)
{
  return GINT_TO_POINTER (grel_lease_extend_from_thread (lease, NULL, NULL));
}

static void
t11_a_lease_that_another_thread_uses_is_nobodys_in_particular (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (fixture->lock, -1, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (GPOINTER_TO_INT (g_thread_join (g_thread_new ("other", extend_lease, lease))));
  g_assert_null (grel_lock_acquire_from_thread (fixture->lock, 0, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_WOULD_BLOCK, "cart");
}

static void
t11_a_dead_threads_lease_is_not_inherited (Fixture *fixture, gconstpointer data)
{
  Worker dead = { NULL };

  worker_start (&dead, fixture->lock, -1);
  worker_join (&dead);
  for (int i = 0; i < 20; i++)
    {
      Worker heir = { NULL };

      worker_start (&heir, fixture->lock, 0);
      worker_join (&heir);
      grel_test_assert_error (heir.error, GREL_ERROR_WOULD_BLOCK, "cart");
    }
  g_assert_true (grel_lease_is_valid (dead.lease));
  g_clear_object (&dead.lease);
}

static int
use_lease_in_child (gpointer data)
{
  GrelLease *lease = data;
  g_autoptr (GError) error = NULL;

  if (grel_lease_is_valid (lease) || grel_lease_release_from_thread (lease, NULL, &error))
    return 1;
  if (!g_error_matches (error, GREL_ERROR, GREL_ERROR_NOT_OPEN))
    return 2;
  if (!g_cancellable_is_cancelled (grel_lease_get_cancellable (lease)))
    return 3;
  g_object_unref (lease);
  return 0;
}

static void
t11_leases_of_the_parent_are_inert_in_a_child (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelTaskLock) task_lock
    = g_object_new (GREL_TYPE_TASK_LOCK, "name", "nightly", "app", fixture->app, NULL);
  GrelLease *leases[] = {
    grel_lock_acquire_from_thread (fixture->lock, -1, NULL, NULL),
    grel_task_lock_acquire_from_thread (task_lock, NULL, NULL),
  };

  for (guint i = 0; i < G_N_ELEMENTS (leases); i++)
    {
      g_autoptr (GrelLease) lease = leases[i];
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (in_child (use_lease_in_child, lease), ==, 0);
      g_assert_true (grel_lease_is_valid (lease));
      g_assert_true (grel_lease_release_from_thread (lease, NULL, &error));
    }
}

static int
run_context_in_child (gpointer store)
{
  grel_test_settle ();
  return grel_test_store_get_n_requests (store);
}

static void
t11_a_child_does_none_of_the_parents_work (void)
{
  g_autoptr (GrelTestStore) store = grel_test_store_new ();
  g_autoptr (GrelLock) lock = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", store, NULL);
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;

  grel_test_backend_open (GREL_BACKEND (store), NULL);
  grel_lock_acquire_async (lock, -1, NULL, grel_test_result_ready, &acquired);
  g_assert_cmpint (in_child (run_context_in_child, store), ==, 0);
  lease = grel_lock_acquire_finish (lock, grel_test_result_wait (&acquired), &error);
  g_assert_no_error (error);
  g_assert_true (grel_test_lease_release (lease, NULL));
  grel_test_backend_close (GREL_BACKEND (store), NULL);
}

static int
outlast_timer_in_child (gpointer unused)
{
  grel_test_pass_time (NULL, 2 * SHORT_PATIENCE);
  return 0;
}

static void
t11_a_child_takes_no_timer_from_the_parent (void)
{
  g_autoptr (GrelBackend) backend = GREL_BACKEND (grel_memory_lock_adapter_new ());
  g_autoptr (GrelLock) lock
    = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", backend, NULL);
  g_autoptr (GrelLease) holder = NULL;
  g_autoptr (GError) error = NULL;

  grel_test_backend_open (backend, NULL);
  holder = grel_test_lock_acquire (lock, -1, NULL);
  {
    g_auto (GrelTestResult) waiting = { NULL };

    grel_lock_acquire_async (lock, SHORT_PATIENCE, NULL, grel_test_result_ready, &waiting);
    g_assert_cmpint (in_child (outlast_timer_in_child, NULL), ==, 0);
    g_assert_null (grel_lock_acquire_finish (lock, grel_test_result_wait (&waiting), &error));
    grel_test_assert_error (error, GREL_ERROR_TIMED_OUT, "cart");
  }
  g_assert_null (grel_test_lock_acquire (lock, SHORT_PATIENCE, &error));
  grel_test_assert_error (error, GREL_ERROR_TIMED_OUT, "cart");
  g_assert_true (grel_test_lease_release (holder, NULL));
  grel_test_backend_close (backend, NULL);
}

static void
t12_an_immediate_answer_needs_no_loop (Fixture *fixture, gconstpointer data)
{
  grel_test_loop_stop (fixture->loop);
  for (int i = 0; i < 100; i++)
    expect_served (fixture->lock, NULL);
}

static void
t12_the_rules_are_checked_before_an_immediate_answer (Fixture *fixture, gconstpointer data)
{
  grel_test_loop_call (fixture->loop, expect_deadlock, fixture->lock);
}

static void
t12_a_try_overtakes_no_waiter (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_lock_acquire_from_thread (fixture->lock, -1, NULL, NULL);
  g_auto (GrelTestResult) acquired = { NULL };
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;
  Gate gate = { .goes_on = FALSE };

  gate_close (&gate, fixture->loop->context);
  grel_lock_acquire_async (fixture->lock, -1, NULL, grel_test_result_ready, &acquired);
  g_assert_true (grel_lease_release_from_thread (holder, NULL, &error));
  g_assert_null (grel_lock_acquire_from_thread (fixture->lock, 0, NULL, &error));
  grel_test_assert_error (error, GREL_ERROR_WOULD_BLOCK, "cart");

  gate_open (&gate);
  lease = grel_lock_acquire_finish (fixture->lock, grel_test_result_wait (&acquired), &error);
  g_assert_no_error (error);
}

static gpointer
unref_object (gpointer object)
{
  g_object_unref (object);
  return NULL;
}

static void
t13_a_lease_may_be_finalized_on_any_thread (Fixture *fixture, gconstpointer data)
{
  GrelLease *lease = grel_lock_acquire_from_thread (fixture->lock, -1, NULL, NULL);

  g_thread_join (g_thread_new ("collector", unref_object, lease));
  expect_served (fixture->lock, NULL);
  g_assert_true (grel_test_store_get_asked_on (fixture->store) == fixture->loop->thread);
}

static void
use_everything (GCancellable *cancellable, Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  grel_lock_acquire_async (fixture->lock, 0, NULL, NULL, NULL);
  g_assert_null (grel_lock_acquire_from_thread (fixture->lock, 0, NULL, &error));
  g_object_set_data (G_OBJECT (cancellable), "used", cancellable);
}

static void
t13_handlers_run_under_no_mutex (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (fixture->lock, -1, NULL, NULL);
  GCancellable *cancellable = grel_lease_get_cancellable (lease);

  g_signal_connect (cancellable, "cancelled", G_CALLBACK (use_everything), fixture);
  g_assert_true (grel_app_close_from_thread (fixture->app, NULL, NULL));
  g_assert_nonnull (g_object_get_data (G_OBJECT (cancellable), "used"));
}

static void
t14_the_errors_of_the_thread_rules_are_no_outcomes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  grel_app_close_from_thread (fixture->app, NULL, NULL);
  g_assert_null (grel_lock_acquire_from_thread (fixture->lock, 0, NULL, &error));
  g_assert_false (grel_error_is_outcome (error));
  g_assert_false (grel_error_is_refusal (error));
}

/* Many threads and many async callers on one lock. */
#define N_THREADS 16
#define N_ASYNC 500
#define N_ROUNDS 20

typedef struct
{
  Fixture *fixture;
  int n_holding;
  int n_served;
  gint64 last_fence;
  int is_done;
} Crowd;

static void
crowd_enter (Crowd *self, GrelLease *lease)
{
  g_assert_cmpint (g_atomic_int_add (&self->n_holding, 1), ==, 0);
  g_assert_cmpint (grel_lease_get_fencing_token (lease), >, self->last_fence);
  self->last_fence = grel_lease_get_fencing_token (lease);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_cmpint (g_atomic_int_add (&self->n_holding, -1), ==, 1);
  if (g_atomic_int_add (&self->n_served, 1) == N_ASYNC + N_THREADS * N_ROUNDS - 1)
    g_atomic_int_set (&self->is_done, TRUE);
}

static gpointer
crowd_run_thread (gpointer data)
{
  Crowd *self = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GrelLease) lease
        = grel_lock_acquire_from_thread (self->fixture->lock, -1, NULL, &error);

      g_assert_no_error (error);
      crowd_enter (self, lease);
      g_assert_true (grel_lease_release_from_thread (lease, NULL, &error));
    }
  return NULL;
}

static void
crowd_acquired (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = grel_lock_acquire_finish (GREL_LOCK (source), result, &error);

  g_assert_no_error (error);
  crowd_enter (data, lease);
  grel_lease_release_async (lease, NULL, NULL, NULL);
}

static void
crowd_start_async (gpointer data, gpointer unused)
{
  Crowd *self = data;

  for (int i = 0; i < N_ASYNC; i++)
    grel_lock_acquire_async (self->fixture->lock, -1, NULL, crowd_acquired, self);
}

static gboolean
crowd_is_done (gpointer data)
{
  return g_atomic_int_get (&((Crowd *) data)->is_done);
}

static void
a_crowd_never_holds_twice_and_all_are_served (Fixture *fixture, gconstpointer data)
{
  Crowd crowd = { .fixture = fixture };
  GThread *threads[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("crowd", crowd_run_thread, &crowd);
  grel_test_loop_call (fixture->loop, crowd_start_async, &crowd);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  grel_test_wait_for (crowd_is_done, &crowd);
  g_assert_cmpint (crowd.n_served, ==, N_ASYNC + N_THREADS * N_ROUNDS);
}

/* One after the other asks, by turns from a thread and asynchronously. */
#define N_QUEUED 40

typedef struct
{
  Fixture *fixture;
  GThread *thread;
  int place;
  int is_done;
} Queued;

static void
queued_check_place (Queued *self, GrelLease *lease)
{
  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, self->place + 2);
}

static gpointer
queued_run_thread (gpointer data)
{
  Queued *self = data;
  g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (self->fixture->lock, -1, NULL, NULL);

  queued_check_place (self, lease);
  g_assert_true (grel_lease_release_from_thread (lease, NULL, NULL));
  return NULL;
}

static void
queued_acquired (GObject *source, GAsyncResult *result, gpointer data)
{
  Queued *self = data;
  g_autoptr (GrelLease) lease = grel_lock_acquire_finish (GREL_LOCK (source), result, NULL);

  queued_check_place (self, lease);
  grel_lease_release_async (lease, NULL, NULL, NULL);
  g_atomic_int_set (&self->is_done, TRUE);
}

static gboolean
queued_is_in_place (gpointer data)
{
  Queued *self = data;
  g_autoptr (GrelBackend) backend
    = grel_app_get_backend (self->fixture->app, GREL_TYPE_LOCK_BACKEND, NULL, NULL);
  GrelPart *part = grel_backend_get_part (backend);
  GrelLockSlot *slot;
  int length;

  g_mutex_lock (&part->mutex);
  slot
    = grel_lock_slots_find (grel_lock_backend_get_slots (GREL_LOCK_BACKEND (backend)), "lock:cart");
  length = g_queue_get_length (&slot->queue.waiters);
  g_mutex_unlock (&part->mutex);
  return length == self->place + 1;
}

static void
threads_and_callbacks_queue_in_the_order_they_came (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLease) holder = grel_lock_acquire_from_thread (fixture->lock, -1, NULL, NULL);
  Queued queued[N_QUEUED] = { { NULL } };

  for (int i = 0; i < N_QUEUED; i++)
    {
      queued[i] = (Queued){ .fixture = fixture, .place = i };
      if (i % 2 == 0)
        queued[i].thread = g_thread_new ("queued", queued_run_thread, &queued[i]);
      else
        grel_lock_acquire_async (fixture->lock, -1, NULL, queued_acquired, &queued[i]);
      grel_test_wait_for (queued_is_in_place, &queued[i]);
    }

  g_assert_true (grel_lease_release_from_thread (holder, NULL, NULL));
  for (int i = 0; i < N_QUEUED; i++)
    if (queued[i].thread != NULL)
      g_thread_join (queued[i].thread);
    else
      grel_test_run_until (&queued[i].is_done);
}

typedef void (*Test) (Fixture *fixture, gconstpointer data);

static const struct
{
  const char *path;
  Test test;
  gboolean in_memory;
} tests[] = {
  { "/threads/t2-async-works-there-and-answers-here", t2_async_works_there_and_answers_here,
    FALSE },
  { "/threads/t3-after-close-is-closed", t3_after_close_is_closed, TRUE },
  { "/threads/t3-the-loops-own-thread-is-refused", t3_the_loops_own_thread_is_refused, FALSE },
  { "/threads/t3-another-loops-thread-is-served", t3_a_thread_that_runs_another_loop_is_served,
    FALSE },
  { "/threads/t3-a-child-of-fork-is-told-so", t3_a_child_of_fork_is_told_so, TRUE },
  { "/threads/t3-a-child-of-fork-may-open-its-own", t3_a_child_of_fork_may_open_its_own, TRUE },
  { "/threads/t4-what-an-abandoned-call-wins-is-given-back",
    t4_what_an_abandoned_call_wins_is_given_back, FALSE },
  { "/threads/t7-a-cancel-wakes-the-thread", t7_a_cancel_wakes_the_thread_and_nothing_stays_won,
    FALSE },
  { "/threads/t7-a-cancelled-handler-may-close-the-app", t7_a_cancelled_handler_may_close_the_app,
    FALSE },
  { "/threads/t8-a-close-ends-every-call", t8_a_close_ends_every_call_at_once, FALSE },
  { "/threads/t8-a-close-waits-for-no-dead-loop",
    t8_a_close_waits_for_no_dead_loop_to_end_the_calls, FALSE },
  { "/threads/t8-leases-end-in-memory", t8_leases_end_with_the_backend, TRUE },
  { "/threads/t8-leases-end-in-a-store", t8_leases_end_with_the_backend, FALSE },
  { "/threads/t9-a-loop-that-nobody-runs", t9_a_loop_that_nobody_runs_is_told, FALSE },
  { "/threads/t9-a-contended-lock-on-such-a-loop", t9_also_where_an_immediate_answer_does_not_help,
    TRUE },
  { "/threads/t9-a-loop-that-quits-in-the-middle", t9_a_loop_that_quits_in_the_middle_is_told,
    FALSE },
  { "/threads/t9-a-busy-loop-is-waited-for", t9_a_busy_loop_is_waited_for, FALSE },
  { "/threads/t9-but-not-for-ever", t9_a_loop_that_stays_busy_is_not_waited_for_for_ever, FALSE },
  { "/threads/t9-a-timeout-is-kept", t9_a_timeout_is_kept_whatever_the_loop_does, FALSE },
  { "/threads/t11-a-holder-may-not-ask-again", t11_a_thread_that_holds_it_may_not_ask_again, TRUE },
  { "/threads/t11-a-holder-may-not-ask-again-in-a-store",
    t11_a_thread_that_holds_it_may_not_ask_again, FALSE },
  { "/threads/t11-a-lease-handed-on", t11_a_lease_that_another_thread_uses_is_nobodys_in_particular,
    TRUE },
  { "/threads/t11-nothing-is-inherited", t11_a_dead_threads_lease_is_not_inherited, TRUE },
  { "/threads/t11-inert-in-a-child", t11_leases_of_the_parent_are_inert_in_a_child, TRUE },
  { "/threads/t11-inert-in-a-child-of-a-store", t11_leases_of_the_parent_are_inert_in_a_child,
    FALSE },
  { "/threads/t12-an-immediate-answer-needs-no-loop", t12_an_immediate_answer_needs_no_loop, TRUE },
  { "/threads/t12-the-rules-come-first", t12_the_rules_are_checked_before_an_immediate_answer,
    TRUE },
  { "/threads/t12-a-try-overtakes-no-waiter", t12_a_try_overtakes_no_waiter, TRUE },
  { "/threads/t13-finalized-on-any-thread", t13_a_lease_may_be_finalized_on_any_thread, FALSE },
  { "/threads/t13-handlers-under-no-mutex-in-memory", t13_handlers_run_under_no_mutex, TRUE },
  { "/threads/t13-handlers-under-no-mutex-in-a-store", t13_handlers_run_under_no_mutex, FALSE },
  { "/threads/t14-no-outcomes", t14_the_errors_of_the_thread_rules_are_no_outcomes, TRUE },
  { "/threads/a-queue-keeps-its-order-in-memory",
    threads_and_callbacks_queue_in_the_order_they_came, TRUE },
  { "/threads/a-queue-keeps-its-order-in-a-store",
    threads_and_callbacks_queue_in_the_order_they_came, FALSE },
  { "/threads/a-crowd-in-memory", a_crowd_never_holds_twice_and_all_are_served, TRUE },
  { "/threads/a-crowd-in-a-store", a_crowd_never_holds_twice_and_all_are_served, FALSE },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_warnings, NULL, NULL);

  g_test_add_func ("/threads/t1-captures-the-context",
                   t1_a_backend_captures_the_context_it_is_opened_on);
  g_test_add_func ("/threads/t1-each-app-has-its-own", t1_each_app_has_a_context_of_its_own);
  g_test_add_func ("/threads/t3-never-opened-is-not-open", t3_never_opened_is_not_open);
  g_test_add_func ("/threads/t3-a-child-finds-its-own",
                   t3_a_child_of_fork_finds_its_own_among_those_of_its_parent);
  g_test_add_func ("/threads/t3-a-child-of-fork-waits-for-no-mutex-of-its-parent",
                   t3_a_child_of_fork_waits_for_no_mutex_of_its_parent);
  g_test_add_func ("/threads/t4-a-burst-costs-one-turn", t4_a_burst_costs_one_turn_of_the_loop);
  g_test_add_func ("/threads/t5-never-inline", t5_the_work_never_runs_on_the_caller);
  g_test_add_func ("/threads/t6-the-context-is-pushed",
                   t6_the_captured_context_is_thread_default_for_the_work);
  g_test_add_func ("/threads/t9-two-loops-that-wait-for-each-other",
                   t9_two_loops_that_wait_for_each_other_end);
  g_test_add_func ("/threads/t11-a-child-does-none-of-the-work",
                   t11_a_child_does_none_of_the_parents_work);
  g_test_add_func ("/threads/t11-a-child-takes-no-timer",
                   t11_a_child_takes_no_timer_from_the_parent);
  g_test_add_func ("/threads/t10-an-app-in-a-thread",
                   t10_an_app_in_a_thread_serves_the_main_thread);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, tests[i].in_memory ? set_up_memory : set_up_store,
                tests[i].test, tear_down);
  return g_test_run ();
}
