/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-provider-private.h>
#include <grelmicro/memory/grel-memory-provider-private.h>

/* The only file that knows both the core and the stores that are built in. */
GType
grel_builtin_get_provider_type (const char *scheme)
{
  if (g_str_equal (scheme, "memory"))
    return GREL_TYPE_MEMORY_PROVIDER;

  return G_TYPE_INVALID;
}
