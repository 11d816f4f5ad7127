/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-wait-queue-private.h>

/* Deadline and cancellation are the call's: whoever ends it claims it, and that makes it leave. */

void
grel_wait_queue_push (GrelWaitQueue *self, GrelWaiter *waiter, GrelCall *call)
{
  waiter->queue = self;
  waiter->link.data = call;
  g_queue_push_tail_link (&self->waiters, &waiter->link);
}

GrelCall *
grel_wait_queue_peek (GrelWaitQueue *self)
{
  return g_queue_peek_head (&self->waiters);
}

gboolean
grel_wait_queue_is_empty (GrelWaitQueue *self)
{
  return g_queue_is_empty (&self->waiters);
}

void
grel_waiter_leave (GrelWaiter *self)
{
  if (self->queue == NULL)
    return;

  g_queue_unlink (&self->queue->waiters, &self->link);
  self->queue = NULL;
}
