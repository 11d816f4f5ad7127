/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-timers-private.h>

#include "grel-test.h"

#include <sys/resource.h>

#define TICK (5 * G_TIME_SPAN_MILLISECOND)
#define N_THREADS 8
#define N_ROUNDS 500

/* Timers in a context of their own, on either clock. */
typedef struct
{
  GMainContext *context;
  GrelClock *clock;
  GrelVirtualClock *virtual_clock; /* NULL on the real one */
  GObject *owner;
  GMutex mutex;
  GrelTimers *timers;
  GString *log;
} Fixture;

/* What happens when one of them fires. */
typedef struct _Alarm Alarm;

struct _Alarm
{
  GrelTimer timer;
  Fixture *fixture;
  char label;
  int n_refs;
  int n_fired;
  void (*then) (Alarm *self);
  Alarm *other;
};

static void
fixture_create_timers (Fixture *fixture)
{
  fixture->timers
    = grel_timers_new (fixture->context, fixture->clock, fixture->owner, &fixture->mutex);
}

static void
fixture_init (Fixture *fixture, GrelVirtualClock *clock)
{
  fixture->context = g_main_context_new ();
  fixture->virtual_clock = clock;
  fixture->clock = clock != NULL ? GREL_CLOCK (clock) : g_object_ref (grel_clock_get_real ());
  fixture->owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_mutex_init (&fixture->mutex);
  fixture->log = g_string_new (NULL);
  g_main_context_push_thread_default (fixture->context);
}

static void
set_up_virtual (Fixture *fixture, gconstpointer data)
{
  fixture_init (fixture, grel_virtual_clock_new ());
  fixture_create_timers (fixture);
}

static void
set_up_real (Fixture *fixture, gconstpointer data)
{
  fixture_init (fixture, NULL);
  fixture_create_timers (fixture);
}

/* As in a process that is out of file descriptors. */
static void
set_up_without_descriptors (Fixture *fixture, gconstpointer data)
{
  struct rlimit limit, none;

  fixture_init (fixture, NULL);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  none = limit;
  none.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  fixture_create_timers (fixture);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (fixture->timers != NULL)
    grel_timers_destroy (fixture->timers);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
  g_object_unref (fixture->clock);
  g_object_unref (fixture->owner);
  g_mutex_clear (&fixture->mutex);
  g_string_free (fixture->log, TRUE);
}

static void
alarm_ref (GrelTimer *timer)
{
  ((Alarm *) timer)->n_refs++;
}

static void
alarm_fire (GrelTimer *timer)
{
  Alarm *self = (Alarm *) timer;

  self->n_fired++;
  g_assert_cmpint (self->n_fired, ==, self->n_refs);
  g_string_append_c (self->fixture->log, self->label);
  if (self->then != NULL)
    self->then (self);
}

static const GrelTimerClass alarm_class = {
  .ref = alarm_ref,
  .fire = alarm_fire,
};

#define ALARM(symbol)                                                                              \
  {                                                                                                \
    .timer.klass = &alarm_class, .fixture = fixture, .label = symbol                               \
  }

static gint64
now (Fixture *fixture)
{
  return grel_clock_get_monotonic_time (fixture->clock);
}

static void
set_at (Alarm *self, gint64 due)
{
  g_mutex_lock (&self->fixture->mutex);
  grel_timers_set (self->fixture->timers, &self->timer, due);
  g_mutex_unlock (&self->fixture->mutex);
}

static void
set_in (Alarm *self, GTimeSpan span)
{
  set_at (self, now (self->fixture) + span);
}

static void
clear (Alarm *self)
{
  g_mutex_lock (&self->fixture->mutex);
  grel_timers_clear (self->fixture->timers, &self->timer);
  g_mutex_unlock (&self->fixture->mutex);
}

static void
pass (Fixture *fixture, GTimeSpan span)
{
  grel_test_pass_time (fixture->virtual_clock, span);
}

static void
they_fire_in_the_order_in_which_they_fall_due (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b'), c = ALARM ('c');
  gint64 start = now (fixture);

  set_at (&b, start + 2 * TICK);
  set_at (&c, start + 3 * TICK);
  set_at (&a, start + TICK);
  pass (fixture, 4 * TICK);
  g_assert_cmpstr (fixture->log->str, ==, "abc");
}

