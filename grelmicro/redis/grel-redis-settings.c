/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/core/grel-uri-private.h>
#include <grelmicro/redis/grel-redis-settings-private.h>
#include <grelmicro/redis/grel-redis-slots-private.h>

#include <math.h>
#include <string.h>

#define GREL_REDIS_PORT 6379
#define GREL_REDIS_SENTINEL_PORT 26379
#define GREL_REDIS_CONNECT_TIMEOUT (2 * G_TIME_SPAN_SECOND)
#define GREL_REDIS_TIMEOUT (5 * G_TIME_SPAN_SECOND)
#define GREL_REDIS_MAX_SECONDS 9 /* the library gives a store 10 */
#define GREL_REDIS_MAX_PREFIX 200
#define GREL_REDIS_MAX_CLIENT_NAME 64
#define GREL_REDIS_MAX_SERVICE 200
#define GREL_REDIS_MAX_REPLICAS 100

/* Each knows whether it likes the value. */
typedef gboolean (*GrelRedisSetter) (GrelRedisSettings *self, const char *value);

static gboolean
grel_redis_settings_set_ca_file (GrelRedisSettings *self, const char *value)
{
  g_free (self->ca_file);
  self->ca_file = g_strdup (value);
  return self->uses_tls && g_path_is_absolute (value);
}

static gboolean
grel_redis_settings_set_client_name (GrelRedisSettings *self, const char *value)
{
  gsize length = strlen (value);

  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isgraph (value[i]))
      return FALSE;
  g_free (self->client_name);
  self->client_name = g_strdup (value);
  return length > 0 && length <= GREL_REDIS_MAX_CLIENT_NAME;
}

static gboolean
grel_redis_settings_parse_number (const char *value, guint max, guint *number)
{
  guint64 parsed;

  if (!g_ascii_string_to_unsigned (value, 10, 0, max, &parsed, NULL))
    return FALSE;
  *number = parsed;
  return TRUE;
}

static gboolean
grel_redis_settings_set_database (GrelRedisSettings *self, const char *value)
{
  guint max = self->topology == GREL_REDIS_CLUSTER ? 0 : G_MAXUINT16;

  return grel_redis_settings_parse_number (value, max, &self->database);
}

static gboolean
grel_redis_settings_set_min_replicas (GrelRedisSettings *self, const char *value)
{
  return grel_redis_settings_parse_number (value, GREL_REDIS_MAX_REPLICAS, &self->min_replicas);
}

