/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-circuit-breaker-adapter-private.h>
#include <grelmicro/memory/grel-memory-circuit-table-private.h>

/**
 * GrelMemoryCircuitBreakerAdapter:
 *
 * A circuit breaker backend in the memory of this process.
 *
 * It answers at once and on any thread. A circuit that is closed and had no error since its last
 * success takes no memory. Closing the backend forgets all circuits.
 *
 * Since: 0.1
 */
struct _GrelMemoryCircuitBreakerAdapter
{
  GrelCircuitBreakerBackend parent_instance;

  GMutex mutex; /* guards the rest */
  GrelMemoryCircuitTable table;
  gint64 last_ticket;
};

G_DEFINE_FINAL_TYPE (GrelMemoryCircuitBreakerAdapter,
                     grel_memory_circuit_breaker_adapter,
                     GREL_TYPE_CIRCUIT_BREAKER_BACKEND)

static GrelMemoryCircuit *
grel_memory_circuit_breaker_adapter_add (GrelMemoryCircuitBreakerAdapter *self,
                                         const char *name,
                                         gint64 *now)
{
  *now = grel_clock_get_monotonic_time (grel_backend_get_clock (GREL_BACKEND (self)));
  return grel_memory_circuit_table_add (&self->table, name, *now);
}

static GrelMemoryCircuit *
grel_memory_circuit_breaker_adapter_find (GrelMemoryCircuitBreakerAdapter *self,
                                          const char *name,
                                          gint64 *now)
{
  GrelClock *clock = grel_backend_get_clock (GREL_BACKEND (self));

  return grel_memory_circuit_table_find (&self->table, name, clock, now);
}

static gint64
grel_memory_circuit_breaker_adapter_try_admit (GrelCircuitBreakerBackend *backend,
                                               const char *name,
                                               const GrelCircuitSettings *settings,
                                               GrelCircuitSnapshot *snapshot)
{
  GrelMemoryCircuitBreakerAdapter *self = GREL_MEMORY_CIRCUIT_BREAKER_ADAPTER (backend);
  GrelMemoryCircuit *circuit;
  gint64 answer, now = 0;

  g_mutex_lock (&self->mutex);
  answer = self->last_ticket;
  circuit = grel_memory_circuit_breaker_adapter_find (self, name, &now);
  if (circuit != NULL)
    answer = grel_memory_circuit_admit (circuit, settings, now, &self->last_ticket);
  *snapshot = grel_memory_circuit_get_snapshot (circuit, now);
  g_mutex_unlock (&self->mutex);

  return answer;
}

/* Returns: (nullable): the record, if the circuit needs one still */
static GrelMemoryCircuit *
grel_memory_circuit_breaker_adapter_count (GrelMemoryCircuitBreakerAdapter *self,
                                           GrelMemoryCircuit *circuit,
                                           GrelCircuitOutcome outcome,
                                           const GrelCircuitSettings *settings,
                                           gint64 now)
{
  GrelCircuitState state = grel_memory_circuit_count (circuit, outcome, settings, now);

  if (state == GREL_CIRCUIT_STATE_CLOSED && circuit->consecutive_errors == 0)
    {
      grel_memory_circuit_table_remove (&self->table, circuit);
      return NULL;
    }
  if (state != circuit->state)
    grel_memory_circuit_enter (circuit, state, ++self->last_ticket, now, settings->reset_timeout);
  return circuit;
}

static gboolean
grel_memory_circuit_breaker_adapter_try_record (GrelCircuitBreakerBackend *backend,
                                                const char *name,
                                                gint64 ticket,
                                                GrelCircuitOutcome outcome,
                                                const GrelCircuitSettings *settings,
                                                GrelCircuitSnapshot *snapshot)
{
  GrelMemoryCircuitBreakerAdapter *self = GREL_MEMORY_CIRCUIT_BREAKER_ADAPTER (backend);
  gboolean counts = outcome == GREL_CIRCUIT_OUTCOME_SUCCESS; /* if there is no record */
  GrelMemoryCircuit *circuit;
  gint64 now = 0;

  g_mutex_lock (&self->mutex);
  circuit = grel_memory_circuit_breaker_adapter_find (self, name, &now);
  if (circuit == NULL && outcome == GREL_CIRCUIT_OUTCOME_ERROR)
    circuit = grel_memory_circuit_breaker_adapter_add (self, name, &now);
  if (circuit != NULL)
    counts = grel_memory_circuit_settle (circuit, ticket, outcome);
  if (circuit != NULL && counts)
    circuit = grel_memory_circuit_breaker_adapter_count (self, circuit, outcome, settings, now);
  *snapshot = grel_memory_circuit_get_snapshot (circuit, now);
  g_mutex_unlock (&self->mutex);

  return counts;
}

