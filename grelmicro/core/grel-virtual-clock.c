/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-clock-private.h>

/**
 * GrelVirtualClock:
 *
 * A clock for tests: it stands still until it is told to advance.
 *
 * Give it to an app with [method@Grelmicro.App.set_clock], or to a single backend with
 * [method@Grelmicro.Backend.set_clock], before either is opened. What falls due while it advances
 * happens when the main loop runs next. May be used from any thread.
 *
 * Since: 0.1
 */
struct _GrelVirtualClock
{
  GrelClock parent_instance;

  GMutex mutex;
  gint64 started_at; /* wall clock */
  gint64 elapsed;
  GPtrArray *watchers; /* (element-type GSource) */
};

G_DEFINE_FINAL_TYPE (GrelVirtualClock, grel_virtual_clock, GREL_TYPE_CLOCK)

static gint64
grel_virtual_clock_get_elapsed (GrelVirtualClock *self)
{
  gint64 elapsed;

  g_mutex_lock (&self->mutex);
  elapsed = self->elapsed;
  g_mutex_unlock (&self->mutex);
  return elapsed;
}

gint64
grel_virtual_clock_get_monotonic_time (GrelVirtualClock *self)
{
  return G_USEC_PER_SEC + grel_virtual_clock_get_elapsed (self);
}

gint64
grel_virtual_clock_get_real_time (GrelVirtualClock *self)
{
  return self->started_at + grel_virtual_clock_get_elapsed (self);
}

static void
grel_virtual_clock_finalize (GObject *object)
{
  GrelVirtualClock *self = GREL_VIRTUAL_CLOCK (object);

  g_ptr_array_unref (self->watchers);
  g_mutex_clear (&self->mutex);

  G_OBJECT_CLASS (grel_virtual_clock_parent_class)->finalize (object);
}

static void
grel_virtual_clock_class_init (GrelVirtualClockClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = grel_virtual_clock_finalize;
}

static void
grel_virtual_clock_init (GrelVirtualClock *self)
{
  g_mutex_init (&self->mutex);
  self->started_at = g_get_real_time ();
  self->watchers = g_ptr_array_new_with_free_func ((GDestroyNotify) g_source_unref);
}

/**
 * grel_virtual_clock_new:
 *
 * Makes a clock that stands still. May be called from any thread.
 *
 * Returns: (transfer full): a new clock
 *
 * Since: 0.1
 */
GrelVirtualClock *
grel_virtual_clock_new (void)
{
  return g_object_new (GREL_TYPE_VIRTUAL_CLOCK, NULL);
}

/**
 * grel_virtual_clock_advance:
 * @self: a virtual clock
 * @span: by how many microseconds; not negative
 *
 * Moves the clock on. What has fallen due happens when the main loop runs next. May be called from
 * any thread.
 *
 * Since: 0.1
 */
void
grel_virtual_clock_advance (GrelVirtualClock *self, GTimeSpan span)
{
  g_return_if_fail (GREL_IS_VIRTUAL_CLOCK (self));
  g_return_if_fail (span >= 0);

  g_mutex_lock (&self->mutex);
  self->elapsed += span;
  for (guint i = 0; i < self->watchers->len; i++)
    g_source_set_ready_time (g_ptr_array_index (self->watchers, i), 0);
  g_mutex_unlock (&self->mutex);
}

void
grel_virtual_clock_watch (GrelVirtualClock *self, GSource *source)
{
  g_mutex_lock (&self->mutex);
  g_ptr_array_add (self->watchers, g_source_ref (source));
  g_mutex_unlock (&self->mutex);
}

void
grel_virtual_clock_unwatch (GrelVirtualClock *self, GSource *source)
{
  gboolean found;
  guint index;

  g_mutex_lock (&self->mutex);
  found = g_ptr_array_find (self->watchers, source, &index);
  if (found)
    g_ptr_array_steal_index_fast (self->watchers, index);
  g_mutex_unlock (&self->mutex);

  if (found)
    g_source_unref (source);
}
