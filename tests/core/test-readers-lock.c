/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-readers-lock-private.h>

#include <sys/wait.h>
#include <unistd.h>

#define N_THREADS 16
#define N_ROUNDS 2000

/* What a writer changes in two steps, and nobody must see in between. */
typedef struct
{
  GrelReadersLock lock;
  guint first;
  guint second;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  grel_readers_lock_init (&fixture->lock);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  grel_readers_lock_clear (&fixture->lock);
}

static gpointer
read_and_write (gpointer data)
{
  Fixture *fixture = data;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      GMutex *mutex = grel_readers_lock_read (&fixture->lock);

      g_assert_cmpuint (fixture->first, ==, fixture->second);
      g_mutex_unlock (mutex);

      if (i % 8 > 0)
        continue;
      grel_readers_lock_write (&fixture->lock);
      fixture->first++;
      g_thread_yield ();
      fixture->second++;
      grel_readers_lock_end_write (&fixture->lock);
    }
  return NULL;
}

static void
a_writer_is_alone (Fixture *fixture, gconstpointer data)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("reader", read_and_write, fixture);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (fixture->first, ==, N_THREADS * N_ROUNDS / 8);
}

static void
a_reader_takes_one_of_its_mutexes (Fixture *fixture, gconstpointer data)
{
  GMutex *mutex = grel_readers_lock_read (&fixture->lock);
  guint n_free = 0;

  for (guint i = 0; i < GREL_READERS_LOCK_N_SLOTS; i++)
    if (g_mutex_trylock (&fixture->lock.slots[i].mutex))
      {
        g_mutex_unlock (&fixture->lock.slots[i].mutex);
        n_free++;
      }
  g_mutex_unlock (mutex);
  g_assert_cmpuint (n_free, ==, GREL_READERS_LOCK_N_SLOTS - 1);
}

/* A thread of the parent may hold it at that moment. */
static void
the_child_of_a_fork_can_lock_it (Fixture *fixture, gconstpointer data)
{
  int status = 1;
  pid_t child;

  grel_readers_lock_write (&fixture->lock);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      g_mutex_unlock (grel_readers_lock_read (&fixture->lock));
      grel_readers_lock_write (&fixture->lock);
      grel_readers_lock_end_write (&fixture->lock);
      grel_readers_lock_clear (&fixture->lock);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  grel_readers_lock_end_write (&fixture->lock);
}

#define ADD(test) g_test_add ("/readers-lock/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (a_writer_is_alone);
  ADD (a_reader_takes_one_of_its_mutexes);
  ADD (the_child_of_a_fork_can_lock_it);
  return g_test_run ();
}
