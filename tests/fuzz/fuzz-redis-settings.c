/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/grelmicro.h>
#include <grelmicro/redis/grel-redis-settings-private.h>

#include "fuzz.h"

#include <string.h>

static void
assert_address (const GrelRedisAddress *address)
{
  g_assert_true ((address->host != NULL) != (address->path != NULL));
  g_assert_true (address->host == NULL || *address->host != '\0');
  g_assert_true (address->host == NULL || address->port != 0);
}

static void
assert_topology (const GrelRedisSettings *settings)
{
  gboolean has_sentinels = settings->topology == GREL_REDIS_SENTINEL;

  g_assert_cmpuint (settings->addresses->len, >, 0);
  for (guint i = 0; i < settings->addresses->len; i++)
    assert_address (g_ptr_array_index (settings->addresses, i));
  if (settings->topology == GREL_REDIS_STANDALONE)
    g_assert_cmpuint (settings->addresses->len, ==, 1);
  if (settings->topology == GREL_REDIS_CLUSTER)
    g_assert_cmpuint (settings->database, ==, 0);
  g_assert_true ((settings->service != NULL) == has_sentinels);
  g_assert_true (settings->sentinel_password == NULL || has_sentinels);
  g_assert_true (settings->sentinel_user == NULL || settings->sentinel_password != NULL);
  g_assert_cmpuint (settings->min_replicas, <=, 100);
}

/* A URI is accepted, with settings that make sense, or refused. */

const char *const fuzz_seeds[] = {
  "redis://user:p%40ss@example.org:6379/1?timeout=0.5&prefix=shop%3A",
  "rediss://:pass@[::1]:1/0?ca_file=/etc/ca.crt&connect_timeout=9",
  "redis+unix://user:pass@/run/redis.sock?db=1&client_name=web-1",
  "redis+sentinel://user:pass@one:1,[::1]:2,two/service/1?sentinel_user=a&sentinel_password=b",
  "rediss+sentinel://one/service?min_replicas=1&timeout=1",
  "redis+cluster://:pass@one,two:1,[::1]/0?min_replicas=2",
  "valkeys+cluster://one",
  "valkey:",
  "valkeys://host",
  NULL,
};

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *uri = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelRedisSettings) settings = grel_redis_settings_new (uri, &error);

  if (settings == NULL)
    {
      g_assert_error (error, GREL_ERROR, GREL_ERROR_SETTINGS);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return 0;
    }

  g_assert_no_error (error);
  assert_topology (settings);
  g_assert_cmpint (settings->timeout, >, 0);
  g_assert_cmpint (settings->timeout, <=, 9 * G_TIME_SPAN_SECOND);
  g_assert_cmpint (settings->connect_timeout, >, 0);
  g_assert_cmpint (settings->connect_timeout, <=, 9 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (strlen (settings->prefix), <=, 200);
  g_assert_true (settings->user == NULL || settings->password != NULL);
  return 0;
}
