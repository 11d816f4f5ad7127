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

/* For longer than any run. */
static void
set_up_open (gpointer data)
{
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "it failed");
  GrelCircuitBreaker *breaker;
  guint64 ticket;

  set_up (data);
  breaker = ((Scene *) data)->breaker;
  grel_circuit_breaker_set_reset_timeout (breaker, G_TIME_SPAN_DAY);
  while (grel_circuit_breaker_allow (breaker, &ticket, NULL))
    grel_circuit_breaker_record_error (breaker, ticket, reason);
}

static void
set_up_isolated (gpointer data)
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
  guint64 ticket;

  for (guint64 i = 0; i < n; i++)
    {
      grel_circuit_breaker_allow (breaker, &ticket, NULL);
      grel_circuit_breaker_record_success (breaker, ticket);
    }
}

static void
be_refused (gpointer data, guint64 n)
{
  GrelCircuitBreaker *breaker = ((Scene *) data)->breaker;
  guint64 ticket;

  for (guint64 i = 0; i < n; i++)
    g_assert (!grel_circuit_breaker_allow (breaker, &ticket, NULL));
}

static void
succeed_with_permit (gpointer data, guint64 n)
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
be_refused_a_permit (gpointer data, guint64 n)
{
  GrelCircuitBreaker *breaker = ((Scene *) data)->breaker;

  for (guint64 i = 0; i < n; i++)
    g_assert (grel_circuit_breaker_acquire_from_thread (breaker, NULL, NULL) == NULL);
}

static Scene scene;

#define CLOCK "the monotonic clock read", grel_bench_read_clock
#define OBJECT "a GObject made and unreffed", grel_bench_make_object
#define ROW(name, run, where, reference) ROW_BESIDE (name, run, where, reference)
#define ROW_BESIDE(name, run, where, reference, run_reference)                                     \
  name, reference, run, run_reference, where, tear_down, &scene

static const GrelBenchRow rows[] = {
  { ROW ("breaker/closed", succeed, set_up, CLOCK), .target = 2.5 },
  { ROW ("breaker/open", be_refused, set_up_open, CLOCK), .target = 1.25 },
  { ROW ("breaker/isolated", be_refused, set_up_isolated, CLOCK), .target = 1.25 },
  { ROW ("breaker/permit/closed", succeed_with_permit, set_up, OBJECT) },
  { ROW ("breaker/permit/open", be_refused_a_permit, set_up_open, CLOCK) },
};

int
main (int argc, char **argv)
{
  grel_bench_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    grel_bench_run (&rows[i]);
  return 0;
}
