/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-command-private.h>
#include <grelmicro/redis/grel-redis-link-private.h>

G_BEGIN_DECLS

/* One connection for the commands of a provider and all its adapters. */
typedef struct _GrelRedisClient GrelRedisClient;

/* Takes the settings. */
GrelRedisClient *grel_redis_client_new (GrelRedisSettings *settings);

void grel_redis_client_unref (GrelRedisClient *self);

const GrelRedisSettings *grel_redis_client_get_settings (GrelRedisClient *self);

/* A user more. Completes the task with a boolean once there is a connection; a user whose task
 * fails is none. The rest belongs into the context of the first user. */
void grel_redis_client_open (GrelRedisClient *self, GTask *task);

/* A user less; with the last one goes the connection. */
void grel_redis_client_close (GrelRedisClient *self);

/* Takes the command. */
void grel_redis_client_send (GrelRedisClient *self, GrelRedisCommand *command);

/* Takes a command without a task that puts right what one that failed may have done: it is sent
 * before anything else that waits, and again if it has to be, for as long as it makes sense. */
void
grel_redis_client_amend (GrelRedisClient *self, GrelRedisCommand *command, GTimeSpan makes_sense);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisClient, grel_redis_client_unref)

G_END_DECLS
