/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-settings-private.h>

#define GREL_CACHE_DURATION_MAX (36525 * G_TIME_SPAN_DAY)

const GrelCacheSettings grel_cache_settings_default = {
  .ttl = 60 * G_TIME_SPAN_SECOND,
  .lock = GREL_CACHE_LOCK_LOCAL,
};

const char *
grel_cache_settings_find_fault (const GrelCacheSettings *settings)
{
  if (settings->ttl <= 0 || settings->ttl > GREL_CACHE_DURATION_MAX)
    return "ttl: must be more than 0 and at most 100 years";
  if (settings->stale_ttl < 0 || settings->stale_ttl > GREL_CACHE_DURATION_MAX)
    return "stale-ttl: must be 0, for none, or more, and at most 100 years";
  if (settings->soft_timeout < 0 || settings->soft_timeout > GREL_CACHE_DURATION_MAX)
    return "soft-timeout: must be 0, for none, or more, and at most 100 years";
  if (!(settings->early_refresh >= 0.0 && settings->early_refresh < 1.0))
    return "early-refresh: must be at least 0 and less than 1";
  return NULL;
}

const char *
grel_cache_find_ttl_fault (GTimeSpan ttl)
{
  if (ttl < 0 || ttl > GREL_CACHE_DURATION_MAX)
    return "ttl: must be 0, for that of the cache, or more, and at most 100 years";
  return NULL;
}

const char *
grel_cache_find_key_fault (const char *key)
{
  return g_utf8_validate (key, -1, NULL) ? NULL : "key: must be UTF-8";
}

const char *
grel_cache_find_tags_fault (const char *const *tags)
{
  for (; tags != NULL && *tags != NULL; tags++)
    if (!g_utf8_validate (*tags, -1, NULL))
      return "tags: must be UTF-8";
  return NULL;
}
