/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/resilience/grel-circuit-settings-private.h>

#include <string.h>

#define GREL_CIRCUIT_NAME_MAX 1000

const GrelCircuitSettings grel_circuit_settings_default = {
  .error_threshold = 5,
  .success_threshold = 2,
  .half_open_capacity = 1,
  .reset_timeout = 30 * G_TIME_SPAN_SECOND,
};

G_DEFINE_BOXED_TYPE (GrelCircuitSettings,
                     grel_circuit_settings,
                     grel_circuit_settings_copy,
                     grel_circuit_settings_free)

/**
 * grel_circuit_settings_copy:
 * @self: settings
 *
 * Copies the settings. May be called from any thread.
 *
 * Returns: (transfer full): a copy
 *
 * Since: 0.1
 */
GrelCircuitSettings *
grel_circuit_settings_copy (const GrelCircuitSettings *self)
{
  return g_memdup2 (self, sizeof *self);
}

/**
 * grel_circuit_settings_free:
 * @self: (transfer full): settings
 *
 * Frees the settings. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_circuit_settings_free (GrelCircuitSettings *self)
{
  g_free (self);
}

const char *
grel_circuit_settings_find_fault (const GrelCircuitSettings *self)
{
  if (self->error_threshold < 1)
    return "error-threshold: must be at least 1";
  if (self->success_threshold < 1)
    return "success-threshold: must be at least 1";
  if (self->half_open_capacity < 1)
    return "half-open-capacity: must be at least 1";
  if (self->reset_timeout <= 0 || self->reset_timeout > GREL_CIRCUIT_DURATION_MAX)
    return "reset-timeout: must be more than 0 and at most 100 years";
  return NULL;
}

GRefString *
grel_circuit_settings_make_key (const char *name)
{
  gsize length = name != NULL ? strlen (name) : 0;
  g_autofree char *key = NULL;

  if (length == 0 || length > GREL_CIRCUIT_NAME_MAX || !g_utf8_validate (name, length, NULL))
    return NULL;

  key = g_strconcat ("cb:", name, NULL);
  return g_ref_string_new (key);
}
