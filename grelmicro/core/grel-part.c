/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-call-private.h>
#include <grelmicro/core/grel-clock-private.h>
#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/core/grel-log-private.h>
#include <grelmicro/core/grel-part-private.h>
#include <grelmicro/core/grel-request-private.h>
#include <grelmicro/core/grel-route-private.h>

void
grel_part_init (GrelPart *self,
                GObject *owner,
                const char *noun,
                GrelPartFunc open,
                GrelPartFunc close)
{
  g_mutex_init (&self->mutex);
  self->mutex_generation = grel_identity_get_generation ();
  self->owner = owner;
  self->subject.noun = noun;
  self->open = open;
  self->close = close;
  self->timeout = GREL_REQUEST_TIMEOUT;
  self->patience = GREL_DEFAULT_PATIENCE;
  self->generation = -1;
}

void
grel_part_clear (GrelPart *self)
{
  g_slist_free_full (self->clocks, g_object_unref);
  grel_identity_adopt_mutex (&self->mutex, &self->mutex_generation);
  g_mutex_clear (&self->mutex);
}

GrelPart *
grel_part_new (GObject *owner, const char *noun, GrelPartFunc open, GrelPartFunc close)
{
  GrelPart *self = g_atomic_rc_box_new0 (GrelPart);

  grel_part_init (self, owner, noun, open, close);
  return self;
}

GrelPart *
grel_part_ref (GrelPart *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
grel_part_unref (GrelPart *self)
{
  g_atomic_rc_box_release_full (self, (GDestroyNotify) grel_part_clear);
}

/* Opened in another process, before a fork (): its mutex may be held by a thread that isn't here.
 */
gboolean
grel_part_is_foreign (GrelPart *self)
{
  int generation = g_atomic_int_get (&self->generation);

  return generation >= 0 && (guint) generation != grel_identity_peek_generation ();
}

void
grel_part_lock (GrelPart *self)
{
  grel_identity_adopt_mutex (&self->mutex, &self->mutex_generation);
  g_mutex_lock (&self->mutex);
}

/* Mutex held. */
static void
grel_part_set_state (GrelPart *self, GrelPartState state)
{
  g_atomic_int_set (&self->state, state);
  grel_route_change ();
}

static GrelPartState
grel_part_get_state (GrelPart *self)
{
  GrelPartState state;

  if (grel_part_is_foreign (self))
    return GREL_PART_NEW;

  grel_part_lock (self);
  state = self->state;
  g_mutex_unlock (&self->mutex);
  return state;
}

gboolean
grel_part_is_open (GrelPart *self)
{
  return grel_part_get_state (self) == GREL_PART_OPEN;
}

gboolean
grel_part_was_closed (GrelPart *self)
{
  GrelPartState state = grel_part_get_state (self);

  return state == GREL_PART_CLOSING || state == GREL_PART_CLOSED;
}

gboolean
grel_part_is_idle (GrelPart *self)
{
  GrelPartState state = grel_part_get_state (self);

  return state == GREL_PART_NEW || state == GREL_PART_CLOSED;
}

GMainContext *
grel_part_ref_context (GrelPart *self)
{
  GMainContext *context = NULL;

  if (grel_part_is_foreign (self))
    return NULL;

  grel_part_lock (self);
  if (self->hop != NULL)
    context = g_main_context_ref (grel_hop_get_context (self->hop));
  g_mutex_unlock (&self->mutex);
  return context;
}

gboolean
grel_part_is_on (GrelPart *self, GMainContext *context)
{
  gboolean is_on;

  if (grel_part_is_foreign (self))
    return FALSE;

  grel_part_lock (self);
  is_on = self->hop != NULL && grel_hop_get_context (self->hop) == context;
  g_mutex_unlock (&self->mutex);
  return is_on;
}

gboolean
grel_part_is_open_on (GrelPart *self, GMainContext *context, gboolean *is_on)
{
  gboolean is_open;

  if (grel_part_is_foreign (self))
    return FALSE;

  grel_part_lock (self);
  is_open = self->state == GREL_PART_OPEN;
  if (is_open)
    *is_on = grel_hop_get_context (self->hop) == context;
  g_mutex_unlock (&self->mutex);
  return is_open;
}

/* While it is open there is a reference already, so that this one waits for nobody. */
gboolean
grel_part_ref_open (GrelPart *self)
{
  gboolean is_open;

  if (grel_part_is_foreign (self))
    return FALSE;

  grel_part_lock (self);
  is_open = self->state == GREL_PART_OPEN;
  if (is_open)
    g_object_ref (self->owner);
  g_mutex_unlock (&self->mutex);
  return is_open;
}

GrelClock *
grel_part_get_clock (GrelPart *self)
{
  GrelClock *clock = grel_part_peek_clock (self);

  return clock != NULL ? clock : grel_clock_get_real ();
}

gint64
grel_part_now (GrelPart *self)
{
  return grel_clock_now (grel_part_peek_clock (self));
}

gboolean
grel_part_set_clock (GrelPart *self, GrelClock *clock)
{
  g_autoptr (GrelClock) unused = clock != NULL ? g_object_ref (clock) : NULL;
  gboolean settable;

  grel_part_lock (self);
  settable = self->state == GREL_PART_NEW || self->state == GREL_PART_CLOSED;
  if (settable)
    g_atomic_pointer_set (&self->clock, clock);
  if (settable && clock != NULL && g_slist_find (self->clocks, clock) == NULL)
    self->clocks = g_slist_prepend (self->clocks, g_steal_pointer (&unused));
  g_mutex_unlock (&self->mutex);
  return settable;
}

GTimeSpan
grel_part_get_patience (GrelPart *self)
{
  GTimeSpan patience;

  grel_part_lock (self);
  patience = self->patience;
  g_mutex_unlock (&self->mutex);
  return patience;
}

gboolean
grel_part_set_patience (GrelPart *self, GTimeSpan patience)
{
  gboolean changes;

  grel_part_lock (self);
  changes = self->patience != patience;
  self->patience = patience;
  g_mutex_unlock (&self->mutex);
  return changes;
}

static gboolean
grel_part_refuse_foreign (GrelPart *self, GrelSubject subject, GError **error)
{
  if (!grel_part_is_foreign (self))
    return FALSE;

  g_propagate_error (error,
                     grel_error_new (GREL_ERROR_NOT_OPEN, subject,
                                     "the %s was opened in another process, before a fork (); "
                                     "open one in this process",
                                     self->subject.noun));
  return TRUE;
}

gboolean
grel_part_begin_open (GrelPart *self, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  gboolean opening;
  GrelHop *hop;

  if (grel_part_refuse_foreign (self, self->subject, error))
    return FALSE;
  if (grel_part_get_patience (self) <= 0)
    {
      g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS, self->subject,
                                                "patience: must be more than 0"));
      return FALSE;
    }

  hop = grel_hop_ref_for_context (context);
  grel_part_lock (self);
  opening = self->state == GREL_PART_NEW || self->state == GREL_PART_CLOSED;
  if (opening)
    {
      self->state_before = self->state;
      grel_part_set_state (self, GREL_PART_OPENING);
      g_atomic_int_set (&self->generation, grel_identity_get_generation ());
      self->hop = hop;
      self->timers
        = grel_timers_new (context, grel_part_get_clock (self), self->owner, &self->mutex);
    }
  g_mutex_unlock (&self->mutex);

  if (opening)
    {
      g_object_ref (self->owner);
      return TRUE;
    }

  grel_hop_unref (hop);
  g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS, self->subject,
                                            "is open already, or about to be; close it first"));
  return FALSE;
}

