/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>
#include <grelmicro/redis/grel-redis-address-private.h>

G_BEGIN_DECLS

/* Whose the addresses are: the server's, those of sentinels who know it, or of nodes of a cluster.
 */
typedef enum
{
  GREL_REDIS_STANDALONE,
  GREL_REDIS_SENTINEL,
  GREL_REDIS_CLUSTER
} GrelRedisTopology;

/* What a URI says. */
typedef struct
{
  GrelRedisTopology topology;
  GPtrArray *addresses; /* (element-type GrelRedisAddress): one, or more if it isn't one server */
  char *service;        /* what the sentinels call it; NULL without them */
  gboolean uses_tls;
  char *ca_file;           /* nullable: the certificates of the system */
  char *user;              /* nullable */
  char *password;          /* nullable */
  char *sentinel_user;     /* nullable: as the next, never that of the server */
  char *sentinel_password; /* nullable */
  guint database;
  guint min_replicas; /* that have to have what is granted */
  GTimeSpan connect_timeout;
  GTimeSpan timeout;   /* of a command */
  char *prefix;        /* of all keys */
  gboolean tags_names; /* the name is the hash tag of its keys, since the prefix has none */
  char *client_name;   /* nullable */
} GrelRedisSettings;

/* Sets GREL_ERROR_SETTINGS, which never repeats what was given. */
GrelRedisSettings *grel_redis_settings_new (const char *uri, GError **error);

/* For connections to the sentinels themselves, as to single servers. */
GrelRedisSettings *grel_redis_settings_new_for_sentinels (const GrelRedisSettings *self);

void grel_redis_settings_free (GrelRedisSettings *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisSettings, grel_redis_settings_free)

G_END_DECLS
