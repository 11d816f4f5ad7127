/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lock-backend.h>
#include <grelmicro/coordination/grel-lock-settings-private.h>
#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-call-private.h>

G_BEGIN_DECLS

typedef enum
{
  GREL_LOCK_ACQUIRE,
  GREL_LOCK_EXTEND,
  GREL_LOCK_RELEASE,
  GREL_LOCK_IS_LOCKED
} GrelLockVerb;

/* Gets the answer, the time before the question was sent, and an error (transfer full). */
typedef void (*GrelLockAnswered) (gpointer data, gssize answer, gint64 sent, GError *error);

/* A question to the store. In the captured context; answered may be NULL. */
void grel_lock_backend_ask (GrelLockBackend *self,
                            GrelLockVerb verb,
                            GRefString *key,
                            const char *token,
                            GTimeSpan lease,
                            GrelLockAnswered answered,
                            gpointer data);

/* Mutex held: releases what nobody is going to use, when the captured context gets round to it. */
void grel_lock_backend_give_back (GrelLockBackend *self, GRefString *key, const char *token);

/* Whether anybody holds it: at once, or through *call, or an error. task NULL: from a thread. */
gboolean grel_lock_backend_query (GrelLockBackend *self,
                                  GRefString *key,
                                  GTask *task,
                                  GCancellable *cancellable,
                                  GrelCall **call,
                                  GError **error);

/* Whether the adapter decides at once, on any thread. */
gboolean grel_lock_backend_is_immediate (GrelLockBackend *self);

/* What a store that counts its own time may take off a lease. */
GTimeSpan grel_lock_backend_get_margin (GrelLockBackend *self, GTimeSpan lease);

/* The slots of the backend, by key; under the part's mutex. */
GHashTable *grel_lock_backend_get_slots (GrelLockBackend *self);

/* Keys are prefixed names: lock:cart. */
GrelSubject grel_lock_subject_for_key (const char *key);

G_END_DECLS
