/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-link-private.h>
#include <grelmicro/redis/grel-redis-timer-private.h>

/* The longest wait after the first failure, doubled by each that follows. */
#define GREL_REDIS_BACKOFF (100 * G_TIME_SPAN_MILLISECOND)
#define GREL_REDIS_MAX_DOUBLINGS 4

static void grel_redis_link_connect (GrelRedisLink *self);

static void
grel_redis_link_log (GrelRedisLink *self, const char *code, const char *message)
{
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "GREL_PRIMITIVE", "provider", "GREL_NAME",
                    "GrelRedisProvider", "GREL_CODE", code, "MESSAGE", "provider “%s”: %s",
                    "GrelRedisProvider", message);
}

/* All clients of a server lose it at the same moment, and must not come back at the same moment. */
static void
grel_redis_link_wait (GrelRedisLink *self)
{
  guint doublings = MIN (self->n_failures, GREL_REDIS_MAX_DOUBLINGS);
  gint64 longest = GREL_REDIS_BACKOFF << doublings;

  self->n_failures++;
  grel_redis_timer_set (self->timer,
                        g_get_monotonic_time () + g_random_double_range (0.0, 1.0) * longest);
}

static void
grel_redis_link_went_down (GrelRedisLink *self, const GError *error)
{
  if (self->is_up)
    grel_redis_link_log (self, "disconnected", error->message);
  self->is_up = FALSE;
  self->is_trying = FALSE;
  self->connection = NULL;
  g_free (self->fault);
  self->fault = g_strdup (error->message);
  grel_redis_link_wait (self);
  self->funcs->down (self->owner, error);
}

static void
grel_redis_link_opened (gpointer owner)
{
  GrelRedisLink *self = owner;

  grel_redis_timer_set (self->timer, -1);
  if (self->n_failures > 0)
    grel_redis_link_log (self, "connected", "is connected again");
  self->is_up = TRUE;
  self->is_trying = FALSE;
  self->n_failures = 0;
  g_clear_pointer (&self->fault, g_free);
  self->funcs->up (self->owner);
}

static void
grel_redis_link_received (gpointer owner, GrelRedisReply *reply)
{
  GrelRedisLink *self = owner;

  self->funcs->received (self->owner, reply);
}

static void
grel_redis_link_lost (gpointer owner, const GError *error)
{
  GrelRedisLink *self = owner;

  self->connection = NULL;
  if (self->is_trying && self->sentinels != NULL)
    grel_redis_sentinels_ask_others (self->sentinels, error);
  else
    grel_redis_link_went_down (self, error);
}

static const GrelRedisConnectionFuncs grel_redis_link_connection_funcs = {
  .opened = grel_redis_link_opened,
  .received = grel_redis_link_received,
  .lost = grel_redis_link_lost,
};

static void
grel_redis_link_connect_to (gpointer owner, const GrelRedisAddress *address)
{
  GrelRedisLink *self = owner;
  g_autoptr (GError) error = NULL;

  self->connection = grel_redis_connection_new (self->settings, address,
                                                &grel_redis_link_connection_funcs, self, &error);
  if (self->connection == NULL)
    grel_redis_link_went_down (self, error);
}

static void
grel_redis_link_not_found (gpointer owner, const GError *error)
{
  grel_redis_link_went_down (owner, error);
}

static const GrelRedisSentinelsFuncs grel_redis_link_sentinels_funcs = {
  .found = grel_redis_link_connect_to,
  .failed = grel_redis_link_not_found,
};

static void
grel_redis_link_connect (GrelRedisLink *self)
{
  self->is_trying = TRUE;
  grel_redis_timer_set (self->timer, g_get_monotonic_time () + self->settings->connect_timeout);
  if (self->sentinels != NULL)
    grel_redis_sentinels_ask (self->sentinels);
  else
    grel_redis_link_connect_to (self, self->address);
}

/* It took too long to connect, or it is time to try again. */
static void
grel_redis_link_timer_fired (gpointer data)
{
  GrelRedisLink *self = data;

  if (self->is_trying)
    grel_redis_link_drop (self, "no connection within %g s",
                          self->settings->connect_timeout / (double) G_TIME_SPAN_SECOND);
  else
    grel_redis_link_connect (self);
}

void
grel_redis_link_init (GrelRedisLink *self,
                      const GrelRedisSettings *settings,
                      const GrelRedisAddress *address,
                      const GrelRedisLinkFuncs *funcs,
                      gpointer owner)
{
  self->settings = settings;
  self->address = address;
  self->funcs = funcs;
  self->owner = owner;
}

void
grel_redis_link_start (GrelRedisLink *self)
{
  self->timer = grel_redis_timer_new (grel_redis_link_timer_fired, self);
  if (self->settings->topology == GREL_REDIS_SENTINEL)
    self->sentinels
      = grel_redis_sentinels_new (self->settings, &grel_redis_link_sentinels_funcs, self);
  grel_redis_timer_set (self->timer, 0);
}

void
grel_redis_link_stop (GrelRedisLink *self)
{
  self->is_up = FALSE;
  self->is_trying = FALSE;
  self->n_failures = 0;
  g_clear_pointer (&self->timer, grel_redis_timer_free);
  g_clear_pointer (&self->sentinels, grel_redis_sentinels_free);
  g_clear_pointer (&self->connection, grel_redis_connection_close);
  g_clear_pointer (&self->fault, g_free);
}

void
grel_redis_link_drop (GrelRedisLink *self, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  error = g_error_new_valist (GREL_ERROR, GREL_ERROR_BACKEND, format, args);
  va_end (args);

  g_clear_pointer (&self->connection, grel_redis_connection_abort);
  if (self->is_trying && self->sentinels != NULL)
    grel_redis_sentinels_stop (self->sentinels);
  grel_redis_link_went_down (self, error);
}

void
grel_redis_link_poll (GrelRedisLink *self)
{
  if (self->is_up)
    grel_redis_connection_poll (self->connection);
}

GByteArray *
grel_redis_link_get_output (GrelRedisLink *self)
{
  return grel_redis_connection_get_output (self->connection);
}
