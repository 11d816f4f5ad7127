/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-grant-private.h>
#include <grelmicro/coordination/grel-lease.h>
#include <grelmicro/core/grel-wait-queue-private.h>

G_BEGIN_DECLS

/* How often a call is granted too late until it is told that its store is too slow. */
#define GREL_ACQUIRE_LATE_LIMIT 3

/* What a backend knows of one name: who holds it in this process, and who waits for it. */
struct _GrelLockSlot
{
  GrelLockBackend *backend;
  GRefString *key;
  GrelSubject subject; /* which lives as long as the key */
  GrelGrant *holder;   /* not a reference */
  GrelWaitQueue queue;
  GrelTimer retry;
  GrelTimer watch; /* of who holds it; may fire too early */
  GrelHopItem item;
  guint pins; /* the turns and answers that are still to come */
  gboolean is_posted;
  gboolean is_asking;
  gboolean asks_again; /* something changed while it asked */
  gboolean is_watched; /* the adapter was told that somebody waits */
  gboolean is_listed;  /* among those that nobody needed lately */
  GList idle;
};

/* One wish to hold a lock. */
typedef struct
{
  GrelPart *part; /* a reference; NULL when a grant has taken it */
  GRefString *key;
  GrelSubject subject;
  GrelLockSettings settings;
  GTimeSpan timeout;
  GTask *task; /* NULL: from a thread */
  GCancellable *cancellable;
} GrelLockWish;

/* Returns: (transfer full): a lease that could be granted at once, or NULL with either @call, for
 * an answer that comes later, or @error */
GrelLease *grel_lock_slot_acquire (GrelLockWish *wish, GrelCall **call, GError **error);

/* Mutex held: the head of the queue tries again when the captured context gets round to it. */
void grel_lock_slot_kick (GrelLockSlot *self);

/* Mutex held: the slot of the key. */
GrelLockSlot *grel_lock_slot_ensure (GrelLockBackend *backend, GRefString *key);

/* Mutex held: a slot that nobody holds or waits for, nor has pinned, may go. */
void grel_lock_slot_tidy (GrelLockSlot *self);

/* Mutex held: neither the slot nor its backend goes away before it is unpinned. */
void grel_lock_slot_pin (GrelLockSlot *self);

/* Without the mutex. */
void grel_lock_slot_unpin (GrelLockSlot *self);

extern const GrelTimerClass grel_lock_slot_timer_class;

G_END_DECLS
