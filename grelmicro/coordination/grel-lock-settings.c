/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lock-settings-private.h>

#include <string.h>

#define GREL_LOCK_NAME_MAX 200
#define GREL_LOCK_DURATION_MAX (36525 * G_TIME_SPAN_DAY)
#define GREL_LOCK_RETRY_INTERVAL_MIN G_TIME_SPAN_MILLISECOND

const GrelLockKind grel_lock_kind = {
  .prefix = "lock:",
  .noun = "lock",
  .busy = "is held by another; give a timeout to wait for it",
  .defaults = {
    .lease_duration = 60 * G_TIME_SPAN_SECOND,
    .retry_interval = 100 * G_TIME_SPAN_MILLISECOND,
    .retry_jitter = 0.1,
    .auto_extend = TRUE,
  },
};

const GrelLockKind grel_task_lock_kind = {
  .prefix = "tasklock:",
  .noun = "task lock",
  .busy = "is held by another, or the min-hold-duration of its last holder is not over",
  .defaults = {
    .lease_duration = 60 * G_TIME_SPAN_SECOND,
    .min_hold_duration = G_TIME_SPAN_SECOND,
    .retry_interval = 100 * G_TIME_SPAN_MILLISECOND,
  },
};

static const GrelLockKind *const grel_lock_kinds[] = { &grel_lock_kind, &grel_task_lock_kind };

const GrelLockKind *
grel_lock_kind_for_key (const char *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (grel_lock_kinds); i++)
    if (g_str_has_prefix (key, grel_lock_kinds[i]->prefix))
      return grel_lock_kinds[i];
  g_return_val_if_reached (NULL);
}

static gboolean
grel_lock_is_name_acceptable (const char *name)
{
  gsize length = name != NULL ? strlen (name) : 0;

  if (length == 0 || length > GREL_LOCK_NAME_MAX || !g_ascii_isalnum (name[0]))
    return FALSE;

  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("._:/-", *c) == NULL)
      return FALSE;
  return TRUE;
}

GRefString *
grel_lock_kind_make_key (const GrelLockKind *self, const char *name)
{
  g_autofree char *key = NULL;

  if (!grel_lock_is_name_acceptable (name))
    return NULL;

  key = g_strconcat (self->prefix, name, NULL);
  return g_ref_string_new (key);
}

const char *
grel_lock_kind_find_fault (const GrelLockKind *self, const GrelLockSettings *settings)
{
  if (settings->lease_duration <= 0 || settings->lease_duration > GREL_LOCK_DURATION_MAX)
    return "lease-duration: must be more than 0 and at most 100 years";
  if (settings->retry_interval < GREL_LOCK_RETRY_INTERVAL_MIN
      || settings->retry_interval > GREL_LOCK_DURATION_MAX)
    return "retry-interval: must be at least 1 ms and at most 100 years";
  if (!(settings->retry_jitter >= 0.0 && settings->retry_jitter < 1.0))
    return "retry-jitter: must be at least 0 and less than 1";
  if (settings->max_hold_duration < 0 || settings->max_hold_duration > GREL_LOCK_DURATION_MAX)
    return "max-hold-duration: must be 0, for no bound, or more, and at most 100 years";
  if (self == &grel_task_lock_kind
      && (settings->min_hold_duration <= 0
          || settings->min_hold_duration > settings->lease_duration))
    return "min-hold-duration: must be more than 0 and at most the lease-duration";
  return NULL;
}