/* In the captured context. */
static void
grel_part_notify (GrelPart *self)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (self->owner), "is-open") != NULL)
    g_object_notify (self->owner, "is-open");
}

/* Forgets the context. */
static void
grel_part_let_go (GrelPart *self, GrelPartState state)
{
  GrelTimers *timers;
  GrelHop *hop;

  g_mutex_lock (&self->mutex);
  while (self->requests.head != NULL)
    grel_request_abandon (self->requests.head->data);
  grel_part_set_state (self, state);
  g_atomic_int_set (&self->generation, -1);
  grel_timers_clear_all (self->timers);
  timers = g_steal_pointer (&self->timers);
  hop = g_steal_pointer (&self->hop);
  g_mutex_unlock (&self->mutex);

  grel_timers_destroy (timers);
  grel_hop_unref (hop);
  g_object_unref (self->owner);
}

void
grel_part_end_open (GrelPart *self, gboolean opened)
{
  if (!opened)
    {
      grel_part_let_go (self, self->state_before);
      return;
    }

  g_mutex_lock (&self->mutex);
  grel_part_set_state (self, GREL_PART_OPEN);
  g_mutex_unlock (&self->mutex);
  grel_debug ("opened", self->subject, "is open");
  grel_part_notify (self);
}

static GrelCall *
grel_part_take_call (GrelPart *self)
{
  GrelCall *call = NULL;
  GList *first;

  g_mutex_lock (&self->mutex);
  if ((first = self->calls.head) != NULL)
    {
      call = first->data;
      grel_call_claim (call, GREL_CALL_ABANDONED);
    }
  g_mutex_unlock (&self->mutex);
  return call;
}

