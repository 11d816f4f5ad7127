/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-provider-private.h>
#include <grelmicro/memory/grel-memory-cache-adapter.h>
#include <grelmicro/memory/grel-memory-circuit-breaker-adapter.h>
#include <grelmicro/memory/grel-memory-lock-adapter.h>
#include <grelmicro/memory/grel-memory-provider-private.h>

#include <string.h>

struct _GrelMemoryProvider
{
  GrelProvider parent_instance;
};

static void grel_memory_provider_iface_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (GrelMemoryProvider,
                               grel_memory_provider,
                               GREL_TYPE_PROVIDER,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                      grel_memory_provider_iface_init))

/* There is only one memory, so there is nothing to say about it. */
static gboolean
grel_memory_provider_init_uri (GInitable *initable, GCancellable *cancellable, GError **error)
{
  GrelProvider *self = GREL_PROVIDER (initable);
  const char *rest = strchr (grel_provider_get_secret_uri (self), ':') + 1;

  if (*rest == '\0' || strcmp (rest, "//") == 0)
    return TRUE;

  g_propagate_error (error,
                     grel_error_new (GREL_ERROR_SETTINGS, grel_provider_get_part (self)->subject,
                                     "uri: must be memory: without a host, a path or parameters"));
  return FALSE;
}

static void
grel_memory_provider_iface_init (GInitableIface *iface)
{
  iface->init = grel_memory_provider_init_uri;
}

static void
grel_memory_provider_class_init (GrelMemoryProviderClass *klass)
{
  GrelProviderClass *provider_class = GREL_PROVIDER_CLASS (klass);

  grel_provider_class_add_backend (provider_class, GREL_TYPE_CACHE_BACKEND,
                                   GREL_TYPE_MEMORY_CACHE_ADAPTER);
  grel_provider_class_add_backend (provider_class, GREL_TYPE_LOCK_BACKEND,
                                   GREL_TYPE_MEMORY_LOCK_ADAPTER);
  grel_provider_class_add_backend (provider_class, GREL_TYPE_CIRCUIT_BREAKER_BACKEND,
                                   GREL_TYPE_MEMORY_CIRCUIT_BREAKER_ADAPTER);
}

static void
grel_memory_provider_init (GrelMemoryProvider *self)
{
}
