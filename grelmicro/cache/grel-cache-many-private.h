/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-backend.h>

G_BEGIN_DECLS

/* Asks for one key after the other, for stores that can't do better. */
void grel_cache_many_get (GrelCacheBackend *backend, const char *const *keys, GTask *task);

void grel_cache_many_set (GrelCacheBackend *backend,
                          GHashTable *values,
                          GTimeSpan ttl,
                          const char *const *tags,
                          GTask *task);

void grel_cache_many_delete (GrelCacheBackend *backend, const char *const *keys, GTask *task);

G_END_DECLS
