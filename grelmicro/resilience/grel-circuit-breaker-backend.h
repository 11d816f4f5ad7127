/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-backend.h>
#include <grelmicro/resilience/grel-circuit-types.h>

G_BEGIN_DECLS

#define GREL_TYPE_CIRCUIT_BREAKER_BACKEND (grel_circuit_breaker_backend_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (GrelCircuitBreakerBackend,
                          grel_circuit_breaker_backend,
                          GREL,
                          CIRCUIT_BREAKER_BACKEND,
                          GrelBackend)

/**
 * GrelCircuitBreakerBackendClass:
 * @parent_class: the parent class
 * @admit: see [method@Grelmicro.CircuitBreakerBackend.admit]
 * @record: see [method@Grelmicro.CircuitBreakerBackend.record]
 * @set_state: see [method@Grelmicro.CircuitBreakerBackend.set_state]
 * @get_state: see [method@Grelmicro.CircuitBreakerBackend.get_state]
 * @try_admit: the answer of @admit, from any thread and without waiting
 * @try_record: the answer of @record, from any thread and without waiting
 * @try_set_state: does what @set_state does, from any thread and without waiting
 * @try_get_state: tells the state, from any thread and without waiting
 *
 * Class of [class@Grelmicro.CircuitBreakerBackend].
 *
 * A class implements the first four, which run in the captured context and answer through a task.
 * One that is thread-safe and never waits implements the last four instead, all of them; they are
 * for C only, since a script must not run on any thread.
 *
 * Since: 0.1
 */
struct _GrelCircuitBreakerBackendClass
{
  GrelBackendClass parent_class;

  void (*admit) (GrelCircuitBreakerBackend *self,
                 const char *name,
                 const GrelCircuitSettings *settings,
                 GTask *task);
  void (*record) (GrelCircuitBreakerBackend *self,
                  const char *name,
                  gint64 ticket,
                  GrelCircuitOutcome outcome,
                  const GrelCircuitSettings *settings,
                  GTask *task);
  void (*set_state) (GrelCircuitBreakerBackend *self,
                     const char *name,
                     GrelCircuitState state,
                     GTimeSpan cool_down,
                     GTask *task);
  void (*get_state) (GrelCircuitBreakerBackend *self, const char *name, GTask *task);

  gint64 (*try_admit) (GrelCircuitBreakerBackend *self,
                       const char *name,
                       const GrelCircuitSettings *settings,
                       GrelCircuitSnapshot *snapshot);
  gboolean (*try_record) (GrelCircuitBreakerBackend *self,
                          const char *name,
                          gint64 ticket,
                          GrelCircuitOutcome outcome,
                          const GrelCircuitSettings *settings,
                          GrelCircuitSnapshot *snapshot);
  void (*try_set_state) (GrelCircuitBreakerBackend *self,
                         const char *name,
                         GrelCircuitState state,
                         GTimeSpan cool_down,
                         GrelCircuitSnapshot *snapshot);
  void (*try_get_state) (GrelCircuitBreakerBackend *self,
                         const char *name,
                         GrelCircuitSnapshot *snapshot);

  /*< private >*/
  gpointer _reserved[8];
};

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_backend_admit (GrelCircuitBreakerBackend *self,
                                         const char *name,
                                         const GrelCircuitSettings *settings,
                                         GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_backend_record (GrelCircuitBreakerBackend *self,
                                          const char *name,
                                          gint64 ticket,
                                          GrelCircuitOutcome outcome,
                                          const GrelCircuitSettings *settings,
                                          GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_backend_set_state (GrelCircuitBreakerBackend *self,
                                             const char *name,
                                             GrelCircuitState state,
                                             GTimeSpan cool_down,
                                             GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_backend_get_state (GrelCircuitBreakerBackend *self,
                                             const char *name,
                                             GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_circuit_breaker_backend_report (GrelCircuitBreakerBackend *self,
                                          const char *name,
                                          GrelCircuitState state,
                                          guint consecutive_errors,
                                          guint consecutive_successes,
                                          GTimeSpan retry_after);

G_END_DECLS
