/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-scene.h"

#define KEY "lock:cart"
#define RIVAL "rival"

void
grel_test_stage_set_up (GMainContext **context, GrelVirtualClock **clock, GrelBackend *backend)
{
  g_autoptr (GError) error = NULL;

  *context = g_main_context_new ();
  g_main_context_push_thread_default (*context);
  *clock = grel_virtual_clock_new ();
  grel_backend_set_clock (backend, GREL_CLOCK (*clock));
  grel_test_backend_open (backend, &error);
  g_assert_no_error (error);
}

void
grel_test_stage_tear_down (GMainContext *context, GrelVirtualClock *clock, GrelBackend *backend)
{
  g_autoptr (GError) error = NULL;

  if (grel_backend_get_is_open (backend))
    grel_test_backend_close (backend, &error);
  g_assert_no_error (error);
  grel_test_settle ();
  g_object_unref (backend);
  g_object_unref (clock);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
}

static void
grel_test_scene_set_up (GrelTestScene *self, gpointer backend)
{
  self->backend = backend;
  grel_test_stage_set_up (&self->context, &self->clock, self->backend);
  self->lock = g_object_new (GREL_TYPE_LOCK, "name", "cart", "backend", self->backend, NULL);
}

void
grel_test_scene_set_up_memory (GrelTestScene *self, gconstpointer data)
{
  grel_test_scene_set_up (self, grel_memory_lock_adapter_new ());
}

void
grel_test_scene_set_up_store (GrelTestScene *self, gconstpointer data)
{
  self->store = grel_test_store_new ();
  grel_test_scene_set_up (self, self->store);
}

void
grel_test_scene_tear_down (GrelTestScene *self, gconstpointer data)
{
  if (self->store != NULL)
    grel_test_store_forget (self->store);
  grel_test_stage_tear_down (self->context, self->clock, self->backend);
  g_object_unref (self->lock);
}

gint64
grel_test_scene_now (GrelTestScene *self)
{
  return grel_clock_get_monotonic_time (GREL_CLOCK (self->clock));
}

void
grel_test_scene_pass (GrelTestScene *self, GTimeSpan span)
{
  grel_test_pass_time (self->clock, span);
}

GrelLease *
grel_test_scene_acquire (GrelTestScene *self)
{
  g_autoptr (GError) error = NULL;
  GrelLease *lease = grel_test_lock_acquire (self->lock, 0, &error);

  g_assert_no_error (error);
  return lease;
}

void
grel_test_scene_rival_acquire (GrelTestScene *self, GTimeSpan lease)
{
  g_assert_true (grel_test_store_acquire_behind (self->store, KEY, RIVAL, lease));
}

void
grel_test_scene_rival_release (GrelTestScene *self)
{
  g_assert_true (grel_test_store_release_behind (self->store, KEY, RIVAL));
}

void
grel_test_scene_steal (GrelTestScene *self)
{
  g_assert_true (grel_test_store_steal (self->store, KEY));
}
