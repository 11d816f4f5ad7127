/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Where a server listens. */
typedef struct
{
  char *host; /* NULL: on a unix socket */
  guint16 port;
  char *path; /* of the unix socket */
} GrelRedisAddress;

GrelRedisAddress *grel_redis_address_new (const char *host, guint16 port);

GrelRedisAddress *grel_redis_address_new_unix (const char *path);

GrelRedisAddress *grel_redis_address_copy (const GrelRedisAddress *self);

void grel_redis_address_free (GrelRedisAddress *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisAddress, grel_redis_address_free)

G_END_DECLS
