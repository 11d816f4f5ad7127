/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

/**
 * GrelCircuitState:
 * @GREL_CIRCUIT_STATE_CLOSED: calls go through
 * @GREL_CIRCUIT_STATE_OPEN: calls are refused until the reset timeout is over
 * @GREL_CIRCUIT_STATE_HALF_OPEN: a few calls go through, as probes
 * @GREL_CIRCUIT_STATE_FORCED_OPEN: calls are refused until the circuit is reset
 * @GREL_CIRCUIT_STATE_FORCED_CLOSED: calls go through, however they end
 *
 * What a circuit breaker does with the calls that come.
 *
 * Since: 0.1
 */
typedef enum
{
  GREL_CIRCUIT_STATE_CLOSED,
  GREL_CIRCUIT_STATE_OPEN,
  GREL_CIRCUIT_STATE_HALF_OPEN,
  GREL_CIRCUIT_STATE_FORCED_OPEN,
  GREL_CIRCUIT_STATE_FORCED_CLOSED
} GrelCircuitState;

/**
 * GrelCircuitOutcome:
 * @GREL_CIRCUIT_OUTCOME_NONE: nothing is known of the dependency; the call was cancelled
 * @GREL_CIRCUIT_OUTCOME_SUCCESS: the dependency did what it should
 * @GREL_CIRCUIT_OUTCOME_ERROR: the dependency failed
 *
 * How a call ended that a circuit breaker admitted.
 *
 * Since: 0.1
 */
typedef enum
{
  GREL_CIRCUIT_OUTCOME_NONE,
  GREL_CIRCUIT_OUTCOME_SUCCESS,
  GREL_CIRCUIT_OUTCOME_ERROR
} GrelCircuitOutcome;

#define GREL_TYPE_CIRCUIT_SETTINGS (grel_circuit_settings_get_type ())

/**
 * GrelCircuitSettings:
 * @error_threshold: how many errors in a row open the circuit
 * @success_threshold: how many successes in a row close it again
 * @half_open_capacity: how many probes may run at a time
 * @reset_timeout: how long it is open before the first probe, and how long a probe may take, in
 *   microseconds
 *
 * The settings of a circuit breaker as they were when a call was admitted.
 *
 * Since: 0.1
 */
typedef struct
{
  guint error_threshold;
  guint success_threshold;
  guint half_open_capacity;
  GTimeSpan reset_timeout;
} GrelCircuitSettings;

GREL_AVAILABLE_IN_ALL
GType grel_circuit_settings_get_type (void) G_GNUC_CONST;

GREL_AVAILABLE_IN_ALL
GrelCircuitSettings *grel_circuit_settings_copy (const GrelCircuitSettings *self);

GREL_AVAILABLE_IN_ALL
void grel_circuit_settings_free (GrelCircuitSettings *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelCircuitSettings, grel_circuit_settings_free)

/**
 * GrelCircuitSnapshot:
 * @state: the state
 * @consecutive_errors: how many errors in a row there were
 * @consecutive_successes: how many successes in a row there were, while half-open
 * @retry_after: how long it is open still, in microseconds
 *
 * What a circuit breaker backend knows of one circuit.
 *
 * Since: 0.1
 */
typedef struct
{
  GrelCircuitState state;
  guint consecutive_errors;
  guint consecutive_successes;
  GTimeSpan retry_after;
} GrelCircuitSnapshot;

G_END_DECLS
