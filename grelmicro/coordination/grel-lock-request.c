/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lock-slot-private.h>
#include <grelmicro/core/grel-call-private.h>
#include <grelmicro/core/grel-request-private.h>

typedef struct
{
  GrelRequest base;
  GrelLockVerb verb;
  GrelLockHold hold;
  GTimeSpan lease;
  gint64 sent;
  GrelLockAnswered answered;
  gpointer data;
} GrelLockRequest;

void
grel_lock_hold_clear (GrelLockHold *self)
{
  g_ref_string_release (self->key);
}

GTimeSpan
grel_lock_hold_get_rest (const GrelLockHold *self, gint64 now)
{
  return MAX (self->until - now, 0);
}

static void
grel_lock_request_start (GrelRequest *request, GTask *task)
{
  GrelLockRequest *self = (GrelLockRequest *) request;
  GrelLockBackend *backend = GREL_LOCK_BACKEND (request->owner);

  switch (self->verb)
    {
    case GREL_LOCK_ACQUIRE:
      grel_lock_backend_acquire (backend, self->hold.key, self->hold.token, self->lease, task);
      break;
    case GREL_LOCK_EXTEND:
    case GREL_LOCK_LET_LAPSE:
      grel_lock_backend_extend (backend, self->hold.key, self->hold.token, self->lease, task);
      break;
    case GREL_LOCK_RELEASE:
      grel_lock_backend_release (backend, self->hold.key, self->hold.token, task);
      break;
    case GREL_LOCK_IS_LOCKED:
    default:
      grel_lock_backend_is_locked (backend, self->hold.key, task);
      break;
    }
}

static void
grel_lock_request_answered (GrelRequest *request, gssize answer, GError *error)
{
  GrelLockRequest *self = (GrelLockRequest *) request;
  gboolean is_free = self->verb == GREL_LOCK_RELEASE && error == NULL;

  if (self->answered != NULL)
    self->answered (self->data, answer, self->sent, error);
  else
    g_clear_error (&error);

  if (is_free)
    grel_lock_backend_notify_released (GREL_LOCK_BACKEND (request->owner), self->hold.key);
}

/* Mutex held: whether the store counts a lease as running that nobody here believes in. */
static gboolean
grel_lock_request_is_stray (GrelLockRequest *self, gssize answer)
{
  GrelLockBackend *backend = GREL_LOCK_BACKEND (self->base.owner);
  GrelLockSlot *slot = grel_lock_slots_find (grel_lock_backend_get_slots (backend), self->hold.key);
  gboolean is_held = slot != NULL && slot->holder != NULL
                     && g_str_equal (slot->holder->hold.token, self->hold.token);

  return answer > 0 && !is_held
         && (self->verb == GREL_LOCK_ACQUIRE || self->verb == GREL_LOCK_EXTEND);
}

/* The asker has been told otherwise, so what was won has to be given back; on the loop that the
 * backend is open on now, which needn't be this one. */
static void
grel_lock_request_late (GrelRequest *request, gssize answer, GError *error)
{
  GrelLockRequest *self = (GrelLockRequest *) request;

  g_mutex_lock (&request->part->mutex);
  if (error == NULL && grel_lock_request_is_stray (self, answer))
    grel_lock_backend_give_back (GREL_LOCK_BACKEND (request->owner), &self->hold);
  g_mutex_unlock (&request->part->mutex);
  g_clear_error (&error);
}

static void
grel_lock_request_finalize (GrelRequest *request)
{
  grel_lock_hold_clear (&((GrelLockRequest *) request)->hold);
}

static const GrelRequestClass grel_lock_request_class = {
  .size = sizeof (GrelLockRequest),
  .start = grel_lock_request_start,
  .answered = grel_lock_request_answered,
  .late = grel_lock_request_late,
  .finalize = grel_lock_request_finalize,
};

static const GrelRequestClass grel_lock_acquire_request_class = {
  .size = sizeof (GrelLockRequest),
  .answers_int = TRUE,
  .start = grel_lock_request_start,
  .answered = grel_lock_request_answered,
  .late = grel_lock_request_late,
  .finalize = grel_lock_request_finalize,
};

/* What was given up before the backend was closed is given back before the store is let go. */
static const GrelRequestClass grel_lock_give_back_request_class = {
  .size = sizeof (GrelLockRequest),
  .is_lifecycle = TRUE,
  .start = grel_lock_request_start,
  .answered = grel_lock_request_answered,
  .late = grel_lock_request_late,
  .finalize = grel_lock_request_finalize,
};

