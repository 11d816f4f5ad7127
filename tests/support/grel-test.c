/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test.h"

#include <string.h>

static gboolean
grel_test_hangs (gpointer data)
{
  g_error ("What the test waits for does not happen");
  return G_SOURCE_REMOVE;
}

static GSource *
grel_test_watch_for_hang (GMainContext *context)
{
  GSource *source = g_timeout_source_new (GREL_TEST_PATIENCE / G_TIME_SPAN_MILLISECOND);

  g_source_set_callback (source, grel_test_hangs, NULL, NULL);
  g_source_attach (source, context);
  return source;
}

void
grel_test_run_until (const int *flag)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GSource) hang = grel_test_watch_for_hang (context);

  while (!g_atomic_int_get (flag))
    g_main_context_iteration (context, TRUE);
  g_source_destroy (hang);
}

void
grel_test_settle (void)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  while (g_main_context_iteration (context, FALSE))
    ;
}

void
grel_test_result_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  GrelTestResult *self = data;
  GSource *current = g_main_current_source ();

  g_set_object (&self->result, result);
  self->n_calls++;
  self->context = current != NULL ? g_source_get_context (current) : NULL;
  g_atomic_int_set (&self->is_done, TRUE);
}

GAsyncResult *
grel_test_result_wait (GrelTestResult *self)
{
  grel_test_run_until (&self->is_done);
  return self->result;
}

void
grel_test_result_clear (GrelTestResult *self)
{
  g_clear_object (&self->result);
}

gboolean
grel_test_app_open (GrelApp *app, GError **error)
{
  g_auto (GrelTestResult) opened = { NULL };

  grel_app_open_async (app, NULL, grel_test_result_ready, &opened);
  return grel_app_open_finish (app, grel_test_result_wait (&opened), error);
}

gboolean
grel_test_app_close (GrelApp *app, GError **error)
{
  g_auto (GrelTestResult) closed = { NULL };

  grel_app_close_async (app, NULL, grel_test_result_ready, &closed);
  return grel_app_close_finish (app, grel_test_result_wait (&closed), error);
}

gboolean
grel_test_backend_open (GrelBackend *backend, GError **error)
{
  g_auto (GrelTestResult) opened = { NULL };

  grel_backend_open_async (backend, NULL, grel_test_result_ready, &opened);
  return grel_backend_open_finish (backend, grel_test_result_wait (&opened), error);
}

gboolean
grel_test_backend_close (GrelBackend *backend, GError **error)
{
  g_auto (GrelTestResult) closed = { NULL };

  grel_backend_close_async (backend, NULL, grel_test_result_ready, &closed);
  return grel_backend_close_finish (backend, grel_test_result_wait (&closed), error);
}

GrelLease *
grel_test_lock_acquire (GrelLock *lock, GTimeSpan timeout, GError **error)
{
  g_auto (GrelTestResult) acquired = { NULL };

  grel_lock_acquire_async (lock, timeout, NULL, grel_test_result_ready, &acquired);
  return grel_lock_acquire_finish (lock, grel_test_result_wait (&acquired), error);
}

gboolean
grel_test_lock_is_locked (GrelLock *lock, GError **error)
{
  g_auto (GrelTestResult) asked = { NULL };

  grel_lock_is_locked_async (lock, NULL, grel_test_result_ready, &asked);
  return grel_lock_is_locked_finish (lock, grel_test_result_wait (&asked), error);
}

GrelLease *
grel_test_task_lock_acquire (GrelTaskLock *lock, GError **error)
{
  g_auto (GrelTestResult) acquired = { NULL };

  grel_task_lock_acquire_async (lock, NULL, grel_test_result_ready, &acquired);
  return grel_task_lock_acquire_finish (lock, grel_test_result_wait (&acquired), error);
}

gboolean
grel_test_task_lock_is_locked (GrelTaskLock *lock, GError **error)
{
  g_auto (GrelTestResult) asked = { NULL };

  grel_task_lock_is_locked_async (lock, NULL, grel_test_result_ready, &asked);
  return grel_task_lock_is_locked_finish (lock, grel_test_result_wait (&asked), error);
}

gboolean
grel_test_lease_extend (GrelLease *lease, GError **error)
{
  g_auto (GrelTestResult) extended = { NULL };

  grel_lease_extend_async (lease, NULL, grel_test_result_ready, &extended);
  return grel_lease_extend_finish (lease, grel_test_result_wait (&extended), error);
}

gboolean
grel_test_lease_release (GrelLease *lease, GError **error)
{
  g_auto (GrelTestResult) released = { NULL };

  grel_lease_release_async (lease, NULL, grel_test_result_ready, &released);
  return grel_lease_release_finish (lease, grel_test_result_wait (&released), error);
}

GrelPermit *
grel_test_circuit_breaker_acquire (GrelCircuitBreaker *breaker, GError **error)
{
  g_auto (GrelTestResult) acquired = { NULL };

  grel_circuit_breaker_acquire_async (breaker, NULL, grel_test_result_ready, &acquired);
  return grel_circuit_breaker_acquire_finish (breaker, grel_test_result_wait (&acquired), error);
}

gboolean
grel_test_circuit_breaker_isolate (GrelCircuitBreaker *breaker, GError **error)
{
  g_auto (GrelTestResult) isolated = { NULL };

  grel_circuit_breaker_isolate_async (breaker, NULL, grel_test_result_ready, &isolated);
  return grel_circuit_breaker_isolate_finish (breaker, grel_test_result_wait (&isolated), error);
}

