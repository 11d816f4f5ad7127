/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-backend.h>
#include <grelmicro/core/grel-part-private.h>

G_BEGIN_DECLS

GrelPart *grel_backend_get_part (GrelBackend *self);

/* The scope that the backend declared when it was opened; under a mutex as well. */
GrelScope grel_backend_get_open_scope (GrelBackend *self);

/* The abstract class that says what an adapter is for. */
GType grel_backend_get_kind (GrelBackend *self);

/* Sets from where on the state of a kind must be shared, in staging and production. */
void grel_backend_class_require_scope (GrelBackendClass *klass, GrelScope scope);

GrelScope grel_backend_kind_get_required_scope (GType kind);

G_END_DECLS
