/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-module-private.h>
#include <grelmicro/core/grel-provider-private.h>
#include <grelmicro/memory/grel-memory-provider-private.h>

#include <string.h>

/* The only file that knows both the core and the stores that are built in. */
GType
grel_builtin_get_provider_type (const char *scheme)
{
  if (g_str_equal (scheme, "memory"))
    return GREL_TYPE_MEMORY_PROVIDER;

  return G_TYPE_INVALID;
}

/* The stores that come as modules, which know the core but aren't known to it. */
const char *
grel_builtin_get_module (const char *scheme)
{
  static const struct
  {
    const char *scheme;
    const char *module;
  } modules[] = {
    { "redis", "redis" },
    { "rediss", "redis" },
    { "valkey", "redis" },
    { "valkeys", "redis" },
  };
  gsize length = strcspn (scheme, "+"); /* what follows says how the store is reached */

  for (guint i = 0; i < G_N_ELEMENTS (modules); i++)
    if (strlen (modules[i].scheme) == length && strncmp (scheme, modules[i].scheme, length) == 0)
      return modules[i].module;
  return NULL;
}
