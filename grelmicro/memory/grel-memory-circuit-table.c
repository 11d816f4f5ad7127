/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-circuit-table-private.h>

/* How many records are looked at, for whether they are out of date, when one is added. */
#define GREL_MEMORY_CIRCUIT_SWEEP 32

static void
grel_memory_circuit_table_free_circuit (gpointer circuit)
{
  grel_memory_circuit_free (circuit);
}

void
grel_memory_circuit_table_init (GrelMemoryCircuitTable *self)
{
  self->circuits
    = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, grel_memory_circuit_table_free_circuit);
  g_queue_init (&self->sweep);
}

void
grel_memory_circuit_table_clear (GrelMemoryCircuitTable *self)
{
  g_clear_pointer (&self->circuits, g_hash_table_unref);
}

void
grel_memory_circuit_table_remove (GrelMemoryCircuitTable *self, GrelMemoryCircuit *circuit)
{
  g_queue_unlink (&self->sweep, &circuit->link);
  g_hash_table_remove (self->circuits, circuit->name);
}

/* Each record gets its turn, and is judged by its own time. */
static void
grel_memory_circuit_table_sweep (GrelMemoryCircuitTable *self, gint64 now)
{
  guint n = MIN (g_queue_get_length (&self->sweep), GREL_MEMORY_CIRCUIT_SWEEP);

  for (guint i = 0; i < n; i++)
    {
      GrelMemoryCircuit *circuit = g_queue_peek_head (&self->sweep);

      if (circuit->expires_at <= now)
        {
          grel_memory_circuit_table_remove (self, circuit);
          continue;
        }
      g_queue_unlink (&self->sweep, &circuit->link);
      g_queue_push_tail_link (&self->sweep, &circuit->link);
    }
}

GrelMemoryCircuit *
grel_memory_circuit_table_add (GrelMemoryCircuitTable *self, const char *name, gint64 now)
{
  GrelMemoryCircuit *circuit = grel_memory_circuit_new (name);

  grel_memory_circuit_table_sweep (self, now);
  g_hash_table_insert (self->circuits, circuit->name, circuit);
  g_queue_push_tail_link (&self->sweep, &circuit->link);
  return circuit;
}

GrelMemoryCircuit *
grel_memory_circuit_table_find (GrelMemoryCircuitTable *self,
                                const char *name,
                                GrelClock *clock,
                                gint64 *now)
{
  GrelMemoryCircuit *circuit = g_hash_table_lookup (self->circuits, name);

  if (circuit == NULL)
    return NULL;

  *now = grel_clock_get_monotonic_time (clock);
  if (circuit->expires_at > *now)
    return circuit;

  grel_memory_circuit_table_remove (self, circuit);
  return NULL;
}
