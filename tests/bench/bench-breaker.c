/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-bench.h"
#include "grel-test.h"

/* A circuit breaker with its state in memory; the app is open in a thread of its own. */
typedef struct
{
  GrelApp *app;
  GrelCircuitBreaker *breaker;
} Scene;

static void
set_up (gpointer data)
{
  g_autoptr (GError) error = NULL;
  Scene *self = data;

  self->app = grel_app_new_for_uri ("memory:", NULL);
  self->breaker = grel_circuit_breaker_new ("payment");
  grel_app_open_in_thread (self->app, &error);
  g_assert_no_error (error);
}

static void
set_up_open (gpointer data)
{
  g_autoptr (GError) error = NULL;

  set_up (data);
  grel_circuit_breaker_isolate_from_thread (((Scene *) data)->breaker, NULL, &error);
  g_assert_no_error (error);
}

static void
tear_down (gpointer data)
{
  Scene *self = data;

  grel_app_close_from_thread (self->app, NULL, NULL);
  g_object_unref (self->breaker);
  g_object_unref (self->app);
}

static void
succeed (gpointer data, guint64 n)
{
  GrelCircuitBreaker *breaker = ((Scene *) data)->breaker;

  for (guint64 i = 0; i < n; i++)
    {
      g_autoptr (GrelPermit) permit
        = grel_circuit_breaker_acquire_from_thread (breaker, NULL, NULL);

      grel_permit_succeed_from_thread (permit, NULL, NULL);
    }
}

static void
be_refused (gpointer data, guint64 n)
{
  GrelCircuitBreaker *breaker = ((Scene *) data)->breaker;

  for (guint64 i = 0; i < n; i++)
    g_assert (grel_circuit_breaker_acquire_from_thread (breaker, NULL, NULL) == NULL);
}

static Scene scene;

static const GrelBenchRow rows[] = {
  { "breaker/closed", "the monotonic clock read", succeed, grel_bench_read_clock, set_up, tear_down,
    &scene, .target = 2.5 },
  { "breaker/open", "the monotonic clock read", be_refused, grel_bench_read_clock, set_up_open,
    tear_down, &scene, .target = 1.25 },
};

int
main (int argc, char **argv)
{
  grel_bench_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    grel_bench_run (&rows[i]);
  return 0;
}
