/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-servers-private.h>

G_BEGIN_DECLS

/* One connection, to a server that passes on what is said at any, for the channels of a provider.
 * It is made when the first one is watched, and kept until a listener leaves and nobody watches
 * any. All in the context of the client. */
typedef struct _GrelRedisSubscriber GrelRedisSubscriber;

/* A message, or NULL if messages of that channel arrive from now on: some may have been missed. It
 * must not call back into the subscriber. */
typedef void (*GrelRedisHeard) (gpointer listener, const char *channel, const char *message);

/* The servers outlive it. */
GrelRedisSubscriber *grel_redis_subscriber_new (GrelRedisServers *servers);

void grel_redis_subscriber_free (GrelRedisSubscriber *self);

/* Once for each listener and channel. */
void grel_redis_subscriber_watch (GrelRedisSubscriber *self,
                                  const char *channel,
                                  GrelRedisHeard heard,
                                  gpointer listener);

void
grel_redis_subscriber_unwatch (GrelRedisSubscriber *self, const char *channel, gpointer listener);

/* Ends all watches of a listener. */
void grel_redis_subscriber_leave (GrelRedisSubscriber *self, gpointer listener);

G_END_DECLS