static gboolean
grel_redis_settings_set_prefix (GrelRedisSettings *self, const char *value)
{
  for (const char *c = value; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      return FALSE;
  g_free (self->prefix);
  self->prefix = g_strdup (value);
  return strlen (value) <= GREL_REDIS_MAX_PREFIX && g_utf8_validate (value, -1, NULL);
}

static gboolean
grel_redis_settings_set_sentinel_password (GrelRedisSettings *self, const char *value)
{
  g_free (self->sentinel_password);
  self->sentinel_password = g_strdup (value);
  return self->topology == GREL_REDIS_SENTINEL && *value != '\0';
}

static gboolean
grel_redis_settings_set_sentinel_user (GrelRedisSettings *self, const char *value)
{
  g_free (self->sentinel_user);
  self->sentinel_user = g_strdup (value);
  return self->topology == GREL_REDIS_SENTINEL && *value != '\0';
}

static gboolean
grel_redis_settings_parse_seconds (const char *value, GTimeSpan *span)
{
  char *end;
  double seconds = g_ascii_strtod (value, &end);

  /* Without an exponent, a sign, or a name of a number. */
  if (*value == '\0' || *end != '\0' || value[strspn (value, "0123456789.")] != '\0')
    return FALSE;

  *span = lround (MIN (seconds, 1000) * G_TIME_SPAN_SECOND);
  return *span >= G_TIME_SPAN_MILLISECOND && *span <= GREL_REDIS_MAX_SECONDS * G_TIME_SPAN_SECOND;
}

static gboolean
grel_redis_settings_set_connect_timeout (GrelRedisSettings *self, const char *value)
{
  return grel_redis_settings_parse_seconds (value, &self->connect_timeout);
}

static gboolean
grel_redis_settings_set_timeout (GrelRedisSettings *self, const char *value)
{
  return grel_redis_settings_parse_seconds (value, &self->timeout);
}

#define GREL_REDIS_SECONDS_RULE "must be seconds, at least 0.001 and at most 9"
#define GREL_REDIS_HOST_RULE "must be there, as in redis://host:6379/0"
#define GREL_REDIS_SENTINEL_RULE "must not be empty, and goes with redis+sentinel: or its like"
#define GREL_REDIS_DATABASE 3 /* the path says it as well */

static const struct
{
  const char *name;
  GrelRedisSetter set;
  const char *rule;
} grel_redis_parameters[] = {
  { "ca_file", grel_redis_settings_set_ca_file,
    "must be the absolute path of a file of certificates, with rediss: or another scheme of TLS" },
  { "client_name", grel_redis_settings_set_client_name,
    "must be 1 to 64 printable ASCII characters, none of them a space" },
  { "connect_timeout", grel_redis_settings_set_connect_timeout, GREL_REDIS_SECONDS_RULE },
  { "db", grel_redis_settings_set_database,
    "must be a number from 0 to 65535; a cluster has database 0 only" },
  { "min_replicas", grel_redis_settings_set_min_replicas, "must be a number from 0 to 100" },
  { "prefix", grel_redis_settings_set_prefix,
    "must be at most 200 bytes of UTF-8 without control characters" },
  { "sentinel_password", grel_redis_settings_set_sentinel_password, GREL_REDIS_SENTINEL_RULE },
  { "sentinel_user", grel_redis_settings_set_sentinel_user, GREL_REDIS_SENTINEL_RULE },
  { "timeout", grel_redis_settings_set_timeout, GREL_REDIS_SECONDS_RULE },
};

G_STATIC_ASSERT (G_N_ELEMENTS (grel_redis_parameters) == 9);

static gboolean
grel_redis_settings_refuse (GError **error, const char *field, const char *rule)
{
  g_set_error (error, GREL_ERROR, GREL_ERROR_SETTINGS, "uri: %s%s%s", field != NULL ? field : "",
               field != NULL ? ": " : "", rule);
  return FALSE;
}

/* given has a bit for each parameter that was there already. */
static gboolean
grel_redis_settings_set (GrelRedisSettings *self,
                         guint i,
                         const char *value,
                         guint *given,
                         GError **error)
{
  const char *name = grel_redis_parameters[i].name;

  if (*given & 1 << i)
    return grel_redis_settings_refuse (error, name, "is given twice");

  *given |= 1 << i;
  return grel_redis_parameters[i].set (self, value)
         || grel_redis_settings_refuse (error, name, grel_redis_parameters[i].rule);
}

static gboolean
grel_redis_settings_set_named (GrelRedisSettings *self,
                               const char *name,
                               const char *value,
                               guint *given,
                               GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (grel_redis_parameters); i++)
    if (g_str_equal (name, grel_redis_parameters[i].name))
      return grel_redis_settings_set (self, i, value, given, error);

  return grel_redis_settings_refuse (error, NULL,
                                     "has a parameter that is not known; there are ca_file, "
                                     "client_name, connect_timeout, db, min_replicas, prefix, "
                                     "sentinel_password, sentinel_user and timeout");
}

static gboolean
grel_redis_settings_set_query (GrelRedisSettings *self, GUri *uri, guint *given, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  const char *query = g_uri_get_query (uri);
  GUriParamsIter iter;
  char *name, *value;

  g_uri_params_iter_init (&iter, query != NULL ? query : "", -1, "&", G_URI_PARAMS_NONE);
  while (g_uri_params_iter_next (&iter, &name, &value, &local_error))
    {
      gboolean is_set = grel_redis_settings_set_named (self, name, value, given, error);

      g_free (name);
      g_free (value);
      if (!is_set)
        return FALSE;
    }
  if (local_error != NULL)
    return grel_redis_settings_refuse (error, NULL, "has parameters that are not name=value");
  return TRUE;
}

