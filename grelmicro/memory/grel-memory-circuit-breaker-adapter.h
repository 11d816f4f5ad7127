/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/resilience/grel-circuit-breaker-backend.h>

G_BEGIN_DECLS

#define GREL_TYPE_MEMORY_CIRCUIT_BREAKER_ADAPTER (grel_memory_circuit_breaker_adapter_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelMemoryCircuitBreakerAdapter,
                      grel_memory_circuit_breaker_adapter,
                      GREL,
                      MEMORY_CIRCUIT_BREAKER_ADAPTER,
                      GrelCircuitBreakerBackend)

GREL_AVAILABLE_IN_ALL
GrelMemoryCircuitBreakerAdapter *grel_memory_circuit_breaker_adapter_new (void);

G_END_DECLS
