/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-ttl-cache-ask-private.h>

/**
 * grel_ttl_cache_get_async:
 * @self: a cache
 * @key: a key
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Gets the value of a key. May be called from any thread; the result arrives in the caller's
 * context.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_get_async (GrelTTLCache *self,
                          const char *key,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GrelCacheQuestion *question;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (key != NULL);

  question = grel_cache_question_about (GREL_CACHE_GET, key);
  grel_ttl_cache_ask_async (self, question, grel_ttl_cache_get_async, cancellable, callback,
                            user_data);
}

/**
 * grel_ttl_cache_get_finish:
 * @self: a cache
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TTLCache.get_async].
 *
 * Sets %GREL_ERROR_SETTINGS if an argument or a setting is not acceptable, %GREL_ERROR_NOT_OPEN,
 * %GREL_ERROR_CLOSED, %GREL_ERROR_NOT_REGISTERED or %GREL_ERROR_AMBIGUOUS if there is no backend to
 * ask, %GREL_ERROR_BACKEND if the store failed, and %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full) (nullable): the value; %NULL if there is none that is fresh
 *
 * Since: 0.1
 */
GBytes *
grel_ttl_cache_get_finish (GrelTTLCache *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_ttl_cache_get_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * grel_ttl_cache_get_from_thread:
 * @self: a cache
 * @key: a key
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.TTLCache.get_async] does from a worker thread, and waits for it.
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the main context of the backend, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: (transfer full) (nullable): the value; %NULL if there is none that is fresh
 *
 * Since: 0.1
 */
