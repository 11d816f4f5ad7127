/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/core/grel-primitive-private.h>
#include <grelmicro/core/grel-route-private.h>

#include <string.h>

void
grel_primitive_init (GrelPrimitive *self)
{
  g_mutex_init (&self->mutex);
  self->mutex_generation = grel_identity_get_generation ();
}

void
grel_primitive_clear (GrelPrimitive *self)
{
  g_clear_object (&self->backend);
  g_clear_object (&self->app);
  grel_identity_adopt_mutex (&self->mutex, &self->mutex_generation);
  g_mutex_clear (&self->mutex);
}

void
grel_primitive_lock (GrelPrimitive *self)
{
  grel_identity_adopt_mutex (&self->mutex, &self->mutex_generation);
  g_mutex_lock (&self->mutex);
}

void
grel_primitive_unlock (GrelPrimitive *self)
{
  g_mutex_unlock (&self->mutex);
}

void
grel_primitive_read (GrelPrimitive *self, gconstpointer field, gpointer value, gsize size)
{
  grel_primitive_lock (self);
  memcpy (value, field, size);
  grel_primitive_unlock (self);
}

gboolean
grel_primitive_write (GrelPrimitive *self, gpointer field, gconstpointer value, gsize size)
{
  gboolean changes;

  grel_primitive_lock (self);
  changes = memcmp (field, value, size) != 0;
  memcpy (field, value, size);
  if (changes)
    grel_route_change ();
  grel_primitive_unlock (self);

  return changes;
}

gboolean
grel_primitive_write_object (GrelPrimitive *self, gpointer field, gpointer value)
{
  g_autoptr (GObject) unused = value != NULL ? g_object_ref (value) : NULL;
  GObject **object = field;
  gboolean changes;

  grel_primitive_lock (self);
  changes = *object != unused;
  unused = *object;
  g_atomic_pointer_set (object, value);
  if (changes)
    grel_route_change ();
  grel_primitive_unlock (self);

  return changes;
}

void
grel_primitive_ref_place (GrelPrimitive *self, GrelBackend **backend, GrelApp **app)
{
  g_set_object (backend, self->backend);
  if (*backend == NULL)
    g_set_object (app, self->app);
}

void
grel_primitive_snapshot (GrelPrimitive *self,
                         gconstpointer settings,
                         gpointer copy,
                         gsize size,
                         GrelBackend **backend,
                         GrelApp **app)
{
  grel_primitive_lock (self);
  memcpy (copy, settings, size);
  grel_primitive_ref_place (self, backend, app);
  grel_primitive_unlock (self);
}
