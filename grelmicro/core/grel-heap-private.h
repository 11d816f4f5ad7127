/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What lies in a heap has one of these in it. Zeroed it lies in none. */
typedef struct
{
  gint64 due;
  guint serial; /* of the same due, the first that came is first */
  guint place;  /* from 1 on */
} GrelHeapNode;

/* By due, the earliest first: a binary heap. Zeroed it is empty. */
typedef struct
{
  GrelHeapNode **nodes; /* the first is at 1 */
  guint n_nodes;
  guint n_allocated;
  guint last_serial;
} GrelHeap;

/* Frees the heap, not what lies in it. */
void grel_heap_clear (GrelHeap *self);

/* The node must be in no heap. */
void grel_heap_add (GrelHeap *self, GrelHeapNode *node, gint64 due);

void grel_heap_remove (GrelHeap *self, GrelHeapNode *node);

/* Returns: (nullable): the earliest */
GrelHeapNode *grel_heap_peek (GrelHeap *self);

/* Returns: (nullable): any, which costs little to remove */
GrelHeapNode *grel_heap_peek_last (GrelHeap *self);

gboolean grel_heap_node_is_in (const GrelHeapNode *self);

G_END_DECLS
