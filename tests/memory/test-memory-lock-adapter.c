/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test.h"

/* What the contract of lock backends does not say. */

#define NAME "lock:cart"
#define LEASE (60 * G_TIME_SPAN_SECOND)
#define N_THREADS 8
#define N_ROUNDS 5000

typedef struct
{
  GrelVirtualClock *clock;
  GrelLockBackend *adapter;
  GrelLockBackendClass *klass;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->clock = grel_virtual_clock_new ();
  fixture->adapter = GREL_LOCK_BACKEND (grel_memory_lock_adapter_new ());
  fixture->klass = GREL_LOCK_BACKEND_GET_CLASS (fixture->adapter);
  grel_backend_set_clock (GREL_BACKEND (fixture->adapter), GREL_CLOCK (fixture->clock));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->adapter);
  g_object_unref (fixture->clock);
}

static gint64
now (Fixture *fixture)
{
  return grel_clock_get_monotonic_time (grel_backend_get_clock (GREL_BACKEND (fixture->adapter)));
}

static gssize
try_acquire (Fixture *fixture, const char *token)
{
  return fixture->klass->try_acquire (fixture->adapter, NAME, token, LEASE, now (fixture));
}

static gboolean
try_extend (Fixture *fixture, const char *token)
{
  return fixture->klass->try_extend (fixture->adapter, NAME, token, LEASE, now (fixture));
}

static gboolean
try_release (Fixture *fixture, const char *token)
{
  return fixture->klass->try_release (fixture->adapter, NAME, token, now (fixture));
}

static gboolean
try_is_owned (Fixture *fixture, const char *token)
{
  return fixture->klass->try_is_owned (fixture->adapter, NAME, token, now (fixture));
}

static gboolean
try_is_locked (Fixture *fixture)
{
  return fixture->klass->try_is_locked (fixture->adapter, NAME, now (fixture));
}

static void
close_and_open (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  grel_test_backend_close (GREL_BACKEND (fixture->adapter), &error);
  g_assert_no_error (error);
  grel_test_backend_open (GREL_BACKEND (fixture->adapter), &error);
  g_assert_no_error (error);
}

static void
its_scope_is_the_process (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (grel_backend_get_scope (GREL_BACKEND (fixture->adapter)), ==,
                   GREL_SCOPE_PROCESS);
}

static void
it_answers_without_a_turn_of_the_loop (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (try_acquire (fixture, "a"), ==, 1);
  g_assert_true (try_is_locked (fixture));
  g_assert_true (try_is_owned (fixture, "a"));
  g_assert_true (try_extend (fixture, "a"));
  g_assert_true (try_release (fixture, "a"));
  g_assert_false (try_is_locked (fixture));
}

static void
a_rival_is_told_exactly_when_to_come_back (Fixture *fixture, gconstpointer data)
{
  gssize answer;

  try_acquire (fixture, "a");
  grel_virtual_clock_advance (fixture->clock, LEASE / 3);
  answer = try_acquire (fixture, "b");
  g_assert_cmpint (answer, <, 0);
  grel_virtual_clock_advance (fixture->clock, -answer - 1);
  g_assert_cmpint (try_acquire (fixture, "b"), ==, -1);
  grel_virtual_clock_advance (fixture->clock, 1);
  g_assert_cmpint (try_acquire (fixture, "b"), ==, 2);
}

static void
a_question_changes_nothing (Fixture *fixture, gconstpointer data)
{
  g_assert_false (try_is_locked (fixture));
  g_assert_false (try_is_owned (fixture, "a"));
  g_assert_false (try_extend (fixture, "a"));
  g_assert_false (try_release (fixture, "a"));
  g_assert_cmpint (try_acquire (fixture, "b"), ==, 1);
}

static void
fences_rise_also_when_it_is_closed_and_opened (Fixture *fixture, gconstpointer data)
{
  grel_test_backend_open (GREL_BACKEND (fixture->adapter), NULL);
  for (int fence = 1; fence <= 5; fence++)
    {
      g_assert_cmpint (try_acquire (fixture, "a"), ==, fence);
      close_and_open (fixture);
      g_assert_false (try_is_locked (fixture));
      g_assert_false (try_extend (fixture, "a"));
      g_assert_false (try_release (fixture, "a"));
    }
  grel_test_backend_close (GREL_BACKEND (fixture->adapter), NULL);
}

static void
two_adapters_are_two_stores (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelLockBackend) other = GREL_LOCK_BACKEND (grel_memory_lock_adapter_new ());

  g_assert_cmpint (try_acquire (fixture, "a"), ==, 1);
  g_assert_cmpint (fixture->klass->try_acquire (other, NAME, "b", LEASE, now (fixture)), ==, 1);
  g_assert_true (try_is_owned (fixture, "a"));
}

