/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lock-slot-private.h>
#include <grelmicro/core/grel-log-private.h>

GrelGrant *
grel_grant_ref (GrelGrant *self)
{
  g_atomic_int_inc (&self->refs);
  return self;
}

void
grel_grant_unref (GrelGrant *self)
{
  if (g_atomic_int_get (&self->refs) != 1 && !g_atomic_int_dec_and_test (&self->refs))
    return; /* who has the only one left has it alone */

  g_clear_object (&self->cancellable);
  grel_part_unref (self->part);
  grel_lock_hold_clear (&self->hold);
  g_free (self);
}

GrelSubject
grel_grant_get_subject (GrelGrant *self)
{
  return self->subject;
}

/* Granted to the parent of this process, before a fork (): inert here. */
gboolean
grel_grant_is_foreign (GrelGrant *self)
{
  return self->generation != grel_identity_peek_generation ();
}

gint64
grel_grant_get_deadline (GrelGrant *self)
{
  return __atomic_load_n (&self->deadline, __ATOMIC_RELAXED);
}

gboolean
grel_grant_is_valid_at (GrelGrant *self, gint64 now)
{
  return g_atomic_int_get (&self->state) == GREL_GRANT_HELD && !grel_grant_is_foreign (self)
         && now < grel_grant_get_deadline (self);
}

gboolean
grel_grant_is_valid (GrelGrant *self)
{
  return grel_grant_is_valid_at (self, grel_part_now (self->part));
}

/* When somebody has to look: to extend, or to say that the grant is lost. The timer is the slot's,
 * and one that fires too early costs less than to move it with each grant. */
static void
grel_grant_schedule (GrelGrant *self)
{
  GrelTimer *watch = &self->slot->watch;
  gint64 due = self->deadline;

  if (self->keeps_alive && !self->is_extending)
    due = MIN (due, self->renew_at);
  if (!grel_timer_is_set (watch) || due < watch->node.due)
    grel_timers_set (self->part->timers, watch, due);
}

static void
grel_grant_set_deadline (GrelGrant *self, gint64 sent, GTimeSpan lease)
{
  GTimeSpan margin = grel_lock_backend_get_margin (self->backend, lease);

  __atomic_store_n (&self->deadline, sent + lease - margin, __ATOMIC_RELAXED);
  self->ends_at = sent + lease;
  self->renew_at = sent + lease / 3;
}

/* How long the next lease may be; 0 if it could not end later than the one that runs. */
static GTimeSpan
grel_grant_get_next_lease (GrelGrant *self, gint64 now)
{
  GTimeSpan lease = self->settings.lease_duration;

  if (self->settings.max_hold_duration > 0)
    lease = MIN (lease, self->acquired_at + self->settings.max_hold_duration - now);
  return now + lease > self->ends_at ? lease : 0;
}

/* Whether extending it lets it last longer. */
static gboolean
grel_grant_can_be_kept (GrelGrant *self)
{
  return self->settings.auto_extend && grel_grant_get_next_lease (self, self->renew_at) > 0;
}

static GCancellable *
grel_grant_end_closed (GrelGranted *granted)
{
  return grel_grant_end (grel_grant_ref ((GrelGrant *) granted), GREL_GRANT_CLOSED);
}

static void
grel_grant_unref_closed (GrelGranted *granted)
{
  grel_grant_unref ((GrelGrant *) granted);
}

