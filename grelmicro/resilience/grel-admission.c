/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/resilience/grel-circuit-tickets-private.h>

typedef enum
{
  GREL_ADMISSION_RUNNING,
  GREL_ADMISSION_COMPLETED,
  GREL_ADMISSION_CLOSED
} GrelAdmissionState;

void
grel_circuit_terms_copy (const GrelCircuitTerms *self, GrelCircuitTerms *copy)
{
  copy->settings = self->settings;
  copy->ignored = self->ignored != NULL ? g_array_ref (self->ignored) : NULL;
  copy->tally = g_atomic_rc_box_acquire (self->tally);
}

void
grel_circuit_terms_clear (GrelCircuitTerms *self)
{
  g_clear_pointer (&self->ignored, g_array_unref);
  g_clear_pointer (&self->tally, grel_circuit_tally_unref);
}

static gboolean
grel_circuit_terms_ignore (const GrelCircuitTerms *self, const GError *error)
{
  for (guint i = 0; self->ignored != NULL && i < self->ignored->len; i++)
    {
      const GrelIgnoredError *ignored = &g_array_index (self->ignored, GrelIgnoredError, i);

      if (error->domain == ignored->domain && (ignored->code == -1 || error->code == ignored->code))
        return TRUE;
    }
  return FALSE;
}

static GrelCircuitOutcome
grel_circuit_terms_judge (const GrelCircuitTerms *self, gboolean succeeded, const GError *reason)
{
  if (succeeded)
    return GREL_CIRCUIT_OUTCOME_SUCCESS;
  if (!grel_error_is_outcome (reason))
    return GREL_CIRCUIT_OUTCOME_NONE; /* also if its whole domain is ignored */
  if (grel_circuit_terms_ignore (self, reason))
    return GREL_CIRCUIT_OUTCOME_SUCCESS;
  return grel_error_is_refusal (reason) ? GREL_CIRCUIT_OUTCOME_NONE : GREL_CIRCUIT_OUTCOME_ERROR;
}

/* Mutex held. */
static void
grel_admission_end (GrelAdmission *self, GrelAdmissionState state)
{
  g_atomic_int_set (&self->state, state);
  g_queue_unlink (&self->circuit->part->granted, &self->base.link);
}

static GCancellable *
grel_admission_end_closed (GrelGranted *granted)
{
  GrelAdmission *self = (GrelAdmission *) granted;

  grel_admission_end (self, GREL_ADMISSION_CLOSED);
  return NULL;
}

/* The part's reference, which it keeps for that long. */
static void
grel_admission_unref_closed (GrelGranted *granted)
{
  GrelAdmission *self = (GrelAdmission *) granted;

  grel_circuit_tickets_lose (self);
  grel_admission_unref (self);
}

GrelAdmission *
grel_admission_new (GrelCircuit *circuit, const GrelCircuitTerms *terms, gint64 ticket)
{
  GrelAdmission *self = g_new0 (GrelAdmission, 1);

  g_atomic_ref_count_init (&self->refs);
  self->base.link.data = self;
  self->base.end = grel_admission_end_closed;
  self->base.unref = grel_admission_unref_closed;
  self->generation = grel_identity_get_generation ();
  self->circuit = grel_circuit_ref (circuit);
  grel_circuit_terms_copy (terms, &self->terms);
  self->ticket = ticket;
  self->epoch = circuit->epoch;
  self->circuit_state = circuit->state;
  self->n_calls = ticket > 0;

  if (ticket > 0)
    grel_circuit_tally_begin (terms->tally);
  g_queue_push_tail_link (&circuit->part->granted, &grel_admission_ref (self)->base.link);

  return self;
}

