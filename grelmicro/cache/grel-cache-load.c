/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-flight-private.h>
#include <grelmicro/cache/grel-ttl-cache-private.h>
#include <grelmicro/coordination/grel-lock.h>
#include <grelmicro/core/grel-cancellable-private.h>
#include <grelmicro/core/grel-task-private.h>

#include <string.h>

/* Of the hash of a key, to name the lock of its load. */
#define GREL_CACHE_HASH_LENGTH 32

void
grel_cache_wish_copy (const GrelCacheWish *wish, GrelCacheWish *copy)
{
  *copy = *wish;
  g_object_ref (copy->cache);
  g_ref_string_acquire (copy->key);
  if (copy->operation != NULL)
    g_object_ref (copy->operation);
  copy->tags = g_strdupv (wish->tags);
  if (copy->stale != NULL)
    g_bytes_ref (copy->stale);
}

void
grel_cache_wish_clear (GrelCacheWish *self)
{
  g_clear_object (&self->cache);
  g_clear_pointer (&self->key, g_ref_string_release);
  g_clear_object (&self->operation);
  g_clear_pointer (&self->tags, g_strfreev);
  g_clear_pointer (&self->stale, g_bytes_unref);
}

static GrelPart *
grel_cache_load_get_part (GrelCacheLoad *self)
{
  return grel_backend_get_part (GREL_BACKEND (self->backend));
}

static GrelSubject
grel_cache_load_get_subject (GrelCacheLoad *self)
{
  return grel_cache_subject_for_key (self->wish.key);
}

/* The backend closes. */
static GCancellable *
grel_cache_load_end (GrelGranted *granted)
{
  GrelCacheLoad *self = (GrelCacheLoad *) granted;
  GrelCacheFlight *flight = self->flight;

  grel_cache_flight_drop_load (flight);
  grel_cache_flight_tidy (flight);
  return g_object_ref (self->cancellable);
}

static void
grel_cache_load_unref_granted (GrelGranted *granted)
{
  grel_cache_load_unref ((GrelCacheLoad *) granted);
}

GrelCacheLoad *
grel_cache_load_new (GrelCacheBackend *backend, const GrelCacheWish *wish)
{
  GrelCacheLoad *self = g_new0 (GrelCacheLoad, 1);

  g_atomic_ref_count_init (&self->refs);
  self->granted.link.data = self;
  self->granted.end = grel_cache_load_end;
  self->granted.unref = grel_cache_load_unref_granted;
  self->backend = g_object_ref (backend);
  self->cancellable = g_cancellable_new ();
  grel_cache_wish_copy (wish, &self->wish);
  return self;
}

