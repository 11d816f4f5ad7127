/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-grant-private.h>
#include <grelmicro/coordination/grel-lease.h>

G_BEGIN_DECLS

/* Takes the reference. */
GrelLease *grel_lease_new (GrelGrant *grant);

/* The lease is in the user's hands from now on. */
void grel_lease_hand_out (GrelLease *self);

G_END_DECLS
