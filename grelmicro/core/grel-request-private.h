/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-part-private.h>

G_BEGIN_DECLS

typedef struct _GrelRequest GrelRequest;

/* The answer of a task: an int, a boolean as 0 and 1, or a boxed value as the size that its pointer
 * is (transfer full). Takes the error (transfer full). */
typedef void (*GrelRequestFunc) (GrelRequest *request, gssize answer, GError *error);

typedef struct
{
  gsize size;
  gboolean answers_int;            /* else a boolean, */
  GType (*get_answer_type) (void); /* or if it isn't NULL a boxed value of this type, or no value */
  gboolean is_lifecycle;           /* may be asked while the part opens or closes */
  void (*start) (GrelRequest *request, GTask *task); /* asks the store */
  GrelRequestFunc answered; /* once, in the captured context, in time or with an error */
  GrelRequestFunc late;     /* nullable: an answer that came after the error did */
  void (*finalize) (GrelRequest *request); /* nullable */
} GrelRequestClass;

/* One question to a store, with a task and a deadline of its own: whoever implements it may hang,
 * throw or drop the task without hanging a caller. */
struct _GrelRequest
{
  const GrelRequestClass *klass;
  gatomicrefcount refs;
  GrelPart *part;
  GObject *owner;
  GrelSubject subject;
  GTimeSpan timeout; /* -1 is none */
  GCancellable *cancellable;
  GList link; /* in the part's requests */
  GrelTimer timer;
  GrelHopItem item;
  gboolean is_settled; /* the rest under the part's mutex */
  gboolean is_returned;
  gboolean is_dropped;
};

/* The subject's name must live as long as the request. */
GrelRequest *grel_request_new (const GrelRequestClass *klass, GrelPart *part, GrelSubject subject);

/* In the captured context; consumes the reference. */
void grel_request_start (GrelRequest *self);

/* Mutex held: fails it with CLOSED and cancels it, when the captured context gets round to that. */
void grel_request_abandon (GrelRequest *self);

GrelRequest *grel_request_ref (GrelRequest *self);

void grel_request_unref (GrelRequest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRequest, grel_request_unref)

G_END_DECLS
