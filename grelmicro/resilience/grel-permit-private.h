/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/resilience/grel-admission-private.h>

G_BEGIN_DECLS

/* Takes the reference. */
GrelPermit *grel_permit_new (GrelAdmission *admission);

/* As the public calls do; reason is NULL for a call that succeeded. */
void grel_permit_complete_async (GrelPermit *self,
                                 gboolean succeeded,
                                 const GError *reason,
                                 gpointer tag,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

G_END_DECLS
