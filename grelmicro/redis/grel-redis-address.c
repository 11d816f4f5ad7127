/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/redis/grel-redis-address-private.h>

GrelRedisAddress *
grel_redis_address_new (const char *host, guint16 port)
{
  GrelRedisAddress *self = g_new0 (GrelRedisAddress, 1);

  self->host = g_strdup (host);
  self->port = port;
  return self;
}

GrelRedisAddress *
grel_redis_address_new_unix (const char *path)
{
  GrelRedisAddress *self = g_new0 (GrelRedisAddress, 1);

  self->path = g_strdup (path);
  return self;
}

GrelRedisAddress *
grel_redis_address_copy (const GrelRedisAddress *self)
{
  GrelRedisAddress *copy = grel_redis_address_new (self->host, self->port);

  copy->path = g_strdup (self->path);
  return copy;
}

void
grel_redis_address_free (GrelRedisAddress *self)
{
  g_free (self->host);
  g_free (self->path);
  g_free (self);
}
