/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lease-private.h>
#include <grelmicro/coordination/grel-lock-slot-private.h>

/* A call that waits for the lock. */
typedef struct
{
  GrelCall base;
  GrelWaiter waiter;
  GrelLockSlot *slot;
  GrelLockHold hold;
  GrelLockSettings settings;
  guint64 thread;
  GTimeSpan timeout;
  guint n_late;
} GrelAcquireCall;

static void grel_lock_slot_timer_ref (GrelTimer *timer);
static void grel_lock_slot_timer_fire (GrelTimer *timer);

const GrelTimerClass grel_lock_slot_timer_class = {
  .ref = grel_lock_slot_timer_ref,
  .fire = grel_lock_slot_timer_fire,
};

static GrelPart *
grel_lock_slot_get_part (GrelLockSlot *self)
{
  return grel_backend_get_part (GREL_BACKEND (self->backend));
}

/* Mutex held: ends a holder of this process whose lease is over. */
static GrelOusted
grel_lock_slot_oust (GrelLockSlot *self, gboolean even_if_valid)
{
  GrelOusted ousted = { NULL };

  if (self->holder == NULL || (!even_if_valid && grel_grant_is_valid (self->holder)))
    return ousted;
  if (!even_if_valid && self->holder->state != GREL_GRANT_HELD)
    return ousted; /* it is being released */

  return grel_grant_oust (self->holder);
}

/* Mutex held: when the head of the queue asks again, if nobody tells it to earlier. */
static void
grel_lock_slot_schedule (GrelLockSlot *self, gssize answer)
{
  GrelPart *part = grel_lock_slot_get_part (self);
  GrelAcquireCall *head = (GrelAcquireCall *) grel_wait_queue_peek (&self->queue);
  gint64 wait = G_MAXINT64 / 2;

  if (head == NULL)
    return;

  /* An adapter that decides at once tells of every release; others may miss one. */
  if (answer == 0 || !grel_lock_backend_is_immediate (self->backend))
    wait = head->settings.retry_interval
           * (1 + head->settings.retry_jitter * g_random_double_range (-1.0, 1.0));
  if (answer < 0)
    wait = MIN (wait, -answer);
  grel_timers_set (part->timers, &self->retry, grel_part_now (part) + wait);
}

static GError *
grel_acquire_call_would_block (const char *key)
{
  return grel_error_new (GREL_ERROR_WOULD_BLOCK, grel_lock_subject_for_key (key), "%s",
                         grel_lock_kind_for_key (key)->busy);
}

/* How long the store may take to answer a call that doesn't wait. */
#define GREL_ACQUIRE_GRACE G_TIME_SPAN_SECOND

static GError *
grel_acquire_call_time_out (GrelCall *call)
{
  GrelAcquireCall *self = (GrelAcquireCall *) call;

  if (self->timeout == 0)
    return grel_error_new (GREL_ERROR_BACKEND, call->subject,
                           "the store did not say within %d s whether it is free",
                           (int) (GREL_ACQUIRE_GRACE / G_TIME_SPAN_SECOND));

  return grel_error_new (GREL_ERROR_TIMED_OUT, call->subject, "could not be acquired within %g s",
                         self->timeout / (double) G_USEC_PER_SEC);
}

static void
grel_acquire_call_finalize (GrelCall *call)
{
  grel_lock_hold_clear (&((GrelAcquireCall *) call)->hold);
}

static void
grel_acquire_call_leave (GrelCall *call)
{
  GrelLockSlot *slot = ((GrelAcquireCall *) call)->slot;
  gboolean was_head = grel_wait_queue_peek (&slot->queue) == call;

  grel_waiter_leave (&((GrelAcquireCall *) call)->waiter);
  if (!grel_wait_queue_is_empty (&slot->queue))
    {
      /* The next one may be less patient than its predecessor. */
      if (was_head && grel_timer_is_set (&slot->retry)
          && !grel_lock_backend_is_immediate (slot->backend))
        grel_lock_slot_schedule (slot, 0);
      return;
    }

  grel_timers_clear (call->part->timers, &slot->retry);
  if (slot->is_watched)
    grel_lock_slot_kick (slot);
  slot->is_watched &= call->part->state == GREL_PART_OPEN; /* the adapter forgets, too */
  grel_lock_slot_tidy (slot);
}

