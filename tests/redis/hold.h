/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/grelmicro.h>

G_BEGIN_DECLS

/* Holds on to a lease, for that long or until it is lost, and prints one line: "FENCE SINCE UNTIL"
 * on the monotonic clock, which all processes of a machine share. */
void hold (GrelLease *lease, GTimeSpan span);

G_END_DECLS
