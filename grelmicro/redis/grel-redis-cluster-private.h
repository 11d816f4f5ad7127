/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-client-private.h>

G_BEGIN_DECLS

/* The nodes of a cluster, each with a connection that is made when it is first needed, and who has
 * which keys. All in the context that it was started on. */
typedef struct _GrelRedisCluster GrelRedisCluster;

/* Is up once it knows who has the keys, and down when nobody can tell. The settings outlive it. */
GrelRedisCluster *grel_redis_cluster_new (const GrelRedisSettings *settings,
                                          const GrelRedisClientFuncs *funcs,
                                          gpointer owner);

void grel_redis_cluster_unref (GrelRedisCluster *self);

void grel_redis_cluster_start (GrelRedisCluster *self);

/* Whoever waits for an answer is told that it was closed. Calls the owner no more. */
void grel_redis_cluster_stop (GrelRedisCluster *self);

gboolean grel_redis_cluster_is_up (GrelRedisCluster *self);

/* Takes the command, which has a deadline, and finds the node. */
void
grel_redis_cluster_send (GrelRedisCluster *self, GrelRedisCommand *command, gboolean goes_first);

/* Whether that node has slots; as long as nobody knows that, any does. */
gboolean grel_redis_cluster_has_node (GrelRedisCluster *self, const GrelRedisAddress *address);

/* Any node, if possible one that works. It may be gone when the main loop runs. */
const GrelRedisAddress *grel_redis_cluster_get_address (GrelRedisCluster *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisCluster, grel_redis_cluster_unref)

G_END_DECLS
