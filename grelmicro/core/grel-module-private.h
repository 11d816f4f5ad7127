/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-error-private.h>

G_BEGIN_DECLS

/* The file of the store for a URI scheme that comes with the library, as in libgrel-<file>.so, or
 * NULL; in grel-builtin.c. */
const char *grel_builtin_get_module (const char *scheme);

/* Opens the module for a URI scheme, in lower case, and asks it for its provider. G_TYPE_INVALID
 * with an error if there is none. */
GType grel_module_load_provider (const char *scheme, GrelSubject subject, GError **error);

G_END_DECLS
