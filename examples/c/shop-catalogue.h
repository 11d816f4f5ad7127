/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

/* What the shop has to sell. A new edition takes a while to make, and is kept for a minute. */
typedef struct _Catalogue Catalogue;

Catalogue *catalogue_new (void);
void catalogue_free (Catalogue *self);

/* Both return the catalogue as JSON. */
void catalogue_get_async (Catalogue *self, GAsyncReadyCallback callback, gpointer user_data);
char *catalogue_get_finish (Catalogue *self, GAsyncResult *result, GError **error);
char *catalogue_get_from_thread (Catalogue *self, GError **error);
