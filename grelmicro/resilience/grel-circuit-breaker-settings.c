/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-route-private.h>
#include <grelmicro/resilience/grel-circuit-breaker-private.h>

/* What a circuit breaker is set to; a keyed circuit shares it with the one that it came from. */

static void
grel_circuit_breaker_write (GrelCircuitBreaker *self,
                            gpointer field,
                            gconstpointer value,
                            gsize size,
                            const char *property)
{
  if (grel_primitive_write (&self->family->primitive, field, value, size))
    g_object_notify (G_OBJECT (self), property);
}

/**
 * grel_circuit_breaker_get_name: (get-property name)
 * @self: a circuit breaker
 *
 * Gets the name of the circuit. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the name, as it was given
 *
 * Since: 0.1
 */
const char *
grel_circuit_breaker_get_name (GrelCircuitBreaker *self)
{
  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), NULL);

  return self->name;
}

/**
 * grel_circuit_breaker_get_backend: (get-property backend)
 * @self: a circuit breaker
 *
 * Gets the backend that was set. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the backend; %NULL if the circuit breaker finds one in an
 * app
 *
 * Since: 0.1
 */
GrelCircuitBreakerBackend *
grel_circuit_breaker_get_backend (GrelCircuitBreaker *self)
{
  GrelCircuitBreakerBackend *value;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), NULL);

  grel_primitive_read (&self->family->primitive, &self->family->primitive.backend, &value,
                       sizeof value);
  return value;
}

/**
 * grel_circuit_breaker_set_backend: (set-property backend)
 * @self: a circuit breaker
 * @backend: (nullable): a circuit breaker backend, %NULL to find one in an app at each use
 *
 * Sets the backend. It applies to the next operation. Call it before the circuit breaker is shared
 * between threads.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_set_backend (GrelCircuitBreaker *self, GrelCircuitBreakerBackend *backend)
{
  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));
  g_return_if_fail (backend == NULL || GREL_IS_CIRCUIT_BREAKER_BACKEND (backend));

  if (grel_primitive_write_object (&self->family->primitive, &self->family->primitive.backend,
                                   backend))
    g_object_notify (G_OBJECT (self), "backend");
}

/**
 * grel_circuit_breaker_get_app: (get-property app)
 * @self: a circuit breaker
 *
 * Gets the app that was set. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the app; %NULL if the circuit breaker finds one
 *
 * Since: 0.1
 */
GrelApp *
grel_circuit_breaker_get_app (GrelCircuitBreaker *self)
{
  GrelApp *value;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), NULL);

  grel_primitive_read (&self->family->primitive, &self->family->primitive.app, &value,
                       sizeof value);
  return value;
}

/**
 * grel_circuit_breaker_set_app: (set-property app)
 * @self: a circuit breaker
 * @app: (nullable): an app, %NULL to find one at each use
 *
 * Sets the app. It applies to the next operation. Call it before the circuit breaker is shared
 * between threads.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_set_app (GrelCircuitBreaker *self, GrelApp *app)
{
  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));
  g_return_if_fail (app == NULL || GREL_IS_APP (app));

  if (grel_primitive_write_object (&self->family->primitive, &self->family->primitive.app, app))
    g_object_notify (G_OBJECT (self), "app");
}

/**
 * grel_circuit_breaker_get_error_threshold: (get-property error-threshold)
 * @self: a circuit breaker
 *
 * Gets how many errors in a row open the circuit. May be called from any thread.
 *
 * Returns: a number
 *
 * Since: 0.1
 */
guint
grel_circuit_breaker_get_error_threshold (GrelCircuitBreaker *self)
{
  guint value;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), 0);

  grel_primitive_read (&self->family->primitive, &self->family->settings.error_threshold, &value,
                       sizeof value);
  return value;
}

/**
 * grel_circuit_breaker_set_error_threshold: (set-property error-threshold)
 * @self: a circuit breaker
 * @error_threshold: a number; at least 1
 *
 * Sets how many errors in a row open the circuit. It applies to calls that are admitted from now
 * on. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_set_error_threshold (GrelCircuitBreaker *self, guint error_threshold)
{
  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));

  grel_circuit_breaker_write (self, &self->family->settings.error_threshold, &error_threshold,
                              sizeof error_threshold, "error-threshold");
}

/**
 * grel_circuit_breaker_get_success_threshold: (get-property success-threshold)
 * @self: a circuit breaker
 *
 * Gets how many successes in a row close the circuit when it is half-open. May be called from any
 * thread.
 *
 * Returns: a number
 *
 * Since: 0.1
 */
guint
grel_circuit_breaker_get_success_threshold (GrelCircuitBreaker *self)
{
  guint value;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), 0);

  grel_primitive_read (&self->family->primitive, &self->family->settings.success_threshold, &value,
                       sizeof value);
  return value;
}

