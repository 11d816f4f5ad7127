/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/redis/grel-redis-adapter-private.h>

enum
{
  PROP_PROVIDER = 1
};

static GQuark grel_redis_adapter_provider_quark (void);
G_DEFINE_QUARK (grel - redis - adapter - provider, grel_redis_adapter_provider)

GrelRedisProvider *
grel_redis_adapter_get_provider (gpointer adapter)
{
  return g_object_get_qdata (adapter, grel_redis_adapter_provider_quark ());
}

static GrelRedisServers *
grel_redis_adapter_get_servers (gpointer adapter)
{
  return grel_redis_provider_get_servers (grel_redis_adapter_get_provider (adapter));
}

void
grel_redis_adapter_add_key (gpointer adapter,
                            GrelRedisCommand *command,
                            const char *kind,
                            const char *name)
{
  const GrelRedisSettings *settings
    = grel_redis_servers_get_settings (grel_redis_adapter_get_servers (adapter));
  g_autofree char *key = settings->tags_names
                           ? g_strconcat (settings->prefix, kind, "{", name, "}", NULL)
                           : g_strconcat (settings->prefix, kind, name, NULL);

  grel_redis_command_add_key (command, key);
}

void
grel_redis_adapter_add_common_key (gpointer adapter,
                                   GrelRedisCommand *command,
                                   const char *topic,
                                   const char *kind,
                                   const char *name)
{
  const GrelRedisSettings *settings
    = grel_redis_servers_get_settings (grel_redis_adapter_get_servers (adapter));
  const char *prefix = settings->prefix;
  g_autofree char *key = settings->tags_names
                           ? g_strconcat (prefix, "{", prefix, topic, "}", kind, name, NULL)
                           : g_strconcat (prefix, kind, name, NULL);

  grel_redis_command_add_key (command, key);
}

void
grel_redis_adapter_send (gpointer adapter, GrelRedisCommand *command)
{
  grel_redis_servers_send (grel_redis_adapter_get_servers (adapter), command);
}

void
grel_redis_adapter_amend (gpointer adapter, GrelRedisCommand *command, GTimeSpan makes_sense)
{
  grel_redis_servers_amend (grel_redis_adapter_get_servers (adapter), command, makes_sense);
}

void
grel_redis_adapter_return_boolean (GrelRedisCommand *command,
                                   const GrelRedisReply *reply,
                                   GError *error)
{
  gint64 value = 0;

  if (error == NULL)
    grel_redis_reply_get_integer (reply, &value, &error);
  if (error != NULL)
    g_task_return_error (command->task, error);
  else
    g_task_return_boolean (command->task, value != 0);
}

static GrelScope
grel_redis_adapter_get_scope (GrelBackend *backend)
{
  return GREL_SCOPE_CLUSTER;
}

static void
grel_redis_adapter_open (GrelBackend *backend, GTask *task)
{
  grel_redis_servers_open (grel_redis_adapter_get_servers (backend), task);
}

void
grel_redis_adapter_close (GrelBackend *backend, GTask *task)
{
  grel_redis_servers_close (grel_redis_adapter_get_servers (backend));
  g_task_return_boolean (task, TRUE);
}

static void
grel_redis_adapter_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_PROVIDER)
    g_object_set_qdata_full (object, grel_redis_adapter_provider_quark (),
                             g_value_dup_object (value), g_object_unref);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

void
grel_redis_adapter_class_init (GrelBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = grel_redis_adapter_set_property;
  klass->get_scope = grel_redis_adapter_get_scope;
  klass->open = grel_redis_adapter_open;
  klass->close = grel_redis_adapter_close;

  g_object_class_install_property (object_class, PROP_PROVIDER,
                                   g_param_spec_object ("provider", NULL, NULL,
                                                        GREL_TYPE_REDIS_PROVIDER,
                                                        G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY
                                                          | G_PARAM_STATIC_STRINGS));
}