static const GrelCallClass grel_acquire_call_class = {
  .size = sizeof (GrelAcquireCall),
  .answers_object = TRUE,
  .finalize = grel_acquire_call_finalize,
  .leave = grel_acquire_call_leave,
  .time_out = grel_acquire_call_time_out,
};

/* Mutex held: somebody won. Whoever held it until now has lost it, and is told before the winner.
 */
static GrelGrant *
grel_lock_slot_grant (GrelLockSlot *self,
                      GrelPart *part,
                      const GrelLockSettings *settings,
                      const GrelLockHold *hold,
                      gint64 fence,
                      gint64 sent,
                      guint64 thread,
                      GrelOusted *ousted)
{
  GrelGrant *grant;

  *ousted = grel_lock_slot_oust (self, TRUE);
  grant = grel_grant_new (self, part, settings, hold, fence, sent, thread);
  if (!grel_wait_queue_is_empty (&self->queue))
    grel_lock_slot_schedule (self, -settings->lease_duration);
  return grant;
}

/* Mutex held: the head won, and is claimed. */
static GrelGrant *
grel_lock_slot_grant_call (GrelLockSlot *self,
                           GrelAcquireCall *call,
                           gint64 fence,
                           gint64 sent,
                           GrelOusted *ousted)
{
  return grel_lock_slot_grant (self, grel_part_ref (call->base.part), &call->settings, &call->hold,
                               fence, sent, call->thread, ousted);
}

/* Mutex held, and dropped: an adapter that decides at once is asked on the spot. */
static void
grel_lock_slot_serve_now (GrelLockSlot *self, GrelAcquireCall *head)
{
  GrelPart *part = grel_lock_slot_get_part (self);
  GrelLockBackendClass *klass = GREL_LOCK_BACKEND_GET_CLASS (self->backend);
  GrelOusted ousted = { NULL };
  GrelGrant *grant = NULL;
  gint64 now = grel_part_now (part);
  gssize answer;

  answer = klass->try_acquire (self->backend, self->key, head->hold.token,
                               head->settings.lease_duration, now);
  if (answer <= 0)
    grel_lock_slot_schedule (self, answer);
  else if (grel_call_claim (&head->base, GREL_CALL_DONE))
    grant = grel_lock_slot_grant_call (self, head, answer, now, &ousted);
  grel_part_leave (part);

  grel_ousted_tell (&ousted);
  if (grant != NULL)
    grel_call_deliver (&head->base, grel_lease_new (grant), NULL);
}

static void grel_lock_slot_pump (GrelLockSlot *self);

/* Everyone who waited while the store was asked gets its error. */
static void
grel_lock_slot_fail_all (GrelLockSlot *self, const GError *error)
{
  GrelPart *part = grel_lock_slot_get_part (self);
  g_autoptr (GPtrArray) failed = g_ptr_array_new ();
  GrelCall *call;

  g_mutex_lock (&part->mutex);
  while ((call = grel_wait_queue_peek (&self->queue)) != NULL)
    {
      grel_call_claim (call, GREL_CALL_ABANDONED);
      g_ptr_array_add (failed, call);
    }
  g_mutex_unlock (&part->mutex);

  for (guint i = 0; i < failed->len; i++)
    grel_call_deliver (g_ptr_array_index (failed, i), NULL, g_error_copy (error));
}

static void
grel_lock_slot_given_back (gpointer data, gssize answer, gint64 sent, GError *error)
{
  GrelLockSlot *self = data;
  GrelPart *part = grel_lock_slot_get_part (self);

  g_clear_error (&error);
  g_mutex_lock (&part->mutex);
  self->is_asking = FALSE;
  g_mutex_unlock (&part->mutex);

  grel_lock_slot_pump (self);
  grel_lock_slot_unpin (self);
}

/* Mutex held: whether a lease that was granted to a question from then has run out on its way. */
static gboolean
grel_lock_slot_is_late (GrelLockSlot *self, GrelAcquireCall *call, gint64 sent)
{
  GTimeSpan lease = call->settings.lease_duration;

  return grel_part_now (grel_lock_slot_get_part (self))
         >= sent + lease - grel_lock_backend_get_margin (self->backend, lease);
}

