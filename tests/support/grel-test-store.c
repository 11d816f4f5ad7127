/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-store.h"

struct _GrelTestStore
{
  GrelLockBackend parent_instance;

  GrelLockBackend *memory; /* which keeps the state */
  GrelTestDesk desk;
  guint n_watched;
  guint n_unwatched;
  char *last_token;
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
  GrelTestRequest base;
  GrelLockBackend *memory;
  Verb verb;
  char *name;
  char *token;
  GTimeSpan lease;
} Request;

static void
request_clear (gpointer data)
{
  Request *self = data;

  g_free (self->name);
  g_free (self->token);
}

static void
request_answer (gpointer data)
{
  Request *self = data;
  GTask *task = self->base.task;

  switch (self->verb)
    {
    case ACQUIRE:
      grel_lock_backend_acquire (self->memory, self->name, self->token, self->lease, task);
      break;
    case EXTEND:
      grel_lock_backend_extend (self->memory, self->name, self->token, self->lease, task);
      break;
    case RELEASE:
      grel_lock_backend_release (self->memory, self->name, self->token, task);
      break;
    case IS_LOCKED:
      grel_lock_backend_is_locked (self->memory, self->name, task);
      break;
    case IS_OWNED:
    default:
      grel_lock_backend_is_owned (self->memory, self->name, self->token, task);
      break;
    }
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

  request->base.answer = request_answer;
  request->base.clear = request_clear;
  request->memory = self->memory;
  request->verb = verb;
  request->name = g_strdup (name);
  request->token = g_strdup (token);
  request->lease = lease;
  if (verb == ACQUIRE)
    {
      g_free (self->last_token);
      self->last_token = g_strdup (token);
    }
  grel_test_desk_ask (&self->desk, &request->base, task);
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
  grel_test_desk_clear (&self->desk);
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
  grel_test_desk_init (&self->desk);
}

GrelTestStore *
grel_test_store_new (void)
{
  return g_object_new (GREL_TEST_TYPE_STORE, NULL);
}

void
grel_test_store_set_mood (GrelTestStore *self, GrelTestStoreMood mood)
{
  grel_test_desk_set_mood (&self->desk, mood);
}

void
grel_test_store_answer (GrelTestStore *self)
{
  grel_test_desk_answer (&self->desk);
}

void
grel_test_store_forget (GrelTestStore *self)
{
  grel_test_desk_forget (&self->desk);
}

guint
grel_test_store_get_n_hanging (GrelTestStore *self)
{
  return grel_test_desk_get_n_hanging (&self->desk);
}

guint
grel_test_store_get_n_requests (GrelTestStore *self)
{
  return grel_test_desk_get_n_requests (&self->desk);
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
  return self->desk.asked_on;
}

static gint64
grel_test_store_now (GrelTestStore *self)
{
  return grel_clock_get_monotonic_time (grel_backend_get_clock (GREL_BACKEND (self->memory)));
}

GMainContext *
grel_test_store_get_asked_within (GrelTestStore *self)
{
  return self->desk.asked_within;
}

gboolean
grel_test_store_is_locked (GrelTestStore *self, const char *key)
{
  return GREL_LOCK_BACKEND_GET_CLASS (self->memory)
    ->try_is_locked (self->memory, key, grel_test_store_now (self));
}

gboolean
grel_test_store_acquire_behind (GrelTestStore *self,
                                const char *key,
                                const char *token,
                                GTimeSpan lease)
{
  return GREL_LOCK_BACKEND_GET_CLASS (self->memory)
           ->try_acquire (self->memory, key, token, lease, grel_test_store_now (self))
         > 0;
}

gboolean
grel_test_store_release_behind (GrelTestStore *self, const char *key, const char *token)
{
  return GREL_LOCK_BACKEND_GET_CLASS (self->memory)
    ->try_release (self->memory, key, token, grel_test_store_now (self));
}

gboolean
grel_test_store_steal (GrelTestStore *self, const char *key)
{
  return grel_test_store_release_behind (self, key, self->last_token);
}
