/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-backend.h>

G_BEGIN_DECLS

#define GREL_TYPE_PROVIDER (grel_provider_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (GrelProvider, grel_provider, GREL, PROVIDER, GObject)

/**
 * GrelProviderClass:
 * @parent_class: the parent class
 * @open: connects to the store and completes the task; the default has nothing to do
 * @close: disconnects and completes the task; the default has nothing to do
 * @check: asks the store for a sign of life and completes the task; the default has nothing to ask
 *
 * Class of [class@Grelmicro.Provider]. All three run in the captured context.
 *
 * Since: 0.1
 */
struct _GrelProviderClass
{
  GObjectClass parent_class;

  void (*open) (GrelProvider *self, GTask *task);
  void (*close) (GrelProvider *self, GTask *task);
  void (*check) (GrelProvider *self, GTask *task);

  /*< private >*/
  gpointer _reserved[8];
};

GREL_AVAILABLE_IN_ALL
GrelProvider *grel_provider_new_for_uri (const char *uri, GError **error);

GREL_AVAILABLE_IN_ALL
char *grel_provider_dup_uri (GrelProvider *self);

GREL_AVAILABLE_IN_ALL
GrelBackend *grel_provider_create_backend (GrelProvider *self, GType kind, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_provider_check_async (GrelProvider *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_provider_check_finish (GrelProvider *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean
grel_provider_check_from_thread (GrelProvider *self, GCancellable *cancellable, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_provider_class_add_backend (GrelProviderClass *klass, GType kind, GType adapter);

GREL_AVAILABLE_IN_ALL
const char *grel_provider_get_secret_uri (GrelProvider *self);

/* Modules of stores define it; the library does not. */
GREL_AVAILABLE_IN_ALL
GType grel_provider_module_query (const char *scheme);

G_END_DECLS
