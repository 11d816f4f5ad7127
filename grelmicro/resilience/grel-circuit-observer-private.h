/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/resilience/grel-circuit-breaker.h>

G_BEGIN_DECLS

/* How a circuit finds a circuit breaker that may be gone. In a reference counted box; any thread.
 *
 * Not a GWeakRef: a new reference may have to wait for the interpreter that wrapped the object, and
 * GLib takes it under a lock that every object of the process needs to come and to go. This mutex
 * is one that only the last reference waits for: it is taken when there is none to be had, and what
 * an interpreter wrapped is no longer wrapped by then. */
typedef struct
{
  GMutex mutex;
  guint mutex_generation;      /* of the process it was made in */
  GrelCircuitBreaker *breaker; /* (nullable) not a reference */
} GrelCircuitObserver;

GrelCircuitObserver *grel_circuit_observer_new (GrelCircuitBreaker *breaker);

GrelCircuitObserver *grel_circuit_observer_ref (GrelCircuitObserver *self);

void grel_circuit_observer_unref (GrelCircuitObserver *self);

/* Returns: (transfer full) (nullable) */
GrelCircuitBreaker *grel_circuit_observer_ref_breaker (GrelCircuitObserver *self);

/* The breaker is being disposed of. */
void grel_circuit_observer_forget (GrelCircuitObserver *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelCircuitObserver, grel_circuit_observer_unref)

G_END_DECLS
