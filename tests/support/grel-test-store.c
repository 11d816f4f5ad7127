/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-store.h"

struct _GrelTestStore
{
  GrelLockBackend parent_instance;

  GrelLockBackend *memory; /* which keeps the state */
  int mood;
  guint n_requests;
  guint n_watched;
  guint n_unwatched;
  char *last_token;
  GThread *asked_on;          /* not a reference */
  GMainContext *asked_within; /* the thread-default context; not a reference */
  GAsyncQueue *hanging;       /* (element-type Request) */
};

G_DEFINE_FINAL_TYPE (GrelTestStore, grel_test_store, GREL_TYPE_LOCK_BACKEND)

typedef enum
{
  ACQUIRE,
  EXTEND,
  RELEASE,
  IS_LOCKED,
  IS_OWNED
} Verb;

typedef struct
{
  GrelTestStore *store;
  Verb verb;
  char *name;
  char *token;
  GTimeSpan lease;
  GTask *task;
} Request;

static void
request_free (gpointer data)
{
  Request *self = data;

  g_free (self->name);
  g_free (self->token);
  g_clear_object (&self->task);
  g_free (self);
}

static gboolean
request_answer (gpointer data)
{
  Request *self = data;
  GrelLockBackend *memory = self->store->memory;

  switch (self->verb)
    {
    case ACQUIRE:
      grel_lock_backend_acquire (memory, self->name, self->token, self->lease, self->task);
      break;
    case EXTEND:
      grel_lock_backend_extend (memory, self->name, self->token, self->lease, self->task);
      break;
    case RELEASE:
      grel_lock_backend_release (memory, self->name, self->token, self->task);
      break;
    case IS_LOCKED:
      grel_lock_backend_is_locked (memory, self->name, self->task);
      break;
    case IS_OWNED:
    default:
      grel_lock_backend_is_owned (memory, self->name, self->token, self->task);
      break;
    }
  return G_SOURCE_REMOVE;
}

static void
request_answer_later (Request *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, request_answer, self, request_free);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
grel_test_store_ask (GrelLockBackend *backend,
                     Verb verb,
                     const char *name,
                     const char *token,
                     GTimeSpan lease,
                     GTask *task)
{
  GrelTestStore *self = GREL_TEST_STORE (backend);
  Request *request = g_new0 (Request, 1);

  request->store = self;
  request->verb = verb;
  request->name = g_strdup (name);
  request->token = g_strdup (token);
  request->lease = lease;
  request->task = g_object_ref (task);
  if (verb == ACQUIRE)
    {
      g_free (self->last_token);
      self->last_token = g_strdup (token);
    }
  self->asked_on = g_thread_self ();
  self->asked_within = g_main_context_get_thread_default ();
  g_atomic_int_inc (&self->n_requests);

  switch ((GrelTestStoreMood) g_atomic_int_get (&self->mood))
    {
    case GREL_TEST_STORE_HANGS:
      g_async_queue_push (self->hanging, request);
      break;
    case GREL_TEST_STORE_FAILS:
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED,
                               "the store is down");
      request_free (request);
      break;
    case GREL_TEST_STORE_DROPS:
      request_free (request);
      break;
    case GREL_TEST_STORE_ANSWERS:
    default:
      request_answer_later (request);
      break;
    }
}

static void
grel_test_store_acquire (GrelLockBackend *backend,
                         const char *name,
                         const char *token,
                         GTimeSpan lease,
                         GTask *task)
{
  grel_test_store_ask (backend, ACQUIRE, name, token, lease, task);
}

static void
grel_test_store_extend (GrelLockBackend *backend,
                        const char *name,
                        const char *token,
                        GTimeSpan lease,
                        GTask *task)
{
  grel_test_store_ask (backend, EXTEND, name, token, lease, task);
}

static void
grel_test_store_release (GrelLockBackend *backend, const char *name, const char *token, GTask *task)
{
  grel_test_store_ask (backend, RELEASE, name, token, 0, task);
}

static void
grel_test_store_ask_is_locked (GrelLockBackend *backend, const char *name, GTask *task)
{
  grel_test_store_ask (backend, IS_LOCKED, name, NULL, 0, task);
}

