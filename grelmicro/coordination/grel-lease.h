/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

#define GREL_TYPE_LEASE (grel_lease_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelLease, grel_lease, GREL, LEASE, GObject)

GREL_AVAILABLE_IN_ALL
const char *grel_lease_get_name (GrelLease *self);

GREL_AVAILABLE_IN_ALL
gint64 grel_lease_get_fencing_token (GrelLease *self);

GREL_AVAILABLE_IN_ALL
gint64 grel_lease_get_deadline (GrelLease *self);

GREL_AVAILABLE_IN_ALL
GCancellable *grel_lease_get_cancellable (GrelLease *self);

GREL_AVAILABLE_IN_ALL
gboolean grel_lease_is_valid (GrelLease *self);

GREL_AVAILABLE_IN_ALL
void grel_lease_extend_async (GrelLease *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_lease_extend_finish (GrelLease *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_lease_extend_from_thread (GrelLease *self, GCancellable *cancellable, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_lease_release_async (GrelLease *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_lease_release_finish (GrelLease *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean
grel_lease_release_from_thread (GrelLease *self, GCancellable *cancellable, GError **error);

G_END_DECLS
