/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-command-private.h>
#include <grelmicro/redis/grel-redis-replicas-private.h>

/* The server answers nothing else meanwhile, so it is given a part of the time for a command. */
#define GREL_REDIS_WAIT_PART 10

gboolean
grel_redis_replicas_are_asked (const GrelRedisSettings *settings)
{
  return settings->min_replicas > 0;
}

void
grel_redis_replicas_ask (const GrelRedisSettings *settings, GByteArray *output)
{
  gint64 patience = settings->timeout / GREL_REDIS_WAIT_PART / G_TIME_SPAN_MILLISECOND;
  g_autofree char *count = g_strdup_printf ("%u", settings->min_replicas);
  g_autofree char *milliseconds = g_strdup_printf ("%" G_GINT64_FORMAT, MAX (patience, 1));

  grel_redis_write_words (output, (const char *[]){ "WAIT", count, milliseconds, NULL });
}

gboolean
grel_redis_replicas_check (const GrelRedisSettings *settings,
                           const GrelRedisReply *grant,
                           const GrelRedisReply *reply,
                           GError **error)
{
  gint64 count;

  if (grant->type != GREL_REDIS_INTEGER || grant->integer <= 0)
    return TRUE;
  if (!grel_redis_reply_get_integer (reply, &count, error))
    return FALSE;
  if (count >= settings->min_replicas)
    return TRUE;

  g_set_error (error, GREL_ERROR, GREL_ERROR_BACKEND,
               "too few replicas have it: %" G_GINT64_FORMAT " of %u acknowledged in time", count,
               settings->min_replicas);
  return FALSE;
}
