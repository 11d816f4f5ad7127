/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-app-private.h>
#include <grelmicro/core/grel-lifecycle-private.h>
#include <grelmicro/core/grel-log-private.h>
#include <grelmicro/core/grel-task-private.h>

/* Opens the entries one after the other, or closes them in the reverse order. In the captured
 * context; the next entry is what the last one's task calls back for. */
typedef struct
{
  GrelApp *app;
  GTask *task;
  guint n_open; /* how many of the entries are open, or may be */
  GError *error;
} GrelAppSequence;

static void grel_app_sequence_close_next (GrelAppSequence *self);
static void grel_app_sequence_open_next (GrelAppSequence *self);

static GrelAppSequence *
grel_app_sequence_new (GrelApp *app, GTask *task)
{
  GrelAppSequence *self = g_new0 (GrelAppSequence, 1);

  self->app = g_object_ref (app);
  self->task = g_object_ref (task);
  return self;
}

static void
grel_app_sequence_end (GrelAppSequence *self)
{
  if (self->error != NULL)
    g_task_return_error (self->task, self->error);
  else
    g_task_return_boolean (self->task, TRUE);

  g_object_unref (self->task);
  g_object_unref (self->app);
  g_free (self);
}

/* Whoever closes all attempts all; the first error is what is told. */
static void
grel_app_sequence_closed (GObject *source, GAsyncResult *result, gpointer data)
{
  GrelAppSequence *self = data;

  g_task_propagate_boolean (G_TASK (result), self->error == NULL ? &self->error : NULL);
  grel_app_sequence_close_next (self);
}

static void
grel_app_sequence_close_next (GrelAppSequence *self)
{
  g_autoptr (GMainContextPusher) pusher
    = g_main_context_pusher_new (g_task_get_context (self->task));

  while (self->n_open > 0)
    {
      GrelAppEntry *entry = g_ptr_array_index (self->app->entries, --self->n_open);
      g_autoptr (GTask) task = NULL;

      if (!entry->is_closing)
        continue;

      entry->is_closing = FALSE;
      task = grel_task_new (entry->object, NULL, grel_app_sequence_closed, self,
                            grel_app_sequence_close_next);
      grel_part_finish_close_async (entry->part, task);
      return;
    }
  grel_app_sequence_end (self);
}

static void
grel_app_begin_close_entries (GrelApp *self, guint n_open)
{
  for (guint i = n_open; i > 0; i--)
    {
      GrelAppEntry *entry = g_ptr_array_index (self->entries, i - 1);

      entry->is_closing = grel_part_begin_close (entry->part, NULL);
    }
}

static void
grel_app_sequence_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  GrelAppSequence *self = data;

  if (g_task_propagate_boolean (G_TASK (result), &self->error))
    {
      self->n_open++;
      grel_app_sequence_open_next (self);
      return;
    }

  grel_app_begin_close_entries (self->app, self->n_open);
  grel_app_sequence_close_next (self);
}

static void
grel_app_sequence_open_next (GrelAppSequence *self)
{
  g_autoptr (GMainContextPusher) pusher
    = g_main_context_pusher_new (g_task_get_context (self->task));
  g_autoptr (GTask) task = NULL;
  GrelAppEntry *entry;

  if (self->n_open == self->app->entries->len)
    {
      grel_app_sequence_end (self);
      return;
    }

  entry = g_ptr_array_index (self->app->entries, self->n_open);
  if (self->app->part.clock != NULL || entry->has_our_clock)
    entry->has_our_clock = grel_part_set_clock (entry->part, self->app->part.clock);
  grel_part_set_patience (entry->part, grel_part_get_patience (&self->app->part));

  task = grel_task_new (entry->object, NULL, grel_app_sequence_opened, self,
                        grel_app_sequence_open_next);
  grel_part_open_async (entry->part, task);
}

void
grel_app_open_entries (GObject *object, GTask *task)
{
  GError *error = NULL;

  if (grel_app_prepare (GREL_APP (object), &error))
    grel_app_sequence_open_next (grel_app_sequence_new (GREL_APP (object), task));
  else
    g_task_return_error (task, error);
}

void
grel_app_close_entries (GObject *object, GTask *task)
{
  GrelAppSequence *sequence = grel_app_sequence_new (GREL_APP (object), task);

  sequence->n_open = sequence->app->entries->len;
  grel_app_sequence_close_next (sequence);
}

/**
 * grel_app_open_async:
 * @self: an app
 * @cancellable: (nullable): a cancellable; looked at before anything is opened, not later
 * @callback: (scope async) (closure user_data): called when the app is open
 * @user_data: passed to @callback
 *
 * Opens everything the app uses, in order, on the thread-default main context of the caller. The
 * app captures that context; it has to run for as long as the app is open. If a part fails to open,
 * those before it are closed again. May be called from any thread; the result arrives in the
 * caller's context.
 *
 * Since: 0.1
 */
void
grel_app_open_async (GrelApp *self,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (GREL_IS_APP (self));

  task = grel_task_new (self, cancellable, callback, user_data, grel_app_open_async);
  grel_part_open_async (&self->part, task);
}

