/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/grelmicro.h>

/* A store of somebody else, which says with its name which scheme it was asked for. */

#define THIRD_TYPE_PROVIDER (third_provider_get_type ())

G_DECLARE_FINAL_TYPE (ThirdProvider, third_provider, THIRD, PROVIDER, GrelProvider)

struct _ThirdProvider
{
  GrelProvider parent_instance;
};

G_DEFINE_FINAL_TYPE (ThirdProvider, third_provider, GREL_TYPE_PROVIDER)

static void
third_provider_class_init (ThirdProviderClass *klass)
{
}

static void
third_provider_init (ThirdProvider *self)
{
}

/* The one symbol that the library looks for. */
GType
grel_provider_module_query (const char *scheme)
{
  return g_str_equal (scheme, "third+none") ? G_TYPE_INVALID : THIRD_TYPE_PROVIDER;
}
