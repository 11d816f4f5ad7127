/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/memory/grel-memory-circuit-breaker-adapter.h>

G_BEGIN_DECLS

/* How many circuits take memory. For tests. */
guint grel_memory_circuit_breaker_adapter_count_records (GrelMemoryCircuitBreakerAdapter *self);

G_END_DECLS
