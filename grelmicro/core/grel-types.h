/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#if !defined(GREL_INSIDE) && !defined(GREL_COMPILATION)
#error "Only <grelmicro/grelmicro.h> can be included directly."
#endif

#include <gio/gio.h>

#include <grelmicro/core/grel-version-macros.h>

G_BEGIN_DECLS

/**
 * GrelScope:
 * @GREL_SCOPE_UNDECLARED: the backend does not say
 * @GREL_SCOPE_PROCESS: one process
 * @GREL_SCOPE_HOST: all processes of one host
 * @GREL_SCOPE_CLUSTER: all processes that use the same store
 *
 * How far the state of a backend is shared.
 *
 * Since: 0.1
 */
typedef enum
{
  GREL_SCOPE_UNDECLARED = 0,
  GREL_SCOPE_PROCESS,
  GREL_SCOPE_HOST,
  GREL_SCOPE_CLUSTER
} GrelScope;

/**
 * GrelCallFunc:
 * @cancellable: (nullable): cancelled when the result is no longer wanted: pass it to whatever
 * blocks
 * @user_data: (closure): what was given with the function
 * @error: return location for an error
 *
 * A piece of blocking work that a primitive guards, run on the thread that called it.
 *
 * Returns: %TRUE if the work succeeded, %FALSE with @error set
 *
 * Since: 0.1
 */
typedef gboolean (*GrelCallFunc) (GCancellable *cancellable, gpointer user_data, GError **error);

/**
 * GrelLoadFunc:
 * @key: the key to load the value of
 * @cancellable: cancelled when the value is no longer wanted: pass it to whatever blocks
 * @user_data: (closure): what was given with the function
 * @error: return location for an error
 *
 * Loads a value that a cache does not have, on the thread that asked for it.
 *
 * Returns: (transfer full): the value, %NULL with @error set
 *
 * Since: 0.1
 */
typedef GBytes *(*GrelLoadFunc) (const char *key,
                                 GCancellable *cancellable,
                                 gpointer user_data,
                                 GError **error);

G_END_DECLS
