/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/redis/grel-redis-timer-private.h>

typedef struct
{
  GSource source;
  GSourceOnceFunc func;
  gpointer data;
  guint generation;
} GrelRedisTimer;

static gboolean
grel_redis_timer_prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  if (((GrelRedisTimer *) source)->generation != grel_identity_get_generation ())
    g_source_destroy (source);
  return FALSE;
}

static gboolean
grel_redis_timer_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  GrelRedisTimer *self = (GrelRedisTimer *) source;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (g_source_get_context (source));

  g_source_set_ready_time (source, -1);
  self->func (self->data);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs grel_redis_timer_funcs = {
  .prepare = grel_redis_timer_prepare,
  .dispatch = grel_redis_timer_dispatch,
};

GSource *
grel_redis_timer_new (GSourceOnceFunc func, gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  GSource *source = g_source_new (&grel_redis_timer_funcs, sizeof (GrelRedisTimer));
  GrelRedisTimer *self = (GrelRedisTimer *) source;

  self->func = func;
  self->data = data;
  self->generation = grel_identity_get_generation ();
  g_source_set_static_name (source, "[grelmicro] redis timer");
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, context);
  return source;
}

void
grel_redis_timer_set (GSource *timer, gint64 due)
{
  g_source_set_ready_time (timer, due);
}

void
grel_redis_timer_hasten (GSource *timer, gint64 due)
{
  gint64 set = g_source_get_ready_time (timer);

  if (set < 0 || due < set)
    g_source_set_ready_time (timer, due);
}

void
grel_redis_timer_free (GSource *timer)
{
  g_source_destroy (timer);
  g_source_unref (timer);
}
