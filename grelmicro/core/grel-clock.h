/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

#define GREL_TYPE_CLOCK (grel_clock_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (GrelClock, grel_clock, GREL, CLOCK, GObject)

/**
 * GrelClockClass:
 * @parent_class: the parent class
 *
 * Class of [class@Grelmicro.Clock]. There is nothing to derive: the library knows its two clocks.
 *
 * Since: 0.1
 */
struct _GrelClockClass
{
  GObjectClass parent_class;

  /*< private >*/
  gpointer _reserved[8];
};

GREL_AVAILABLE_IN_ALL
GrelClock *grel_clock_get_real (void);

GREL_AVAILABLE_IN_ALL
gint64 grel_clock_get_monotonic_time (GrelClock *self);

GREL_AVAILABLE_IN_ALL
gint64 grel_clock_get_real_time (GrelClock *self);

G_END_DECLS