/**
 * grel_circuit_breaker_set_success_threshold: (set-property success-threshold)
 * @self: a circuit breaker
 * @success_threshold: a number; at least 1
 *
 * Sets how many successes in a row close the circuit when it is half-open. It applies to calls that
 * are admitted from now on. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_set_success_threshold (GrelCircuitBreaker *self, guint success_threshold)
{
  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));

  grel_circuit_breaker_write (self, &self->family->settings.success_threshold, &success_threshold,
                              sizeof success_threshold, "success-threshold");
}

/**
 * grel_circuit_breaker_get_half_open_capacity: (get-property half-open-capacity)
 * @self: a circuit breaker
 *
 * Gets how many probes may run at a time. May be called from any thread.
 *
 * Returns: a number
 *
 * Since: 0.1
 */
guint
grel_circuit_breaker_get_half_open_capacity (GrelCircuitBreaker *self)
{
  guint value;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), 0);

  grel_primitive_read (&self->family->primitive, &self->family->settings.half_open_capacity, &value,
                       sizeof value);
  return value;
}

/**
 * grel_circuit_breaker_set_half_open_capacity: (set-property half-open-capacity)
 * @self: a circuit breaker
 * @half_open_capacity: a number; at least 1
 *
 * Sets how many probes may run at a time. It applies to calls that are admitted from now on. May be
 * called from any thread.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_set_half_open_capacity (GrelCircuitBreaker *self, guint half_open_capacity)
{
  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));

  grel_circuit_breaker_write (self, &self->family->settings.half_open_capacity, &half_open_capacity,
                              sizeof half_open_capacity, "half-open-capacity");
}

/**
 * grel_circuit_breaker_get_reset_timeout: (get-property reset-timeout)
 * @self: a circuit breaker
 *
 * Gets how long the circuit is open before probes may go through. May be called from any thread.
 *
 * Returns: a time span in microseconds
 *
 * Since: 0.1
 */
GTimeSpan
grel_circuit_breaker_get_reset_timeout (GrelCircuitBreaker *self)
{
  GTimeSpan value;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), 0);

  grel_primitive_read (&self->family->primitive, &self->family->settings.reset_timeout, &value,
                       sizeof value);
  return value;
}

/**
 * grel_circuit_breaker_set_reset_timeout: (set-property reset-timeout)
 * @self: a circuit breaker
 * @reset_timeout: a time span in microseconds; more than 0
 *
 * Sets how long the circuit is open before probes may go through. It applies to calls that are
 * admitted from now on. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_set_reset_timeout (GrelCircuitBreaker *self, GTimeSpan reset_timeout)
{
  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));

  grel_circuit_breaker_write (self, &self->family->settings.reset_timeout, &reset_timeout,
                              sizeof reset_timeout, "reset-timeout");
}

/**
 * grel_circuit_breaker_get_max_keyed: (get-property max-keyed)
 * @self: a circuit breaker
 *
 * Gets how many keyed circuits are remembered. May be called from any thread.
 *
 * Returns: a number; 0 is no bound
 *
 * Since: 0.1
 */
guint
grel_circuit_breaker_get_max_keyed (GrelCircuitBreaker *self)
{
  guint value;

  g_return_val_if_fail (GREL_IS_CIRCUIT_BREAKER (self), 0);

  grel_primitive_read (&self->family->primitive, &self->family->max_keyed, &value, sizeof value);
  return value;
}

/**
 * grel_circuit_breaker_set_max_keyed: (set-property max-keyed)
 * @self: a circuit breaker
 * @max_keyed: a number; 0 is no bound
 *
 * Sets how many keyed circuits are remembered. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_set_max_keyed (GrelCircuitBreaker *self, guint max_keyed)
{
  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));

  grel_circuit_breaker_write (self, &self->family->max_keyed, &max_keyed, sizeof max_keyed,
                              "max-keyed");
}

/* The list is never changed once a call may be judged by it. */
static GArray *
grel_ignored_errors_add (GArray *list, GrelIgnoredError ignored)
{
  GArray *longer = g_array_new (FALSE, FALSE, sizeof (GrelIgnoredError));

  if (list != NULL)
    g_array_append_vals (longer, list->data, list->len);
  g_array_append_val (longer, ignored);
  return longer;
}

/**
 * grel_circuit_breaker_ignore_error:
 * @self: a circuit breaker
 * @domain: an error domain, as a string: `g-io-error-quark`
 * @code: an error code of the domain; -1 for all of them
 *
 * Lets calls that end with this error count as successes: the dependency did answer. Errors of
 * which [func@Grelmicro.Error.is_outcome] says that they are none, such as %G_IO_ERROR_CANCELLED,
 * never count. It applies to calls that are admitted from now on. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_ignore_error (GrelCircuitBreaker *self, const char *domain, int code)
{
  const GrelIgnoredError ignored = { g_quark_from_string (domain), code };
  GrelPrimitive *primitive;

  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER (self));
  g_return_if_fail (domain != NULL);

  primitive = &self->family->primitive;
  grel_primitive_lock (primitive);
  {
    g_autoptr (GArray) shorter = self->family->ignored;

    self->family->ignored = grel_ignored_errors_add (shorter, ignored);
    grel_route_change ();
  }
  grel_primitive_unlock (primitive);
}
