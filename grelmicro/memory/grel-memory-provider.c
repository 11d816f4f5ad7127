/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-lock-adapter.h>
#include <grelmicro/memory/grel-memory-provider-private.h>

struct _GrelMemoryProvider
{
  GrelProvider parent_instance;
};

G_DEFINE_FINAL_TYPE (GrelMemoryProvider, grel_memory_provider, GREL_TYPE_PROVIDER)

static void
grel_memory_provider_class_init (GrelMemoryProviderClass *klass)
{
  grel_provider_class_add_backend (GREL_PROVIDER_CLASS (klass), GREL_TYPE_LOCK_BACKEND,
                                   GREL_TYPE_MEMORY_LOCK_ADAPTER);
}

static void
grel_memory_provider_init (GrelMemoryProvider *self)
{
}
