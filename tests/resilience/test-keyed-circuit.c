/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/resilience/grel-circuit-breaker-private.h>

#include "grel-test-circuit-scene.h"

typedef GrelTestCircuitScene Fixture;

static GrelCircuitBreaker *
get_number (Fixture *fixture, guint number)
{
  g_autofree char *key = g_strdup_printf ("%u", number);

  return grel_circuit_breaker_get_keyed (fixture->breaker, key);
}

/* Gets circuits for a range of keys, and keeps none. */
static void
visit (Fixture *fixture, guint first, guint n_keys)
{
  for (guint i = 0; i < n_keys; i++)
    g_object_unref (get_number (fixture, first + i));
}

static guint
count_remembered (GrelCircuitBreaker *breaker)
{
  guint n;

  grel_primitive_lock (&breaker->family->primitive);
  n = breaker->family->remembered.length;
  grel_primitive_unlock (&breaker->family->primitive);
  return n;
}

static GrelPermit *
admit (GrelCircuitBreaker *breaker)
{
  g_autoptr (GError) error = NULL;
  GrelPermit *permit = grel_test_circuit_breaker_acquire (breaker, &error);

  g_assert_no_error (error);
  return permit;
}

static void
call (GrelCircuitBreaker *breaker, gboolean succeeds)
{
  g_autoptr (GrelPermit) permit = admit (breaker);

  g_assert_true (succeeds ? grel_test_permit_succeed (permit, NULL)
                          : grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, NULL));
}

static void
trip (GrelCircuitBreaker *breaker)
{
  for (guint i = 0; i < GREL_TEST_ERROR_THRESHOLD; i++)
    call (breaker, FALSE);
  g_assert_cmpint (grel_circuit_breaker_get_state (breaker), ==, GREL_CIRCUIT_STATE_OPEN);
}

static void
one_key_is_one_object (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) a = grel_circuit_breaker_get_keyed (fixture->breaker, "a");
  g_autoptr (GrelCircuitBreaker) same = grel_circuit_breaker_get_keyed (fixture->breaker, "a");
  g_autoptr (GrelCircuitBreaker) b = grel_circuit_breaker_get_keyed (fixture->breaker, "b");
  gpointer address = b;

  g_assert_true (a == same);
  g_assert_true (a != b);
  g_clear_object (&b);
  b = grel_circuit_breaker_get_keyed (fixture->breaker, "b");
  g_assert_true (b == address);
}

static void
its_name_is_that_of_both (Fixture *fixture, gconstpointer data)
{
  static const char *const keys[] = { "eu-1", "", ":", "é→\xf0\x9f\x98\x80", "a:b" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree char *name = g_strconcat ("payment:", keys[i], NULL);
      g_autoptr (GrelCircuitBreaker) keyed
        = grel_circuit_breaker_get_keyed (fixture->breaker, keys[i]);
      g_autoptr (GrelPermit) permit = admit (keyed);

      g_assert_cmpstr (grel_circuit_breaker_get_name (keyed), ==, name);
      g_assert_cmpstr (grel_permit_get_name (permit), ==, name);
    }
}

static void
expect_bad_name (GrelCircuitBreaker *parent, const char *key)
{
  g_autoptr (GrelCircuitBreaker) keyed = grel_circuit_breaker_get_keyed (parent, key);
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_circuit_breaker_acquire (keyed, &error));
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "circuit breaker", "name: must");
}

static void
a_name_that_will_not_do_does_not_with_a_key_either (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) nameless
    = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "backend", fixture->backend, NULL);
  g_autofree char *long_key = g_strnfill (1000, 'k');

  expect_bad_name (nameless, "a");
  expect_bad_name (fixture->breaker, "\xff");
  expect_bad_name (fixture->breaker, long_key);
}

static void
it_has_a_state_and_figures_of_its_own (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) a = grel_circuit_breaker_get_keyed (fixture->breaker, "a");
  g_autoptr (GrelCircuitBreaker) b = grel_circuit_breaker_get_keyed (fixture->breaker, "b");

  trip (a);
  call (b, TRUE);
  grel_test_circuit_scene_succeed (fixture, 1);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (a, "errors"), ==,
                    GREL_TEST_ERROR_THRESHOLD);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (b, "errors"), ==, 0);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker, "errors"), ==, 0);
  g_assert_true (grel_test_circuit_breaker_reset (a, NULL));
  call (a, TRUE);
}

