/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-call-private.h>
#include <grelmicro/resilience/grel-circuit-breaker-backend.h>
#include <grelmicro/resilience/grel-circuit-settings-private.h>

G_BEGIN_DECLS

typedef enum
{
  GREL_CIRCUIT_ADMIT,
  GREL_CIRCUIT_RECORD,
  GREL_CIRCUIT_SET_STATE
} GrelCircuitVerb;

/* What a store is asked. */
typedef struct
{
  GrelCircuitVerb verb;
  GRefString *key;
  GrelCircuitSettings settings; /* of admit and record */
  gint64 ticket;                /* of record, as the next one */
  GrelCircuitOutcome outcome;
  GrelCircuitState state; /* of set_state */
} GrelCircuitQuestion;

/* Gets the answer, or an error (transfer full). */
typedef void (*GrelCircuitAnswered) (gpointer data, gssize answer, GError *error);

/* In the captured context; answered may be NULL. */
void grel_circuit_breaker_backend_ask (GrelCircuitBreakerBackend *self,
                                       const GrelCircuitQuestion *question,
                                       GrelCircuitAnswered answered,
                                       gpointer data);

/* Mutex held: records no outcome for a ticket that nobody is going to use, when the captured
 * context gets round to it. */
void grel_circuit_breaker_backend_give_back (GrelCircuitBreakerBackend *self,
                                             GRefString *key,
                                             gint64 ticket);

/* Whether the adapter decides at once, on any thread. */
gboolean grel_circuit_breaker_backend_is_immediate (GrelCircuitBreakerBackend *self);

/* The circuits of the backend, by key; under the part's mutex. */
GHashTable *grel_circuit_breaker_backend_get_circuits (GrelCircuitBreakerBackend *self);

/* Keys are prefixed names: cb:payment. */
GrelSubject grel_circuit_subject_for_key (const char *key);

G_END_DECLS
