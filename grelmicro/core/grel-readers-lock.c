/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-readers-lock-private.h>

/* How often to ask for a mutex that is held before sleeping, which takes a hundred times as long as
 * anybody holds it. */
#define GREL_READERS_LOCK_SPINS 64

void
grel_readers_lock_init (GrelReadersLock *self)
{
  for (guint i = 0; i < GREL_READERS_LOCK_N_SLOTS; i++)
    {
      GrelReadersSlot *slot = &self->slots[i];

      g_mutex_init (&slot->mutex);
      slot->made_in = slot->mutex_generation = grel_identity_get_generation ();
    }
}

/* The copy of one that is locked can't be cleared. */
void
grel_readers_lock_clear (GrelReadersLock *self)
{
  for (guint i = 0; i < GREL_READERS_LOCK_N_SLOTS; i++)
    if (self->slots[i].made_in == grel_identity_get_generation ())
      g_mutex_clear (&self->slots[i].mutex);
}

static void
grel_readers_lock_pause (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#endif
}

void
grel_readers_slot_wait (GrelReadersSlot *self)
{
  for (guint i = 0; i < GREL_READERS_LOCK_SPINS; i++)
    {
      grel_readers_lock_pause ();
      if (g_mutex_trylock (&self->mutex))
        return;
    }

  g_mutex_lock (&self->mutex);
}

void
grel_readers_lock_write (GrelReadersLock *self)
{
  for (guint i = 0; i < GREL_READERS_LOCK_N_SLOTS; i++)
    grel_readers_slot_lock (&self->slots[i]);
}

void
grel_readers_lock_end_write (GrelReadersLock *self)
{
  for (guint i = GREL_READERS_LOCK_N_SLOTS; i > 0; i--)
    g_mutex_unlock (&self->slots[i - 1].mutex);
}
