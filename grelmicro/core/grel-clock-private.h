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

gint64 grel_virtual_clock_get_monotonic_time (GrelVirtualClock *self);

gint64 grel_virtual_clock_get_real_time (GrelVirtualClock *self);

/* Wakes a source each time a virtual clock has advanced. */
void grel_virtual_clock_watch (GrelVirtualClock *self, GSource *source);

void grel_virtual_clock_unwatch (GrelVirtualClock *self, GSource *source);

G_END_DECLS
