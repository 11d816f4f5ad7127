/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-call-private.h>
#include <grelmicro/core/grel-log-private.h>
#include <grelmicro/core/grel-virtual-clock.h>

/* How long a waiting thread sleeps before it asks the loop for a sign of life. */
#define GREL_CALL_QUIET (100 * G_TIME_SPAN_MILLISECOND)

/* After how many times its patience a thread stops waiting for a loop that is busy. */
#define GREL_CALL_BUSY_LIMIT 12

static void grel_call_timer_ref (GrelTimer *timer);
static void grel_call_timer_fire (GrelTimer *timer);

static const GrelTimerClass grel_call_timer_class = {
  .ref = grel_call_timer_ref,
  .fire = grel_call_timer_fire,
};

static GrelCall *
grel_call_from_timer (GrelTimer *timer)
{
  return (GrelCall *) ((char *) timer - G_STRUCT_OFFSET (GrelCall, timer));
}

GrelCall *
grel_call_new (const GrelCallClass *klass,
               GrelPart *part,
               GrelSubject subject,
               GTask *task,
               GCancellable *cancellable)
{
  GrelCall *self = g_malloc0 (klass->size);

  g_atomic_ref_count_init (&self->refs);
  self->klass = klass;
  self->part = part;
  self->owner = g_object_ref (part->owner);
  self->subject = subject;
  self->link.data = self;
  self->timer.klass = &grel_call_timer_class;
  self->deadline = -1;
  g_set_object (&self->task, task);
  self->cancellable = cancellable;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);

  return self;
}

