/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"
#include "grel-test-race.h"

/* Acquire, cancel, succeed, fail, drop, isolate, reset and close against each other. */
#define MAX_ACTORS 4
#define N_BREAKERS 2
#define N_TICKETS 5

/* More than there are calls in a run, and longer than it takes. */
#define NEVER 1000
#define FOR_EVER (600 * G_TIME_SPAN_SECOND)

typedef struct
{
  const char *path;
  GType (*backend_type) (void);
} Arena;

/* A circuit breaker, and the state that it told of last; only on the loop's thread. */
typedef struct
{
  GrelCircuitBreaker *breaker;
  GThread *loop;
  int last_told; /* -1 before the first */
} Witness;

typedef struct
{
  guint number;
  GRand *rand;
  GrelTestLoop *loop;
  GrelBackend *backend;
  Witness witnesses[N_BREAKERS]; /* of one circuit */
  gboolean stays_half_open;      /* so that the capacity holds at every moment */
  gboolean is_closed;
  gboolean is_forced;
  gboolean is_immediate; /* the backend */
  guint capacity;
  int n_probing;
} Run;

typedef enum
{
  SUCCEED,
  FAIL,
  FAIL_CANCELLED,
  SUCCEED_TWICE,
  SUCCEED_UNHEARD,
  ABANDON,
  DROP,
  DROP_ELSEWHERE,
  N_FAREWELLS
} Farewell;

/* One who makes a call, from a thread or asynchronously. */
typedef struct
{
  Run *run;
  GrelCircuitBreaker *breaker;
  gboolean lets_it_run; /* run_async () and run_from_thread () instead of a permit */
  gboolean has_ticket;  /* likewise, where the backend answers at once */
  guint delay;
  guint cancel_delay;
  guint hold;
  Farewell farewell;
  GCancellable *cancellable;
  GThread *canceller;
  GTask *work; /* of the operation */
  int n_returned;
} Actor;

