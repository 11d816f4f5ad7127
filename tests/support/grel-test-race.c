/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-race.h"

#define DEFAULT_RUNS 10000

void
grel_test_race (GrelTestRun run, gconstpointer arena)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (GrelTestLoop) loop = grel_test_loop_new ();
  const char *wanted = g_getenv ("GREL_TEST_RUNS");
  guint n_runs = wanted != NULL ? g_ascii_strtoull (wanted, NULL, 10) : DEFAULT_RUNS;
  guint32 seed = g_test_rand_int ();

  for (guint i = 0; i < n_runs; i++)
    {
      g_autoptr (GRand) rand = g_rand_new_with_seed (seed + i);

      run (i, rand, loop, arena);
    }
}

void
grel_test_spin (guint turns)
{
  for (guint i = 0; i < turns; i++)
    g_thread_yield ();
}

static void
grel_test_open_backend (gpointer data, gpointer unused)
{
  g_autoptr (GError) error = NULL;

  grel_test_backend_open (data, &error);
  g_assert_no_error (error);
}

void
grel_test_loop_open_backend (GrelTestLoop *loop, GrelBackend *backend)
{
  grel_test_loop_call (loop, grel_test_open_backend, backend);
}

static gpointer
grel_test_unref (gpointer object)
{
  g_object_unref (object);
  return NULL;
}

void
grel_test_drop_elsewhere (gpointer object)
{
  g_thread_join (g_thread_new ("collector", grel_test_unref, object));
}

static gboolean
grel_test_is_last (gpointer object)
{
  grel_test_settle (); /* a cancel that came too late leaves a source behind */
  return g_atomic_int_get (&G_OBJECT (object)->ref_count) == 1;
}

void
grel_test_drop_last (gpointer object)
{
  grel_test_wait_for (grel_test_is_last, object);
  g_object_unref (object);
}
