/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-store.h"

struct _GrelTestCacheStore
{
  GrelCacheBackend parent_instance;

  GrelCacheBackend *memory; /* which keeps the values */
  GrelTestDesk desk;
};

G_DEFINE_FINAL_TYPE (GrelTestCacheStore, grel_test_cache_store, GREL_TYPE_CACHE_BACKEND)

typedef enum
{
  GET,
  SET,
  DELETE,
  DELETE_TAGS,
  CLEAR
} Verb;

typedef struct
{
  GrelTestRequest base;
  GrelTestCacheStore *store;
  Verb verb;
  char *key;
  GBytes *value;
  GTimeSpan ttl;
  char **tags;
} Request;

static void
request_clear (gpointer data)
{
  Request *self = data;

  g_free (self->key);
  g_clear_pointer (&self->value, g_bytes_unref);
  g_strfreev (self->tags);
}

static void
request_answer (gpointer data)
{
  Request *self = data;
  GrelCacheBackend *memory = self->store->memory;
  const char *const *tags = (const char *const *) self->tags;

  switch (self->verb)
    {
    case GET:
      grel_cache_backend_get (memory, self->key, self->base.task);
      break;
    case SET:
      grel_cache_backend_set (memory, self->key, self->value, self->ttl, tags, self->base.task);
      break;
    case DELETE:
      grel_cache_backend_delete (memory, self->key, self->base.task);
      break;
    case DELETE_TAGS:
      grel_cache_backend_delete_tags (memory, tags, self->base.task);
      break;
    case CLEAR:
    default:
      grel_cache_backend_clear (memory, self->base.task);
      break;
    }
}

static void
grel_test_cache_store_ask (GrelCacheBackend *backend,
                           Verb verb,
                           const char *key,
                           GBytes *value,
                           GTimeSpan ttl,
                           const char *const *tags,
                           GTask *task)
{
  GrelTestCacheStore *self = GREL_TEST_CACHE_STORE (backend);
  Request *request = g_new0 (Request, 1);

  request->base.answer = request_answer;
  request->base.clear = request_clear;
  request->store = self;
  request->verb = verb;
  request->key = g_strdup (key);
  request->value = value != NULL ? g_bytes_ref (value) : NULL;
  request->ttl = ttl;
  request->tags = g_strdupv ((char **) tags);
  grel_test_desk_ask (&self->desk, &request->base, task);
}

static void
grel_test_cache_store_get (GrelCacheBackend *backend, const char *key, GTask *task)
{
  grel_test_cache_store_ask (backend, GET, key, NULL, 0, NULL, task);
}

static void
grel_test_cache_store_set (GrelCacheBackend *backend,
                           const char *key,
                           GBytes *value,
                           GTimeSpan ttl,
                           const char *const *tags,
                           GTask *task)
{
  grel_test_cache_store_ask (backend, SET, key, value, ttl, tags, task);
}

static void
grel_test_cache_store_delete (GrelCacheBackend *backend, const char *key, GTask *task)
{
  grel_test_cache_store_ask (backend, DELETE, key, NULL, 0, NULL, task);
}

static void
grel_test_cache_store_delete_tags (GrelCacheBackend *backend, const char *const *tags, GTask *task)
{
  grel_test_cache_store_ask (backend, DELETE_TAGS, NULL, NULL, 0, tags, task);
}

static void
grel_test_cache_store_clear (GrelCacheBackend *backend, GTask *task)
{
  grel_test_cache_store_ask (backend, CLEAR, NULL, NULL, 0, NULL, task);
}

static void
grel_test_cache_store_open (GrelBackend *backend, GTask *task)
{
  grel_backend_set_clock (GREL_BACKEND (GREL_TEST_CACHE_STORE (backend)->memory),
                          grel_backend_get_clock (backend));
  g_task_return_boolean (task, TRUE);
}

static void
grel_test_cache_store_finalize (GObject *object)
{
  GrelTestCacheStore *self = GREL_TEST_CACHE_STORE (object);

  g_object_unref (self->memory);
  grel_test_desk_clear (&self->desk);

  G_OBJECT_CLASS (grel_test_cache_store_parent_class)->finalize (object);
}

static void
grel_test_cache_store_class_init (GrelTestCacheStoreClass *klass)
{
  GrelCacheBackendClass *cache_class = GREL_CACHE_BACKEND_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = grel_test_cache_store_finalize;
  GREL_BACKEND_CLASS (klass)->open = grel_test_cache_store_open;
  cache_class->get = grel_test_cache_store_get;
  cache_class->set = grel_test_cache_store_set;
  cache_class->delete = grel_test_cache_store_delete;
  cache_class->delete_tags = grel_test_cache_store_delete_tags;
  cache_class->clear = grel_test_cache_store_clear;
}

static void
grel_test_cache_store_init (GrelTestCacheStore *self)
{
  self->memory = GREL_CACHE_BACKEND (grel_memory_cache_adapter_new ());
  grel_test_desk_init (&self->desk);
}

GrelTestCacheStore *
grel_test_cache_store_new (void)
{
  return g_object_new (GREL_TEST_TYPE_CACHE_STORE, NULL);
}

GrelTestDesk *
grel_test_cache_store_get_desk (GrelTestCacheStore *self)
{
  return &self->desk;
}

GBytes *
grel_test_cache_store_get_behind (GrelTestCacheStore *self, const char *key)
{
  GrelCacheRecord record = { NULL };

  GREL_CACHE_BACKEND_GET_CLASS (self->memory)->try_get (self->memory, key, &record);
  return record.value;
}

void
grel_test_cache_store_set_behind (GrelTestCacheStore *self, const char *key, const char *text)
{
  g_autoptr (GBytes) value = g_bytes_new (text, strlen (text));
  const GrelCacheRecord record = { .value = value, .ttl = G_TIME_SPAN_MINUTE };

  GREL_CACHE_BACKEND_GET_CLASS (self->memory)->try_set (self->memory, key, &record, NULL, NULL);
}
