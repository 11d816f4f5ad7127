/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/redis/grel-redis-lock-adapter-private.h>

#include <string.h>

G_DEFINE_FINAL_TYPE (GrelRedisLockAdapter, grel_redis_lock_adapter, GREL_TYPE_LOCK_BACKEND)

static GrelRedisSubscriber *
grel_redis_lock_adapter_get_subscriber (GrelRedisLockAdapter *self)
{
  return grel_redis_provider_get_subscriber (grel_redis_adapter_get_provider (self));
}

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

  grel_redis_subscriber_watch (grel_redis_lock_adapter_get_subscriber (self), channel,
                               grel_redis_lock_adapter_heard, self);
}

static void
grel_redis_lock_adapter_unwatch (GrelLockBackend *backend, const char *name)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (backend);
  g_autofree char *channel = g_strconcat (self->channels, name, NULL);

  grel_redis_subscriber_unwatch (grel_redis_lock_adapter_get_subscriber (self), channel, self);
}

static void
grel_redis_lock_adapter_close (GrelBackend *backend, GTask *task)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (backend);

  grel_redis_subscriber_leave (grel_redis_lock_adapter_get_subscriber (self), self);
  grel_redis_adapter_close (backend, task);
}

static void
grel_redis_lock_adapter_constructed (GObject *object)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (object);

  G_OBJECT_CLASS (grel_redis_lock_adapter_parent_class)->constructed (object);
  self->channels
    = g_strconcat (grel_redis_provider_get_prefix (grel_redis_adapter_get_provider (self)),
                   "released:", NULL);
  self->signature = g_uuid_string_random ();
}

static void
grel_redis_lock_adapter_finalize (GObject *object)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (object);

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

  grel_redis_adapter_class_init (backend_class);
  object_class->constructed = grel_redis_lock_adapter_constructed;
  object_class->finalize = grel_redis_lock_adapter_finalize;
  backend_class->close = grel_redis_lock_adapter_close;
  lock_class->acquire = grel_redis_lock_adapter_acquire;
  lock_class->extend = grel_redis_lock_adapter_extend;
  lock_class->release = grel_redis_lock_adapter_release;
  lock_class->is_locked = grel_redis_lock_adapter_is_locked;
  lock_class->is_owned = grel_redis_lock_adapter_is_owned;
  lock_class->watch = grel_redis_lock_adapter_watch;
  lock_class->unwatch = grel_redis_lock_adapter_unwatch;
}

static void
grel_redis_lock_adapter_init (GrelRedisLockAdapter *self)
{
}