static gboolean
error_is_expected (const GError *error)
{
  return g_error_matches (error, GREL_ERROR, GREL_ERROR_CLOSED)
         || g_error_matches (error, GREL_ERROR, GREL_ERROR_CIRCUIT_OPEN)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
expect_error (const GError *error)
{
  if (!error_is_expected (error))
    g_error ("unexpected: %s", error != NULL ? error->message : "neither a result nor an error");
}

static void
actor_enter (Actor *self)
{
  Run *run = self->run;
  int n_others = g_atomic_int_add (&run->n_probing, 1);

  if (run->stays_half_open)
    g_assert_cmpint (n_others, <, run->capacity);
  grel_test_spin (self->hold);
  g_atomic_int_add (&run->n_probing, -1);
}

static GError *
actor_make_error (Actor *self)
{
  return g_error_new_literal (G_IO_ERROR,
                              self->farewell == FAIL ? G_IO_ERROR_TIMED_OUT : G_IO_ERROR_CANCELLED,
                              "The call failed");
}

static gpointer
succeed_as_well (gpointer permit)
{
  return GINT_TO_POINTER (grel_permit_succeed_from_thread (permit, NULL, NULL));
}

static void
actor_succeed_twice (Actor *self, GrelPermit *permit)
{
  GThread *rival = g_thread_new ("rival", succeed_as_well, permit);
  gboolean is_first = grel_permit_succeed_from_thread (permit, NULL, NULL);
  gboolean is_second = GPOINTER_TO_INT (g_thread_join (rival));

  g_assert_false (is_first && is_second);
  if (!self->run->is_closed)
    g_assert_true (is_first || is_second);
}

static void
actor_fail (Actor *self, GrelPermit *permit)
{
  g_autoptr (GError) reason = actor_make_error (self);
  g_autoptr (GError) error = NULL;

  if (!grel_permit_fail_from_thread (permit, reason, NULL, &error))
    g_assert_error (error, GREL_ERROR, GREL_ERROR_CLOSED);
}

static void
actor_part_with (Actor *self, GrelPermit *given)
{
  g_autoptr (GrelPermit) permit = given;
  g_autoptr (GError) error = NULL;

  actor_enter (self);
  switch (self->farewell)
    {
    case SUCCEED:
      if (!grel_permit_succeed_from_thread (permit, NULL, &error))
        g_assert_error (error, GREL_ERROR, GREL_ERROR_CLOSED);
      break;
    case FAIL:
    case FAIL_CANCELLED:
      actor_fail (self, permit);
      break;
    case SUCCEED_TWICE:
      actor_succeed_twice (self, permit);
      break;
    case SUCCEED_UNHEARD:
      grel_permit_succeed_async (permit, self->cancellable, NULL, NULL);
      break;
    case ABANDON:
      grel_permit_abandon (permit);
      break;
    case DROP_ELSEWHERE:
      grel_test_drop_elsewhere (g_steal_pointer (&permit));
      break;
    case DROP:
    default:
      break;
    }
}

/* More than once, since most go a way that is shorter. */
static void
actor_go_by_ticket (Actor *self)
{
  g_autoptr (GError) reason = actor_make_error (self);
  g_autoptr (GError) error = NULL;
  guint64 ticket;

  for (guint i = 0; i < N_TICKETS; i++)
    {
      gboolean is_last = i + 1 == N_TICKETS;
      gboolean is_recorded;

      if (!grel_circuit_breaker_allow (self->breaker, &ticket, is_last ? &error : NULL))
        continue;
      actor_enter (self);
      is_recorded = self->farewell == SUCCEED || !is_last
                      ? grel_circuit_breaker_record_success (self->breaker, ticket)
                      : grel_circuit_breaker_record_error (self->breaker, ticket, reason);
      g_assert_true (is_recorded || self->run->is_closed);
    }
  if (error != NULL)
    expect_error (error);
}

static gboolean
actor_call (GCancellable *cancellable, gpointer data, GError **error)
{
  Actor *self = data;

  actor_enter (self);
  if (self->farewell == SUCCEED)
    return TRUE;

  g_propagate_error (error, actor_make_error (self));
  return FALSE;
}

static gpointer
actor_run_thread (gpointer data)
{
  Actor *self = data;
  g_autoptr (GError) error = NULL;
  GrelPermit *permit;

  if (self->farewell == SUCCEED_UNHEARD)
    self->farewell = SUCCEED; /* nobody would run the context that the answer goes to */
  grel_test_spin (self->delay);
  if (self->lets_it_run)
    {
      if (!grel_circuit_breaker_run_from_thread (self->breaker, actor_call, self, self->cancellable,
                                                 &error))
        expect_error (error);
      return NULL;
    }

  if (self->has_ticket)
    {
      actor_go_by_ticket (self);
      return NULL;
    }

  permit = grel_circuit_breaker_acquire_from_thread (self->breaker, self->cancellable, &error);
  if (permit != NULL)
    actor_part_with (self, permit);
  else
    expect_error (error);
  return NULL;
}

static void
actor_acquired (GObject *source, GAsyncResult *result, gpointer data)
{
  Actor *self = data;
  g_autoptr (GError) error = NULL;
  GrelPermit *permit
    = grel_circuit_breaker_acquire_finish (GREL_CIRCUIT_BREAKER (source), result, &error);

  self->n_returned++;
  if (permit != NULL)
    actor_part_with (self, permit);
  else
    expect_error (error);
}

static void
actor_ran (GObject *source, GAsyncResult *result, gpointer data)
{
  Actor *self = data;
  g_autoptr (GError) error = NULL;
  GValue *value = grel_circuit_breaker_run_finish (GREL_CIRCUIT_BREAKER (source), result, &error);

  self->n_returned++;
  if (value != NULL)
    g_boxed_free (G_TYPE_VALUE, value);
  else
    expect_error (error);
}

static gboolean
actor_finish_work (gpointer data)
{
  Actor *self = data;
  g_autoptr (GTask) task = g_steal_pointer (&self->work);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT);
  actor_enter (self);
  if (self->farewell == SUCCEED)
    g_task_return_value (task, &value);
  else
    g_task_return_error (task, actor_make_error (self));
  return G_SOURCE_REMOVE;
}

