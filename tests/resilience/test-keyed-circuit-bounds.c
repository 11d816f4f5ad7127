/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/resilience/grel-circuit-breaker-backend-private.h>

#include "grel-test-circuit-scene.h"
#include "grel-test-race.h"

/* How many keyed circuits are remembered, and which. */

#define MAX_KEYED 10
#define N_HELD 200
#define N_KEYS 10000
#define N_THREADS 8

/* A look at this many in use for each new one is how hard it tries to forget another. */
#define SEARCH 8

typedef GrelTestCircuitScene Fixture;

static GrelCircuitBreaker *
get_numbered (Fixture *fixture, const char *kind, guint i)
{
  g_autofree char *key = g_strdup_printf ("%s%u", kind, i);

  return grel_circuit_breaker_get_keyed (fixture->breaker, key);
}

/* Asks for new ones, and for nothing else. */
static void
ask_for_others (Fixture *fixture, guint n_others)
{
  for (guint i = 0; i < n_others; i++)
    g_object_unref (get_numbered (fixture, "other", i));
}

/* Notes a circuit, without a reference. */
static void
watch (Fixture *fixture, const char *key, GWeakRef *watched)
{
  g_autoptr (GrelCircuitBreaker) keyed = grel_circuit_breaker_get_keyed (fixture->breaker, key);

  g_weak_ref_init (watched, keyed);
}

static gboolean
is_remembered (GWeakRef *watched)
{
  g_autoptr (GObject) keyed = g_weak_ref_get (watched);

  return keyed != NULL;
}

static guint
count_remembered (GWeakRef *watched, guint n_watched)
{
  guint n_remembered = 0;

  for (guint i = 0; i < n_watched; i++)
    n_remembered += is_remembered (&watched[i]);
  return n_remembered;
}

static void
fail_until_open (GrelCircuitBreaker *keyed)
{
  for (int i = 0; i < GREL_TEST_ERROR_THRESHOLD; i++)
    {
      g_autoptr (GrelPermit) permit = grel_test_circuit_breaker_acquire (keyed, NULL);

      g_assert_true (grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, NULL));
    }
  g_assert_cmpint (grel_circuit_breaker_get_state (keyed), ==, GREL_CIRCUIT_STATE_OPEN);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  grel_test_circuit_scene_set_up_memory (fixture, data);
  grel_circuit_breaker_set_max_keyed (fixture->breaker, MAX_KEYED);
}

static void
the_one_not_used_for_longest_is_forgotten (Fixture *fixture, gconstpointer data)
{
  GWeakRef first, second, third;

  watch (fixture, "first", &first);
  watch (fixture, "second", &second);
  ask_for_others (fixture, MAX_KEYED - 2);
  g_object_unref (grel_circuit_breaker_get_keyed (fixture->breaker, "first"));
  watch (fixture, "third", &third);
  g_assert_true (is_remembered (&first));
  g_assert_false (is_remembered (&second));
  g_assert_true (is_remembered (&third));
  g_weak_ref_clear (&first);
  g_weak_ref_clear (&second);
  g_weak_ref_clear (&third);
}

static void
one_that_somebody_refers_to_stays (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) held = get_numbered (fixture, "held", 0);
  g_autoptr (GrelCircuitBreaker) again = NULL;

  ask_for_others (fixture, 10 * MAX_KEYED);
  again = get_numbered (fixture, "held", 0);
  g_assert_true (again == held);
}

static void
one_with_a_call_under_way_stays (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) permit = NULL;
  GWeakRef busy;

  watch (fixture, "busy", &busy);
  {
    g_autoptr (GrelCircuitBreaker) keyed
      = grel_circuit_breaker_get_keyed (fixture->breaker, "busy");

    permit = grel_test_circuit_breaker_acquire (keyed, NULL);
  }
  ask_for_others (fixture, 10 * MAX_KEYED);
  g_assert_true (is_remembered (&busy));
  g_assert_true (grel_test_permit_succeed (permit, NULL));
  for (guint i = 0; i < 10 * MAX_KEYED; i++)
    g_object_unref (get_numbered (fixture, "later", i));
  g_assert_false (is_remembered (&busy));
  g_weak_ref_clear (&busy);
}

static void
one_stays_until_it_has_cooled_down (Fixture *fixture, gconstpointer data)
{
  GWeakRef open;

  watch (fixture, "open", &open);
  {
    g_autoptr (GrelCircuitBreaker) keyed
      = grel_circuit_breaker_get_keyed (fixture->breaker, "open");

    fail_until_open (keyed);
  }
  grel_test_settle ();
  ask_for_others (fixture, 10 * MAX_KEYED);
  g_assert_true (is_remembered (&open));

  grel_test_circuit_scene_cool_down (fixture);
  for (guint i = 0; i < 10 * MAX_KEYED; i++)
    g_object_unref (get_numbered (fixture, "later", i));
  g_assert_false (is_remembered (&open));
  g_weak_ref_clear (&open);
}

static void
half_open_ones_without_a_probe_are_forgotten (Fixture *fixture, gconstpointer data)
{
  GWeakRef watched[MAX_KEYED];

  for (guint i = 0; i < MAX_KEYED; i++)
    {
      g_autoptr (GrelCircuitBreaker) keyed = get_numbered (fixture, "probed", i);
      g_autoptr (GrelPermit) probe = NULL;

      g_weak_ref_init (&watched[i], keyed);
      fail_until_open (keyed);
      grel_test_circuit_scene_cool_down (fixture);
      probe = grel_test_circuit_breaker_acquire (keyed, NULL);
      grel_permit_abandon (probe);
      g_assert_cmpint (grel_circuit_breaker_get_state (keyed), ==, GREL_CIRCUIT_STATE_HALF_OPEN);
    }
  grel_test_settle ();
  ask_for_others (fixture, 2 * MAX_KEYED);
  g_assert_cmpuint (count_remembered (watched, MAX_KEYED), ==, 0);
  for (guint i = 0; i < MAX_KEYED; i++)
    g_weak_ref_clear (&watched[i]);
}