GrelCacheLoad *
grel_cache_load_ref (GrelCacheLoad *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
grel_cache_load_unref (GrelCacheLoad *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;

  grel_cache_wish_clear (&self->wish);
  g_slist_free_full (self->parked, (GDestroyNotify) grel_call_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->value, g_bytes_unref);
  g_clear_object (&self->lease);
  g_object_unref (self->cancellable);
  g_object_unref (self->backend);
  g_free (self);
}

static GrelCacheRecord
grel_cache_load_make_record (GrelCacheLoad *self, GBytes *value)
{
  GrelCacheRecord record = {
    .value = value,
    .ttl = self->wish.settings.ttl,
    .stale_ttl = self->wish.settings.stale_ttl,
  };

  if (self->wish.settings.early_refresh > 0)
    record.load_time = MAX (grel_part_now (grel_cache_load_get_part (self)) - self->began, 1);
  return record;
}

void
grel_cache_load_keep (GrelCacheLoad *self, GBytes *value)
{
  GrelCacheRecord record = grel_cache_load_make_record (self, value);

  GREL_CACHE_BACKEND_GET_CLASS (self->backend)
    ->try_set (self->backend, self->wish.key, &record, (const char *const *) self->wish.tags,
               grel_ttl_cache_get_account (self->wish.cache));
}

static void
grel_cache_load_stored (gpointer data, gpointer answer, GError *error)
{
  g_autoptr (GrelCacheLoad) self = data;

  if (error != NULL && !g_error_matches (error, GREL_ERROR, GREL_ERROR_CLOSED))
    grel_ttl_cache_report (self->wish.cache, self->backend, self->wish.key, "storing", error);
  g_clear_error (&error);
  grel_cache_load_finish (self, g_steal_pointer (&self->value), NULL);
}

static void
grel_cache_load_store (GrelHopItem *item)
{
  g_autoptr (GrelCacheLoad) self
    = (gpointer) ((char *) item - G_STRUCT_OFFSET (GrelCacheLoad, item));
  GrelPart *part = grel_cache_load_get_part (self);
  g_autoptr (GrelCacheQuestion) question = NULL;

  g_mutex_lock (&part->mutex);
  self->is_sent = self->flight != NULL && self->generation == self->flight->generation;
  g_mutex_unlock (&part->mutex);
  if (!self->is_sent)
    {
      grel_cache_load_finish (self, g_steal_pointer (&self->value), NULL);
      return;
    }

  question = grel_cache_question_new (GREL_CACHE_SET);
  question->key = g_ref_string_acquire (self->wish.key);
  question->tags = g_strdupv (self->wish.tags);
  question->record = grel_cache_load_make_record (self, g_bytes_ref (self->value));
  grel_cache_backend_ask (self->backend, question, grel_cache_load_stored,
                          grel_cache_load_ref (self));
}

/* Returns: whether the value is on its way to a store that takes its time */
static gboolean
grel_cache_load_post_value (GrelCacheLoad *self, GBytes *value)
{
  GrelPart *part = grel_cache_load_get_part (self);

  if (value == NULL || self->is_found || grel_cache_backend_is_immediate (self->backend))
    return FALSE;

  g_mutex_lock (&part->mutex);
  self->is_storing = self->flight != NULL && self->generation == self->flight->generation;
  if (self->is_storing)
    {
      self->value = value;
      self->item.run = grel_cache_load_store;
      grel_cache_load_ref (self);
      grel_hop_post (part->hop, &self->item);
    }
  g_mutex_unlock (&part->mutex);
  return self->is_storing;
}

void
grel_cache_load_land (GrelCacheLoad *self, GBytes *value, GError *error)
{
  g_autoptr (GrelLease) lease = g_steal_pointer (&self->lease); /* until the value is there */

  if (error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    grel_ttl_cache_count (self->wish.cache, GREL_CACHE_FAILURES);
  if (!grel_cache_load_post_value (self, value))
    grel_cache_load_finish (self, value, error);
  else
    self->lease = g_steal_pointer (&lease);
}

static GError *
grel_cache_load_new_empty (GrelCacheLoad *self)
{
  return grel_error_new (GREL_ERROR_BACKEND, grel_cache_load_get_subject (self),
                         "its loader returned neither bytes nor an error");
}

static void
grel_cache_load_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GrelCacheLoad) self = data;
  GError *error = NULL;
  GValue *value = grel_operation_run_finish (GREL_OPERATION (source), result, &error);
  GBytes *bytes = NULL;

  if (value != NULL && G_VALUE_HOLDS (value, G_TYPE_BYTES))
    bytes = g_value_dup_boxed (value);
  if (bytes == NULL && error == NULL)
    error = grel_cache_load_new_empty (self);
  if (value != NULL)
    g_boxed_free (G_TYPE_VALUE, value);

  grel_cache_load_land (self, bytes, error);
}

static void
grel_cache_load_run_operation (GrelCacheLoad *self)
{
  grel_ttl_cache_count (self->wish.cache, GREL_CACHE_LOADS);
  self->began = grel_part_now (grel_cache_load_get_part (self));
  grel_operation_run_async (self->wish.operation, self->cancellable, grel_cache_load_loaded,
                            grel_cache_load_ref (self));
}

static GrelLock *
grel_cache_load_make_lock (GrelCacheLoad *self)
{
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, self->wish.key, -1);
  g_autofree char *name = g_strdup_printf ("cache.stampede.%.*s", GREL_CACHE_HASH_LENGTH, hash);
  GrelLock *lock = grel_lock_new (name);

  grel_lock_set_app (lock, grel_ttl_cache_get_app (self->wish.cache));
  return lock;
}

