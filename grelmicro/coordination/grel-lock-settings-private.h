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
  GTimeSpan min_hold_duration; /* 0 is none */
  double retry_jitter;
  gboolean auto_extend;
} GrelLockSettings;

/* What sets one kind of lock apart from the others of a backend. */
typedef struct
{
  const char *prefix; /* of its keys */
  const char *noun;
  const char *busy; /* what one who doesn't wait is told */
  GrelLockSettings defaults;
} GrelLockKind;

extern const GrelLockKind grel_lock_kind;
extern const GrelLockKind grel_task_lock_kind;

/* Keys are prefixed names: lock:cart. */
const GrelLockKind *grel_lock_kind_for_key (const char *key);

/* Returns: (transfer full) (nullable): the prefix and the name; NULL if the name breaks the rule */
GRefString *grel_lock_kind_make_key (const GrelLockKind *self, const char *name);

/* Returns: (nullable): which setting breaks which rule */
const char *grel_lock_kind_find_fault (const GrelLockKind *self, const GrelLockSettings *settings);

G_END_DECLS
