/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-clock-private.h>
#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/core/grel-timers-private.h>

#include <glib-unix.h>
#include <sys/timerfd.h>
#include <unistd.h>

/*
 * A heap behind one source. On the real clock the source watches a timerfd: it counts
 * while the machine sleeps, and arming it from another thread needs no wake-up of the loop.
 */
struct _GrelTimers
{
  GSource source;
  GObject *owner; /* not a reference: it destroys the timers before it goes */
  GrelClock *clock;
  GMutex *mutex;
  GrelHeap heap;    /* (element-type GrelTimer) */
  guint generation; /* of the process whose timers these are */
  gint64 armed_for; /* the earliest time the source is going to wake up at, or G_MAXINT64 */
  int fd;           /* -1 on a virtual clock, and when the process is out of descriptors */
};

static void
grel_timers_arm (GrelTimers *self)
{
  GrelHeapNode *first = grel_heap_peek (&self->heap);
  struct itimerspec spec = { 0 };
  gint64 due, boot;

  if (first == NULL || first->due >= self->armed_for)
    return;

  due = self->armed_for = first->due;
  if (GREL_IS_VIRTUAL_CLOCK (self->clock))
    {
      if (due <= grel_clock_get_monotonic_time (self->clock))
        g_source_set_ready_time (&self->source, 0);
      return;
    }
  if (self->fd < 0)
    {
      g_source_set_ready_time (&self->source, due);
      return;
    }

  boot = MAX (due - grel_clock_get_boot_offset (), 1);
  spec.it_value.tv_sec = boot / G_USEC_PER_SEC;
  spec.it_value.tv_nsec = boot % G_USEC_PER_SEC * 1000;
  timerfd_settime (self->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* In the child of a fork the timerfd is the parent's still: reading it would rob the parent. */
static gboolean
grel_timers_is_foreign (GrelTimers *self)
{
  return self->generation != grel_identity_get_generation ();
}

static GrelTimer *
grel_timers_pop_due (GrelTimers *self, gint64 now)
{
  GrelHeapNode *first;
  GrelTimer *timer = NULL;

  if (grel_timers_is_foreign (self))
    return NULL;

  g_mutex_lock (self->mutex);
  first = grel_heap_peek (&self->heap);
  if (!g_source_is_destroyed (&self->source) && first != NULL && first->due <= now)
    {
      timer = (GrelTimer *) first;
      grel_timers_clear (self, timer);
      timer->klass->ref (timer);
    }
  if (!g_source_is_destroyed (&self->source))
    grel_timers_arm (self); /* before it fires, which may run the context */
  g_mutex_unlock (self->mutex);

  return timer;
}

static gboolean
grel_timers_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  GrelTimers *self = (GrelTimers *) source;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (g_source_get_context (source));
  g_autoptr (GObject) owner = g_object_ref (self->owner);
  GrelTimer *timer;
  guint64 expirations;
  gint64 now;

  g_source_set_ready_time (source, -1);
  if (self->fd >= 0 && read (self->fd, &expirations, sizeof expirations) < 0)
    expirations = 0; /* another iteration of the context was quicker */
  g_mutex_lock (self->mutex);
  self->armed_for = G_MAXINT64;
  g_mutex_unlock (self->mutex);

  now = grel_clock_get_monotonic_time (self->clock);
  while ((timer = grel_timers_pop_due (self, now)) != NULL)
    timer->klass->fire (timer);

  return G_SOURCE_CONTINUE;
}

static void
grel_timers_finalize (GSource *source)
{
  GrelTimers *self = (GrelTimers *) source;

  grel_heap_clear (&self->heap);
  g_object_unref (self->clock);
  if (self->fd >= 0)
    close (self->fd);
}

static gboolean
grel_timers_prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  if (grel_timers_is_foreign ((GrelTimers *) source))
    g_source_destroy (source);
  return FALSE;
}

static GSourceFuncs grel_timers_funcs = {
  .prepare = grel_timers_prepare,
  .dispatch = grel_timers_dispatch,
  .finalize = grel_timers_finalize,
};

GrelTimers *
grel_timers_new (GMainContext *context, GrelClock *clock, GObject *owner, GMutex *mutex)
{
  GSource *source = g_source_new (&grel_timers_funcs, sizeof (GrelTimers));
  GrelTimers *self = (GrelTimers *) source;

  self->clock = g_object_ref (clock);
  self->owner = owner;
  self->mutex = mutex;
  self->generation = grel_identity_get_generation ();
  self->armed_for = G_MAXINT64;
  self->fd = -1;

  g_source_set_static_name (source, "[grelmicro] timers");
  g_source_set_can_recurse (source, TRUE);
  if (GREL_IS_VIRTUAL_CLOCK (clock))
    grel_virtual_clock_watch (GREL_VIRTUAL_CLOCK (clock), source);
  else if ((self->fd = timerfd_create (CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)) >= 0)
    g_source_add_unix_fd (source, self->fd, G_IO_IN);
  g_source_attach (source, context);

  return self;
}

/* Without the mutex held: the clock has one of its own. */
void
grel_timers_destroy (GrelTimers *self)
{
  if (GREL_IS_VIRTUAL_CLOCK (self->clock))
    grel_virtual_clock_unwatch (GREL_VIRTUAL_CLOCK (self->clock), &self->source);
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

void
grel_timers_set (GrelTimers *self, GrelTimer *timer, gint64 due)
{
  grel_timers_clear (self, timer);
  grel_heap_add (&self->heap, &timer->node, due);
  grel_timers_arm (self);
}

void
grel_timers_clear (GrelTimers *self, GrelTimer *timer)
{
  if (grel_timer_is_set (timer))
    grel_heap_remove (&self->heap, &timer->node);
}

void
grel_timers_clear_all (GrelTimers *self)
{
  GrelHeapNode *node;

  while ((node = grel_heap_peek_last (&self->heap)) != NULL)
    grel_heap_remove (&self->heap, node);
}

gboolean
grel_timer_is_set (const GrelTimer *self)
{
  return grel_heap_node_is_in (&self->node);
}
