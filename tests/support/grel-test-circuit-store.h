/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test-desk.h"
#include "grel-test.h"

G_BEGIN_DECLS

/* A circuit breaker backend whose store is somewhere else, and outlasts a close. */
#define GREL_TEST_TYPE_CIRCUIT_STORE (grel_test_circuit_store_get_type ())

G_DECLARE_FINAL_TYPE (GrelTestCircuitStore,
                      grel_test_circuit_store,
                      GREL_TEST,
                      CIRCUIT_STORE,
                      GrelCircuitBreakerBackend)

GrelTestCircuitStore *grel_test_circuit_store_new (void);

/* Where it takes requests, which may hang, fail or be dropped. Requests that hang keep it alive. */
GrelTestDesk *grel_test_circuit_store_get_desk (GrelTestCircuitStore *self);

/* What another process sees and does there, which this one isn't told of. */
GrelCircuitState grel_test_circuit_store_get_state (GrelTestCircuitStore *self, const char *key);
gint64 grel_test_circuit_store_admit_behind (GrelTestCircuitStore *self,
                                             const char *key,
                                             const GrelCircuitSettings *settings);
void grel_test_circuit_store_set_state_behind (GrelTestCircuitStore *self,
                                               const char *key,
                                               GrelCircuitState state,
                                               GTimeSpan cool_down);

G_END_DECLS
