/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>

#include <grelmicro/core/grel-version-macros.h>

G_BEGIN_DECLS

/* Who is asking: which process of a fork, which thread, which holder. Nothing here is ever
 * recycled. */

#define GREL_TOKEN_SIZE 36

/* Also for the modules that come with the library. */
GREL_AVAILABLE_IN_ALL
guint grel_identity_get_generation (void);

guint64 grel_identity_get_thread (void);

void grel_identity_fill_token (char token[GREL_TOKEN_SIZE]);

extern int grel_identity_generation; /* atomic, for the functions below */

/* For who comes after another that asked: everything that was opened did. */
static inline guint
grel_identity_peek_generation (void)
{
  return g_atomic_int_get (&grel_identity_generation);
}

void grel_identity_make_mutex_again (GMutex *mutex, guint *made_in);

/* A mutex that a thread of the parent held at a fork () would be held in the child for ever: its
 * owner keeps the generation that it was made in, and calls this before it locks it. */
static inline void
grel_identity_adopt_mutex (GMutex *mutex, guint *made_in)
{
  if (__atomic_load_n (made_in, __ATOMIC_ACQUIRE) != grel_identity_peek_generation ())
    grel_identity_make_mutex_again (mutex, made_in);
}

/* How far apart the stacks of threads are, mostly. */
#define GREL_IDENTITY_STACK_SIZE (8 << 20)

/* For what is spread so that threads don't meet there. They are told apart by where their stacks
 * are, which is cheaper than asking who it is; those that are taken for one only meet. */
static inline guint
grel_identity_get_slot (guint n_slots)
{
  return (guintptr) __builtin_frame_address (0) / GREL_IDENTITY_STACK_SIZE % n_slots;
}

/* The one lock for what is shared by the whole process; it is held across fork (). */
void grel_identity_lock_process (void);

void grel_identity_unlock_process (void);

G_END_DECLS
