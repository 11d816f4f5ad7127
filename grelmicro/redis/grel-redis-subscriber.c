/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/redis/grel-redis-command-private.h>
#include <grelmicro/redis/grel-redis-link-private.h>
#include <grelmicro/redis/grel-redis-subscriber-private.h>

typedef struct
{
  GrelRedisHeard heard;
  gpointer listener;
} GrelRedisListener;

struct _GrelRedisSubscriber
{
  GrelRedisServers *servers;
  GrelRedisAddress *address; /* nullable */
  GrelRedisLink link;
  GHashTable *channels; /* name to GArray of GrelRedisListener, none of them empty */
};

static void grel_redis_subscriber_up (gpointer owner);
static void grel_redis_subscriber_received (gpointer owner, GrelRedisReply *reply);

static void
grel_redis_subscriber_choose (GrelRedisSubscriber *self)
{
  g_clear_pointer (&self->address, grel_redis_address_free);
  self->address = grel_redis_address_copy (grel_redis_servers_get_address (self->servers));
  self->link.address = self->address;
}

/* Waiters ask again by themselves until it is back. */
static void
grel_redis_subscriber_down (gpointer owner, const GError *error)
{
  grel_redis_subscriber_choose (owner);
}

/* A node that has left its cluster may run on, and hear nothing any more. */
static void
grel_redis_subscriber_servers_changed (gpointer data)
{
  GrelRedisSubscriber *self = data;

  if (self->link.timer == NULL || grel_redis_servers_are_at (self->servers, self->address))
    return;

  if (self->link.is_up || self->link.is_trying)
    grel_redis_link_drop (&self->link, "the node has left the cluster");
  else
    grel_redis_subscriber_choose (self);
}

static const GrelRedisLinkFuncs grel_redis_subscriber_link_funcs = {
  .up = grel_redis_subscriber_up,
  .received = grel_redis_subscriber_received,
  .down = grel_redis_subscriber_down,
};

GrelRedisSubscriber *
grel_redis_subscriber_new (GrelRedisServers *servers)
{
  GrelRedisSubscriber *self = g_new0 (GrelRedisSubscriber, 1);

  self->servers = servers;
  grel_redis_link_init (&self->link, grel_redis_servers_get_settings (servers), NULL,
                        &grel_redis_subscriber_link_funcs, self);
  self->channels
    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_array_unref);
  grel_redis_servers_watch (servers, grel_redis_subscriber_servers_changed, self);
  return self;
}

void
grel_redis_subscriber_free (GrelRedisSubscriber *self)
{
  grel_redis_servers_watch (self->servers, NULL, NULL);
  g_clear_pointer (&self->address, grel_redis_address_free);
  g_hash_table_unref (self->channels);
  g_free (self);
}

static void
grel_redis_subscriber_say (GrelRedisSubscriber *self, const char *verb, const char *channel)
{
  if (self->link.is_up)
    grel_redis_write_words (grel_redis_link_get_output (&self->link),
                            (const char *[]){ verb, channel, NULL });
}

static void
grel_redis_subscriber_up (gpointer owner)
{
  GrelRedisSubscriber *self = owner;
  GHashTableIter iter;
  gpointer channel;

  g_hash_table_iter_init (&iter, self->channels);
  while (g_hash_table_iter_next (&iter, &channel, NULL))
    grel_redis_subscriber_say (self, "SUBSCRIBE", channel);
}

static void
grel_redis_subscriber_tell (GrelRedisSubscriber *self, const char *channel, const char *message)
{
  GArray *listeners = g_hash_table_lookup (self->channels, channel);

  for (guint i = 0; listeners != NULL && i < listeners->len; i++)
    {
      GrelRedisListener *listener = &g_array_index (listeners, GrelRedisListener, i);

      listener->heard (listener->listener, channel, message);
    }
}

static const char *
grel_redis_subscriber_get_text (GrelRedisReply *reply, guint i)
{
  GrelRedisReply *element = g_ptr_array_index (reply->elements, i);

  return element->type == GREL_REDIS_TEXT ? element->text : NULL;
}

/* A server that refuses to tell, or tells something else, is asked for the lock instead. */
static void
grel_redis_subscriber_received (gpointer owner, GrelRedisReply *reply)
{
  GrelRedisSubscriber *self = owner;
  const char *kind, *channel, *message;

  if (reply->type != GREL_REDIS_ARRAY || reply->elements->len != 3)
    return;

  kind = grel_redis_subscriber_get_text (reply, 0);
  channel = grel_redis_subscriber_get_text (reply, 1);
  message = grel_redis_subscriber_get_text (reply, 2);
  if (kind == NULL || channel == NULL)
    return;

  if (g_str_equal (kind, "subscribe"))
    grel_redis_subscriber_tell (self, channel, NULL);
  else if (g_str_equal (kind, "message") && message != NULL)
    grel_redis_subscriber_tell (self, channel, message);
}

void
grel_redis_subscriber_watch (GrelRedisSubscriber *self,
                             const char *channel,
                             GrelRedisHeard heard,
                             gpointer listener)
{
  GArray *listeners = g_hash_table_lookup (self->channels, channel);
  GrelRedisListener entry = { heard, listener };

  if (listeners == NULL)
    {
      listeners = g_array_new (FALSE, FALSE, sizeof (GrelRedisListener));
      g_hash_table_insert (self->channels, g_strdup (channel), listeners);
    }
  g_array_append_val (listeners, entry);

  /* The answer tells all listeners of that channel that it is watched. */
  if (self->link.timer == NULL)
    {
      grel_redis_subscriber_choose (self);
      grel_redis_link_start (&self->link);
    }
  grel_redis_subscriber_say (self, "SUBSCRIBE", channel);
}

/* Returns: whether nobody listens any more */
static gboolean
grel_redis_subscriber_forget (GArray *listeners, gpointer listener)
{
  for (guint i = 0; i < listeners->len; i++)
    if (g_array_index (listeners, GrelRedisListener, i).listener == listener)
      {
        g_array_remove_index (listeners, i);
        break;
      }
  return listeners->len == 0;
}

void
grel_redis_subscriber_unwatch (GrelRedisSubscriber *self, const char *channel, gpointer listener)
{
  GArray *listeners = g_hash_table_lookup (self->channels, channel);

  if (listeners == NULL || !grel_redis_subscriber_forget (listeners, listener))
    return;

  grel_redis_subscriber_say (self, "UNSUBSCRIBE", channel);
  g_hash_table_remove (self->channels, channel);
}

void
grel_redis_subscriber_leave (GrelRedisSubscriber *self, gpointer listener)
{
  GHashTableIter iter;
  gpointer channel, listeners;

  g_hash_table_iter_init (&iter, self->channels);
  while (g_hash_table_iter_next (&iter, &channel, &listeners))
    if (grel_redis_subscriber_forget (listeners, listener))
      {
        grel_redis_subscriber_say (self, "UNSUBSCRIBE", channel);
        g_hash_table_iter_remove (&iter);
      }

  if (g_hash_table_size (self->channels) == 0)
    grel_redis_link_stop (&self->link);
}
