/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-flight-private.h>
#include <grelmicro/cache/grel-ttl-cache-private.h>

static GrelPart *
grel_cache_flight_get_part (GrelCacheFlight *self)
{
  return grel_backend_get_part (GREL_BACKEND (self->backend));
}

GrelCacheFlight *
grel_cache_flight_ensure (GrelCacheBackend *backend, GRefString *key)
{
  GHashTable *flights = grel_cache_backend_get_flights (backend);
  GrelCacheFlight *self = g_hash_table_lookup (flights, key);

  if (self != NULL)
    return self;

  self = g_new0 (GrelCacheFlight, 1);
  self->backend = backend;
  self->key = g_ref_string_acquire (key);
  g_hash_table_insert (flights, self->key, self);
  return self;
}

void
grel_cache_flight_free (GrelCacheFlight *self)
{
  g_ref_string_release (self->key);
  g_free (self);
}

void
grel_cache_flight_tidy (GrelCacheFlight *self)
{
  if (self->load == NULL && self->waits.head == NULL && self->n_asking == 0)
    g_hash_table_remove (grel_cache_backend_get_flights (self->backend), self->key);
}

GrelCacheLoad *
grel_cache_flight_begin (GrelCacheFlight *self, const GrelCacheWish *wish)
{
  self->load = grel_cache_load_new (self->backend, wish);
  self->load->flight = self;
  self->load->generation = self->generation;
  g_queue_push_tail_link (&grel_cache_flight_get_part (self)->granted, &self->load->granted.link);
  return self->load;
}

GrelCacheLoad *
grel_cache_flight_drop_load (GrelCacheFlight *self)
{
  GrelCacheLoad *load = g_steal_pointer (&self->load);

  g_queue_unlink (&grel_cache_flight_get_part (self)->granted, &load->granted.link);
  load->flight = NULL;
  load->wait = NULL;
  return load;
}

void
grel_cache_flight_queue (GrelCacheFlight *self, GrelCacheWait *wait)
{
  wait->flight = self;
  wait->generation = self->generation;
  wait->link.data = wait;
  g_queue_push_tail_link (&self->waits, &wait->link);
}

GrelCall *
grel_cache_flight_appoint (GrelCacheFlight *self)
{
  GrelCacheWait *wait = g_queue_peek_head (&self->waits);

  if (wait == NULL || grel_cache_flight_get_part (self)->state != GREL_PART_OPEN)
    {
      grel_cache_flight_tidy (self);
      return NULL;
    }

  wait->load = grel_cache_load_ref (grel_cache_flight_begin (self, &wait->wish));
  if (wait->wish.thread != 0)
    {
      grel_call_claim (&wait->base, GREL_CALL_DONE);
      return &wait->base;
    }

  wait->load->wait = wait;
  wait->load->context = g_main_context_ref (g_task_get_context (wait->base.task));
  grel_cache_load_start_later (wait->load, g_task_get_priority (wait->base.task));
  return NULL;
}

static gboolean
grel_cache_flight_has_tag (GrelCacheFlight *self, char **tags)
{
  if (self->load == NULL || self->load->wish.tags == NULL)
    return FALSE;

  for (; *tags != NULL; tags++)
    if (g_strv_contains ((const char *const *) self->load->wish.tags, *tags))
      return TRUE;
  return FALSE;
}

static void
grel_cache_flight_supersede (GrelCacheFlight *self, GrelCacheFlight **storing)
{
  if (self == NULL || self->load == NULL)
    return;

  self->generation++;
  if (self->load->is_sent)
    *storing = self;
}

/* All, or all that have one of the tags. */
static void
grel_cache_flights_supersede_all (GHashTable *flights, char **tags, GrelCacheFlight **storing)
{
  GHashTableIter iter;
  gpointer flight;

  g_hash_table_iter_init (&iter, flights);
  while (g_hash_table_iter_next (&iter, NULL, &flight))
    if (tags == NULL || grel_cache_flight_has_tag (flight, tags))
      grel_cache_flight_supersede (flight, storing);
}

GrelCacheFlight *
grel_cache_question_supersede (GrelCacheQuestion *question, GrelCacheBackend *backend)
{
  GHashTable *flights = grel_cache_backend_get_flights (backend);
  GrelCacheFlight *storing = NULL;
  GHashTableIter iter;
  gpointer key;

  if (g_hash_table_size (flights) == 0 || !grel_cache_question_changes (question))
    return NULL;

  if (question->key != NULL)
    grel_cache_flight_supersede (g_hash_table_lookup (flights, question->key), &storing);
  for (guint i = 0; question->keys != NULL && question->keys[i] != NULL; i++)
    grel_cache_flight_supersede (g_hash_table_lookup (flights, question->keys[i]), &storing);
  if (question->values != NULL)
    {
      g_hash_table_iter_init (&iter, question->values);
      while (g_hash_table_iter_next (&iter, &key, NULL))
        grel_cache_flight_supersede (g_hash_table_lookup (flights, key), &storing);
    }
  if (question->verb == GREL_CACHE_DELETE_TAGS || question->verb == GREL_CACHE_CLEAR)
    grel_cache_flights_supersede_all (flights, question->tags, &storing);
  return storing;
}

