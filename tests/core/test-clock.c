/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-clock-private.h>

#include "grel-test.h"

#include <time.h>

#define N_THREADS 8

static gint64
monotonic (gpointer clock)
{
  return grel_clock_get_monotonic_time (GREL_CLOCK (clock));
}

static gint64
wall (gpointer clock)
{
  return grel_clock_get_real_time (GREL_CLOCK (clock));
}

static void
there_is_one_real_clock (void)
{
  g_assert_nonnull (grel_clock_get_real ());
  g_assert_true (grel_clock_get_real () == grel_clock_get_real ());
  g_assert_false (GREL_IS_VIRTUAL_CLOCK (grel_clock_get_real ()));
}

static void
the_real_clock_never_goes_back (void)
{
  gint64 last = monotonic (grel_clock_get_real ());

  for (int i = 0; i < 100000; i++)
    {
      gint64 now = monotonic (grel_clock_get_real ());

      g_assert_cmpint (now, >=, last);
      last = now;
    }
}

/* They differ by how long the machine slept since the clock was made. */
static void
the_real_clock_is_close_to_that_of_glib (void)
{
  gint64 before = g_get_monotonic_time ();
  gint64 now = monotonic (grel_clock_get_real ());
  gint64 after = g_get_monotonic_time ();

  g_assert_cmpint (now, >=, before - G_TIME_SPAN_MILLISECOND);
  g_assert_cmpint (now, <=, after + G_TIME_SPAN_MILLISECOND);
}

static void
a_glance_is_never_ahead_and_never_goes_back (void)
{
  GrelClockGlance last = { 0 };
  gint64 first = grel_clock_glance (NULL, &last), before = first, seen;

  do
    {
      seen = grel_clock_glance (NULL, &last);
      g_assert_cmpint (seen, >=, before);
      g_assert_cmpint (seen, <=, grel_clock_now (NULL));
      before = seen;
    }
  while (seen < first + 50 * G_TIME_SPAN_MILLISECOND);
}

static void
a_glance_at_a_virtual_clock_is_exact (void)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  GrelClockGlance last = { 0 };

  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpint (grel_clock_glance (GREL_CLOCK (clock), &last), ==, monotonic (clock));
      grel_virtual_clock_advance (clock, 1);
    }
}

static void
the_real_clock_counts_from_boot (void)
{
  struct timespec boot;
  gint64 expected;

  clock_gettime (CLOCK_BOOTTIME, &boot);
  expected = boot.tv_sec * G_USEC_PER_SEC + boot.tv_nsec / 1000 + grel_clock_get_boot_offset ();
  g_assert_cmpint (monotonic (grel_clock_get_real ()), >=, expected);
  g_assert_cmpint (monotonic (grel_clock_get_real ()), <, expected + G_USEC_PER_SEC);
}

static void
the_real_clock_knows_the_time_of_day (void)
{
  gint64 before = g_get_real_time ();
  gint64 now = wall (grel_clock_get_real ());

  g_assert_cmpint (now, >=, before);
  g_assert_cmpint (now, <=, g_get_real_time ());
}

static void
a_virtual_clock_stands_still (void)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  gint64 then = monotonic (clock);
  gint64 then_by_the_wall = wall (clock);

  grel_test_pass_time (NULL, 20 * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpint (monotonic (clock), ==, then);
  g_assert_cmpint (wall (clock), ==, then_by_the_wall);
}

static void
a_virtual_clock_starts_above_0_and_today (void)
{
  gint64 before = g_get_real_time ();
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();

  g_assert_cmpint (monotonic (clock), >, 0);
  g_assert_cmpint (wall (clock), >=, before);
  g_assert_cmpint (wall (clock), <=, g_get_real_time ());
}