GrelAdmission *
grel_admission_ref (GrelAdmission *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
grel_admission_unref (GrelAdmission *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;

  grel_circuit_unref (self->circuit);
  grel_circuit_terms_clear (&self->terms);
  g_free (self);
}

/* Mutex held: an adapter that decides at once is told on the spot. */
static void
grel_admission_record_now (GrelAdmission *self, GrelCircuitOutcome outcome)
{
  GrelCircuit *circuit = self->circuit;
  GrelCircuitBreakerBackendClass *klass = GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (circuit->backend);
  GrelCircuitSnapshot snapshot;

  if (klass->try_record (circuit->backend, circuit->key, self->ticket, outcome,
                         &self->terms.settings, &snapshot))
    grel_circuit_count (circuit, outcome);
  grel_circuit_see (circuit, &snapshot);
}

/* A call that tells the store how another one ended. */
typedef struct
{
  GrelCall base;
  GrelAdmission *admission;
  GrelCircuitOutcome outcome;
} GrelRecordCall;

static void
grel_record_call_answered (gpointer data, gssize counted, GError *error)
{
  GrelRecordCall *self = data;
  g_autoptr (GrelCall) call = data;
  GrelAdmission *admission = self->admission;

  g_mutex_lock (&call->part->mutex);
  if (error == NULL && counted && admission->epoch == admission->circuit->epoch)
    grel_circuit_count (admission->circuit, self->outcome);
  g_mutex_unlock (&call->part->mutex);
  grel_call_answer (call, TRUE, error);
}

/* The outcome is sent even if the caller stopped waiting for it. */
static void
grel_record_call_run (GrelHopItem *item)
{
  GrelRecordCall *self = (GrelRecordCall *) item;
  GrelAdmission *admission = self->admission;
  const GrelCircuitQuestion question = {
    .verb = GREL_CIRCUIT_RECORD,
    .key = admission->circuit->key,
    .settings = admission->terms.settings,
    .ticket = admission->ticket,
    .outcome = self->outcome,
  };

  grel_circuit_breaker_backend_ask (admission->circuit->backend, &question,
                                    grel_record_call_answered, self);
}

static void
grel_record_call_finalize (GrelCall *call)
{
  grel_admission_unref (((GrelRecordCall *) call)->admission);
}

static const GrelCallClass grel_record_call_class = {
  .size = sizeof (GrelRecordCall),
  .finalize = grel_record_call_finalize,
};

/* Mutex held: the loop tells the store. */
static GrelCall *
grel_admission_record_later (GrelAdmission *self,
                             GrelCircuitOutcome outcome,
                             GTask *task,
                             GCancellable *cancellable)
{
  GrelPart *part = self->circuit->part;
  GrelCall *call
    = grel_call_new (&grel_record_call_class, part,
                     grel_circuit_subject_for_key (self->circuit->key), task, cancellable);

  ((GrelRecordCall *) call)->admission = grel_admission_ref (self);
  ((GrelRecordCall *) call)->outcome = outcome;
  grel_call_register (call, -1);
  call->item.run = grel_record_call_run;
  grel_hop_post (part->hop, &grel_call_ref (call)->item);
  return call;
}

/* Mutex held: a call that was admitted before the circuit changed says nothing of its state now. */
static GrelCircuitOutcome
grel_admission_get_effect (GrelAdmission *self, GrelCircuitOutcome outcome)
{
  return self->epoch == self->circuit->epoch ? outcome : GREL_CIRCUIT_OUTCOME_NONE;
}

/* Why a permit can't be completed any more; NULL if it can. */
static GError *
grel_admission_check (GrelAdmission *self)
{
  GrelSubject subject = grel_circuit_subject_for_key (self->circuit->key);

  switch ((GrelAdmissionState) g_atomic_int_get (&self->state))
    {
    case GREL_ADMISSION_COMPLETED:
      return grel_error_new (GREL_ERROR_NOT_OWNED, subject, "the permit was completed already");
    case GREL_ADMISSION_CLOSED:
      return grel_error_new (GREL_ERROR_CLOSED, subject,
                             "the permit ended when its backend was closed");
    case GREL_ADMISSION_RUNNING:
    default:
      return NULL;
    }
}

/* On TRUE the part's mutex is held. */
static gboolean
grel_admission_enter (GrelAdmission *self, gboolean from_thread, GError **error)
{
  GrelSubject subject = grel_circuit_subject_for_key (self->circuit->key);
  GError *local_error;

  if (self->generation != grel_identity_get_generation ())
    local_error = grel_error_new (GREL_ERROR_NOT_OPEN, subject,
                                  "the permit was given in another process, before a fork ()");
  else if (g_atomic_int_get (&self->state) == GREL_ADMISSION_CLOSED)
    local_error = grel_admission_check (self);
  else if (!grel_part_enter (self->circuit->part, from_thread, subject, error))
    return FALSE;
  else if ((local_error = grel_admission_check (self)) == NULL)
    return TRUE;
  else
    grel_part_leave (self->circuit->part);

  g_propagate_error (error, local_error);
  return FALSE;
}

gboolean
grel_admission_complete (GrelAdmission *admission,
                         gboolean succeeded,
                         const GError *reason,
                         GTask *task,
                         GCancellable *cancellable,
                         GError **error)
{
  g_autoptr (GrelAdmission) self = NULL;
  g_autoptr (GrelCall) call = NULL;
  GrelCircuitOutcome outcome, effect;

  if (!grel_admission_enter (admission, task == NULL, error))
    return FALSE;

  self = admission;
  outcome = grel_circuit_terms_judge (&self->terms, succeeded, reason);
  effect = grel_admission_get_effect (self, outcome);
  grel_admission_end (self, GREL_ADMISSION_COMPLETED); /* the reference was the part's */
  if (grel_circuit_breaker_backend_is_immediate (self->circuit->backend))
    grel_admission_record_now (self, effect);
  else
    call = grel_admission_record_later (self, effect, task, cancellable);
  grel_part_leave (self->circuit->part);

  grel_circuit_tally_end (self->terms.tally, outcome, reason);
  if (call != NULL)
    return task != NULL || GPOINTER_TO_INT (grel_call_wait (g_steal_pointer (&call), error));
  if (task != NULL)
    g_task_return_boolean (task, TRUE);
  return TRUE;
}

gboolean
grel_admission_record (GrelAdmission *self,
                       gboolean succeeded,
                       const GError *reason,
                       gboolean is_last)
{
  GrelPart *part = self->circuit->part;
  GrelCircuitOutcome outcome = grel_circuit_terms_judge (&self->terms, succeeded, reason);
  g_autoptr (GrelAdmission) ended = NULL;
  gboolean counts;

  g_mutex_lock (&part->mutex);
  /* It may have ended meanwhile, with the last of its calls or as another took its place; what was
   * taken from it counts all the same, unless the backend was closed. */
  counts = part->state == GREL_PART_OPEN && !self->circuit->is_ended;
  if (counts)
    grel_admission_record_now (self, grel_admission_get_effect (self, outcome));
  if (counts && is_last && self->state == GREL_ADMISSION_RUNNING)
    {
      ended = self;
      grel_admission_end (self, GREL_ADMISSION_COMPLETED);
    }
  g_mutex_unlock (&part->mutex);

  grel_circuit_tally_end (self->terms.tally, counts ? outcome : GREL_CIRCUIT_OUTCOME_NONE, reason);
  return counts;
}

void
grel_admission_retire (GrelAdmission *retired)
{
  g_autoptr (GrelAdmission) self = retired;
  GrelPart *part = self->circuit->part;
  g_autoptr (GrelAdmission) ended = NULL;

  g_mutex_lock (&part->mutex);
  if (self->state == GREL_ADMISSION_RUNNING)
    {
      ended = self;
      grel_admission_end (self, GREL_ADMISSION_COMPLETED);
      if (self->n_calls > 0)
        grel_admission_record_now (self, GREL_CIRCUIT_OUTCOME_NONE);
    }
  g_mutex_unlock (&part->mutex);
}

void
grel_admission_abandon (GrelAdmission *admission)
{
  GrelCircuit *circuit = admission->circuit;
  g_autoptr (GrelAdmission) self = NULL;

  if (admission->generation != grel_identity_get_generation ())
    return; /* its locks may be held by threads of the parent, so it is left alone */

  g_mutex_lock (&circuit->part->mutex);
  if (admission->state == GREL_ADMISSION_RUNNING)
    {
      self = admission;
      grel_admission_end (self, GREL_ADMISSION_COMPLETED);
      if (grel_circuit_breaker_backend_is_immediate (circuit->backend))
        grel_admission_record_now (self, GREL_CIRCUIT_OUTCOME_NONE);
      else
        grel_circuit_breaker_backend_give_back (circuit->backend, circuit->key, self->ticket);
    }
  g_mutex_unlock (&circuit->part->mutex);

  if (self != NULL)
    grel_circuit_tally_end (self->terms.tally, GREL_CIRCUIT_OUTCOME_NONE, NULL);
}
