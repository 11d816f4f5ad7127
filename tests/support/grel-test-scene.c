/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-scene.h"

#define KEY "lock:cart"
#define RIVAL "rival"

static void
grel_test_scene_set_up (GrelTestScene *self, gpointer backend)
{
  g_autoptr (GError) error = NULL;

  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->clock = grel_virtual_clock_new ();
  self->backend = backend;
  grel_backend_set_clock (self->backend, GREL_CLOCK (self->clock));
  grel_test_backend_open (self->backend, &error);
  g_assert_no_error (error);
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
  g_autoptr (GError) error = NULL;

  if (grel_backend_get_is_open (self->backend))
    grel_test_backend_close (self->backend, &error);
  g_assert_no_error (error);
  if (self->store != NULL)
    grel_test_store_forget (self->store);
  g_object_unref (self->lock);
  g_object_unref (self->backend);
  g_object_unref (self->clock);
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
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
