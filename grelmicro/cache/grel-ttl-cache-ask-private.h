/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-ttl-cache-private.h>

G_BEGIN_DECLS

/* Questions as users ask them, who leave out the prefix; a key is not checked yet. */
GrelCacheQuestion *grel_cache_question_about (GrelCacheVerb verb, const char *key);

GrelCacheQuestion *grel_cache_question_about_many (GrelCacheVerb verb, const char *const *keys);

GrelCacheQuestion *grel_cache_question_about_tags (GrelCacheVerb verb, const char *const *tags);

GrelCacheQuestion *
grel_cache_question_to_set (const char *key, GBytes *value, GTimeSpan ttl, const char *const *tags);

GrelCacheQuestion *
grel_cache_question_to_set_many (GHashTable *values, GTimeSpan ttl, const char *const *tags);

/* Both take the question. */
void grel_ttl_cache_ask_async (GrelTTLCache *self,
                               GrelCacheQuestion *question,
                               gpointer source_tag,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);

gpointer grel_ttl_cache_ask_from_thread (GrelTTLCache *self,
                                         GrelCacheQuestion *question,
                                         GCancellable *cancellable,
                                         GError **error);

G_END_DECLS
