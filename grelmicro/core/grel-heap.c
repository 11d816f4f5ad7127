/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-heap-private.h>

#define GREL_HEAP_MIN 16

void
grel_heap_clear (GrelHeap *self)
{
  g_clear_pointer (&self->nodes, g_free);
  self->n_nodes = self->n_allocated = 0;
}

gboolean
grel_heap_node_is_in (const GrelHeapNode *self)
{
  return self->place > 0;
}

static gboolean
grel_heap_node_is_before (const GrelHeapNode *self, const GrelHeapNode *other)
{
  if (self->due != other->due)
    return self->due < other->due;
  return (int) (self->serial - other->serial) < 0; /* it wraps around */
}

static void
grel_heap_put (GrelHeap *self, guint place, GrelHeapNode *node)
{
  self->nodes[place] = node;
  node->place = place;
}

static void
grel_heap_rise (GrelHeap *self, guint place, GrelHeapNode *node)
{
  for (; place > 1 && grel_heap_node_is_before (node, self->nodes[place / 2]); place /= 2)
    grel_heap_put (self, place, self->nodes[place / 2]);
  grel_heap_put (self, place, node);
}

static void
grel_heap_sink (GrelHeap *self, guint place, GrelHeapNode *node)
{
  guint child;

  for (; (child = 2 * place) <= self->n_nodes; place = child)
    {
      if (child < self->n_nodes
          && grel_heap_node_is_before (self->nodes[child + 1], self->nodes[child]))
        child++;
      if (!grel_heap_node_is_before (self->nodes[child], node))
        break;
      grel_heap_put (self, place, self->nodes[child]);
    }
  grel_heap_put (self, place, node);
}

/* It shrinks late, so that a size that wavers costs nothing. */
static void
grel_heap_fit (GrelHeap *self)
{
  guint n_needed = self->n_nodes + 1;
  guint n_allocated = self->n_allocated;

  if (n_needed > n_allocated)
    n_allocated = MAX (2 * n_allocated, GREL_HEAP_MIN);
  else if (n_needed < n_allocated / 4 && n_allocated > GREL_HEAP_MIN)
    n_allocated /= 2;
  if (n_allocated == self->n_allocated)
    return;

  self->nodes = g_renew (GrelHeapNode *, self->nodes, n_allocated);
  self->n_allocated = n_allocated;
}

void
grel_heap_add (GrelHeap *self, GrelHeapNode *node, gint64 due)
{
  node->due = due;
  node->serial = ++self->last_serial;
  self->n_nodes++;
  grel_heap_fit (self);
  grel_heap_rise (self, self->n_nodes, node);
}

void
grel_heap_remove (GrelHeap *self, GrelHeapNode *node)
{
  GrelHeapNode *last = self->nodes[self->n_nodes--];

  if (last != node && grel_heap_node_is_before (last, node))
    grel_heap_rise (self, node->place, last);
  else if (last != node)
    grel_heap_sink (self, node->place, last);
  node->place = 0;
  grel_heap_fit (self);
}

GrelHeapNode *
grel_heap_peek (GrelHeap *self)
{
  return self->n_nodes > 0 ? self->nodes[1] : NULL;
}

GrelHeapNode *
grel_heap_peek_last (GrelHeap *self)
{
  return self->n_nodes > 0 ? self->nodes[self->n_nodes] : NULL;
}
