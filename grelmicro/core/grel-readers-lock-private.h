/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-identity-private.h>

G_BEGIN_DECLS

/* What a thread writes to for itself lies in a line of the processor's cache of its own. */
#define GREL_CACHE_LINE 64

/* As many threads read without meeting. */
#define GREL_READERS_LOCK_N_SLOTS 8

typedef struct
{
  GMutex mutex;
  guint mutex_generation; /* of the process that it was adopted in */
  guint made_in;          /* the one before, maybe */
} __attribute__ ((aligned (GREL_CACHE_LINE))) GrelReadersSlot;

/*
 * A big-reader lock: who reads takes the mutex that is for its thread, who writes takes all. So a
 * reader writes to no line that another one reads. For what is held shortly: who finds it locked
 * asks again some times before it sleeps.
 */
typedef struct
{
  GrelReadersSlot slots[GREL_READERS_LOCK_N_SLOTS];
} GrelReadersLock;

void grel_readers_lock_init (GrelReadersLock *self);

void grel_readers_lock_clear (GrelReadersLock *self);

void grel_readers_slot_wait (GrelReadersSlot *self);

static inline void
grel_readers_slot_lock (GrelReadersSlot *self)
{
  grel_identity_adopt_mutex (&self->mutex, &self->mutex_generation);
  if (!g_mutex_trylock (&self->mutex))
    grel_readers_slot_wait (self);
}

/* Returns: what to unlock */
static inline GMutex *
grel_readers_lock_read (GrelReadersLock *self)
{
  GrelReadersSlot *slot = &self->slots[grel_identity_get_slot (GREL_READERS_LOCK_N_SLOTS)];

  grel_readers_slot_lock (slot);
  return &slot->mutex;
}

void grel_readers_lock_write (GrelReadersLock *self);

void grel_readers_lock_end_write (GrelReadersLock *self);

G_END_DECLS
