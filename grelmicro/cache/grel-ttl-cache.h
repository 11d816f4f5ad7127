/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-backend.h>
#include <grelmicro/core/grel-app.h>
#include <grelmicro/core/grel-operation.h>

G_BEGIN_DECLS

#define GREL_TYPE_TTL_CACHE (grel_ttl_cache_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelTTLCache, grel_ttl_cache, GREL, TTL_CACHE, GObject)

GREL_AVAILABLE_IN_ALL
GrelTTLCache *grel_ttl_cache_new (GTimeSpan ttl);

GREL_AVAILABLE_IN_ALL
GrelCacheBackend *grel_ttl_cache_get_backend (GrelTTLCache *self);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_backend (GrelTTLCache *self, GrelCacheBackend *backend);

GREL_AVAILABLE_IN_ALL
GrelApp *grel_ttl_cache_get_app (GrelTTLCache *self);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_app (GrelTTLCache *self, GrelApp *app);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_ttl_cache_get_ttl (GrelTTLCache *self);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_ttl (GrelTTLCache *self, GTimeSpan ttl);

GREL_AVAILABLE_IN_ALL
guint grel_ttl_cache_get_max_size (GrelTTLCache *self);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_max_size (GrelTTLCache *self, guint max_size);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_ttl_cache_get_stale_ttl (GrelTTLCache *self);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_stale_ttl (GrelTTLCache *self, GTimeSpan stale_ttl);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_ttl_cache_get_soft_timeout (GrelTTLCache *self);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_soft_timeout (GrelTTLCache *self, GTimeSpan soft_timeout);

GREL_AVAILABLE_IN_ALL
double grel_ttl_cache_get_early_refresh (GrelTTLCache *self);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_early_refresh (GrelTTLCache *self, double early_refresh);

GREL_AVAILABLE_IN_ALL
GrelCacheLock grel_ttl_cache_get_lock (GrelTTLCache *self);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_lock (GrelTTLCache *self, GrelCacheLock lock);

GREL_AVAILABLE_IN_ALL
GVariant *grel_ttl_cache_get_stats (GrelTTLCache *self);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_get_async (GrelTTLCache *self,
                               const char *key,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);

GREL_AVAILABLE_IN_ALL
GBytes *grel_ttl_cache_get_finish (GrelTTLCache *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
GBytes *grel_ttl_cache_get_from_thread (GrelTTLCache *self,
                                        const char *key,
                                        GCancellable *cancellable,
                                        GError **error);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_async (GrelTTLCache *self,
                               const char *key,
                               GBytes *value,
                               GTimeSpan ttl,
                               const char *const *tags,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_ttl_cache_set_finish (GrelTTLCache *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_ttl_cache_set_from_thread (GrelTTLCache *self,
                                         const char *key,
                                         GBytes *value,
                                         GTimeSpan ttl,
                                         const char *const *tags,
                                         GCancellable *cancellable,
                                         GError **error);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_delete_async (GrelTTLCache *self,
                                  const char *key,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_ttl_cache_delete_finish (GrelTTLCache *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_ttl_cache_delete_from_thread (GrelTTLCache *self,
                                            const char *key,
                                            GCancellable *cancellable,
                                            GError **error);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_delete_tags_async (GrelTTLCache *self,
                                       const char *const *tags,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean
grel_ttl_cache_delete_tags_finish (GrelTTLCache *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_ttl_cache_delete_tags_from_thread (GrelTTLCache *self,
                                                 const char *const *tags,
                                                 GCancellable *cancellable,
                                                 GError **error);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_clear_async (GrelTTLCache *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_ttl_cache_clear_finish (GrelTTLCache *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean
grel_ttl_cache_clear_from_thread (GrelTTLCache *self, GCancellable *cancellable, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_get_many_async (GrelTTLCache *self,
                                    const char *const *keys,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);

GREL_AVAILABLE_IN_ALL
GPtrArray *
grel_ttl_cache_get_many_finish (GrelTTLCache *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
GPtrArray *grel_ttl_cache_get_many_from_thread (GrelTTLCache *self,
                                                const char *const *keys,
                                                GCancellable *cancellable,
                                                GError **error);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_set_many_async (GrelTTLCache *self,
                                    GHashTable *values,
                                    GTimeSpan ttl,
                                    const char *const *tags,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_ttl_cache_set_many_finish (GrelTTLCache *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_ttl_cache_set_many_from_thread (GrelTTLCache *self,
                                              GHashTable *values,
                                              GTimeSpan ttl,
                                              const char *const *tags,
                                              GCancellable *cancellable,
                                              GError **error);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_delete_many_async (GrelTTLCache *self,
                                       const char *const *keys,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean
grel_ttl_cache_delete_many_finish (GrelTTLCache *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_ttl_cache_delete_many_from_thread (GrelTTLCache *self,
                                                 const char *const *keys,
                                                 GCancellable *cancellable,
                                                 GError **error);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_get_or_load_async (GrelTTLCache *self,
                                       const char *key,
                                       GrelOperation *loader,
                                       const char *const *tags,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);

GREL_AVAILABLE_IN_ALL
GBytes *
grel_ttl_cache_get_or_load_finish (GrelTTLCache *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
GBytes *grel_ttl_cache_get_or_load_from_thread (GrelTTLCache *self,
                                                const char *key,
                                                GrelLoadFunc loader,
                                                gpointer loader_data,
                                                const char *const *tags,
                                                GCancellable *cancellable,
                                                GError **error);

GREL_AVAILABLE_IN_ALL
GBytes *grel_ttl_cache_peek (GrelTTLCache *self, const char *key);

GREL_AVAILABLE_IN_ALL
void grel_ttl_cache_skip (GrelTTLCache *self, const char *key);

GREL_AVAILABLE_IN_ALL
GBytes *grel_cache_pack (GVariant *value);

GREL_AVAILABLE_IN_ALL
GVariant *grel_cache_unpack (GBytes *bytes, GError **error);

G_END_DECLS
