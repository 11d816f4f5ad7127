/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/resilience/grel-circuit-types.h>

G_BEGIN_DECLS

extern const GrelCircuitSettings grel_circuit_settings_default;

/* The longest time that makes sense; 100 years. */
#define GREL_CIRCUIT_DURATION_MAX (36525 * G_TIME_SPAN_DAY)

/* Returns: (nullable): which setting breaks which rule */
const char *grel_circuit_settings_find_fault (const GrelCircuitSettings *self);

#define GREL_CIRCUIT_NAME_RULE "name: must be 1 to 1000 bytes of UTF-8"

/* Returns: (transfer full) (nullable): cb:name; NULL if the name breaks the rule */
GRefString *grel_circuit_settings_make_key (const char *name);

G_END_DECLS
