/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/resilience/grel-circuit-tickets-private.h>

#include <string.h>

/* The calls that a breaker let through by ticket. A ticket is a number, so that it takes no memory:
 * while the circuit is closed all calls get the same one, until something changes by which they are
 * judged. */

/* Those of the parent of a fork are none of the child's, and may have been left half changed. */
static void
grel_circuit_tickets_lock (GrelCircuitTally *tally)
{
  guint generation = grel_identity_get_generation ();

  grel_circuit_tally_lock (tally);
  if (tally->tickets_generation == generation)
    return;

  tally->tickets_generation = generation;
  tally->current = NULL;
  tally->tickets = NULL;
}

/* Tally's mutex held, as for what follows. */
static gboolean
grel_circuit_tickets_fit (GrelCircuitTally *tally,
                          GrelCircuit *circuit,
                          const GrelCircuitTerms *terms,
                          gint64 ticket)
{
  GrelAdmission *current = tally->current;

  return current != NULL && current->circuit == circuit && current->epoch == circuit->epoch
         && current->ticket == ticket && current->terms.ignored == terms->ignored
         && memcmp (&current->terms.settings, &terms->settings, sizeof terms->settings) == 0;
}

static void
grel_circuit_tickets_add (GrelCircuitTally *tally, GrelAdmission *admission)
{
  if (tally->tickets == NULL)
    tally->tickets = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_hash_table_insert (tally->tickets, &admission->number, admission);
}

/* Returns: (transfer full) (nullable): the one before, if none of its calls runs */
static GrelAdmission *
grel_circuit_tickets_replace (GrelCircuitTally *tally, GrelAdmission *admission)
{
  GrelAdmission *before = tally->current;

  tally->current = admission;
  if (before == NULL || before->n_calls == 0)
    return before;

  grel_circuit_tickets_add (tally, before);
  return NULL;
}

guint64
grel_circuit_tickets_give (GrelCircuit *circuit,
                           const GrelCircuitTerms *terms,
                           gint64 ticket,
                           GrelAdmission **displaced)
{
  static guint64 last_number = 0; /* of all breakers, so that no ticket fits two */
  GrelCircuitTally *tally = terms->tally;
  guint64 number = 0;
  GrelAdmission *admission;

  grel_circuit_tickets_lock (tally);
  if (grel_circuit_tickets_fit (tally, circuit, terms, ticket))
    {
      number = tally->current->number;
      tally->current->n_calls++;
      tally->active_calls++;
    }
  grel_circuit_tally_unlock (tally);
  if (number != 0)
    return number;

  admission = grel_admission_new (circuit, terms, ticket);
  number = admission->number = __atomic_add_fetch (&last_number, 1, __ATOMIC_RELAXED);
  grel_circuit_tickets_lock (tally);
  if (circuit->state == GREL_CIRCUIT_STATE_HALF_OPEN) /* a probe is one call */
    grel_circuit_tickets_add (tally, admission);
  else
    *displaced = grel_circuit_tickets_replace (tally, admission);
  grel_circuit_tally_unlock (tally);
  return number;
}

static GrelAdmission *
grel_circuit_tickets_find (GrelCircuitTally *tally, guint64 number)
{
  if (tally->current != NULL && tally->current->number == number)
    return tally->current;
  return tally->tickets != NULL ? g_hash_table_lookup (tally->tickets, &number) : NULL;
}

GrelAdmission *
grel_circuit_tickets_take (GrelCircuitTally *tally, guint64 number, gboolean *is_last)
{
  GrelAdmission *admission;

  grel_circuit_tickets_lock (tally);
  admission = grel_circuit_tickets_find (tally, number);
  if (admission != NULL && admission->n_calls == 0)
    admission = NULL;
  if (admission != NULL)
    {
      admission->n_calls--;
      *is_last = admission->n_calls == 0 && admission != tally->current;
      if (*is_last)
        g_hash_table_remove (tally->tickets, &number);
      else
        grel_admission_ref (admission);
    }
  grel_circuit_tally_unlock (tally);
  return admission;
}

void
grel_circuit_tickets_lose (GrelAdmission *admission)
{
  GrelCircuitTally *tally = admission->terms.tally;
  g_autoptr (GrelAdmission) lost = NULL;

  grel_circuit_tickets_lock (tally);
  tally->active_calls -= admission->n_calls;
  admission->n_calls = 0;
  if (tally->current == admission)
    lost = g_steal_pointer (&tally->current);
  else if (tally->tickets != NULL && g_hash_table_remove (tally->tickets, &admission->number))
    lost = admission;
  grel_circuit_tally_unlock (tally);
}

void
grel_circuit_tickets_clear (GrelCircuitTally *tally)
{
  GrelAdmission *current;
  g_autoptr (GHashTable) tickets = NULL;
  GHashTableIter iter;
  gpointer admission;

  grel_circuit_tickets_lock (tally);
  current = g_steal_pointer (&tally->current);
  tickets = g_steal_pointer (&tally->tickets);
  grel_circuit_tally_unlock (tally);

  g_clear_pointer (&current, grel_admission_retire);
  if (tickets == NULL)
    return;
  g_hash_table_iter_init (&iter, tickets);
  while (g_hash_table_iter_next (&iter, NULL, &admission))
    grel_admission_retire (admission);
}
