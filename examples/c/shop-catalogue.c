/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

/* However many ask at a time, by whichever way, in however many shops that share a server, one
 * edition is made: the first who asks makes it, and the others wait for that. */

#include "shop-catalogue.h"

#include <grelmicro/grelmicro.h>

#include <unistd.h>

#define CATALOGUE_KEY "catalogue"
#define CATALOGUE_TTL (60 * G_TIME_SPAN_SECOND)
#define CATALOGUE_MOMENT 200 /* what an edition takes to make, in milliseconds */

struct _Catalogue
{
  GrelTTLCache *cache;
  int n_editions;
};

Catalogue *
catalogue_new (void)
{
  Catalogue *self = g_new0 (Catalogue, 1);

  self->cache = grel_ttl_cache_new (CATALOGUE_TTL);
  grel_ttl_cache_set_lock (self->cache, GREL_CACHE_LOCK_FLEET);
  return self;
}

void
catalogue_free (Catalogue *self)
{
  g_object_unref (self->cache);
  g_free (self);
}

static GBytes *
catalogue_make (Catalogue *self)
{
  int edition = g_atomic_int_add (&self->n_editions, 1) + 1;
  char *text = g_strdup_printf ("{\"edition\": %d, \"maker\": %d, \"items\": [\"apples\"]}\n",
                                edition, (int) getpid ());

  return g_bytes_new_take (text, strlen (text));
}

static char *
catalogue_take_text (GBytes *bytes)
{
  g_autoptr (GBytes) value = bytes;

  return value != NULL ? g_strndup (g_bytes_get_data (value, NULL), g_bytes_get_size (value))
                       : NULL;
}

/* On the event loop the work is an operation, which completes a task when it is done. */
static gboolean
catalogue_made (gpointer data)
{
  GTask *task = data;
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_BYTES);
  g_value_take_boxed (&value, catalogue_make (g_task_get_task_data (task)));
  g_task_return_value (task, &value);
  return G_SOURCE_REMOVE;
}

static void
catalogue_load (GTask *task, gpointer data)
{
  g_task_set_task_data (task, data, NULL);
  g_timeout_add_full (G_PRIORITY_DEFAULT, CATALOGUE_MOMENT, catalogue_made, g_object_ref (task),
                      g_object_unref);
}

void
catalogue_get_async (Catalogue *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GrelOperation) operation = grel_operation_new (catalogue_load, self, NULL);

  grel_ttl_cache_get_or_load_async (self->cache, CATALOGUE_KEY, operation, NULL, NULL, callback,
                                    user_data);
}

char *
catalogue_get_finish (Catalogue *self, GAsyncResult *result, GError **error)
{
  return catalogue_take_text (grel_ttl_cache_get_or_load_finish (self->cache, result, error));
}

/* On a worker thread it is a function that takes its time. */
static GBytes *
catalogue_load_blocking (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  g_usleep (CATALOGUE_MOMENT * 1000);
  return catalogue_make (data);
}

char *
catalogue_get_from_thread (Catalogue *self, GError **error)
{
  return catalogue_take_text (grel_ttl_cache_get_or_load_from_thread (self->cache, CATALOGUE_KEY,
                                                                      catalogue_load_blocking, self,
                                                                      NULL, NULL, error));
}
