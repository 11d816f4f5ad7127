/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-ttl-cache-private.h>
#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/core/grel-task-private.h>

/* What the arguments say; to be cleared. Returns: (transfer full): the backend */
static GrelCacheBackend *
grel_ttl_cache_make_wish (GrelTTLCache *self,
                          const char *key,
                          GrelOperation *loader,
                          const char *const *tags,
                          GrelCacheWish *wish,
                          GError **error)
{
  const char *fault = grel_cache_find_key_fault (key);

  if (fault == NULL)
    fault = grel_cache_find_tags_fault (tags);
  if (fault != NULL)
    {
      g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS,
                                                grel_cache_subject_for_key (NULL), "%s", fault));
      return NULL;
    }

  wish->cache = g_object_ref (self);
  wish->key = grel_cache_make_key (key);
  wish->operation = loader != NULL ? g_object_ref (loader) : NULL;
  wish->tags = g_strdupv ((char **) tags);
  wish->thread = loader != NULL ? 0 : grel_identity_get_thread ();
  return grel_ttl_cache_prepare (self, key, &wish->settings, NULL, error);
}

/**
 * grel_ttl_cache_get_or_load_async:
 * @self: a cache
 * @key: a key
 * @loader: loads the value and answers with [struct@GLib.Bytes]
 * @tags: (nullable) (array zero-terminated=1): what to delete the value by
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Gets the value of a key, and loads and keeps it if there is none that is fresh.
 *
 * One key is loaded once at a time, whoever asks: the others, asynchronous callers and threads,
 * wait for that load. If whoever loads is cancelled, the next one loads. If the load fails, all who
 * wait for it get that error, or the stale value if [property@Grelmicro.TTLCache:stale-ttl] keeps
 * one and the error is an outcome. A loader that asks for its own key waits for itself. May be
 * called from any thread; @loader starts and the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_get_or_load_async (GrelTTLCache *self,
                                  const char *key,
                                  GrelOperation *loader,
                                  const char *const *tags,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GrelCacheBackend) backend = NULL;
  g_autoptr (GrelCacheLoad) load = NULL;
  g_autoptr (GrelCall) call = NULL;
  g_auto (GrelCacheWish) wish = { NULL };
  GError *error = NULL;
  GBytes *value = NULL;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (key != NULL && GREL_IS_OPERATION (loader));

  task = grel_task_new (self, cancellable, callback, user_data, grel_ttl_cache_get_or_load_async);

  if (!g_cancellable_set_error_if_cancelled (cancellable, &error))
    value = grel_ttl_cache_hit (self, key, FALSE, TRUE);
  if (error == NULL && value == NULL)
    backend = grel_ttl_cache_make_wish (self, key, loader, tags, &wish, &error);
  if (backend != NULL)
    value = grel_cache_wait_begin (backend, &wish, task, cancellable, &call, &load, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else if (call == NULL)
    g_task_return_pointer (task, value, (GDestroyNotify) g_bytes_unref);
  if (load != NULL)
    grel_cache_load_start (load);
}

/**
 * grel_ttl_cache_get_or_load_finish:
 * @self: a cache
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.TTLCache.get_or_load_async].
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_finish], and those of the loader.
 *
 * Returns: (transfer full): the value
 *
 * Since: 0.1
 */
GBytes *
grel_ttl_cache_get_or_load_finish (GrelTTLCache *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_ttl_cache_get_or_load_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * grel_ttl_cache_get_or_load_from_thread:
 * @self: a cache
 * @key: a key
 * @loader: (scope call) (closure loader_data): loads the value, on this thread
 * @loader_data: passed to @loader
 * @tags: (nullable) (array zero-terminated=1): what to delete the value by
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Does what [method@Grelmicro.TTLCache.get_or_load_async] does from a worker thread, and waits for
 * it. It is this thread that loads if it is its turn, also early.
 *
 * Sets the errors of [method@Grelmicro.TTLCache.get_or_load_finish], %GREL_ERROR_REENTRANT if this
 * thread is in the middle of loading @key, %GREL_ERROR_DEADLOCK on the thread that runs the main
 * context of the backend, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: (transfer full): the value
 *
 * Since: 0.1
 */
GBytes *
grel_ttl_cache_get_or_load_from_thread (GrelTTLCache *self,
                                        const char *key,
                                        GrelLoadFunc loader,
                                        gpointer loader_data,
                                        const char *const *tags,
                                        GCancellable *cancellable,
                                        GError **error)
{
  g_autoptr (GrelCacheBackend) backend = NULL;
  g_autoptr (GrelCacheLoad) load = NULL;
  g_autoptr (GrelCall) call = NULL;
  g_auto (GrelCacheWish) wish = { NULL };
  GBytes *value;

  g_return_val_if_fail (GREL_IS_TTL_CACHE (self), NULL);
  g_return_val_if_fail (key != NULL && loader != NULL, NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  value = grel_ttl_cache_hit (self, key, TRUE, TRUE);
  if (value != NULL)
    return value;

  backend = grel_ttl_cache_make_wish (self, key, NULL, tags, &wish, error);
  if (backend == NULL)
    return NULL;

  value = grel_cache_wait_begin (backend, &wish, NULL, cancellable, &call, &load, error);
  if (call != NULL)
    {
      value = grel_call_wait (grel_call_ref (call), error);
      load = grel_cache_wait_steal_load (call);
    }
  if (load == NULL)
    return value;
  return grel_cache_load_run (load, loader, loader_data, value, cancellable, error);
}

/**
 * grel_ttl_cache_skip:
 * @self: a cache
 * @key: a key
 *
 * Says that a value of @key that is being loaded is not to be kept: a loader calls it when it finds
 * that what it loads is only good for those who wait for it now. Does nothing if none is being
 * loaded. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_ttl_cache_skip (GrelTTLCache *self, const char *key)
{
  g_autoptr (GrelCacheBackend) backend = NULL;
  g_autoptr (GrelCacheQuestion) question = NULL;
  GrelCacheSettings settings;
  GrelPart *part;

  g_return_if_fail (GREL_IS_TTL_CACHE (self));
  g_return_if_fail (key != NULL);

  backend = grel_ttl_cache_prepare (self, key, &settings, NULL, NULL);
  if (backend == NULL)
    return;

  question = grel_cache_question_new (GREL_CACHE_DELETE);
  question->key = grel_cache_make_key (key);
  part = grel_backend_get_part (GREL_BACKEND (backend));
  if (!grel_part_enter (part, FALSE, grel_cache_subject_for_key (question->key), NULL))
    return;
  grel_cache_question_supersede (question, backend);
  grel_part_leave (part);
}
