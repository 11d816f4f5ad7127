/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test-circuit-store.h"

G_BEGIN_DECLS

/* What the scene's circuit breaker is set to. */
#define GREL_TEST_ERROR_THRESHOLD 3
#define GREL_TEST_SUCCESS_THRESHOLD 2
#define GREL_TEST_RESET_TIMEOUT (30 * G_TIME_SPAN_SECOND)

/* A circuit breaker on a context of the test's own and a clock that stands still, in memory or in a
 * store. A fixture for g_test_add (). Its end checks that the backend is let go. */
typedef struct
{
  GMainContext *context;
  GrelVirtualClock *clock;
  GrelTestCircuitStore *store; /* NULL in memory */
  GrelTestDesk *desk;          /* likewise */
  GrelBackend *backend;
  GrelCircuitBreaker *breaker; /* “payment” */
} GrelTestCircuitScene;

/* With a backend of the test's own (transfer full). */
void grel_test_circuit_scene_set_up (GrelTestCircuitScene *self, gpointer backend);

void grel_test_circuit_scene_set_up_memory (GrelTestCircuitScene *self, gconstpointer data);
void grel_test_circuit_scene_set_up_store (GrelTestCircuitScene *self, gconstpointer data);
void grel_test_circuit_scene_tear_down (GrelTestCircuitScene *self, gconstpointer data);

/* Lets time pass by its clock. */
void grel_test_circuit_scene_pass (GrelTestCircuitScene *self, GTimeSpan span);

/* A call that has to be admitted, or refused; -1 is any time until it may come back. */
GrelPermit *grel_test_circuit_scene_admit (GrelTestCircuitScene *self);
void grel_test_circuit_scene_be_refused (GrelTestCircuitScene *self, GTimeSpan retry_after);

/* Calls that end in a certain way. */
void grel_test_circuit_scene_succeed (GrelTestCircuitScene *self, guint n_calls);
void grel_test_circuit_scene_fail (GrelTestCircuitScene *self, guint n_calls);

/* Fails until it is open, and then waits until a probe may go through. */
void grel_test_circuit_scene_trip (GrelTestCircuitScene *self);
void grel_test_circuit_scene_cool_down (GrelTestCircuitScene *self);

void grel_test_circuit_scene_expect_state (GrelTestCircuitScene *self, GrelCircuitState state);

/* Closes the backend, and opens it. */
void grel_test_circuit_scene_close (GrelTestCircuitScene *self);
void grel_test_circuit_scene_open (GrelTestCircuitScene *self);

/* One of the figures in the metrics. */
guint64 grel_test_circuit_breaker_get_figure (GrelCircuitBreaker *breaker, const char *name);

G_END_DECLS
