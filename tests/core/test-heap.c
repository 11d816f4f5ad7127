/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-heap-private.h>

#define N_NODES 1000
#define N_CHANGES 100000

typedef struct
{
  GrelHeap heap;
  GrelHeapNode nodes[N_NODES];
} Fixture;

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  grel_heap_clear (&fixture->heap);
}

static void
add (Fixture *fixture, guint i, gint64 due)
{
  grel_heap_add (&fixture->heap, &fixture->nodes[i], due);
}

/* Takes all out, and checks that they come in order. */
static guint
drain (Fixture *fixture)
{
  GrelHeapNode *node;
  gint64 last = G_MININT64;
  guint n = 0;

  for (; (node = grel_heap_peek (&fixture->heap)) != NULL; n++)
    {
      g_assert_cmpint (node->due, >=, last);
      last = node->due;
      grel_heap_remove (&fixture->heap, node);
      g_assert_false (grel_heap_node_is_in (node));
    }
  return n;
}

static void
an_empty_one_has_no_first (Fixture *fixture, gconstpointer data)
{
  g_assert_null (grel_heap_peek (&fixture->heap));
}

static void
a_look_takes_nothing_out (Fixture *fixture, gconstpointer data)
{
  add (fixture, 0, 7);
  g_assert_true (grel_heap_peek (&fixture->heap) == &fixture->nodes[0]);
  g_assert_true (grel_heap_peek (&fixture->heap) == &fixture->nodes[0]);
  g_assert_true (grel_heap_node_is_in (&fixture->nodes[0]));
}

static void
the_earliest_comes_first (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < N_NODES; i++)
    add (fixture, i, g_test_rand_int_range (-N_NODES, N_NODES));
  g_assert_cmpuint (drain (fixture), ==, N_NODES);
}

static void
of_the_same_due_the_first_that_came_is_first (Fixture *fixture, gconstpointer data)
{
  fixture->heap.last_serial = G_MAXUINT - N_NODES / 2; /* it may wrap around */
  for (guint i = 0; i < N_NODES; i++)
    add (fixture, i, i % 3);
  for (guint due = 0; due < 3; due++)
    for (guint i = due; i < N_NODES; i += 3)
      {
        g_assert_true (grel_heap_peek (&fixture->heap) == &fixture->nodes[i]);
        grel_heap_remove (&fixture->heap, &fixture->nodes[i]);
      }
}

static void
any_may_be_taken_out (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < N_NODES; i++)
    add (fixture, i, g_test_rand_int_range (0, N_NODES));
  for (guint i = 0; i < N_NODES; i += 2)
    grel_heap_remove (&fixture->heap, &fixture->nodes[i]);
  for (guint i = 0; i < N_NODES; i++)
    g_assert_cmpint (grel_heap_node_is_in (&fixture->nodes[i]), ==, i % 2);
  g_assert_cmpuint (drain (fixture), ==, N_NODES / 2);
}

static gint64
find_earliest (Fixture *fixture)
{
  gint64 earliest = G_MAXINT64;

  for (guint i = 0; i < N_NODES; i++)
    if (grel_heap_node_is_in (&fixture->nodes[i]))
      earliest = MIN (earliest, fixture->nodes[i].due);
  return earliest;
}

static void
it_stays_in_order_whatever_comes_and_goes (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < N_CHANGES; i++)
    {
      GrelHeapNode *node = &fixture->nodes[g_test_rand_int_range (0, N_NODES)];

      if (grel_heap_node_is_in (node))
        grel_heap_remove (&fixture->heap, node);
      else
        grel_heap_add (&fixture->heap, node, g_test_rand_int_range (0, 100));
      if (i % 100 == 0 && grel_heap_peek (&fixture->heap) != NULL)
        g_assert_cmpint (grel_heap_peek (&fixture->heap)->due, ==, find_earliest (fixture));
    }
  drain (fixture);
}

#define RULE(name) g_test_add ("/heap/" #name, Fixture, NULL, NULL, name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (an_empty_one_has_no_first);
  RULE (a_look_takes_nothing_out);
  RULE (the_earliest_comes_first);
  RULE (of_the_same_due_the_first_that_came_is_first);
  RULE (any_may_be_taken_out);
  RULE (it_stays_in_order_whatever_comes_and_goes);
  return g_test_run ();
}
