/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-identity-private.h>

G_BEGIN_DECLS

/* What threads write to for themselves lies in lines of the processor's cache of its own. */
#define GREL_MEMORY_CACHE_LINE 64

/* As many threads read without meeting. */
#define GREL_MEMORY_CACHE_N_SLOTS 8

/* How often to ask for a mutex that is held before sleeping, which takes a hundred times as long as
 * anybody holds it. */
#define GREL_MEMORY_CACHE_SPINS 64

typedef struct
{
  GMutex mutex;
} __attribute__ ((aligned (GREL_MEMORY_CACHE_LINE))) GrelMemoryCacheSlot;

/* A big-reader lock: who reads takes the mutex that is for its thread, who writes takes all. So
 * reading writes to no line that another thread reads. */
typedef struct
{
  GrelMemoryCacheSlot slots[GREL_MEMORY_CACHE_N_SLOTS];
} GrelMemoryCacheLock;

void grel_memory_cache_lock_init (GrelMemoryCacheLock *self);

/* generation: of the process that it was made in. In the child of a fork it may be locked. */
void grel_memory_cache_lock_adopt (GrelMemoryCacheLock *self, guint generation);

void grel_memory_cache_lock_clear (GrelMemoryCacheLock *self);

void grel_memory_cache_lock_wait (GMutex *mutex);

/* Returns: what to unlock */
static inline GMutex *
grel_memory_cache_lock_read (GrelMemoryCacheLock *self)
{
  GMutex *mutex = &self->slots[grel_identity_get_slot (GREL_MEMORY_CACHE_N_SLOTS)].mutex;

  if (!g_mutex_trylock (mutex))
    grel_memory_cache_lock_wait (mutex);
  return mutex;
}

void grel_memory_cache_lock_write (GrelMemoryCacheLock *self);

void grel_memory_cache_lock_end_write (GrelMemoryCacheLock *self);

G_END_DECLS
