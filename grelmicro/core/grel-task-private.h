/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A task of this library, which decides itself what a cancel comes to: one that GTask judged would
 * turn what was won into an error, and lose it. Returns: (transfer full): it */
GTask *grel_task_new (gpointer source,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data,
                      gpointer source_tag);

G_END_DECLS