GBytes *
grel_ttl_cache_get_from_thread (GrelTTLCache *self,
                                const char *key,
                                GCancellable *cancellable,
                                GError **error)
{
  GrelCacheQuestion *question;
  GBytes *value;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  if (cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  value = grel_ttl_cache_hit (self, key, TRUE, FALSE);
  if (value != NULL)
    return value;

  question = grel_cache_question_about (GREL_CACHE_GET, key);
  return grel_ttl_cache_ask_from_thread (self, question, cancellable, error);
}

/**
 * grel_ttl_cache_set_async:
 * @self: a cache
 * @key: a key
 * @value: a value
 * @ttl: for how long it is fresh, in microseconds; 0 is for as long as the cache says
 * @tags: (nullable) (array zero-terminated=1): what to delete it by
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Keeps a value, in the place of the one that was there, of its tags and of anything stale. A value
 * of the key that is being loaded will not replace it. May be called from any thread; the result
 * arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_set_async (GrelTTLCache *self,
                          const char *key,
                          GBytes *value,
                          GTimeSpan ttl,
                          const char *const *tags,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GrelCacheQuestion *question;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (key != NULL);
  g_return_if_fail (value != NULL);

  question = grel_cache_question_to_set (key, value, ttl, tags);
  grel_ttl_cache_ask_async (self, question, grel_ttl_cache_set_async, cancellable, callback,
                            user_data);
}

/**
 * grel_ttl_cache_set_finish:
 * @self: a cache
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TTLCache.set_async].
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish].
 *
 * Returns: %TRUE if it is kept
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_set_finish (GrelTTLCache *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_ttl_cache_set_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_ttl_cache_set_from_thread:
 * @self: a cache
 * @key: a key
 * @value: a value
 * @ttl: for how long it is fresh, in microseconds; 0 is for as long as the cache says
 * @tags: (nullable) (array zero-terminated=1): what to delete it by
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.TTLCache.set_async] does from a worker thread, and waits for it.
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the main context of the backend, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if it is kept
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_set_from_thread (GrelTTLCache *self,
                                const char *key,
                                GBytes *value,
                                GTimeSpan ttl,
                                const char *const *tags,
                                GCancellable *cancellable,
                                GError **error)
{
  GrelCacheQuestion *question;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), FALSE);
  g_return_val_if_fail (key != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  question = grel_cache_question_to_set (key, value, ttl, tags);
  return GPOINTER_TO_INT (grel_ttl_cache_ask_from_thread (self, question, cancellable, error));
}

/**
 * grel_ttl_cache_delete_async:
 * @self: a cache
 * @key: a key
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Deletes a key, and anything stale of it. A value of it that is being loaded will not be kept. May
 * be called from any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_delete_async (GrelTTLCache *self,
                             const char *key,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GrelCacheQuestion *question;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (key != NULL);

  question = grel_cache_question_about (GREL_CACHE_DELETE, key);
  grel_ttl_cache_ask_async (self, question, grel_ttl_cache_delete_async, cancellable, callback,
                            user_data);
}

/**
 * grel_ttl_cache_delete_finish:
 * @self: a cache
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TTLCache.delete_async].
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish].
 *
 * Returns: %TRUE; or %FALSE without an error if there was nothing to delete
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_delete_finish (GrelTTLCache *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_ttl_cache_delete_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_ttl_cache_delete_from_thread:
 * @self: a cache
 * @key: a key
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.TTLCache.delete_async] does from a worker thread, and waits for it.
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the main context of the backend, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE; or %FALSE without an error if there was nothing to delete
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_delete_from_thread (GrelTTLCache *self,
                                   const char *key,
                                   GCancellable *cancellable,
                                   GError **error)
{
  GrelCacheQuestion *question;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), FALSE);
  g_return_val_if_fail (key != NULL, FALSE);

  question = grel_cache_question_about (GREL_CACHE_DELETE, key);
  return GPOINTER_TO_INT (grel_ttl_cache_ask_from_thread (self, question, cancellable, error));
}

/**
 * grel_ttl_cache_delete_tags_async:
 * @self: a cache
 * @tags: (array zero-terminated=1): tags
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Deletes every key that has one of the tags. Values with one of them that are being loaded will
 * not be kept. May be called from any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_delete_tags_async (GrelTTLCache *self,
                                  const char *const *tags,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GrelCacheQuestion *question;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));

  question = grel_cache_question_about_tags (GREL_CACHE_DELETE_TAGS, tags);
  grel_ttl_cache_ask_async (self, question, grel_ttl_cache_delete_tags_async, cancellable, callback,
                            user_data);
}

/**
 * grel_ttl_cache_delete_tags_finish:
 * @self: a cache
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TTLCache.delete_tags_async].
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish].
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_delete_tags_finish (GrelTTLCache *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_ttl_cache_delete_tags_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_ttl_cache_delete_tags_from_thread:
 * @self: a cache
 * @tags: (array zero-terminated=1): tags
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.TTLCache.delete_tags_async] does from a worker thread, and waits for
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
grel_ttl_cache_delete_tags_from_thread (GrelTTLCache *self,
                                        const char *const *tags,
                                        GCancellable *cancellable,
                                        GError **error)
{
  GrelCacheQuestion *question;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), FALSE);

  question = grel_cache_question_about_tags (GREL_CACHE_DELETE_TAGS, tags);
  return GPOINTER_TO_INT (grel_ttl_cache_ask_from_thread (self, question, cancellable, error));
}

/**
 * grel_ttl_cache_clear_async:
 * @self: a cache
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Deletes everything in the backend, also what other caches set. Values that are being loaded will
 * not be kept. May be called from any thread; the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_clear_async (GrelTTLCache *self,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GrelCacheQuestion *question;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));

  question = grel_cache_question_new (GREL_CACHE_CLEAR);
  grel_ttl_cache_ask_async (self, question, grel_ttl_cache_clear_async, cancellable, callback,
                            user_data);
}

/**
 * grel_ttl_cache_clear_finish:
 * @self: a cache
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TTLCache.clear_async].
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish].
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_clear_finish (GrelTTLCache *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_ttl_cache_clear_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_ttl_cache_clear_from_thread:
 * @self: a cache
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.TTLCache.clear_async] does from a worker thread, and waits for it.
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the main context of the backend, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE
 *
 * Since: 0.1
 */
gboolean
grel_ttl_cache_clear_from_thread (GrelTTLCache *self, GCancellable *cancellable, GError **error)
{
  GrelCacheQuestion *question;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), FALSE);

  question = grel_cache_question_new (GREL_CACHE_CLEAR);
  return GPOINTER_TO_INT (grel_ttl_cache_ask_from_thread (self, question, cancellable, error));
}
