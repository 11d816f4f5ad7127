/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-race.h"
#include "grel-test-store.h"

/* Acquire, cancel, time out, release, drop and close against each other. */
#define MAX_ACTORS 4
#define LONG_LEASE (60 * G_TIME_SPAN_SECOND)

/* What is fought for, and where. */
typedef struct
{
  const char *path;
  GType (*backend_type) (void);
  gboolean is_of_task_locks;
} Arena;

typedef struct
{
  guint number;
  GRand *rand;
  GrelLockBackend *backend;
  GrelLock *lock;
  GrelTaskLock *task_lock; /* instead of the lock */
  gint64 held_until;       /* the task lock, at least */
  gboolean leases_last;    /* longer than the run, so that nobody may ever be second */
  gboolean is_closed;
  int n_holding;
} Run;

/* One who wants the lock, from a thread or asynchronously. */
typedef struct
{
  Run *run;
  GTimeSpan timeout;
  guint delay;
  guint cancel_delay;
  guint hold;
  gint64 asked_at;
  guint farewell; /* release, drop, extend and release, or drop on another thread */
  GCancellable *cancellable;
  GThread *canceller;
  int n_returned;
} Actor;

/* A store may be slower than a short lease. */
static gboolean
error_is_expected (Run *run, const GError *error)
{
  if (!run->leases_last && g_error_matches (error, GREL_ERROR, GREL_ERROR_BACKEND))
    return TRUE;
  return g_error_matches (error, GREL_ERROR, GREL_ERROR_CLOSED)
         || g_error_matches (error, GREL_ERROR, GREL_ERROR_TIMED_OUT)
         || g_error_matches (error, GREL_ERROR, GREL_ERROR_WOULD_BLOCK)
         || g_error_matches (error, GREL_ERROR, GREL_ERROR_NOT_OWNED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
expect_error (Run *run, const GError *error)
{
  if (!error_is_expected (run, error))
    g_error ("unexpected: %s", error != NULL ? error->message : "neither a result nor an error");
}

/* On the clock of the library. */
static gint64
now (void)
{
  return grel_clock_get_monotonic_time (grel_clock_get_real ());
}

static void
actor_enter (Actor *self)
{
  Run *run = self->run;

  if (!run->leases_last)
    return;

  g_assert_cmpint (g_atomic_int_add (&run->n_holding, 1), ==, 0);
  if (run->task_lock == NULL)
    return;

  g_assert_cmpint (now (), >=, run->held_until);
  run->held_until = self->asked_at + grel_task_lock_get_min_hold_duration (run->task_lock);
}

static void
actor_leave (Actor *self)
{
  if (self->run->leases_last)
    g_assert_cmpint (g_atomic_int_add (&self->run->n_holding, -1), ==, 1);
}

static void
actor_part_with (Actor *self, GrelLease *lease)
{
  g_autoptr (GError) error = NULL;

  actor_enter (self);
  grel_test_spin (self->hold);
  if (self->farewell == 2 && !grel_lease_extend_from_thread (lease, NULL, &error))
    expect_error (self->run, error);
  g_clear_error (&error);
  actor_leave (self);

  if (self->farewell == 0 || self->farewell == 2)
    {
      if (!grel_lease_release_from_thread (lease, NULL, &error))
        expect_error (self->run, error);
    }
  else if (self->farewell == 3)
    {
      grel_test_drop_elsewhere (lease);
      return;
    }
  g_object_unref (lease);
}

static GrelLease *
run_acquire_from_thread (Run *self, GTimeSpan timeout, GCancellable *cancellable, GError **error)
{
  if (self->task_lock != NULL)
    return grel_task_lock_acquire_from_thread (self->task_lock, cancellable, error);
  return grel_lock_acquire_from_thread (self->lock, timeout, cancellable, error);
}

static gpointer
actor_run_thread (gpointer data)
{
  Actor *self = data;
  g_autoptr (GError) error = NULL;
  GrelLease *lease;

  grel_test_spin (self->delay);
  self->asked_at = now ();
  lease = run_acquire_from_thread (self->run, self->timeout, self->cancellable, &error);
  if (lease != NULL)
    actor_part_with (self, lease);
  else
    expect_error (self->run, error);
  return NULL;
}

static void
actor_acquired (GObject *source, GAsyncResult *result, gpointer data)
{
  Actor *self = data;
  g_autoptr (GError) error = NULL;
  GrelLease *lease;

  if (self->run->task_lock != NULL)
    lease = grel_task_lock_acquire_finish (self->run->task_lock, result, &error);
  else
    lease = grel_lock_acquire_finish (self->run->lock, result, &error);

  self->n_returned++;
  if (lease != NULL)
    actor_part_with (self, lease);
  else
    expect_error (self->run, error);
}

static void
actor_start_async (Actor *self)
{
  Run *run = self->run;

  self->asked_at = now ();
  if (run->task_lock != NULL)
    grel_task_lock_acquire_async (run->task_lock, self->cancellable, actor_acquired, self);
  else
    grel_lock_acquire_async (run->lock, self->timeout, self->cancellable, actor_acquired, self);
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
  static const GTimeSpan timeouts[] = { -1, -1, 0, 50, 500, 2000 };
  GRand *rand = run->rand;

  *self = (Actor){
    .run = run,
    .timeout = timeouts[g_rand_int_range (rand, 0, G_N_ELEMENTS (timeouts))],
    .delay = g_rand_int_range (rand, 0, 30),
    .cancel_delay = g_rand_int_range (rand, 0, 60),
    .hold = g_rand_int_range (rand, 0, 20),
    .farewell = g_rand_int_range (rand, 0, 4),
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

static gpointer
run_close (gpointer data)
{
  Run *self = data;
  g_autoptr (GError) error = NULL;

  grel_test_spin (self->number % 100);
  if (!grel_backend_close_from_thread (GREL_BACKEND (self->backend), NULL, &error))
    g_error ("could not close: %s", error->message);
  return NULL;
}

/* Leases that run out while they are fought for. */
static void
run_make_short (Run *self)
{
  GTimeSpan lease = g_rand_int_range (self->rand, 1, 1500);

  if (self->task_lock != NULL)
    {
      grel_task_lock_set_lease_duration (self->task_lock, lease);
      grel_task_lock_set_min_hold_duration (self->task_lock,
                                            g_rand_int_range (self->rand, 1, lease + 1));
      return;
    }

  grel_lock_set_lease_duration (self->lock, lease);
  grel_lock_set_auto_extend (self->lock, g_rand_boolean (self->rand));
}

static void
run_init (Run *self, guint number, GRand *rand, GrelTestLoop *loop, const Arena *arena)
{
  *self = (Run){ .number = number, .rand = rand };
  self->backend = g_object_new (arena->backend_type (), NULL);
  self->lock = g_object_new (GREL_TYPE_LOCK, "name", "race", "backend", self->backend, NULL);
  if (arena->is_of_task_locks)
    self->task_lock
      = g_object_new (GREL_TYPE_TASK_LOCK, "name", "race", "backend", self->backend,
                      "min-hold-duration", (gint64) g_rand_int_range (self->rand, 1, 500), NULL);
  self->leases_last = g_rand_int_range (self->rand, 0, 4) > 0;
  self->is_closed = g_rand_int_range (self->rand, 0, 3) == 0;
  if (!self->leases_last)
    run_make_short (self);
  grel_test_loop_open_backend (loop, GREL_BACKEND (self->backend));
}

/* What is asked from now on isn't granted too late. */
static void
run_make_long (Run *self)
{
  if (self->task_lock != NULL)
    grel_task_lock_set_lease_duration (self->task_lock, LONG_LEASE);
  else
    grel_lock_set_lease_duration (self->lock, LONG_LEASE);
}

static gboolean
is_free (gpointer lock)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = grel_task_lock_acquire_from_thread (lock, NULL, &error);

  if (lease == NULL)
    g_assert_error (error, GREL_ERROR, GREL_ERROR_WOULD_BLOCK);
  return lease != NULL;
}

static void
run_check_that_it_lapses (Run *self)
{
  gint64 asked_at = now ();

  grel_test_wait_for (is_free, self->task_lock);
  g_assert_cmpint (now () - asked_at, <, 20 * G_TIME_SPAN_SECOND);
}

/* Whoever had it has given it back: the next one gets it, and need not wait for a lease to run out.
 */
static void
run_check_that_it_is_free (Run *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = NULL;

  lease = grel_lock_acquire_from_thread (self->lock, 20 * G_TIME_SPAN_SECOND, NULL, &error);
  if (lease == NULL)
    g_error ("run %u: the lock was lost: %s", self->number, error->message);
}

static void
run_clear (Run *self)
{
  g_autoptr (GError) error = NULL;

  if (!self->is_closed)
    {
      run_make_long (self);
      if (self->task_lock != NULL)
        run_check_that_it_lapses (self);
      else
        run_check_that_it_is_free (self);
      grel_backend_close_from_thread (GREL_BACKEND (self->backend), NULL, &error);
      g_assert_no_error (error);
    }
  g_assert_null (grel_backend_ref_main_context (GREL_BACKEND (self->backend)));
  g_object_unref (self->lock);
  g_clear_object (&self->task_lock);
  grel_test_drop_last (self->backend);
}

static void
run_all_actors (Run *self)
{
  Actor threads[MAX_ACTORS], asyncs[MAX_ACTORS];
  GThread *running[MAX_ACTORS];
  guint n_threads = g_rand_int_range (self->rand, 0, MAX_ACTORS + 1);
  guint n_asyncs = g_rand_int_range (self->rand, 0, MAX_ACTORS + 1);
  GThread *closer = self->is_closed ? g_thread_new ("closer", run_close, self) : NULL;

  for (guint i = 0; i < n_threads; i++)
    {
      actor_init (&threads[i], self);
      running[i] = g_thread_new ("actor", actor_run_thread, &threads[i]);
    }
  for (guint i = 0; i < n_asyncs; i++)
    {
      actor_init (&asyncs[i], self);
      grel_test_spin (asyncs[i].delay / 4);
      actor_start_async (&asyncs[i]);
    }

  for (guint i = 0; i < n_asyncs; i++)
    grel_test_run_until (&asyncs[i].n_returned);
  for (guint i = 0; i < n_threads; i++)
    g_thread_join (running[i]);
  g_clear_pointer (&closer, g_thread_join);
  grel_test_settle ();

  for (guint i = 0; i < n_asyncs; i++)
    {
      g_assert_cmpint (asyncs[i].n_returned, ==, 1);
      actor_clear (&asyncs[i]);
    }
  for (guint i = 0; i < n_threads; i++)
    actor_clear (&threads[i]);
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

/* A holder that is late, and whose lease another thread drops as it is told so: what its
 * cancellable is the last of may ask the backend for something. */

typedef struct
{
  GrelLease *lease;
  guint delay;
  int is_ready;
} Dropper;

static gpointer
dropper_run (gpointer data)
{
  Dropper *self = data;

  g_atomic_int_set (&self->is_ready, TRUE);
  while (grel_lease_is_valid (self->lease))
    ;
  for (guint i = 0; i < self->delay; i++)
    g_atomic_int_set (&self->is_ready, TRUE);
  g_object_unref (self->lease);
  return NULL;
}

static void
ask_from_finalizer (gpointer backend, GObject *cancellable)
{
  grel_backend_get_is_open (backend);
}

static void
run_late_holder (guint number, GRand *rand, GrelTestLoop *loop, gconstpointer arena)
{
  g_autoptr (GrelMemoryLockAdapter) backend = grel_memory_lock_adapter_new ();
  g_autoptr (GrelLock) lock
    = g_object_new (GREL_TYPE_LOCK, "name", "race", "backend", backend, "auto-extend", FALSE, NULL);
  Dropper dropper = { .delay = g_rand_int_range (rand, 0, 400) };
  g_autoptr (GrelLease) next = NULL;
  GThread *thread;

  grel_test_loop_open_backend (loop, GREL_BACKEND (backend));
  grel_lock_set_lease_duration (lock, 300);
  dropper.lease = grel_lock_acquire_from_thread (lock, -1, NULL, NULL);
  g_object_weak_ref (G_OBJECT (grel_lease_get_cancellable (dropper.lease)), ask_from_finalizer,
                     backend);
  thread = g_thread_new ("dropper", dropper_run, &dropper);
  while (!g_atomic_int_get (&dropper.is_ready))
    g_thread_yield ();

  while (next == NULL)
    next = grel_lock_acquire_from_thread (lock, 0, NULL, NULL);
  g_thread_join (thread);
  grel_backend_close_from_thread (GREL_BACKEND (backend), NULL, NULL);
}

static void
a_finalizer_may_ask_while_a_late_holder_is_told (void)
{
  grel_test_race (run_late_holder, NULL);
}

static const Arena arenas[] = {
  { "/lock-races/in-memory", grel_memory_lock_adapter_get_type, FALSE },
  { "/lock-races/in-a-store", grel_test_store_get_type, FALSE },
  { "/lock-races/task-locks-in-memory", grel_memory_lock_adapter_get_type, TRUE },
  { "/lock-races/task-locks-in-a-store", grel_test_store_get_type, TRUE },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (arenas); i++)
    g_test_add_data_func (arenas[i].path, &arenas[i], races_lose_nothing);
  g_test_add_func ("/lock-races/a-finalizer-may-ask-while-a-late-holder-is-told",
                   a_finalizer_may_ask_while_a_late_holder_is_told);
  return g_test_run ();
}
