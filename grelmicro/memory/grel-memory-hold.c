/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-hold-private.h>

#include <string.h>

GrelMemoryHold *
grel_memory_hold_new (const char *name)
{
  GrelMemoryHold *self = g_new0 (GrelMemoryHold, 1);

  self->name = g_strdup (name);
  return self;
}

void
grel_memory_hold_free (gpointer data)
{
  GrelMemoryHold *self = data;

  g_free (self->name);
  g_free (self->token);
  g_free (self);
}

gboolean
grel_memory_hold_is_live (GrelMemoryHold *self, gint64 now)
{
  return self != NULL && self->token != NULL && self->expires_at >= now;
}

gboolean
grel_memory_hold_is_owned (GrelMemoryHold *self, const char *token, gint64 now)
{
  return grel_memory_hold_is_live (self, now) && strcmp (self->token, token) == 0;
}
