/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "hold.h"

#include <stdio.h>

/* A process that didn't get to run has no valid lease any more. */
void
hold (GrelLease *lease, GTimeSpan span)
{
  gint64 since = g_get_monotonic_time ();
  gint64 until = since;

  if (!grel_lease_is_valid (lease))
    return;

  while (until - since < span && grel_lease_is_valid (lease))
    {
      until = g_get_monotonic_time ();
      g_usleep (100);
    }
  if (!grel_lease_is_valid (lease))
    until = MIN (until, grel_lease_get_deadline (lease));
  printf ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
          grel_lease_get_fencing_token (lease), since, until);
}
