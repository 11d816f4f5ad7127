/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-hop-private.h>

#include "grel-test.h"

#define N_THREADS 8
#define N_ITEMS 20000

/* A hop into a context that the test runs. */
typedef struct
{
  GMainContext *context;
  GrelHop *hop;
  GString *log;
} Fixture;

typedef struct _Item Item;

struct _Item
{
  GrelHopItem base;
  Fixture *fixture;
  char label;
  void (*then) (Item *self);
  Item *other;
};

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->context = g_main_context_new ();
  fixture->hop = grel_hop_ref_for_context (fixture->context);
  fixture->log = g_string_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->hop, grel_hop_unref);
  g_main_context_unref (fixture->context);
  g_string_free (fixture->log, TRUE);
}

static void
item_run (GrelHopItem *base)
{
  Item *self = (Item *) base;

  g_string_append_c (self->fixture->log, self->label);
  if (self->then != NULL)
    self->then (self);
}

#define ITEM(symbol)                                                                               \
  {                                                                                                \
    .base.run = item_run, .fixture = fixture, .label = symbol                                      \
  }

static void
post (Item *self)
{
  grel_hop_post (self->fixture->hop, &self->base);
}

static gpointer
post_from_thread (gpointer item)
{
  post (item);
  return NULL;
}

static void
settle (Fixture *fixture)
{
  while (g_main_context_iteration (fixture->context, FALSE))
    ;
}

static void
expect_our_context (Item *self)
{
  g_assert_true (g_main_context_get_thread_default () == self->fixture->context);
  g_assert_true (g_main_context_is_owner (self->fixture->context));
}

static void
an_item_runs_with_the_context_as_thread_default (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a');

  a.then = expect_our_context;
  g_thread_join (g_thread_new ("hop", post_from_thread, &a));
  g_assert_cmpstr (fixture->log->str, ==, "");
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "a");
  g_assert_null (g_main_context_get_thread_default ());
}

static void
an_item_never_runs_on_who_posts_it (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (fixture->context);
  Item a = ITEM ('a');

  post (&a);
  g_assert_cmpstr (fixture->log->str, ==, "");
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "a");
}

static void
an_item_wakes_a_loop_that_sleeps (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a');
  GThread *thread;

  settle (fixture);
  thread = g_thread_new ("hop", post_from_thread, &a);
  while (fixture->log->len == 0)
    g_main_context_iteration (fixture->context, TRUE);
  g_thread_join (thread);
}

static void
each_item_runs_once_and_in_order (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a'), b = ITEM ('b'), c = ITEM ('c');

  post (&a);
  post (&b);
  post (&c);
  settle (fixture);
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "abc");
}

static void
an_item_that_ran_may_be_posted_again (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a');

  for (int i = 0; i < 3; i++)
    {
      post (&a);
      settle (fixture);
    }
  g_assert_cmpstr (fixture->log->str, ==, "aaa");
}

static void
post_other (Item *self)
{
  post (self->other);
}

static void
what_an_item_posts_runs_after_what_was_there (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a'), b = ITEM ('b'), c = ITEM ('c');

  a.then = post_other;
  a.other = &c;
  post (&a);
  post (&b);
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "abc");
}

static gboolean
set_flag (gpointer flag)
{
  *(gboolean *) flag = TRUE;
  return G_SOURCE_REMOVE;
}

static void
an_item_that_posts_itself_starves_nobody (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  gboolean had_its_turn = FALSE;
  Item a = ITEM ('a');

  a.then = post_other;
  a.other = &a;
  post (&a);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, set_flag, &had_its_turn, NULL);
  g_source_attach (source, fixture->context);
  g_main_context_iteration (fixture->context, FALSE);
  g_main_context_iteration (fixture->context, FALSE);
  g_assert_true (had_its_turn);

  a.then = NULL;
  settle (fixture);
}

static void
run_the_context (Item *self)
{
  settle (self->fixture);
}

static void
a_nested_main_loop_serves_the_rest_in_order (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a'), b = ITEM ('b'), c = ITEM ('c'), d = ITEM ('d');

  b.then = run_the_context;
  c.then = post_other;
  c.other = &d;
  post (&a);
  post (&b);
  post (&c);
  g_main_context_iteration (fixture->context, FALSE);
  g_assert_cmpstr (fixture->log->str, ==, "abcd");
}

static void
post_other_and_run_the_context (Item *self)
{
  post_other (self);
  run_the_context (self);
}

static void
what_is_posted_while_a_nested_main_loop_runs_comes_after_the_rest (Fixture *fixture,
                                                                   gconstpointer data)
{
  Item a = ITEM ('a'), b = ITEM ('b'), c = ITEM ('c'), d = ITEM ('d');

  a.then = post_other_and_run_the_context;
  a.other = &d;
  post (&a);
  post (&b);
  post (&c);
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "abcd");
}

