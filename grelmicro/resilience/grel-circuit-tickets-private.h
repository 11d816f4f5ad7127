/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/resilience/grel-admission-private.h>

G_BEGIN_DECLS

typedef enum
{
  GREL_CIRCUIT_ANSWER_UNKNOWN,
  GREL_CIRCUIT_ANSWER_YES,
  GREL_CIRCUIT_ANSWER_NO
} GrelCircuitAnswer;

/* Without a mutex: what the backend would say to one more call, if that is certain; may_refuse:
 * nobody wants to know why. */
GrelCircuitAnswer
grel_circuit_tickets_ask (GrelCircuitTally *tally, gboolean may_refuse, guint64 *number);

/* Mutex held: registers a call that was admitted, or with ticket 0 refused. The calls that are
 * admitted in the same way share an admission and its number; route: how long others may do so
 * without asking the backend. Returns: the number, or 0; *displaced (transfer full) (nullable) is
 * to be retired without the mutex */
guint64 grel_circuit_tickets_give (GrelCircuit *circuit,
                                   const GrelCircuitTerms *terms,
                                   gint64 ticket,
                                   const GrelRoute *route,
                                   GrelAdmission **displaced);

/* Without a mutex: records a success, if that changes nothing else. */
gboolean grel_circuit_tickets_succeed (GrelCircuitTally *tally, guint64 number);

/* Returns: (transfer full) (nullable): the admission of a call that runs, which it is taken from;
 * is_last: there is no other, and there won't be */
GrelAdmission *
grel_circuit_tickets_take (GrelCircuitTally *tally, guint64 number, gboolean *is_last);

/* The calls of this admission, or the one of a permit, have ended with the backend. */
void grel_circuit_tickets_lose (GrelAdmission *admission);

/* Retires them all. */
void grel_circuit_tickets_clear (GrelCircuitTally *tally);

G_END_DECLS
