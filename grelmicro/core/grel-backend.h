/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-clock.h>

G_BEGIN_DECLS

#define GREL_TYPE_BACKEND (grel_backend_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (GrelBackend, grel_backend, GREL, BACKEND, GObject)

/**
 * GrelBackendClass:
 * @parent_class: the parent class
 * @get_scope: says how far the state is shared; the default is %GREL_SCOPE_UNDECLARED
 * @open: opens what the backend needs and completes the task; the default has nothing to do
 * @close: lets go of it and completes the task; the default has nothing to do
 *
 * Class of [class@Grelmicro.Backend]. @open and @close run in the captured context.
 *
 * Since: 0.1
 */
struct _GrelBackendClass
{
  GObjectClass parent_class;

  GrelScope (*get_scope) (GrelBackend *self);
  void (*open) (GrelBackend *self, GTask *task);
  void (*close) (GrelBackend *self, GTask *task);

  /*< private >*/
  gpointer _reserved[8];
};

GREL_AVAILABLE_IN_ALL
GrelScope grel_backend_get_scope (GrelBackend *self);

GREL_AVAILABLE_IN_ALL
gboolean grel_backend_get_is_open (GrelBackend *self);

GREL_AVAILABLE_IN_ALL
GMainContext *grel_backend_ref_main_context (GrelBackend *self);

GREL_AVAILABLE_IN_ALL
GrelClock *grel_backend_get_clock (GrelBackend *self);

GREL_AVAILABLE_IN_ALL
void grel_backend_set_clock (GrelBackend *self, GrelClock *clock);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_backend_get_patience (GrelBackend *self);

GREL_AVAILABLE_IN_ALL
void grel_backend_set_patience (GrelBackend *self, GTimeSpan patience);

GREL_AVAILABLE_IN_ALL
void grel_backend_open_async (GrelBackend *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_backend_open_finish (GrelBackend *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_backend_close_async (GrelBackend *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_backend_close_finish (GrelBackend *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean
grel_backend_close_from_thread (GrelBackend *self, GCancellable *cancellable, GError **error);

G_END_DECLS
