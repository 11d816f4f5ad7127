/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/grelmicro.h>
#include <grelmicro/redis/grel-redis-settings-private.h>

#include "fuzz.h"

#include <string.h>

/* A URI is accepted, with settings that make sense, or refused. */

const char *const fuzz_seeds[] = {
  "redis://user:p%40ss@example.org:6379/1?timeout=0.5&prefix=shop%3A",
  "rediss://:pass@[::1]:1/0?ca_file=/etc/ca.crt&connect_timeout=9",
  "redis+unix://user:pass@/run/redis.sock?db=1&client_name=web-1",
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
  g_assert_true ((settings->host != NULL) != (settings->path != NULL));
  g_assert_cmpint (settings->timeout, >, 0);
  g_assert_cmpint (settings->timeout, <=, 9 * G_TIME_SPAN_SECOND);
  g_assert_cmpint (settings->connect_timeout, >, 0);
  g_assert_cmpint (settings->connect_timeout, <=, 9 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (strlen (settings->prefix), <=, 200);
  g_assert_true (settings->user == NULL || settings->password != NULL);
  return 0;
}
