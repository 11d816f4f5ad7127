/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-connection-private.h>
#include <grelmicro/redis/grel-redis-sentinels-private.h>

G_BEGIN_DECLS

/* All in the context that the link was started on. */
typedef struct
{
  void (*up) (gpointer owner);
  void (*received) (gpointer owner, GrelRedisReply *reply); /* (transfer none) */
  void (*down) (gpointer owner, const GError *error); /* also when an attempt to connect failed */
} GrelRedisLinkFuncs;

/* Keeps a connection up: makes a new one when it is lost. */
typedef struct
{
  const GrelRedisSettings *settings;
  const GrelRedisAddress *address; /* for the next attempt */
  const GrelRedisLinkFuncs *funcs;
  gpointer owner;
  GSource *timer;                /* NULL: stopped */
  GrelRedisSentinels *sentinels; /* NULL: the address of the server is known */
  GrelRedisConnection *connection;
  gboolean is_trying;
  gboolean is_up;
  guint n_failures;
  char *fault; /* nullable: why it isn't up */
} GrelRedisLink;

void grel_redis_link_init (GrelRedisLink *self,
                           const GrelRedisSettings *settings,
                           const GrelRedisAddress *address,
                           const GrelRedisLinkFuncs *funcs,
                           gpointer owner);

void grel_redis_link_start (GrelRedisLink *self);

/* Sends what is to be sent and closes. Calls nothing. */
void grel_redis_link_stop (GrelRedisLink *self);

/* Gives up on the connection, and makes a new one later. */
void grel_redis_link_drop (GrelRedisLink *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Takes in what has arrived. */
void grel_redis_link_poll (GrelRedisLink *self);

/* Only while it is up. */
GByteArray *grel_redis_link_get_output (GrelRedisLink *self);

G_END_DECLS
