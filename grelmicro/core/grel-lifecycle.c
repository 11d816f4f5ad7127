/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-call-private.h>
#include <grelmicro/core/grel-lifecycle-private.h>
#include <grelmicro/core/grel-request-private.h>

/* Opening and closing is a request to the owner, made in the captured context. */
typedef struct
{
  GrelRequest base;
  GrelHopItem item;
  GTask *task;    /* of who opens */
  GrelCall *call; /* of who closes */
} GrelLifecycleRequest;

static void
grel_lifecycle_finalize (GrelRequest *request)
{
  GrelLifecycleRequest *self = (GrelLifecycleRequest *) request;

  g_clear_object (&self->task);
  g_clear_pointer (&self->call, grel_call_unref);
}

static void
grel_lifecycle_run (GrelHopItem *item)
{
  gpointer self = (char *) item - G_STRUCT_OFFSET (GrelLifecycleRequest, item);

  grel_request_start (self);
}

/* Mutex held; consumes the reference. */
static void
grel_lifecycle_post (GrelRequest *request)
{
  GrelLifecycleRequest *self = (GrelLifecycleRequest *) request;

  self->item.run = grel_lifecycle_run;
  grel_hop_post (request->part->hop, &self->item);
}

static void
grel_open_start (GrelRequest *request, GTask *task)
{
  request->part->open (request->owner, task);
}

static void
grel_open_answered (GrelRequest *request, gssize answer, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&((GrelLifecycleRequest *) request)->task);

  grel_part_end_open (request->part, error == NULL);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* It was told to have failed, so it has to be let go, unless it was opened again since. */
static void
grel_open_late (GrelRequest *request, gssize answer, GError *error)
{
  g_autoptr (GTask) task = g_task_new (request->owner, NULL, NULL, NULL);

  if (error == NULL && grel_part_is_idle (request->part))
    request->part->close (request->owner, task);
  g_clear_error (&error);
}

static const GrelRequestClass grel_open_class = {
  .size = sizeof (GrelLifecycleRequest),
  .is_lifecycle = TRUE,
  .start = grel_open_start,
  .answered = grel_open_answered,
  .late = grel_open_late,
  .finalize = grel_lifecycle_finalize,
};

void
grel_part_open_async (GrelPart *self, GTask *task)
{
  GrelRequest *request;
  GError *error = NULL;

  if (g_task_return_error_if_cancelled (task))
    return;
  if (!grel_part_begin_open (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  request = grel_request_new (&grel_open_class, self, self->subject);
  request->timeout = self->timeout;
  ((GrelLifecycleRequest *) request)->task = g_object_ref (task);

  g_mutex_lock (&self->mutex);
  grel_lifecycle_post (request);
  g_mutex_unlock (&self->mutex);
}

static void
grel_close_start (GrelRequest *request, GTask *task)
{
  request->part->close (request->owner, task);
}

static void
grel_close_answered (GrelRequest *request, gssize answer, GError *error)
{
  /* The part is closed before its closer is told; the call outlives that. */
  grel_part_end_close (request->part);
  grel_call_answer (((GrelLifecycleRequest *) request)->call, TRUE, error);
}

static const GrelRequestClass grel_close_class = {
  .size = sizeof (GrelLifecycleRequest),
  .is_lifecycle = TRUE,
  .start = grel_close_start,
  .answered = grel_close_answered,
  .finalize = grel_lifecycle_finalize,
};

static const GrelCallClass grel_close_call_class = {
  .size = sizeof (GrelCall),
};

/* A closer who stops waiting doesn't stop the closing. */
static GrelCall *
grel_part_post_close (GrelPart *self, GTask *task, GCancellable *cancellable)
{
  GrelCall *call = grel_call_new (&grel_close_call_class, self, self->subject, task, cancellable);
  GrelRequest *request = grel_request_new (&grel_close_class, self, self->subject);

  request->timeout = self->timeout;
  ((GrelLifecycleRequest *) request)->call = grel_call_ref (call);

  g_mutex_lock (&self->mutex);
  grel_call_register (call, -1);
  grel_lifecycle_post (request);
  g_mutex_unlock (&self->mutex);

  return call;
}

void
grel_part_finish_close_async (GrelPart *self, GTask *task)
{
  grel_call_unref (grel_part_post_close (self, task, g_task_get_cancellable (task)));
}

void
grel_part_close_async (GrelPart *self, GTask *task)
{
  GError *error = NULL;

  if (grel_part_begin_close (self, &error))
    grel_part_finish_close_async (self, task);
  else
    g_task_return_error (task, error);
}

gboolean
grel_part_finish_close_from_thread (GrelPart *self, GCancellable *cancellable, GError **error)
{
  return GPOINTER_TO_INT (grel_call_wait (grel_part_post_close (self, NULL, cancellable), error));
}

gboolean
grel_part_close_from_thread (GrelPart *self, GCancellable *cancellable, GError **error)
{
  if (!grel_part_enter (self, TRUE, self->subject, error))
    return FALSE;
  grel_part_leave (self);

  return grel_part_begin_close (self, error)
         && grel_part_finish_close_from_thread (self, cancellable, error);
}