GrelGrant *
grel_grant_new (GrelLockSlot *slot,
                GrelPart *part,
                const GrelLockSettings *settings,
                const GrelLockHold *hold,
                gint64 fence,
                gint64 sent,
                guint64 thread)
{
  /* calloc () takes none of the thread's own chunks, and where every field is named the compiler
   * clears nothing first. */
  GrelGrant *self = g_new (GrelGrant, 1);

  *self = (GrelGrant){
    .base = { { self, NULL, NULL }, grel_grant_end_closed, grel_grant_unref_closed },
    .refs = 2, /* the second is the part's */
    .generation = grel_identity_peek_generation (),
    .backend = slot->backend,
    .part = part,
    .hold = grel_lock_hold_copy (hold),
    .subject = slot->subject,
    .fence = fence,
    .settings = *settings,
    .acquired_at = sent,
    .state = GREL_GRANT_HELD,
    .deadline = 0,
    .ends_at = 0,
    .renew_at = 0,
    .thread = thread,
    .keeps_alive = FALSE,
    .is_extending = FALSE,
    .is_dropped = FALSE,
    .cancellable = NULL,
    .slot = slot,
  };
  if (settings->min_hold_duration > 0)
    self->hold.until = grel_part_now (self->part) + settings->min_hold_duration;
  grel_grant_set_deadline (self, sent, settings->lease_duration);
  self->keeps_alive = thread != 0 && grel_grant_can_be_kept (self);

  slot->holder = self;
  g_queue_push_tail_link (&self->part->granted, &self->base.link);
  grel_grant_schedule (self);

  return self;
}

GCancellable *
grel_grant_end (GrelGrant *self, GrelGrantState state)
{
  GrelLockSlot *slot = g_steal_pointer (&self->slot);
  GCancellable *cancellable = NULL;

  g_atomic_int_set (&self->state, state);
  if (slot == NULL)
    return NULL;

  g_queue_unlink (&self->part->granted, &self->base.link);
  if (slot->holder == self)
    slot->holder = NULL;
  grel_lock_slot_tidy (slot);

  if (state != GREL_GRANT_RELEASED && self->cancellable != NULL)
    cancellable = g_object_ref (self->cancellable);
  grel_grant_unref (self); /* the part's */
  return cancellable;
}

GrelOusted
grel_grant_oust (GrelGrant *self)
{
  GrelGrantState state = self->state == GREL_GRANT_HELD ? GREL_GRANT_LOST : GREL_GRANT_RELEASED;
  GrelOusted ousted = { .grant = grel_grant_ref (self) };

  ousted.cancellable = grel_grant_end (self, state);
  return ousted;
}

void
grel_ousted_tell (GrelOusted *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->grant, grel_grant_unref);
}

/* Without the mutex. */
static void
grel_grant_lose (GrelGrant *self)
{
  g_autoptr (GCancellable) cancellable = NULL;

  g_mutex_lock (&self->part->mutex);
  if (self->slot != NULL)
    cancellable = grel_grant_end (self, GREL_GRANT_LOST);
  g_mutex_unlock (&self->part->mutex);

  grel_debug ("lost", grel_grant_get_subject (self), "the lease was lost");
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
}

GCancellable *
grel_grant_get_cancellable (GrelGrant *self)
{
  GCancellable *cancellable;

  if (grel_grant_is_foreign (self))
    {
      if (self->cancellable == NULL)
        self->cancellable = g_cancellable_new ();
      g_cancellable_cancel (self->cancellable);
      return self->cancellable;
    }

  g_mutex_lock (&self->part->mutex);
  if (self->cancellable == NULL)
    {
      self->cancellable = g_cancellable_new ();
      if (self->state == GREL_GRANT_LOST || self->state == GREL_GRANT_CLOSED)
        g_cancellable_cancel (self->cancellable); /* nobody can have connected yet */
    }
  cancellable = self->cancellable;
  g_mutex_unlock (&self->part->mutex);

  return cancellable;
}

void
grel_grant_keep_alive (GrelGrant *self)
{
  if (grel_grant_is_foreign (self))
    return;

  g_mutex_lock (&self->part->mutex);
  if (self->state == GREL_GRANT_HELD && !self->keeps_alive && grel_grant_can_be_kept (self))
    {
      self->keeps_alive = TRUE;
      grel_grant_schedule (self);
    }
  g_mutex_unlock (&self->part->mutex);
}