static void
after_a_rush_there_are_no_more_than_before (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *held[N_HELD];
  GWeakRef watched[N_HELD];

  for (guint i = 0; i < N_HELD; i++)
    {
      held[i] = get_numbered (fixture, "held", i);
      g_weak_ref_init (&watched[i], held[i]);
    }
  for (guint i = 0; i < N_HELD; i++)
    g_object_unref (held[i]);
  g_assert_cmpuint (count_remembered (watched, N_HELD), ==, N_HELD);

  ask_for_others (fixture, N_HELD / 2);
  g_assert_cmpuint (count_remembered (watched, N_HELD), ==, 0);
  for (guint i = 0; i < N_HELD; i++)
    g_weak_ref_clear (&watched[i]);
}

static void
a_lower_bound_is_kept_soon (Fixture *fixture, gconstpointer data)
{
  GWeakRef watched[MAX_KEYED];

  for (guint i = 0; i < MAX_KEYED; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      watch (fixture, key, &watched[i]);
    }
  grel_circuit_breaker_set_max_keyed (fixture->breaker, 1);
  ask_for_others (fixture, MAX_KEYED / 2);
  g_assert_cmpuint (count_remembered (watched, MAX_KEYED), ==, 0);
  for (guint i = 0; i < MAX_KEYED; i++)
    g_weak_ref_clear (&watched[i]);
}

static void
without_a_bound_all_are_remembered (Fixture *fixture, gconstpointer data)
{
  GWeakRef first;

  grel_circuit_breaker_set_max_keyed (fixture->breaker, 0);
  watch (fixture, "first", &first);
  ask_for_others (fixture, N_KEYS);
  g_assert_true (is_remembered (&first));
  g_weak_ref_clear (&first);
}

/* A thread that makes calls for keys of its own, some of which fail until their circuit opens. */
typedef struct
{
  Fixture *fixture;
  guint number;
  GThread *thread;
  GWeakRef *watched; /* of all keys */
} Caller;

static gboolean
key_is_bad (guint i)
{
  return i % 1000 < N_THREADS;
}

static void
caller_call (GrelCircuitBreaker *keyed, gboolean fails)
{
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "down");
  g_autoptr (GrelPermit) permit = grel_circuit_breaker_acquire_from_thread (keyed, NULL, NULL);

  g_assert_nonnull (permit);
  if (fails)
    g_assert_true (grel_permit_fail_from_thread (permit, reason, NULL, NULL));
  else
    g_assert_true (grel_permit_succeed_from_thread (permit, NULL, NULL));
}

static gpointer
caller_run (gpointer data)
{
  Caller *self = data;

  for (guint i = self->number; i < N_KEYS; i += N_THREADS)
    {
      g_autoptr (GrelCircuitBreaker) keyed = get_numbered (self->fixture, "", i);

      g_weak_ref_init (&self->watched[i], keyed);
      for (guint j = 0; j < GREL_TEST_ERROR_THRESHOLD; j++)
        caller_call (keyed, key_is_bad (i));
    }
  return NULL;
}

static guint
count_circuits (Fixture *fixture)
{
  return g_hash_table_size (
    grel_circuit_breaker_backend_get_circuits (GREL_CIRCUIT_BREAKER_BACKEND (fixture->backend)));
}

/* What is open is neither forgotten nor reset, and the rest is bounded. */
static void
ten_thousand_under_load_are_bounded (Fixture *fixture, gconstpointer data)
{
  g_autofree GWeakRef *watched = g_new0 (GWeakRef, N_KEYS);
  Caller callers[N_THREADS];
  guint n_bad = 0;

  for (guint i = 0; i < N_THREADS; i++)
    {
      callers[i] = (Caller){ .fixture = fixture, .number = i, .watched = watched };
      callers[i].thread = g_thread_new ("caller", caller_run, &callers[i]);
    }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (callers[i].thread);
  grel_test_settle ();
  ask_for_others (fixture, 10 * SEARCH);

  for (guint i = 0; i < N_KEYS; i++)
    {
      g_autoptr (GrelCircuitBreaker) keyed = g_weak_ref_get (&watched[i]);

      g_weak_ref_clear (&watched[i]);
      if (!key_is_bad (i))
        continue;
      g_assert_nonnull (keyed);
      g_assert_cmpint (grel_circuit_breaker_get_state (keyed), ==, GREL_CIRCUIT_STATE_OPEN);
      g_assert_null (grel_test_circuit_breaker_acquire (keyed, NULL));
      n_bad++;
    }
  g_assert_cmpuint (n_bad, ==, N_THREADS * N_KEYS / 1000);
  g_assert_cmpuint (count_circuits (fixture), ==, n_bad);
}

#define RULE(name)                                                                                 \
  g_test_add ("/keyed-circuit-bounds/" #name, Fixture, NULL, set_up, name,                         \
              grel_test_circuit_scene_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (the_one_not_used_for_longest_is_forgotten);
  RULE (one_that_somebody_refers_to_stays);
  RULE (one_with_a_call_under_way_stays);
  RULE (one_stays_until_it_has_cooled_down);
  RULE (half_open_ones_without_a_probe_are_forgotten);
  RULE (after_a_rush_there_are_no_more_than_before);
  RULE (a_lower_bound_is_kept_soon);
  RULE (without_a_bound_all_are_remembered);
  RULE (ten_thousand_under_load_are_bounded);
  return g_test_run ();
}
