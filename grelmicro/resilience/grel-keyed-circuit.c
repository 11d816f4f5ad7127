/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/resilience/grel-circuit-breaker-private.h>

/* How many circuits are looked at, for whether they may be forgotten, when one is added. */
#define GREL_KEYED_SEARCH 8

void
grel_keyed_circuit_free (GrelKeyedCircuit *self)
{
  grel_circuit_observer_unref (self->observer);
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

/* Family's mutex held: whether nobody would miss it. Whether it is in use is a guess, for the next
 * user may be about to get it; then it is forgotten, but known still for as long as it is used. */
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

/* Family's mutex held. Returns: (transfer full): to be dropped without it */
static GrelCircuitBreaker *
grel_circuit_family_forget (GrelCircuitFamily *self, GrelKeyedCircuit *keyed)
{
  g_queue_unlink (&self->remembered, &keyed->link);
  return g_steal_pointer (&keyed->breaker);
}

/* Family's mutex held: what is in use is moved to the front. */
static void
grel_circuit_family_evict (GrelCircuitFamily *self, GPtrArray *evicted)
{
  for (guint i = 0; i < GREL_KEYED_SEARCH; i++)
    {
      GrelKeyedCircuit *oldest = g_queue_peek_tail (&self->remembered);

      if (self->max_keyed == 0 || self->remembered.length <= self->max_keyed)
        return;

      if (grel_keyed_circuit_is_idle (oldest))
        {
          g_ptr_array_add (evicted, grel_circuit_family_forget (self, oldest));
          continue;
        }
      g_queue_unlink (&self->remembered, &oldest->link);
      g_queue_push_head_link (&self->remembered, &oldest->link);
    }
}

/* Family's mutex held. One that is gone may be there still; it may even be remembered, if somebody
 * got hold of it while it was disposed of. */
static GrelKeyedCircuit *
grel_circuit_family_add (GrelCircuitFamily *self, GrelCircuitBreaker *breaker, GPtrArray *evicted)
{
  GrelKeyedCircuit *before = g_hash_table_lookup (self->keyed, breaker->path);
  GrelKeyedCircuit *keyed = g_new0 (GrelKeyedCircuit, 1);

  if (before != NULL && before->breaker != NULL)
    g_ptr_array_add (evicted, grel_circuit_family_forget (self, before));
  keyed->observer = grel_circuit_observer_ref (breaker->observer);
  keyed->link.data = keyed;
  g_hash_table_replace (self->keyed, breaker->path, keyed);
  return keyed;
}

/* Family's mutex held; the caller has a reference, so that another one waits for nobody. */
static void
grel_circuit_family_remember (GrelCircuitFamily *self,
                              GrelKeyedCircuit *keyed,
                              GrelCircuitBreaker *breaker)
{
  if (self->is_orphaned)
    return;

  if (keyed->breaker == NULL)
    keyed->breaker = g_object_ref (breaker);
  else
    g_queue_unlink (&self->remembered, &keyed->link);
  g_queue_push_head_link (&self->remembered, &keyed->link);
}

/* Returns: (transfer full) (nullable) */
static GrelCircuitObserver *
grel_circuit_family_find (GrelCircuitFamily *self, const char *path)
{
  GrelKeyedCircuit *keyed;
  GrelCircuitObserver *observer;

  grel_primitive_lock (&self->primitive);
  keyed = g_hash_table_lookup (self->keyed, path);
  observer = keyed != NULL ? grel_circuit_observer_ref (keyed->observer) : NULL;
  grel_primitive_unlock (&self->primitive);
  return observer;
}

/* Returns: whether it is the one of its path; not if another thread was quicker since the path had
 * the observer */
static gboolean
grel_circuit_family_use (GrelCircuitFamily *self,
                         GrelCircuitBreaker *breaker,
                         GrelCircuitObserver *observer)
{
  g_autoptr (GPtrArray) evicted = g_ptr_array_new_with_free_func (g_object_unref);
  GrelKeyedCircuit *keyed;
  gboolean is_current;

  grel_primitive_lock (&self->primitive);
  keyed = g_hash_table_lookup (self->keyed, breaker->path);
  is_current = observer == (keyed != NULL ? keyed->observer : NULL);
  if (is_current)
    {
      if (breaker->observer != observer)
        keyed = grel_circuit_family_add (self, breaker, evicted);
      grel_circuit_family_remember (self, keyed, breaker);
      grel_circuit_family_evict (self, evicted);
    }
  grel_primitive_unlock (&self->primitive);
  return is_current;
}

/* Who shared the family first holds what is remembered together. */
static void
grel_circuit_family_orphan (GrelCircuitFamily *self)
{
  g_autoptr (GPtrArray) forgotten = g_ptr_array_new_with_free_func (g_object_unref);
  GrelKeyedCircuit *keyed;

  grel_primitive_lock (&self->primitive);
  self->is_orphaned = TRUE;
  while ((keyed = g_queue_peek_head (&self->remembered)) != NULL)
    g_ptr_array_add (forgotten, grel_circuit_family_forget (self, keyed));
  grel_primitive_unlock (&self->primitive);
}

void
grel_circuit_breaker_leave_family (GrelCircuitBreaker *self)
{
  GrelCircuitFamily *family = self->family;
  GrelKeyedCircuit *keyed;

  if (self->path == NULL)
    {
      grel_circuit_family_orphan (family);
      return;
    }

  grel_primitive_lock (&family->primitive);
  keyed = g_hash_table_lookup (family->keyed, self->path);
  if (keyed != NULL && keyed->observer == self->observer)
    g_hash_table_remove (family->keyed, self->path);
  grel_primitive_unlock (&family->primitive);
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
 * a circuit outlasts that. A keyed circuit has no keyed circuits of its own: what it gets for `b`
 * when its own key is `a` is what @self gets for `a:b`. May be called from any thread.
 *
 * Returns: (transfer full): a circuit breaker
 *
 * Since: 0.1
 */
GrelCircuitBreaker *
grel_circuit_breaker_get_keyed (GrelCircuitBreaker *self, const char *key)
{
  g_autofree char *joined = NULL;
  const char *path = key;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  if (self->path != NULL)
    path = joined = g_strconcat (self->path, ":", key, NULL);
  while (TRUE)
    {
      g_autoptr (GrelCircuitObserver) observer = grel_circuit_family_find (self->family, path);
      g_autoptr (GrelCircuitBreaker) breaker
        = observer != NULL ? grel_circuit_observer_ref_breaker (observer) : NULL;

      if (breaker == NULL)
        breaker = grel_circuit_breaker_new_keyed (self, key, path);
      if (grel_circuit_family_use (self->family, breaker, observer))
        return g_steal_pointer (&breaker);
    }
}
