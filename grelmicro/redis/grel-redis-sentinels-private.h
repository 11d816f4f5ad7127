/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-settings-private.h>

G_BEGIN_DECLS

/* The sentinels of a service, who know where its server is. All in the context that was
 * thread-default when they were made. */
typedef struct _GrelRedisSentinels GrelRedisSentinels;

typedef struct
{
  void (*found) (gpointer owner, const GrelRedisAddress *address);
  void (*failed) (gpointer owner, const GError *error); /* all of them were asked */
} GrelRedisSentinelsFuncs;

GrelRedisSentinels *grel_redis_sentinels_new (const GrelRedisSettings *settings,
                                              const GrelRedisSentinelsFuncs *funcs,
                                              gpointer owner);

void grel_redis_sentinels_free (GrelRedisSentinels *self);

/* Asks one after the other, first the one that was right last. Each has its share of the time to
 * connect. */
void grel_redis_sentinels_ask (GrelRedisSentinels *self);

/* What was found is not the server, for that reason: asks the others. */
void grel_redis_sentinels_ask_others (GrelRedisSentinels *self, const GError *error);

/* There is no time left. Calls nothing. */
void grel_redis_sentinels_stop (GrelRedisSentinels *self);

G_END_DECLS
