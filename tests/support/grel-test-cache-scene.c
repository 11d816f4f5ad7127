/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"
#include "grel-test-scene.h"

void
grel_test_assert_bytes (GBytes *bytes, const char *text)
{
  g_autoptr (GBytes) mine = bytes;

  if (text == NULL)
    g_assert_null (bytes);
  else
    {
      g_assert_nonnull (bytes);
      g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text,
                       strlen (text));
    }
}

static void
grel_test_loader_enter (GrelTestLoader *self)
{
  int n_running = g_atomic_int_add (&self->n_running, 1) + 1;

  g_atomic_int_inc (&self->n_runs);
  if (n_running > g_atomic_int_get (&self->n_running_most))
    g_atomic_int_set (&self->n_running_most, n_running);
  if (self->clock != NULL)
    grel_virtual_clock_advance (self->clock, self->duration);
}

static GBytes *
grel_test_loader_leave (GrelTestLoader *self, GError **error)
{
  g_atomic_int_add (&self->n_running, -1);
  if (self->failure == NULL)
    return g_bytes_new (self->text, strlen (self->text));

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, self->failure);
  return NULL;
}

static void
grel_test_loader_complete (GrelTestLoader *self, GTask *task)
{
  g_autoptr (GBytes) bytes = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  GError *error = NULL;

  bytes = grel_test_loader_leave (self, &error);
  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  g_value_init (&value, G_TYPE_BYTES);
  g_value_set_boxed (&value, bytes);
  g_task_return_value (task, &value);
}

static void
grel_test_loader_start (GTask *task, gpointer data)
{
  GrelTestLoader *self = data;

  self->started_within = g_main_context_get_thread_default ();
  grel_test_loader_enter (self);
  if (self->hangs)
    g_queue_push_tail (&self->tasks, g_object_ref (task));
  else
    grel_test_loader_complete (self, task);
}

void
grel_test_loader_init (GrelTestLoader *self, const char *text)
{
  self->text = text;
  self->operation = grel_operation_new (grel_test_loader_start, self, NULL);
  g_queue_init (&self->tasks);
}

void
grel_test_loader_clear (GrelTestLoader *self)
{
  g_queue_clear_full (&self->tasks, g_object_unref);
  g_clear_object (&self->operation);
}

void
grel_test_loader_go_on (GrelTestLoader *self)
{
  GTask *task;

  while ((task = g_queue_pop_head (&self->tasks)) != NULL)
    {
      grel_test_loader_complete (self, task);
      g_object_unref (task);
    }
}

GBytes *
grel_test_loader_load (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  GrelTestLoader *self = data;

  grel_test_loader_enter (self);
  return grel_test_loader_leave (self, error);
}

static void
grel_test_cache_scene_set_up (GrelTestCacheScene *self, gpointer backend)
{
  self->backend = backend;
  grel_test_stage_set_up (&self->context, &self->clock, self->backend);
  self->cache = grel_ttl_cache_new (GREL_TEST_TTL);
  grel_ttl_cache_set_backend (self->cache, backend);
  grel_test_loader_init (&self->loader, "loaded");
}

void
grel_test_cache_scene_set_up_memory (GrelTestCacheScene *self, gconstpointer data)
{
  grel_test_cache_scene_set_up (self, grel_memory_cache_adapter_new ());
}

void
grel_test_cache_scene_set_up_store (GrelTestCacheScene *self, gconstpointer data)
{
  self->store = grel_test_cache_store_new ();
  self->desk = grel_test_cache_store_get_desk (self->store);
  grel_test_cache_scene_set_up (self, self->store);
}

void
grel_test_cache_scene_tear_down (GrelTestCacheScene *self, gconstpointer data)
{
  gpointer backend = self->backend;

  if (self->desk != NULL)
    grel_test_desk_forget (self->desk);
  grel_test_loader_clear (&self->loader);
  grel_ttl_cache_set_backend (self->cache, NULL);
  g_object_add_weak_pointer (backend, &backend);
  grel_test_stage_tear_down (self->context, self->clock, self->backend);
  g_assert_null (backend); /* although the cache is still there */
  g_assert_finalize_object (self->cache);
}

