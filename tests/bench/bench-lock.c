/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-bench.h"
#include "grel-test.h"

/* Locks in memory. The app is open in a thread of its own, or on the context of this thread. */
typedef struct
{
  GrelApp *app;
  GrelLock **locks;
  guint n_locks;
  guint n_waiters;
  GrelLease *lease;
  guint next;
} Scene;

static void
set_up (gpointer data)
{
  Scene *self = data;

  self->app = grel_app_new_for_uri ("memory:", NULL);
  self->n_locks = MAX (grel_bench_scale (self->n_locks), 1);
  self->locks = g_new (GrelLock *, self->n_locks);
  for (guint i = 0; i < self->n_locks; i++)
    {
      g_autofree char *name = g_strdup_printf ("cart-%u", i);

      self->locks[i] = grel_lock_new (name);
    }
}

static void
set_up_thread (gpointer data)
{
  g_autoptr (GError) error = NULL;

  set_up (data);
  grel_app_open_in_thread (((Scene *) data)->app, &error);
  g_assert_no_error (error);
}

static void
set_up_here (gpointer data)
{
  g_autoptr (GError) error = NULL;

  set_up (data);
  grel_test_app_open (((Scene *) data)->app, &error);
  g_assert_no_error (error);
}

static void
tear_down (gpointer data)
{
  Scene *self = data;

  for (guint i = 0; i < self->n_locks; i++)
    g_object_unref (self->locks[i]);
  g_free (self->locks);
  g_clear_object (&self->lease);
  g_clear_object (&self->app);
}

static void
tear_down_thread (gpointer data)
{
  grel_app_close_from_thread (((Scene *) data)->app, NULL, NULL);
  tear_down (data);
}

static void
tear_down_here (gpointer data)
{
  grel_test_app_close (((Scene *) data)->app, NULL);
  tear_down (data);
}

static void
cycle (GrelLock *lock)
{
  g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (lock, 0, NULL, NULL);

  grel_lease_release_from_thread (lease, NULL, NULL);
}

static void
one_name (gpointer data, guint64 n)
{
  for (guint64 i = 0; i < n; i++)
    cycle (((Scene *) data)->locks[0]);
}

/* Each thread has a name of its own. */
static void
own_name (gpointer data, guint64 n)
{
  Scene *self = data;
  GrelLock *lock = self->locks[g_atomic_int_add (&self->next, 1) % self->n_locks];

  for (guint64 i = 0; i < n; i++)
    cycle (lock);
}

/* Name after name, in an order that no cache guesses. */
static void
many_names (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    {
      cycle (self->locks[self->next % self->n_locks]);
      self->next = self->next * 1664525 + 1013904223;
    }
}

static void
be_refused (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;

      grel_lock_acquire_from_thread (self->locks[0], 0, NULL, &error);
      g_assert (error != NULL);
    }
}

static void
make_error (gpointer data, guint64 n)
{
  for (guint64 i = 0; i < n; i++)
    g_error_free (g_error_new (GREL_ERROR, GREL_ERROR_WOULD_BLOCK, "lock “%s”: %s", "cart",
                               "is held by another; give a timeout to wait for it"));
}

static gpointer
hold (gpointer data)
{
  Scene *self = data;

  self->lease = grel_lock_acquire_from_thread (self->locks[0], 0, NULL, NULL);
  return NULL;
}

static void
set_up_held (gpointer data)
{
  set_up_thread (data);
  g_thread_join (g_thread_new ("holder", hold, data));
}

/* What a call that completes at once costs, and the least that any can cost. */

static void
store_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  return *result;
}

static void
async_cycle (gpointer data, guint64 n)
{
  GrelLock *lock = ((Scene *) data)->locks[0];

  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GAsyncResult) acquired = NULL;
      g_autoptr (GAsyncResult) released = NULL;
      g_autoptr (GrelLease) lease = NULL;

      grel_lock_acquire_async (lock, 0, NULL, store_result, &acquired);
      lease = grel_lock_acquire_finish (lock, wait_for (&acquired), NULL);
      grel_lease_release_async (lease, NULL, store_result, &released);
      grel_lease_release_finish (lease, wait_for (&released), NULL);
    }
}

static void
async_question (gpointer data, guint64 n)
{
  GrelLock *lock = ((Scene *) data)->locks[0];

  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GAsyncResult) asked = NULL;

      grel_lock_is_locked_async (lock, NULL, store_result, &asked);
      grel_lock_is_locked_finish (lock, wait_for (&asked), NULL);
    }
}

static void
bare_task (gpointer data, guint64 n)
{
  GrelLock *lock = ((Scene *) data)->locks[0];

  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GTask) task = g_task_new (lock, NULL, store_result, &result);

      g_task_set_source_tag (task, bare_task);
      g_task_return_boolean (task, TRUE);
      g_task_propagate_boolean (G_TASK (wait_for (&result)), NULL);
    }
}

