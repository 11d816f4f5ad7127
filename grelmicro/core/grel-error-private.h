/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-error.h>

G_BEGIN_DECLS

/* What an error or a log line is about: lock “cart”. */
typedef struct
{
  const char *noun;
  const char *name; /* nullable */
} GrelSubject;

GError *grel_error_new (GrelError code, GrelSubject subject, const char *format, ...)
  G_GNUC_PRINTF (3, 4);

GError *grel_error_new_from_store (GrelSubject subject, GError *cause);

void grel_error_set_retry_after (GError *error, GTimeSpan retry_after);

G_END_DECLS
