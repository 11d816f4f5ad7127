/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-backend.h>
#include <grelmicro/redis/grel-redis-adapter-private.h>

G_BEGIN_DECLS

#define GREL_TYPE_REDIS_CACHE_ADAPTER (grel_redis_cache_adapter_get_type ())

G_DECLARE_FINAL_TYPE (GrelRedisCacheAdapter,
                      grel_redis_cache_adapter,
                      GREL,
                      REDIS_CACHE_ADAPTER,
                      GrelCacheBackend)

G_END_DECLS
