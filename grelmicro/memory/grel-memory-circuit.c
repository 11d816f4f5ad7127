/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-circuit-private.h>

/* How long a record lasts that nobody writes to. */
#define GREL_MEMORY_CIRCUIT_LIFETIME G_TIME_SPAN_DAY
#define GREL_MEMORY_CIRCUIT_LIFETIME_FACTOR 10
#define GREL_MEMORY_CIRCUIT_COOL_DOWN_MAX (36525 * G_TIME_SPAN_DAY)

typedef struct
{
  gint64 ticket;
  gint64 expires_at;
} GrelMemoryProbe;

GrelMemoryCircuit *
grel_memory_circuit_new (const char *name)
{
  GrelMemoryCircuit *self = g_new0 (GrelMemoryCircuit, 1);

  self->name = g_strdup (name);
  self->link.data = self;
  return self;
}

void
grel_memory_circuit_free (GrelMemoryCircuit *self)
{
  g_clear_pointer (&self->probes, g_array_unref);
  g_free (self->name);
  g_free (self);
}

/* 100 years, ten times over, is no overflow. */
static gint64
grel_memory_circuit_get_lifetime (GTimeSpan cool_down)
{
  return MAX (GREL_MEMORY_CIRCUIT_LIFETIME, cool_down * GREL_MEMORY_CIRCUIT_LIFETIME_FACTOR);
}

void
grel_memory_circuit_enter (GrelMemoryCircuit *self,
                           GrelCircuitState state,
                           gint64 since,
                           gint64 now,
                           GTimeSpan cool_down)
{
  gboolean is_forced
    = state == GREL_CIRCUIT_STATE_FORCED_OPEN || state == GREL_CIRCUIT_STATE_FORCED_CLOSED;

  cool_down = CLAMP (cool_down, 0, GREL_MEMORY_CIRCUIT_COOL_DOWN_MAX);
  self->state = state;
  self->consecutive_errors = 0;
  self->consecutive_successes = 0;
  self->open_until = state == GREL_CIRCUIT_STATE_OPEN ? now + cool_down : 0;
  self->expires_at = is_forced ? G_MAXINT64 : now + grel_memory_circuit_get_lifetime (cool_down);
  self->since = since;
  g_clear_pointer (&self->probes, g_array_unref);
}

/* A prober that died, or forgot its permit, must not block the others for ever. */
static void
grel_memory_circuit_drop_dead_probes (GrelMemoryCircuit *self, gint64 now)
{
  for (guint i = self->probes->len; i > 0; i--)
    if (g_array_index (self->probes, GrelMemoryProbe, i - 1).expires_at <= now)
      g_array_remove_index_fast (self->probes, i - 1);
}

static gboolean
grel_memory_circuit_add_probe (GrelMemoryCircuit *self,
                               gint64 ticket,
                               gint64 now,
                               const GrelCircuitSettings *settings)
{
  const GrelMemoryProbe probe = { ticket, now + settings->reset_timeout };

  if (self->probes == NULL)
    self->probes = g_array_new (FALSE, FALSE, sizeof (GrelMemoryProbe));
  if (self->probes->len >= settings->half_open_capacity)
    grel_memory_circuit_drop_dead_probes (self, now);
  if (self->probes->len >= settings->half_open_capacity)
    return FALSE;

  g_array_append_val (self->probes, probe);
  return TRUE;
}

gint64
grel_memory_circuit_admit (GrelMemoryCircuit *self,
                           const GrelCircuitSettings *settings,
                           gint64 now,
                           gint64 *last_ticket)
{
  if (self->state == GREL_CIRCUIT_STATE_OPEN && self->open_until <= now)
    grel_memory_circuit_enter (self, GREL_CIRCUIT_STATE_HALF_OPEN, ++*last_ticket, now,
                               settings->reset_timeout);

  switch (self->state)
    {
    case GREL_CIRCUIT_STATE_OPEN:
      return now - self->open_until;
    case GREL_CIRCUIT_STATE_FORCED_OPEN:
      return 0;
    case GREL_CIRCUIT_STATE_HALF_OPEN:
      if (!grel_memory_circuit_add_probe (self, *last_ticket + 1, now, settings))
        return 0;
      return ++*last_ticket;
    case GREL_CIRCUIT_STATE_CLOSED:
    case GREL_CIRCUIT_STATE_FORCED_CLOSED:
    default:
      return *last_ticket;
    }
}

static gboolean
grel_memory_circuit_remove_probe (GrelMemoryCircuit *self, gint64 ticket)
{
  for (guint i = 0; self->probes != NULL && i < self->probes->len; i++)
    {
      if (g_array_index (self->probes, GrelMemoryProbe, i).ticket == ticket)
        {
          g_array_remove_index_fast (self->probes, i);
          return TRUE;
        }
    }
  return FALSE;
}

/* A call that was admitted before the last change, or whose slot another has by now, says nothing
 * of the state that the circuit is in. */
gboolean
grel_memory_circuit_settle (GrelMemoryCircuit *self, gint64 ticket, GrelCircuitOutcome outcome)
{
  gboolean is_current = ticket >= self->since;

  if (self->state == GREL_CIRCUIT_STATE_HALF_OPEN)
    is_current = is_current && grel_memory_circuit_remove_probe (self, ticket);
  else if (self->state != GREL_CIRCUIT_STATE_CLOSED)
    return FALSE;
  return is_current && outcome != GREL_CIRCUIT_OUTCOME_NONE;
}

GrelCircuitState
grel_memory_circuit_count (GrelMemoryCircuit *self,
                           GrelCircuitOutcome outcome,
                           const GrelCircuitSettings *settings,
                           gint64 now)
{
  self->expires_at = now + grel_memory_circuit_get_lifetime (settings->reset_timeout);
  if (outcome == GREL_CIRCUIT_OUTCOME_ERROR)
    {
      self->consecutive_successes = 0;
      self->consecutive_errors++;
      return self->consecutive_errors >= settings->error_threshold ? GREL_CIRCUIT_STATE_OPEN
                                                                   : self->state;
    }

  self->consecutive_errors = 0;
  self->consecutive_successes++;
  return self->consecutive_successes >= settings->success_threshold ? GREL_CIRCUIT_STATE_CLOSED
                                                                    : self->state;
}

GrelCircuitSnapshot
grel_memory_circuit_get_snapshot (GrelMemoryCircuit *self, gint64 now)
{
  if (self == NULL)
    return (GrelCircuitSnapshot){ GREL_CIRCUIT_STATE_CLOSED };

  return (GrelCircuitSnapshot){
    .state = self->state,
    .consecutive_errors = self->consecutive_errors,
    .consecutive_successes = self->consecutive_successes,
    .retry_after = self->state == GREL_CIRCUIT_STATE_OPEN ? MAX (self->open_until - now, 0) : 0,
  };
}