void
grel_test_cache_scene_add (const char *suite,
                           const char *name,
                           void (*test) (GrelTestCacheScene *self, gconstpointer data),
                           gboolean in_memory)
{
  g_autofree char *memory = g_strdup_printf ("/%s/memory/%s", suite, name);
  g_autofree char *store = g_strdup_printf ("/%s/store/%s", suite, name);

  if (in_memory)
    g_test_add (memory, GrelTestCacheScene, NULL, grel_test_cache_scene_set_up_memory, test,
                grel_test_cache_scene_tear_down);
  g_test_add (store, GrelTestCacheScene, NULL, grel_test_cache_scene_set_up_store, test,
              grel_test_cache_scene_tear_down);
}

void
grel_test_cache_scene_pass (GrelTestCacheScene *self, GTimeSpan span)
{
  grel_test_pass_time (self->clock, span);
}

void
grel_test_cache_scene_set (GrelTestCacheScene *self,
                           const char *key,
                           const char *text,
                           const char *tag)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GBytes) value = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  const char *tags[] = { tag, NULL };

  grel_ttl_cache_set_async (self->cache, key, value, 0, tags, NULL, grel_test_result_ready,
                            &result);
  g_assert_true (grel_ttl_cache_set_finish (self->cache, grel_test_result_wait (&result), &error));
  g_assert_no_error (error);
}

gboolean
grel_test_cache_scene_delete (GrelTestCacheScene *self, const char *key)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;
  gboolean was_there;

  grel_ttl_cache_delete_async (self->cache, key, NULL, grel_test_result_ready, &result);
  was_there = grel_ttl_cache_delete_finish (self->cache, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
  return was_there;
}

void
grel_test_cache_scene_delete_tag (GrelTestCacheScene *self, const char *tag)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;
  const char *tags[] = { tag, NULL };

  grel_ttl_cache_delete_tags_async (self->cache, tags, NULL, grel_test_result_ready, &result);
  g_assert_true (
    grel_ttl_cache_delete_tags_finish (self->cache, grel_test_result_wait (&result), &error));
  g_assert_no_error (error);
}

void
grel_test_cache_scene_expect (GrelTestCacheScene *self, const char *key, const char *text)
{
  g_auto (GrelTestResult) result = { NULL };
  g_autoptr (GError) error = NULL;
  GBytes *value;

  grel_ttl_cache_get_async (self->cache, key, NULL, grel_test_result_ready, &result);
  value = grel_ttl_cache_get_finish (self->cache, grel_test_result_wait (&result), &error);
  g_assert_no_error (error);
  grel_test_assert_bytes (value, text);
}

void
grel_test_cache_scene_begin (GrelTestCacheScene *self,
                             const char *key,
                             const char *tag,
                             GCancellable *cancellable,
                             GrelTestResult *result)
{
  const char *tags[] = { tag, NULL };

  grel_ttl_cache_get_or_load_async (self->cache, key, self->loader.operation, tags, cancellable,
                                    grel_test_result_ready, result);
}

void
grel_test_cache_scene_end (GrelTestCacheScene *self, GrelTestResult *result, const char *text)
{
  g_autoptr (GError) error = NULL;
  GBytes *value
    = grel_ttl_cache_get_or_load_finish (self->cache, grel_test_result_wait (result), &error);

  g_assert_no_error (error);
  grel_test_assert_bytes (value, text);
  g_assert_cmpuint (result->n_calls, ==, 1);
}

GError *
grel_test_cache_scene_end_badly (GrelTestCacheScene *self, GrelTestResult *result)
{
  GError *error = NULL;

  g_assert_null (
    grel_ttl_cache_get_or_load_finish (self->cache, grel_test_result_wait (result), &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (result->n_calls, ==, 1);
  return error;
}

void
grel_test_cache_scene_load (GrelTestCacheScene *self, const char *key, const char *text)
{
  g_auto (GrelTestResult) result = { NULL };

  grel_test_cache_scene_begin (self, key, NULL, NULL, &result);
  grel_test_cache_scene_end (self, &result, text);
}

guint64
grel_test_cache_get_figure (GrelTTLCache *cache, const char *name)
{
  g_autoptr (GVariant) stats = grel_ttl_cache_get_stats (cache);
  guint64 figure;

  if (!g_variant_lookup (stats, name, "t", &figure))
    g_error ("the statistics have no “%s”", name);
  return figure;
}
