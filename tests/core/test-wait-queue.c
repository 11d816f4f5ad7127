/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-wait-queue-private.h>

#include "grel-test.h"

#define N_WAITERS 5

/* The queue never looks into a call, so a number will do. */
static GrelCall *
call (guint number)
{
  return GUINT_TO_POINTER (number + 1);
}

typedef struct
{
  GrelWaitQueue queue;
  GrelWaiter waiters[N_WAITERS];
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < N_WAITERS; i++)
    grel_wait_queue_push (&fixture->queue, &fixture->waiters[i], call (i));
}

static void
expect_order (Fixture *fixture, const guint *order, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_assert_false (grel_wait_queue_is_empty (&fixture->queue));
      g_assert_true (grel_wait_queue_peek (&fixture->queue) == call (order[i]));
      grel_waiter_leave (&fixture->waiters[order[i]]);
    }
  g_assert_true (grel_wait_queue_is_empty (&fixture->queue));
}

static void
a_new_queue_is_empty (void)
{
  GrelWaitQueue queue = { G_QUEUE_INIT };

  g_assert_true (grel_wait_queue_is_empty (&queue));
  g_assert_null (grel_wait_queue_peek (&queue));
}

static void
first_in_is_first_out (Fixture *fixture, gconstpointer data)
{
  expect_order (fixture, (const guint[]){ 0, 1, 2, 3, 4 }, 5);
  g_assert_null (grel_wait_queue_peek (&fixture->queue));
}

static void
a_look_takes_nobody_out (Fixture *fixture, gconstpointer data)
{
  g_assert_true (grel_wait_queue_peek (&fixture->queue) == call (0));
  g_assert_true (grel_wait_queue_peek (&fixture->queue) == call (0));
}

static void
who_leaves_from_the_middle_holds_nobody_up (Fixture *fixture, gconstpointer data)
{
  grel_waiter_leave (&fixture->waiters[2]);
  grel_waiter_leave (&fixture->waiters[4]);
  expect_order (fixture, (const guint[]){ 0, 1, 3 }, 3);
}

static void
who_leaves_at_the_head_makes_room_for_the_next (Fixture *fixture, gconstpointer data)
{
  grel_waiter_leave (&fixture->waiters[0]);
  g_assert_true (grel_wait_queue_peek (&fixture->queue) == call (1));
}

static void
leaving_twice_is_leaving_once (Fixture *fixture, gconstpointer data)
{
  grel_waiter_leave (&fixture->waiters[1]);
  grel_waiter_leave (&fixture->waiters[1]);
  expect_order (fixture, (const guint[]){ 0, 2, 3, 4 }, 4);
}

static void
who_never_waited_may_leave (void)
{
  GrelWaiter waiter = { NULL };

  grel_waiter_leave (&waiter);
  g_assert_null (waiter.queue);
}

static void
who_comes_back_goes_to_the_end (Fixture *fixture, gconstpointer data)
{
  grel_waiter_leave (&fixture->waiters[0]);
  grel_wait_queue_push (&fixture->queue, &fixture->waiters[0], call (0));
  expect_order (fixture, (const guint[]){ 1, 2, 3, 4, 0 }, 5);
}

static void
queues_are_independent (Fixture *fixture, gconstpointer data)
{
  GrelWaitQueue other = { G_QUEUE_INIT };
  GrelWaiter waiter = { NULL };

  grel_wait_queue_push (&other, &waiter, call (9));
  grel_waiter_leave (&fixture->waiters[0]);
  g_assert_true (grel_wait_queue_peek (&other) == call (9));
  grel_waiter_leave (&waiter);
  expect_order (fixture, (const guint[]){ 1, 2, 3, 4 }, 4);
}

#define RULE(name) g_test_add_func ("/wait-queue/" #name, name)
#define RULE_OF_FIVE(name) g_test_add ("/wait-queue/" #name, Fixture, NULL, set_up, name, NULL)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (a_new_queue_is_empty);
  RULE (who_never_waited_may_leave);
  RULE_OF_FIVE (first_in_is_first_out);
  RULE_OF_FIVE (a_look_takes_nobody_out);
  RULE_OF_FIVE (who_leaves_from_the_middle_holds_nobody_up);
  RULE_OF_FIVE (who_leaves_at_the_head_makes_room_for_the_next);
  RULE_OF_FIVE (leaving_twice_is_leaving_once);
  RULE_OF_FIVE (who_comes_back_goes_to_the_end);
  RULE_OF_FIVE (queues_are_independent);
  return g_test_run ();
}
