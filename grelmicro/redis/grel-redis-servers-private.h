/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-cluster-private.h>

G_BEGIN_DECLS

/* What a provider and all its adapters ask, whatever it is made of. */
typedef struct _GrelRedisServers GrelRedisServers;

/* Takes the settings. */
GrelRedisServers *grel_redis_servers_new (GrelRedisSettings *settings);

void grel_redis_servers_unref (GrelRedisServers *self);

const GrelRedisSettings *grel_redis_servers_get_settings (GrelRedisServers *self);

/* A user more. Completes the task with a boolean once there is a connection; a user whose task
 * fails is none. The rest belongs into the context of the first user. */
void grel_redis_servers_open (GrelRedisServers *self, GTask *task);

/* A user less; with the last one go the connections. */
void grel_redis_servers_close (GrelRedisServers *self);

/* Where to listen to what is said on channels. It may be gone when the main loop runs. */
const GrelRedisAddress *grel_redis_servers_get_address (GrelRedisServers *self);

/* Whether it still is a place to listen. */
gboolean grel_redis_servers_are_at (GrelRedisServers *self, const GrelRedisAddress *address);

/* Calls the function whenever that may have changed, until it is NULL. */
void grel_redis_servers_watch (GrelRedisServers *self, GSourceOnceFunc changed, gpointer data);

/* Takes the command. */
void grel_redis_servers_send (GrelRedisServers *self, GrelRedisCommand *command);

/* Takes a command without a task that puts right what one that failed may have done: it is sent
 * before anything else that waits, and again if it has to be, for as long as it makes sense. */
void
grel_redis_servers_amend (GrelRedisServers *self, GrelRedisCommand *command, GTimeSpan makes_sense);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisServers, grel_redis_servers_unref)

G_END_DECLS