/* Mutex held: the store said whether the lease is ours, and runs on. */
static GCancellable *
grel_grant_take_extension (GrelGrant *self, gboolean is_ours, gint64 sent, GTimeSpan lease)
{
  self->is_extending = FALSE;
  if (self->state != GREL_GRANT_HELD)
    return NULL;
  if (is_ours && !grel_grant_is_valid (self))
    {
      /* It may have been seen invalid by now, and doesn't come back. */
      grel_lock_backend_give_back (self->backend, &self->hold);
      is_ours = FALSE;
    }
  if (!is_ours)
    return grel_grant_end (self, GREL_GRANT_LOST);

  grel_grant_set_deadline (self, sent, lease);
  self->keeps_alive = self->keeps_alive && grel_grant_get_next_lease (self, self->renew_at) > 0;
  grel_grant_schedule (self);
  return NULL;
}

/* Mutex held: the store said whether it was ours. */
void
grel_grant_take_release (GrelGrant *self)
{
  GrelLockSlot *slot = self->slot;

  if (slot == NULL)
    return;

  if (!grel_wait_queue_is_empty (&slot->queue))
    grel_lock_slot_kick (slot);
  grel_grant_end (self, GREL_GRANT_RELEASED);
}

/* Mutex held: whether an extension would keep alive what is given up. A store that can't tell the
 * order of two requests may have extended last what was to lapse. */
static gboolean
grel_grant_is_given_up (GrelGrant *self)
{
  gboolean is_let_go = self->state == GREL_GRANT_RELEASING || self->state == GREL_GRANT_RELEASED;

  return self->state == GREL_GRANT_LOST || (is_let_go && self->hold.until > 0);
}

/* Without the mutex. A lease that was given up on meanwhile is given back. */
void
grel_grant_extended (GrelGrant *self, gboolean is_ours, gint64 sent, GTimeSpan lease)
{
  g_autoptr (GCancellable) cancellable = NULL;

  g_mutex_lock (&self->part->mutex);
  if (is_ours && grel_grant_is_given_up (self))
    grel_lock_backend_give_back (self->backend, &self->hold);
  cancellable = grel_grant_take_extension (self, is_ours, sent, lease);
  g_mutex_unlock (&self->part->mutex);

  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
}

/* Mutex held: whether the store has released it can't be told. Its owner may ask again, until the
 * lease runs out; without an owner the library does. */
void
grel_grant_take_doubt (GrelGrant *self)
{
  if (self->is_dropped)
    {
      grel_lock_backend_give_back (self->backend, &self->hold);
      grel_grant_end (self, GREL_GRANT_RELEASED);
      return;
    }

  g_atomic_int_set (&self->state, GREL_GRANT_UNSURE);
  grel_grant_schedule (self);
}

/* Mutex held. */
static gboolean
grel_grant_let_go_now (GrelGrant *self, gint64 now)
{
  GrelLockBackendClass *klass = GREL_LOCK_BACKEND_GET_CLASS (self->backend);
  GTimeSpan rest = grel_lock_hold_get_rest (&self->hold, now);

  if (rest > 0)
    return klass->try_extend (self->backend, self->hold.key, self->hold.token, rest, now);
  return klass->try_release (self->backend, self->hold.key, self->hold.token, now);
}

/* Mutex held: an adapter that decides at once is asked on the spot. */
gboolean
grel_grant_ask_now (GrelGrant *self, GrelLockVerb verb, gint64 now, GCancellable **cancellable)
{
  GrelLockBackendClass *klass = GREL_LOCK_BACKEND_GET_CLASS (self->backend);
  gboolean is_ours;

  if (verb == GREL_LOCK_RELEASE)
    {
      is_ours = grel_grant_let_go_now (self, now);
      grel_grant_take_release (self);
      return is_ours;
    }

  is_ours = klass->try_extend (self->backend, self->hold.key, self->hold.token,
                               self->settings.lease_duration, now);
  *cancellable = grel_grant_take_extension (self, is_ours, now, self->settings.lease_duration);
  return is_ours;
}

typedef struct
{
  GrelGrant *grant;
  GTimeSpan lease;
} GrelGrantRenewal;

