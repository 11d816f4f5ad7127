/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/memory/grel-memory-circuit-breaker-adapter-private.h>

#include "grel-test.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What the contract of circuit breaker backends does not say. */

#define NAME "cb:payment"
#define RESET_TIMEOUT (30 * G_TIME_SPAN_SECOND)
#define N_THREADS 8
#define N_ROUNDS 5000
#define N_NAMES 1000

/* How many records are looked at when one is added. */
#define SWEEP 32

#define ERROR GREL_CIRCUIT_OUTCOME_ERROR
#define SUCCESS GREL_CIRCUIT_OUTCOME_SUCCESS
#define NONE GREL_CIRCUIT_OUTCOME_NONE

static const GrelCircuitSettings settings = { 2, 2, 2, RESET_TIMEOUT };

typedef struct
{
  GrelVirtualClock *clock;
  GrelCircuitBreakerBackend *adapter;
  GrelCircuitBreakerBackendClass *klass;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->clock = grel_virtual_clock_new ();
  fixture->adapter = GREL_CIRCUIT_BREAKER_BACKEND (grel_memory_circuit_breaker_adapter_new ());
  fixture->klass = GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (fixture->adapter);
  grel_backend_set_clock (GREL_BACKEND (fixture->adapter), GREL_CLOCK (fixture->clock));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->adapter);
  g_object_unref (fixture->clock);
}

static gint64
try_admit (Fixture *fixture, const char *name)
{
  GrelCircuitSnapshot snapshot;

  return fixture->klass->try_admit (fixture->adapter, name, &settings, &snapshot);
}

static gboolean
try_record (Fixture *fixture, const char *name, gint64 ticket, GrelCircuitOutcome outcome)
{
  GrelCircuitSnapshot snapshot;

  return fixture->klass->try_record (fixture->adapter, name, ticket, outcome, &settings, &snapshot);
}

static GrelCircuitSnapshot
try_get_state (Fixture *fixture, const char *name)
{
  GrelCircuitSnapshot snapshot;

  fixture->klass->try_get_state (fixture->adapter, name, &snapshot);
  return snapshot;
}

static void
try_set_state (Fixture *fixture, const char *name, GrelCircuitState state, GTimeSpan cool_down)
{
  GrelCircuitSnapshot snapshot;

  fixture->klass->try_set_state (fixture->adapter, name, state, cool_down, &snapshot);
  g_assert_cmpint (snapshot.state, ==, state);
  g_assert_cmpint (snapshot.retry_after, ==, state == GREL_CIRCUIT_STATE_OPEN ? cool_down : 0);
}

static void
call (Fixture *fixture, const char *name, GrelCircuitOutcome outcome)
{
  gint64 ticket = try_admit (fixture, name);

  g_assert_cmpint (ticket, >=, 1);
  try_record (fixture, name, ticket, outcome);
}

static void
call_many (Fixture *fixture, guint n_names, GrelCircuitOutcome outcome)
{
  for (guint i = 0; i < n_names; i++)
    {
      g_autofree char *name = g_strdup_printf ("cb:%u", i);

      call (fixture, name, outcome);
    }
}

static void
expect_records (Fixture *fixture, guint n_records)
{
  g_assert_cmpuint (grel_memory_circuit_breaker_adapter_count_records (
                      GREL_MEMORY_CIRCUIT_BREAKER_ADAPTER (fixture->adapter)),
                    ==, n_records);
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
  call (fixture, NAME, ERROR);
  call (fixture, NAME, ERROR);
  g_assert_cmpint (try_get_state (fixture, NAME).state, ==, GREL_CIRCUIT_STATE_OPEN);
  g_assert_cmpint (try_admit (fixture, NAME), ==, -RESET_TIMEOUT);
}

static void
a_snapshot_comes_with_every_answer (Fixture *fixture, gconstpointer data)
{
  GrelCircuitSnapshot snapshot;
  gint64 ticket;

  ticket = fixture->klass->try_admit (fixture->adapter, NAME, &settings, &snapshot);
  g_assert_cmpint (snapshot.state, ==, GREL_CIRCUIT_STATE_CLOSED);
  fixture->klass->try_record (fixture->adapter, NAME, ticket, ERROR, &settings, &snapshot);
  g_assert_cmpuint (snapshot.consecutive_errors, ==, 1);
  fixture->klass->try_record (fixture->adapter, NAME, ticket, ERROR, &settings, &snapshot);
  g_assert_cmpint (snapshot.state, ==, GREL_CIRCUIT_STATE_OPEN);
  g_assert_cmpuint (snapshot.consecutive_errors, ==, 0);
  g_assert_cmpint (snapshot.retry_after, ==, RESET_TIMEOUT);

  grel_virtual_clock_advance (fixture->clock, RESET_TIMEOUT);
  ticket = fixture->klass->try_admit (fixture->adapter, NAME, &settings, &snapshot);
  g_assert_cmpint (snapshot.state, ==, GREL_CIRCUIT_STATE_HALF_OPEN);
  fixture->klass->try_record (fixture->adapter, NAME, ticket, SUCCESS, &settings, &snapshot);
  g_assert_cmpuint (snapshot.consecutive_successes, ==, 1);
}

