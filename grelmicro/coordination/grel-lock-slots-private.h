/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _GrelLockSlot GrelLockSlot;

/* The slots of a backend. All of it under the part's mutex. */
typedef struct
{
  GHashTable *table;  /* key to GrelLockSlot */
  GQueue idle;        /* those that nobody needed lately: names are used again and again */
  GrelLockSlot *last; /* (nullable): that was found */
} GrelLockSlots;

void grel_lock_slots_init (GrelLockSlots *self);

void grel_lock_slots_clear (GrelLockSlots *self);

/* Returns: (nullable): the slot of the key, if there is one */
GrelLockSlot *grel_lock_slots_find (GrelLockSlots *self, const char *key);

G_END_DECLS
