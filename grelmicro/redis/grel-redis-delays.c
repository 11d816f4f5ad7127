/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/redis/grel-redis-delays-private.h>
#include <grelmicro/redis/grel-redis-timer-private.h>

/* The longest first delay, doubled by each that follows. */
#define GREL_REDIS_DELAY (10 * G_TIME_SPAN_MILLISECOND)
#define GREL_REDIS_MAX_DOUBLINGS 5
#define GREL_REDIS_MAX_DOUBLINGS_UNAWAITED 8

void
grel_redis_delays_add (GQueue *delayed, GrelRedisCommand *command, GSource *timer)
{
  guint most
    = command->task != NULL ? GREL_REDIS_MAX_DOUBLINGS : GREL_REDIS_MAX_DOUBLINGS_UNAWAITED;
  gint64 longest = GREL_REDIS_DELAY << MIN (command->n_delays, most);
  gint64 due = g_get_monotonic_time () + g_random_double_range (0.5, 1.0) * longest;

  command->n_delays++;
  command->due = MIN (due, command->deadline);
  g_queue_push_tail_link (delayed, &command->link);
  grel_redis_timer_hasten (timer, command->due);
}

void
grel_redis_delays_take (GQueue *delayed, gint64 now, GSource *timer, GQueue *due)
{
  for (GList *l = delayed->head, *next; l != NULL; l = next)
    {
      GrelRedisCommand *command = l->data;

      next = l->next;
      if (command->due > now)
        grel_redis_timer_hasten (timer, command->due);
      else
        {
          g_queue_unlink (delayed, l);
          g_queue_push_tail_link (due, l);
        }
    }
}