static gboolean
grel_part_end_granted (GrelPart *self)
{
  g_autoptr (GCancellable) cancellable = NULL;
  GrelGranted *granted;

  g_mutex_lock (&self->mutex);
  granted = g_queue_peek_head (&self->granted);
  if (granted != NULL)
    cancellable = granted->end (granted);
  g_mutex_unlock (&self->mutex);

  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
  if (granted != NULL)
    granted->unref (granted);
  return granted != NULL;
}

/* Ends what was granted before what is asked for, so that nobody is told CLOSED while another still
 * believes that it holds. */
static void
grel_part_end_everything (GrelPart *self)
{
  GrelCall *call;

  while (grel_part_end_granted (self))
    ;
  while ((call = grel_part_take_call (self)) != NULL)
    grel_call_deliver (call, 0,
                       grel_error_new (GREL_ERROR_CLOSED, call->subject, "the %s was closed",
                                       self->subject.noun));

  g_mutex_lock (&self->mutex);
  while (self->requests.head != NULL)
    grel_request_abandon (self->requests.head->data);
  g_mutex_unlock (&self->mutex);
}

gboolean
grel_part_begin_close (GrelPart *self, GError **error)
{
  g_autoptr (GObject) owner = g_object_ref (self->owner);
  GrelPartState state;

  if (grel_part_refuse_foreign (self, self->subject, error))
    return FALSE;

  grel_part_lock (self);
  state = self->state;
  if (state == GREL_PART_OPEN)
    grel_part_set_state (self, GREL_PART_CLOSING);
  g_mutex_unlock (&self->mutex);

  if (state == GREL_PART_OPEN)
    {
      grel_part_end_everything (self);
      return TRUE;
    }

  if (state == GREL_PART_NEW || state == GREL_PART_OPENING)
    g_propagate_error (error,
                       grel_error_new (GREL_ERROR_NOT_OPEN, self->subject, "is not open yet"));
  else
    g_propagate_error (error,
                       grel_error_new (GREL_ERROR_CLOSED, self->subject, "is closed already"));
  return FALSE;
}

void
grel_part_end_close (GrelPart *self)
{
  g_autoptr (GObject) owner = g_object_ref (self->owner);

  grel_part_let_go (self, GREL_PART_CLOSED);
  grel_debug ("closed", self->subject, "is closed");
  grel_part_notify (self);
}

/* Why a part in this state can't be used; NULL if it can. */
static const char *
grel_part_find_fault (GrelPart *self, gboolean from_thread, GrelError *code)
{
  *code = GREL_ERROR_NOT_OPEN;
  switch (self->state)
    {
    case GREL_PART_NEW:
      return "was never opened; open it, or the app that uses it, first";
    case GREL_PART_OPENING:
      return "is still opening; wait until it is open";
    case GREL_PART_CLOSING:
    case GREL_PART_CLOSED:
      *code = GREL_ERROR_CLOSED;
      return "was closed; open it, or the app that uses it, again";
    case GREL_PART_OPEN:
    default:
      break;
    }

  *code = GREL_ERROR_DEADLOCK;
  if (from_thread && g_main_context_is_owner (grel_hop_get_context (self->hop)))
    return "works on this thread, so that a from_thread call would wait for itself; use the async "
           "call here, or call from a worker thread";
  return NULL;
}

static GError *
grel_part_check (GrelPart *self, gboolean from_thread, GrelSubject subject)
{
  GrelError code;
  const char *fault = grel_part_find_fault (self, from_thread, &code);

  if (fault == NULL)
    return NULL;
  if (subject.noun == self->subject.noun)
    return grel_error_new (code, subject, "%s", fault);
  return grel_error_new (code, subject, "its %s %s", self->subject.noun, fault);
}

gboolean
grel_part_enter (GrelPart *self, gboolean from_thread, GrelSubject subject, GError **error)
{
  GError *local_error;

  if (grel_part_refuse_foreign (self, subject, error))
    return FALSE;

  grel_part_lock (self);
  local_error = grel_part_check (self, from_thread, subject);
  if (local_error == NULL)
    return TRUE;

  g_mutex_unlock (&self->mutex);
  g_propagate_error (error, local_error);
  return FALSE;
}

void
grel_part_leave (GrelPart *self)
{
  g_mutex_unlock (&self->mutex);
}

gboolean
grel_part_may_answer_in_callback (GrelPart *self)
{
  if (!grel_part_enter (self, TRUE, self->subject, NULL))
    return FALSE;

  grel_part_leave (self);
  return TRUE;
}