static int n_looks = 0;

/* In the way of the one in the C library: counts looks at the clock that the library goes by. */
int
clock_gettime (clockid_t id, struct timespec *now)
{
  if (id == CLOCK_BOOTTIME)
    g_atomic_int_inc (&n_looks);
  return syscall (SYS_clock_gettime, id, now);
}

/* Returns: how many looks there were until now; the first one makes the clock */
static int
go_by_the_real_clock (Fixture *fixture)
{
  grel_backend_set_clock (GREL_BACKEND (fixture->adapter), NULL);
  grel_clock_get_monotonic_time (grel_clock_get_real ());
  return g_atomic_int_get (&n_looks);
}

static void
a_circuit_at_rest_needs_no_clock (Fixture *fixture, gconstpointer data)
{
  int n_before = go_by_the_real_clock (fixture);

  call_many (fixture, N_NAMES, SUCCESS);
  call_many (fixture, N_NAMES, NONE);
  g_assert_cmpint (g_atomic_int_get (&n_looks), ==, n_before);
  call (fixture, NAME, ERROR);
  g_assert_cmpint (g_atomic_int_get (&n_looks), >, n_before);
}

static void
a_call_through_a_circuit_at_rest_needs_no_clock (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) breaker
    = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "cart", "backend", fixture->adapter, NULL);
  int n_before;

  go_by_the_real_clock (fixture);
  grel_test_backend_open (GREL_BACKEND (fixture->adapter), NULL);
  n_before = g_atomic_int_get (&n_looks);
  for (int i = 0; i < N_ROUNDS / 100; i++)
    {
      g_autoptr (GrelPermit) permit = grel_test_circuit_breaker_acquire (breaker, NULL);

      g_assert_true (grel_test_permit_succeed (permit, NULL));
    }
  g_assert_cmpint (g_atomic_int_get (&n_looks), ==, n_before);
  grel_test_backend_close (GREL_BACKEND (fixture->adapter), NULL);
}

static void
a_circuit_at_rest_takes_no_memory (Fixture *fixture, gconstpointer data)
{
  call_many (fixture, N_NAMES, SUCCESS);
  call_many (fixture, N_NAMES, NONE);
  try_get_state (fixture, NAME);
  try_set_state (fixture, NAME, GREL_CIRCUIT_STATE_CLOSED, 0);
  expect_records (fixture, 0);
}

static void
a_circuit_that_recovered_takes_no_memory (Fixture *fixture, gconstpointer data)
{
  call_many (fixture, N_NAMES, ERROR);
  expect_records (fixture, N_NAMES);
  call_many (fixture, N_NAMES / 2, ERROR);
  grel_virtual_clock_advance (fixture->clock, RESET_TIMEOUT);
  call_many (fixture, N_NAMES / 2, SUCCESS);
  expect_records (fixture, N_NAMES);
  call_many (fixture, N_NAMES, SUCCESS);
  expect_records (fixture, 0);
}

static void
a_circuit_that_was_reset_takes_no_memory (Fixture *fixture, gconstpointer data)
{
  static const GrelCircuitState states[]
    = { GREL_CIRCUIT_STATE_OPEN, GREL_CIRCUIT_STATE_HALF_OPEN, GREL_CIRCUIT_STATE_FORCED_OPEN,
        GREL_CIRCUIT_STATE_FORCED_CLOSED };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      try_set_state (fixture, NAME, states[i], 0);
      expect_records (fixture, 1);
      try_set_state (fixture, NAME, GREL_CIRCUIT_STATE_CLOSED, 0);
      expect_records (fixture, 0);
    }
}

static void
one_that_is_out_of_date_is_dropped_when_it_is_asked_for (Fixture *fixture, gconstpointer data)
{
  call (fixture, NAME, ERROR);
  grel_virtual_clock_advance (fixture->clock, G_TIME_SPAN_DAY);
  expect_records (fixture, 1);
  try_get_state (fixture, NAME);
  expect_records (fixture, 0);
}

