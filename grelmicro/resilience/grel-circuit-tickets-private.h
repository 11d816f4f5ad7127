/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/resilience/grel-admission-private.h>

G_BEGIN_DECLS

/* Mutex held: registers a call that was admitted. The calls that are admitted in the same way share
 * an admission and its number. Returns: the number; *displaced (transfer full) (nullable) is to be
 * retired without the mutex */
guint64 grel_circuit_tickets_give (GrelCircuit *circuit,
                                   const GrelCircuitTerms *terms,
                                   gint64 ticket,
                                   GrelAdmission **displaced);

/* Returns: (transfer full) (nullable): the admission of a call that runs, which it is taken from;
 * is_last: there is no other, and there won't be */
GrelAdmission *
grel_circuit_tickets_take (GrelCircuitTally *tally, guint64 number, gboolean *is_last);

/* The calls of this admission, or the one of a permit, have ended with the backend. */
void grel_circuit_tickets_lose (GrelAdmission *admission);

/* Retires them all. */
void grel_circuit_tickets_clear (GrelCircuitTally *tally);

G_END_DECLS