static void
its_settings_are_those_of_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) a = grel_circuit_breaker_get_keyed (fixture->breaker, "a");
  g_autoptr (GrelCircuitBreaker) b = grel_circuit_breaker_get_keyed (fixture->breaker, "b");

  g_assert_true (grel_circuit_breaker_get_backend (a)
                 == GREL_CIRCUIT_BREAKER_BACKEND (fixture->backend));
  g_assert_cmpuint (grel_circuit_breaker_get_error_threshold (a), ==, GREL_TEST_ERROR_THRESHOLD);
  grel_circuit_breaker_set_error_threshold (a, 1);
  grel_circuit_breaker_set_reset_timeout (fixture->breaker, G_TIME_SPAN_HOUR);
  grel_circuit_breaker_ignore_error (b, "g-io-error-quark", G_IO_ERROR_TIMED_OUT);
  call (a, FALSE);
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (a, "successes"), ==, 1);
  g_assert_cmpuint (grel_circuit_breaker_get_error_threshold (fixture->breaker), ==, 1);
  g_assert_cmpint (grel_circuit_breaker_get_reset_timeout (b), ==, G_TIME_SPAN_HOUR);
}

static void
it_outlives_the_one_it_came_from (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *parent
    = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "parent", "backend", fixture->backend, NULL);
  g_autoptr (GrelCircuitBreaker) keyed = grel_circuit_breaker_get_keyed (parent, "a");
  g_autoptr (GrelCircuitBreaker) nested = grel_circuit_breaker_get_keyed (keyed, "b");

  g_object_unref (parent);
  call (keyed, TRUE);
  call (nested, TRUE);
  g_assert_cmpstr (grel_circuit_breaker_get_name (nested), ==, "parent:a:b");
}

static void
the_one_used_longest_ago_is_forgotten (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *circuits[3];

  grel_circuit_breaker_set_max_keyed (fixture->breaker, 3);
  for (guint i = 0; i < 3; i++)
    {
      circuits[i] = get_number (fixture, i);
      g_object_add_weak_pointer (G_OBJECT (circuits[i]), (gpointer *) &circuits[i]);
      g_object_unref (circuits[i]);
    }
  visit (fixture, 0, 1);
  visit (fixture, 3, 1);
  g_assert_nonnull (circuits[0]);
  g_assert_null (circuits[1]);
  g_assert_nonnull (circuits[2]);
  visit (fixture, 4, 1);
  g_assert_nonnull (circuits[0]);
  g_assert_null (circuits[2]);
  g_assert_cmpuint (count_remembered (fixture->breaker), ==, 3);
  g_clear_weak_pointer (&circuits[0]);
}

static void
zero_is_no_bound (Fixture *fixture, gconstpointer data)
{
  grel_circuit_breaker_set_max_keyed (fixture->breaker, 0);
  visit (fixture, 0, 3000);
  g_assert_cmpuint (count_remembered (fixture->breaker), ==, 3000);
}

/* Whether the same object is there after many others were used. */
static void
expect_kept (Fixture *fixture, gpointer keyed, const char *key)
{
  g_autoptr (GrelCircuitBreaker) found = NULL;

  visit (fixture, 0, 200);
  found = grel_circuit_breaker_get_keyed (fixture->breaker, key);
  g_assert_true (found == keyed);
  g_assert_cmpuint (count_remembered (fixture->breaker), <=, 3 + 1);
}

static void
one_in_use_is_kept (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) used = grel_circuit_breaker_get_keyed (fixture->breaker, "used");

  grel_circuit_breaker_set_max_keyed (fixture->breaker, 3);
  expect_kept (fixture, used, "used");
}

static void
one_with_calls_under_way_is_kept (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *busy = grel_circuit_breaker_get_keyed (fixture->breaker, "busy");
  g_autoptr (GrelPermit) permit = admit (busy);

  grel_circuit_breaker_set_max_keyed (fixture->breaker, 3);
  g_object_unref (busy);
  expect_kept (fixture, busy, "busy");
  g_assert_true (grel_test_permit_succeed (permit, NULL));
  visit (fixture, 1000, 10);
  g_assert_cmpuint (count_remembered (fixture->breaker), <=, 3);
}