/* While others are busy on the context of this thread. */
static void
bare_task_elsewhere (gpointer data, guint64 n)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);

  bare_task (data, n);
}

static void
two_bare_tasks (gpointer data, guint64 n)
{
  bare_task (data, 2 * n);
}

/* Each waiter that gets the lock lets go of it and queues again. */

static void
pass_on (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GrelLease) lease = grel_lock_acquire_finish (GREL_LOCK (source), result, NULL);

  if (lease == NULL)
    return;

  ((Scene *) data)->next++;
  grel_lock_acquire_async (GREL_LOCK (source), -1, NULL, pass_on, data);
}

static void
set_up_waiters (gpointer data)
{
  Scene *self = data;

  set_up_here (data);
  for (guint i = 0; i < grel_bench_scale (self->n_waiters); i++)
    grel_lock_acquire_async (self->locks[0], -1, NULL, pass_on, data);
}

static void
pass_on_often (gpointer data, guint64 n)
{
  guint until = ((Scene *) data)->next + n;

  while ((int) (until - ((Scene *) data)->next) > 0)
    g_main_context_iteration (NULL, TRUE);
}

/* Memory: a name that was used once, and what a table needs for it. */

static void
set_up_memory (gpointer data)
{
  ((Scene *) data)->n_locks = 1;
  set_up_thread (data);
}

static void
use_names (gpointer data, guint64 n)
{
  for (guint64 i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("cart-%" G_GUINT64_FORMAT, i);
      g_autoptr (GrelLock) lock = grel_lock_new (name);

      cycle (lock);
    }
}

static GHashTable *table;

static void
fill_table (gpointer data, guint64 n)
{
  table = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint64 i = 0; i < n; i++)
    g_hash_table_add (table, g_strdup_printf ("lock:cart-%" G_GUINT64_FORMAT, i));
}

static void
tear_down_memory (gpointer data)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_free (key);
  g_hash_table_unref (table);
  tear_down_thread (data);
}

#define tear_down_held tear_down_thread
#define tear_down_waiters tear_down_here
#define ROW(name, run, where, reference, run_reference)                                            \
  name, reference, run, run_reference, set_up_##where, tear_down_##where

static const struct
{
  GrelBenchRow row;
  guint n_locks;
  guint n_waiters;
} rows[] = {
  { { ROW ("lock/from-thread",
           one_name,
           thread,
           "a GObject made and unreffed",
           grel_bench_make_object),
      .target = 2.5 } },
  { { ROW ("lock/refused", be_refused, held, "a GError made and freed", make_error) } },
  { { ROW ("lock/async/is-locked", async_question, here, "a bare GTask", bare_task),
      .target = 1.4 } },
  { { ROW ("lock/async/cycle", async_cycle, here, "two bare GTasks", two_bare_tasks),
      .target = 1.4 } },
  { { ROW ("lock/names/1", many_names, thread, "one name", one_name) }, 1 },
  { { ROW ("lock/names/100", many_names, thread, "one name", one_name) }, 100 },
  { { ROW ("lock/names/1000", many_names, thread, "one name", one_name) }, 1000 },
  { { ROW ("lock/names/10000", many_names, thread, "one name", one_name) }, 10000 },
  { { ROW ("lock/names/1000000", many_names, thread, "one name", one_name) }, 1000000 },
  { { ROW ("lock/memory", use_names, memory, "a name in a GHashTable", fill_table),
      .measure = GREL_BENCH_MEMORY } },
  { { ROW ("lock/threads/2", own_name, thread, "one thread", own_name), .n_workers = 2,
      .n_reference_workers = 1, .is_spread = TRUE },
    2 },
  { { ROW ("lock/threads/64", own_name, thread, "one thread", own_name), .n_workers = 64,
      .n_reference_workers = 1, .is_spread = TRUE },
    64 },
  { { ROW ("lock/waiters/2", pass_on_often, waiters, "a bare GTask", bare_task_elsewhere) },
    .n_waiters = 2 },
  { { ROW ("lock/waiters/100", pass_on_often, waiters, "a bare GTask", bare_task_elsewhere) },
    .n_waiters = 100 },
  { { ROW ("lock/waiters/10000", pass_on_often, waiters, "a bare GTask", bare_task_elsewhere) },
    .n_waiters = 10000 },
};

int
main (int argc, char **argv)
{
  grel_bench_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Scene scene = { .n_locks = rows[i].n_locks, .n_waiters = rows[i].n_waiters };
      GrelBenchRow row = rows[i].row;

      row.data = &scene;
      grel_bench_run (&row);
    }
  return 0;
}
