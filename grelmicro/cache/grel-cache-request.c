/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-backend-private.h>
#include <grelmicro/cache/grel-cache-record-private.h>
#include <grelmicro/core/grel-request-private.h>

#include <string.h>

GRefString *
grel_cache_make_key (const char *key)
{
  g_autofree char *prefixed = g_strconcat (GREL_CACHE_KEY_PREFIX, key, NULL);

  return g_ref_string_new (prefixed);
}

const char *
grel_cache_strip_key (const char *key)
{
  return key + strlen (GREL_CACHE_KEY_PREFIX);
}

GrelSubject
grel_cache_subject_for_key (const char *key)
{
  return (GrelSubject){ "cache", key != NULL ? grel_cache_strip_key (key) : NULL };
}

GrelCacheQuestion *
grel_cache_question_new (GrelCacheVerb verb)
{
  GrelCacheQuestion *self = g_atomic_rc_box_new0 (GrelCacheQuestion);

  self->verb = verb;
  return self;
}

static void
grel_cache_question_clear (gpointer data)
{
  GrelCacheQuestion *self = data;

  g_clear_pointer (&self->key, g_ref_string_release);
  g_clear_pointer (&self->values, g_hash_table_unref);
  g_clear_pointer (&self->record.value, g_bytes_unref);
  g_slist_free_full (self->stale, (GDestroyNotify) g_bytes_unref);
  g_strfreev (self->keys);
  g_strfreev (self->tags);
}

void
grel_cache_question_unref (GrelCacheQuestion *self)
{
  g_atomic_rc_box_release_full (self, grel_cache_question_clear);
}

gboolean
grel_cache_question_changes (GrelCacheQuestion *self)
{
  return self->verb != GREL_CACHE_GET && self->verb != GREL_CACHE_GET_MANY;
}

gboolean
grel_cache_question_is_empty (GrelCacheQuestion *self)
{
  return (self->keys != NULL && self->keys[0] == NULL)
         || (self->values != NULL && g_hash_table_size (self->values) == 0)
         || (self->verb == GREL_CACHE_DELETE_TAGS && self->tags[0] == NULL);
}

gpointer
grel_cache_question_answer_empty (GrelCacheQuestion *self)
{
  if (self->verb != GREL_CACHE_GET_MANY)
    return GINT_TO_POINTER (TRUE);

  return g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
}

static GBytes *
grel_cache_question_find (GrelCacheQuestion *self,
                          GrelCacheBackendClass *klass,
                          GrelCacheBackend *backend,
                          const char *key)
{
  GrelCacheRecord record = { NULL };

  if (!klass->try_get (backend, key, &record) || record.remaining > self->min_remaining)
    return record.value;

  self->stale = g_slist_prepend (self->stale, record.value);
  return NULL;
}

static GPtrArray *
grel_cache_question_find_many (GrelCacheQuestion *self,
                               GrelCacheBackendClass *klass,
                               GrelCacheBackend *backend)
{
  GPtrArray *values = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  for (guint i = 0; self->keys[i] != NULL; i++)
    g_ptr_array_add (values, grel_cache_question_find (self, klass, backend, self->keys[i]));
  return values;
}

static void
grel_cache_question_set_many (GrelCacheQuestion *self,
                              GrelCacheBackendClass *klass,
                              GrelCacheBackend *backend,
                              GrelCacheAccount *account)
{
  GrelCacheRecord record = self->record;
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, self->values);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      record.value = value;
      klass->try_set (backend, key, &record, (const char *const *) self->tags, account);
    }
}

gpointer
grel_cache_question_answer (GrelCacheQuestion *self,
                            GrelCacheBackend *backend,
                            GrelCacheAccount *account)
{
  GrelCacheBackendClass *klass = GREL_CACHE_BACKEND_GET_CLASS (backend);
  const char *const *tags = (const char *const *) self->tags;

  switch (self->verb)
    {
    case GREL_CACHE_GET:
      return grel_cache_question_find (self, klass, backend, self->key);
    case GREL_CACHE_GET_MANY:
      return grel_cache_question_find_many (self, klass, backend);
    case GREL_CACHE_SET:
      klass->try_set (backend, self->key, &self->record, tags, account);
      break;
    case GREL_CACHE_SET_MANY:
      grel_cache_question_set_many (self, klass, backend, account);
      break;
    case GREL_CACHE_DELETE:
      return GINT_TO_POINTER (klass->try_delete (backend, self->key));
    case GREL_CACHE_DELETE_MANY:
      for (guint i = 0; self->keys[i] != NULL; i++)
        klass->try_delete (backend, self->keys[i]);
      break;
    case GREL_CACHE_DELETE_TAGS:
      klass->try_delete_tags (backend, tags);
      break;
    case GREL_CACHE_CLEAR:
    default:
      klass->try_clear (backend);
      break;
    }
  return GINT_TO_POINTER (TRUE);
}

