/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define GREL_LOCK_NAME_RULE                                                                        \
  "name: must be 1 to 200 of the characters A-Z a-z 0-9 . _ : / - and begin with a letter or "     \
  "digit"

/* The settings of a lock as they were when the operation began. */
typedef struct
{
  GTimeSpan lease_duration;
  GTimeSpan retry_interval;
  GTimeSpan max_hold_duration; /* 0 is no bound */
  double retry_jitter;
  gboolean auto_extend;
} GrelLockSettings;

extern const GrelLockSettings grel_lock_settings_default;

/* Returns: (transfer full) (nullable): prefix:name; NULL if the name breaks the rule */
GRefString *grel_lock_settings_make_key (const char *prefix, const char *name);

/* Returns: (nullable): which setting breaks which rule */
const char *grel_lock_settings_find_fault (const GrelLockSettings *settings);

G_END_DECLS
