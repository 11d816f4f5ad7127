/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-command-private.h>

G_BEGIN_DECLS

/* Commands that a server refused for the time being. They are kept in a queue (element-type
 * GrelRedisCommand), and the timer is set to when the next of them is due. */

/* Takes the command. It comes back after a random time, longer each time, or at its deadline. */
void grel_redis_delays_add (GQueue *delayed, GrelRedisCommand *command, GSource *timer);

/* Appends those that are due. */
void grel_redis_delays_take (GQueue *delayed, gint64 now, GSource *timer, GQueue *due);

G_END_DECLS
