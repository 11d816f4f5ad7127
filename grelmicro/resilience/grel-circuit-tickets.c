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

/* Within this time of its end the backend is asked whether a circuit is open still: its clock was
 * read at another moment, and ours is only glanced at. */
#define GREL_CIRCUIT_DOUBT (20 * G_TIME_SPAN_MILLISECOND)

/* Those of the parent of a fork are none of the child's, and may have been left half changed. */
static void
grel_circuit_tickets_lock (GrelCircuitTally *tally)
{
  guint generation = grel_identity_get_generation ();

  grel_circuit_tally_lock (tally);
  if (tally->tickets_generation == generation)
    return;

  tally->tickets_generation = generation;
  tally->route = (GrelRoute){ 0 };
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
grel_circuit_tickets_replace (GrelCircuitTally *tally,
                              GrelAdmission *admission,
                              const GrelRoute *route)
{
  GrelAdmission *before = tally->current;

  tally->current = admission;
  tally->route = *route;
  if (before == NULL || before->n_calls == 0)
    return before;

  grel_circuit_tickets_add (tally, before);
  return NULL;
}

static guint64
grel_circuit_tickets_join (GrelCircuitTally *tally)
{
  tally->current->n_calls++;
  tally->active_calls++;
  return tally->current->number;
}

/* An open circuit that is about to be tried is left to the backend. */
static gboolean
grel_circuit_tickets_refuse (GrelCircuitTally *tally)
{
  GrelCircuit *circuit = tally->current->circuit;

  if (tally->current->circuit_state == GREL_CIRCUIT_STATE_FORCED_OPEN)
    return TRUE;
  return grel_clock_glance (grel_part_peek_clock (circuit->part), &tally->glance)
         < __atomic_load_n (&circuit->open_until, __ATOMIC_RELAXED) - GREL_CIRCUIT_DOUBT;
}

/* Returns: (nullable): the current admission, if it is one of this process. It is on the list of
 * the backend, which takes it from here before it has closed: until the mutex is let go nothing of
 * it goes away. */
static GrelAdmission *
grel_circuit_tickets_peek (GrelCircuitTally *tally)
{
  return grel_route_is_fresh (&tally->route) ? tally->current : NULL;
}

/* Whether the backend would say the same to one more call. */
static gboolean
grel_circuit_tickets_go_on (GrelCircuitTally *tally, GrelAdmission *current)
{
  return grel_route_is_for_thread (&tally->route)
         && grel_circuit_is_in_epoch (current->circuit, current->epoch);
}

GrelCircuitAnswer
grel_circuit_tickets_ask (GrelCircuitTally *tally, gboolean may_refuse, guint64 *number)
{
  GrelCircuitAnswer answer = GREL_CIRCUIT_ANSWER_UNKNOWN;
  GrelAdmission *current;

  grel_circuit_tally_lock (tally);
  current = grel_circuit_tickets_peek (tally);
  if (current != NULL && !grel_circuit_tickets_go_on (tally, current))
    current = NULL;
  if (current != NULL && current->ticket > 0)
    {
      *number = grel_circuit_tickets_join (tally);
      answer = GREL_CIRCUIT_ANSWER_YES;
    }
  else if (current != NULL && may_refuse && grel_circuit_tickets_refuse (tally))
    {
      tally->rejections++;
      answer = GREL_CIRCUIT_ANSWER_NO;
    }
  grel_circuit_tally_unlock (tally);
  return answer;
}

/* While the circuit is half-open a call may take a slot of its own. */
static guint64
grel_circuit_tickets_keep (GrelCircuit *circuit,
                           const GrelCircuitTerms *terms,
                           gint64 ticket,
                           const GrelRoute *route,
                           GrelAdmission **displaced)
{
  static guint64 last_number = 0; /* of all breakers, so that no ticket fits two */
  GrelAdmission *admission = grel_admission_new (circuit, terms, ticket);
  GrelCircuitTally *tally = terms->tally;

  admission->number = __atomic_add_fetch (&last_number, 1, __ATOMIC_RELAXED);
  grel_circuit_tickets_lock (tally);
  if (circuit->state == GREL_CIRCUIT_STATE_HALF_OPEN)
    grel_circuit_tickets_add (tally, admission);
  else
    *displaced = grel_circuit_tickets_replace (tally, admission, route);
  grel_circuit_tally_unlock (tally);
  return ticket > 0 ? admission->number : 0;
}

guint64
grel_circuit_tickets_give (GrelCircuit *circuit,
                           const GrelCircuitTerms *terms,
                           gint64 ticket,
                           const GrelRoute *route,
                           GrelAdmission **displaced)
{
  GrelCircuitTally *tally = terms->tally;
  guint64 number = 0;
  gboolean fits;

  if (ticket == 0 && circuit->state == GREL_CIRCUIT_STATE_HALF_OPEN)
    return 0;

  grel_circuit_tickets_lock (tally);
  fits = grel_circuit_tickets_fit (tally, circuit, terms, ticket);
  if (fits)
    tally->route = *route;
  if (fits && ticket > 0)
    number = grel_circuit_tickets_join (tally);
  grel_circuit_tally_unlock (tally);

  return fits ? number : grel_circuit_tickets_keep (circuit, terms, ticket, route, displaced);
}

gboolean
grel_circuit_tickets_succeed (GrelCircuitTally *tally, guint64 number)
{
  GrelAdmission *current;
  gboolean succeeds;

  grel_circuit_tally_lock (tally);
  current = grel_circuit_tickets_peek (tally);
  succeeds = current != NULL && current->number == number && current->n_calls > 0
             && grel_circuit_count_quietly (current->circuit, current->epoch);
  if (succeeds)
    {
      current->n_calls--;
      tally->active_calls--;
      tally->successes++;
    }
  grel_circuit_tally_unlock (tally);
  return succeeds;
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
