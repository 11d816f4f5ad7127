/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lock-backend.h>
#include <grelmicro/coordination/grel-lock-settings-private.h>
#include <grelmicro/coordination/grel-lock-slots-private.h>
#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-call-private.h>
#include <grelmicro/core/grel-identity-private.h>

G_BEGIN_DECLS

typedef enum
{
  GREL_LOCK_ACQUIRE,
  GREL_LOCK_EXTEND,
  GREL_LOCK_LET_LAPSE, /* it is extended for the last time, for less than is left mostly */
  GREL_LOCK_RELEASE,
  GREL_LOCK_IS_LOCKED
} GrelLockVerb;

/* What a token holds, or wants to hold, at the store. */
typedef struct
{
  GRefString *key;
  char token[GREL_TOKEN_SIZE];
  gint64 until; /* on the part's clock: let go before, it lapses then; 0 if it may be released */
} GrelLockHold;

static inline GrelLockHold
grel_lock_hold_copy (const GrelLockHold *self)
{
  GrelLockHold copy = *self;

  g_ref_string_acquire (copy.key);
  return copy;
}

void grel_lock_hold_clear (GrelLockHold *self);

/* Returns: how long it has to be held yet; 0 if it may be released */
GTimeSpan grel_lock_hold_get_rest (const GrelLockHold *self, gint64 now);

/* Gets the answer, the time before the question was sent, and an error (transfer full). */
typedef void (*GrelLockAnswered) (gpointer data, gssize answer, gint64 sent, GError *error);

/* A question to the store. In the captured context; answered may be NULL. */
void grel_lock_backend_ask (GrelLockBackend *self,
                            GrelLockVerb verb,
                            const GrelLockHold *hold,
                            GTimeSpan lease,
                            GrelLockAnswered answered,
                            gpointer data);

/* The same, to release it or to let it lapse. */
void grel_lock_backend_let_go (GrelLockBackend *self,
                               const GrelLockHold *hold,
                               GrelLockAnswered answered,
                               gpointer data);

/* Mutex held: lets go of what nobody is going to use, when the captured context gets round to it.
 */
void grel_lock_backend_give_back (GrelLockBackend *self, const GrelLockHold *hold);

/* Whether anybody holds it: at once, or through *call, or an error. task NULL: from a thread. */
gboolean grel_lock_part_query (GrelPart *part,
                               GRefString *key,
                               GTask *task,
                               GCancellable *cancellable,
                               GrelCall **call,
                               GError **error);

/* Whether the adapter decides at once, on any thread. */
gboolean grel_lock_backend_is_immediate (GrelLockBackend *self);

/* What a store that counts its own time may take off a lease. */
GTimeSpan grel_lock_backend_get_margin (GrelLockBackend *self, GTimeSpan lease);

GrelLockSlots *grel_lock_backend_get_slots (GrelLockBackend *self);

GrelSubject grel_lock_subject_for_key (const char *key);

G_END_DECLS
