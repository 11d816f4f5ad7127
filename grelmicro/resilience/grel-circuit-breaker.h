/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-app.h>
#include <grelmicro/core/grel-operation.h>
#include <grelmicro/resilience/grel-circuit-breaker-backend.h>
#include <grelmicro/resilience/grel-permit.h>

G_BEGIN_DECLS

#define GREL_TYPE_CIRCUIT_BREAKER (grel_circuit_breaker_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelCircuitBreaker, grel_circuit_breaker, GREL, CIRCUIT_BREAKER, GObject)

GREL_AVAILABLE_IN_ALL
GrelCircuitBreaker *grel_circuit_breaker_new (const char *name);

GREL_AVAILABLE_IN_ALL
GrelCircuitBreaker *grel_circuit_breaker_get_keyed (GrelCircuitBreaker *self, const char *key);

/* Its settings */

GREL_AVAILABLE_IN_ALL
const char *grel_circuit_breaker_get_name (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
GrelCircuitBreakerBackend *grel_circuit_breaker_get_backend (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_set_backend (GrelCircuitBreaker *self,
                                       GrelCircuitBreakerBackend *backend);

GREL_AVAILABLE_IN_ALL
GrelApp *grel_circuit_breaker_get_app (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_set_app (GrelCircuitBreaker *self, GrelApp *app);

GREL_AVAILABLE_IN_ALL
guint grel_circuit_breaker_get_error_threshold (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_set_error_threshold (GrelCircuitBreaker *self, guint error_threshold);

GREL_AVAILABLE_IN_ALL
guint grel_circuit_breaker_get_success_threshold (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_set_success_threshold (GrelCircuitBreaker *self, guint success_threshold);

GREL_AVAILABLE_IN_ALL
guint grel_circuit_breaker_get_half_open_capacity (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_set_half_open_capacity (GrelCircuitBreaker *self,
                                                  guint half_open_capacity);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_circuit_breaker_get_reset_timeout (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_set_reset_timeout (GrelCircuitBreaker *self, GTimeSpan reset_timeout);

GREL_AVAILABLE_IN_ALL
guint grel_circuit_breaker_get_max_keyed (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_set_max_keyed (GrelCircuitBreaker *self, guint max_keyed);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_ignore_error (GrelCircuitBreaker *self, const char *domain, int code);

/* What it has seen */

GREL_AVAILABLE_IN_ALL
GrelCircuitState grel_circuit_breaker_get_state (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_circuit_breaker_get_retry_after (GrelCircuitBreaker *self);

GREL_AVAILABLE_IN_ALL
GVariant *grel_circuit_breaker_get_metrics (GrelCircuitBreaker *self);

/* Calls */

GREL_AVAILABLE_IN_ALL
gboolean grel_circuit_breaker_allow (GrelCircuitBreaker *self, guint64 *ticket, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_circuit_breaker_record_success (GrelCircuitBreaker *self, guint64 ticket);

GREL_AVAILABLE_IN_ALL
gboolean
grel_circuit_breaker_record_error (GrelCircuitBreaker *self, guint64 ticket, const GError *reason);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_acquire_async (GrelCircuitBreaker *self,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);

GREL_AVAILABLE_IN_ALL
GrelPermit *grel_circuit_breaker_acquire_finish (GrelCircuitBreaker *self,
                                                 GAsyncResult *result,
                                                 GError **error);

GREL_AVAILABLE_IN_ALL
GrelPermit *grel_circuit_breaker_acquire_from_thread (GrelCircuitBreaker *self,
                                                      GCancellable *cancellable,
                                                      GError **error);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_run_async (GrelCircuitBreaker *self,
                                     GrelOperation *operation,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);

GREL_AVAILABLE_IN_ALL
GValue *
grel_circuit_breaker_run_finish (GrelCircuitBreaker *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_circuit_breaker_run_from_thread (GrelCircuitBreaker *self,
                                               GrelCallFunc func,
                                               gpointer func_data,
                                               GCancellable *cancellable,
                                               GError **error);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_isolate_async (GrelCircuitBreaker *self,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_circuit_breaker_isolate_finish (GrelCircuitBreaker *self,
                                              GAsyncResult *result,
                                              GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_circuit_breaker_isolate_from_thread (GrelCircuitBreaker *self,
                                                   GCancellable *cancellable,
                                                   GError **error);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_reset_async (GrelCircuitBreaker *self,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean
grel_circuit_breaker_reset_finish (GrelCircuitBreaker *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_circuit_breaker_reset_from_thread (GrelCircuitBreaker *self,
                                                 GCancellable *cancellable,
                                                 GError **error);

G_END_DECLS
