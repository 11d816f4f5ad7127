/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

#include <grelmicro/redis/grel-redis-reply-private.h>
#include <grelmicro/redis/grel-redis-settings-private.h>

G_BEGIN_DECLS

typedef struct _GrelRedisConnection GrelRedisConnection;

/* In the context that was thread-default when the connection was made, which still is. */
typedef struct
{
  void (*opened) (gpointer owner);
  void (*received) (gpointer owner, GrelRedisReply *reply); /* (transfer none) */
  void (*lost) (gpointer owner, const GError *error);       /* the last call */
} GrelRedisConnectionFuncs;

/* Connects to that address, and says who it is. The settings outlive the owner's interest. */
GrelRedisConnection *grel_redis_connection_new (const GrelRedisSettings *settings,
                                                const GrelRedisAddress *address,
                                                const GrelRedisConnectionFuncs *funcs,
                                                gpointer owner,
                                                GError **error);

/* What is to be sent: it leaves in one write when the turn of the main loop is over. */
GByteArray *grel_redis_connection_get_output (GrelRedisConnection *self);

/* Takes in what has arrived: a main loop that was held up may see a timer first. */
void grel_redis_connection_poll (GrelRedisConnection *self);

/* Sends what is to be sent, closes, and drops the owner's reference; calls nothing any more. */
void grel_redis_connection_close (GrelRedisConnection *self);

/* The same, but what the server hasn't got yet it isn't going to get. */
void grel_redis_connection_abort (GrelRedisConnection *self);

/* The parser of what servers say. */
typedef struct _GrelRedisReader GrelRedisReader;

GrelRedisReader *grel_redis_reader_new (void);

void grel_redis_reader_free (GrelRedisReader *self);

void grel_redis_reader_feed (GrelRedisReader *self, const char *data, gsize length);

/* Returns: (transfer full) (nullable): the next reply that is complete; NULL without an error if
 * there is none yet */
GrelRedisReply *grel_redis_reader_take (GrelRedisReader *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisReader, grel_redis_reader_free)

G_END_DECLS