static void
of_the_same_time_the_first_that_was_set_comes_first (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b'), c = ALARM ('c'), d = ALARM ('d');
  gint64 due = now (fixture) + TICK;

  set_at (&c, due);
  set_at (&a, due);
  set_at (&d, due);
  set_at (&b, due);
  pass (fixture, 2 * TICK);
  g_assert_cmpstr (fixture->log->str, ==, "cadb");
}

static void
each_fires_once (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a');

  set_in (&a, TICK);
  pass (fixture, 2 * TICK);
  pass (fixture, 2 * TICK);
  g_assert_cmpstr (fixture->log->str, ==, "a");
}

static void
not_a_microsecond_too_early (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a');

  set_in (&a, TICK);
  pass (fixture, TICK - 1);
  g_assert_cmpstr (fixture->log->str, ==, "");
  pass (fixture, 1);
  g_assert_cmpstr (fixture->log->str, ==, "a");
}

static void
one_that_is_set_again_later_moves (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b');

  set_in (&a, TICK);
  set_in (&b, 2 * TICK);
  set_in (&a, 3 * TICK);
  pass (fixture, 4 * TICK);
  g_assert_cmpstr (fixture->log->str, ==, "ba");
}

static void
one_that_is_set_again_earlier_moves (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a');

  set_in (&a, G_TIME_SPAN_HOUR);
  set_in (&a, TICK);
  pass (fixture, 2 * TICK);
  g_assert_cmpstr (fixture->log->str, ==, "a");
}

static void
one_that_fired_may_be_set_again (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a');

  for (int i = 0; i < 3; i++)
    {
      set_in (&a, TICK);
      pass (fixture, 2 * TICK);
    }
  g_assert_cmpstr (fixture->log->str, ==, "aaa");
}

static void
one_that_is_cleared_does_not_fire (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b');

  set_in (&a, TICK);
  set_in (&b, 2 * TICK);
  clear (&a);
  clear (&a);
  pass (fixture, 3 * TICK);
  g_assert_cmpstr (fixture->log->str, ==, "b");
  g_assert_cmpint (a.n_refs, ==, 0);
}

static void
one_that_was_never_set_may_be_cleared (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a');

  clear (&a);
  pass (fixture, TICK);
  g_assert_cmpstr (fixture->log->str, ==, "");
}

static void
when_all_are_cleared_none_is_set (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b');

  set_in (&a, TICK);
  set_in (&b, 2 * TICK);
  g_mutex_lock (&fixture->mutex);
  grel_timers_clear_all (fixture->timers);
  g_assert_false (grel_timer_is_set (&a.timer));
  g_assert_false (grel_timer_is_set (&b.timer));
  g_mutex_unlock (&fixture->mutex);
  set_in (&b, TICK);
  pass (fixture, 3 * TICK);
  g_assert_cmpstr (fixture->log->str, ==, "b");
}

static void
what_is_due_already_fires_at_the_next_turn (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b');

  set_in (&a, 0);
  set_in (&b, -TICK);
  g_assert_cmpstr (fixture->log->str, ==, "");
  g_main_context_iteration (fixture->context, TRUE);
  g_assert_cmpstr (fixture->log->str, ==, "ba");
}

static void
set_other_in_a_tick (Alarm *self)
{
  set_in (self->other, TICK);
}

static void
set_other_now (Alarm *self)
{
  set_in (self->other, 0);
}

static void
clear_other (Alarm *self)
{
  clear (self->other);
}

static void
one_that_fires_may_set_another (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b');

  a.then = set_other_in_a_tick;
  a.other = &b;
  set_in (&a, TICK);
  pass (fixture, 2 * TICK);
  pass (fixture, 2 * TICK);
  g_assert_cmpstr (fixture->log->str, ==, "ab");
}

static void
one_that_fires_may_set_itself (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a');

  a.then = set_other_in_a_tick;
  a.other = &a;
  set_in (&a, TICK);
  while (a.n_fired < 5)
    pass (fixture, TICK);
  clear (&a);
}

