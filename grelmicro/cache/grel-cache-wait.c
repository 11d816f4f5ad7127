/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-flight-private.h>
#include <grelmicro/cache/grel-cache-record-private.h>
#include <grelmicro/cache/grel-ttl-cache-private.h>

static GrelCacheBackend *
grel_cache_wait_get_backend (GrelCacheWait *self)
{
  return GREL_CACHE_BACKEND (self->base.owner);
}

/* Whoever led and is not waiting any more because it was cancelled hands over to the next one. In
 * any other case its load goes on. */
static void
grel_cache_wait_leave (GrelCall *call)
{
  GrelCacheWait *self = (GrelCacheWait *) call;
  GrelCacheFlight *flight = g_steal_pointer (&self->flight);

  if (flight == NULL)
    return;

  g_queue_unlink (&flight->waits, &self->link);
  if (flight->load != NULL && flight->load->wait == self)
    {
      flight->load->wait = NULL;
      if (self->load == flight->load && !flight->load->is_storing
          && g_atomic_int_get (&call->state) == GREL_CALL_ABANDONED)
        {
          self->given_up = grel_cache_flight_drop_load (flight);
          self->next = grel_cache_flight_appoint (flight);
          return;
        }
    }
  grel_cache_flight_tidy (flight);
}

static void
grel_cache_wait_left (GrelCall *call)
{
  GrelCacheWait *self = (GrelCacheWait *) call;

  if (self->given_up != NULL)
    g_cancellable_cancel (self->given_up->cancellable);
  g_clear_pointer (&self->given_up, grel_cache_load_unref);
  if (self->next != NULL)
    grel_call_deliver (g_steal_pointer (&self->next), NULL, NULL);
}

static gpointer
grel_cache_wait_get_stale (GrelCall *call)
{
  GrelCacheWait *self = (GrelCacheWait *) call;

  grel_ttl_cache_count (self->wish.cache, GREL_CACHE_STALE);
  return g_bytes_ref (self->wish.stale);
}

void
grel_cache_wait_settle (GrelCacheWait *self)
{
  grel_call_deliver (&self->base, grel_cache_wait_get_stale (&self->base), NULL);
}

GrelCacheLoad *
grel_cache_wait_steal_load (GrelCall *call)
{
  return g_steal_pointer (&((GrelCacheWait *) call)->load);
}

static void
grel_cache_wait_finalize (GrelCall *call)
{
  GrelCacheWait *self = (GrelCacheWait *) call;

  g_clear_pointer (&self->load, grel_cache_load_unref);
  grel_cache_wish_clear (&self->wish);
}

static void grel_cache_wait_ask (GrelCall *call);

static const GrelCallClass grel_cache_wait_class = {
  .size = sizeof (GrelCacheWait),
  .free_answer = (GDestroyNotify) g_bytes_unref,
  .start = grel_cache_wait_ask,
  .leave = grel_cache_wait_leave,
  .left = grel_cache_wait_left,
  .settle = grel_cache_wait_get_stale,
  .finalize = grel_cache_wait_finalize,
};

static GrelCacheWait *
grel_cache_wait_new (GrelCacheBackend *backend,
                     const GrelCacheWish *wish,
                     GTask *task,
                     GCancellable *cancellable)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  GrelCall *call = grel_call_new (&grel_cache_wait_class, part,
                                  grel_cache_subject_for_key (wish->key), task, cancellable);

  grel_cache_wish_copy (wish, &((GrelCacheWait *) call)->wish);
  return (GrelCacheWait *) call;
}

GrelCall *
grel_cache_wait_for_load (GrelCacheLoad *load, GCancellable *cancellable)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (load->backend));
  GrelCacheWait *self = grel_cache_wait_new (load->backend, &load->wish, NULL, cancellable);
  gboolean is_wanted;

  g_mutex_lock (&part->mutex);
  is_wanted = load->flight != NULL;
  if (is_wanted)
    {
      grel_call_register (&self->base, -1);
      grel_cache_flight_queue (load->flight, self);
      self->generation = load->generation;
      load->wait = self;
    }
  g_mutex_unlock (&part->mutex);

  if (is_wanted)
    return &self->base;
  grel_call_unref (&self->base);
  return NULL;
}

