/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-request-private.h>
#include <grelmicro/resilience/grel-circuit-breaker-backend-private.h>

typedef struct
{
  GrelRequest base;
  GrelCircuitQuestion question;
  GrelCircuitAnswered answered;
  gpointer data;
} GrelCircuitRequest;

static void
grel_circuit_request_start (GrelRequest *request, GTask *task)
{
  const GrelCircuitQuestion *question = &((GrelCircuitRequest *) request)->question;
  GrelCircuitBreakerBackend *backend = GREL_CIRCUIT_BREAKER_BACKEND (request->owner);

  switch (question->verb)
    {
    case GREL_CIRCUIT_ADMIT:
      grel_circuit_breaker_backend_admit (backend, question->key, &question->settings, task);
      break;
    case GREL_CIRCUIT_RECORD:
      grel_circuit_breaker_backend_record (backend, question->key, question->ticket,
                                           question->outcome, &question->settings, task);
      break;
    case GREL_CIRCUIT_SET_STATE:
    default:
      grel_circuit_breaker_backend_set_state (backend, question->key, question->state, 0, task);
      break;
    }
}

static void
grel_circuit_request_answered (GrelRequest *request, gssize answer, GError *error)
{
  GrelCircuitRequest *self = (GrelCircuitRequest *) request;

  if (self->answered != NULL)
    self->answered (self->data, answer, error);
  else
    g_clear_error (&error);
}

/* The asker has been told otherwise, so the slot that it may have won is given back. */
static void
grel_circuit_request_late (GrelRequest *request, gssize answer, GError *error)
{
  GrelCircuitRequest *self = (GrelCircuitRequest *) request;

  g_mutex_lock (&request->part->mutex);
  if (error == NULL && self->question.verb == GREL_CIRCUIT_ADMIT && answer > 0)
    grel_circuit_breaker_backend_give_back (GREL_CIRCUIT_BREAKER_BACKEND (request->owner),
                                            self->question.key, answer);
  g_mutex_unlock (&request->part->mutex);
  g_clear_error (&error);
}

static void
grel_circuit_request_finalize (GrelRequest *request)
{
  g_ref_string_release (((GrelCircuitRequest *) request)->question.key);
}

static const GrelRequestClass grel_circuit_request_class = {
  .size = sizeof (GrelCircuitRequest),
  .start = grel_circuit_request_start,
  .answered = grel_circuit_request_answered,
  .finalize = grel_circuit_request_finalize,
};

static const GrelRequestClass grel_circuit_admit_request_class = {
  .size = sizeof (GrelCircuitRequest),
  .answers_int = TRUE,
  .start = grel_circuit_request_start,
  .answered = grel_circuit_request_answered,
  .late = grel_circuit_request_late,
  .finalize = grel_circuit_request_finalize,
};

void
grel_circuit_breaker_backend_ask (GrelCircuitBreakerBackend *backend,
                                  const GrelCircuitQuestion *question,
                                  GrelCircuitAnswered answered,
                                  gpointer data)
{
  const GrelRequestClass *klass = question->verb == GREL_CIRCUIT_ADMIT
                                    ? &grel_circuit_admit_request_class
                                    : &grel_circuit_request_class;
  GrelRequest *request = grel_request_new (klass, grel_backend_get_part (GREL_BACKEND (backend)),
                                           grel_circuit_subject_for_key (question->key));
  GrelCircuitRequest *self = (GrelCircuitRequest *) request;

  self->question = *question;
  self->question.key = g_ref_string_acquire (question->key);
  self->answered = answered;
  self->data = data;
  grel_request_start (request);
}

typedef struct
{
  GrelHopItem item;
  GrelCircuitBreakerBackend *backend;
  GrelCircuitQuestion question;
} GrelCircuitGiveBack;

static void
grel_circuit_give_back_run (GrelHopItem *item)
{
  GrelCircuitGiveBack *self = (GrelCircuitGiveBack *) item;

  grel_circuit_breaker_backend_ask (self->backend, &self->question, NULL, NULL);
  g_ref_string_release (self->question.key);
  g_object_unref (self->backend);
  g_free (self);
}

void
grel_circuit_breaker_backend_give_back (GrelCircuitBreakerBackend *backend,
                                        GRefString *key,
                                        gint64 ticket)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  GrelCircuitGiveBack *self;

  if (part->state != GREL_PART_OPEN)
    return; /* the slot expires by itself */

  self = g_new0 (GrelCircuitGiveBack, 1);
  self->item.run = grel_circuit_give_back_run;
  self->backend = g_object_ref (backend);
  self->question = (GrelCircuitQuestion){
    .verb = GREL_CIRCUIT_RECORD,
    .key = g_ref_string_acquire (key),
    .settings = grel_circuit_settings_default, /* no outcome is judged by none of them */
    .ticket = ticket,
    .outcome = GREL_CIRCUIT_OUTCOME_NONE,
  };
  grel_hop_post (part->hop, &self->item);
}
