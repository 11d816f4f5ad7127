/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/redis/grel-redis-lock-adapter-private.h>

#include <string.h>

G_DEFINE_FINAL_TYPE (GrelRedisLockAdapter, grel_redis_lock_adapter, GREL_TYPE_LOCK_BACKEND)

enum
{
  PROP_PROVIDER = 1
};

/* The library itself tells of releases by this process. */
static void
grel_redis_lock_adapter_heard (gpointer listener, const char *channel, const char *message)
{
  GrelRedisLockAdapter *self = listener;

  if (g_str_has_prefix (channel, self->channels) && g_strcmp0 (message, self->signature) != 0)
    grel_lock_backend_notify_released (GREL_LOCK_BACKEND (self), channel + strlen (self->channels));
}

static void
grel_redis_lock_adapter_watch (GrelLockBackend *backend, const char *name)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (backend);
  g_autofree char *channel = g_strconcat (self->channels, name, NULL);

  grel_redis_subscriber_watch (grel_redis_provider_get_subscriber (self->provider), channel,
                               grel_redis_lock_adapter_heard, self);
}

static void
grel_redis_lock_adapter_unwatch (GrelLockBackend *backend, const char *name)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (backend);
  g_autofree char *channel = g_strconcat (self->channels, name, NULL);

  grel_redis_subscriber_unwatch (grel_redis_provider_get_subscriber (self->provider), channel,
                                 self);
}

static GrelScope
grel_redis_lock_adapter_get_scope (GrelBackend *backend)
{
  return GREL_SCOPE_CLUSTER;
}

static void
grel_redis_lock_adapter_open (GrelBackend *backend, GTask *task)
{
  grel_redis_client_open (GREL_REDIS_LOCK_ADAPTER (backend)->client, task);
}

static void
grel_redis_lock_adapter_close (GrelBackend *backend, GTask *task)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (backend);

  grel_redis_subscriber_leave (grel_redis_provider_get_subscriber (self->provider), self);
  grel_redis_client_close (self->client);
  g_task_return_boolean (task, TRUE);
}

static void
grel_redis_lock_adapter_set_property (GObject *object,
                                      guint id,
                                      const GValue *value,
                                      GParamSpec *pspec)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (object);

  if (id != PROP_PROVIDER)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }

  self->provider = g_value_dup_object (value);
  self->client = grel_redis_provider_get_client (self->provider);
  self->prefix = grel_redis_provider_get_prefix (self->provider);
  self->channels = g_strconcat (self->prefix, "released:", NULL);
  self->signature = g_uuid_string_random ();
}

static void
grel_redis_lock_adapter_finalize (GObject *object)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (object);

  g_clear_object (&self->provider);
  g_free (self->channels);
  g_free (self->signature);

  G_OBJECT_CLASS (grel_redis_lock_adapter_parent_class)->finalize (object);
}

static void
grel_redis_lock_adapter_class_init (GrelRedisLockAdapterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GrelBackendClass *backend_class = GREL_BACKEND_CLASS (klass);
  GrelLockBackendClass *lock_class = GREL_LOCK_BACKEND_CLASS (klass);

  object_class->set_property = grel_redis_lock_adapter_set_property;
  object_class->finalize = grel_redis_lock_adapter_finalize;
  backend_class->get_scope = grel_redis_lock_adapter_get_scope;
  backend_class->open = grel_redis_lock_adapter_open;
  backend_class->close = grel_redis_lock_adapter_close;
  lock_class->acquire = grel_redis_lock_adapter_acquire;
  lock_class->extend = grel_redis_lock_adapter_extend;
  lock_class->release = grel_redis_lock_adapter_release;
  lock_class->is_locked = grel_redis_lock_adapter_is_locked;
  lock_class->is_owned = grel_redis_lock_adapter_is_owned;
  lock_class->watch = grel_redis_lock_adapter_watch;
  lock_class->unwatch = grel_redis_lock_adapter_unwatch;

  g_object_class_install_property (object_class, PROP_PROVIDER, grel_redis_provider_param_spec ());
}

static void
grel_redis_lock_adapter_init (GrelRedisLockAdapter *self)
{
}