/* Who is told what when a load has landed. */
typedef struct
{
  GPtrArray *answered; /* (element-type GrelCacheWait): claimed */
  GPtrArray *settled;  /* the same, for what they have to make do with */
  GSList *parked;
  GrelCall *next;
  GrelCacheLoad *load;
  gboolean is_overlooked; /* it failed, and nobody waits who could be told */
} GrelCacheLanding;

/* Mutex held: whether a call may be answered with what it found before. */
static gboolean
grel_cache_wait_can_settle (GrelCacheWait *self, GrelCacheFlight *flight, const GError *error)
{
  return grel_error_is_outcome (error) && self->generation == flight->generation
         && grel_part_now (self->base.part) < self->wish.stale_until;
}

/* Mutex held. A cancelled load only concerns whose it was; a later call waits for a later load. */
static gboolean
grel_cache_load_concerns (GrelCacheLoad *self, GrelCacheWait *wait, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return wait == self->wait;

  return (int) (wait->generation - self->generation) <= 0;
}

static void
grel_cache_landing_claim (GrelCacheLanding *self, GrelCacheFlight *flight, const GError *error)
{
  GList *next;

  for (GList *l = flight->waits.head; l != NULL; l = next)
    {
      GrelCacheWait *wait = l->data;
      gboolean can_settle = error != NULL && grel_cache_wait_can_settle (wait, flight, error);

      next = l->next;
      if (!grel_cache_load_concerns (flight->load, wait, error))
        continue;

      g_clear_pointer (&wait->load, grel_cache_load_unref); /* the flight has another */
      grel_call_claim (&wait->base, GREL_CALL_DONE);
      g_ptr_array_add (can_settle ? self->settled : self->answered, wait);
    }
}

/* Mutex held. Returns: whether the load still counts */
static gboolean
grel_cache_landing_take (GrelCacheLanding *self,
                         GrelCacheLoad *load,
                         GBytes *value,
                         const GError *error)
{
  GrelCacheFlight *flight = load->flight;

  if (flight == NULL)
    return FALSE;

  if (value != NULL && !load->is_found && grel_cache_backend_is_immediate (load->backend)
      && load->generation == flight->generation)
    grel_cache_load_keep (load, value);
  self->is_overlooked = error != NULL && load->wait == NULL
                        && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  grel_cache_landing_claim (self, flight, error);
  self->parked = g_steal_pointer (&load->parked);
  self->load = grel_cache_flight_drop_load (flight);
  flight->n_landed++;
  self->next = grel_cache_flight_appoint (flight);
  return TRUE;
}

static void
grel_cache_landing_tell (GrelCacheLanding *self, GBytes *value, const GError *error)
{
  for (guint i = 0; i < self->answered->len; i++)
    {
      GrelCacheWait *wait = g_ptr_array_index (self->answered, i);

      grel_call_deliver (&wait->base, value != NULL ? g_bytes_ref (value) : NULL,
                         error != NULL ? g_error_copy (error) : NULL);
    }
  for (guint i = 0; i < self->settled->len; i++)
    grel_cache_wait_settle (g_ptr_array_index (self->settled, i));

  if (self->next != NULL)
    grel_call_deliver (self->next, NULL, NULL);
  for (GSList *l = self->parked; l != NULL; l = l->next)
    {
      g_autoptr (GrelCall) call = l->data;

      call->klass->start (call);
    }
}

void
grel_cache_load_finish (GrelCacheLoad *load, GBytes *value, GError *error)
{
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (load->backend));
  GrelCacheLanding landing = { g_ptr_array_new (), g_ptr_array_new () };
  gboolean counts;

  g_mutex_lock (&part->mutex);
  counts = grel_cache_landing_take (&landing, load, value, error);
  g_mutex_unlock (&part->mutex);

  if (counts)
    {
      grel_cache_backend_tidy (load->backend);
      if (landing.is_overlooked)
        grel_ttl_cache_report (load->wish.cache, load->backend, load->wish.key, "loading", error);
      grel_cache_landing_tell (&landing, value, error);
      grel_cache_load_unref (landing.load);
    }

  g_slist_free (landing.parked);
  g_ptr_array_unref (landing.answered);
  g_ptr_array_unref (landing.settled);
  g_clear_pointer (&value, g_bytes_unref);
  g_clear_error (&error);
}
