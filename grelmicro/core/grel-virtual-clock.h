/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-clock.h>

G_BEGIN_DECLS

#define GREL_TYPE_VIRTUAL_CLOCK (grel_virtual_clock_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelVirtualClock, grel_virtual_clock, GREL, VIRTUAL_CLOCK, GrelClock)

GREL_AVAILABLE_IN_ALL
GrelVirtualClock *grel_virtual_clock_new (void);

GREL_AVAILABLE_IN_ALL
void grel_virtual_clock_advance (GrelVirtualClock *self, GTimeSpan span);

G_END_DECLS
