/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/resilience/grel-circuit-breaker-private.h>

/* How many circuits are looked at, for whether they may be forgotten, when one is added. */
#define GREL_KEYED_SEARCH 8

typedef struct
{
  char *key;
  GrelCircuitBreaker *breaker;
  GList link;
} GrelKeyedCircuit;

static void
grel_keyed_circuit_free (gpointer data)
{
  GrelKeyedCircuit *self = data;

  g_free (self->key);
  g_clear_object (&self->breaker);
  g_free (self);
}

/* Neither does it cool down, nor is it isolated. One that is half-open has nothing to wait for: its
 * probes are calls under way. */
static gboolean
grel_circuit_is_at_rest (GrelCircuit *self)
{
  gboolean is_at_rest;

  if (grel_part_is_foreign (self->part))
    return TRUE;

  grel_part_lock (self->part);
  is_at_rest
    = self->state == GREL_CIRCUIT_STATE_CLOSED || self->state == GREL_CIRCUIT_STATE_HALF_OPEN
      || (self->state == GREL_CIRCUIT_STATE_OPEN && self->open_until <= grel_part_now (self->part));
  g_mutex_unlock (&self->part->mutex);
  return is_at_rest;
}

/* Family's mutex held: whether nobody would miss it. */
static gboolean
grel_keyed_circuit_is_idle (GrelKeyedCircuit *self)
{
  GrelCircuitBreaker *breaker = self->breaker;
  gboolean is_busy;

  if (g_atomic_int_get (&G_OBJECT (breaker)->ref_count) > 1)
    return FALSE;

  grel_circuit_tally_lock (breaker->tally);
  is_busy = breaker->tally->active_calls > 0;
  grel_circuit_tally_unlock (breaker->tally);

  return !is_busy && (breaker->circuit == NULL || grel_circuit_is_at_rest (breaker->circuit));
}

/* Family's mutex held: what is in use is moved to the front. */
static void
grel_circuit_breaker_evict (GrelCircuitBreaker *self, GQueue *evicted)
{
  for (guint i = 0; i < GREL_KEYED_SEARCH; i++)
    {
      GrelKeyedCircuit *oldest = g_queue_peek_tail (&self->keyed_order);

      if (self->max_keyed == 0 || g_hash_table_size (self->keyed) <= self->max_keyed)
        return;

      g_queue_unlink (&self->keyed_order, &oldest->link);
      if (grel_keyed_circuit_is_idle (oldest))
        {
          g_hash_table_steal (self->keyed, oldest->key);
          g_queue_push_tail_link (evicted, &oldest->link);
          continue;
        }
      g_queue_push_head_link (&self->keyed_order, &oldest->link);
    }
}

/* Family's mutex held. */
static void
grel_circuit_breaker_add_keyed (GrelCircuitBreaker *self, GrelKeyedCircuit *keyed)
{
  if (self->keyed == NULL)
    self->keyed = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, grel_keyed_circuit_free);
  g_hash_table_insert (self->keyed, keyed->key, keyed);
  g_queue_push_head_link (&self->keyed_order, &keyed->link);
}

static GrelKeyedCircuit *
grel_keyed_circuit_new (GrelCircuitBreaker *parent, const char *key)
{
  GrelKeyedCircuit *self = g_new0 (GrelKeyedCircuit, 1);

  self->key = g_strdup (key);
  self->breaker = grel_circuit_breaker_new_keyed (parent, key);
  self->link.data = self;
  return self;
}

static GrelCircuitBreaker *
grel_circuit_breaker_find_keyed (GrelCircuitBreaker *self, const char *key)
{
  GrelPrimitive *primitive = &self->family->primitive;
  GrelKeyedCircuit *keyed = NULL;
  GrelCircuitBreaker *breaker = NULL;

  grel_primitive_lock (primitive);
  if (self->keyed != NULL)
    keyed = g_hash_table_lookup (self->keyed, key);
  if (keyed != NULL)
    {
      g_queue_unlink (&self->keyed_order, &keyed->link);
      g_queue_push_head_link (&self->keyed_order, &keyed->link);
      breaker = g_object_ref (keyed->breaker);
    }
  grel_primitive_unlock (primitive);

  return breaker;
}

/* Another thread may have been quicker. */
static GrelCircuitBreaker *
grel_circuit_breaker_keep_keyed (GrelCircuitBreaker *self, GrelKeyedCircuit *made)
{
  GrelPrimitive *primitive = &self->family->primitive;
  GQueue unused = G_QUEUE_INIT;
  GrelKeyedCircuit *keyed;
  GrelCircuitBreaker *breaker;

  grel_primitive_lock (primitive);
  keyed = self->keyed != NULL ? g_hash_table_lookup (self->keyed, made->key) : NULL;
  if (keyed != NULL)
    g_queue_push_tail_link (&unused, &made->link);
  else
    grel_circuit_breaker_add_keyed (self, keyed = made);
  breaker = g_object_ref (keyed->breaker);
  grel_circuit_breaker_evict (self, &unused);
  grel_primitive_unlock (primitive);

  while ((keyed = g_queue_peek_head (&unused)) != NULL)
    {
      g_queue_unlink (&unused, &keyed->link);
      grel_keyed_circuit_free (keyed);
    }
  return breaker;
}

void
grel_circuit_breaker_clear_keyed (GrelCircuitBreaker *self)
{
  g_clear_pointer (&self->keyed, g_hash_table_unref);
}

/**
 * grel_circuit_breaker_get_keyed:
 * @self: a circuit breaker
 * @key: what the circuit is for, such as the name of a host
 *
 * Gets the circuit for one of several things that fail on their own.
 *
 * It is a circuit breaker of the name `name:key`, which may have 1000 bytes in all, with a state of
 * its own; its settings, backend and app are those of @self, and setting one sets it for all of
 * them. The same key gives the same object for as long as it is in use or remembered: beyond
 * [property@Grelmicro.CircuitBreaker:max-keyed] the one that was not used for the longest time is
 * forgotten, unless it has calls under way, cools down or is isolated. What the store knows of
 * a circuit outlasts that. May be called from any thread.
 *
 * Returns: (transfer full): a circuit breaker
 *
 * Since: 0.1
 */
GrelCircuitBreaker *
grel_circuit_breaker_get_keyed (GrelCircuitBreaker *self, const char *key)
{
  GrelCircuitBreaker *breaker;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  breaker = grel_circuit_breaker_find_keyed (self, key);
  if (breaker != NULL)
    return breaker;
  return grel_circuit_breaker_keep_keyed (self, grel_keyed_circuit_new (self, key));
}
