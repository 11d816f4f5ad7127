/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-clock-private.h>

#include <time.h>

/**
 * GrelClock:
 *
 * Tells the time to an app and everything in it.
 *
 * [func@Grelmicro.Clock.get_real] is the clock of the machine; a [class@Grelmicro.VirtualClock]
 * moves when a test says so. A clock may be used from any thread.
 *
 * Since: 0.1
 */

G_DEFINE_ABSTRACT_TYPE (GrelClock, grel_clock, G_TYPE_OBJECT)

#define GREL_TYPE_REAL_CLOCK (grel_real_clock_get_type ())

G_DECLARE_FINAL_TYPE (GrelRealClock, grel_real_clock, GREL, REAL_CLOCK, GrelClock)

struct _GrelRealClock
{
  GrelClock parent_instance;

  gint64 offset; /* from CLOCK_BOOTTIME to g_get_monotonic_time () when the clock was made */
};

G_DEFINE_FINAL_TYPE (GrelRealClock, grel_real_clock, GREL_TYPE_CLOCK)

static gint64
grel_real_clock_get_boot_nanoseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_BOOTTIME, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static gint64
grel_real_clock_get_boot_time (void)
{
  return grel_real_clock_get_boot_nanoseconds () / 1000;
}

static void
grel_real_clock_class_init (GrelRealClockClass *klass)
{
}

static void
grel_real_clock_init (GrelRealClock *self)
{
  self->offset = g_get_monotonic_time () - grel_real_clock_get_boot_time ();
}

static void
grel_clock_class_init (GrelClockClass *klass)
{
}

static void
grel_clock_init (GrelClock *self)
{
}

/* An exported function is called through a table, also from here. */
static GrelClock *
grel_clock_ensure_real (void)
{
  static GrelClock *real = NULL;

  if (g_once_init_enter (&real))
    g_once_init_leave (&real, g_object_new (GREL_TYPE_REAL_CLOCK, NULL));
  return real;
}

/**
 * grel_clock_get_real:
 *
 * Gets the clock of the machine. May be called from any thread.
 *
 * Returns: (transfer none): the one real clock
 *
 * Since: 0.1
 */
GrelClock *
grel_clock_get_real (void)
{
  return grel_clock_ensure_real ();
}

gint64
grel_clock_get_boot_offset (void)
{
  return ((GrelRealClock *) grel_clock_ensure_real ())->offset;
}

gint64
grel_clock_now (GrelClock *self)
{
  if (self != NULL && GREL_IS_VIRTUAL_CLOCK (self))
    return grel_virtual_clock_get_monotonic_time (GREL_VIRTUAL_CLOCK (self));
  return grel_real_clock_get_boot_time () + grel_clock_get_boot_offset ();
}

/* The tick is cheap to get, and has passed when the machine was asleep. */
gint64
grel_clock_glance (GrelClock *self, GrelClockGlance *last)
{
  struct timespec tick;
  gint64 tick_ns;

  if (self != NULL && GREL_IS_VIRTUAL_CLOCK (self))
    return grel_clock_now (self);

  clock_gettime (CLOCK_MONOTONIC_COARSE, &tick);
  tick_ns = tick.tv_sec * G_GINT64_CONSTANT (1000000000) + tick.tv_nsec;
  if (last->tick != tick_ns)
    *last = (GrelClockGlance){ grel_clock_now (self), tick_ns };
  return last->now;
}

gint64
grel_clock_now_stamped (GrelClock *self, gint64 *stamp)
{
  *stamp = grel_real_clock_get_boot_nanoseconds ();
  if (self != NULL && GREL_IS_VIRTUAL_CLOCK (self))
    return grel_virtual_clock_get_monotonic_time (GREL_VIRTUAL_CLOCK (self));
  return *stamp / 1000 + grel_clock_get_boot_offset ();
}

/**
 * grel_clock_get_monotonic_time:
 * @self: a clock
 *
 * Gets a time that never goes back, in microseconds. That of the real clock began as
 * [func@GLib.get_monotonic_time] and runs on while the machine sleeps, as leases do. May be called
 * from any thread.
 *
 * Returns: the time in microseconds
 *
 * Since: 0.1
 */
gint64
grel_clock_get_monotonic_time (GrelClock *self)
{
  g_return_val_if_fail (GREL_IS_CLOCK (self), 0);

  return grel_clock_now (self);
}

/**
 * grel_clock_get_real_time:
 * @self: a clock
 *
 * Gets the wall clock time in microseconds since 1970 in UTC. It may jump. May be called from any
 * thread.
 *
 * Returns: the time in microseconds
 *
 * Since: 0.1
 */
gint64
grel_clock_get_real_time (GrelClock *self)
{
  g_return_val_if_fail (GREL_IS_CLOCK (self), 0);

  if (GREL_IS_VIRTUAL_CLOCK (self))
    return grel_virtual_clock_get_real_time (GREL_VIRTUAL_CLOCK (self));
  return g_get_real_time ();
}
