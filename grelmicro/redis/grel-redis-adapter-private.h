/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-backend.h>
#include <grelmicro/redis/grel-redis-provider-private.h>

G_BEGIN_DECLS

/* What all adapters have in common. They descend from classes of the library, and so not from one
 * of ours. */

/* For the class of an adapter: its provider, its scope, and how it opens and closes. */
void grel_redis_adapter_class_init (GrelBackendClass *klass);

/* For one whose own close does more. */
void grel_redis_adapter_close (GrelBackend *backend, GTask *task);

GrelRedisProvider *grel_redis_adapter_get_provider (gpointer adapter);

/* Adds the key of a name, which kinds of keys besides the first tell apart: "" or "fence:". */
void grel_redis_adapter_add_key (gpointer adapter,
                                 GrelRedisCommand *command,
                                 const char *kind,
                                 const char *name);

/* The same for keys that have to be together whatever their names are: those of a topic have a hash
 * tag in common in a cluster. */
void grel_redis_adapter_add_common_key (gpointer adapter,
                                        GrelRedisCommand *command,
                                        const char *topic,
                                        const char *kind,
                                        const char *name);

/* Takes the command. */
void grel_redis_adapter_send (gpointer adapter, GrelRedisCommand *command);

/* As grel_redis_servers_amend () does. */
void grel_redis_adapter_amend (gpointer adapter, GrelRedisCommand *command, GTimeSpan makes_sense);

/* How a command ends whose answer is 0 or 1. */
void grel_redis_adapter_return_boolean (GrelRedisCommand *command,
                                        const GrelRedisReply *reply,
                                        GError *error);

G_END_DECLS
