/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-ttl-cache-ask-private.h>
#include <grelmicro/core/grel-task-private.h>

GrelCacheQuestion *
grel_cache_question_about (GrelCacheVerb verb, const char *key)
{
  GrelCacheQuestion *self = grel_cache_question_new (verb);

  self->key = grel_cache_make_key (key);
  return self;
}

GrelCacheQuestion *
grel_cache_question_about_many (GrelCacheVerb verb, const char *const *keys)
{
  GrelCacheQuestion *self = grel_cache_question_new (verb);
  guint n_keys = g_strv_length ((char **) keys);

  self->keys = g_new0 (char *, n_keys + 1);
  for (guint i = 0; i < n_keys; i++)
    self->keys[i] = g_strconcat (GREL_CACHE_KEY_PREFIX, keys[i], NULL);
  return self;
}

GrelCacheQuestion *
grel_cache_question_about_tags (GrelCacheVerb verb, const char *const *tags)
{
  static const char *const none[] = { NULL };
  GrelCacheQuestion *self = grel_cache_question_new (verb);

  self->tags = g_strdupv ((char **) (tags != NULL ? tags : none));
  return self;
}

GrelCacheQuestion *
grel_cache_question_to_set (const char *key, GBytes *value, GTimeSpan ttl, const char *const *tags)
{
  GrelCacheQuestion *self = grel_cache_question_about (GREL_CACHE_SET, key);

  self->record.value = g_bytes_ref (value);
  self->record.ttl = ttl;
  self->tags = g_strdupv ((char **) tags);
  return self;
}

GrelCacheQuestion *
grel_cache_question_to_set_many (GHashTable *values, GTimeSpan ttl, const char *const *tags)
{
  GrelCacheQuestion *self = grel_cache_question_new (GREL_CACHE_SET_MANY);
  GHashTableIter iter;
  gpointer key, value;

  self->values
    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  g_hash_table_iter_init (&iter, values);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (self->values, g_strconcat (GREL_CACHE_KEY_PREFIX, key, NULL),
                         g_bytes_ref (value));
  self->record.ttl = ttl;
  self->tags = g_strdupv ((char **) tags);
  return self;
}

static const char *
grel_cache_question_find_fault (GrelCacheQuestion *self)
{
  const char *fault = grel_cache_find_ttl_fault (self->record.ttl);
  GHashTableIter iter;
  gpointer key;

  if (fault == NULL)
    fault = grel_cache_find_tags_fault ((const char *const *) self->tags);
  if (fault == NULL && self->key != NULL)
    fault = grel_cache_find_key_fault (self->key);
  for (guint i = 0; fault == NULL && self->keys != NULL && self->keys[i] != NULL; i++)
    fault = grel_cache_find_key_fault (self->keys[i]);
  if (fault != NULL || self->values == NULL)
    return fault;

  g_hash_table_iter_init (&iter, self->values);
  while (fault == NULL && g_hash_table_iter_next (&iter, &key, NULL))
    fault = grel_cache_find_key_fault (key);
  return fault;
}

/* The name of a key that is not UTF-8 is not fit for an error. */
static gpointer
grel_ttl_cache_ask (GrelTTLCache *self,
                    GrelCacheQuestion *question,
                    GTask *task,
                    GCancellable *cancellable,
                    GrelCall **call,
                    GError **error)
{
  const char *fault = grel_cache_question_find_fault (question);
  g_autoptr (GrelCacheBackend) backend = NULL;
  GrelCacheSettings settings;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (fault != NULL)
    {
      g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS,
                                                grel_cache_subject_for_key (NULL), "%s", fault));
      return NULL;
    }

  backend = grel_ttl_cache_prepare (self, grel_cache_subject_for_key (question->key).name,
                                    &settings, NULL, error);
  if (backend == NULL)
    return NULL;

  if (question->record.ttl == 0)
    question->record.ttl = settings.ttl;
  question->record.stale_ttl = settings.stale_ttl;
  return grel_cache_call_begin (backend, self, question, task, cancellable, call, error);
}

static void
grel_cache_question_return (GrelCacheQuestion *self, GTask *task, gpointer answer)
{
  if (self->verb == GREL_CACHE_GET)
    g_task_return_pointer (task, answer, (GDestroyNotify) g_bytes_unref);
  else if (self->verb == GREL_CACHE_GET_MANY)
    g_task_return_pointer (task, answer, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_boolean (task, GPOINTER_TO_INT (answer));
}

void
grel_ttl_cache_ask_async (GrelTTLCache *self,
                          GrelCacheQuestion *question,
                          gpointer source_tag,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GrelCacheQuestion) mine = question;
  g_autoptr (GTask) task = grel_task_new (self, cancellable, callback, user_data, source_tag);
  g_autoptr (GrelCall) call = NULL;
  GError *error = NULL;
  gpointer answer;

  answer = grel_ttl_cache_ask (self, mine, task, cancellable, &call, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else if (call == NULL)
    grel_cache_question_return (mine, task, answer);
}

gpointer
grel_ttl_cache_ask_from_thread (GrelTTLCache *self,
                                GrelCacheQuestion *question,
                                GCancellable *cancellable,
                                GError **error)
{
  g_autoptr (GrelCacheQuestion) mine = question;
  GrelCall *call = NULL;
  gpointer answer = grel_ttl_cache_ask (self, mine, NULL, cancellable, &call, error);

  return call != NULL ? grel_call_wait (call, error) : answer;
}
