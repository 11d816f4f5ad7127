/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/resilience/grel-circuit-private.h>

G_BEGIN_DECLS

/* What a circuit breaker counted in this process; permits may outlive it. In a reference counted
 * box. */
typedef struct
{
  GMutex mutex;
  guint mutex_generation; /* of the process it was made in */
  guint active_calls;
  guint64 successes;
  guint64 errors;
  guint64 rejections;
  char *last_error; /* nullable */
} GrelCircuitTally;

GrelCircuitTally *grel_circuit_tally_new (void);

void grel_circuit_tally_unref (GrelCircuitTally *self);

void grel_circuit_tally_lock (GrelCircuitTally *self);

void grel_circuit_tally_unlock (GrelCircuitTally *self);

void grel_circuit_tally_begin (GrelCircuitTally *self);

void
grel_circuit_tally_end (GrelCircuitTally *self, GrelCircuitOutcome outcome, const GError *reason);

void grel_circuit_tally_reject (GrelCircuitTally *self);

/* All but the calls under way. */
void grel_circuit_tally_reset (GrelCircuitTally *self);

/* One error that counts as a success. */
typedef struct
{
  GQuark domain;
  int code; /* -1: all of the domain */
} GrelIgnoredError;

/* What a call is judged by, as it was when it was admitted. */
typedef struct
{
  GrelCircuitSettings settings;
  GArray *ignored; /* (element-type GrelIgnoredError) (nullable); never changed once it is made */
  GrelCircuitTally *tally;
} GrelCircuitTerms;

/* What a permit stands for. The permit owns one reference and the backend another, so that a close
 * never has to revive an object that is being finalized. */
typedef struct
{
  GrelGranted base;
  gatomicrefcount refs;
  guint generation; /* of the process it was admitted in */
  GrelCircuit *circuit;
  GrelCircuitTerms terms;
  gint64 ticket;
  guint64 epoch; /* of the circuit */
  int state;     /* atomic; changes under the part's mutex */
} GrelAdmission;

void grel_circuit_terms_copy (const GrelCircuitTerms *self, GrelCircuitTerms *copy);

void grel_circuit_terms_clear (GrelCircuitTerms *self);

/* Mutex held: registers a call that was admitted. */
GrelAdmission *
grel_admission_new (GrelCircuit *circuit, const GrelCircuitTerms *terms, gint64 ticket);

GrelAdmission *grel_admission_ref (GrelAdmission *self);

void grel_admission_unref (GrelAdmission *self);

/* Completes the call. With a task, the result is in the task; without one a thread waits for it.
 * reason is NULL for a call that succeeded. */
gboolean grel_admission_complete (GrelAdmission *self,
                                  gboolean succeeded,
                                  const GError *reason,
                                  GTask *task,
                                  GCancellable *cancellable,
                                  GError **error);

/* Gives the slot back; does nothing if the call was completed. Nothing here runs a callback, or
 * waits. */
void grel_admission_abandon (GrelAdmission *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelAdmission, grel_admission_unref)

G_END_DECLS
