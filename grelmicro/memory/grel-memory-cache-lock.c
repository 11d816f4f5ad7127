/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-cache-lock-private.h>

void
grel_memory_cache_lock_init (GrelMemoryCacheLock *self)
{
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SLOTS; i++)
    g_mutex_init (&self->slots[i].mutex);
}

void
grel_memory_cache_lock_adopt (GrelMemoryCacheLock *self, guint generation)
{
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SLOTS; i++)
    {
      guint made_in = generation;

      grel_identity_adopt_mutex (&self->slots[i].mutex, &made_in);
    }
}

void
grel_memory_cache_lock_clear (GrelMemoryCacheLock *self)
{
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SLOTS; i++)
    g_mutex_clear (&self->slots[i].mutex);
}

static void
grel_memory_cache_lock_pause (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#endif
}

void
grel_memory_cache_lock_wait (GMutex *mutex)
{
  for (guint i = 0; i < GREL_MEMORY_CACHE_SPINS; i++)
    {
      grel_memory_cache_lock_pause ();
      if (g_mutex_trylock (mutex))
        return;
    }

  g_mutex_lock (mutex);
}

void
grel_memory_cache_lock_write (GrelMemoryCacheLock *self)
{
  for (guint i = 0; i < GREL_MEMORY_CACHE_N_SLOTS; i++)
    if (!g_mutex_trylock (&self->slots[i].mutex))
      grel_memory_cache_lock_wait (&self->slots[i].mutex);
}

void
grel_memory_cache_lock_end_write (GrelMemoryCacheLock *self)
{
  for (guint i = GREL_MEMORY_CACHE_N_SLOTS; i > 0; i--)
    g_mutex_unlock (&self->slots[i - 1].mutex);
}
