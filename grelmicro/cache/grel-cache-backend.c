/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-backend-private.h>
#include <grelmicro/cache/grel-cache-flight-private.h>
#include <grelmicro/cache/grel-cache-many-private.h>

/**
 * GrelCacheBackend:
 *
 * What keeps the values of caches.
 *
 * A cache backend maps a key to bytes until their time to live has passed, and knows the tags of
 * each key. The library brings [class@Grelmicro.MemoryCacheAdapter]; derive a class to use another
 * store. Its virtual functions run in the captured context, one request at a time or several, each
 * with a task to complete once. The keys that arrive have a prefix: `cache:user:1`.
 *
 * Since: 0.1
 */
typedef struct
{
  GHashTable *flights; /* GRefString to GrelCacheFlight, under the part's mutex */
} GrelCacheBackendPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GrelCacheBackend, grel_cache_backend, GREL_TYPE_BACKEND)

static void
grel_cache_backend_finalize (GObject *object)
{
  GrelCacheBackendPrivate *priv
    = grel_cache_backend_get_instance_private (GREL_CACHE_BACKEND (object));

  g_hash_table_unref (priv->flights);

  G_OBJECT_CLASS (grel_cache_backend_parent_class)->finalize (object);
}

static void
grel_cache_backend_class_init (GrelCacheBackendClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = grel_cache_backend_finalize;
}

static void
grel_cache_backend_init (GrelCacheBackend *self)
{
  GrelCacheBackendPrivate *priv = grel_cache_backend_get_instance_private (self);

  priv->flights = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                         (GDestroyNotify) grel_cache_flight_free);
}

GHashTable *
grel_cache_backend_get_flights (GrelCacheBackend *self)
{
  return ((GrelCacheBackendPrivate *) grel_cache_backend_get_instance_private (self))->flights;
}

gboolean
grel_cache_backend_is_immediate (GrelCacheBackend *self)
{
  return GREL_CACHE_BACKEND_GET_CLASS (self)->try_get != NULL;
}

void
grel_cache_backend_tidy (GrelCacheBackend *self)
{
  if (grel_cache_backend_is_immediate (self))
    GREL_CACHE_BACKEND_GET_CLASS (self)->try_tidy (self);
}

/* Adapters are written in scripts as well: one that forgot a function must not crash. */
static void
grel_cache_backend_return_missing (GTask *task, const char *vfunc)
{
  g_task_return_new_error (task, GREL_ERROR, GREL_ERROR_BACKEND,
                           "the backend does not implement %s", vfunc);
}

/**
 * GrelCacheBackendClass::try_get: (skip)
 */
/**
 * GrelCacheBackendClass::try_set: (skip)
 */
/**
 * GrelCacheBackendClass::try_delete: (skip)
 */
/**
 * GrelCacheBackendClass::try_delete_tags: (skip)
 */
/**
 * GrelCacheBackendClass::try_clear: (skip)
 */
/**
 * GrelCacheBackendClass::try_tidy: (skip)
 */
/**
 * GrelCacheBackendClass::try_hit: (skip)
 */

/**
 * grel_cache_backend_get: (virtual get)
 * @self: a cache backend
 * @key: a key
 * @task: (transfer none): completed once with a [struct@GLib.Bytes] value or none
 *
 * Gets the value of a key.
 *
 * The answer is given with [method@Grelmicro.CacheBackend.return_value]: the bytes that were set
 * last, also if there are none of them, and no value if the key was never set, was deleted, or if
 * its time to live has passed. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_cache_backend_get (GrelCacheBackend *self, const char *key, GTask *task)
{
  GrelCacheBackendClass *klass;
  GrelCacheRecord record = { NULL };

  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (key != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CACHE_BACKEND_GET_CLASS (self);
  if (klass->get != NULL)
    klass->get (self, key, task);
  else if (klass->try_get != NULL)
    {
      klass->try_get (self, key, &record);
      grel_cache_backend_return_value (self, task, record.value);
      g_clear_pointer (&record.value, g_bytes_unref);
    }
  else
    grel_cache_backend_return_missing (task, "get");
}

/**
 * grel_cache_backend_set: (virtual set)
 * @self: a cache backend
 * @key: a key
 * @value: a value
 * @ttl: for how long to keep it, in microseconds; more than 0
 * @tags: (nullable) (array zero-terminated=1): what to delete the key by
 * @task: (transfer none): completed once with a boolean
 *
 * Keeps a value, in the place of the one that was there and of its tags.
 *
 * Value and tags change at once: nobody sees one without the other. The answer is %TRUE. Call this
 * in the captured context.
 *
 * Since: 0.1
 */