typedef struct
{
  GrelRequest base;
  GrelCacheQuestion *question;
  GrelCacheAnswered answered;
  gpointer data;
} GrelCacheRequest;

static gint64
grel_cache_backend_get_wall_time (GrelCacheBackend *self)
{
  return grel_clock_get_real_time (grel_backend_get_clock (GREL_BACKEND (self)));
}

gboolean
grel_cache_backend_decode (GrelCacheBackend *self, GBytes *bytes, GrelCacheRecord *record)
{
  if (bytes == NULL)
    return FALSE;

  grel_cache_record_decode (record, bytes, grel_cache_backend_get_wall_time (self));
  return TRUE;
}

static void
grel_cache_request_set (GrelCacheQuestion *question, GrelCacheBackend *backend, GTask *task)
{
  gint64 wall_now = grel_cache_backend_get_wall_time (backend);
  g_autoptr (GBytes) bytes = grel_cache_record_encode (&question->record, wall_now);

  grel_cache_backend_set (backend, question->key, bytes,
                          question->record.ttl + question->record.stale_ttl,
                          (const char *const *) question->tags, task);
}

static void
grel_cache_request_set_many (GrelCacheQuestion *question, GrelCacheBackend *backend, GTask *task)
{
  gint64 wall_now = grel_cache_backend_get_wall_time (backend);
  g_autoptr (GHashTable) values
    = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_bytes_unref);
  GrelCacheRecord record = question->record;
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, question->values);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      record.value = value;
      g_hash_table_insert (values, key, grel_cache_record_encode (&record, wall_now));
    }
  grel_cache_backend_set_many (backend, values, record.ttl + record.stale_ttl,
                               (const char *const *) question->tags, task);
}

static void
grel_cache_request_start (GrelRequest *request, GTask *task)
{
  GrelCacheQuestion *question = ((GrelCacheRequest *) request)->question;
  GrelCacheBackend *backend = GREL_CACHE_BACKEND (request->owner);

  switch (question->verb)
    {
    case GREL_CACHE_GET:
      grel_cache_backend_get (backend, question->key, task);
      break;
    case GREL_CACHE_SET:
      grel_cache_request_set (question, backend, task);
      break;
    case GREL_CACHE_DELETE:
      grel_cache_backend_delete (backend, question->key, task);
      break;
    case GREL_CACHE_DELETE_TAGS:
      grel_cache_backend_delete_tags (backend, (const char *const *) question->tags, task);
      break;
    case GREL_CACHE_GET_MANY:
      grel_cache_backend_get_many (backend, (const char *const *) question->keys, task);
      break;
    case GREL_CACHE_SET_MANY:
      grel_cache_request_set_many (question, backend, task);
      break;
    case GREL_CACHE_DELETE_MANY:
      grel_cache_backend_delete_many (backend, (const char *const *) question->keys, task);
      break;
    case GREL_CACHE_CLEAR:
    default:
      grel_cache_backend_clear (backend, task);
      break;
    }
}

static void
grel_cache_request_answered (GrelRequest *request, gssize answer, GError *error)
{
  GrelCacheRequest *self = (GrelCacheRequest *) request;

  self->answered (self->data, GSIZE_TO_POINTER (answer), error);
}

static void
grel_cache_request_finalize (GrelRequest *request)
{
  grel_cache_question_unref (((GrelCacheRequest *) request)->question);
}

#define GREL_CACHE_REQUEST_CLASS(type)                                                             \
  {                                                                                                \
    .size = sizeof (GrelCacheRequest), .get_answer_type = type, .start = grel_cache_request_start, \
    .answered = grel_cache_request_answered, .finalize = grel_cache_request_finalize,              \
  }

static const GrelRequestClass grel_cache_request_class = GREL_CACHE_REQUEST_CLASS (NULL);
static const GrelRequestClass grel_cache_get_request_class
  = GREL_CACHE_REQUEST_CLASS (g_bytes_get_type);
static const GrelRequestClass grel_cache_get_many_request_class
  = GREL_CACHE_REQUEST_CLASS (g_hash_table_get_type);

void
grel_cache_backend_ask (GrelCacheBackend *backend,
                        GrelCacheQuestion *question,
                        GrelCacheAnswered answered,
                        gpointer data)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  const GrelRequestClass *klass = &grel_cache_request_class;
  GrelRequest *request;
  GrelCacheRequest *self;

  if (question->verb == GREL_CACHE_GET)
    klass = &grel_cache_get_request_class;
  else if (question->verb == GREL_CACHE_GET_MANY)
    klass = &grel_cache_get_many_request_class;

  request = grel_request_new (klass, part, grel_cache_subject_for_key (question->key));
  self = (GrelCacheRequest *) request;
  self->question = g_atomic_rc_box_acquire (question);
  self->answered = answered;
  self->data = data;
  grel_request_start (request);
}