/* Mutex held, and dropped: who waits still asks again when the store has it back, for another
 * token: a store that is out of step must not take the next lease for the one given back. */
static void
grel_lock_slot_decline (GrelLockSlot *self, GrelAcquireCall *call)
{
  GrelLockHold hold = grel_lock_hold_copy (&call->hold);

  self->is_asking = TRUE;
  grel_lock_slot_pin (self);
  grel_identity_fill_token (call->hold.token);
  grel_part_leave (grel_lock_slot_get_part (self));

  grel_lock_backend_ask (self->backend, GREL_LOCK_RELEASE, &hold, 0, grel_lock_slot_given_back,
                         self);
  grel_lock_hold_clear (&hold);
}

/* Mutex held, and dropped: the store said yes to the head, or to one who has left meanwhile. */
static void
grel_lock_slot_take_yes (GrelLockSlot *self, GrelAcquireCall *call, gint64 fence, gint64 sent)
{
  GrelPart *part = grel_lock_slot_get_part (self);
  gboolean is_late = grel_lock_slot_is_late (self, call, sent);
  gboolean asks_again = is_late && ++call->n_late < GREL_ACQUIRE_LATE_LIMIT;
  GrelOusted ousted = { NULL };
  GrelGrant *grant;
  gboolean claimed;

  /* A backend that closes has ended its leases already, so there must be no new one. */
  claimed
    = part->state == GREL_PART_OPEN && !asks_again && grel_call_claim (&call->base, GREL_CALL_DONE);
  if (claimed && !is_late)
    {
      grant = grel_lock_slot_grant_call (self, call, fence, sent, &ousted);
      grel_part_leave (part);
      grel_ousted_tell (&ousted);
      grel_call_deliver (&call->base, grel_lease_new (grant), NULL);
      return;
    }

  grel_lock_slot_decline (self, call);
  if (claimed)
    grel_call_deliver (&call->base, NULL,
                       grel_error_new (GREL_ERROR_BACKEND, call->base.subject,
                                       "the store takes longer than the lease lasts"));
}

/* Mutex held: whether the adapter has to be told that somebody waits. */
static gboolean
grel_lock_slot_begin_watch (GrelLockSlot *self)
{
  gboolean begins = !self->is_watched && GREL_LOCK_BACKEND_GET_CLASS (self->backend)->watch != NULL;

  self->is_watched |= begins;
  return begins;
}

/* Mutex held, and dropped: nobody waits. */
static void
grel_lock_slot_end_watch (GrelLockSlot *self)
{
  GrelPart *part = grel_lock_slot_get_part (self);
  GrelLockBackendClass *klass = GREL_LOCK_BACKEND_GET_CLASS (self->backend);
  gboolean was_watched = self->is_watched && part->state == GREL_PART_OPEN;

  self->is_watched = FALSE;
  grel_part_leave (part);
  if (was_watched && klass->unwatch != NULL)
    klass->unwatch (self->backend, self->key);
}

/* Mutex held, and dropped. */
static void
grel_lock_slot_take_no (GrelLockSlot *self, GrelAcquireCall *call, gssize answer)
{
  GrelPart *part = grel_lock_slot_get_part (self);
  gboolean is_waiting = call->waiter.queue != NULL;
  gboolean asks_again = self->asks_again;
  gboolean is_refused, begins_watch = FALSE;

  is_refused = call->timeout == 0 && grel_call_claim (&call->base, GREL_CALL_DONE);
  if (is_waiting && !is_refused)
    {
      grel_lock_slot_schedule (self, answer);
      begins_watch = grel_lock_slot_begin_watch (self);
    }
  grel_part_leave (part);

  if (begins_watch)
    GREL_LOCK_BACKEND_GET_CLASS (self->backend)->watch (self->backend, self->key);
  if (is_refused)
    grel_call_deliver (&call->base, NULL, grel_acquire_call_would_block (call->hold.key));
  if (!is_waiting || is_refused || asks_again)
    grel_lock_slot_pump (self);
}