void
grel_cache_backend_set (GrelCacheBackend *self,
                        const char *key,
                        GBytes *value,
                        GTimeSpan ttl,
                        const char *const *tags,
                        GTask *task)
{
  GrelCacheBackendClass *klass;

  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (key != NULL && value != NULL && ttl > 0);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CACHE_BACKEND_GET_CLASS (self);
  if (klass->set != NULL)
    klass->set (self, key, value, ttl, tags, task);
  else if (klass->try_set != NULL)
    {
      klass->try_set (self, key, &(GrelCacheRecord){ .value = value, .ttl = ttl }, tags, NULL);
      klass->try_tidy (self);
      g_task_return_boolean (task, TRUE);
    }
  else
    grel_cache_backend_return_missing (task, "set");
}

/**
 * grel_cache_backend_delete: (virtual delete)
 * @self: a cache backend
 * @key: a key
 * @task: (transfer none): completed once with a boolean
 *
 * Deletes a key and its tags.
 *
 * The answer is %TRUE if it was there, and %FALSE if it wasn't, which is no error. Call this in the
 * captured context.
 *
 * Since: 0.1
 */
void
grel_cache_backend_delete (GrelCacheBackend *self, const char *key, GTask *task)
{
  GrelCacheBackendClass *klass;

  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (key != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CACHE_BACKEND_GET_CLASS (self);
  if (klass->delete != NULL)
    klass->delete (self, key, task);
  else if (klass->try_delete != NULL)
    {
      gboolean was_there = klass->try_delete (self, key);

      klass->try_tidy (self);
      g_task_return_boolean (task, was_there);
    }
  else
    grel_cache_backend_return_missing (task, "delete");
}

/**
 * grel_cache_backend_delete_tags: (virtual delete_tags)
 * @self: a cache backend
 * @tags: (array zero-terminated=1): at least one
 * @task: (transfer none): completed once with a boolean
 *
 * Deletes every key that has one of the tags.
 *
 * A tag that no key has is no error. The answer is %TRUE. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_cache_backend_delete_tags (GrelCacheBackend *self, const char *const *tags, GTask *task)
{
  GrelCacheBackendClass *klass;

  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (tags != NULL && tags[0] != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CACHE_BACKEND_GET_CLASS (self);
  if (klass->delete_tags != NULL)
    klass->delete_tags (self, tags, task);
  else if (klass->try_delete_tags != NULL)
    {
      klass->try_delete_tags (self, tags);
      klass->try_tidy (self);
      g_task_return_boolean (task, TRUE);
    }
  else
    grel_cache_backend_return_missing (task, "delete_tags");
}

/**
 * grel_cache_backend_clear: (virtual clear)
 * @self: a cache backend
 * @task: (transfer none): completed once with a boolean
 *
 * Deletes everything that was set through this backend and others on the same part of the store.
 *
 * The answer is %TRUE. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_cache_backend_clear (GrelCacheBackend *self, GTask *task)
{
  GrelCacheBackendClass *klass;

  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CACHE_BACKEND_GET_CLASS (self);
  if (klass->clear != NULL)
    klass->clear (self, task);
  else if (klass->try_clear != NULL)
    {
      klass->try_clear (self);
      klass->try_tidy (self);
      g_task_return_boolean (task, TRUE);
    }
  else
    grel_cache_backend_return_missing (task, "clear");
}

/**
 * grel_cache_backend_get_many: (virtual get_many)
 * @self: a cache backend
 * @keys: (array zero-terminated=1): at least one key
 * @task: (transfer none): completed once with a table
 *
 * Gets the values of many keys.
 *
 * The answer is given with [method@Grelmicro.CacheBackend.return_values]: a table of those keys
 * that there is a value of. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_cache_backend_get_many (GrelCacheBackend *self, const char *const *keys, GTask *task)
{
  GrelCacheBackendClass *klass;

  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (keys != NULL && keys[0] != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CACHE_BACKEND_GET_CLASS (self);
  if (klass->get_many != NULL)
    klass->get_many (self, keys, task);
  else
    grel_cache_many_get (self, keys, task);
}

/**
 * grel_cache_backend_set_many: (virtual set_many)
 * @self: a cache backend
 * @values: (element-type utf8 GBytes): at least one key and its value
 * @ttl: for how long to keep them, in microseconds; more than 0
 * @tags: (nullable) (array zero-terminated=1): what to delete the keys by
 * @task: (transfer none): completed once with a boolean
 *
 * Keeps many values, each as [method@Grelmicro.CacheBackend.set] does.
 *
 * The answer is %TRUE. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_cache_backend_set_many (GrelCacheBackend *self,
                             GHashTable *values,
                             GTimeSpan ttl,
                             const char *const *tags,
                             GTask *task)
{
  GrelCacheBackendClass *klass;

  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (values != NULL && g_hash_table_size (values) > 0 && ttl > 0);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CACHE_BACKEND_GET_CLASS (self);
  if (klass->set_many != NULL)
    klass->set_many (self, values, ttl, tags, task);
  else
    grel_cache_many_set (self, values, ttl, tags, task);
}

/**
 * grel_cache_backend_delete_many: (virtual delete_many)
 * @self: a cache backend
 * @keys: (array zero-terminated=1): at least one key
 * @task: (transfer none): completed once with a boolean
 *
 * Deletes many keys, each as [method@Grelmicro.CacheBackend.delete] does.
 *
 * The answer is %TRUE. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_cache_backend_delete_many (GrelCacheBackend *self, const char *const *keys, GTask *task)
{
  GrelCacheBackendClass *klass;

  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (keys != NULL && keys[0] != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CACHE_BACKEND_GET_CLASS (self);
  if (klass->delete_many != NULL)
    klass->delete_many (self, keys, task);
  else
    grel_cache_many_delete (self, keys, task);
}

static void
grel_cache_backend_return_boxed (GTask *task, GType type, gconstpointer boxed)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, type);
  g_value_set_boxed (&value, boxed);
  g_task_return_value (task, &value);
}

/**
 * grel_cache_backend_return_value:
 * @self: a cache backend
 * @task: (transfer none): what [method@Grelmicro.CacheBackend.get] came with
 * @value: (nullable): the value, %NULL if there is none
 *
 * Answers a request for a value. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_cache_backend_return_value (GrelCacheBackend *self, GTask *task, GBytes *value)
{
  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (G_IS_TASK (task));

  grel_cache_backend_return_boxed (task, G_TYPE_BYTES, value);
}

/**
 * grel_cache_backend_return_values:
 * @self: a cache backend
 * @task: (transfer none): what [method@Grelmicro.CacheBackend.get_many] came with
 * @values: (element-type utf8 GBytes): the keys that were found, and their values
 *
 * Answers a request for many values, which are copied. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_cache_backend_return_values (GrelCacheBackend *self, GTask *task, GHashTable *values)
{
  g_autoptr (GHashTable) copy = NULL; /* of a script, which frees what is in its own */
  GHashTableIter iter;
  gpointer key, value;

  g_return_if_fail (GREL_IS_CACHE_BACKEND (self));
  g_return_if_fail (G_IS_TASK (task));
  g_return_if_fail (values != NULL);

  copy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  g_hash_table_iter_init (&iter, values);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy, g_strdup (key), g_bytes_ref (value));
  grel_cache_backend_return_boxed (task, G_TYPE_HASH_TABLE, copy);
}