static void
one_that_cools_down_is_kept (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *open = grel_circuit_breaker_get_keyed (fixture->breaker, "open");

  grel_circuit_breaker_set_max_keyed (fixture->breaker, 3);
  trip (open);
  grel_test_settle ();
  g_object_unref (open);
  expect_kept (fixture, open, "open");
  g_assert_cmpint (grel_circuit_breaker_get_state (open), ==, GREL_CIRCUIT_STATE_OPEN);

  grel_test_circuit_scene_cool_down (fixture);
  call (open, TRUE);
  grel_test_settle ();
  g_assert_cmpint (grel_circuit_breaker_get_state (open), ==, GREL_CIRCUIT_STATE_HALF_OPEN);
  g_object_add_weak_pointer (G_OBJECT (open), (gpointer *) &open);
  visit (fixture, 1000, 10);
  g_assert_null (open);
}

static void
what_the_store_knows_of_one_outlasts_it (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *keyed = grel_circuit_breaker_get_keyed (fixture->breaker, "a");

  grel_circuit_breaker_set_max_keyed (fixture->breaker, 1);
  for (guint i = 0; i < GREL_TEST_ERROR_THRESHOLD - 1; i++)
    call (keyed, FALSE);
  g_object_add_weak_pointer (G_OBJECT (keyed), (gpointer *) &keyed);
  g_object_unref (keyed);
  visit (fixture, 0, 10);
  g_assert_null (keyed);

  keyed = grel_circuit_breaker_get_keyed (fixture->breaker, "a");
  call (keyed, FALSE);
  g_assert_cmpint (grel_circuit_breaker_get_state (keyed), ==, GREL_CIRCUIT_STATE_OPEN);
  g_object_unref (keyed);
}

static void
after_a_crowd_has_left_the_bound_holds_again (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *crowd[100];

  grel_circuit_breaker_set_max_keyed (fixture->breaker, 10);
  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++)
    crowd[i] = get_number (fixture, i);
  g_assert_cmpuint (count_remembered (fixture->breaker), ==, G_N_ELEMENTS (crowd));
  for (guint i = 0; i < G_N_ELEMENTS (crowd); i++)
    g_object_unref (crowd[i]);
  visit (fixture, 1000, G_N_ELEMENTS (crowd));
  g_assert_cmpuint (count_remembered (fixture->breaker), ==, 10);
}

static void
a_key_of_a_key_is_one_object_whatever_is_forgotten (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *keyed = grel_circuit_breaker_get_keyed (fixture->breaker, "a");
  g_autoptr (GrelCircuitBreaker) nested = grel_circuit_breaker_get_keyed (keyed, "b");
  g_autoptr (GrelCircuitBreaker) again = NULL;
  g_autoptr (GrelCircuitBreaker) same = NULL;
  g_autoptr (GrelCircuitBreaker) joined = NULL;

  g_object_add_weak_pointer (G_OBJECT (keyed), (gpointer *) &keyed);
  grel_circuit_breaker_set_max_keyed (fixture->breaker, 1);
  g_object_unref (keyed);
  visit (fixture, 0, 10);
  g_assert_null (keyed);

  again = grel_circuit_breaker_get_keyed (fixture->breaker, "a");
  same = grel_circuit_breaker_get_keyed (again, "b");
  joined = grel_circuit_breaker_get_keyed (fixture->breaker, "a:b");
  g_assert_true (same == nested);
  g_assert_true (joined == nested);
  g_assert_cmpuint (grel_circuit_breaker_get_max_keyed (nested), ==, 1);
}

static void
when_the_first_is_gone_a_key_is_one_object_still (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *first
    = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "first", "backend", fixture->backend, NULL);
  g_autoptr (GrelCircuitBreaker) keyed = grel_circuit_breaker_get_keyed (first, "a");
  GrelCircuitBreaker *nested = grel_circuit_breaker_get_keyed (keyed, "b");
  g_autoptr (GrelCircuitBreaker) same = NULL;

  g_object_unref (first);
  same = grel_circuit_breaker_get_keyed (keyed, "b");
  g_assert_true (same == nested);
  g_clear_object (&same);
  g_assert_finalize_object (nested); /* nobody remembers it any more */
}

/* Ten thousand keys, used by several threads. Every so many belong to something that is down. */
#define N_KEYS 10000
#define N_BAD_KEYS 100
#define N_USERS 4
#define MAX_KEYED 256

typedef struct
{
  Fixture *fixture;
  guint number;
  GRand *rand;
  int *n_admitted; /* by key */
} User;

static gboolean
key_is_bad (guint number)
{
  return number % (N_KEYS / N_BAD_KEYS) == 0;
}

