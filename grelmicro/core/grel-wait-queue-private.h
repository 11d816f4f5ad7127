/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-call-private.h>

G_BEGIN_DECLS

/* Calls that wait for the same thing, first come first served. Guarded by the part's mutex. A call
 * that waits embeds a GrelWaiter, and says so in the leave function of its class. */
typedef struct
{
  GQueue waiters; /* (element-type GrelCall) */
} GrelWaitQueue;

typedef struct
{
  GrelWaitQueue *queue; /* NULL while it doesn't wait */
  GList link;
} GrelWaiter;

void grel_wait_queue_push (GrelWaitQueue *self, GrelWaiter *waiter, GrelCall *call);

GrelCall *grel_wait_queue_peek (GrelWaitQueue *self);

gboolean grel_wait_queue_is_empty (GrelWaitQueue *self);

void grel_waiter_leave (GrelWaiter *self);

G_END_DECLS