static void
grel_lock_slot_answered (gpointer data, gssize answer, gint64 sent, GError *error)
{
  GrelAcquireCall *acquire = data;
  g_autoptr (GrelCall) call = data;
  GrelLockSlot *self = acquire->slot;
  GrelPart *part = call->part;

  g_mutex_lock (&part->mutex);
  self->is_asking = FALSE;
  if (error != NULL)
    {
      /* It may have been granted nevertheless. */
      grel_lock_backend_give_back (self->backend, &acquire->hold);
      grel_part_leave (part);
      grel_lock_slot_fail_all (self, error);
      g_error_free (error);
    }
  else if (answer > 0)
    grel_lock_slot_take_yes (self, acquire, answer, sent);
  else
    grel_lock_slot_take_no (self, acquire, answer);
  grel_lock_slot_unpin (self);
}

/* In the captured context: gives the head of the queue its turn. */
static void
grel_lock_slot_pump (GrelLockSlot *self)
{
  GrelPart *part = grel_lock_slot_get_part (self);
  GrelAcquireCall *head;

  g_mutex_lock (&part->mutex);
  head = (GrelAcquireCall *) grel_wait_queue_peek (&self->queue);
  if (head == NULL)
    {
      grel_lock_slot_end_watch (self);
      return;
    }
  if (self->is_asking || part->state != GREL_PART_OPEN)
    {
      grel_part_leave (part);
      return;
    }

  g_atomic_int_compare_and_exchange (&head->base.state, GREL_CALL_PENDING, GREL_CALL_STARTED);
  if (grel_lock_backend_is_immediate (self->backend))
    {
      grel_lock_slot_serve_now (self, head);
      return;
    }

  self->is_asking = TRUE;
  self->asks_again = FALSE;
  grel_lock_slot_pin (self);
  grel_call_ref (&head->base);
  g_mutex_unlock (&part->mutex);

  grel_lock_backend_ask (self->backend, GREL_LOCK_ACQUIRE, &head->hold,
                         head->settings.lease_duration, grel_lock_slot_answered, head);
}

static void
grel_lock_slot_run (GrelHopItem *item)
{
  GrelLockSlot *self = (GrelLockSlot *) ((char *) item - G_STRUCT_OFFSET (GrelLockSlot, item));
  GrelPart *part = grel_lock_slot_get_part (self);

  g_mutex_lock (&part->mutex);
  self->is_posted = FALSE;
  g_mutex_unlock (&part->mutex);

  grel_lock_slot_pump (self);
  grel_lock_slot_unpin (self);
}

void
grel_lock_slot_kick (GrelLockSlot *self)
{
  GrelPart *part = grel_lock_slot_get_part (self);

  if (self->is_asking)
    self->asks_again = TRUE;
  if (self->is_asking || self->is_posted || part->state != GREL_PART_OPEN)
    return;

  self->is_posted = TRUE;
  self->item.run = grel_lock_slot_run;
  grel_lock_slot_pin (self);
  grel_hop_post (part->hop, &self->item);
}

static GrelLockSlot *
grel_lock_slot_from_timer (GrelTimer *timer)
{
  return (GrelLockSlot *) ((char *) timer - G_STRUCT_OFFSET (GrelLockSlot, retry));
}

static void
grel_lock_slot_timer_ref (GrelTimer *timer)
{
  grel_lock_slot_pin (grel_lock_slot_from_timer (timer));
}

static void
grel_lock_slot_timer_fire (GrelTimer *timer)
{
  GrelLockSlot *self = grel_lock_slot_from_timer (timer);

  grel_lock_slot_pump (self);
  grel_lock_slot_unpin (self);
}

static gint64
grel_lock_wish_get_deadline (const GrelLockWish *wish, gint64 now)
{
  if (wish->timeout < 0 || wish->timeout > G_MAXINT64 - now)
    return -1;
  return now + (wish->timeout > 0 ? wish->timeout : GREL_ACQUIRE_GRACE);
}

/* Mutex held. */
static GrelCall *
grel_lock_slot_enqueue (GrelLockSlot *self,
                        const GrelLockWish *wish,
                        const GrelLockHold *hold,
                        guint64 thread,
                        gint64 now)
{
  GrelPart *part = grel_lock_slot_get_part (self);
  GrelCall *call
    = grel_call_new (&grel_acquire_call_class, part, self->subject, wish->task, wish->cancellable);
  GrelAcquireCall *acquire = (GrelAcquireCall *) call;

  acquire->slot = self;
  acquire->hold = grel_lock_hold_copy (hold);
  acquire->settings = wish->settings;
  acquire->thread = thread;
  acquire->timeout = wish->timeout;
  grel_wait_queue_push (&self->queue, &acquire->waiter, call);
  grel_call_register (call, grel_lock_wish_get_deadline (wish, now));

  return call;
}

