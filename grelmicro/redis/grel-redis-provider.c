/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/redis/grel-redis-cache-adapter-private.h>
#include <grelmicro/redis/grel-redis-circuit-breaker-adapter-private.h>
#include <grelmicro/redis/grel-redis-lock-adapter-private.h>

struct _GrelRedisProvider
{
  GrelProvider parent_instance;

  GrelRedisServers *servers;
  GrelRedisSubscriber *subscriber;
};

static void grel_redis_provider_iface_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (GrelRedisProvider,
                               grel_redis_provider,
                               GREL_TYPE_PROVIDER,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                      grel_redis_provider_iface_init))

static gboolean
grel_redis_provider_init_uri (GInitable *initable, GCancellable *cancellable, GError **error)
{
  GrelRedisProvider *self = GREL_REDIS_PROVIDER (initable);
  const char *uri = grel_provider_get_secret_uri (GREL_PROVIDER (self));
  GrelRedisSettings *settings = grel_redis_settings_new (uri != NULL ? uri : "redis:", error);

  if (settings == NULL)
    return FALSE;

  self->servers = grel_redis_servers_new (settings);
  self->subscriber = grel_redis_subscriber_new (self->servers);
  return TRUE;
}

static void
grel_redis_provider_iface_init (GInitableIface *iface)
{
  iface->init = grel_redis_provider_init_uri;
}

static void
grel_redis_provider_open (GrelProvider *provider, GTask *task)
{
  grel_redis_servers_open (GREL_REDIS_PROVIDER (provider)->servers, task);
}

static void
grel_redis_provider_close (GrelProvider *provider, GTask *task)
{
  grel_redis_servers_close (GREL_REDIS_PROVIDER (provider)->servers);
  g_task_return_boolean (task, TRUE);
}

static void
grel_redis_provider_checked (GrelRedisCommand *command, const GrelRedisReply *reply, GError *error)
{
  if (error == NULL)
    grel_redis_reply_check (reply, &error);
  if (error != NULL)
    g_task_return_error (command->task, error);
  else
    g_task_return_boolean (command->task, TRUE);
}

static void
grel_redis_provider_check (GrelProvider *provider, GTask *task)
{
  GrelRedisCommand *command = grel_redis_command_new (task, grel_redis_provider_checked);

  grel_redis_command_add (command, "PING");
  command->is_repeatable = TRUE;
  grel_redis_servers_send (GREL_REDIS_PROVIDER (provider)->servers, command);
}

static void
grel_redis_provider_finalize (GObject *object)
{
  GrelRedisProvider *self = GREL_REDIS_PROVIDER (object);

  g_clear_pointer (&self->subscriber, grel_redis_subscriber_free);
  g_clear_pointer (&self->servers, grel_redis_servers_unref);

  G_OBJECT_CLASS (grel_redis_provider_parent_class)->finalize (object);
}

static void
grel_redis_provider_class_init (GrelRedisProviderClass *klass)
{
  GrelProviderClass *provider_class = GREL_PROVIDER_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = grel_redis_provider_finalize;
  provider_class->open = grel_redis_provider_open;
  provider_class->close = grel_redis_provider_close;
  provider_class->check = grel_redis_provider_check;

  grel_provider_class_add_backend (provider_class, GREL_TYPE_LOCK_BACKEND,
                                   GREL_TYPE_REDIS_LOCK_ADAPTER);
  grel_provider_class_add_backend (provider_class, GREL_TYPE_CIRCUIT_BREAKER_BACKEND,
                                   GREL_TYPE_REDIS_CIRCUIT_BREAKER_ADAPTER);
  grel_provider_class_add_backend (provider_class, GREL_TYPE_CACHE_BACKEND,
                                   GREL_TYPE_REDIS_CACHE_ADAPTER);
}

static void
grel_redis_provider_init (GrelRedisProvider *self)
{
}

GrelRedisServers *
grel_redis_provider_get_servers (GrelRedisProvider *self)
{
  return self->servers;
}

GrelRedisSubscriber *
grel_redis_provider_get_subscriber (GrelRedisProvider *self)
{
  return self->subscriber;
}

const char *
grel_redis_provider_get_prefix (GrelRedisProvider *self)
{
  return grel_redis_servers_get_settings (self->servers)->prefix;
}

/* The one symbol that the library looks for. */
GType
grel_provider_module_query (const char *scheme)
{
  return GREL_TYPE_REDIS_PROVIDER;
}
