/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-hop-private.h>
#include <grelmicro/core/grel-identity-private.h>

/*
 * A lock-free stack that any thread pushes onto and the context takes as a whole, behind one source
 * that stays attached. The source tells in prepare () whether it lets the context sleep, and only
 * the first thread that finds it so wakes it up: a burst of threads costs one wake-up, and none
 * while the context is busy, or from within. g_main_context_invoke () is not used: it may run the
 * function on the caller.
 */
typedef struct
{
  GSource source;
  GrelHop *hop;
} GrelHopSource;

struct _GrelHop
{
  guint refs; /* under the process lock */
  guint generation;
  GMainContext *context;
  GSource *source;
  GrelHopItem *posted; /* newest first; from any thread */
  GrelHopItem *ready;  /* oldest first; only in the context */
  guint beats;
  int beat_asked;
  int is_asleep; /* the context may sleep, and nobody has woken it up yet */
};

static GHashTable *hops = NULL; /* GMainContext to GrelHop, under the process lock */

static void
grel_hop_take_posted (GrelHop *self)
{
  GrelHopItem *newest = __atomic_exchange_n (&self->posted, NULL, __ATOMIC_ACQUIRE);

  while (newest != NULL)
    {
      GrelHopItem *item = newest;

      newest = item->next;
      item->next = self->ready;
      self->ready = item;
    }
}

/* In the child of a fork this is a copy of the parent's, whose work is none of the child's. */
static gboolean
grel_hop_is_foreign (GrelHop *self)
{
  return self->generation != grel_identity_get_generation ();
}

static void
grel_hop_run_ready (GrelHop *self)
{
  GrelHopItem *item;

  while ((item = self->ready) != NULL && !grel_hop_is_foreign (self))
    {
      self->ready = item->next;
      item->run (item);
    }
}

static gboolean
grel_hop_is_pending (GrelHop *self)
{
  return self->ready != NULL || __atomic_load_n (&self->posted, __ATOMIC_SEQ_CST) != NULL
         || g_atomic_int_get (&self->beat_asked);
}

static gboolean
grel_hop_prepare (GSource *source, int *timeout)
{
  GrelHop *self = ((GrelHopSource *) source)->hop;

  *timeout = -1;
  if (grel_hop_is_foreign (self))
    {
      g_source_destroy (source);
      return FALSE;
    }

  if (grel_hop_is_pending (self))
    return TRUE;

  /* Whoever posts from now on either sees this, or is seen below. */
  g_atomic_int_set (&self->is_asleep, TRUE);
  return grel_hop_is_pending (self);
}

static gboolean
grel_hop_check (GSource *source)
{
  return grel_hop_is_pending (((GrelHopSource *) source)->hop);
}

static void
grel_hop_free (GrelHop *self)
{
  grel_hop_take_posted (self);
  grel_hop_run_ready (self);
  g_main_context_unref (self->context);
  g_free (self);
}

static gboolean
grel_hop_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  GrelHop *self = ((GrelHopSource *) source)->hop;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (self->context);

  g_atomic_int_set (&self->beat_asked, FALSE);
  g_atomic_int_inc (&self->beats);

  /* What a nested main loop left over comes first. */
  if (self->ready == NULL)
    grel_hop_take_posted (self);
  grel_hop_run_ready (self);

  return G_SOURCE_CONTINUE;
}

static void
grel_hop_finalize (GSource *source)
{
  grel_hop_free (((GrelHopSource *) source)->hop);
}

static GSourceFuncs grel_hop_funcs = {
  .prepare = grel_hop_prepare,
  .check = grel_hop_check,
  .dispatch = grel_hop_dispatch,
  .finalize = grel_hop_finalize,
};

static GrelHop *
grel_hop_new (GMainContext *context)
{
  GrelHop *self = g_new0 (GrelHop, 1);

  self->context = g_main_context_ref (context);
  self->generation = grel_identity_get_generation ();
  self->source = g_source_new (&grel_hop_funcs, sizeof (GrelHopSource));
  ((GrelHopSource *) self->source)->hop = self;
  g_source_set_static_name (self->source, "[grelmicro] hop");
  g_source_set_can_recurse (self->source, TRUE);
  g_source_attach (self->source, context);

  return self;
}

GrelHop *
grel_hop_ref_for_context (GMainContext *context)
{
  GrelHop *self;

  grel_identity_lock_process ();
  if (hops == NULL)
    hops = g_hash_table_new (NULL, NULL);

  self = g_hash_table_lookup (hops, context);
  if (self == NULL || grel_hop_is_foreign (self))
    {
      self = grel_hop_new (context);
      g_hash_table_insert (hops, context, self);
    }
  self->refs++;
  grel_identity_unlock_process ();

  return self;
}

void
grel_hop_unref (GrelHop *self)
{
  g_autoptr (GMainContext) context
    = g_main_context_ref (self->context); /* it outlives its source */
  GSource *source = NULL;

  grel_identity_lock_process ();
  if (--self->refs == 0)
    {
      if (g_hash_table_lookup (hops, self->context) == self)
        g_hash_table_remove (hops, self->context);
      source = self->source;
    }
  grel_identity_unlock_process ();

  if (source == NULL)
    return;

  g_source_destroy (source);
  g_source_unref (source);
}

GMainContext *
grel_hop_get_context (GrelHop *self)
{
  return self->context;
}

/* This thread is inside the context, which looks at what was posted before it sleeps again. */
static gboolean
grel_hop_is_awake_here (GrelHop *self)
{
  GSource *current = g_main_current_source ();

  return current != NULL && g_source_get_context (current) == self->context;
}

static void
grel_hop_wake_up (GrelHop *self)
{
  if (g_atomic_int_get (&self->is_asleep) && !grel_hop_is_awake_here (self)
      && g_atomic_int_compare_and_exchange (&self->is_asleep, TRUE, FALSE))
    g_main_context_wakeup (self->context);
}

void
grel_hop_post (GrelHop *self, GrelHopItem *item)
{
  GrelHopItem *newest = __atomic_load_n (&self->posted, __ATOMIC_RELAXED);

  do
    item->next = newest;
  while (!__atomic_compare_exchange_n (&self->posted, &newest, item, TRUE, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED));
  grel_hop_wake_up (self);
}

guint
grel_hop_get_beats (GrelHop *self)
{
  return g_atomic_int_get (&self->beats);
}

void
grel_hop_ask_for_beat (GrelHop *self)
{
  if (g_atomic_int_compare_and_exchange (&self->beat_asked, FALSE, TRUE))
    grel_hop_wake_up (self);
}