static void
one_that_fires_may_set_another_for_now (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b');

  a.then = set_other_now;
  a.other = &b;
  set_in (&a, TICK);
  pass (fixture, 2 * TICK);
  pass (fixture, 0);
  g_assert_cmpstr (fixture->log->str, ==, "ab");
}

static void
one_that_fires_may_clear_another_that_is_due (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b'), c = ALARM ('c');

  a.then = clear_other;
  a.other = &b;
  set_in (&a, -3);
  set_in (&b, -2);
  set_in (&c, -1);
  pass (fixture, TICK);
  g_assert_cmpstr (fixture->log->str, ==, "ac");
}

static void
run_the_context_until_other_fired (Alarm *self)
{
  while (self->other->n_fired == 0)
    g_main_context_iteration (self->fixture->context, TRUE);
}

static void
a_nested_main_loop_serves_the_others (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b'), c = ALARM ('c');

  a.then = run_the_context_until_other_fired;
  a.other = &b;
  set_in (&a, -3);
  set_in (&b, -2);
  set_in (&c, -1);
  pass (fixture, TICK);
  g_assert_cmpstr (fixture->log->str, ==, "abc");
}

static void
expect_our_context (Alarm *self)
{
  g_assert_true (g_main_context_get_thread_default () == self->fixture->context);
  g_assert_true (g_main_context_is_owner (self->fixture->context));
  g_assert_true (g_mutex_trylock (&self->fixture->mutex));
  g_mutex_unlock (&self->fixture->mutex);
}

static void
they_fire_in_their_context_without_the_mutex (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (other);
  Alarm a = ALARM ('a');

  a.then = expect_our_context;
  set_in (&a, -1);
  while (a.n_fired == 0)
    g_main_context_iteration (fixture->context, TRUE);
}

static gpointer
set_in_a_tick (gpointer alarm)
{
  set_in (alarm, TICK);
  return NULL;
}

static void
one_that_another_thread_sets_wakes_the_loop (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), far = ALARM ('f');
  GThread *thread;

  set_in (&far, G_TIME_SPAN_HOUR);
  pass (fixture, 0);
  thread = g_thread_new ("timers", set_in_a_tick, &a);
  if (fixture->virtual_clock != NULL)
    {
      g_thread_join (thread);
      pass (fixture, TICK);
    }
  else
    {
      while (a.n_fired == 0)
        g_main_context_iteration (fixture->context, TRUE);
      g_thread_join (thread);
    }
  clear (&far);
  g_assert_cmpstr (fixture->log->str, ==, "a");
}

static void
a_thousand_fire_in_order (Fixture *fixture, gconstpointer data)
{
  g_autofree Alarm *alarms = g_new (Alarm, 1000);
  gint64 start = now (fixture);
  gint64 last = 0;

  for (int i = 0; i < 1000; i++)
    {
      alarms[i] = (Alarm) ALARM (' ');
      set_at (&alarms[i], start + g_test_rand_int_range (0, TICK));
    }
  for (int i = 0; i < 500; i++)
    set_at (&alarms[i], start + g_test_rand_int_range (0, TICK));
  pass (fixture, 2 * TICK);

  for (int i = 0; i < 1000; i++)
    {
      g_assert_cmpint (alarms[i].n_fired, ==, 1);
      last = MAX (last, alarms[i].timer.node.due);
    }
  g_assert_cmpint (last, <=, now (fixture));
  g_assert_cmpuint (fixture->log->len, ==, 1000);
}

static void
destroyed_they_never_fire (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b');

  set_in (&a, -1);
  set_in (&b, TICK);
  grel_timers_destroy (g_steal_pointer (&fixture->timers));
  pass (fixture, 2 * TICK);
  g_assert_cmpstr (fixture->log->str, ==, "");
  g_assert_cmpint (a.n_refs, ==, 0);
}

static void
destroy_all (Alarm *self)
{
  grel_timers_destroy (g_steal_pointer (&self->fixture->timers));
}

