/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-provider.h>
#include <grelmicro/redis/grel-redis-servers-private.h>
#include <grelmicro/redis/grel-redis-subscriber-private.h>

G_BEGIN_DECLS

/* One server or more, for redis: and its like. */
#define GREL_TYPE_REDIS_PROVIDER (grel_redis_provider_get_type ())

G_DECLARE_FINAL_TYPE (GrelRedisProvider, grel_redis_provider, GREL, REDIS_PROVIDER, GrelProvider)

GrelRedisServers *grel_redis_provider_get_servers (GrelRedisProvider *self);

GrelRedisSubscriber *grel_redis_provider_get_subscriber (GrelRedisProvider *self);

/* What all keys begin with. */
const char *grel_redis_provider_get_prefix (GrelRedisProvider *self);

G_END_DECLS
