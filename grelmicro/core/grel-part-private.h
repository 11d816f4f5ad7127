/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-clock.h>
#include <grelmicro/core/grel-error-private.h>
#include <grelmicro/core/grel-hop-private.h>
#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/core/grel-timers-private.h>

G_BEGIN_DECLS

/* How long a store may take to answer one request. */
#define GREL_REQUEST_TIMEOUT (10 * G_TIME_SPAN_SECOND)

#define GREL_DEFAULT_PATIENCE (5 * G_TIME_SPAN_SECOND)

typedef enum
{
  GREL_PART_NEW,
  GREL_PART_OPENING,
  GREL_PART_OPEN,
  GREL_PART_CLOSING,
  GREL_PART_CLOSED
} GrelPartState;

/* Something that was granted and ends when the part it came from closes. */
typedef struct _GrelGranted GrelGranted;

struct _GrelGranted
{
  GList link;
  /* Mutex held: leaves the part. Returns: (transfer full) (nullable): what to cancel after
   * unlocking */
  GCancellable *(*end) (GrelGranted *granted);
  /* Without the mutex: drops the part's reference. */
  void (*unref) (GrelGranted *granted);
};

/* Opens or closes the owner, in the captured context, and completes the task. */
typedef void (*GrelPartFunc) (GObject *owner, GTask *task);

/*
 * What apps, providers and backends have in common: they open on a main context, capture it, keep a
 * record of every call and of everything granted, and end all of them when they close.
 */
typedef struct
{
  GMutex mutex;
  guint mutex_generation; /* of the process it was made in */
  GObject *owner;         /* the object that the part lies in; it is kept alive while open */
  GrelSubject subject;    /* constant, as the next two */
  GrelPartFunc open;
  GrelPartFunc close;
  GTimeSpan timeout; /* of opening and of closing; -1 is none */
  GrelClock *clock;  /* (nullable): the real one; atomic */
  GSList *clocks;    /* (element-type GrelClock): all that were set, for who still looks at one */
  GTimeSpan patience;

  GrelPartState state;        /* atomic, and written under the mutex */
  GrelPartState state_before; /* opening, to return to if that fails */
  int generation;             /* of the process that opened it, -1 while closed; atomic */
  GrelHop *hop;               /* from opening to closed */
  GrelTimers *timers;         /* likewise */
  GQueue calls;               /* (element-type GrelCall) */
  GQueue requests;            /* (element-type GrelRequest) */
  GQueue granted;             /* (element-type GrelGranted) */
} GrelPart;

void grel_part_init (GrelPart *self,
                     GObject *owner,
                     const char *noun,
                     GrelPartFunc open,
                     GrelPartFunc close);

void grel_part_clear (GrelPart *self);

/* One that lies in a reference counted box, which may outlive its owner: whoever enters it then is
 * told that it isn't open. */
GrelPart *grel_part_new (GObject *owner, const char *noun, GrelPartFunc open, GrelPartFunc close);

GrelPart *grel_part_ref (GrelPart *self);

void grel_part_unref (GrelPart *self);

gboolean grel_part_is_foreign (GrelPart *self);

/* For who may be the child of a fork, if the part isn't foreign. */
void grel_part_lock (GrelPart *self);

gboolean grel_part_is_open (GrelPart *self);

gboolean grel_part_was_closed (GrelPart *self);

gboolean grel_part_is_on (GrelPart *self, GMainContext *context);

/* is_on: whether it is so on this context; left alone if it isn't open. */
gboolean grel_part_is_open_on (GrelPart *self, GMainContext *context, gboolean *is_on);

/* Returns: whether it is open, with a new reference to the owner then */
gboolean grel_part_ref_open (GrelPart *self);

gboolean grel_part_may_answer_in_callback (GrelPart *self);

/* Whether who can answer at once may do so, without the mutex: what takes turns by one of its own
 * needs no other. FALSE says nothing but that the call has to enter. A thread that runs no callback
 * runs no context either, or has only borrowed it. */
static inline gboolean
grel_part_may_answer (GrelPart *self, gboolean from_thread)
{
  return g_atomic_int_get (&self->state) == GREL_PART_OPEN
         && g_atomic_int_get (&self->generation) == g_atomic_int_get (&grel_identity_generation)
         && (!from_thread || g_main_depth () == 0 || grel_part_may_answer_in_callback (self));
}

/* Neither open, nor opening, nor closing. */
gboolean grel_part_is_idle (GrelPart *self);

GMainContext *grel_part_ref_context (GrelPart *self);

GrelClock *grel_part_get_clock (GrelPart *self);

/* Returns: (nullable): as the clock's own functions know it; for who doesn't hold the mutex, too */
static inline GrelClock *
grel_part_peek_clock (GrelPart *self)
{
  return g_atomic_pointer_get (&self->clock);
}

gint64 grel_part_now (GrelPart *self);

gboolean grel_part_set_clock (GrelPart *self, GrelClock *clock);

GTimeSpan grel_part_get_patience (GrelPart *self);

/* Returns: whether that changes it */
gboolean grel_part_set_patience (GrelPart *self, GTimeSpan patience);

/* The state machine. Closing ends every call and everything granted, at once, on any thread. */
gboolean grel_part_begin_open (GrelPart *self, GError **error);

void grel_part_end_open (GrelPart *self, gboolean opened);

gboolean grel_part_begin_close (GrelPart *self, GError **error);

void grel_part_end_close (GrelPart *self);

/* The guard of every call: locks the part and checks, in the order of the thread rules. On TRUE the
 * mutex is held. */
gboolean
grel_part_enter (GrelPart *self, gboolean from_thread, GrelSubject subject, GError **error);

void grel_part_leave (GrelPart *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelPart, grel_part_unref)

G_END_DECLS
