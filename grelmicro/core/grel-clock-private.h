/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-virtual-clock.h>

G_BEGIN_DECLS

/* What to add to CLOCK_BOOTTIME to get the time of the real clock, in microseconds. */
gint64 grel_clock_get_boot_offset (void);

/* grel_clock_get_monotonic_time () for who knows what it has; NULL is the real clock. */
gint64 grel_clock_now (GrelClock *self);

/* A time that was read, and the tick of the kernel that it was read in. Zeroed it was none. */
typedef struct
{
  gint64 now;
  gint64 tick;
} GrelClockGlance;

/* For who does so all the time. Reads the clock once a tick, which is a few ms, so that the time is
 * never ahead and at most a tick late; a virtual clock is never late. */
gint64 grel_clock_glance (GrelClock *self, GrelClockGlance *last);

/* The same, and a stamp of the same moment: it grows while a virtual clock stands still, and is
 * fine enough to tell what a thread did first. */
gint64 grel_clock_now_stamped (GrelClock *self, gint64 *stamp);

gint64 grel_virtual_clock_get_monotonic_time (GrelVirtualClock *self);

gint64 grel_virtual_clock_get_real_time (GrelVirtualClock *self);

/* Wakes a source each time a virtual clock has advanced. */
void grel_virtual_clock_watch (GrelVirtualClock *self, GSource *source);

void grel_virtual_clock_unwatch (GrelVirtualClock *self, GSource *source);

G_END_DECLS
