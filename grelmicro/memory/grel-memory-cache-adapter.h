/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-backend.h>

G_BEGIN_DECLS

#define GREL_TYPE_MEMORY_CACHE_ADAPTER (grel_memory_cache_adapter_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelMemoryCacheAdapter,
                      grel_memory_cache_adapter,
                      GREL,
                      MEMORY_CACHE_ADAPTER,
                      GrelCacheBackend)

GREL_AVAILABLE_IN_ALL
GrelMemoryCacheAdapter *grel_memory_cache_adapter_new (void);

G_END_DECLS
