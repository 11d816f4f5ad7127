/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-part-private.h>

G_BEGIN_DECLS

typedef struct _GrelCall GrelCall;

/* PENDING until its turn comes in the captured context, STARTED from then on. Exactly one takes it
 * from there, by compare-and-swap: the answer (DONE), or a cancel, a deadline, a close or a caller
 * who gave up (ABANDONED). */
typedef enum
{
  GREL_CALL_PENDING,
  GREL_CALL_STARTED,
  GREL_CALL_DONE,
  GREL_CALL_ABANDONED
} GrelCallState;

typedef struct
{
  gsize size;
  gboolean answers_object;              /* an object, else a boolean */
  GDestroyNotify free_answer;           /* another pointer that may be NULL; frees it */
  void (*start) (GrelCall *call);       /* in the captured context; nullable */
  void (*leave) (GrelCall *call);       /* mutex held: it was claimed; nullable */
  void (*left) (GrelCall *call);        /* without the mutex, before it is told; nullable */
  GError *(*time_out) (GrelCall *call); /* nullable: such calls have no deadline */
  gpointer (*settle) (GrelCall *call);  /* nullable: the answer at the deadline, if no error is */
  void (*finalize) (GrelCall *call);    /* nullable */
} GrelCallClass;

/* The record of one call that could not be answered at once. */
struct _GrelCall
{
  GrelHopItem item; /* for start */
  const GrelCallClass *klass;
  gatomicrefcount refs;
  int state;

  GrelPart *part;
  GObject *owner; /* of the part */
  GrelSubject subject;
  GList link; /* in the part's calls */
  GrelTimer timer;
  gint64 deadline; /* on the part's clock; -1 is never */

  GTask *task; /* NULL: a thread waits */
  /* Not a reference: the task, or whoever waits, has one, and deliver () disconnects before either
   * goes on. A first reference may wait for an interpreter, which mustn't be under a mutex. */
  GCancellable *cancellable;
  gulong cancelled_id;

  GMutex mutex; /* the rest is for the waiting thread */
  GCond cond;
  gboolean is_cancelled;
  gboolean is_answered;
  gpointer answer;
  GError *error;
};

/* The name in subject must live as long as the call. task is NULL for a thread that waits, and else
 * has the same cancellable. */
GrelCall *grel_call_new (const GrelCallClass *klass,
                         GrelPart *part,
                         GrelSubject subject,
                         GTask *task,
                         GCancellable *cancellable);

GrelCall *grel_call_ref (GrelCall *self);

void grel_call_unref (GrelCall *self);

/* Mutex held, part open: from now on the call ends with the part, its cancellable or its deadline.
 */
void grel_call_register (GrelCall *self, gint64 deadline);

/* Mutex held: queues start for the captured context. */
void grel_call_post (GrelCall *self);

/* Mutex held: on TRUE the caller, and nobody else, has to deliver. */
gboolean grel_call_claim (GrelCall *self, GrelCallState state);

/* Without the mutex, after a claim: hands the answer or the error (transfer full) over. */
void grel_call_deliver (GrelCall *self, gpointer answer, GError *error);

/* Claims and delivers a boolean or an error (transfer full), unless another was quicker. */
void grel_call_answer (GrelCall *self, gboolean answer, GError *error);

/* The same for a pointer (transfer full) of a class with free_answer. */
void grel_call_answer_pointer (GrelCall *self, gpointer answer, GError *error);

/* Claims and delivers an error (transfer full), unless another was quicker. */
void grel_call_fail (GrelCall *self, GError *error);

/* Blocks the calling thread until the answer is there; consumes the caller's reference. */
gpointer grel_call_wait (GrelCall *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelCall, grel_call_unref)

G_END_DECLS