/* Without a lock backend there is no fleet to agree with. */
static gboolean
grel_cache_load_may_go_alone (const GError *error)
{
  return g_error_matches (error, GREL_ERROR, GREL_ERROR_NOT_OPEN)
         || g_error_matches (error, GREL_ERROR, GREL_ERROR_NOT_REGISTERED);
}

/* A refresh has a value to make do with: where another process is at it already, there is nothing
 * to wait for. */
static GTimeSpan
grel_cache_load_get_timeout (GrelCacheLoad *self)
{
  return self->is_refresh ? 0 : -1;
}

/* Takes the error. Returns: (transfer full): as whose load it is is told */
static GError *
grel_cache_load_translate (GrelCacheLoad *self, GError *error)
{
  if (!self->is_refresh || !g_error_matches (error, GREL_ERROR, GREL_ERROR_WOULD_BLOCK))
    return error;

  g_error_free (error);
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Another process refreshes it");
}

/* What a refresh finds is of use unless it is the value that is due. */
static GrelCacheQuestion *
grel_cache_load_make_peek (GrelCacheLoad *self)
{
  GrelCacheQuestion *question = grel_cache_question_new (GREL_CACHE_GET);
  const GrelCacheSettings *settings = &self->wish.settings;

  question->key = g_ref_string_acquire (self->wish.key);
  if (self->is_refresh)
    question->min_remaining = settings->early_refresh * settings->ttl;
  return question;
}

static void
grel_cache_load_peeked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GrelCacheLoad) self = data;
  GError *error = NULL;
  GBytes *value = g_task_propagate_pointer (G_TASK (result), &error);

  self->is_found = value != NULL;
  if (value != NULL || error != NULL)
    grel_cache_load_land (self, value, error);
  else
    grel_cache_load_run_operation (self);
}

/* Another process may have been quicker. */
static void
grel_cache_load_peek (GrelCacheLoad *self)
{
  g_autoptr (GrelCacheQuestion) question = grel_cache_load_make_peek (self);
  g_autoptr (GTask) task = grel_task_new (self->backend, self->cancellable, grel_cache_load_peeked,
                                          grel_cache_load_ref (self), grel_cache_load_peek);
  g_autoptr (GrelCall) call = NULL;
  GError *error = NULL;
  GBytes *value;

  value
    = grel_cache_call_begin (self->backend, NULL, question, task, self->cancellable, &call, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else if (call == NULL)
    g_task_return_pointer (task, value, (GDestroyNotify) g_bytes_unref);
}

static void
grel_cache_load_leased (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GrelCacheLoad) self = data;
  GError *error = NULL;

  self->lease = grel_lock_acquire_finish (GREL_LOCK (source), result, &error);
  if (self->lease != NULL)
    grel_cache_load_peek (self);
  else if (grel_cache_load_may_go_alone (error))
    {
      g_clear_error (&error);
      grel_cache_load_run_operation (self);
    }
  else
    grel_cache_load_land (self, NULL, grel_cache_load_translate (self, error));
}

/* Returns: whether the load is wanted still */
static gboolean
grel_cache_load_take_off (GrelCacheLoad *self)
{
  GrelPart *part = grel_cache_load_get_part (self);
  gboolean is_wanted;

  g_mutex_lock (&part->mutex);
  is_wanted = self->flight != NULL;
  g_mutex_unlock (&part->mutex);

  self->is_started = TRUE;
  return is_wanted;
}

void
grel_cache_load_start (GrelCacheLoad *self)
{
  g_autoptr (GrelLock) lock = NULL;

  if (!grel_cache_load_take_off (self))
    return;
  if (self->wish.settings.lock == GREL_CACHE_LOCK_LOCAL)
    {
      grel_cache_load_run_operation (self);
      return;
    }

  lock = grel_cache_load_make_lock (self);
  grel_lock_acquire_async (lock, grel_cache_load_get_timeout (self), self->cancellable,
                           grel_cache_load_leased, grel_cache_load_ref (self));
}

static gboolean
grel_cache_load_start_idle (gpointer data)
{
  GrelCacheLoad *self = data;

  g_main_context_push_thread_default (self->context);
  grel_cache_load_start (self);
  g_main_context_pop_thread_default (self->context);
  return G_SOURCE_REMOVE;
}