/* Mutex held: whoever comes first may be answered on the spot; all others wait. */
static GrelGrant *
grel_lock_slot_admit (GrelLockSlot *self,
                      GrelLockWish *wish,
                      guint64 thread,
                      GrelOusted *ousted,
                      GrelCall **call,
                      GError **error)
{
  gboolean is_immediate = grel_lock_backend_is_immediate (self->backend);
  gboolean is_first = grel_wait_queue_is_empty (&self->queue);
  gint64 now = grel_part_now (grel_lock_slot_get_part (self));
  GrelLockHold hold = { .key = self->key };
  gssize answer = 0;

  if (thread != 0 && self->holder != NULL && self->holder->thread == thread
      && self->holder->state == GREL_GRANT_HELD)
    {
      g_propagate_error (error,
                         grel_error_new (GREL_ERROR_REENTRANT, self->subject,
                                         "this thread holds it already; release that lease first"));
      return NULL;
    }

  grel_identity_fill_token (hold.token);
  if (is_immediate && is_first)
    answer
      = GREL_LOCK_BACKEND_GET_CLASS (self->backend)
          ->try_acquire (self->backend, self->key, hold.token, wish->settings.lease_duration, now);
  if (answer > 0)
    return grel_lock_slot_grant (self, g_steal_pointer (&wish->part), &wish->settings, &hold,
                                 answer, now, thread, ousted);

  if (wish->timeout == 0 && (is_immediate || !is_first))
    {
      if (error != NULL) /* one that nobody looks at isn't made */
        *error = grel_acquire_call_would_block (self->key);
      return NULL;
    }

  *call = grel_lock_slot_enqueue (self, wish, &hold, thread, now);
  if (is_first && is_immediate)
    grel_lock_slot_schedule (self, answer);
  else if (is_first)
    grel_lock_slot_kick (self);
  return NULL;
}

/* Mutex held, but for a moment: a holder of this process whose lease ran out is told before another
 * can have the lock. */
static gboolean
grel_lock_slot_tell_late_holder (GrelLockSlot *self, GrelLockBackend **kept)
{
  GrelPart *part = grel_lock_slot_get_part (self);
  GrelOusted ousted = grel_lock_slot_oust (self, FALSE);

  if (ousted.grant == NULL)
    return TRUE;

  *kept = g_object_ref (self->backend); /* it may be closed meanwhile */
  g_mutex_unlock (&part->mutex);
  grel_ousted_tell (&ousted);
  g_mutex_lock (&part->mutex);
  return part->state == GREL_PART_OPEN;
}

GrelLease *
grel_lock_slot_acquire (GrelLockWish *wish, GrelCall **call, GError **error)
{
  GrelPart *part = wish->part;
  guint64 thread = wish->task == NULL ? grel_identity_get_thread () : 0;
  GrelOusted ousted = { NULL };
  g_autoptr (GrelLockBackend) kept = NULL;
  GrelGrant *grant = NULL;
  GrelLockSlot *slot;
  gboolean is_open;

  if (!grel_part_enter (part, wish->task == NULL, wish->subject, error))
    return NULL;

  /* The owner is alive while it is open. */
  slot = grel_lock_slot_ensure ((GrelLockBackend *) part->owner, wish->key);
  slot->pins++; /* or it would go with its last holder */
  is_open = grel_lock_slot_tell_late_holder (slot, &kept);
  if (is_open)
    grant = grel_lock_slot_admit (slot, wish, thread, &ousted, call, error);
  slot->pins--;
  grel_lock_slot_tidy (slot);
  grel_part_leave (part);

  if (!is_open)
    grel_part_enter (part, wish->task == NULL, wish->subject, error); /* which says why not */
  grel_ousted_tell (&ousted);
  return grant != NULL ? grel_lease_new (grant) : NULL;
}
