/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for secure_getenv () */
#endif

#include "config.h"

#include <grelmicro/core/grel-module-private.h>
#include <grelmicro/core/grel-provider.h>

#include <gmodule.h>
#include <stdlib.h>
#include <string.h>

typedef GType (*GrelModuleFunc) (const char *scheme);

/* What follows a + says how the store is reached, not which one it is. */
static char *
grel_module_get_file (const char *scheme)
{
  const char *known = grel_builtin_get_module (scheme);
  gsize length = strcspn (scheme, "+");

  if (known != NULL)
    return g_strdup_printf ("libgrel-%s.so", known);
  return g_strdup_printf ("libgrel-%.*s.so", (int) length, scheme);
}

/* Returns: (transfer full) (nullable): where the file is. A program that runs with more rights than
 * its user takes none of the user's modules. */
static char *
grel_module_find (const char *file)
{
  const char *const folders[] = { secure_getenv ("GREL_MODULE_PATH"), GREL_PROVIDERS_DIR };

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = NULL;

      if (folders[i] == NULL || *folders[i] == '\0')
        continue;
      path = g_build_filename (folders[i], file, NULL);
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
  return NULL;
}

/* A scheme that isn't known may be a mistyped password, so it isn't repeated. */
static GError *
grel_module_new_missing (const char *scheme, const char *file, GrelSubject subject)
{
  const char *known = grel_builtin_get_module (scheme);

  if (known != NULL)
    return grel_error_new (
      GREL_ERROR_NOT_REGISTERED, subject,
      "uri: the store for this scheme is a module, %s, which is not installed; "
      "on Debian it is in the package libgrelmicro-1-%s",
      file, known);
  return grel_error_new (GREL_ERROR_NOT_REGISTERED, subject,
                         "uri: there is no store for this scheme; there is one for memory:, and "
                         "others are modules, libgrel-SCHEME.so in %s",
                         GREL_PROVIDERS_DIR);
}

GType
grel_module_load_provider (const char *scheme, GrelSubject subject, GError **error)
{
  g_autofree char *file = grel_module_get_file (scheme);
  g_autofree char *path = grel_module_find (file);
  GModule *module;
  gpointer symbol;
  GType type;

  if (path == NULL)
    {
      g_propagate_error (error, grel_module_new_missing (scheme, file, subject));
      return G_TYPE_INVALID;
    }

  module = g_module_open (path, G_MODULE_BIND_LOCAL);
  if (module == NULL || !g_module_symbol (module, "grel_provider_module_query", &symbol))
    {
      g_propagate_error (error, grel_error_new (GREL_ERROR_NOT_REGISTERED, subject,
                                                "uri: the module for this scheme is not usable: %s",
                                                g_module_error ()));
      g_clear_pointer (&module, g_module_close);
      return G_TYPE_INVALID;
    }

  g_module_make_resident (module); /* its types can't be taken back */
  type = ((GrelModuleFunc) symbol) (scheme);
  if (!g_type_is_a (type, GREL_TYPE_PROVIDER))
    {
      g_propagate_error (error,
                         grel_error_new (GREL_ERROR_NOT_REGISTERED, subject,
                                         "uri: the module %s has no store for this scheme", file));
      return G_TYPE_INVALID;
    }
  return type;
}