/* Takes what a store found (nullable) and is not fresh any more; of no use, it is kept all the
 * same, to be freed without the mutex. */
static void
grel_cache_wish_remember (GrelCacheWish *self, const GrelCacheRecord *record, GrelPart *part)
{
  GTimeSpan stale_ttl = MIN (record->stale_ttl, self->settings.stale_ttl);
  GTimeSpan left = record->remaining + stale_ttl;

  self->stale = record->value;
  self->stale_until = record->value != NULL && left > 0 ? grel_part_now (part) + left : 0;
}

/* When to make do with the stale value, or -1. */
static gint64
grel_cache_wish_get_deadline (const GrelCacheWish *self, GrelPart *part)
{
  if (self->stale_until == 0 || self->settings.soft_timeout == 0)
    return -1;

  return MIN (grel_part_now (part) + self->settings.soft_timeout, self->stale_until - 1);
}

static gboolean
grel_cache_flight_is_loaded_by (GrelCacheFlight *self, guint64 thread)
{
  return thread != 0 && self->load != NULL && self->load->wish.thread == thread;
}

static GError *
grel_cache_wish_new_reentrant (const GrelCacheWish *self)
{
  return grel_error_new (GREL_ERROR_REENTRANT, grel_cache_subject_for_key (self->key),
                         "this thread is loading it already, so that it would wait for itself");
}

/* Mutex held: who comes first loads, the others wait for that. */
static void
grel_cache_wait_join (GrelCacheFlight *flight,
                      const GrelCacheWish *wish,
                      GTask *task,
                      GCancellable *cancellable,
                      GrelCall **call,
                      GrelCacheLoad **load)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (flight->backend));
  GrelCacheWait *wait;

  if (flight->load == NULL && wish->thread != 0)
    {
      *load = grel_cache_load_ref (grel_cache_flight_begin (flight, wish));
      return;
    }

  wait = grel_cache_wait_new (flight->backend, wish, task, cancellable);
  grel_call_register (&wait->base, grel_cache_wish_get_deadline (wish, part));
  grel_cache_flight_queue (flight, wait);
  *call = &wait->base;
  if (flight->load != NULL)
    return;

  *load = grel_cache_load_ref (grel_cache_flight_begin (flight, wish));
  wait->load = grel_cache_load_ref (*load);
  (*load)->wait = wait;
}

/* Mutex held: a load that nobody waits for, unless one is under way. */
static GrelCacheLoad *
grel_cache_wish_begin_refresh (const GrelCacheWish *self,
                               GrelCacheBackend *backend,
                               const GrelCacheRecord *record)
{
  GHashTable *flights = grel_cache_backend_get_flights (backend);
  GrelCacheFlight *flight = g_hash_table_lookup (flights, self->key);
  GrelCacheLoad *load;

  if (!grel_cache_record_is_due (record, self->settings.early_refresh)
      || grel_backend_get_part (GREL_BACKEND (backend))->state != GREL_PART_OPEN
      || (flight != NULL && flight->load != NULL))
    return NULL;

  load = grel_cache_flight_begin (grel_cache_flight_ensure (backend, self->key), self);
  load->is_refresh = TRUE;
  grel_ttl_cache_count (self->cache, GREL_CACHE_REFRESHES);
  return grel_cache_load_ref (load);
}

