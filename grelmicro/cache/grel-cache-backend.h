/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-types.h>
#include <grelmicro/core/grel-backend.h>

G_BEGIN_DECLS

#define GREL_TYPE_CACHE_BACKEND (grel_cache_backend_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (GrelCacheBackend, grel_cache_backend, GREL, CACHE_BACKEND, GrelBackend)

/**
 * GrelCacheBackendClass:
 * @parent_class: the parent class
 * @get: see [method@Grelmicro.CacheBackend.get]
 * @set: see [method@Grelmicro.CacheBackend.set]
 * @delete: see [method@Grelmicro.CacheBackend.delete]
 * @delete_tags: see [method@Grelmicro.CacheBackend.delete_tags]
 * @clear: see [method@Grelmicro.CacheBackend.clear]
 * @get_many: see [method@Grelmicro.CacheBackend.get_many]; the default asks @get for each
 * @set_many: see [method@Grelmicro.CacheBackend.set_many]; the default asks @set for each
 * @delete_many: see [method@Grelmicro.CacheBackend.delete_many]; the default asks @delete for each
 * @try_get: gets what is kept under a key, stale or not; the value is the caller's
 * @try_set: keeps a value, counted by the account, which may be %NULL
 * @try_delete: the answer of @delete
 * @try_delete_tags: the answer of @delete_tags
 * @try_clear: the answer of @clear
 * @try_tidy: frees what the other `try_` functions took out, under no mutex of the library
 * @try_hit: @try_get for a key without its [const@Grelmicro.CACHE_KEY_PREFIX]; not needed, but it
 *   spares each hit from making one with it
 *
 * Class of [class@Grelmicro.CacheBackend].
 *
 * A class implements the first five, which run in the captured context and answer through a task,
 * and the next three if its store does better than one by one. One that is thread-safe and never
 * waits implements those with `try_` instead, all of them, and evicts the entry of an account that
 * was not used for longest when there are too many. @try_get may be called by many threads at once,
 * also while the backend closes. They are for C only, since a script must not run on any thread.
 *
 * Since: 0.1
 */
struct _GrelCacheBackendClass
{
  GrelBackendClass parent_class;

  void (*get) (GrelCacheBackend *self, const char *key, GTask *task);
  void (*set) (GrelCacheBackend *self,
               const char *key,
               GBytes *value,
               GTimeSpan ttl,
               const char *const *tags,
               GTask *task);
  void (*delete) (GrelCacheBackend *self, const char *key, GTask *task);
  void (*delete_tags) (GrelCacheBackend *self, const char *const *tags, GTask *task);
  void (*clear) (GrelCacheBackend *self, GTask *task);
  void (*get_many) (GrelCacheBackend *self, const char *const *keys, GTask *task);
  void (*set_many) (GrelCacheBackend *self,
                    GHashTable *values,
                    GTimeSpan ttl,
                    const char *const *tags,
                    GTask *task);
  void (*delete_many) (GrelCacheBackend *self, const char *const *keys, GTask *task);

  gboolean (*try_get) (GrelCacheBackend *self, const char *key, GrelCacheRecord *record);
  void (*try_set) (GrelCacheBackend *self,
                   const char *key,
                   const GrelCacheRecord *record,
                   const char *const *tags,
                   GrelCacheAccount *account);
  gboolean (*try_delete) (GrelCacheBackend *self, const char *key);
  void (*try_delete_tags) (GrelCacheBackend *self, const char *const *tags);
  void (*try_clear) (GrelCacheBackend *self);
  void (*try_tidy) (GrelCacheBackend *self);
  gboolean (*try_hit) (GrelCacheBackend *self, const char *key, GrelCacheRecord *record);

  /*< private >*/
  gpointer _reserved[7];
};

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_get (GrelCacheBackend *self, const char *key, GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_set (GrelCacheBackend *self,
                             const char *key,
                             GBytes *value,
                             GTimeSpan ttl,
                             const char *const *tags,
                             GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_delete (GrelCacheBackend *self, const char *key, GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_delete_tags (GrelCacheBackend *self, const char *const *tags, GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_clear (GrelCacheBackend *self, GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_get_many (GrelCacheBackend *self, const char *const *keys, GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_set_many (GrelCacheBackend *self,
                                  GHashTable *values,
                                  GTimeSpan ttl,
                                  const char *const *tags,
                                  GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_delete_many (GrelCacheBackend *self, const char *const *keys, GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_return_value (GrelCacheBackend *self, GTask *task, GBytes *value);

GREL_AVAILABLE_IN_ALL
void grel_cache_backend_return_values (GrelCacheBackend *self, GTask *task, GHashTable *values);

G_END_DECLS