/* Threads that fight for one lock. What they guard needs no atomics. */
typedef struct
{
  Fixture *fixture;
  int n_inside;
  gint64 last_fence;
  gint64 n_grants;
} Arena;

typedef struct
{
  Arena *arena;
  char token[8];
  GThread *thread;
} Fighter;

static void
fighter_hold (Fighter *self, gssize fence)
{
  Arena *arena = self->arena;
  Fixture *fixture = arena->fixture;

  g_assert_cmpint (g_atomic_int_add (&arena->n_inside, 1), ==, 0);
  g_assert_cmpint (fence, ==, arena->last_fence + 1);
  arena->last_fence = fence;
  arena->n_grants++;
  g_assert_cmpint (try_acquire (fixture, self->token), ==, fence);
  g_assert_true (try_extend (fixture, self->token));
  g_assert_true (try_is_owned (fixture, self->token));
  g_assert_true (try_is_locked (fixture));
  g_assert_cmpint (g_atomic_int_add (&arena->n_inside, -1), ==, 1);
  g_assert_true (try_release (fixture, self->token));
}

static gpointer
fighter_run (gpointer data)
{
  Fighter *self = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      gssize fence = try_acquire (self->arena->fixture, self->token);

      if (fence > 0)
        fighter_hold (self, fence);
      else
        g_assert_false (try_release (self->arena->fixture, self->token));
    }
  return NULL;
}

static void
of_eight_threads_one_holds_it_at_a_time (Fixture *fixture, gconstpointer data)
{
  Arena arena = { .fixture = fixture };
  Fighter fighters[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    {
      fighters[i].arena = &arena;
      g_snprintf (fighters[i].token, sizeof fighters[i].token, "t%d", i);
      fighters[i].thread = g_thread_new (fighters[i].token, fighter_run, &fighters[i]);
    }
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (fighters[i].thread);
  g_assert_cmpint (arena.n_grants, >, 0);
  g_assert_cmpint (arena.n_grants, ==, arena.last_fence);
  g_assert_false (try_is_locked (fixture));
}

/* One of many threads, each with a name of its own. */
static gpointer
use_own_name (gpointer data)
{
  Fighter *self = data;
  Fixture *fixture = self->arena->fixture;

  for (int i = 1; i <= N_ROUNDS; i++)
    {
      g_assert_cmpint (fixture->klass->try_acquire (fixture->adapter, self->token, self->token,
                                                    LEASE, now (fixture)),
                       ==, i);
      g_assert_true (
        fixture->klass->try_release (fixture->adapter, self->token, self->token, now (fixture)));
    }
  return NULL;
}

static void
threads_with_names_of_their_own_never_meet (Fixture *fixture, gconstpointer data)
{
  Arena arena = { .fixture = fixture };
  Fighter fighters[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    {
      fighters[i].arena = &arena;
      g_snprintf (fighters[i].token, sizeof fighters[i].token, "t%d", i);
      fighters[i].thread = g_thread_new (fighters[i].token, use_own_name, &fighters[i]);
    }
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (fighters[i].thread);
}

/* Fences never go back, whatever the main thread does to the adapter meanwhile. */
static gpointer
watch_fences (gpointer data)
{
  Fighter *self = data;
  gssize last = 0;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      gssize fence = try_acquire (self->arena->fixture, self->token);

      if (fence <= 0)
        continue;
      g_assert_cmpint (fence, >=, last);
      last = fence;
      try_release (self->arena->fixture, self->token);
    }
  return NULL;
}

static void
it_may_be_closed_and_opened_while_threads_use_it (Fixture *fixture, gconstpointer data)
{
  Arena arena = { .fixture = fixture };
  Fighter fighters[N_THREADS];

  grel_test_backend_open (GREL_BACKEND (fixture->adapter), NULL);
  for (int i = 0; i < N_THREADS; i++)
    {
      fighters[i].arena = &arena;
      g_snprintf (fighters[i].token, sizeof fighters[i].token, "t%d", i);
      fighters[i].thread = g_thread_new (fighters[i].token, watch_fences, &fighters[i]);
    }
  for (int i = 0; i < 50; i++)
    close_and_open (fixture);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (fighters[i].thread);
  grel_test_backend_close (GREL_BACKEND (fixture->adapter), NULL);
}

#define RULE(name)                                                                                 \
  g_test_add ("/memory/lock-adapter/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (its_scope_is_the_process);
  RULE (it_answers_without_a_turn_of_the_loop);
  RULE (a_rival_is_told_exactly_when_to_come_back);
  RULE (a_question_changes_nothing);
  RULE (fences_rise_also_when_it_is_closed_and_opened);
  RULE (two_adapters_are_two_stores);
  RULE (of_eight_threads_one_holds_it_at_a_time);
  RULE (threads_with_names_of_their_own_never_meet);
  RULE (it_may_be_closed_and_opened_while_threads_use_it);
  return g_test_run ();
}
