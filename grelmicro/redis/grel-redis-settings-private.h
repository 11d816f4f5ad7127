/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

/* What a URI says. */
typedef struct
{
  char *host; /* NULL: a unix socket */
  guint16 port;
  char *path; /* of the unix socket */
  gboolean uses_tls;
  char *ca_file;  /* nullable: the certificates of the system */
  char *user;     /* nullable */
  char *password; /* nullable */
  guint database;
  GTimeSpan connect_timeout;
  GTimeSpan timeout; /* of a command */
  char *prefix;      /* of all keys */
  char *client_name; /* nullable */
} GrelRedisSettings;

/* Sets GREL_ERROR_SETTINGS, which never repeats what was given. */
GrelRedisSettings *grel_redis_settings_new (const char *uri, GError **error);

void grel_redis_settings_free (GrelRedisSettings *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisSettings, grel_redis_settings_free)

G_END_DECLS
