/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-error-private.h>

G_BEGIN_DECLS

/* Logs a message about a primitive, with the structured fields GREL_PRIMITIVE, GREL_NAME and
 * GREL_CODE. The code says what kind of message it is, in lower case and for good: loop-busy. */
void grel_log (GLogLevelFlags level, const char *code, GrelSubject subject, const char *format, ...)
  G_GNUC_PRINTF (4, 5);

/* The same for what is logged only if GREL_DEBUG lists the noun of the subject, or "all". */
void grel_debug (const char *code, GrelSubject subject, const char *format, ...)
  G_GNUC_PRINTF (3, 4);

G_END_DECLS
