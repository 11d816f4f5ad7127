/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-app.h>
#include <grelmicro/core/grel-error-private.h>

G_BEGIN_DECLS

/* All apps of the process. An app that is open is kept alive by itself, not by this list. */
void grel_registry_add (GrelApp *app);

void grel_registry_remove (GrelApp *app);

/* Returns: (transfer none) (nullable): what this thread pushed last */
GrelApp *grel_registry_peek_pushed (void);

/* Whether there is one app that primitives find by default on every thread that pushed none. */
gboolean grel_registry_has_one_open (void);

/* Returns: (transfer full): the app given, or the one that is meant if it is NULL */
GrelApp *grel_registry_find_app (GrelApp *app, GrelSubject subject, GError **error);

/* Returns: (transfer full): the backend that a primitive uses by default */
GrelBackend *grel_registry_resolve (GrelApp *app, GType kind, GrelSubject subject, GError **error);

G_END_DECLS
