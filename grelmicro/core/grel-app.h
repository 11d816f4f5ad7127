/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-provider.h>

G_BEGIN_DECLS

#define GREL_TYPE_APP (grel_app_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelApp, grel_app, GREL, APP, GObject)

GREL_AVAILABLE_IN_ALL
GrelApp *grel_app_new (void);

GREL_AVAILABLE_IN_ALL
GrelApp *grel_app_new_for_uri (const char *uri, GError **error);

GREL_AVAILABLE_IN_ALL
GrelApp *grel_app_dup_default (void);

GREL_AVAILABLE_IN_ALL
void grel_app_push_thread_default (GrelApp *self);

GREL_AVAILABLE_IN_ALL
void grel_app_pop_thread_default (GrelApp *self);

GREL_AVAILABLE_IN_ALL
gboolean grel_app_use (GrelApp *self, GObject *component, const char *name, GError **error);

GREL_AVAILABLE_IN_ALL
GrelBackend *grel_app_get_backend (GrelApp *self, GType kind, const char *name, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_app_require_scope (GrelApp *self, GType kind, GrelScope scope);

GREL_AVAILABLE_IN_ALL
gboolean grel_app_get_is_open (GrelApp *self);

GREL_AVAILABLE_IN_ALL
const char *grel_app_get_environment (GrelApp *self);

GREL_AVAILABLE_IN_ALL
void grel_app_set_environment (GrelApp *self, const char *environment);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_app_get_patience (GrelApp *self);

GREL_AVAILABLE_IN_ALL
void grel_app_set_patience (GrelApp *self, GTimeSpan patience);

GREL_AVAILABLE_IN_ALL
GrelClock *grel_app_get_clock (GrelApp *self);

GREL_AVAILABLE_IN_ALL
void grel_app_set_clock (GrelApp *self, GrelClock *clock);

GREL_AVAILABLE_IN_ALL
void grel_app_open_async (GrelApp *self,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_app_open_finish (GrelApp *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_app_close_async (GrelApp *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_app_close_finish (GrelApp *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_app_close_from_thread (GrelApp *self, GCancellable *cancellable, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_app_open_in_thread (GrelApp *self, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_app_run (GrelApp *self, GMainLoop *loop, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_app_attach (GrelApp *self, GApplication *application);

G_END_DECLS
