/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-part-private.h>
#include <grelmicro/core/grel-provider.h>

G_BEGIN_DECLS

/* The provider for a URI scheme that is built in, or G_TYPE_INVALID; in grel-builtin.c. */
GType grel_builtin_get_provider_type (const char *scheme);

GrelPart *grel_provider_get_part (GrelProvider *self);

/* Returns: (transfer full) (element-type GrelBackend): one backend of each kind that it makes */
GPtrArray *grel_provider_create_backends (GrelProvider *self);

G_END_DECLS
