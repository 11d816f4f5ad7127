/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-app.h>
#include <grelmicro/core/grel-backend.h>

G_BEGIN_DECLS

/* What every primitive has: where it finds its backend, and a mutex that guards this and its
 * settings. */
typedef struct
{
  GMutex mutex;
  guint mutex_generation; /* of the process it was made in */
  GrelBackend *backend;   /* atomic, and written under the mutex */
  GrelApp *app;
} GrelPrimitive;

void grel_primitive_init (GrelPrimitive *self);

void grel_primitive_clear (GrelPrimitive *self);

void grel_primitive_lock (GrelPrimitive *self);

void grel_primitive_unlock (GrelPrimitive *self);

/* One setting: copied under the mutex. */
void grel_primitive_read (GrelPrimitive *self, gconstpointer field, gpointer value, gsize size);

/* Returns: whether that changes it */
gboolean
grel_primitive_write (GrelPrimitive *self, gpointer field, gconstpointer value, gsize size);

/* The same for an object, which is referenced. */
gboolean grel_primitive_write_object (GrelPrimitive *self, gpointer field, gpointer value);

/* Mutex held: where to look for the backend. The backend is NULL if none was set, the app too if
 * none was (transfer full). */
void grel_primitive_ref_place (GrelPrimitive *self, GrelBackend **backend, GrelApp **app);

/* What an operation begins with: a copy of the settings, and where to look for the backend. */
void grel_primitive_snapshot (GrelPrimitive *self,
                              gconstpointer settings,
                              gpointer copy,
                              gsize size,
                              GrelBackend **backend,
                              GrelApp **app);

G_END_DECLS