static void
one_that_fires_may_destroy_them_all (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a'), b = ALARM ('b');

  a.then = destroy_all;
  set_in (&a, -2);
  set_in (&b, -1);
  pass (fixture, TICK);
  g_assert_cmpstr (fixture->log->str, ==, "a");
  g_assert_cmpint (b.n_refs, ==, 0);
}

/* The fire function of a timer that any thread sets: no log, no string. */
static void
count_fire (GrelTimer *timer)
{
  g_atomic_int_inc (&((Alarm *) timer)->n_fired);
}

static const GrelTimerClass counted_class = {
  .ref = alarm_ref,
  .fire = count_fire,
};

static gpointer
set_and_clear_often (gpointer data)
{
  Alarm *alarm = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      set_in (alarm, G_TIME_SPAN_HOUR);
      set_in (alarm, i % 7);
      clear (alarm);
    }
  set_in (alarm, TICK);
  return NULL;
}

static void
threads_may_set_and_clear_them_while_the_loop_runs (Fixture *fixture, gconstpointer data)
{
  Alarm alarms[N_THREADS];
  GThread *threads[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    {
      alarms[i] = (Alarm) ALARM (' ');
      alarms[i].timer.klass = &counted_class;
      threads[i] = g_thread_new ("timers", set_and_clear_often, &alarms[i]);
    }
  for (int i = 0; i < 100; i++)
    pass (fixture, 1);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);

  pass (fixture, 2 * TICK);
  for (int i = 0; i < N_THREADS; i++)
    {
      g_assert_false (grel_timer_is_set (&alarms[i].timer));
      g_assert_cmpint (alarms[i].n_fired, >=, 1);
      g_assert_cmpint (alarms[i].n_fired, ==, alarms[i].n_refs);
    }
}

static gpointer
advance (gpointer clock)
{
  grel_virtual_clock_advance (clock, TICK);
  return NULL;
}

static void
a_clock_that_another_thread_advances_wakes_the_loop (Fixture *fixture, gconstpointer data)
{
  Alarm a = ALARM ('a');
  GThread *thread;

  set_in (&a, TICK);
  thread = g_thread_new ("clock", advance, fixture->clock);
  while (a.n_fired == 0)
    g_main_context_iteration (fixture->context, TRUE);
  g_thread_join (thread);
}

#define PATH(clock, name) "/timers/" clock "/" #name

#define RULE_ON_VIRTUAL(name)                                                                      \
  g_test_add (PATH ("virtual", name), Fixture, NULL, set_up_virtual, name, tear_down)

#define RULE(name)                                                                                 \
  RULE_ON_VIRTUAL (name);                                                                          \
  g_test_add (PATH ("real", name), Fixture, NULL, set_up_real, name, tear_down);                   \
  g_test_add (PATH ("out-of-descriptors", name), Fixture, NULL, set_up_without_descriptors, name,  \
              tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (they_fire_in_the_order_in_which_they_fall_due);
  RULE (of_the_same_time_the_first_that_was_set_comes_first);
  RULE (each_fires_once);
  RULE_ON_VIRTUAL (not_a_microsecond_too_early);
  RULE (one_that_is_set_again_later_moves);
  RULE (one_that_is_set_again_earlier_moves);
  RULE (one_that_fired_may_be_set_again);
  RULE (one_that_is_cleared_does_not_fire);
  RULE (one_that_was_never_set_may_be_cleared);
  RULE (when_all_are_cleared_none_is_set);
  RULE (what_is_due_already_fires_at_the_next_turn);
  RULE (one_that_fires_may_set_another);
  RULE (one_that_fires_may_set_itself);
  RULE (one_that_fires_may_set_another_for_now);
  RULE (one_that_fires_may_clear_another_that_is_due);
  RULE (a_nested_main_loop_serves_the_others);
  RULE (they_fire_in_their_context_without_the_mutex);
  RULE (one_that_another_thread_sets_wakes_the_loop);
  RULE (a_thousand_fire_in_order);
  RULE (destroyed_they_never_fire);
  RULE (one_that_fires_may_destroy_them_all);
  RULE (threads_may_set_and_clear_them_while_the_loop_runs);
  RULE_ON_VIRTUAL (a_clock_that_another_thread_advances_wakes_the_loop);
  return g_test_run ();
}
