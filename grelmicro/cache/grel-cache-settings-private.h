/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-types.h>

G_BEGIN_DECLS

/* The settings of a cache as they were when the operation began. */
typedef struct
{
  GTimeSpan ttl;
  GTimeSpan stale_ttl;
  GTimeSpan soft_timeout; /* 0 is none */
  double early_refresh;
  GrelCacheLock lock;
} GrelCacheSettings;

extern const GrelCacheSettings grel_cache_settings_default;

/* Returns: (nullable): which setting breaks which rule */
const char *grel_cache_settings_find_fault (const GrelCacheSettings *settings);

/* The same for the arguments of an operation, of which each may be NULL. */
const char *grel_cache_find_ttl_fault (GTimeSpan ttl);
const char *grel_cache_find_key_fault (const char *key);
const char *grel_cache_find_tags_fault (const char *const *tags);

G_END_DECLS