gboolean
grel_test_circuit_breaker_reset (GrelCircuitBreaker *breaker, GError **error)
{
  g_auto (GrelTestResult) done = { NULL };

  grel_circuit_breaker_reset_async (breaker, NULL, grel_test_result_ready, &done);
  return grel_circuit_breaker_reset_finish (breaker, grel_test_result_wait (&done), error);
}

gboolean
grel_test_permit_succeed (GrelPermit *permit, GError **error)
{
  g_auto (GrelTestResult) recorded = { NULL };

  grel_permit_succeed_async (permit, NULL, grel_test_result_ready, &recorded);
  return grel_permit_succeed_finish (permit, grel_test_result_wait (&recorded), error);
}

gboolean
grel_test_permit_fail (GrelPermit *permit, GIOErrorEnum reason, GError **error)
{
  g_auto (GrelTestResult) recorded = { NULL };
  g_autoptr (GError) cause = g_error_new_literal (G_IO_ERROR, reason, "The dependency failed");

  grel_permit_fail_async (permit, cause, NULL, grel_test_result_ready, &recorded);
  return grel_permit_fail_finish (permit, grel_test_result_wait (&recorded), error);
}

static gboolean
grel_test_set_flag (gpointer flag)
{
  g_atomic_int_set ((int *) flag, TRUE);
  return G_SOURCE_REMOVE;
}

void
grel_test_pass_time (GrelVirtualClock *clock, GTimeSpan span)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GSource) source = NULL;
  int is_over = FALSE;

  if (clock != NULL)
    {
      grel_virtual_clock_advance (clock, span);
      grel_test_settle ();
      return;
    }

  source = g_timeout_source_new (span / G_TIME_SPAN_MILLISECOND + 1);
  g_source_set_callback (source, grel_test_set_flag, &is_over, NULL);
  g_source_attach (source, context);
  grel_test_run_until (&is_over);
}

typedef struct
{
  GFunc func;
  gpointer data;
  GMainContext *context;
  int is_done;
} GrelTestThread;

static gpointer
grel_test_thread_run (gpointer data)
{
  GrelTestThread *self = data;

  self->func (self->data, NULL);
  g_atomic_int_set (&self->is_done, TRUE);
  g_main_context_wakeup (self->context);
  return NULL;
}

void
grel_test_in_thread (GFunc func, gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  GrelTestThread self = { .func = func, .data = data, .context = context };
  GThread *thread = g_thread_new ("worker", grel_test_thread_run, &self);

  grel_test_run_until (&self.is_done);
  g_thread_join (thread);
}

static gpointer
grel_test_loop_run (gpointer data)
{
  GrelTestLoop *self = data;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (self->context);

  g_main_loop_run (self->loop);
  grel_test_settle ();
  return NULL;
}

GrelTestLoop *
grel_test_loop_new (void)
{
  GrelTestLoop *self = g_new0 (GrelTestLoop, 1);

  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->thread = g_thread_new ("loop", grel_test_loop_run, self);
  return self;
}

typedef struct
{
  GFunc func;
  gpointer data;
  GMutex mutex;
  GCond cond;
  gboolean is_done;
} GrelTestCall;

static gboolean
grel_test_loop_run_call (gpointer data)
{
  GrelTestCall *call = data;

  call->func (call->data, NULL);
  g_mutex_lock (&call->mutex);
  call->is_done = TRUE;
  g_cond_signal (&call->cond);
  g_mutex_unlock (&call->mutex);
  return G_SOURCE_REMOVE;
}

void
grel_test_loop_call (GrelTestLoop *self, GFunc func, gpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  GrelTestCall call = { .func = func, .data = data };

  g_mutex_init (&call.mutex);
  g_cond_init (&call.cond);
  g_source_set_callback (source, grel_test_loop_run_call, &call, NULL);
  g_source_attach (source, self->context);

  g_mutex_lock (&call.mutex);
  while (!call.is_done)
    g_cond_wait (&call.cond, &call.mutex);
  g_mutex_unlock (&call.mutex);
  g_mutex_clear (&call.mutex);
  g_cond_clear (&call.cond);
}

static void
grel_test_loop_run_open (gpointer data, gpointer unused)
{
  g_autoptr (GError) error = NULL;

  grel_test_app_open (data, &error);
  g_assert_no_error (error);
}

void
grel_test_loop_open (GrelTestLoop *self, GrelApp *app)
{
  grel_test_loop_call (self, grel_test_loop_run_open, app);
}

void
grel_test_loop_stop (GrelTestLoop *self)
{
  if (self->thread == NULL)
    return;

  /* From the loop itself: it may not have begun to run yet. */
  grel_test_loop_call (self, (GFunc) (GCallback) g_main_loop_quit, self->loop);
  g_thread_join (g_steal_pointer (&self->thread));
}

void
grel_test_loop_free (GrelTestLoop *self)
{
  grel_test_loop_stop (self);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_free (self);
}

void
grel_test_assert_words (const GError *error, const char *const *words)
{
  for (; *words != NULL; words++)
    if (strstr (error->message, *words) == NULL)
      g_error ("“%s” should say “%s”", error->message, *words);
}

void
grel_test_wait_for (gboolean (*is_so) (gpointer data), gpointer data)
{
  gint64 give_up = g_get_monotonic_time () + GREL_TEST_PATIENCE;

  while (!is_so (data))
    {
      if (g_get_monotonic_time () > give_up)
        g_error ("What the test waits for does not happen");
      g_thread_yield ();
    }
}