static void
grel_memory_circuit_breaker_adapter_try_set_state (GrelCircuitBreakerBackend *backend,
                                                   const char *name,
                                                   GrelCircuitState state,
                                                   GTimeSpan cool_down,
                                                   GrelCircuitSnapshot *snapshot)
{
  GrelMemoryCircuitBreakerAdapter *self = GREL_MEMORY_CIRCUIT_BREAKER_ADAPTER (backend);
  GrelMemoryCircuit *circuit;
  gint64 now = 0;

  g_mutex_lock (&self->mutex);
  circuit = grel_memory_circuit_breaker_adapter_find (self, name, &now);
  if (circuit != NULL)
    grel_memory_circuit_table_remove (&self->table, g_steal_pointer (&circuit));
  if (state != GREL_CIRCUIT_STATE_CLOSED)
    {
      circuit = grel_memory_circuit_breaker_adapter_add (self, name, &now);
      grel_memory_circuit_enter (circuit, state, ++self->last_ticket, now, cool_down);
    }
  *snapshot = grel_memory_circuit_get_snapshot (circuit, now);
  g_mutex_unlock (&self->mutex);
}

static void
grel_memory_circuit_breaker_adapter_try_get_state (GrelCircuitBreakerBackend *backend,
                                                   const char *name,
                                                   GrelCircuitSnapshot *snapshot)
{
  GrelMemoryCircuitBreakerAdapter *self = GREL_MEMORY_CIRCUIT_BREAKER_ADAPTER (backend);
  GrelMemoryCircuit *circuit;
  gint64 now = 0;

  g_mutex_lock (&self->mutex);
  circuit = grel_memory_circuit_breaker_adapter_find (self, name, &now);
  *snapshot = grel_memory_circuit_get_snapshot (circuit, now);
  g_mutex_unlock (&self->mutex);
}

static GrelScope
grel_memory_circuit_breaker_adapter_get_scope (GrelBackend *backend)
{
  return GREL_SCOPE_PROCESS;
}

static void
grel_memory_circuit_breaker_adapter_close (GrelBackend *backend, GTask *task)
{
  GrelMemoryCircuitBreakerAdapter *self = GREL_MEMORY_CIRCUIT_BREAKER_ADAPTER (backend);

  g_mutex_lock (&self->mutex);
  grel_memory_circuit_table_clear (&self->table);
  grel_memory_circuit_table_init (&self->table);
  g_mutex_unlock (&self->mutex);

  g_task_return_boolean (task, TRUE);
}

static void
grel_memory_circuit_breaker_adapter_finalize (GObject *object)
{
  GrelMemoryCircuitBreakerAdapter *self = GREL_MEMORY_CIRCUIT_BREAKER_ADAPTER (object);

  grel_memory_circuit_table_clear (&self->table);
  g_mutex_clear (&self->mutex);

  G_OBJECT_CLASS (grel_memory_circuit_breaker_adapter_parent_class)->finalize (object);
}

static void
grel_memory_circuit_breaker_adapter_class_init (GrelMemoryCircuitBreakerAdapterClass *klass)
{
  GrelBackendClass *backend_class = GREL_BACKEND_CLASS (klass);
  GrelCircuitBreakerBackendClass *breaker_class = GREL_CIRCUIT_BREAKER_BACKEND_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = grel_memory_circuit_breaker_adapter_finalize;
  backend_class->get_scope = grel_memory_circuit_breaker_adapter_get_scope;
  backend_class->close = grel_memory_circuit_breaker_adapter_close;
  breaker_class->try_admit = grel_memory_circuit_breaker_adapter_try_admit;
  breaker_class->try_record = grel_memory_circuit_breaker_adapter_try_record;
  breaker_class->try_set_state = grel_memory_circuit_breaker_adapter_try_set_state;
  breaker_class->try_get_state = grel_memory_circuit_breaker_adapter_try_get_state;
}

static void
grel_memory_circuit_breaker_adapter_init (GrelMemoryCircuitBreakerAdapter *self)
{
  g_mutex_init (&self->mutex);
  grel_memory_circuit_table_init (&self->table);
  self->last_ticket = 1;
}

guint
grel_memory_circuit_breaker_adapter_count_records (GrelMemoryCircuitBreakerAdapter *self)
{
  guint n_records;

  g_mutex_lock (&self->mutex);
  n_records = g_hash_table_size (self->table.circuits);
  g_mutex_unlock (&self->mutex);
  return n_records;
}

/**
 * grel_memory_circuit_breaker_adapter_new:
 *
 * Makes a circuit breaker backend in memory. May be called from any thread.
 *
 * Returns: (transfer full): a new adapter
 *
 * Since: 0.1
 */
GrelMemoryCircuitBreakerAdapter *
grel_memory_circuit_breaker_adapter_new (void)
{
  return g_object_new (GREL_TYPE_MEMORY_CIRCUIT_BREAKER_ADAPTER, NULL);
}
