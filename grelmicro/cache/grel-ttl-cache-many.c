/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-ttl-cache-ask-private.h>

/**
 * grel_ttl_cache_get_many_async:
 * @self: a cache
 * @keys: (array zero-terminated=1): keys
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Gets the values of many keys, in their order. May be called from any thread; the result arrives
 * in the caller's context.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_get_many_async (GrelTTLCache *self,
                               const char *const *keys,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GrelCacheQuestion *question;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (keys != NULL);

  question = grel_cache_question_about_many (GREL_CACHE_GET_MANY, keys);
  grel_ttl_cache_ask_async (self, question, grel_ttl_cache_get_many_async, cancellable, callback,
                            user_data);
}

/**
 * grel_ttl_cache_get_many_finish:
 * @self: a cache
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TTLCache.get_many_async].
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish].
 *
 * Returns: (transfer container) (element-type GBytes): a value for each key, in their order; %NULL
 *   for one that has no fresh value
 *
 * Since: 0.1
 */
GPtrArray *
grel_ttl_cache_get_many_finish (GrelTTLCache *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_ttl_cache_get_many_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * grel_ttl_cache_get_many_from_thread:
 * @self: a cache
 * @keys: (array zero-terminated=1): keys
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.TTLCache.get_many_async] does from a worker thread, and waits for it.
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the main context of the backend, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: (transfer container) (element-type GBytes): a value for each key, in their order; %NULL
 *   for one that has no fresh value
 *
 * Since: 0.1
 */
GPtrArray *
grel_ttl_cache_get_many_from_thread (GrelTTLCache *self,
                                     const char *const *keys,
                                     GCancellable *cancellable,
                                     GError **error)
{
  GrelCacheQuestion *question;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), NULL);
  g_return_val_if_fail (keys != NULL, NULL);

  question = grel_cache_question_about_many (GREL_CACHE_GET_MANY, keys);
  return grel_ttl_cache_ask_from_thread (self, question, cancellable, error);
}

/**
 * grel_ttl_cache_set_many_async:
 * @self: a cache
 * @values: (element-type utf8 GBytes): keys and their values
 * @ttl: for how long it is fresh, in microseconds; 0 is for as long as the cache says
 * @tags: (nullable) (array zero-terminated=1): what to delete it by
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Keeps many values, each as [method@Grelmicro.TTLCache.set_async] does. May be called from any
 * thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_many_async (GrelTTLCache *self,
                               GHashTable *values,
                               GTimeSpan ttl,
                               const char *const *tags,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GrelCacheQuestion *question;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (values != NULL);

  question = grel_cache_question_to_set_many (values, ttl, tags);
  grel_ttl_cache_ask_async (self, question, grel_ttl_cache_set_many_async, cancellable, callback,
                            user_data);
}

/**
 * grel_ttl_cache_set_many_finish:
 * @self: a cache
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TTLCache.set_many_async].
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish].
 *
 * Returns: %TRUE if they are kept
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_set_many_finish (GrelTTLCache *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_ttl_cache_set_many_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_ttl_cache_set_many_from_thread:
 * @self: a cache
 * @values: (element-type utf8 GBytes): keys and their values
 * @ttl: for how long it is fresh, in microseconds; 0 is for as long as the cache says
 * @tags: (nullable) (array zero-terminated=1): what to delete it by
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.TTLCache.set_many_async] does from a worker thread, and waits for it.
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the main context of the backend, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if they are kept
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_set_many_from_thread (GrelTTLCache *self,
                                     GHashTable *values,
                                     GTimeSpan ttl,
                                     const char *const *tags,
                                     GCancellable *cancellable,
                                     GError **error)
{
  GrelCacheQuestion *question;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), FALSE);
  g_return_val_if_fail (values != NULL, FALSE);

  question = grel_cache_question_to_set_many (values, ttl, tags);
  return GPOINTER_TO_INT (grel_ttl_cache_ask_from_thread (self, question, cancellable, error));
}

/**
 * grel_ttl_cache_delete_many_async:
 * @self: a cache
 * @keys: (array zero-terminated=1): keys
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Deletes many keys, each as [method@Grelmicro.TTLCache.delete_async] does. May be called from any
 * thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_delete_many_async (GrelTTLCache *self,
                                  const char *const *keys,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GrelCacheQuestion *question;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (keys != NULL);

  question = grel_cache_question_about_many (GREL_CACHE_DELETE_MANY, keys);
  grel_ttl_cache_ask_async (self, question, grel_ttl_cache_delete_many_async, cancellable, callback,
                            user_data);
}

/**
 * grel_ttl_cache_delete_many_finish:
 * @self: a cache
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TTLCache.delete_many_async].
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish].
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_delete_many_finish (GrelTTLCache *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_ttl_cache_delete_many_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_ttl_cache_delete_many_from_thread:
 * @self: a cache
 * @keys: (array zero-terminated=1): keys
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.TTLCache.delete_many_async] does from a worker thread, and waits for
 * it.
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the main context of the backend, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_delete_many_from_thread (GrelTTLCache *self,
                                        const char *const *keys,
                                        GCancellable *cancellable,
                                        GError **error)
{
  GrelCacheQuestion *question;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), FALSE);
  g_return_val_if_fail (keys != NULL, FALSE);

  question = grel_cache_question_about_many (GREL_CACHE_DELETE_MANY, keys);
  return GPOINTER_TO_INT (grel_ttl_cache_ask_from_thread (self, question, cancellable, error));
}
