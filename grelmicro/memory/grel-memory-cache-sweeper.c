/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-cache-sweeper-private.h>

/* How many expired entries one turn of the main loop frees. */
#define GREL_MEMORY_CACHE_SWEEP 1000

/* Mutex held. */
static void
grel_memory_cache_sweeper_set_timer (GrelMemoryCacheSweeper *self, gint64 due)
{
  if (self->timers == NULL || due == G_MAXINT64)
    return;
  if (!grel_timer_is_set (&self->timer) || due < self->timer.node.due)
    grel_timers_set (self->timers, &self->timer, due);
}

void
grel_memory_cache_sweeper_arm (GrelMemoryCacheSweeper *self, gint64 due)
{
  g_mutex_lock (&self->mutex);
  grel_memory_cache_sweeper_set_timer (self, due);
  g_mutex_unlock (&self->mutex);
}

/* What one turn doesn't get done is for the next one. */
static void
grel_memory_cache_sweeper_sweep (GrelMemoryCacheSweeper *self)
{
  gint64 now = grel_clock_get_monotonic_time (grel_backend_get_clock (self->owner));
  gint64 due = grel_memory_cache_delete_expired (self->cache, now, GREL_MEMORY_CACHE_SWEEP);

  g_mutex_lock (&self->mutex);
  if (due > now)
    grel_memory_cache_sweeper_set_timer (self, due);
  else if (self->hop != NULL && !self->is_sweeping)
    {
      self->is_sweeping = TRUE;
      g_object_ref (self->owner);
      grel_hop_post (self->hop, &self->item);
    }
  g_mutex_unlock (&self->mutex);

  grel_memory_cache_tidy (self->cache);
}

static void
grel_memory_cache_sweeper_go_on (GrelHopItem *item)
{
  GrelMemoryCacheSweeper *self
    = (gpointer) ((char *) item - G_STRUCT_OFFSET (GrelMemoryCacheSweeper, item));
  g_autoptr (GrelBackend) owner = self->owner;

  g_mutex_lock (&self->mutex);
  self->is_sweeping = FALSE;
  g_mutex_unlock (&self->mutex);
  grel_memory_cache_sweeper_sweep (self);
}

static GrelMemoryCacheSweeper *
grel_memory_cache_sweeper_from_timer (GrelTimer *timer)
{
  return (gpointer) ((char *) timer - G_STRUCT_OFFSET (GrelMemoryCacheSweeper, timer));
}

static void
grel_memory_cache_sweeper_timer_ref (GrelTimer *timer)
{
  g_object_ref (grel_memory_cache_sweeper_from_timer (timer)->owner);
}

static void
grel_memory_cache_sweeper_timer_fire (GrelTimer *timer)
{
  GrelMemoryCacheSweeper *self = grel_memory_cache_sweeper_from_timer (timer);
  g_autoptr (GrelBackend) owner = self->owner;

  grel_memory_cache_sweeper_sweep (self);
}

static const GrelTimerClass grel_memory_cache_sweeper_timer_class = {
  .ref = grel_memory_cache_sweeper_timer_ref,
  .fire = grel_memory_cache_sweeper_timer_fire,
};

void
grel_memory_cache_sweeper_init (GrelMemoryCacheSweeper *self,
                                GrelBackend *owner,
                                GrelMemoryCache *cache)
{
  g_mutex_init (&self->mutex);
  self->owner = owner;
  self->cache = cache;
  self->timer.klass = &grel_memory_cache_sweeper_timer_class;
  self->item.run = grel_memory_cache_sweeper_go_on;
}

void
grel_memory_cache_sweeper_clear (GrelMemoryCacheSweeper *self)
{
  grel_memory_cache_clear_mutex (self->cache, &self->mutex);
}

void
grel_memory_cache_sweeper_start (GrelMemoryCacheSweeper *self)
{
  g_autoptr (GMainContext) context = grel_backend_ref_main_context (self->owner);
  GrelTimers *timers = grel_timers_new (context, grel_backend_get_clock (self->owner),
                                        G_OBJECT (self->owner), &self->mutex);
  GrelHop *hop = grel_hop_ref_for_context (context);

  g_mutex_lock (&self->mutex);
  self->hop = hop;
  self->timers = timers;
  g_mutex_unlock (&self->mutex);

  grel_memory_cache_sweeper_arm (self, grel_memory_cache_delete_expired (self->cache, 0, 0));
}

void
grel_memory_cache_sweeper_stop (GrelMemoryCacheSweeper *self)
{
  GrelTimers *timers;
  GrelHop *hop;

  g_mutex_lock (&self->mutex);
  grel_timers_clear (self->timers, &self->timer);
  timers = g_steal_pointer (&self->timers);
  hop = g_steal_pointer (&self->hop);
  g_mutex_unlock (&self->mutex);

  grel_timers_destroy (timers);
  grel_hop_unref (hop);
}