static void
actor_start_work (GTask *task, gpointer data)
{
  Actor *self = data;
  g_autoptr (GSource) source = g_idle_source_new ();

  self->work = g_object_ref (task);
  g_source_set_callback (source, actor_finish_work, self, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
actor_start_async (Actor *self)
{
  g_autoptr (GrelOperation) operation = NULL;

  grel_test_spin (self->delay / 4);
  if (!self->lets_it_run)
    {
      grel_circuit_breaker_acquire_async (self->breaker, self->cancellable, actor_acquired, self);
      return;
    }

  operation = grel_operation_new (actor_start_work, self, NULL);
  grel_circuit_breaker_run_async (self->breaker, operation, self->cancellable, actor_ran, self);
}

static gpointer
actor_cancel (gpointer data)
{
  Actor *self = data;

  grel_test_spin (self->cancel_delay);
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

static void
actor_init (Actor *self, Run *run)
{
  GRand *rand = run->rand;

  *self = (Actor){
    .run = run,
    .breaker = run->witnesses[g_rand_int_range (rand, 0, N_BREAKERS)].breaker,
    .lets_it_run = g_rand_int_range (rand, 0, 3) == 0,
    .has_ticket = run->is_immediate && g_rand_boolean (rand),
    .delay = g_rand_int_range (rand, 0, 30),
    .cancel_delay = g_rand_int_range (rand, 0, 60),
    .hold = g_rand_int_range (rand, 0, 20),
    .farewell = g_rand_int_range (rand, 0, N_FAREWELLS),
  };
  if (g_rand_int_range (rand, 0, 3) == 0)
    {
      self->cancellable = g_cancellable_new ();
      self->canceller = g_thread_new ("canceller", actor_cancel, self);
    }
}

static void
actor_clear (Actor *self)
{
  g_clear_pointer (&self->canceller, g_thread_join);
  g_clear_object (&self->cancellable);
}

/* Every change is told where it belongs, and begins where the last one ended. */
static void
witness_told (GrelCircuitBreaker *breaker,
              GrelCircuitState before,
              GrelCircuitState after,
              const char *cause,
              Witness *self)
{
  g_assert_true (g_thread_self () == self->loop);
  g_assert_cmpint (before, !=, after);
  if (self->last_told >= 0)
    g_assert_cmpint (before, ==, self->last_told);
  self->last_told = after;
}

static void
witness_init (Witness *self, Run *run)
{
  self->breaker
    = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "race", "backend", run->backend, NULL);
  self->loop = run->loop->thread;
  self->last_told = -1;
  g_signal_connect (self->breaker, "state-changed", G_CALLBACK (witness_told), self);
}

static void
breaker_set (GrelCircuitBreaker *breaker, guint threshold, guint capacity, GTimeSpan timeout)
{
  grel_circuit_breaker_set_error_threshold (breaker, threshold);
  grel_circuit_breaker_set_success_threshold (breaker, threshold);
  grel_circuit_breaker_set_half_open_capacity (breaker, capacity);
  grel_circuit_breaker_set_reset_timeout (breaker, timeout);
}

/* Opens the circuit so shortly that the next call is a probe. */
static void
run_trip (Run *self)
{
  GrelCircuitBreaker *breaker = self->witnesses[0].breaker;
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "down");
  g_autoptr (GrelPermit) permit = NULL;

  breaker_set (breaker, 1, 1, 1);
  permit = grel_circuit_breaker_acquire_from_thread (breaker, NULL, NULL);
  g_assert_true (grel_permit_fail_from_thread (permit, reason, NULL, NULL));
  g_assert_cmpint (grel_circuit_breaker_get_state (breaker), ==, GREL_CIRCUIT_STATE_OPEN);
  while (grel_circuit_breaker_get_retry_after (breaker) > 0)
    g_thread_yield ();
}

static void
run_init (Run *self, guint number, GRand *rand, GrelTestLoop *loop, const Arena *arena)
{
  *self = (Run){ .number = number, .rand = rand, .loop = loop };
  self->backend = g_object_new (arena->backend_type (), NULL);
  self->is_immediate = GREL_IS_MEMORY_CIRCUIT_BREAKER_ADAPTER (self->backend);
  self->stays_half_open = g_rand_int_range (rand, 0, 2) == 0;
  self->is_closed = g_rand_int_range (rand, 0, 4) == 0;
  self->is_forced = !self->stays_half_open && g_rand_int_range (rand, 0, 3) == 0;
  self->capacity = g_rand_int_range (rand, 1, 4);
  grel_test_loop_open_backend (loop, self->backend);
  for (guint i = 0; i < N_BREAKERS; i++)
    witness_init (&self->witnesses[i], self);

  if (g_rand_boolean (rand) || self->stays_half_open)
    run_trip (self);
  for (guint i = 0; i < N_BREAKERS; i++)
    breaker_set (self->witnesses[i].breaker, self->stays_half_open ? NEVER : 2, self->capacity,
                 self->stays_half_open || g_rand_boolean (rand) ? FOR_EVER
                                                                : g_rand_int_range (rand, 1, 500));
}

static gpointer
run_close (gpointer data)
{
  Run *self = data;
  g_autoptr (GError) error = NULL;

  grel_test_spin (self->number % 100);
  if (!grel_backend_close_from_thread (self->backend, NULL, &error))
    g_error ("could not close: %s", error->message);
  return NULL;
}

static gpointer
run_force (gpointer data)
{
  Run *self = data;
  GrelCircuitBreaker *breaker = self->witnesses[1].breaker;
  g_autoptr (GError) error = NULL;

  grel_test_spin (self->number % 50);
  if (self->number % 2 == 0 && !grel_circuit_breaker_isolate_from_thread (breaker, NULL, &error))
    expect_error (error);
  g_clear_error (&error);
  if (!grel_circuit_breaker_reset_from_thread (breaker, NULL, &error))
    expect_error (error);
  return NULL;
}

static void
run_all_actors (Run *self)
{
  Actor threads[MAX_ACTORS], asyncs[MAX_ACTORS];
  GThread *running[MAX_ACTORS];
  guint n_threads = g_rand_int_range (self->rand, 0, MAX_ACTORS + 1);
  guint n_asyncs = g_rand_int_range (self->rand, 0, MAX_ACTORS + 1);
  GThread *closer = self->is_closed ? g_thread_new ("closer", run_close, self) : NULL;
  GThread *forcer = self->is_forced ? g_thread_new ("forcer", run_force, self) : NULL;

  for (guint i = 0; i < n_threads; i++)
    {
      actor_init (&threads[i], self);
      running[i] = g_thread_new ("actor", actor_run_thread, &threads[i]);
    }
  for (guint i = 0; i < n_asyncs; i++)
    {
      actor_init (&asyncs[i], self);
      actor_start_async (&asyncs[i]);
    }

  for (guint i = 0; i < n_asyncs; i++)
    grel_test_run_until (&asyncs[i].n_returned);
  for (guint i = 0; i < n_threads; i++)
    g_thread_join (running[i]);
  g_clear_pointer (&closer, g_thread_join);
  g_clear_pointer (&forcer, g_thread_join);
  grel_test_settle ();

  for (guint i = 0; i < n_asyncs; i++)
    {
      g_assert_cmpint (asyncs[i].n_returned, ==, 1);
      actor_clear (&asyncs[i]);
    }
  for (guint i = 0; i < n_threads; i++)
    actor_clear (&threads[i]);
}

/* Somebody who was cancelled may have won a slot that is still on its way back. */
static gboolean
run_can_fill_all_slots (gpointer data)
{
  Run *self = data;
  g_autoptr (GPtrArray) permits = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->capacity; i++)
    {
      g_autoptr (GError) error = NULL;
      GrelPermit *permit
        = grel_circuit_breaker_acquire_from_thread (self->witnesses[0].breaker, NULL, &error);

      if (permit == NULL)
        {
          g_assert_error (error, GREL_ERROR, GREL_ERROR_CIRCUIT_OPEN);
          return FALSE;
        }
      g_ptr_array_add (permits, permit);
    }
  return TRUE;
}

