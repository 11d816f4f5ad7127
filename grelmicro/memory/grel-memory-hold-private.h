/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a memory adapter knows of one lock. */
typedef struct
{
  char *name;
  char *token; /* NULL: nobody holds it */
  gint64 expires_at;
  gint64 fence;
} GrelMemoryHold;

GrelMemoryHold *grel_memory_hold_new (const char *name);

void grel_memory_hold_free (gpointer self);

/* self may be NULL, for a lock that nothing is known of. */
gboolean grel_memory_hold_is_live (GrelMemoryHold *self, gint64 now);

gboolean grel_memory_hold_is_owned (GrelMemoryHold *self, const char *token, gint64 now);

G_END_DECLS