static void
expect_no_wake_up_from_other (Item *self)
{
  GPollFD wake_up = { grel_main_context_get_fd (self->fixture->context), G_IO_IN, 0 };

  g_assert_cmpint (wake_up.fd, >=, 0);
  g_thread_join (g_thread_new ("hop", post_from_thread, self->other));
  g_assert_cmpint (g_poll (&wake_up, 1, 0), ==, 0);
}

static void
a_context_that_is_busy_is_not_woken_up (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a'), b = ITEM ('b');

  settle (fixture);
  a.then = expect_no_wake_up_from_other;
  a.other = &b;
  post (&a);
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "ab");
}

static gboolean
post_without_wake_up (gpointer item)
{
  GPollFD wake_up = { grel_main_context_get_fd (((Item *) item)->fixture->context), G_IO_IN, 0 };

  post (item);
  g_assert_cmpint (g_poll (&wake_up, 1, 0), ==, 0);
  return G_SOURCE_REMOVE;
}

static void
who_is_inside_the_context_wakes_nobody (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  Item a = ITEM ('a');

  settle (fixture);
  g_source_set_callback (source, post_without_wake_up, &a, NULL);
  g_source_attach (source, fixture->context);
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "a");
}

static void
run_a_context_that_sleeps (Item *self)
{
  GThread *thread;

  settle (self->fixture);
  thread = g_thread_new ("hop", post_from_thread, self->other);
  while (self->fixture->log->len < 2)
    g_main_context_iteration (self->fixture->context, TRUE);
  g_thread_join (thread);
}

static void
a_nested_main_loop_that_sleeps_is_woken_up (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a'), b = ITEM ('b');

  a.then = run_a_context_that_sleeps;
  a.other = &b;
  post (&a);
  g_main_context_iteration (fixture->context, FALSE);
  g_assert_cmpstr (fixture->log->str, ==, "ab");
}

static void
two_users_of_a_context_share_one_hop (Fixture *fixture, gconstpointer data)
{
  GrelHop *other = grel_hop_ref_for_context (fixture->context);
  Item a = ITEM ('a');

  g_assert_true (other == fixture->hop);
  g_assert_true (grel_hop_get_context (other) == fixture->context);
  grel_hop_unref (other);
  post (&a);
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "a");
}

static void
contexts_have_hops_of_their_own (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  GrelHop *other = grel_hop_ref_for_context (context);

  g_assert_true (other != fixture->hop);
  g_assert_true (grel_hop_get_context (other) == context);
  grel_hop_unref (other);
}

static void
what_is_left_over_runs_with_the_last_unref (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a'), b = ITEM ('b');

  post (&a);
  post (&b);
  g_clear_pointer (&fixture->hop, grel_hop_unref);
  g_assert_cmpstr (fixture->log->str, ==, "ab");
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "ab");
}

static void
drop_the_hop (Item *self)
{
  g_clear_pointer (&self->fixture->hop, grel_hop_unref);
}

static void
an_item_may_drop_the_hop_that_runs_it (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a'), b = ITEM ('b');

  a.then = drop_the_hop;
  post (&a);
  post (&b);
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "ab");
}

static void
a_new_hop_comes_after_the_last_unref (Fixture *fixture, gconstpointer data)
{
  Item a = ITEM ('a');

  g_clear_pointer (&fixture->hop, grel_hop_unref);
  fixture->hop = grel_hop_ref_for_context (fixture->context);
  post (&a);
  settle (fixture);
  g_assert_cmpstr (fixture->log->str, ==, "a");
}

static void
a_hop_keeps_its_context (Fixture *fixture, gconstpointer data)
{
  GMainContext *context = g_main_context_new ();
  GrelHop *hop = grel_hop_ref_for_context (context);

  g_main_context_unref (context);
  g_assert_false (g_main_context_pending (grel_hop_get_context (hop)));
  grel_hop_unref (hop);
}

static void
a_beat_comes_when_it_is_asked_for (Fixture *fixture, gconstpointer data)
{
  guint beats = grel_hop_get_beats (fixture->hop);

  settle (fixture);
  g_assert_cmpuint (grel_hop_get_beats (fixture->hop), ==, beats);

  grel_hop_ask_for_beat (fixture->hop);
  g_assert_cmpuint (grel_hop_get_beats (fixture->hop), ==, beats);
  settle (fixture);
  g_assert_cmpuint (grel_hop_get_beats (fixture->hop), ==, beats + 1);
}

static void
many_who_ask_get_one_beat (Fixture *fixture, gconstpointer data)
{
  guint beats = grel_hop_get_beats (fixture->hop);

  for (int i = 0; i < 100; i++)
    grel_hop_ask_for_beat (fixture->hop);
  settle (fixture);
  g_assert_cmpuint (grel_hop_get_beats (fixture->hop), ==, beats + 1);
}

static gpointer
ask_from_thread (gpointer hop)
{
  grel_hop_ask_for_beat (hop);
  return NULL;
}

static void
a_beat_that_a_thread_asks_for_wakes_the_loop (Fixture *fixture, gconstpointer data)
{
  guint beats = grel_hop_get_beats (fixture->hop);
  GThread *thread;

  settle (fixture);
  thread = g_thread_new ("hop", ask_from_thread, fixture->hop);
  while (grel_hop_get_beats (fixture->hop) == beats)
    g_main_context_iteration (fixture->context, TRUE);
  g_thread_join (thread);
}