static void
a_new_record_drops_some_that_are_out_of_date (Fixture *fixture, gconstpointer data)
{
  call_many (fixture, N_NAMES, ERROR);
  grel_virtual_clock_advance (fixture->clock, G_TIME_SPAN_DAY);
  call (fixture, "cb:a", ERROR);
  expect_records (fixture, N_NAMES - SWEEP + 1);
  call (fixture, "cb:b", ERROR);
  expect_records (fixture, N_NAMES - 2 * SWEEP + 2);
  call (fixture, "cb:b", ERROR); /* not a new one */
  expect_records (fixture, N_NAMES - 2 * SWEEP + 2);
}

static void
it_drops_none_that_still_counts (Fixture *fixture, gconstpointer data)
{
  try_set_state (fixture, "cb:long", GREL_CIRCUIT_STATE_OPEN, G_TIME_SPAN_DAY);
  try_set_state (fixture, "cb:forced", GREL_CIRCUIT_STATE_FORCED_OPEN, 0);
  call_many (fixture, SWEEP, ERROR);
  grel_virtual_clock_advance (fixture->clock, G_TIME_SPAN_DAY - 1);
  call (fixture, NAME, ERROR);
  expect_records (fixture, SWEEP + 3);

  grel_virtual_clock_advance (fixture->clock, 1);
  call (fixture, "cb:a", ERROR);
  call (fixture, "cb:b", ERROR);
  expect_records (fixture, 5);
  g_assert_cmpint (try_get_state (fixture, "cb:long").state, ==, GREL_CIRCUIT_STATE_OPEN);
  g_assert_cmpint (try_get_state (fixture, "cb:forced").state, ==, GREL_CIRCUIT_STATE_FORCED_OPEN);
  g_assert_cmpuint (try_get_state (fixture, NAME).consecutive_errors, ==, 1);
}

/* One after another fails once and is never used again. */
static void
its_memory_is_bounded_by_what_is_fresh (Fixture *fixture, gconstpointer data)
{
  GrelMemoryCircuitBreakerAdapter *adapter = GREL_MEMORY_CIRCUIT_BREAKER_ADAPTER (fixture->adapter);

  for (guint i = 0; i < 10000; i++)
    {
      g_autofree char *name = g_strdup_printf ("cb:%u", i);

      call (fixture, name, ERROR);
      grel_virtual_clock_advance (fixture->clock, G_TIME_SPAN_DAY / 100);
      g_assert_cmpuint (grel_memory_circuit_breaker_adapter_count_records (adapter), <=,
                        100 + SWEEP);
    }
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
closed_it_forgets_everything (Fixture *fixture, gconstpointer data)
{
  grel_test_backend_open (GREL_BACKEND (fixture->adapter), NULL);
  call_many (fixture, N_NAMES, ERROR);
  try_set_state (fixture, NAME, GREL_CIRCUIT_STATE_FORCED_OPEN, 0);
  close_and_open (fixture);
  expect_records (fixture, 0);
  g_assert_cmpint (try_get_state (fixture, NAME).state, ==, GREL_CIRCUIT_STATE_CLOSED);
  call_many (fixture, N_NAMES, ERROR);
  expect_records (fixture, N_NAMES);
  grel_test_backend_close (GREL_BACKEND (fixture->adapter), NULL);
}

static void
a_ticket_from_before_a_close_is_no_probes (Fixture *fixture, gconstpointer data)
{
  gint64 early;

  grel_test_backend_open (GREL_BACKEND (fixture->adapter), NULL);
  try_set_state (fixture, NAME, GREL_CIRCUIT_STATE_HALF_OPEN, 0);
  early = try_admit (fixture, NAME);
  close_and_open (fixture);
  try_set_state (fixture, NAME, GREL_CIRCUIT_STATE_HALF_OPEN, 0);
  g_assert_cmpint (try_admit (fixture, NAME), >, early);
  g_assert_cmpint (try_admit (fixture, NAME), >, early);
  g_assert_false (try_record (fixture, NAME, early, SUCCESS));
  g_assert_cmpint (try_admit (fixture, NAME), ==, 0);
  grel_test_backend_close (GREL_BACKEND (fixture->adapter), NULL);
}

static void
two_adapters_are_two_stores (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreakerBackend) other
    = GREL_CIRCUIT_BREAKER_BACKEND (grel_memory_circuit_breaker_adapter_new ());
  GrelCircuitSnapshot snapshot;

  try_set_state (fixture, NAME, GREL_CIRCUIT_STATE_FORCED_OPEN, 0);
  g_assert_cmpint (fixture->klass->try_admit (other, NAME, &settings, &snapshot), >=, 1);
}