static const GrelRequestClass *
grel_lock_request_find_class (GrelLockVerb verb, GrelLockAnswered answered)
{
  if (verb == GREL_LOCK_ACQUIRE)
    return &grel_lock_acquire_request_class;
  return answered == NULL ? &grel_lock_give_back_request_class : &grel_lock_request_class;
}

void
grel_lock_backend_ask (GrelLockBackend *backend,
                       GrelLockVerb verb,
                       const GrelLockHold *hold,
                       GTimeSpan lease,
                       GrelLockAnswered answered,
                       gpointer data)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  GrelRequest *request = grel_request_new (grel_lock_request_find_class (verb, answered), part,
                                           grel_lock_subject_for_key (hold->key));
  GrelLockRequest *self = (GrelLockRequest *) request;

  self->verb = verb;
  self->hold = grel_lock_hold_copy (hold);
  self->lease = lease;
  self->sent = grel_part_now (part);
  self->answered = answered;
  self->data = data;
  grel_request_start (request);
}

void
grel_lock_backend_let_go (GrelLockBackend *backend,
                          const GrelLockHold *hold,
                          GrelLockAnswered answered,
                          gpointer data)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  GTimeSpan rest = grel_lock_hold_get_rest (hold, grel_part_now (part));

  grel_lock_backend_ask (backend, rest > 0 ? GREL_LOCK_LET_LAPSE : GREL_LOCK_RELEASE, hold, rest,
                         answered, data);
}

typedef struct
{
  GrelHopItem item;
  GrelLockBackend *backend;
  GrelLockHold hold;
} GrelLockGiveBack;

static void
grel_lock_give_back_run (GrelHopItem *item)
{
  GrelLockGiveBack *self = (GrelLockGiveBack *) item;

  grel_lock_backend_let_go (self->backend, &self->hold, NULL, NULL);
  grel_lock_hold_clear (&self->hold);
  g_object_unref (self->backend);
  g_free (self);
}

void
grel_lock_backend_give_back (GrelLockBackend *backend, const GrelLockHold *hold)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  GrelLockGiveBack *self;

  if (part->state != GREL_PART_OPEN)
    return; /* the record lapses by itself */

  self = g_new0 (GrelLockGiveBack, 1);
  self->item.run = grel_lock_give_back_run;
  self->backend = g_object_ref (backend);
  self->hold = grel_lock_hold_copy (hold);
  grel_hop_post (part->hop, &self->item);
}

/* Somebody wants to know whether the lock is held. */
typedef struct
{
  GrelCall base;
  GrelLockHold hold; /* nobody's */
} GrelLockQuery;

static void
grel_lock_query_answered (gpointer data, gssize answer, gint64 sent, GError *error)
{
  g_autoptr (GrelCall) call = data;

  grel_call_answer (call, answer != 0, error);
}

static void
grel_lock_query_start (GrelCall *call)
{
  grel_lock_backend_ask (GREL_LOCK_BACKEND (call->owner), GREL_LOCK_IS_LOCKED,
                         &((GrelLockQuery *) call)->hold, 0, grel_lock_query_answered,
                         grel_call_ref (call));
}

static void
grel_lock_query_finalize (GrelCall *call)
{
  grel_lock_hold_clear (&((GrelLockQuery *) call)->hold);
}

static const GrelCallClass grel_lock_query_class = {
  .size = sizeof (GrelLockQuery),
  .start = grel_lock_query_start,
  .finalize = grel_lock_query_finalize,
};

gboolean
grel_lock_part_query (GrelPart *part,
                      GRefString *key,
                      GTask *task,
                      GCancellable *cancellable,
                      GrelCall **call,
                      GError **error)
{
  GrelSubject subject = grel_lock_subject_for_key (key);
  gboolean is_locked = FALSE;
  GrelLockBackend *backend;

  if (!grel_part_enter (part, task == NULL, subject, error))
    return FALSE;

  backend = (GrelLockBackend *) part->owner; /* which is alive while it is open */
  if (grel_lock_backend_is_immediate (backend))
    is_locked
      = GREL_LOCK_BACKEND_GET_CLASS (backend)->try_is_locked (backend, key, grel_part_now (part));
  else
    {
      *call = grel_call_new (&grel_lock_query_class, part, subject, task, cancellable);
      ((GrelLockQuery *) *call)->hold.key = g_ref_string_acquire (key);
      grel_call_register (*call, -1);
      grel_call_post (*call);
    }
  grel_part_leave (part);

  return is_locked;
}
