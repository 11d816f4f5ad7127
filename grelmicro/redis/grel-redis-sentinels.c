/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-command-private.h>
#include <grelmicro/redis/grel-redis-connection-private.h>
#include <grelmicro/redis/grel-redis-sentinels-private.h>
#include <grelmicro/redis/grel-redis-timer-private.h>

struct _GrelRedisSentinels
{
  const GrelRedisSettings *settings;
  GrelRedisSettings *login; /* with what they want to know */
  const GrelRedisSentinelsFuncs *funcs;
  gpointer owner;
  GPtrArray *addresses; /* (element-type GrelRedisAddress): the next one to ask comes first */
  guint n_left;         /* of them to ask, with the one that is being asked */
  GSource *timer;
  GrelRedisConnection *connection;
  GError *error; /* why none of those that were asked is of use */
};

static void grel_redis_sentinels_ask_next (GrelRedisSentinels *self);

static void
grel_redis_sentinels_hang_up (GrelRedisSentinels *self)
{
  grel_redis_timer_set (self->timer, -1);
  g_clear_pointer (&self->connection, grel_redis_connection_close);
}

/* The first goes to the end: the others are more likely to be right. */
static void
grel_redis_sentinels_turn (GrelRedisSentinels *self)
{
  g_ptr_array_add (self->addresses, g_ptr_array_steal_index (self->addresses, 0));
}

/* What one of them said tells more than that another couldn't be reached. */
static void
grel_redis_sentinels_keep_error (GrelRedisSentinels *self, const GError *error)
{
  if (self->error != NULL && error->domain != GREL_ERROR)
    return;

  g_clear_error (&self->error);
  self->error = g_error_copy (error);
}

void
grel_redis_sentinels_ask_others (GrelRedisSentinels *self, const GError *error)
{
  g_autoptr (GError) last = NULL;

  grel_redis_sentinels_hang_up (self);
  grel_redis_sentinels_keep_error (self, error);
  grel_redis_sentinels_turn (self);
  if (--self->n_left > 0)
    {
      grel_redis_sentinels_ask_next (self);
      return;
    }

  last = g_steal_pointer (&self->error);
  self->funcs->failed (self->owner, last);
}

static void
grel_redis_sentinels_refuse (GrelRedisSentinels *self, const GError *error)
{
  g_autoptr (GError) refusal = g_error_copy (error);

  g_prefix_error_literal (&refusal, "a sentinel: ");
  grel_redis_sentinels_ask_others (self, refusal);
}

static void
grel_redis_sentinels_opened (gpointer owner)
{
  GrelRedisSentinels *self = owner;

  grel_redis_write_words (grel_redis_connection_get_output (self->connection),
                          (const char *[]){ "SENTINEL", "GET-MASTER-ADDR-BY-NAME",
                                            self->settings->service, NULL });
}

/* Returns: (transfer full) (nullable) */
static GrelRedisAddress *
grel_redis_sentinels_map_address (const GrelRedisReply *reply, GError **error)
{
  GrelRedisReply *const *elements;
  const char *host, *port;
  guint64 number;

  if (reply->type == GREL_REDIS_NIL)
    {
      g_set_error_literal (error, GREL_ERROR, GREL_ERROR_BACKEND, "doesn't know this service");
      return NULL;
    }
  if (!grel_redis_reply_get_array (reply, 2, &elements, error)
      || !grel_redis_reply_get_text (elements[0], &host, error)
      || !grel_redis_reply_get_text (elements[1], &port, error))
    return NULL;
  if (host != NULL && *host != '\0' && port != NULL
      && g_ascii_string_to_unsigned (port, 10, 1, G_MAXUINT16, &number, NULL))
    return grel_redis_address_new (host, number);

  g_set_error_literal (error, GREL_ERROR, GREL_ERROR_BACKEND, "answered with no address");
  return NULL;
}

static void
grel_redis_sentinels_received (gpointer owner, GrelRedisReply *reply)
{
  GrelRedisSentinels *self = owner;
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelRedisAddress) address = grel_redis_sentinels_map_address (reply, &error);

  if (address == NULL)
    {
      grel_redis_sentinels_refuse (self, error);
      return;
    }

  grel_redis_sentinels_hang_up (self);
  self->funcs->found (self->owner, address);
}

static void
grel_redis_sentinels_lost (gpointer owner, const GError *error)
{
  GrelRedisSentinels *self = owner;

  self->connection = NULL;
  grel_redis_sentinels_refuse (self, error);
}

static void
grel_redis_sentinels_timer_fired (gpointer data)
{
  g_autoptr (GError) error
    = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no answer in time");

  grel_redis_sentinels_refuse (data, error);
}

static const GrelRedisConnectionFuncs grel_redis_sentinels_connection_funcs = {
  .opened = grel_redis_sentinels_opened,
  .received = grel_redis_sentinels_received,
  .lost = grel_redis_sentinels_lost,
};

/* If all but the last hang, there is time for that one, and for the server. */
static void
grel_redis_sentinels_ask_next (GrelRedisSentinels *self)
{
  g_autoptr (GError) error = NULL;
  GTimeSpan share = self->settings->connect_timeout / (self->addresses->len + 1);

  grel_redis_timer_set (self->timer, g_get_monotonic_time () + share);
  self->connection
    = grel_redis_connection_new (self->login, g_ptr_array_index (self->addresses, 0),
                                 &grel_redis_sentinels_connection_funcs, self, &error);
  if (self->connection == NULL)
    grel_redis_sentinels_ask_others (self, error);
}

void
grel_redis_sentinels_ask (GrelRedisSentinels *self)
{
  g_clear_error (&self->error);
  self->n_left = self->addresses->len;
  grel_redis_sentinels_ask_next (self);
}

void
grel_redis_sentinels_stop (GrelRedisSentinels *self)
{
  grel_redis_sentinels_hang_up (self);
  grel_redis_sentinels_turn (self);
}

GrelRedisSentinels *
grel_redis_sentinels_new (const GrelRedisSettings *settings,
                          const GrelRedisSentinelsFuncs *funcs,
                          gpointer owner)
{
  GrelRedisSentinels *self = g_new0 (GrelRedisSentinels, 1);

  self->settings = settings;
  self->login = grel_redis_settings_new_for_sentinels (settings);
  self->funcs = funcs;
  self->owner = owner;
  self->addresses = g_ptr_array_copy (settings->addresses, NULL, NULL);
  g_ptr_array_set_free_func (self->addresses, NULL);
  self->timer = grel_redis_timer_new (grel_redis_sentinels_timer_fired, self);
  return self;
}

void
grel_redis_sentinels_free (GrelRedisSentinels *self)
{
  g_clear_pointer (&self->connection, grel_redis_connection_close);
  grel_redis_timer_free (self->timer);
  g_ptr_array_unref (self->addresses);
  g_clear_error (&self->error);
  grel_redis_settings_free (self->login);
  g_free (self);
}
