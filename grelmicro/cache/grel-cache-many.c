/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-many-private.h>
#include <grelmicro/core/grel-task-private.h>

/* A question about many keys while its parts are being answered; in the captured context. */
typedef struct
{
  GTask *task;        /* until it is answered; let go if a part is dropped, which is noticed */
  GHashTable *values; /* what was found; NULL if the answer is TRUE */
  guint n_pending;
} GrelCacheMany;

/* One part. */
typedef struct
{
  GrelCacheMany *many;
  char *key;
} GrelCacheOne;

static void
grel_cache_many_clear (gpointer data)
{
  GrelCacheMany *self = data;

  g_clear_object (&self->task);
  g_clear_pointer (&self->values, g_hash_table_unref);
}

static void
grel_cache_one_free (gpointer data)
{
  GrelCacheOne *self = data;

  g_atomic_rc_box_release_full (self->many, grel_cache_many_clear);
  g_free (self->key);
  g_free (self);
}

static GrelCacheMany *
grel_cache_many_new (GTask *task, guint n_pending)
{
  GrelCacheMany *self = g_atomic_rc_box_new0 (GrelCacheMany);

  self->task = g_object_ref (task);
  self->n_pending = n_pending;
  return self;
}

/* Takes the error. */
static void
grel_cache_many_count (GrelCacheMany *self, GrelCacheBackend *backend, GError *error)
{
  self->n_pending--;
  if (self->task == NULL)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (self->task, error);
  else if (self->n_pending > 0)
    return;
  else if (self->values != NULL)
    grel_cache_backend_return_values (backend, self->task, self->values);
  else
    g_task_return_boolean (self->task, TRUE);

  g_clear_object (&self->task);
}

static void
grel_cache_many_got (GObject *source, GAsyncResult *result, gpointer data)
{
  GrelCacheOne *one = g_task_get_task_data (G_TASK (result));
  g_auto (GValue) value = G_VALUE_INIT;
  GError *error = NULL;

  if (g_task_propagate_value (G_TASK (result), &value, &error)
      && G_VALUE_HOLDS (&value, G_TYPE_BYTES) && g_value_get_boxed (&value) != NULL)
    g_hash_table_insert (one->many->values, g_strdup (one->key), g_value_dup_boxed (&value));
  grel_cache_many_count (one->many, GREL_CACHE_BACKEND (source), error);
}

static void
grel_cache_many_done (GObject *source, GAsyncResult *result, gpointer data)
{
  GrelCacheOne *one = g_task_get_task_data (G_TASK (result));
  GError *error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  grel_cache_many_count (one->many, GREL_CACHE_BACKEND (source), error);
}

static GTask *
grel_cache_many_new_part (GrelCacheMany *self,
                          GrelCacheBackend *backend,
                          const char *key,
                          GAsyncReadyCallback ready)
{
  GCancellable *cancellable = g_task_get_cancellable (self->task);
  GTask *task = grel_task_new (backend, cancellable, ready, NULL, grel_cache_many_new_part);
  GrelCacheOne *one = g_new0 (GrelCacheOne, 1);

  one->many = g_atomic_rc_box_acquire (self);
  one->key = g_strdup (key);
  g_task_set_task_data (task, one, grel_cache_one_free);
  return task;
}

void
grel_cache_many_get (GrelCacheBackend *backend, const char *const *keys, GTask *task)
{
  GrelCacheMany *many = grel_cache_many_new (task, g_strv_length ((char **) keys));

  many->values
    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  for (; *keys != NULL && many->task != NULL; keys++)
    {
      g_autoptr (GTask) part = grel_cache_many_new_part (many, backend, *keys, grel_cache_many_got);

      grel_cache_backend_get (backend, *keys, part);
    }
  g_atomic_rc_box_release_full (many, grel_cache_many_clear);
}

void
grel_cache_many_set (GrelCacheBackend *backend,
                     GHashTable *values,
                     GTimeSpan ttl,
                     const char *const *tags,
                     GTask *task)
{
  GrelCacheMany *many = grel_cache_many_new (task, g_hash_table_size (values));
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, values);
  while (many->task != NULL && g_hash_table_iter_next (&iter, &key, &value))
    {
      g_autoptr (GTask) part = grel_cache_many_new_part (many, backend, key, grel_cache_many_done);

      grel_cache_backend_set (backend, key, value, ttl, tags, part);
    }
  g_atomic_rc_box_release_full (many, grel_cache_many_clear);
}

void
grel_cache_many_delete (GrelCacheBackend *backend, const char *const *keys, GTask *task)
{
  GrelCacheMany *many = grel_cache_many_new (task, g_strv_length ((char **) keys));

  for (; *keys != NULL && many->task != NULL; keys++)
    {
      g_autoptr (GTask) part
        = grel_cache_many_new_part (many, backend, *keys, grel_cache_many_done);

      grel_cache_backend_delete (backend, *keys, part);
    }
  g_atomic_rc_box_release_full (many, grel_cache_many_clear);
}
