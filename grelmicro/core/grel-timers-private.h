/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-clock.h>
#include <grelmicro/core/grel-heap-private.h>

G_BEGIN_DECLS

typedef struct _GrelTimer GrelTimer;
typedef struct _GrelTimers GrelTimers;

/* What a timer belongs to must outlive its turn, which comes without the mutex held. */
typedef struct
{
  void (*ref) (GrelTimer *timer);  /* mutex held */
  void (*fire) (GrelTimer *timer); /* in the captured context; drops what ref took */
} GrelTimerClass;

struct _GrelTimer
{
  GrelHeapNode node;
  const GrelTimerClass *klass;
};

/* The timers of one owner in one context on one clock. The mutex is the owner's. */
GrelTimers *
grel_timers_new (GMainContext *context, GrelClock *clock, GObject *owner, GMutex *mutex);

void grel_timers_destroy (GrelTimers *self);

/* The rest with the mutex held. */

void grel_timers_set (GrelTimers *self, GrelTimer *timer, gint64 due);

void grel_timers_clear (GrelTimers *self, GrelTimer *timer);

void grel_timers_clear_all (GrelTimers *self);

gboolean grel_timer_is_set (const GrelTimer *self);

G_END_DECLS
