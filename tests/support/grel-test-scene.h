/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test-store.h"

G_BEGIN_DECLS

/* What every scene has: a context that is thread-default, a clock that stands still, and a backend
 * that is open on both. The end consumes all three. */
void
grel_test_stage_set_up (GMainContext **context, GrelVirtualClock **clock, GrelBackend *backend);
void
grel_test_stage_tear_down (GMainContext *context, GrelVirtualClock *clock, GrelBackend *backend);

/* A lock on a context of the test's own and a clock that stands still, in memory or in a store. A
 * fixture for g_test_add (). */
typedef struct
{
  GMainContext *context;
  GrelVirtualClock *clock;
  GrelTestStore *store; /* NULL in memory */
  GrelBackend *backend;
  GrelLock *lock; /* “cart” */
} GrelTestScene;

void grel_test_scene_set_up_memory (GrelTestScene *self, gconstpointer data);
void grel_test_scene_set_up_store (GrelTestScene *self, gconstpointer data);
void grel_test_scene_tear_down (GrelTestScene *self, gconstpointer data);

/* By its clock. */
gint64 grel_test_scene_now (GrelTestScene *self);

void grel_test_scene_pass (GrelTestScene *self, GTimeSpan span);

/* Acquires the lock, which has to be free. */
GrelLease *grel_test_scene_acquire (GrelTestScene *self);

/* What another process does with the lock, behind the back of this one: it isn't told. */
void grel_test_scene_rival_acquire (GrelTestScene *self, GTimeSpan lease);
void grel_test_scene_rival_release (GrelTestScene *self);

/* Takes the lock away from whoever holds it at the store. */
void grel_test_scene_steal (GrelTestScene *self);

G_END_DECLS
