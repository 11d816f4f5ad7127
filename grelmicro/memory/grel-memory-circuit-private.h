/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/resilience/grel-circuit-types.h>

G_BEGIN_DECLS

/* The record of one circuit. A circuit that is closed and had no error has none. */
typedef struct
{
  char *name;
  GrelCircuitState state;
  guint consecutive_errors;
  guint consecutive_successes;
  gint64 open_until;
  gint64 expires_at; /* G_MAXINT64 for the forced states, which last */
  gint64 since;      /* tickets below it were given before the last change */
  GArray *probes;    /* (element-type GrelMemoryProbe) (nullable) */
  GList link;        /* in the order of the next look at expires_at */
} GrelMemoryCircuit;

GrelMemoryCircuit *grel_memory_circuit_new (const char *name);

void grel_memory_circuit_free (GrelMemoryCircuit *self);

/* Enters a state. since is a ticket that was not given yet. */
void grel_memory_circuit_enter (GrelMemoryCircuit *self,
                                GrelCircuitState state,
                                gint64 since,
                                gint64 now,
                                GTimeSpan cool_down);

/* Whether a call may go through: its ticket, or -n, or 0. */
gint64 grel_memory_circuit_admit (GrelMemoryCircuit *self,
                                  const GrelCircuitSettings *settings,
                                  gint64 now,
                                  gint64 *last_ticket);

/* Whether the outcome of that call counts. Gives back the slot of a probe. */
gboolean
grel_memory_circuit_settle (GrelMemoryCircuit *self, gint64 ticket, GrelCircuitOutcome outcome);

/* Returns: the state that the circuit has to enter now */
GrelCircuitState grel_memory_circuit_count (GrelMemoryCircuit *self,
                                            GrelCircuitOutcome outcome,
                                            const GrelCircuitSettings *settings,
                                            gint64 now);

/* self is NULL for a circuit without a record. */
GrelCircuitSnapshot grel_memory_circuit_get_snapshot (GrelMemoryCircuit *self, gint64 now);

G_END_DECLS