/* One of many threads that post, and how many of its items have run. */
typedef struct
{
  GrelHop *hop;
  guint n_run; /* in the context only */
} Poster;

typedef struct
{
  GrelHopItem base;
  Poster *poster;
  guint number;
} Numbered;

static void
numbered_run (GrelHopItem *base)
{
  Numbered *self = (Numbered *) base;

  g_assert_cmpuint (self->number, ==, self->poster->n_run);
  self->poster->n_run++;
  g_free (self);
}

static gpointer
post_many (gpointer data)
{
  Poster *self = data;

  for (guint i = 0; i < N_ITEMS; i++)
    {
      Numbered *item = g_new0 (Numbered, 1);

      item->base.run = numbered_run;
      item->poster = self;
      item->number = i;
      grel_hop_post (self->hop, &item->base);
    }
  return NULL;
}

static void
of_many_threads_each_keeps_its_order (Fixture *fixture, gconstpointer data)
{
  Poster posters[N_THREADS];
  GThread *threads[N_THREADS];
  guint n_run;

  for (int i = 0; i < N_THREADS; i++)
    {
      posters[i] = (Poster){ fixture->hop, 0 };
      threads[i] = g_thread_new ("hop", post_many, &posters[i]);
    }
  do
    {
      g_main_context_iteration (fixture->context, TRUE);
      n_run = 0;
      for (int i = 0; i < N_THREADS; i++)
        n_run += posters[i].n_run;
    }
  while (n_run < N_THREADS * N_ITEMS);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_false (g_main_context_pending (fixture->context));
}

/* An item that a thread posts again as soon as it has run. */
typedef struct
{
  GrelHopItem base;
  GrelHop *hop;
  int n_run;
} Ball;

static void
ball_run (GrelHopItem *base)
{
  g_atomic_int_inc (&((Ball *) base)->n_run);
}

static gpointer
play_ball (gpointer data)
{
  Ball *self = data;

  for (int i = 0; i < N_ITEMS; i++)
    {
      grel_hop_post (self->hop, &self->base);
      while (g_atomic_int_get (&self->n_run) <= i)
        g_thread_yield ();
    }
  return NULL;
}

static void
no_wake_up_is_lost_while_the_context_falls_asleep (Fixture *fixture, gconstpointer data)
{
  Ball ball = { .base.run = ball_run, .hop = fixture->hop };
  GThread *thread = g_thread_new ("hop", play_ball, &ball);

  while (g_atomic_int_get (&ball.n_run) < N_ITEMS)
    g_main_context_iteration (fixture->context, TRUE);
  g_thread_join (thread);
}

static gpointer
use_briefly (gpointer context)
{
  for (int i = 0; i < 1000; i++)
    {
      GrelHop *hop = grel_hop_ref_for_context (context);

      g_assert_true (grel_hop_get_context (hop) == context);
      grel_hop_unref (hop);
    }
  return NULL;
}

static void
many_threads_may_come_and_go (Fixture *fixture, gconstpointer data)
{
  GThread *threads[N_THREADS];

  g_clear_pointer (&fixture->hop, grel_hop_unref);
  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("hop", use_briefly, fixture->context);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_false (g_main_context_pending (fixture->context));
}

#define RULE(name) g_test_add ("/hop/" #name, Fixture, NULL, set_up, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (an_item_runs_with_the_context_as_thread_default);
  RULE (an_item_never_runs_on_who_posts_it);
  RULE (an_item_wakes_a_loop_that_sleeps);
  RULE (each_item_runs_once_and_in_order);
  RULE (an_item_that_ran_may_be_posted_again);
  RULE (what_an_item_posts_runs_after_what_was_there);
  RULE (an_item_that_posts_itself_starves_nobody);
  RULE (a_nested_main_loop_serves_the_rest_in_order);
  RULE (what_is_posted_while_a_nested_main_loop_runs_comes_after_the_rest);
  RULE (a_context_that_is_busy_is_not_woken_up);
  RULE (who_is_inside_the_context_wakes_nobody);
  RULE (a_nested_main_loop_that_sleeps_is_woken_up);
  RULE (two_users_of_a_context_share_one_hop);
  RULE (contexts_have_hops_of_their_own);
  RULE (what_is_left_over_runs_with_the_last_unref);
  RULE (an_item_may_drop_the_hop_that_runs_it);
  RULE (a_new_hop_comes_after_the_last_unref);
  RULE (a_hop_keeps_its_context);
  RULE (a_beat_comes_when_it_is_asked_for);
  RULE (many_who_ask_get_one_beat);
  RULE (a_beat_that_a_thread_asks_for_wakes_the_loop);
  RULE (of_many_threads_each_keeps_its_order);
  RULE (no_wake_up_is_lost_while_the_context_falls_asleep);
  RULE (many_threads_may_come_and_go);
  return g_test_run ();
}
