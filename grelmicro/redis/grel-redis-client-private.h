/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-command-private.h>
#include <grelmicro/redis/grel-redis-link-private.h>

G_BEGIN_DECLS

/* One connection to one server. All in the context that it was started on. */
typedef struct _GrelRedisClient GrelRedisClient;

typedef struct
{
  void (*up) (gpointer owner);
  void (*down) (gpointer owner, const GError *error); /* also when an attempt to connect failed */

  /* Nullable. Takes a command that was answered with an error, if it knows better: returns
   * whether. */
  gboolean (*refused) (gpointer owner, GrelRedisCommand *command, const GrelRedisReply *reply);
} GrelRedisClientFuncs;

/* The settings and the address outlive it. */
GrelRedisClient *grel_redis_client_new (const GrelRedisSettings *settings,
                                        const GrelRedisAddress *address,
                                        const GrelRedisClientFuncs *funcs,
                                        gpointer owner);

void grel_redis_client_unref (GrelRedisClient *self);

void grel_redis_client_start (GrelRedisClient *self);

/* Whoever waits for an answer is told that it was closed. Calls the owner no more. */
void grel_redis_client_stop (GrelRedisClient *self);

gboolean grel_redis_client_is_started (GrelRedisClient *self);

gboolean grel_redis_client_is_up (GrelRedisClient *self);

/* Whether nobody waits for an answer. */
gboolean grel_redis_client_is_idle (GrelRedisClient *self);

/* Takes the command, which has a deadline. One that goes first is sent before anything else that
 * waits. */
void grel_redis_client_send (GrelRedisClient *self, GrelRedisCommand *command, gboolean goes_first);

/* Appends what waits for a connection (element-type GrelRedisCommand). */
void grel_redis_client_take_waiting (GrelRedisClient *self, GQueue *commands);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisClient, grel_redis_client_unref)

G_END_DECLS