/* A context that is gone loads nothing: the next one's turn. */
static void
grel_cache_load_idle_gone (gpointer data)
{
  g_autoptr (GrelCacheLoad) self = data;

  if (!self->is_started)
    grel_cache_load_land (self, NULL,
                          g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                               "The main context of the loader is gone"));
}

void
grel_cache_load_start_later (GrelCacheLoad *self, int priority)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, priority);
  g_source_set_callback (source, grel_cache_load_start_idle, grel_cache_load_ref (self),
                         grel_cache_load_idle_gone);
  g_source_attach (source, self->context);
}

/* As the asynchronous ones, on the thread that has the load. */
static GBytes *
grel_cache_load_lease_here (GrelCacheLoad *self, GError **error)
{
  g_autoptr (GrelLock) lock = grel_cache_load_make_lock (self);
  g_autoptr (GrelCacheQuestion) question = grel_cache_load_make_peek (self);
  g_autoptr (GError) local_error = NULL;
  GrelCall *call = NULL;
  GBytes *value;

  self->lease = grel_lock_acquire_from_thread (lock, grel_cache_load_get_timeout (self),
                                               self->cancellable, &local_error);
  if (self->lease == NULL && !grel_cache_load_may_go_alone (local_error))
    g_propagate_error (error, grel_cache_load_translate (self, g_steal_pointer (&local_error)));
  if (self->lease == NULL)
    return NULL;

  value
    = grel_cache_call_begin (self->backend, NULL, question, NULL, self->cancellable, &call, error);
  if (call != NULL)
    value = grel_call_wait (call, error);
  self->is_found = value != NULL;
  return value;
}

/* Without landing. */
static GBytes *
grel_cache_load_run_loader (GrelCacheLoad *self,
                            GrelLoadFunc loader,
                            gpointer loader_data,
                            GError **error)
{
  const char *key = grel_cache_load_get_subject (self).name;
  GError *local_error = NULL;
  GBytes *value = NULL;

  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return NULL;
  if (self->wish.settings.lock == GREL_CACHE_LOCK_FLEET)
    value = grel_cache_load_lease_here (self, &local_error);
  if (value == NULL && local_error == NULL)
    {
      grel_ttl_cache_count (self->wish.cache, GREL_CACHE_LOADS);
      self->began = grel_part_now (grel_cache_load_get_part (self));
      value = loader (key, self->cancellable, loader_data, &local_error);
      if (value == NULL && local_error == NULL)
        local_error = grel_cache_load_new_empty (self);
    }

  if (value == NULL)
    g_propagate_error (error, local_error);
  else
    g_clear_error (&local_error);
  return value;
}

static GBytes *
grel_cache_load_return_here (GrelCacheLoad *self,
                             GBytes *value,
                             GError *load_error,
                             GCancellable *cancellable,
                             GError **error)
{
  GrelCall *call = grel_cache_wait_for_load (self, cancellable);

  if (call == NULL)
    {
      g_clear_pointer (&value, g_bytes_unref);
      g_clear_error (&load_error);
      g_propagate_error (error,
                         grel_error_new (GREL_ERROR_CLOSED, grel_cache_load_get_subject (self),
                                         "the backend was closed"));
      return NULL;
    }

  grel_cache_load_land (self, value, load_error);
  return grel_call_wait (call, error);
}

GBytes *
grel_cache_load_run (GrelCacheLoad *self,
                     GrelLoadFunc loader,
                     gpointer loader_data,
                     GBytes *old,
                     GCancellable *cancellable,
                     GError **error)
{
  gulong chain = grel_cancellable_chain (cancellable, self->cancellable);
  GError *load_error = NULL;
  GBytes *value = grel_cache_load_run_loader (self, loader, loader_data, &load_error);

  grel_cancellable_unchain (cancellable, chain);
  if (old == NULL)
    return grel_cache_load_return_here (self, value, load_error, cancellable, error);

  if (value == NULL)
    {
      grel_cache_load_land (self, NULL, load_error);
      return old;
    }
  g_bytes_unref (old);
  grel_cache_load_land (self, g_bytes_ref (value), NULL);
  return value;
}