/**
 * grel_app_open_finish:
 * @self: an app
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.App.open_async].
 *
 * Sets %GREL_ERROR_SETTINGS if the app was open already or a setting is not acceptable,
 * %GREL_ERROR_SCOPE if something is shared less far than the environment demands,
 * %GREL_ERROR_NOT_REGISTERED if there is no store for the URI in `GREL_URL`, or what a store
 * reported.
 *
 * Returns: %TRUE if the app is open
 *
 * Since: 0.1
 */
gboolean
grel_app_open_finish (GrelApp *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_app_open_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Everything is over for everybody before the first of them is let go. */
static gboolean
grel_app_begin_close (GrelApp *self, GError **error)
{
  if (!grel_part_begin_close (&self->part, error))
    return FALSE;

  grel_app_begin_close_entries (self, self->entries->len);
  return TRUE;
}

/**
 * grel_app_close_async:
 * @self: an app
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the closing
 * @callback: (scope async) (closure user_data): called when the app is closed
 * @user_data: passed to @callback
 *
 * Closes everything the app opened, in reverse order. What was granted ends, and calls that wait
 * fail with %GREL_ERROR_CLOSED, before this function returns. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_app_close_async (GrelApp *self,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (GREL_IS_APP (self));

  task = grel_task_new (self, cancellable, callback, user_data, grel_app_close_async);
  if (grel_app_begin_close (self, &error))
    grel_part_finish_close_async (&self->part, task);
  else
    g_task_return_error (task, error);
}

/**
 * grel_app_close_finish:
 * @self: an app
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.App.close_async].
 *
 * Sets %GREL_ERROR_NOT_OPEN or %GREL_ERROR_CLOSED if it wasn't open, or the first error that a
 * store reported; all are closed nevertheless.
 *
 * Returns: %TRUE if the app closed without an error
 *
 * Since: 0.1
 */
gboolean
grel_app_close_finish (GrelApp *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_app_close_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* The thread of an app that has closed ends by itself; it is joined by whoever comes first. */
static void
grel_app_keep_thread (GrelApp *self, GThread *thread)
{
  GThread *old;

  grel_part_lock (&self->part);
  old = self->thread;
  self->thread = thread;
  g_mutex_unlock (&self->part.mutex);

  if (old != NULL)
    g_thread_join (old);
}

/**
 * grel_app_close_from_thread:
 * @self: an app
 * @cancellable: (nullable): a cancellable; it stops the waiting, not the closing
 * @error: return location for an error
 *
 * Closes the app from a thread that doesn't run its main context, and waits until it is closed. An
 * app that was opened in a thread of its own ends that thread.
 *
 * Sets the errors of [method@Grelmicro.App.close_finish], %GREL_ERROR_DEADLOCK on the thread that
 * runs the captured context, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if the app closed without an error
 *
 * Since: 0.1
 */
gboolean
grel_app_close_from_thread (GrelApp *self, GCancellable *cancellable, GError **error)
{
  gboolean closed;

  g_return_val_if_fail (GREL_IS_APP (self), FALSE);

  if (!grel_part_enter (&self->part, TRUE, self->part.subject, error))
    return FALSE;
  grel_part_leave (&self->part);
  if (!grel_app_begin_close (self, error))
    return FALSE;

  closed = grel_part_finish_close_from_thread (&self->part, cancellable, error);
  if (grel_part_is_idle (&self->part))
    grel_app_keep_thread (self, NULL);
  return closed;
}

static void
grel_app_wait_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* Waits for an asynchronous call by running a context that is the caller's to run. */
static gboolean
grel_app_wait (GAsyncResult **result, GMainContext *context, GError **error)
{
  gboolean succeeded;

  while (*result == NULL)
    g_main_context_iteration (context, TRUE);

  succeeded = g_task_propagate_boolean (G_TASK (*result), error);
  g_object_unref (*result);
  return succeeded;
}

static gboolean
grel_app_open_on (GrelApp *self, GMainContext *context, GError **error)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  GAsyncResult *result = NULL;

  grel_app_open_async (self, NULL, grel_app_wait_ready, &result);
  return grel_app_wait (&result, context, error);
}

static gboolean
grel_app_is_closing_on (GrelApp *self, GMainContext *context)
{
  g_autoptr (GMainContext) captured = grel_part_ref_context (&self->part);

  return captured == context && grel_part_was_closed (&self->part);
}

static gboolean
grel_app_close_on (GrelApp *self, GMainContext *context, GError **error)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  GAsyncResult *result = NULL;

  while (grel_app_is_closing_on (self, context))
    g_main_context_iteration (context, TRUE);
  if (!grel_part_is_open (&self->part))
    return TRUE; /* the program closed it */

  grel_app_close_async (self, NULL, grel_app_wait_ready, &result);
  return grel_app_wait (&result, context, error);
}

typedef struct
{
  GMainLoop *loop;
  GAsyncResult *result;
} GrelAppRun;

static void
grel_app_run_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  GrelAppRun *run = data;

  run->result = g_object_ref (result);
  if (g_task_had_error (G_TASK (result)))
    g_main_loop_quit (run->loop);
}