static void
grel_test_store_is_owned (GrelLockBackend *backend,
                          const char *name,
                          const char *token,
                          GTask *task)
{
  grel_test_store_ask (backend, IS_OWNED, name, token, 0, task);
}

static void
grel_test_store_watch (GrelLockBackend *backend, const char *name)
{
  GREL_TEST_STORE (backend)->n_watched++;
}

static void
grel_test_store_unwatch (GrelLockBackend *backend, const char *name)
{
  GREL_TEST_STORE (backend)->n_unwatched++;
}

static void
grel_test_store_open (GrelBackend *backend, GTask *task)
{
  grel_backend_set_clock (GREL_BACKEND (GREL_TEST_STORE (backend)->memory),
                          grel_backend_get_clock (backend));
  g_task_return_boolean (task, TRUE);
}

static void
grel_test_store_finalize (GObject *object)
{
  GrelTestStore *self = GREL_TEST_STORE (object);

  g_object_unref (self->memory);
  g_async_queue_unref (self->hanging);
  g_free (self->last_token);

  G_OBJECT_CLASS (grel_test_store_parent_class)->finalize (object);
}

static void
grel_test_store_class_init (GrelTestStoreClass *klass)
{
  GrelLockBackendClass *lock_class = GREL_LOCK_BACKEND_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = grel_test_store_finalize;
  GREL_BACKEND_CLASS (klass)->open = grel_test_store_open;
  lock_class->acquire = grel_test_store_acquire;
  lock_class->extend = grel_test_store_extend;
  lock_class->release = grel_test_store_release;
  lock_class->is_locked = grel_test_store_ask_is_locked;
  lock_class->is_owned = grel_test_store_is_owned;
  lock_class->watch = grel_test_store_watch;
  lock_class->unwatch = grel_test_store_unwatch;
}

static void
grel_test_store_init (GrelTestStore *self)
{
  self->memory = GREL_LOCK_BACKEND (grel_memory_lock_adapter_new ());
  self->hanging = g_async_queue_new_full (request_free);
}

GrelTestStore *
grel_test_store_new (void)
{
  return g_object_new (GREL_TEST_TYPE_STORE, NULL);
}

void
grel_test_store_set_mood (GrelTestStore *self, GrelTestStoreMood mood)
{
  g_atomic_int_set (&self->mood, mood);
}

void
grel_test_store_answer (GrelTestStore *self)
{
  Request *request;

  while ((request = g_async_queue_try_pop (self->hanging)) != NULL)
    {
      request_answer (request);
      request_free (request);
    }
}

void
grel_test_store_forget (GrelTestStore *self)
{
  Request *request;

  while ((request = g_async_queue_try_pop (self->hanging)) != NULL)
    request_free (request);
}

guint
grel_test_store_get_n_hanging (GrelTestStore *self)
{
  return MAX (g_async_queue_length (self->hanging), 0);
}

guint
grel_test_store_get_n_requests (GrelTestStore *self)
{
  return g_atomic_int_get (&self->n_requests);
}

guint
grel_test_store_get_n_watched (GrelTestStore *self)
{
  return self->n_watched;
}

guint
grel_test_store_get_n_unwatched (GrelTestStore *self)
{
  return self->n_unwatched;
}

GThread *
grel_test_store_get_asked_on (GrelTestStore *self)
{
  return self->asked_on;
}

GMainContext *
grel_test_store_get_asked_within (GrelTestStore *self)
{
  return self->asked_within;
}

gboolean
grel_test_store_is_locked (GrelTestStore *self, const char *key)
{
  return GREL_LOCK_BACKEND_GET_CLASS (self->memory)->try_is_locked (self->memory, key);
}

gboolean
grel_test_store_acquire_behind (GrelTestStore *self,
                                const char *key,
                                const char *token,
                                GTimeSpan lease)
{
  return GREL_LOCK_BACKEND_GET_CLASS (self->memory)->try_acquire (self->memory, key, token, lease)
         > 0;
}

gboolean
grel_test_store_release_behind (GrelTestStore *self, const char *key, const char *token)
{
  return GREL_LOCK_BACKEND_GET_CLASS (self->memory)->try_release (self->memory, key, token);
}

gboolean
grel_test_store_steal (GrelTestStore *self, const char *key)
{
  return grel_test_store_release_behind (self, key, self->last_token);
}