/* Threads that probe one circuit, which never closes. */
typedef struct
{
  Fixture *fixture;
  GThread *thread;
  int *n_running;
  int *n_inside;
  int *max_inside;
} Prober;

/* Stays until as many are inside as may be, or nobody else can come any more. */
static void
prober_probe (Prober *self)
{
  int n_inside = g_atomic_int_add (self->n_inside, 1) + 1;

  g_assert_cmpint (n_inside, <=, settings.half_open_capacity);
  if (n_inside == (int) settings.half_open_capacity)
    g_atomic_int_set (self->max_inside, n_inside);
  while (g_atomic_int_get (self->max_inside) == 0 && g_atomic_int_get (self->n_running) > 1)
    g_thread_yield ();
  g_atomic_int_add (self->n_inside, -1);
}

static gpointer
prober_run (gpointer data)
{
  Prober *self = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      gint64 ticket = try_admit (self->fixture, NAME);

      g_assert_cmpint (ticket, >=, 0);
      if (ticket == 0)
        continue;

      prober_probe (self);
      g_assert_false (try_record (self->fixture, NAME, ticket, NONE));
    }
  g_atomic_int_add (self->n_running, -1);
  return NULL;
}

static void
of_eight_threads_two_probe_at_a_time (Fixture *fixture, gconstpointer data)
{
  Prober probers[N_THREADS];
  int n_running = N_THREADS;
  int n_inside = 0;
  int max_inside = 0;

  try_set_state (fixture, NAME, GREL_CIRCUIT_STATE_HALF_OPEN, 0);
  for (int i = 0; i < N_THREADS; i++)
    {
      probers[i] = (Prober){ fixture, NULL, &n_running, &n_inside, &max_inside };
      probers[i].thread = g_thread_new ("prober", prober_run, &probers[i]);
    }
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (probers[i].thread);
  g_assert_cmpint (max_inside, ==, settings.half_open_capacity);
  g_assert_cmpint (try_admit (fixture, NAME), >, 0);
  g_assert_cmpint (try_admit (fixture, NAME), >, 0);
  g_assert_cmpint (try_admit (fixture, NAME), ==, 0);
}

static gpointer
use_everything (gpointer data)
{
  Fixture *fixture = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      gint64 ticket = try_admit (fixture, NAME);

      if (ticket > 0)
        try_record (fixture, NAME, ticket, i % 3 == 0 ? SUCCESS : ERROR);
      if (i % 100 == 0)
        try_set_state (fixture, NAME, GREL_CIRCUIT_STATE_HALF_OPEN, 0);
      try_get_state (fixture, NAME);
    }
  return NULL;
}

static void
it_may_be_closed_and_opened_while_threads_use_it (Fixture *fixture, gconstpointer data)
{
  GThread *threads[N_THREADS];

  grel_test_backend_open (GREL_BACKEND (fixture->adapter), NULL);
  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("user", use_everything, fixture);
  for (int i = 0; i < 50; i++)
    close_and_open (fixture);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  close_and_open (fixture);
  expect_records (fixture, 0);
  grel_test_backend_close (GREL_BACKEND (fixture->adapter), NULL);
}

#define RULE(name)                                                                                 \
  g_test_add ("/memory/circuit-breaker-adapter/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (its_scope_is_the_process);
  RULE (it_answers_without_a_turn_of_the_loop);
  RULE (a_snapshot_comes_with_every_answer);
  RULE (a_circuit_at_rest_needs_no_clock);
  RULE (a_call_through_a_circuit_at_rest_needs_no_clock);
  RULE (a_circuit_at_rest_takes_no_memory);
  RULE (a_circuit_that_recovered_takes_no_memory);
  RULE (a_circuit_that_was_reset_takes_no_memory);
  RULE (one_that_is_out_of_date_is_dropped_when_it_is_asked_for);
  RULE (a_new_record_drops_some_that_are_out_of_date);
  RULE (it_drops_none_that_still_counts);
  RULE (its_memory_is_bounded_by_what_is_fresh);
  RULE (closed_it_forgets_everything);
  RULE (a_ticket_from_before_a_close_is_no_probes);
  RULE (two_adapters_are_two_stores);
  RULE (of_eight_threads_two_probe_at_a_time);
  RULE (it_may_be_closed_and_opened_while_threads_use_it);
  return g_test_run ();
}