/* One that probes opened for long is no use, and is reset. */
static gboolean
run_can_be_closed_by_probes (gpointer data)
{
  Run *self = data;
  GrelCircuitBreaker *breaker = self->witnesses[0].breaker;
  g_autoptr (GrelPermit) permit = grel_circuit_breaker_acquire_from_thread (breaker, NULL, NULL);

  if (permit != NULL)
    g_assert_true (grel_permit_succeed_from_thread (permit, NULL, NULL));
  else if (grel_circuit_breaker_get_state (breaker) == GREL_CIRCUIT_STATE_OPEN)
    g_assert_true (grel_circuit_breaker_reset_from_thread (breaker, NULL, NULL));
  return grel_circuit_breaker_get_state (breaker) == GREL_CIRCUIT_STATE_CLOSED;
}

static gboolean
witness_has_no_call (gpointer data)
{
  Witness *self = data;

  return grel_test_circuit_breaker_get_figure (self->breaker, "active-calls") == 0;
}

/* The circuit breakers outlive the backend, which must not be kept by them. */
static void
run_clear (Run *self)
{
  g_autoptr (GError) error = NULL;

  if (!self->is_closed)
    {
      if (self->stays_half_open)
        grel_test_wait_for (run_can_fill_all_slots, self);
      breaker_set (self->witnesses[0].breaker, 2, self->capacity, FOR_EVER);
      grel_test_wait_for (run_can_be_closed_by_probes, self);
      grel_backend_close_from_thread (self->backend, NULL, &error);
      g_assert_no_error (error);
    }
  for (guint i = 0; i < N_BREAKERS; i++)
    {
      grel_test_wait_for (witness_has_no_call, &self->witnesses[i]);
      grel_circuit_breaker_set_backend (self->witnesses[i].breaker, NULL);
    }
  grel_test_drop_last (self->backend);
  for (guint i = 0; i < N_BREAKERS; i++)
    {
      if (self->witnesses[i].last_told >= 0)
        g_assert_cmpint (self->witnesses[i].last_told, ==, GREL_CIRCUIT_STATE_CLOSED);
      grel_test_drop_last (self->witnesses[i].breaker);
    }
}

static void
run (guint number, GRand *rand, GrelTestLoop *loop, gconstpointer arena)
{
  Run self;

  run_init (&self, number, rand, loop, arena);
  run_all_actors (&self);
  run_clear (&self);
}

static void
races_lose_nothing (gconstpointer arena)
{
  grel_test_race (run, arena);
}

static const Arena arenas[] = {
  { "/circuit-breaker-races/in-memory", grel_memory_circuit_breaker_adapter_get_type },
  { "/circuit-breaker-races/in-a-store", grel_test_circuit_store_get_type },
};

/* There are too many changes to read of each. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (level == G_LOG_LEVEL_MESSAGE)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, data);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (arenas); i++)
    g_test_add_data_func (arenas[i].path, &arenas[i], races_lose_nothing);
  return g_test_run ();
}