static gboolean
grel_redis_settings_set_credentials (GrelRedisSettings *self, GUri *uri, GError **error)
{
  const char *user = g_uri_get_user (uri);
  const char *password = g_uri_get_password (uri);

  if (user == NULL && password == NULL)
    return TRUE;
  if (password == NULL || *password == '\0')
    return grel_redis_settings_refuse (error, "password",
                                       "is missing; it goes between a colon and the @, as in "
                                       "redis://user:password@host");

  self->user = user != NULL && *user != '\0' ? g_strdup (user) : NULL;
  self->password = g_strdup (password);
  return TRUE;
}

static const char grel_redis_settings_uri_rule[]
  = "is not a valid URI; what is special in a password, as / or @, has to be written as in %2F or "
    "%40";

/* The messages of GUri may repeat what was given, so they aren't used. */
static GUri *
grel_redis_settings_parse_part (const char *text, GError **error)
{
  GUri *uri
    = g_uri_parse (text, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_NON_DNS | G_URI_FLAGS_ENCODED_QUERY,
                   NULL);

  if (uri == NULL)
    grel_redis_settings_refuse (error, NULL, grel_redis_settings_uri_rule);
  return uri;
}

static gboolean
grel_redis_settings_add_host (GrelRedisSettings *self, const char *text, GError **error)
{
  g_autofree char *part = g_strconcat ("redis://", text, NULL);
  g_autoptr (GUri) uri = grel_redis_settings_parse_part (part, error);
  guint16 port = self->topology == GREL_REDIS_SENTINEL ? GREL_REDIS_SENTINEL_PORT : GREL_REDIS_PORT;

  if (uri == NULL)
    return FALSE;
  if (g_uri_get_userinfo (uri) != NULL)
    return grel_redis_settings_refuse (error, NULL, grel_redis_settings_uri_rule);
  if (g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    return grel_redis_settings_refuse (error, "host", GREL_REDIS_HOST_RULE);
  if (g_uri_get_port (uri) == 0)
    return grel_redis_settings_refuse (error, "port", "must be a number from 1 to 65535");

  if (g_uri_get_port (uri) > 0)
    port = g_uri_get_port (uri);
  g_ptr_array_add (self->addresses, grel_redis_address_new (g_uri_get_host (uri), port));
  return TRUE;
}

static gboolean
grel_redis_settings_set_hosts (GrelRedisSettings *self, const char *hosts, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (hosts != NULL ? hosts : "", ",", -1);

  if (*parts == NULL)
    return grel_redis_settings_refuse (error, "host", GREL_REDIS_HOST_RULE);
  if (self->topology == GREL_REDIS_STANDALONE && parts[1] != NULL)
    return grel_redis_settings_refuse (error, "host",
                                       "must be one; several go with redis+sentinel:, "
                                       "redis+cluster: or their like");

  for (guint i = 0; parts[i] != NULL; i++)
    if (!grel_redis_settings_add_host (self, parts[i], error))
      return FALSE;
  return TRUE;
}

/* /service, or /service/db; the rest is what follows the service. */
static gboolean
grel_redis_settings_set_service (GrelRedisSettings *self, const char **rest, GError **error)
{
  const char *name = *rest + (**rest == '/');
  gsize length = strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-");

  if (length == 0 || length > GREL_REDIS_MAX_SERVICE
      || (name[length] != '\0' && name[length] != '/'))
    return grel_redis_settings_refuse (error, "service",
                                       "must be 1 to 200 letters, digits, dots, dashes and "
                                       "underscores, as in redis+sentinel://host:26379/service/0");

  self->service = g_strndup (name, length);
  *rest = name + length;
  return TRUE;
}

static gboolean
grel_redis_settings_set_host_path (GrelRedisSettings *self, GUri *uri, guint *given, GError **error)
{
  const char *path = g_uri_get_path (uri);

  if (self->topology == GREL_REDIS_SENTINEL
      && !grel_redis_settings_set_service (self, &path, error))
    return FALSE;

  return *path == '\0' || g_str_equal (path, "/")
         || grel_redis_settings_set (self, GREL_REDIS_DATABASE, path + 1, given, error);
}

static gboolean
grel_redis_settings_set_path (GrelRedisSettings *self, GUri *uri, GError **error)
{
  const char *host = g_uri_get_host (uri);
  const char *path = g_uri_get_path (uri);

  if (host != NULL && *host != '\0')
    return grel_redis_settings_refuse (error, "host",
                                       "must not be there for a unix socket, as in "
                                       "redis+unix:///run/redis.sock");
  if (!g_path_is_absolute (path) || g_str_has_suffix (path, "/"))
    return grel_redis_settings_refuse (error, "path", "must be the absolute path of a unix socket");

  g_ptr_array_add (self->addresses, grel_redis_address_new_unix (path));
  return TRUE;
}

static GUri *
grel_redis_settings_parse (const char *text, char **hosts, GError **error)
{
  g_autofree char *single = grel_uri_take_hosts (text, hosts);
  g_autoptr (GUri) uri = grel_redis_settings_parse_part (single, error);

  if (uri == NULL)
    return NULL;
  if (g_uri_get_fragment (uri) == NULL)
    return g_steal_pointer (&uri);

  grel_redis_settings_refuse (error, NULL,
                              "must not have a fragment; a # in a password is written %23");
  return NULL;
}

static const struct
{
  const char *name;
  gboolean is_path;
  gboolean uses_tls;
  GrelRedisTopology topology;
} grel_redis_schemes[] = {
  { "redis", FALSE, FALSE, GREL_REDIS_STANDALONE },
  { "rediss", FALSE, TRUE, GREL_REDIS_STANDALONE },
  { "redis+unix", TRUE, FALSE, GREL_REDIS_STANDALONE },
  { "redis+sentinel", FALSE, FALSE, GREL_REDIS_SENTINEL },
  { "rediss+sentinel", FALSE, TRUE, GREL_REDIS_SENTINEL },
  { "redis+cluster", FALSE, FALSE, GREL_REDIS_CLUSTER },
  { "rediss+cluster", FALSE, TRUE, GREL_REDIS_CLUSTER },
  { "valkey", FALSE, FALSE, GREL_REDIS_STANDALONE },
  { "valkeys", FALSE, TRUE, GREL_REDIS_STANDALONE },
  { "valkey+unix", TRUE, FALSE, GREL_REDIS_STANDALONE },
  { "valkey+sentinel", FALSE, FALSE, GREL_REDIS_SENTINEL },
  { "valkeys+sentinel", FALSE, TRUE, GREL_REDIS_SENTINEL },
  { "valkey+cluster", FALSE, FALSE, GREL_REDIS_CLUSTER },
  { "valkeys+cluster", FALSE, TRUE, GREL_REDIS_CLUSTER },
};

static gboolean
grel_redis_settings_is_without_host (GUri *uri)
{
  const char *host = g_uri_get_host (uri);

  return (host == NULL || *host == '\0') && *g_uri_get_path (uri) == '\0'
         && g_uri_get_userinfo (uri) == NULL && g_uri_get_port (uri) < 0;
}

/* Everything but the parameters. */
static gboolean
grel_redis_settings_set_place (GrelRedisSettings *self,
                               GUri *uri,
                               const char *hosts,
                               guint *given,
                               GError **error)
{
  const char *scheme = g_uri_get_scheme (uri);
  guint i = 0;

  while (i < G_N_ELEMENTS (grel_redis_schemes) && !g_str_equal (scheme, grel_redis_schemes[i].name))
    i++;
  if (i == G_N_ELEMENTS (grel_redis_schemes))
    return grel_redis_settings_refuse (error, NULL, "must begin with redis: or valkey:");

  self->uses_tls = grel_redis_schemes[i].uses_tls;
  self->topology = grel_redis_schemes[i].topology;
  if (!grel_redis_settings_set_credentials (self, uri, error))
    return FALSE;
  if (grel_redis_schemes[i].is_path)
    return grel_redis_settings_set_path (self, uri, error);
  return grel_redis_settings_set_hosts (self, hosts, error)
         && grel_redis_settings_set_host_path (self, uri, given, error);
}

/* Without a host the environment says where the server is, and the parameters go on top. */
static gboolean
grel_redis_settings_set_environment (GrelRedisSettings *self, GError **error)
{
  const char *text = g_getenv ("REDIS_URL");
  g_autoptr (GUri) uri = NULL;
  g_autofree char *hosts = NULL;
  guint given = 0;

  if (text == NULL || *text == '\0')
    return grel_redis_settings_refuse (error, "host",
                                       "must be there, as in redis://host:6379/0, or in the "
                                       "environment variable REDIS_URL");

  uri = grel_redis_settings_parse (text, &hosts, error);
  if (uri != NULL && grel_redis_settings_set_place (self, uri, hosts, &given, error)
      && grel_redis_settings_set_query (self, uri, &given, error))
    return TRUE;

  g_prefix_error (error, "REDIS_URL: ");
  return FALSE;
}

static gboolean
grel_redis_settings_set_uri (GrelRedisSettings *self, const char *text, GError **error)
{
  g_autofree char *hosts = NULL;
  g_autoptr (GUri) uri = grel_redis_settings_parse (text, &hosts, error);
  gboolean has_place;
  guint given = 0;

  if (uri == NULL)
    return FALSE;

  if (grel_redis_settings_is_without_host (uri) && strchr (g_uri_get_scheme (uri), '+') == NULL)
    has_place = grel_redis_settings_set_environment (self, error);
  else
    has_place = grel_redis_settings_set_place (self, uri, hosts, &given, error);
  return has_place && grel_redis_settings_set_query (self, uri, &given, error);
}

/* All keys of a name have to be on one node of a cluster. */
static gboolean
grel_redis_settings_check_prefix (GrelRedisSettings *self, GError **error)
{
  gboolean has_tag;

  if (self->topology != GREL_REDIS_CLUSTER)
    return TRUE;
  if (!grel_redis_slots_check_prefix (self->prefix, &has_tag))
    return grel_redis_settings_refuse (error, "prefix",
                                       "must have a whole hash tag in it for a cluster, as in "
                                       "prefix={shop}:, or no { at all and no } at its start");

  self->tags_names = !has_tag;
  return TRUE;
}

static gboolean
grel_redis_settings_check (GrelRedisSettings *self, GError **error)
{
  if (self->sentinel_user != NULL && self->sentinel_password == NULL)
    return grel_redis_settings_refuse (error, "sentinel_password",
                                       "is missing; there is a sentinel_user");
  return grel_redis_settings_check_prefix (self, error);
}

GrelRedisSettings *
grel_redis_settings_new (const char *uri, GError **error)
{
  g_autoptr (GrelRedisSettings) self = g_new0 (GrelRedisSettings, 1);

  self->connect_timeout = GREL_REDIS_CONNECT_TIMEOUT;
  self->timeout = GREL_REDIS_TIMEOUT;
  self->prefix = g_strdup ("");
  self->addresses = g_ptr_array_new_with_free_func ((GDestroyNotify) grel_redis_address_free);
  if (!grel_redis_settings_set_uri (self, uri, error) || !grel_redis_settings_check (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

GrelRedisSettings *
grel_redis_settings_new_for_sentinels (const GrelRedisSettings *self)
{
  GrelRedisSettings *copy = g_new0 (GrelRedisSettings, 1);

  copy->uses_tls = self->uses_tls;
  copy->ca_file = g_strdup (self->ca_file);
  copy->user = g_strdup (self->sentinel_user);
  copy->password = g_strdup (self->sentinel_password);
  copy->client_name = g_strdup (self->client_name);
  return copy;
}

void
grel_redis_settings_free (GrelRedisSettings *self)
{
  g_clear_pointer (&self->addresses, g_ptr_array_unref);
  g_free (self->service);
  g_free (self->ca_file);
  g_free (self->user);
  g_free (self->password);
  g_free (self->sentinel_user);
  g_free (self->sentinel_password);
  g_free (self->prefix);
  g_free (self->client_name);
  g_free (self);
}
