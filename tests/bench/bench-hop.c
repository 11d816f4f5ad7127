/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-call-private.h>

#include "grel-bench.h"
#include "grel-test.h"

/* A thread hands something to a loop and waits until it is done: as the library does it, and with
 * what GLib has. */
typedef struct
{
  GrelTestLoop *loop;
  GrelBackend *backend;
  GrelLock *lock;
} Scene;

static void
open_backend (gpointer backend, gpointer unused)
{
  g_autoptr (GError) error = NULL;

  grel_test_backend_open (backend, &error);
  g_assert_no_error (error);
}

static void
close_backend (gpointer backend, gpointer unused)
{
  g_autoptr (GError) error = NULL;

  grel_test_backend_close (backend, &error);
  g_assert_no_error (error);
}

static void
set_up (gpointer data)
{
  Scene *self = data;

  self->loop = grel_test_loop_new ();
  self->backend = GREL_BACKEND (grel_memory_lock_adapter_new ());
  self->lock = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", self->backend, NULL);
  grel_test_loop_call (self->loop, open_backend, self->backend);
}

static void
tear_down (gpointer data)
{
  Scene *self = data;

  grel_test_loop_call (self->loop, close_backend, self->backend);
  grel_test_loop_free (self->loop);
  g_object_unref (self->lock);
  g_object_unref (self->backend);
}

static void
answer (GrelCall *call)
{
  grel_call_answer (call, TRUE, NULL);
}

static void
hop (gpointer data, guint64 n)
{
  static const GrelCallClass klass = { .size = sizeof (GrelCall), .start = answer };
  GrelPart *part = grel_backend_get_part (((Scene *) data)->backend);

  for (guint64 i = 0; i < n; i++)
    {
      GrelCall *call;

      grel_part_enter (part, TRUE, part->subject, NULL);
      call = grel_call_new (&klass, part, part->subject, NULL, NULL);
      grel_call_register (call, -1);
      grel_call_post (call);
      grel_part_leave (part);
      grel_call_wait (call, NULL);
    }
}

typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean is_done;
} Plain;

static gboolean
plain_run (gpointer data)
{
  Plain *self = data;

  g_mutex_lock (&self->mutex);
  self->is_done = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
  return G_SOURCE_REMOVE;
}

static void
invoke (gpointer data, guint64 n)
{
  Scene *scene = data;

  for (guint64 i = 0; i < n; i++)
    {
      Plain self = { .is_done = FALSE };

      g_mutex_init (&self.mutex);
      g_cond_init (&self.cond);
      g_main_context_invoke (scene->loop->context, plain_run, &self);
      g_mutex_lock (&self.mutex);
      while (!self.is_done)
        g_cond_wait (&self.cond, &self.mutex);
      g_mutex_unlock (&self.mutex);
      g_mutex_clear (&self.mutex);
      g_cond_clear (&self.cond);
    }
}

static void
lock_and_release (gpointer data, guint64 n)
{
  Scene *scene = data;

  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (scene->lock, 0, NULL, NULL);

      grel_lease_release_from_thread (lease, NULL, NULL);
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    guint n_workers;
    gboolean is_spread;
    double target;
  } loads[] = {
    { "hop/one-cpu/1", 1, FALSE, 1.1 },     { "hop/one-cpu/2", 2, FALSE },
    { "hop/one-cpu/8", 8, FALSE, 1 / 1.1 }, { "hop/one-cpu/32", 32, FALSE, 1 / 1.1 },
    { "hop/one-cpu/64", 64, FALSE },        { "hop/all-cpus/1", 1, TRUE, 1.1 },
    { "hop/all-cpus/8", 8, TRUE, 1 / 1.5 }, { "hop/all-cpus/32", 32, TRUE, 1 / 1.5 },
    { "hop/all-cpus/64", 64, TRUE },
  };
  static const struct
  {
    const char *name;
    const char *reference;
    GrelBenchFunc run;
  } hops[] = {
    { "lock/instead-of/invoke", "g_main_context_invoke and GCond", invoke },
    { "lock/instead-of/hop", "a hop", hop },
  };
  Scene scene;

  grel_bench_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (loads); i++)
    grel_bench_run (&(GrelBenchRow){
      .name = loads[i].name,
      .reference = "g_main_context_invoke and GCond",
      .run = hop,
      .run_reference = invoke,
      .set_up = set_up,
      .tear_down = tear_down,
      .data = &scene,
      .n_workers = loads[i].n_workers,
      .is_spread = loads[i].is_spread,
      .has_latency = TRUE,
      .target = loads[i].target,
    });
  for (guint i = 0; i < G_N_ELEMENTS (hops); i++)
    grel_bench_run (&(GrelBenchRow){
      .name = hops[i].name,
      .reference = hops[i].reference,
      .run = lock_and_release,
      .run_reference = hops[i].run,
      .set_up = set_up,
      .tear_down = tear_down,
      .data = &scene,
      .target = 1 / 15.0,
    });
  return 0;
}
