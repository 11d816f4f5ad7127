/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-route-private.h>
#include <grelmicro/resilience/grel-circuit-breaker-private.h>

G_BEGIN_DECLS

/* What is wanted of a circuit, with the terms and the backend as they are now. The caller sets the
 * first five. */
typedef struct
{
  GrelCircuitBreaker *breaker;
  GTask *task;          /* (nullable) */
  gboolean from_thread; /* and waits for the answer */
  GCancellable *cancellable;
  GrelRoute *route; /* (nullable): set to how long the backend may be remembered */
  GrelCircuitBreakerBackend *backend;
  GrelCircuitTerms terms;
  GrelCircuit *bound; /* (nullable): the circuit that the breaker was bound to */
} GrelCircuitWish;

/* Finds out whether the backend can be asked. On TRUE the part's mutex is held, and *circuit
 * (transfer full) is what to ask it about. */
gboolean grel_circuit_wish_enter (GrelCircuitWish *self, GrelCircuit **circuit, GError **error);

/* Mutex held: asks an adapter that decides at once. Returns: its ticket, or 0 if it refuses */
gint64 grel_circuit_wish_try (GrelCircuitWish *self, GrelCircuit *circuit, GError **error);

void grel_circuit_wish_leave (GrelCircuitWish *self, GrelCircuit *circuit);

void grel_circuit_wish_clear (GrelCircuitWish *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GrelCircuitWish, grel_circuit_wish_clear)

G_END_DECLS