/**
 * grel_app_run:
 * @self: an app
 * @loop: a main loop of the calling thread
 * @error: return location for an error
 *
 * Opens the app on the context of @loop, runs @loop until it is quit, and closes the app. The
 * context is thread-default meanwhile. Call it on the thread that is to run @loop.
 *
 * Sets the errors of [method@Grelmicro.App.open_finish] and [method@Grelmicro.App.close_finish].
 *
 * Returns: %TRUE if the app opened, and closed without an error
 *
 * Since: 0.1
 */
gboolean
grel_app_run (GrelApp *self, GMainLoop *loop, GError **error)
{
  g_autoptr (GMainContextPusher) pusher = NULL;
  g_autoptr (GrelApp) app = NULL;
  GrelAppRun run = { loop, NULL };
  GMainContext *context;

  g_return_val_if_fail (GREL_IS_APP (self), FALSE);
  g_return_val_if_fail (loop != NULL, FALSE);

  app = g_object_ref (self);
  context = g_main_loop_get_context (loop);
  pusher = g_main_context_pusher_new (context);

  /* The loop runs while the app opens, so that a quit in the meantime isn't lost. */
  grel_app_open_async (app, NULL, grel_app_run_opened, &run);
  g_main_loop_run (loop);
  return grel_app_wait (&run.result, context, error) && grel_app_close_on (app, context, error);
}

static void
grel_app_startup (GApplication *application, GrelApp *self)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GError) error = NULL;

  if (!grel_app_open_on (self, context, &error))
    grel_log (G_LOG_LEVEL_WARNING, "startup-failed", self->part.subject,
              "could not open at startup: %s", error->message);
}

static void
grel_app_shutdown (GApplication *application, GrelApp *self)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GError) error = NULL;

  if (!grel_app_close_on (self, context, &error))
    grel_log (G_LOG_LEVEL_WARNING, "shutdown-failed", self->part.subject,
              "could not close at shutdown: %s", error->message);
}

/**
 * grel_app_attach:
 * @self: an app
 * @application: an application that doesn't run yet
 *
 * Opens the app when @application has started up, before it is activated, and closes it before it
 * shuts down. Both run the application's main context until they are done. A failure is logged as a
 * warning, and leaves the app closed. Call it on the thread that is to run @application.
 *
 * Since: 0.1
 */
void
grel_app_attach (GrelApp *self, GApplication *application)
{
  g_return_if_fail (GREL_IS_APP (self));
  g_return_if_fail (G_IS_APPLICATION (application));

  g_signal_connect_data (application, "startup", G_CALLBACK (grel_app_startup), g_object_ref (self),
                         (GClosureNotify) (GCallback) g_object_unref, 0);
  g_signal_connect_data (application, "shutdown", G_CALLBACK (grel_app_shutdown),
                         g_object_ref (self), (GClosureNotify) (GCallback) g_object_unref, 0);
}

/* What the thread that opens tells the thread that asked for it. */
typedef struct
{
  GrelApp *app;
  GMutex mutex;
  GCond cond;
  gboolean is_done;
  gboolean is_open;
  GError *error;
} GrelAppThread;

static void
grel_app_thread_tell (GrelAppThread *self, gboolean is_open)
{
  g_mutex_lock (&self->mutex);
  self->is_open = is_open;
  self->is_done = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static gpointer
grel_app_thread_run (gpointer data)
{
  GrelAppThread *start = data;
  g_autoptr (GrelApp) app = g_object_ref (start->app);
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);

  grel_app_thread_tell (start, grel_app_open_on (app, context, &start->error));
  while (grel_part_is_on (&app->part, context))
    g_main_context_iteration (context, TRUE);
  while (g_main_context_iteration (context, FALSE))
    ;
  return NULL;
}

/**
 * grel_app_open_in_thread:
 * @self: an app
 * @error: return location for an error
 *
 * Opens the app on a main context of its own that runs on a thread of its own, and waits until it
 * is open: for programs that run no main loop. `from_thread` calls then work on every thread of the
 * program. [method@Grelmicro.App.close_from_thread] ends the thread.
 *
 * Sets the errors of [method@Grelmicro.App.open_finish].
 *
 * Returns: %TRUE if the app is open
 *
 * Since: 0.1
 */
gboolean
grel_app_open_in_thread (GrelApp *self, GError **error)
{
  GrelAppThread start = { .app = self };
  GThread *thread;

  g_return_val_if_fail (GREL_IS_APP (self), FALSE);

  g_mutex_init (&start.mutex);
  g_cond_init (&start.cond);
  thread = g_thread_try_new ("grelmicro", grel_app_thread_run, &start, error);
  if (thread == NULL)
    return FALSE;

  g_mutex_lock (&start.mutex);
  while (!start.is_done)
    g_cond_wait (&start.cond, &start.mutex);
  g_mutex_unlock (&start.mutex);
  g_mutex_clear (&start.mutex);
  g_cond_clear (&start.cond);

  if (!start.is_open)
    {
      g_thread_join (thread);
      g_propagate_error (error, start.error);
      return FALSE;
    }

  grel_app_keep_thread (self, thread);
  return TRUE;
}