GrelCall *
grel_call_ref (GrelCall *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
grel_call_unref (GrelCall *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;

  if (self->klass->finalize != NULL)
    self->klass->finalize (self);
  g_clear_object (&self->task);
  g_clear_object (&self->owner);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}

static GError *
grel_call_new_cancelled (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Operation was cancelled");
}

static gboolean
grel_call_cancel_idle (gpointer data)
{
  grel_call_fail (data, grel_call_new_cancelled ());
  return G_SOURCE_REMOVE;
}

/* Only signals: the thread that cancels must never run callbacks, or wait for anything. */
static void
grel_call_cancelled (GCancellable *cancellable, GrelCall *self)
{
  g_autoptr (GSource) source = NULL;

  if (self->task == NULL)
    {
      g_mutex_lock (&self->mutex);
      self->is_cancelled = TRUE;
      g_cond_signal (&self->cond);
      g_mutex_unlock (&self->mutex);
      return;
    }

  source = g_idle_source_new ();
  g_source_set_priority (source, g_task_get_priority (self->task));
  g_source_set_callback (source, grel_call_cancel_idle, grel_call_ref (self),
                         (GDestroyNotify) grel_call_unref);
  g_source_attach (source, g_task_get_context (self->task));
}

static void
grel_call_unref_closure (gpointer data, GClosure *closure)
{
  grel_call_unref (data);
}

/* Not g_cancellable_connect (): its counterpart waits, for ever if called from a handler. */
static void
grel_call_watch (GrelCall *self)
{
  self->cancelled_id
    = g_signal_connect_data (self->cancellable, "cancelled", G_CALLBACK (grel_call_cancelled),
                             grel_call_ref (self), grel_call_unref_closure, 0);
  if (g_cancellable_is_cancelled (self->cancellable))
    grel_call_cancelled (self->cancellable, self);
}

void
grel_call_register (GrelCall *self, gint64 deadline)
{
  grel_call_ref (self);
  g_queue_push_tail_link (&self->part->calls, &self->link);
  if (self->cancellable != NULL)
    grel_call_watch (self);

  self->deadline = deadline;
  if (deadline >= 0)
    grel_timers_set (self->part->timers, &self->timer, deadline);
}

static void
grel_call_run (GrelHopItem *item)
{
  g_autoptr (GrelCall) self = (GrelCall *) item;

  if (g_atomic_int_compare_and_exchange (&self->state, GREL_CALL_PENDING, GREL_CALL_STARTED))
    self->klass->start (self);
}

void
grel_call_post (GrelCall *self)
{
  self->item.run = grel_call_run;
  grel_call_ref (self);
  grel_hop_post (self->part->hop, &self->item);
}

gboolean
grel_call_claim (GrelCall *self, GrelCallState state)
{
  if (!g_atomic_int_compare_and_exchange (&self->state, GREL_CALL_PENDING, state)
      && !g_atomic_int_compare_and_exchange (&self->state, GREL_CALL_STARTED, state))
    return FALSE;

  g_queue_unlink (&self->part->calls, &self->link);
  grel_timers_clear (self->part->timers, &self->timer);
  if (self->klass->leave != NULL)
    self->klass->leave (self);
  return TRUE;
}

static void
grel_call_return_task (GrelCall *self, gpointer answer, GError *error)
{
  if (error != NULL)
    g_task_return_error (self->task, error);
  else if (self->klass->answers_object)
    g_task_return_pointer (self->task, answer, g_object_unref);
  else if (self->klass->free_answer != NULL)
    g_task_return_pointer (self->task, answer, self->klass->free_answer);
  else
    g_task_return_boolean (self->task, GPOINTER_TO_INT (answer));
}

void
grel_call_deliver (GrelCall *self, gpointer answer, GError *error)
{
  if (self->cancelled_id != 0)
    g_signal_handler_disconnect (self->cancellable, self->cancelled_id);
  if (self->klass->left != NULL)
    self->klass->left (self);

  if (self->task != NULL)
    grel_call_return_task (self, answer, error);
  else
    {
      g_mutex_lock (&self->mutex);
      self->answer = answer;
      self->error = error;
      self->is_answered = TRUE;
      g_mutex_unlock (&self->mutex);
      g_cond_signal (&self->cond); /* who wakes up finds the mutex free */
    }

  grel_call_unref (self);
}

static gboolean
grel_call_take (GrelCall *self, GrelCallState state)
{
  gboolean claimed;

  g_mutex_lock (&self->part->mutex);
  claimed = grel_call_claim (self, state);
  g_mutex_unlock (&self->part->mutex);
  return claimed;
}

void
grel_call_answer (GrelCall *self, gboolean answer, GError *error)
{
  if (grel_call_take (self, GREL_CALL_DONE))
    grel_call_deliver (self, GINT_TO_POINTER (error == NULL && answer), error);
  else
    g_clear_error (&error);
}

void
grel_call_answer_pointer (GrelCall *self, gpointer answer, GError *error)
{
  if (grel_call_take (self, GREL_CALL_DONE))
    grel_call_deliver (self, answer, error);
  else
    {
      if (answer != NULL)
        self->klass->free_answer (answer);
      g_clear_error (&error);
    }
}

void
grel_call_fail (GrelCall *self, GError *error)
{
  if (grel_call_take (self, GREL_CALL_ABANDONED))
    grel_call_deliver (self, NULL, error);
  else
    g_error_free (error);
}

static void
grel_call_run_out (GrelCall *self)
{
  if (self->klass->settle != NULL)
    grel_call_answer_pointer (self, self->klass->settle (self), NULL);
  else
    grel_call_fail (self, self->klass->time_out (self));
}

static void
grel_call_timer_ref (GrelTimer *timer)
{
  grel_call_ref (grel_call_from_timer (timer));
}

static void
grel_call_timer_fire (GrelTimer *timer)
{
  g_autoptr (GrelCall) self = grel_call_from_timer (timer);

  grel_call_run_out (self);
}

/* As it may be set to anything while the part is open. */
static GTimeSpan
grel_call_get_patience (GrelCall *self)
{
  return CLAMP (grel_part_get_patience (self->part), G_TIME_SPAN_MILLISECOND, G_TIME_SPAN_DAY);
}

/* What a waiting thread knows of the loop that it waits for. */
typedef struct
{
  gint64 look_at;  /* when to look again; real time, for a loop that hangs can't tell */
  gint64 asked_at; /* since when the loop owes a sign of life; 0 if it doesn't */
  guint beats;     /* what it had shown until then */
  gboolean is_warned;
} GrelPulse;

/* Returns: whether the loop has shown life since it was asked; asks anew if it has */
static gboolean
grel_call_feel_pulse (GrelCall *self, GrelPulse *pulse, gint64 now)
{
  GrelPart *part = self->part;
  gboolean alive;

  g_mutex_lock (&part->mutex);
  alive
    = pulse->asked_at == 0 || part->hop == NULL || grel_hop_get_beats (part->hop) != pulse->beats;
  if (alive && part->hop != NULL)
    {
      pulse->asked_at = now;
      pulse->beats = grel_hop_get_beats (part->hop);
      grel_hop_ask_for_beat (part->hop);
    }
  g_mutex_unlock (&part->mutex);

  return alive;
}

/* Asking takes the context for a moment, so it is done as rarely as it can be. */
static gboolean
grel_call_is_loop_free (GrelCall *self)
{
  g_autoptr (GMainContext) context = grel_part_ref_context (self->part);

  if (context == NULL || !g_main_context_acquire (context))
    return FALSE;

  g_main_context_release (context);
  return TRUE;
}

static void
grel_call_blame_loop (GrelCall *self, GrelPulse *pulse, gint64 now, GTimeSpan patience)
{
  const char *noun = self->part->subject.noun;
  const char *whose = self->subject.noun == noun ? "this" : "its";
  double waited = (now - pulse->asked_at) / (double) G_USEC_PER_SEC;

  if (grel_call_is_loop_free (self))
    grel_call_fail (self, grel_error_new (GREL_ERROR_LOOP_NOT_RUNNING, self->subject,
                                          "nobody runs the main context that %s %s was opened on; "
                                          "run its loop, or open the app in a thread of its own",
                                          whose, noun));
  else if (now - pulse->asked_at >= GREL_CALL_BUSY_LIMIT * patience)
    grel_call_fail (self, grel_error_new (GREL_ERROR_LOOP_NOT_RUNNING, self->subject,
                                          "the loop that %s %s was opened on has been busy for "
                                          "%.1f s; don't block it",
                                          whose, noun, waited));
  else if (!pulse->is_warned)
    {
      pulse->is_warned = TRUE;
      grel_log (G_LOG_LEVEL_WARNING, "loop-busy", self->subject,
                "a thread waits for the loop that %s %s was opened on, which has been busy for "
                "%.1f s",
                whose, noun, waited);
    }
}

static gboolean
grel_call_is_overdue (GrelCall *self)
{
  return self->deadline >= 0 && grel_part_now (self->part) >= self->deadline;
}

/* Until when to sleep: the next look at the loop, or the caller's own deadline. */
static gint64
grel_call_get_wake_up (GrelCall *self, GrelPulse *pulse)
{
  if (self->deadline < 0 || GREL_IS_VIRTUAL_CLOCK (grel_part_get_clock (self->part)))
    return pulse->look_at;

  /* The clocks part when the machine sleeps. */
  return MIN (pulse->look_at,
              g_get_monotonic_time () + self->deadline - grel_part_now (self->part));
}

static void
grel_call_look_around (GrelCall *self, GrelPulse *pulse)
{
  GTimeSpan patience = grel_call_get_patience (self);
  gint64 now = g_get_monotonic_time ();

  if (grel_call_is_overdue (self))
    {
      grel_call_run_out (self);
      return;
    }
  if (now < pulse->look_at)
    return;

  if (!grel_call_feel_pulse (self, pulse, now))
    grel_call_blame_loop (self, pulse, now, patience);
  pulse->look_at = now + patience;
}

gpointer
grel_call_wait (GrelCall *call, GError **error)
{
  g_autoptr (GrelCall) self = call;
  GrelPulse pulse
    = { .look_at = g_get_monotonic_time () + MIN (GREL_CALL_QUIET, grel_call_get_patience (self)) };

  g_mutex_lock (&self->mutex);
  while (!self->is_answered)
    {
      gboolean is_cancelled = self->is_cancelled;

      if (!is_cancelled
          && g_cond_wait_until (&self->cond, &self->mutex, grel_call_get_wake_up (self, &pulse)))
        continue;

      self->is_cancelled = FALSE;
      g_mutex_unlock (&self->mutex);
      if (is_cancelled)
        grel_call_fail (self, grel_call_new_cancelled ());
      else
        grel_call_look_around (self, &pulse);
      g_mutex_lock (&self->mutex);
    }
  g_mutex_unlock (&self->mutex);

  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  return self->answer;
}