/* A store that can't be asked is asked again, until the lease runs out. */
static void
grel_grant_renewed (gpointer data, gssize answer, gint64 sent, GError *error)
{
  g_autofree GrelGrantRenewal *renewal = data;
  g_autoptr (GrelGrant) self = renewal->grant;

  if (error == NULL)
    {
      grel_grant_extended (self, answer != 0, sent, renewal->lease);
      return;
    }

  g_mutex_lock (&self->part->mutex);
  self->is_extending = FALSE;
  self->renew_at = grel_part_now (self->part) + MAX (self->settings.lease_duration / 10, 1000);
  if (self->state == GREL_GRANT_HELD)
    grel_grant_schedule (self);
  g_mutex_unlock (&self->part->mutex);
  grel_debug ("extend-failed", grel_grant_get_subject (self), "not extended: %s", error->message);
  g_error_free (error);
}

/* In the captured context: a renewal is due. */
static void
grel_grant_renew (GrelGrant *self, GTimeSpan lease)
{
  GrelLockBackendClass *klass = GREL_LOCK_BACKEND_GET_CLASS (self->backend);
  GrelGrantRenewal *renewal;

  if (grel_lock_backend_is_immediate (self->backend))
    {
      gint64 sent = grel_part_now (self->part);

      grel_grant_extended (self,
                           klass->try_extend (self->backend, self->hold.key, self->hold.token,
                                              lease, sent),
                           sent, lease);
      return;
    }

  renewal = g_new (GrelGrantRenewal, 1);
  renewal->grant = grel_grant_ref (self);
  renewal->lease = lease;
  grel_lock_backend_ask (self->backend, GREL_LOCK_EXTEND, &self->hold, lease, grel_grant_renewed,
                         renewal);
}

/* Mutex held. Returns: whether it is lost; stores for how long to extend it, if it is due */
static gboolean
grel_grant_look (GrelGrant *self, gint64 now, GTimeSpan *lease)
{
  if (self->state != GREL_GRANT_HELD && self->state != GREL_GRANT_UNSURE)
    return FALSE;
  if (now >= self->deadline)
    return TRUE;

  if (self->keeps_alive && !self->is_extending && now >= self->renew_at)
    {
      *lease = grel_grant_get_next_lease (self, now);
      self->keeps_alive = self->is_extending = *lease > 0;
    }
  grel_grant_schedule (self);
  return FALSE;
}

void
grel_grant_check_on (GrelGrant *self)
{
  gint64 now = grel_part_now (self->part);
  GTimeSpan lease = 0;
  gboolean is_lost;

  g_mutex_lock (&self->part->mutex);
  is_lost = grel_grant_look (self, now, &lease);
  g_mutex_unlock (&self->part->mutex);

  if (is_lost)
    grel_grant_lose (self);
  else if (lease > 0)
    grel_grant_renew (self, lease);
}

/* From a finalizer: nothing here may run a callback, or wait. */
void
grel_grant_drop (GrelGrant *grant)
{
  g_autoptr (GrelGrant) self = NULL;
  g_autoptr (GCancellable) unused = NULL;

  if (grel_grant_is_foreign (grant))
    return; /* its locks may be held by threads of the parent, so it is left alone */

  self = grant;
  if (g_atomic_int_get (&self->state) >= GREL_GRANT_RELEASED)
    return;

  g_mutex_lock (&self->part->mutex);
  if (self->state == GREL_GRANT_HELD && grel_lock_backend_is_immediate (self->backend))
    grel_grant_ask_now (self, GREL_LOCK_RELEASE, grel_part_now (self->part), &unused);
  else if (self->state == GREL_GRANT_HELD || self->state == GREL_GRANT_UNSURE)
    {
      grel_lock_backend_give_back (self->backend, &self->hold);
      grel_grant_end (self, GREL_GRANT_RELEASED);
    }
  else
    self->is_dropped = TRUE;
  g_mutex_unlock (&self->part->mutex);
}