/* In a store that answers at once: finding nothing and beginning to load it are one step. */
static GBytes *
grel_cache_wait_begin_now (GrelCacheBackend *backend,
                           GrelCacheWish *wish,
                           GTask *task,
                           GCancellable *cancellable,
                           GrelCall **call,
                           GrelCacheLoad **load,
                           GError **error)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));
  GrelSubject subject = grel_cache_subject_for_key (wish->key);
  GrelCacheRecord record = { NULL };
  GrelCacheFlight *flight;
  gboolean is_fresh;

  if (!grel_part_enter (part, task == NULL, subject, error))
    return NULL;

  GREL_CACHE_BACKEND_GET_CLASS (backend)->try_get (backend, wish->key, &record);
  is_fresh = record.remaining > 0;
  if (is_fresh)
    *load = grel_cache_wish_begin_refresh (wish, backend, &record);
  else
    {
      flight = grel_cache_flight_ensure (backend, wish->key);
      grel_cache_wish_remember (wish, &record, part);
      if (grel_cache_flight_is_loaded_by (flight, wish->thread))
        g_propagate_error (error, grel_cache_wish_new_reentrant (wish));
      else
        grel_cache_wait_join (flight, wish, task, cancellable, call, load);
    }
  grel_part_leave (part);

  grel_ttl_cache_count (wish->cache, is_fresh ? GREL_CACHE_HITS : GREL_CACHE_MISSES);
  return is_fresh ? record.value : NULL;
}

static void grel_cache_wait_found (gpointer data, gpointer answer, GError *error);

static void
grel_cache_wait_ask (GrelCall *call)
{
  GrelCacheWait *self = (GrelCacheWait *) call;
  GrelCacheBackend *backend = grel_cache_wait_get_backend (self);
  g_autoptr (GrelCacheQuestion) question = grel_cache_question_new (GREL_CACHE_GET);
  GrelCacheFlight *flight;

  g_mutex_lock (&call->part->mutex);
  flight = grel_cache_flight_ensure (backend, self->wish.key);
  flight->n_asking++;
  self->n_landed = flight->n_landed;
  g_mutex_unlock (&call->part->mutex);

  question->key = g_ref_string_acquire (self->wish.key);
  grel_cache_backend_ask (backend, question, grel_cache_wait_found, grel_call_ref (call));
}

/* Mutex held: the store has answered. Returns: (transfer none): the flight, to be tidied */
static GrelCacheFlight *
grel_cache_wait_end_ask (GrelCacheWait *self)
{
  GHashTable *flights = grel_cache_backend_get_flights (grel_cache_wait_get_backend (self));
  GrelCacheFlight *flight = g_hash_table_lookup (flights, self->wish.key);

  flight->n_asking--;
  return flight;
}

static void
grel_cache_wait_fail (GrelCacheWait *self, GError *error)
{
  GrelCall *call = &self->base;

  g_mutex_lock (&call->part->mutex);
  grel_cache_flight_tidy (grel_cache_wait_end_ask (self));
  g_mutex_unlock (&call->part->mutex);

  grel_call_fail (call, error);
}

/* Mutex held. */
static void
grel_cache_wait_start_load (GrelCacheWait *self, GrelCacheLoad *load)
{
  load->context = g_main_context_ref (g_task_get_context (self->base.task));
  grel_cache_load_start_later (load, g_task_get_priority (self->base.task));
}

static void
grel_cache_wait_hit (GrelCacheWait *self, GrelCacheRecord *record)
{
  GrelCall *call = &self->base;
  GrelCacheBackend *backend = grel_cache_wait_get_backend (self);
  g_autoptr (GrelCacheLoad) load = NULL;
  GrelCacheFlight *flight;
  gboolean claimed;

  g_mutex_lock (&call->part->mutex);
  flight = grel_cache_wait_end_ask (self);
  claimed = grel_call_claim (call, GREL_CALL_DONE);
  if (claimed)
    load = grel_cache_wish_begin_refresh (&self->wish, backend, record);
  if (load != NULL && self->wish.thread != 0)
    self->load = g_steal_pointer (&load);
  else if (load != NULL)
    grel_cache_wait_start_load (self, load);
  grel_cache_flight_tidy (flight);
  g_mutex_unlock (&call->part->mutex);

  grel_ttl_cache_count (self->wish.cache, GREL_CACHE_HITS);
  if (claimed)
    grel_call_deliver (call, record->value, NULL);
  else
    g_bytes_unref (record->value);
}