static void
user_call (User *self, guint number)
{
  g_autoptr (GrelCircuitBreaker) keyed = get_number (self->fixture, number);
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "is down");
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelPermit) permit = grel_circuit_breaker_acquire_from_thread (keyed, NULL, &error);

  if (permit == NULL)
    {
      g_assert_error (error, GREL_ERROR, GREL_ERROR_CIRCUIT_OPEN);
      g_assert_true (key_is_bad (number));
      return;
    }

  g_atomic_int_inc (&self->n_admitted[number]);
  if (key_is_bad (number))
    g_assert_true (grel_permit_fail_from_thread (permit, reason, NULL, NULL));
  else
    g_assert_true (grel_permit_succeed_from_thread (permit, NULL, NULL));
  g_assert_cmpuint (count_remembered (self->fixture->breaker), <=,
                    MAX_KEYED + N_BAD_KEYS + N_USERS);
}

static gpointer
user_run (gpointer data)
{
  User *self = data;

  for (guint i = self->number; i < N_KEYS; i += N_USERS)
    {
      user_call (self, i);
      user_call (self, g_rand_int_range (self->rand, 0, N_BAD_KEYS) * (N_KEYS / N_BAD_KEYS));
    }
  return NULL;
}

static void
run_users (gpointer data, gpointer unused)
{
  User *users = data;
  GThread *threads[N_USERS];

  for (guint i = 0; i < N_USERS; i++)
    threads[i] = g_thread_new ("user", user_run, &users[i]);
  for (guint i = 0; i < N_USERS; i++)
    g_thread_join (threads[i]);
}

static void
ten_thousand_under_load_are_bounded_and_none_is_reset (Fixture *fixture, gconstpointer data)
{
  g_autofree int *n_admitted = g_new0 (int, N_KEYS);
  User users[N_USERS];

  grel_circuit_breaker_set_max_keyed (fixture->breaker, MAX_KEYED);
  for (guint i = 0; i < N_USERS; i++)
    users[i] = (User){ fixture, i, g_rand_new_with_seed (g_test_rand_int ()), n_admitted };
  grel_test_in_thread (run_users, users);

  for (guint i = 0; i < N_KEYS; i++)
    if (!key_is_bad (i))
      g_assert_cmpint (n_admitted[i], ==, 1);
  for (guint i = 0; i < N_KEYS; i += N_KEYS / N_BAD_KEYS)
    {
      g_autoptr (GrelCircuitBreaker) keyed = get_number (fixture, i);

      g_assert_cmpint (n_admitted[i], >=, GREL_TEST_ERROR_THRESHOLD);
      g_assert_cmpint (n_admitted[i], <, GREL_TEST_ERROR_THRESHOLD + N_USERS);
      g_assert_cmpint (grel_circuit_breaker_get_state (keyed), ==, GREL_CIRCUIT_STATE_OPEN);
    }
  for (guint i = 0; i < N_USERS; i++)
    g_rand_free (users[i].rand);
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/keyed-circuit/memory/" #name, Fixture, NULL,                                       \
              grel_test_circuit_scene_set_up_memory, name, grel_test_circuit_scene_tear_down)

#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/keyed-circuit/store/" #name, Fixture, NULL, grel_test_circuit_scene_set_up_store,  \
              name, grel_test_circuit_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE_IN_MEMORY (one_key_is_one_object);
  RULE_IN_MEMORY (its_name_is_that_of_both);
  RULE_IN_MEMORY (a_name_that_will_not_do_does_not_with_a_key_either);
  RULE (it_has_a_state_and_figures_of_its_own);
  RULE_IN_MEMORY (its_settings_are_those_of_all);
  RULE_IN_MEMORY (it_outlives_the_one_it_came_from);
  RULE_IN_MEMORY (the_one_used_longest_ago_is_forgotten);
  RULE_IN_MEMORY (zero_is_no_bound);
  RULE_IN_MEMORY (one_in_use_is_kept);
  RULE (one_with_calls_under_way_is_kept);
  RULE (one_that_cools_down_is_kept);
  RULE (what_the_store_knows_of_one_outlasts_it);
  RULE_IN_MEMORY (after_a_crowd_has_left_the_bound_holds_again);
  RULE_IN_MEMORY (a_key_of_a_key_is_one_object_whatever_is_forgotten);
  RULE_IN_MEMORY (when_the_first_is_gone_a_key_is_one_object_still);
  RULE (ten_thousand_under_load_are_bounded_and_none_is_reset);
  return g_test_run ();
}
