/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

#define GREL_TYPE_PERMIT (grel_permit_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelPermit, grel_permit, GREL, PERMIT, GObject)

GREL_AVAILABLE_IN_ALL
const char *grel_permit_get_name (GrelPermit *self);

GREL_AVAILABLE_IN_ALL
void grel_permit_succeed_async (GrelPermit *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_permit_succeed_finish (GrelPermit *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean
grel_permit_succeed_from_thread (GrelPermit *self, GCancellable *cancellable, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_permit_fail_async (GrelPermit *self,
                             const GError *reason,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_permit_fail_finish (GrelPermit *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_permit_fail_from_thread (GrelPermit *self,
                                       const GError *reason,
                                       GCancellable *cancellable,
                                       GError **error);

GREL_AVAILABLE_IN_ALL
void grel_permit_abandon (GrelPermit *self);

G_END_DECLS
