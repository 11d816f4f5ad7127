/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-adapter-private.h>
#include <grelmicro/resilience/grel-circuit-breaker-backend.h>

G_BEGIN_DECLS

#define GREL_TYPE_REDIS_CIRCUIT_BREAKER_ADAPTER (grel_redis_circuit_breaker_adapter_get_type ())

G_DECLARE_FINAL_TYPE (GrelRedisCircuitBreakerAdapter,
                      grel_redis_circuit_breaker_adapter,
                      GREL,
                      REDIS_CIRCUIT_BREAKER_ADAPTER,
                      GrelCircuitBreakerBackend)

/* What the scripts say: their answer, and how the circuit stands. */
gboolean grel_redis_circuit_map (const GrelRedisReply *reply,
                                 gint64 *answer,
                                 GrelCircuitSnapshot *snapshot,
                                 GError **error);

G_END_DECLS
