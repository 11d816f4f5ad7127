/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lock-slot-private.h>

/* How many slots stay that nobody needs. */
#define GREL_LOCK_SLOTS_IDLE 128

static void grel_lock_slot_watch_ref (GrelTimer *timer);
static void grel_lock_slot_watch_fire (GrelTimer *timer);

static const GrelTimerClass grel_lock_slot_watch_class = {
  .ref = grel_lock_slot_watch_ref,
  .fire = grel_lock_slot_watch_fire,
};

static void
grel_lock_slot_free (gpointer data)
{
  GrelLockSlot *self = data;

  g_ref_string_release (self->key);
  g_free (self);
}

void
grel_lock_slots_init (GrelLockSlots *self)
{
  self->table = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, grel_lock_slot_free);
}

void
grel_lock_slots_clear (GrelLockSlots *self)
{
  g_hash_table_unref (self->table);
}

GrelLockSlot *
grel_lock_slots_find (GrelLockSlots *self, const char *key)
{
  /* The last one is often the next as well. */
  if (self->last == NULL || (self->last->key != key && !g_str_equal (self->last->key, key)))
    self->last = g_hash_table_lookup (self->table, key);
  return self->last;
}

GrelLockSlot *
grel_lock_slot_ensure (GrelLockBackend *backend, GRefString *key)
{
  GrelLockSlots *slots = grel_lock_backend_get_slots (backend);
  GrelLockSlot *self = grel_lock_slots_find (slots, key);

  if (self == NULL)
    {
      self = g_new0 (GrelLockSlot, 1);
      self->backend = backend;
      self->key = g_ref_string_acquire (key);
      self->subject = grel_lock_subject_for_key (key);
      self->idle.data = self;
      self->retry.klass = &grel_lock_slot_timer_class;
      self->watch.klass = &grel_lock_slot_watch_class;
      g_hash_table_insert (slots->table, self->key, self);
    }
  return self;
}

static gboolean
grel_lock_slot_is_needed (GrelLockSlot *self)
{
  return self->holder != NULL || self->pins > 0 || !grel_wait_queue_is_empty (&self->queue);
}

/* What is needed again by the time that its turn comes leaves the list, and stays: to look then is
 * cheaper than to leave the list at each use. */
static void
grel_lock_slots_drop_first (GrelLockSlots *self)
{
  GrelLockSlot *slot = g_queue_pop_head_link (&self->idle)->data;

  slot->is_listed = FALSE;
  if (grel_lock_slot_is_needed (slot))
    return;

  grel_timers_clear (grel_backend_get_part (GREL_BACKEND (slot->backend))->timers, &slot->watch);
  if (self->last == slot)
    self->last = NULL;
  g_hash_table_remove (self->table, slot->key);
}

void
grel_lock_slot_tidy (GrelLockSlot *self)
{
  GrelLockSlots *slots;

  if (self->is_listed || grel_lock_slot_is_needed (self))
    return;

  slots = grel_lock_backend_get_slots (self->backend);
  self->is_listed = TRUE;
  g_queue_push_tail_link (&slots->idle, &self->idle);
  if (slots->idle.length > GREL_LOCK_SLOTS_IDLE)
    grel_lock_slots_drop_first (slots);
}

void
grel_lock_slot_pin (GrelLockSlot *self)
{
  self->pins++;
  g_object_ref (self->backend);
}

void
grel_lock_slot_unpin (GrelLockSlot *self)
{
  g_autoptr (GrelLockBackend) backend = self->backend;
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (backend));

  g_mutex_lock (&part->mutex);
  self->pins--;
  grel_lock_slot_tidy (self);
  g_mutex_unlock (&part->mutex);
}

static GrelLockSlot *
grel_lock_slot_from_watch (GrelTimer *timer)
{
  return (GrelLockSlot *) ((char *) timer - G_STRUCT_OFFSET (GrelLockSlot, watch));
}

static void
grel_lock_slot_watch_ref (GrelTimer *timer)
{
  grel_lock_slot_pin (grel_lock_slot_from_watch (timer));
}

static void
grel_lock_slot_watch_fire (GrelTimer *timer)
{
  GrelLockSlot *self = grel_lock_slot_from_watch (timer);
  GrelPart *part = grel_backend_get_part (GREL_BACKEND (self->backend));
  g_autoptr (GrelGrant) holder = NULL;

  g_mutex_lock (&part->mutex);
  if (self->holder != NULL)
    holder = grel_grant_ref (self->holder);
  g_mutex_unlock (&part->mutex);

  if (holder != NULL)
    grel_grant_check_on (holder);
  grel_lock_slot_unpin (self);
}
