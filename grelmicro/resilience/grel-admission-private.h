/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-clock-private.h>
#include <grelmicro/core/grel-route-private.h>
#include <grelmicro/resilience/grel-circuit-private.h>

G_BEGIN_DECLS

typedef struct _GrelAdmission GrelAdmission;

/* What a circuit breaker counted in this process, and the calls it let through by ticket; permits
 * may outlive it. In a reference counted box. */
typedef struct
{
  GMutex mutex;
  guint mutex_generation; /* of the process it was made in */
  guint calls_generation; /* of the process whose calls are under way */
  guint active_calls;
  guint64 successes;
  guint64 errors;
  guint64 rejections;
  char *last_error; /* nullable */

  guint tickets_generation; /* of the process that the rest belongs to */
  GrelAdmission *current;   /* (nullable): what the next call may share, also a refusal */
  GrelRoute route;          /* how long it may do so unasked */
  GrelClockGlance glance;
  GHashTable *tickets; /* (nullable): number to GrelAdmission, for calls that still run */
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

/* What a permit stands for, or a ticket, which several calls may share. The permit owns one
 * reference and the backend another, so that a close never has to revive an object that is being
 * finalized. */
struct _GrelAdmission
{
  GrelGranted base;
  gatomicrefcount refs;
  guint generation; /* of the process it was admitted in */
  GrelCircuit *circuit;
  GrelCircuitTerms terms;
  gint64 ticket;
  guint64 epoch; /* of the circuit, as is the next one */
  GrelCircuitState circuit_state;
  int state;      /* atomic; changes under the part's mutex */
  guint64 number; /* of the ticket; 0 for a permit */
  guint n_calls;  /* that run; under the tally's mutex */
};

void grel_circuit_terms_copy (const GrelCircuitTerms *self, GrelCircuitTerms *copy);

void grel_circuit_terms_clear (GrelCircuitTerms *self);

/* Mutex held: registers a call that was admitted; or with ticket 0 the refusal of any. */
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

/* Records how one of the calls that share a ticket ended, which the tally doesn't count among them
 * any more. is_last: no other will. */
gboolean grel_admission_record (GrelAdmission *self,
                                gboolean succeeded,
                                const GError *reason,
                                gboolean is_last);

/* Ends a ticket that nobody is going to record, and drops the tally's reference. Without the
 * mutex. */
void grel_admission_retire (GrelAdmission *self);

/* Gives the slot back; does nothing if the call was completed. Nothing here runs a callback, or
 * waits. */
void grel_admission_abandon (GrelAdmission *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelAdmission, grel_admission_unref)

G_END_DECLS
