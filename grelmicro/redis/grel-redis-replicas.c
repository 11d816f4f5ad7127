/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-replicas-private.h>

/* The server answers nothing else meanwhile, so it is given a part of the time for a command. */
#define GREL_REDIS_WAIT_PART 10

gboolean
grel_redis_replicas_are_asked (const GrelRedisSettings *settings)
{
  return settings->min_replicas > 0;
}

gboolean
grel_redis_replicas_are_to_know (const GrelRedisReply *reply)
{
  return reply->type == GREL_REDIS_INTEGER && reply->integer > 0;
}

GrelRedisCommand *
grel_redis_replicas_new_question (const GrelRedisSettings *settings)
{
  GrelRedisCommand *command = grel_redis_command_new (NULL, NULL);
  gint64 patience = settings->timeout / GREL_REDIS_WAIT_PART / G_TIME_SPAN_MILLISECOND;

  grel_redis_command_add (command, "WAIT");
  grel_redis_command_add_integer (command, settings->min_replicas);
  grel_redis_command_add_integer (command, MAX (patience, 1));
  return command;
}

gboolean
grel_redis_replicas_check (const GrelRedisSettings *settings,
                           const GrelRedisReply *reply,
                           GError **error)
{
  gint64 count;

  if (!grel_redis_reply_get_integer (reply, &count, error))
    return FALSE;
  if (count >= settings->min_replicas)
    return TRUE;

  g_set_error (error, GREL_ERROR, GREL_ERROR_BACKEND,
               "too few replicas have it: %" G_GINT64_FORMAT " of %u acknowledged in time", count,
               settings->min_replicas);
  return FALSE;
}