typedef enum
{
  GREL_CACHE_QUEUED,
  GREL_CACHE_LEADS,
  GREL_CACHE_RECURS,
  GREL_CACHE_ASKS_AGAIN,
  GREL_CACHE_IS_OVER
} GrelCacheMiss;

/* Mutex held. While the store was asked, a load may have landed that it doesn't know of yet. */
static GrelCacheMiss
grel_cache_wait_miss (GrelCacheWait *self)
{
  GrelCall *call = &self->base;
  GrelCacheFlight *flight = grel_cache_wait_end_ask (self);
  gint64 deadline = grel_cache_wish_get_deadline (&self->wish, call->part);

  if (g_atomic_int_get (&call->state) != GREL_CALL_STARTED || call->part->state != GREL_PART_OPEN)
    {
      grel_cache_flight_tidy (flight);
      return GREL_CACHE_IS_OVER; /* or will be, as soon as the close gets round to it */
    }
  if (flight->load == NULL && self->n_landed != flight->n_landed)
    return GREL_CACHE_ASKS_AGAIN; /* which tidies up in its turn */
  if (grel_cache_flight_is_loaded_by (flight, self->wish.thread))
    return GREL_CACHE_RECURS;
  if (flight->load == NULL && self->wish.thread != 0)
    {
      self->load = grel_cache_load_ref (grel_cache_flight_begin (flight, &self->wish));
      grel_call_claim (call, GREL_CALL_DONE);
      return GREL_CACHE_LEADS;
    }

  grel_cache_flight_queue (flight, self);
  if (deadline >= 0)
    grel_timers_set (call->part->timers, &call->timer, deadline);
  if (flight->load == NULL)
    {
      self->load = grel_cache_load_ref (grel_cache_flight_begin (flight, &self->wish));
      self->load->wait = self;
      grel_cache_wait_start_load (self, self->load);
    }
  return GREL_CACHE_QUEUED;
}

static void
grel_cache_wait_found (gpointer data, gpointer answer, GError *error)
{
  g_autoptr (GrelCall) call = data;
  GrelCacheWait *self = data;
  GrelCacheRecord record = { NULL };
  GrelCacheMiss miss;

  if (error != NULL)
    {
      grel_cache_wait_fail (self, error);
      return;
    }

  grel_cache_backend_decode (grel_cache_wait_get_backend (self), answer, &record);
  if (record.remaining > 0)
    {
      grel_cache_wait_hit (self, &record);
      return;
    }

  g_clear_pointer (&self->wish.stale, g_bytes_unref);
  grel_cache_wish_remember (&self->wish, &record, call->part);
  g_mutex_lock (&call->part->mutex);
  miss = grel_cache_wait_miss (self);
  g_mutex_unlock (&call->part->mutex);

  if (miss == GREL_CACHE_ASKS_AGAIN)
    grel_cache_wait_ask (call);
  else
    grel_ttl_cache_count (self->wish.cache, GREL_CACHE_MISSES);
  if (miss == GREL_CACHE_LEADS)
    grel_call_deliver (call, NULL, NULL);
  else if (miss == GREL_CACHE_RECURS)
    grel_call_fail (call, grel_cache_wish_new_reentrant (&self->wish));
}

GBytes *
grel_cache_wait_begin (GrelCacheBackend *backend,
                       GrelCacheWish *wish,
                       GTask *task,
                       GCancellable *cancellable,
                       GrelCall **call,
                       GrelCacheLoad **load,
                       GError **error)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));

  if (grel_cache_backend_is_immediate (backend))
    return grel_cache_wait_begin_now (backend, wish, task, cancellable, call, load, error);
  if (!grel_part_enter (part, task == NULL, grel_cache_subject_for_key (wish->key), error))
    return NULL;

  *call = &grel_cache_wait_new (backend, wish, task, cancellable)->base;
  grel_call_register (*call, -1);
  grel_call_post (*call);
  grel_part_leave (part);
  return NULL;
}
