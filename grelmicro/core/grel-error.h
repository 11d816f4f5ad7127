/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

/**
 * GREL_ERROR:
 *
 * The error domain of the library.
 *
 * Since: 0.1
 */
#define GREL_ERROR (grel_error_quark ())

/**
 * GrelError:
 * @GREL_ERROR_NOT_OPEN: the primitive has no open backend
 * @GREL_ERROR_CLOSED: the backend is closing or was closed
 * @GREL_ERROR_DEADLOCK: a blocking call on the thread that has to do the work
 * @GREL_ERROR_LOOP_NOT_RUNNING: nobody runs the main context that has to do the work
 * @GREL_ERROR_SETTINGS: a setting or an argument is not acceptable
 * @GREL_ERROR_NOT_REGISTERED: the app has no such backend, or there is no such store
 * @GREL_ERROR_AMBIGUOUS: several candidates and no way to tell which is meant
 * @GREL_ERROR_SCOPE: a backend shares its state less far than the environment demands
 * @GREL_ERROR_BACKEND: the store failed, or did not answer in time
 * @GREL_ERROR_WOULD_BLOCK: the call would have to wait and was told not to
 * @GREL_ERROR_TIMED_OUT: the call waited as long as it was told to
 * @GREL_ERROR_REENTRANT: the caller holds already what it asks for
 * @GREL_ERROR_NOT_OWNED: a lease or permit is spent, or was lost
 * @GREL_ERROR_CIRCUIT_OPEN: a circuit breaker refused the call
 * @GREL_ERROR_RATE_LIMITED: a rate limiter refused the call
 * @GREL_ERROR_BULKHEAD_FULL: a bulkhead refused the call
 * @GREL_ERROR_DEADLINE_EXCEEDED: an operation ran longer than it was allowed to
 *
 * What went wrong. The message names the primitive and says what to do; it never carries a token, a
 * password or a rejected value.
 *
 * Since: 0.1
 */
typedef enum
{
  GREL_ERROR_NOT_OPEN,
  GREL_ERROR_CLOSED,
  GREL_ERROR_DEADLOCK,
  GREL_ERROR_LOOP_NOT_RUNNING,
  GREL_ERROR_SETTINGS,
  GREL_ERROR_NOT_REGISTERED,
  GREL_ERROR_AMBIGUOUS,
  GREL_ERROR_SCOPE,
  GREL_ERROR_BACKEND,
  GREL_ERROR_WOULD_BLOCK,
  GREL_ERROR_TIMED_OUT,
  GREL_ERROR_REENTRANT,
  GREL_ERROR_NOT_OWNED,
  GREL_ERROR_CIRCUIT_OPEN,
  GREL_ERROR_RATE_LIMITED,
  GREL_ERROR_BULKHEAD_FULL,
  GREL_ERROR_DEADLINE_EXCEEDED
} GrelError;

GREL_AVAILABLE_IN_ALL
GQuark grel_error_quark (void);

GREL_AVAILABLE_IN_ALL
const char *grel_error_get_name (const GError *error);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_error_get_retry_after (const GError *error);

GREL_AVAILABLE_IN_ALL
gboolean grel_error_is_outcome (const GError *error);

GREL_AVAILABLE_IN_ALL
gboolean grel_error_is_refusal (const GError *error);

G_END_DECLS
