/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-log-private.h>

static void G_GNUC_PRINTF (4, 0) grel_log_valist (GLogLevelFlags level,
                                                  const char *code,
                                                  GrelSubject subject,
                                                  const char *format,
                                                  va_list args)
{
  g_autofree char *text = g_strdup_vprintf (format, args);
  const char *name = subject.name != NULL ? subject.name : "";

  g_log_structured (G_LOG_DOMAIN, level, "GREL_PRIMITIVE", subject.noun, "GREL_NAME", name,
                    "GREL_CODE", code, "MESSAGE", subject.name != NULL ? "%s “%s”: %s" : "%s%s: %s",
                    subject.noun, name, text);
}

void
grel_log (GLogLevelFlags level, const char *code, GrelSubject subject, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  grel_log_valist (level, code, subject, format, args);
  va_end (args);
}

static gboolean
grel_log_is_wanted (const char *area)
{
  static char **areas = NULL;

  if (g_once_init_enter (&areas))
    {
      const char *wanted = g_getenv ("GREL_DEBUG");

      g_once_init_leave (&areas, g_strsplit (wanted != NULL ? wanted : "", ",", -1));
    }
  return g_strv_contains ((const char *const *) areas, area)
         || g_strv_contains ((const char *const *) areas, "all");
}

void
grel_debug (const char *code, GrelSubject subject, const char *format, ...)
{
  va_list args;

  if (!grel_log_is_wanted (subject.noun))
    return;

  va_start (args, format);
  grel_log_valist (G_LOG_LEVEL_MESSAGE, code, subject, format, args);
  va_end (args);
}
