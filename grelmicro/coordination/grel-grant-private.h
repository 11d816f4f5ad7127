/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lock-backend-private.h>
#include <grelmicro/core/grel-call-private.h>

G_BEGIN_DECLS

typedef struct _GrelGrant GrelGrant;
typedef struct _GrelLockSlot GrelLockSlot;

typedef enum
{
  GREL_GRANT_HELD,
  GREL_GRANT_RELEASING,
  GREL_GRANT_UNSURE,   /* the store could not be asked to release it: never valid again */
  GREL_GRANT_RELEASED, /* from here on it is over */
  GREL_GRANT_LOST,
  GREL_GRANT_CLOSED
} GrelGrantState;

/* What a lease stands for. The lease object owns one reference and the backend another, so that
 * timers and a close never have to revive an object that is being finalized. */
struct _GrelGrant
{
  GrelGranted base;
  int refs;                 /* atomic */
  guint generation;         /* of the process it was granted to */
  GrelLockBackend *backend; /* not a reference: it is alive until the grant has ended */
  GrelPart *part;
  GrelLockHold hold;
  GrelSubject subject; /* which lives as long as the key of the hold */
  gint64 fence;
  GrelLockSettings settings;
  gint64 acquired_at; /* on the part's clock, before the question was sent */

  int state;       /* atomic; changes under the part's mutex, as all the rest */
  gint64 deadline; /* atomic */
  gint64 ends_at;  /* in the store, which has no margin */
  gint64 renew_at;
  guint64 thread; /* who may not ask again; 0 if nobody */
  gboolean keeps_alive;
  gboolean is_extending;
  gboolean is_dropped;       /* while its release is under way */
  GCancellable *cancellable; /* made when somebody asks for it */
  GrelLockSlot *slot;        /* NULL once it has ended */
};

/* Mutex held: registers a grant with its slot and the part, whose reference it takes. A thread has
 * it in its hands at once, so that it is extended from now on. */
GrelGrant *grel_grant_new (GrelLockSlot *slot,
                           GrelPart *part,
                           const GrelLockSettings *settings,
                           const GrelLockHold *hold,
                           gint64 fence,
                           gint64 sent,
                           guint64 thread);

GrelGrant *grel_grant_ref (GrelGrant *self);

void grel_grant_unref (GrelGrant *self);

GrelSubject grel_grant_get_subject (GrelGrant *self);

gboolean grel_grant_is_foreign (GrelGrant *self);

gboolean grel_grant_is_valid (GrelGrant *self);

/* now: the time by the part's clock */
gboolean grel_grant_is_valid_at (GrelGrant *self, gint64 now);

gint64 grel_grant_get_deadline (GrelGrant *self);

GCancellable *grel_grant_get_cancellable (GrelGrant *self);

/* Mutex held, and a reference: it ends here. Returns what to cancel after unlocking, if anything.
 */
GCancellable *grel_grant_end (GrelGrant *self, GrelGrantState state);

/* A holder that was ended, until it is told so: the last reference to what is its owner's mustn't
 * be given up under the mutex. */
typedef struct
{
  GrelGrant *grant;
  GCancellable *cancellable;
} GrelOusted;

/* Mutex held: another has the lock. */
GrelOusted grel_grant_oust (GrelGrant *self);

/* Without the mutex; of nobody, too. */
void grel_ousted_tell (GrelOusted *self);

/* From now on the grant is extended for as long as its lease lives. */
void grel_grant_keep_alive (GrelGrant *self);

/* In the captured context: extends it if that is due, and says so if it is lost. */
void grel_grant_check_on (GrelGrant *self);

/* The lease object is gone; consumes its reference. */
void grel_grant_drop (GrelGrant *self);

/* Mutex held: an adapter that decides at once is asked on the spot. Returns whether it still was
 * ours. */
gboolean
grel_grant_ask_now (GrelGrant *self, GrelLockVerb verb, gint64 now, GCancellable **cancellable);

/* Without the mutex: the store said whether the lease is ours, and runs on. */
void grel_grant_extended (GrelGrant *self, gboolean is_ours, gint64 sent, GTimeSpan lease);

/* Mutex held: it is released. */
void grel_grant_take_release (GrelGrant *self);

/* Mutex held: whether it is released can't be told. */
void grel_grant_take_doubt (GrelGrant *self);

gboolean grel_grant_ask (GrelGrant *self,
                         GrelLockVerb verb,
                         GTask *task,
                         GCancellable *cancellable,
                         GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelGrant, grel_grant_unref)

G_END_DECLS
