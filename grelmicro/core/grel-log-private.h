/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-error-private.h>

G_BEGIN_DECLS

/* Logs a message about a primitive, with the structured fields GREL_PRIMITIVE and GREL_NAME. */
void grel_log (GLogLevelFlags level, GrelSubject subject, const char *format, ...)
  G_GNUC_PRINTF (3, 4);

/* The same for what is logged only if GREL_DEBUG lists the noun of the subject, or "all". */
void grel_debug (GrelSubject subject, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