static void
a_virtual_clock_moves_by_what_it_is_told (void)
{
  static const GTimeSpan spans[] = { 0, 1, 999, G_TIME_SPAN_SECOND, 36525 * G_TIME_SPAN_DAY };
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  gint64 now = monotonic (clock);
  gint64 now_by_the_wall = wall (clock);

  for (guint i = 0; i < G_N_ELEMENTS (spans); i++)
    {
      grel_virtual_clock_advance (clock, spans[i]);
      now += spans[i];
      now_by_the_wall += spans[i];
      g_assert_cmpint (monotonic (clock), ==, now);
      g_assert_cmpint (wall (clock), ==, now_by_the_wall);
    }
}

static void
a_virtual_clock_refuses_to_go_back (void)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  gint64 then = monotonic (clock);

  g_test_expect_message ("Grelmicro", G_LOG_LEVEL_CRITICAL, "*span >= 0*");
  grel_virtual_clock_advance (clock, -1);
  g_test_assert_expected_messages ();
  g_assert_cmpint (monotonic (clock), ==, then);
}

static void
virtual_clocks_are_independent (void)
{
  g_autoptr (GrelVirtualClock) one = grel_virtual_clock_new ();
  g_autoptr (GrelVirtualClock) other = grel_virtual_clock_new ();
  gint64 then = monotonic (other);

  grel_virtual_clock_advance (one, G_TIME_SPAN_HOUR);
  g_assert_cmpint (monotonic (other), ==, then);
}

static gpointer
advance_often (gpointer clock)
{
  gint64 last = monotonic (clock);

  for (int i = 0; i < 1000; i++)
    {
      grel_virtual_clock_advance (clock, 3);
      g_assert_cmpint (monotonic (clock), >=, last + 3);
      last = monotonic (clock);
    }
  return NULL;
}

static void
a_virtual_clock_may_be_moved_from_any_thread (void)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  gint64 then = monotonic (clock);
  GThread *threads[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("clock", advance_often, clock);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (monotonic (clock), ==, then + N_THREADS * 3000);
}

static gboolean
count_wake_up (GSource *source, GSourceFunc callback, gpointer data)
{
  g_source_set_ready_time (source, -1);
  return callback (data);
}

static gboolean
add_one (gpointer n_calls)
{
  ++*(int *) n_calls;
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs watcher_funcs = {
  .dispatch = count_wake_up,
};

static void
a_source_is_woken_each_time_until_it_stops_watching (void)
{
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();
  g_autoptr (GSource) source = g_source_new (&watcher_funcs, sizeof (GSource));
  int n_calls = 0;

  g_source_set_callback (source, add_one, &n_calls, NULL);
  g_source_attach (source, NULL);
  grel_virtual_clock_watch (clock, source);
  for (int i = 1; i <= 3; i++)
    {
      grel_virtual_clock_advance (clock, 1);
      grel_test_settle ();
      g_assert_cmpint (n_calls, ==, i);
    }

  grel_virtual_clock_unwatch (clock, source);
  grel_virtual_clock_unwatch (clock, source);
  grel_virtual_clock_advance (clock, 1);
  grel_test_settle ();
  g_assert_cmpint (n_calls, ==, 3);
  g_source_destroy (source);
}

#define RULE(name) g_test_add_func ("/clock/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (there_is_one_real_clock);
  RULE (the_real_clock_never_goes_back);
  RULE (the_real_clock_is_close_to_that_of_glib);
  RULE (a_glance_is_never_ahead_and_never_goes_back);
  RULE (a_glance_at_a_virtual_clock_is_exact);
  RULE (the_real_clock_counts_from_boot);
  RULE (the_real_clock_knows_the_time_of_day);
  RULE (a_virtual_clock_stands_still);
  RULE (a_virtual_clock_starts_above_0_and_today);
  RULE (a_virtual_clock_moves_by_what_it_is_told);
  RULE (a_virtual_clock_refuses_to_go_back);
  RULE (virtual_clocks_are_independent);
  RULE (a_virtual_clock_may_be_moved_from_any_thread);
  RULE (a_source_is_woken_each_time_until_it_stops_watching);
  return g_test_run ();
}
