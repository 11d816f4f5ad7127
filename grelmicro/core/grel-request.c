/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-request-private.h>
#include <grelmicro/core/grel-task-private.h>

static void grel_request_timer_ref (GrelTimer *timer);
static void grel_request_timer_fire (GrelTimer *timer);

static const GrelTimerClass grel_request_timer_class = {
  .ref = grel_request_timer_ref,
  .fire = grel_request_timer_fire,
};

static GrelRequest *
grel_request_from_timer (GrelTimer *timer)
{
  return (GrelRequest *) ((char *) timer - G_STRUCT_OFFSET (GrelRequest, timer));
}

GrelRequest *
grel_request_new (const GrelRequestClass *klass, GrelPart *part, GrelSubject subject)
{
  GrelRequest *self = g_malloc0 (klass->size);

  g_atomic_ref_count_init (&self->refs);
  self->klass = klass;
  self->part = part;
  self->owner = g_object_ref (part->owner);
  self->subject = subject;
  self->timeout = GREL_REQUEST_TIMEOUT;
  self->cancellable = g_cancellable_new ();
  self->link.data = self;
  self->timer.klass = &grel_request_timer_class;

  return self;
}

GrelRequest *
grel_request_ref (GrelRequest *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
grel_request_unref (GrelRequest *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;

  if (self->klass->finalize != NULL)
    self->klass->finalize (self);
  g_object_unref (self->cancellable);
  g_object_unref (self->owner);
  g_free (self);
}

/* Mutex held. Returns: whether the caller is the one who has to answer */
static gboolean
grel_request_settle (GrelRequest *self)
{
  if (self->is_settled)
    return FALSE;

  self->is_settled = TRUE;
  g_queue_unlink (&self->part->requests, &self->link);
  grel_timers_clear (self->part->timers, &self->timer);
  return TRUE;
}

static void
grel_request_fail (GrelRequest *self, GError *error)
{
  g_cancellable_cancel (self->cancellable);
  self->klass->answered (self, 0, error);
}

static GError *
grel_request_new_closed (GrelRequest *self)
{
  return grel_error_new (GREL_ERROR_CLOSED, self->subject, "the %s was closed",
                         self->part->subject.noun);
}

static void
grel_request_run_failure (GrelHopItem *item)
{
  g_autoptr (GrelRequest) self
    = (GrelRequest *) ((char *) item - G_STRUCT_OFFSET (GrelRequest, item));

  if (self->is_dropped)
    grel_request_fail (self, grel_error_new (GREL_ERROR_BACKEND, self->subject,
                                             "the store dropped the request without an answer"));
  else
    grel_request_fail (self, grel_request_new_closed (self));
}

void
grel_request_abandon (GrelRequest *self)
{
  if (!grel_request_settle (self))
    return;

  self->item.run = grel_request_run_failure;
  grel_request_ref (self);
  grel_hop_post (self->part->hop, &self->item);
}

/* The task is gone, on whichever thread: what it owes can only be told later. */
static void
grel_request_task_gone (gpointer data, GObject *task)
{
  g_autoptr (GrelRequest) self = data;

  if (grel_part_is_foreign (self->part))
    return;

  g_mutex_lock (&self->part->mutex);
  if (!self->is_returned && !self->is_settled)
    {
      self->is_dropped = TRUE;
      grel_request_abandon (self);
    }
  g_mutex_unlock (&self->part->mutex);
}

static void
grel_request_timer_ref (GrelTimer *timer)
{
  grel_request_ref (grel_request_from_timer (timer));
}

static void
grel_request_timer_fire (GrelTimer *timer)
{
  g_autoptr (GrelRequest) self = grel_request_from_timer (timer);
  gboolean settled;

  g_mutex_lock (&self->part->mutex);
  settled = grel_request_settle (self);
  g_mutex_unlock (&self->part->mutex);

  if (settled)
    grel_request_fail (self, grel_error_new (GREL_ERROR_BACKEND, self->subject,
                                             "the store did not answer within %d s",
                                             (int) (self->timeout / G_TIME_SPAN_SECOND)));
}

/* Scripts complete a task with whatever they have. */
static gssize
grel_request_propagate_boxed (GrelRequest *self, GTask *task, GError **error)
{
  GType type = self->klass->get_answer_type ();
  g_auto (GValue) value = G_VALUE_INIT;
  gboolean has_value = g_task_propagate_value (task, &value, error);

  if (has_value && G_VALUE_HOLDS (&value, type))
    return GPOINTER_TO_SIZE (g_value_dup_boxed (&value));
  if ((has_value && !G_VALUE_HOLDS_POINTER (&value)) || (!has_value && *error == NULL))
    g_set_error (error, GREL_ERROR, GREL_ERROR_BACKEND,
                 "the store answered with something else "
                 "than %s",
                 g_type_name (type));
  return 0;
}

static gssize
grel_request_propagate (GrelRequest *self, GTask *task, GError **error)
{
  if (self->klass->get_answer_type != NULL)
    return grel_request_propagate_boxed (self, task, error);
  if (self->klass->answers_int)
    return g_task_propagate_int (task, error);
  return g_task_propagate_boolean (task, error);
}

static void
grel_request_drop (GrelRequest *self, gssize answer, GError *error)
{
  if (self->klass->get_answer_type != NULL && answer != 0)
    g_boxed_free (self->klass->get_answer_type (), GSIZE_TO_POINTER (answer));
  g_clear_error (&error);
}

static void
grel_request_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  GrelRequest *self = data; /* alive until the task is gone */
  g_autoptr (GMainContextPusher) pusher
    = g_main_context_pusher_new (g_task_get_context (G_TASK (result)));
  GError *error = NULL;
  gboolean settled;
  gssize answer;

  g_mutex_lock (&self->part->mutex);
  self->is_returned = TRUE;
  settled = grel_request_settle (self);
  g_mutex_unlock (&self->part->mutex);

  answer = grel_request_propagate (self, G_TASK (result), &error);
  if (error != NULL)
    error = grel_error_new_from_store (self->subject, error);

  if (settled)
    self->klass->answered (self, answer, error);
  else if (self->klass->late != NULL)
    self->klass->late (self, answer, error);
  else
    grel_request_drop (self, answer, error);
}

/* Returns: whether the part still is in a state to ask the store */
static gboolean
grel_request_register (GrelRequest *self)
{
  GrelPart *part = self->part;
  gboolean askable;

  g_mutex_lock (&part->mutex);
  askable = part->state == GREL_PART_OPEN || (self->klass->is_lifecycle && part->timers != NULL);
  if (askable)
    {
      g_queue_push_tail_link (&part->requests, &self->link);
      if (self->timeout >= 0)
        grel_timers_set (part->timers, &self->timer, grel_part_now (part) + self->timeout);
    }
  g_mutex_unlock (&part->mutex);

  return askable;
}

void
grel_request_start (GrelRequest *request)
{
  g_autoptr (GrelRequest) self = request;
  g_autoptr (GTask) task = NULL;

  if (!grel_request_register (self))
    {
      self->klass->answered (self, 0, grel_request_new_closed (self));
      return;
    }

  task
    = grel_task_new (self->owner, self->cancellable, grel_request_ready, self, grel_request_start);
  g_object_weak_ref (G_OBJECT (task), grel_request_task_gone, grel_request_ref (self));

  self->klass->start (self, task);
}
