/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-grant-private.h>

/* What the owner of a lease asks for: to extend it, or to release it. */

/* What a lease that isn't held any more answers to everything. */
static GError *
grel_grant_check (GrelGrant *self, GrelLockVerb verb, gint64 now)
{
  GrelSubject subject = grel_grant_get_subject (self);

  switch ((GrelGrantState) self->state)
    {
    case GREL_GRANT_HELD:
      if (grel_grant_is_valid_at (self, now))
        return NULL;
      return grel_error_new (GREL_ERROR_NOT_OWNED, subject, "the lease ran out; acquire it again");
    case GREL_GRANT_LOST:
      return grel_error_new (GREL_ERROR_NOT_OWNED, subject, "the lease was lost; acquire it again");
    case GREL_GRANT_CLOSED:
      return grel_error_new (GREL_ERROR_CLOSED, subject,
                             "the lease ended when its backend was closed; acquire it again");
    case GREL_GRANT_UNSURE:
      if (verb == GREL_LOCK_RELEASE)
        return NULL;
      return grel_error_new (GREL_ERROR_NOT_OWNED, subject,
                             "the lease may have been released; release it again");
    case GREL_GRANT_RELEASING:
    case GREL_GRANT_RELEASED:
    default:
      return grel_error_new (GREL_ERROR_NOT_OWNED, subject, "the lease was released already");
    }
}

/* A call on a lease. */
typedef struct
{
  GrelCall base;
  GrelGrant *grant;
  GTimeSpan lease;
} GrelGrantCall;

static GError *
grel_grant_new_lost (GrelGrant *self)
{
  return grel_error_new (GREL_ERROR_NOT_OWNED, grel_grant_get_subject (self),
                         "the lease was lost; acquire it again");
}

static void
grel_grant_call_settle (GrelGrantCall *self, gboolean is_ours, GError *error)
{
  if (error == NULL && !is_ours)
    error = grel_grant_new_lost (self->grant);
  grel_call_answer (&self->base, TRUE, error);
}

static void
grel_grant_call_extended (gpointer data, gssize answer, gint64 sent, GError *error)
{
  GrelGrantCall *self = data;
  g_autoptr (GrelCall) call = &self->base;

  if (error == NULL)
    grel_grant_extended (self->grant, answer != 0, sent, self->lease);
  grel_grant_call_settle (self, answer != 0 && grel_grant_is_valid (self->grant), error);
}

/* Backend first: after an error the lease still is the caller's, who may try again. */
static void
grel_grant_call_released (gpointer data, gssize answer, gint64 sent, GError *error)
{
  GrelGrantCall *self = data;
  g_autoptr (GrelCall) call = &self->base;
  GrelGrant *grant = self->grant;

  g_mutex_lock (&call->part->mutex);
  if (error == NULL)
    grel_grant_take_release (grant);
  else if (grant->state == GREL_GRANT_RELEASING)
    grel_grant_take_doubt (grant);
  g_mutex_unlock (&call->part->mutex);

  grel_grant_call_settle (self, answer != 0, error);
}

static void
grel_grant_call_start (GrelCall *call)
{
  GrelGrantCall *self = (GrelGrantCall *) call;
  GrelGrant *grant = self->grant;

  grel_call_ref (call);
  grel_lock_backend_ask (grant->backend, GREL_LOCK_EXTEND, &grant->hold, self->lease,
                         grel_grant_call_extended, self);
}

/* A release is sent even if the caller stopped waiting for it. */
static void
grel_grant_call_run_release (GrelHopItem *item)
{
  GrelGrantCall *self = (GrelGrantCall *) item;
  GrelGrant *grant = self->grant;

  grel_lock_backend_let_go (grant->backend, &grant->hold, grel_grant_call_released, self);
}

static void
grel_grant_call_finalize (GrelCall *call)
{
  grel_grant_unref (((GrelGrantCall *) call)->grant);
}

static const GrelCallClass grel_grant_call_class = {
  .size = sizeof (GrelGrantCall),
  .start = grel_grant_call_start,
  .finalize = grel_grant_call_finalize,
};

/* Mutex held: the loop asks the store. */
static GrelCall *
grel_grant_ask_later (GrelGrant *self, GrelLockVerb verb, GTask *task, GCancellable *cancellable)
{
  GrelCall *call = grel_call_new (&grel_grant_call_class, self->part, grel_grant_get_subject (self),
                                  task, cancellable);

  ((GrelGrantCall *) call)->grant = grel_grant_ref (self);
  ((GrelGrantCall *) call)->lease = self->settings.lease_duration;
  grel_call_register (call, -1);
  if (verb == GREL_LOCK_EXTEND)
    {
      grel_call_post (call);
      return call;
    }

  g_atomic_int_set (&self->state, GREL_GRANT_RELEASING);
  self->keeps_alive = FALSE;
  call->item.run = grel_grant_call_run_release;
  grel_hop_post (self->part->hop, &grel_call_ref (call)->item);
  return call;
}

static gboolean
grel_grant_enter (GrelGrant *self,
                  GrelLockVerb verb,
                  gboolean from_thread,
                  gint64 *now,
                  GError **error)
{
  GError *local_error;

  if (grel_grant_is_foreign (self))
    local_error = grel_error_new (GREL_ERROR_NOT_OPEN, grel_grant_get_subject (self),
                                  "the lease was granted in another process, before a fork ()");
  else if (g_atomic_int_get (&self->state) == GREL_GRANT_CLOSED)
    local_error = grel_grant_check (self, verb, 0);
  else if (!grel_part_enter (self->part, from_thread, grel_grant_get_subject (self), error))
    return FALSE;
  else
    {
      *now = grel_part_now (self->part);
      local_error = grel_grant_check (self, verb, *now);
      if (local_error == NULL)
        return TRUE;
      grel_part_leave (self->part);
    }

  g_propagate_error (error, local_error);
  return FALSE;
}

/*
 * grel_grant_ask:
 * @task: (nullable): %NULL for a thread, which waits for the answer
 *
 * Extends or releases. With a task the result is in the task.
 */
gboolean
grel_grant_ask (GrelGrant *self,
                GrelLockVerb verb,
                GTask *task,
                GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GCancellable) lost = NULL;
  g_autoptr (GrelCall) call = NULL;
  gboolean is_ours = FALSE;
  gint64 now;

  if (verb != GREL_LOCK_RELEASE && g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (!grel_grant_enter (self, verb, task == NULL, &now, error))
    return FALSE;

  if (self->thread != grel_identity_get_thread ())
    self->thread = 0;
  if (grel_lock_backend_is_immediate (self->backend))
    is_ours = grel_grant_ask_now (self, verb, now, &lost);
  else
    call = grel_grant_ask_later (self, verb, task, cancellable);
  grel_part_leave (self->part);

  if (lost != NULL)
    g_cancellable_cancel (lost);
  if (call != NULL)
    return task != NULL || GPOINTER_TO_INT (grel_call_wait (g_steal_pointer (&call), error));

  if (!is_ours)
    g_propagate_error (error, grel_grant_new_lost (self));
  else if (task != NULL)
    g_task_return_boolean (task, TRUE);
  return is_ours;
}
