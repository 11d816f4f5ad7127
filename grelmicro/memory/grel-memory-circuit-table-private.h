/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-clock.h>
#include <grelmicro/memory/grel-memory-circuit-private.h>

G_BEGIN_DECLS

/* All records of an adapter, under its mutex. */
typedef struct
{
  GHashTable *circuits; /* name to GrelMemoryCircuit */
  GQueue sweep;         /* (element-type GrelMemoryCircuit) the next to look at first */
} GrelMemoryCircuitTable;

void grel_memory_circuit_table_init (GrelMemoryCircuitTable *self);

void grel_memory_circuit_table_clear (GrelMemoryCircuitTable *self);

/* Returns: (nullable): the record, unless it is out of date; *now is only set if there is one,
 * since a call through a circuit that is at rest needs no clock */
GrelMemoryCircuit *grel_memory_circuit_table_find (GrelMemoryCircuitTable *self,
                                                   const char *name,
                                                   GrelClock *clock,
                                                   gint64 *now);

GrelMemoryCircuit *
grel_memory_circuit_table_add (GrelMemoryCircuitTable *self, const char *name, gint64 now);

void grel_memory_circuit_table_remove (GrelMemoryCircuitTable *self, GrelMemoryCircuit *circuit);

G_END_DECLS
