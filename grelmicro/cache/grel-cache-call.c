/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-flight-private.h>
#include <grelmicro/cache/grel-ttl-cache-private.h>

/* Somebody wants to read or to change what is in the store, and no more. */
typedef struct
{
  GrelCall base;
  GrelTTLCache *cache; /* nullable: it isn't counted */
  GrelCacheQuestion *question;
} GrelCacheCall;

static void grel_cache_call_start (GrelCall *call);
static void grel_cache_call_finalize (GrelCall *call);

static const GrelCallClass grel_cache_call_class = {
  .size = sizeof (GrelCacheCall),
  .start = grel_cache_call_start,
  .finalize = grel_cache_call_finalize,
};

static const GrelCallClass grel_cache_get_call_class = {
  .size = sizeof (GrelCacheCall),
  .free_answer = (GDestroyNotify) g_bytes_unref,
  .start = grel_cache_call_start,
  .finalize = grel_cache_call_finalize,
};

static const GrelCallClass grel_cache_get_many_call_class = {
  .size = sizeof (GrelCacheCall),
  .free_answer = (GDestroyNotify) g_ptr_array_unref,
  .start = grel_cache_call_start,
  .finalize = grel_cache_call_finalize,
};

static void
grel_cache_call_finalize (GrelCall *call)
{
  GrelCacheCall *self = (GrelCacheCall *) call;

  grel_cache_question_unref (self->question);
  g_clear_object (&self->cache);
}

static void
grel_cache_count_found (gpointer value, gpointer cache)
{
  grel_ttl_cache_count (cache, value != NULL ? GREL_CACHE_HITS : GREL_CACHE_MISSES);
}

static void
grel_cache_question_count (GrelCacheQuestion *self, GrelTTLCache *cache, gpointer answer)
{
  if (cache == NULL || grel_cache_question_changes (self))
    return;

  if (self->verb == GREL_CACHE_GET)
    grel_cache_count_found (answer, cache);
  else
    g_ptr_array_foreach (answer, grel_cache_count_found, cache);
}

/* Takes the bytes as they were kept. Returns: (transfer full) (nullable): the value, if it is fresh
 */
static GBytes *
grel_cache_call_open (GrelCacheBackend *backend, GBytes *bytes, GTimeSpan min_remaining)
{
  GrelCacheRecord record = { NULL };

  grel_cache_backend_decode (backend, bytes, &record);
  if (record.remaining <= min_remaining)
    g_clear_pointer (&record.value, g_bytes_unref);
  return record.value;
}

/* Takes the table as it was kept, which may come from a script (nullable). */
static GPtrArray *
grel_cache_call_open_many (GrelCacheBackend *backend, char *const *keys, GHashTable *table)
{
  GPtrArray *values = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  for (guint i = 0; keys[i] != NULL; i++)
    {
      GBytes *bytes = table != NULL ? g_hash_table_lookup (table, keys[i]) : NULL;

      g_ptr_array_add (values, bytes != NULL
                                 ? grel_cache_call_open (backend, g_bytes_ref (bytes), 0)
                                 : NULL);
    }
  g_clear_pointer (&table, g_hash_table_unref);
  return values;
}

static void
grel_cache_call_answered (gpointer data, gpointer answer, GError *error)
{
  g_autoptr (GrelCall) call = data;
  GrelCacheCall *self = data;
  GrelCacheBackend *backend = GREL_CACHE_BACKEND (call->owner);

  if (error != NULL)
    {
      grel_call_fail (call, error);
      return;
    }

  if (self->question->verb == GREL_CACHE_GET)
    answer = grel_cache_call_open (backend, answer, self->question->min_remaining);
  else if (self->question->verb == GREL_CACHE_GET_MANY)
    answer = grel_cache_call_open_many (backend, self->question->keys, answer);
  grel_cache_question_count (self->question, self->cache, answer);
  if (call->klass->free_answer != NULL)
    grel_call_answer_pointer (call, answer, NULL);
  else
    grel_call_answer (call, GPOINTER_TO_INT (answer), NULL);
}

/* In the captured context. A change that overtook a value on its way to the store would be undone
 * by it, so it waits, and may be cancelled meanwhile. */
static void
grel_cache_call_start (GrelCall *call)
{
  GrelCacheCall *self = (GrelCacheCall *) call;
  GrelCacheBackend *backend = GREL_CACHE_BACKEND (call->owner);
  GrelCacheFlight *storing = NULL;
  gboolean is_wanted;

  g_mutex_lock (&call->part->mutex);
  is_wanted = g_atomic_int_get (&call->state) == GREL_CALL_STARTED;
  if (is_wanted)
    storing = grel_cache_question_supersede (self->question, backend);
  if (storing != NULL)
    storing->load->parked = g_slist_append (storing->load->parked, grel_call_ref (call));
  g_mutex_unlock (&call->part->mutex);

  if (is_wanted && storing == NULL)
    grel_cache_backend_ask (backend, self->question, grel_cache_call_answered,
                            grel_call_ref (call));
}

static GrelCall *
grel_cache_call_new (GrelCacheBackend *backend,
                     GrelCacheQuestion *question,
                     GTask *task,
                     GCancellable *cancellable)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  const GrelCallClass *klass = &grel_cache_call_class;
  GrelCall *call;

  if (question->verb == GREL_CACHE_GET)
    klass = &grel_cache_get_call_class;
  else if (question->verb == GREL_CACHE_GET_MANY)
    klass = &grel_cache_get_many_call_class;

  call = grel_call_new (klass, part, grel_cache_subject_for_key (question->key), task, cancellable);
  ((GrelCacheCall *) call)->question = g_atomic_rc_box_acquire (question);
  return call;
}

gpointer
grel_cache_call_begin (GrelCacheBackend *backend,
                       GrelTTLCache *cache,
                       GrelCacheQuestion *question,
                       GTask *task,
                       GCancellable *cancellable,
                       GrelCall **call,
                       GError **error)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  GrelCacheAccount *account = cache != NULL ? grel_ttl_cache_get_account (cache) : NULL;
  gboolean is_immediate = grel_cache_backend_is_immediate (backend);
  g_autoptr (GrelTTLCache) kept = NULL;
  gpointer answer = NULL;

  /* Not under the mutex: a first reference may wait for an interpreter. */
  if (cache != NULL && !is_immediate)
    kept = g_object_ref (cache);
  if (!grel_part_enter (part, task == NULL, grel_cache_subject_for_key (question->key), error))
    return NULL;

  grel_cache_question_supersede (question, backend);
  if (grel_cache_question_is_empty (question))
    answer = grel_cache_question_answer_empty (question);
  else if (is_immediate)
    answer = grel_cache_question_answer (question, backend, account);
  else
    {
      *call = grel_cache_call_new (backend, question, task, cancellable);
      ((GrelCacheCall *) *call)->cache = g_steal_pointer (&kept);
      grel_call_register (*call, -1);
      grel_call_post (*call);
    }
  grel_part_leave (part);

  if (*call == NULL)
    {
      if (grel_cache_question_changes (question))
        grel_cache_backend_tidy (backend);
      grel_cache_question_count (question, cache, answer);
    }
  return answer;
}
