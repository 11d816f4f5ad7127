/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/redis/grel-redis-settings-private.h>

#include "grel-test.h"

#include <string.h>

/* What may stand in a URI, and what is said about what may not. */

static GrelRedisSettings *
parse (const char *uri)
{
  g_autoptr (GError) error = NULL;
  GrelRedisSettings *settings = grel_redis_settings_new (uri, &error);

  g_assert_no_error (error);
  return settings;
}

static const GrelRedisAddress *
get_address (GrelRedisSettings *settings, guint i)
{
  g_assert_cmpuint (i, <, settings->addresses->len);
  return g_ptr_array_index (settings->addresses, i);
}

static void
assert_address (GrelRedisSettings *settings, guint i, const char *host, guint port)
{
  g_assert_cmpstr (get_address (settings, i)->host, ==, host);
  g_assert_cmpuint (get_address (settings, i)->port, ==, port);
  g_assert_null (get_address (settings, i)->path);
}

static void
each_part_has_a_meaning (void)
{
  g_autoptr (GrelRedisSettings) settings
    = parse ("redis://us%40er:SE%3ACR%2FET@example.org:1234/7?connect_timeout=0.5&timeout=2"
             "&prefix=shop%3A&client_name=web-1");

  assert_address (settings, 0, "example.org", 1234);
  g_assert_cmpstr (settings->user, ==, "us@er");
  g_assert_cmpstr (settings->password, ==, "SE:CR/ET");
  g_assert_cmpuint (settings->database, ==, 7);
  g_assert_cmpint (settings->connect_timeout, ==, G_TIME_SPAN_SECOND / 2);
  g_assert_cmpint (settings->timeout, ==, 2 * G_TIME_SPAN_SECOND);
  g_assert_cmpstr (settings->prefix, ==, "shop:");
  g_assert_cmpstr (settings->client_name, ==, "web-1");
  g_assert_false (settings->uses_tls);
  g_assert_cmpint (settings->topology, ==, GREL_REDIS_STANDALONE);
  g_assert_cmpuint (settings->addresses->len, ==, 1);
  g_assert_null (settings->service);
}

static void
all_but_the_host_may_be_left_out (void)
{
  static const char *const uris[] = { "redis://host", "valkey://host/", "REDIS://host?" };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GrelRedisSettings) settings = parse (uris[i]);

      assert_address (settings, 0, "host", 6379);
      g_assert_null (settings->user);
      g_assert_null (settings->password);
      g_assert_cmpuint (settings->database, ==, 0);
      g_assert_cmpint (settings->connect_timeout, >, 0);
      g_assert_cmpint (settings->timeout, >, 0);
      g_assert_cmpstr (settings->prefix, ==, "");
      g_assert_null (settings->client_name);
    }
}

static void
a_host_may_be_an_address (void)
{
  g_autoptr (GrelRedisSettings) settings = parse ("redis://:SECRET@[::1]:1234");

  assert_address (settings, 0, "::1", 1234);
  g_assert_null (settings->user);
  g_assert_cmpstr (settings->password, ==, "SECRET");
}

static void
tls_may_have_certificates_of_its_own (void)
{
  g_autoptr (GrelRedisSettings) redis = parse ("rediss://host?ca_file=/etc/ca.crt");
  g_autoptr (GrelRedisSettings) valkey = parse ("valkeys://host");

  g_assert_true (redis->uses_tls);
  g_assert_cmpstr (redis->ca_file, ==, "/etc/ca.crt");
  g_assert_true (valkey->uses_tls);
  g_assert_null (valkey->ca_file);
}

static void
a_unix_socket_has_a_path (void)
{
  g_autoptr (GrelRedisSettings) redis = parse ("redis+unix://user:SECRET@/run/a%20b.sock?db=1");
  g_autoptr (GrelRedisSettings) valkey = parse ("valkey+unix:/run/valkey.sock");

  g_assert_null (get_address (redis, 0)->host);
  g_assert_cmpstr (get_address (redis, 0)->path, ==, "/run/a b.sock");
  g_assert_cmpstr (redis->user, ==, "user");
  g_assert_cmpstr (redis->password, ==, "SECRET");
  g_assert_cmpuint (redis->database, ==, 1);
  g_assert_cmpstr (get_address (valkey, 0)->path, ==, "/run/valkey.sock");
}

static void
sentinels_are_several_and_know_a_service (void)
{
  g_autoptr (GrelRedisSettings) settings
    = parse ("redis+sentinel://us%2Cer:SE%40CRET@one:1234,[::1]:5,two/my-service.1_a/7"
             "?sentinel_user=guard&sentinel_password=TOP%26SECRET&min_replicas=2&prefix=a");

  g_assert_cmpint (settings->topology, ==, GREL_REDIS_SENTINEL);
  g_assert_cmpuint (settings->addresses->len, ==, 3);
  assert_address (settings, 0, "one", 1234);
  assert_address (settings, 1, "::1", 5);
  assert_address (settings, 2, "two", 26379);
  g_assert_cmpstr (settings->service, ==, "my-service.1_a");
  g_assert_cmpuint (settings->database, ==, 7);
  g_assert_cmpstr (settings->user, ==, "us,er");
  g_assert_cmpstr (settings->password, ==, "SE@CRET");
  g_assert_cmpstr (settings->sentinel_user, ==, "guard");
  g_assert_cmpstr (settings->sentinel_password, ==, "TOP&SECRET");
  g_assert_cmpuint (settings->min_replicas, ==, 2);
  g_assert_cmpstr (settings->prefix, ==, "a");
}

static void
the_password_of_the_server_is_not_for_sentinels (void)
{
  g_autoptr (GrelRedisSettings) settings = parse ("redis+sentinel://:SECRET@host/service/");

  g_assert_cmpstr (settings->password, ==, "SECRET");
  g_assert_null (settings->sentinel_user);
  g_assert_null (settings->sentinel_password);
  g_assert_cmpuint (settings->database, ==, 0);
  g_assert_cmpuint (settings->min_replicas, ==, 0);
}

static void
a_cluster_is_found_by_some_of_its_nodes (void)
{
  g_autoptr (GrelRedisSettings) settings
    = parse ("redis+cluster://user:SECRET@one,two:1234/0?min_replicas=1");

  g_assert_cmpint (settings->topology, ==, GREL_REDIS_CLUSTER);
  g_assert_cmpuint (settings->addresses->len, ==, 2);
  assert_address (settings, 0, "one", 6379);
  assert_address (settings, 1, "two", 1234);
  g_assert_null (settings->service);
  g_assert_cmpstr (settings->user, ==, "user");
  g_assert_cmpstr (settings->password, ==, "SECRET");
  g_assert_cmpuint (settings->min_replicas, ==, 1);
}

static void
each_topology_is_there_with_tls_and_for_valkey (void)
{
  static const struct
  {
    const char *uri;
    GrelRedisTopology topology;
    gboolean uses_tls;
  } forms[] = {
    { "redis://a", GREL_REDIS_STANDALONE, FALSE },
    { "rediss://a", GREL_REDIS_STANDALONE, TRUE },
    { "redis+sentinel://a/s", GREL_REDIS_SENTINEL, FALSE },
    { "rediss+sentinel://a/s", GREL_REDIS_SENTINEL, TRUE },
    { "redis+cluster://a", GREL_REDIS_CLUSTER, FALSE },
    { "rediss+cluster://a", GREL_REDIS_CLUSTER, TRUE },
    { "valkey://a", GREL_REDIS_STANDALONE, FALSE },
    { "valkeys://a", GREL_REDIS_STANDALONE, TRUE },
    { "valkey+sentinel://a/s", GREL_REDIS_SENTINEL, FALSE },
    { "valkeys+sentinel://a/s", GREL_REDIS_SENTINEL, TRUE },
    { "valkey+cluster://a", GREL_REDIS_CLUSTER, FALSE },
    { "valkeys+cluster://a", GREL_REDIS_CLUSTER, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autoptr (GrelRedisSettings) settings = parse (forms[i].uri);

      g_assert_cmpint (settings->topology, ==, forms[i].topology);
      g_assert_cmpint (settings->uses_tls, ==, forms[i].uses_tls);
    }
}

static void
without_a_host_the_environment_says (void)
{
  g_autoptr (GrelRedisSettings) settings = NULL;

  g_setenv ("REDIS_URL", "rediss://:SECRET@host:1234/3?timeout=1&prefix=a", TRUE);
  settings = parse ("redis:?prefix=b");
  g_unsetenv ("REDIS_URL");

  g_assert_true (settings->uses_tls);
  assert_address (settings, 0, "host", 1234);
  g_assert_cmpstr (settings->password, ==, "SECRET");
  g_assert_cmpuint (settings->database, ==, 3);
  g_assert_cmpint (settings->timeout, ==, G_TIME_SPAN_SECOND);
  g_assert_cmpstr (settings->prefix, ==, "b");
}

static void
the_environment_may_name_sentinels (void)
{
  g_autoptr (GrelRedisSettings) settings = NULL;

  g_setenv ("REDIS_URL", "redis+sentinel://one,two/service", TRUE);
  settings = parse ("redis:?sentinel_password=SECRET");
  g_unsetenv ("REDIS_URL");

  g_assert_cmpint (settings->topology, ==, GREL_REDIS_SENTINEL);
  g_assert_cmpuint (settings->addresses->len, ==, 2);
  g_assert_cmpstr (settings->service, ==, "service");
  g_assert_cmpstr (settings->sentinel_password, ==, "SECRET");
}

/* A prefix with a hash tag is one for all names. */
static void
in_a_cluster_names_are_tagged_or_the_prefix_is (void)
{
  g_autoptr (GrelRedisSettings) plain = parse ("redis+cluster://host?prefix=shop:");
  g_autoptr (GrelRedisSettings) tagged = parse ("redis+cluster://host?prefix={shop}:");
  g_autoptr (GrelRedisSettings) server = parse ("redis://host?prefix=shop{");

  g_assert_true (plain->tags_names);
  g_assert_false (tagged->tags_names);
  g_assert_false (server->tags_names);
}

static void
expect_error (const char *uri, const char *field)
{
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", uri);
  g_assert_null (grel_redis_settings_new (uri, &error));
  if (strstr (error->message, "SECRET") != NULL || strstr (error->message, "VALUE") != NULL)
    g_error ("“%s” repeats the URI", error->message);
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "uri: ", field);
}

static void
an_error_names_the_field_and_repeats_nothing (void)
{
  static const struct
  {
    const char *uri;
    const char *field;
  } faults[] = {
    { "redis:", "host: must be there" },
    { "redis://", "REDIS_URL" },
    { "redis:///1", "host" },
    { "redis://:SECRET@", "host" },
    { "redis://:SECRET@/VALUE", "host" },
    { "redis://:1234", "host" },
    { "redis+unix://VALUE/path", "host" },
    { "redis+unix:", "path" },
    { "redis+unix:///", "path" },
    { "redis+unix:VALUE", "path" },
    { "redis+unix:///VALUE/", "path" },
    { "VALUE://host", "redis:" },
    { "redis://host:0", "port" },
    { "redis://host:65536", "valid URI" },
    { "redis://host:VALUE", "valid URI" },
    { "redis://SECRET@host", "password" },
    { "redis://user:@host", "password" },
    { "redis://us:SECRET%00@host", "valid URI" },
    { "redis://us:SECRET%@host", "valid URI" },
    { "redis://us:1/SECRET@host", "db" },
    { "redis://us:1?SECRET@host", "parameters" },
    { "redis://us:1#SECRET@host", "fragment" },
    { "redis://us:SEC/RET@host", "valid URI" },
    { "redis://host/VALUE", "db" },
    { "redis://host/1/", "db" },
    { "redis://host/-1", "db" },
    { "redis://host/65536", "db" },
    { "redis://host?db=", "db" },
    { "redis://host/1?db=1", "db: is given twice" },
    { "redis://host?timeout=1&timeout=2", "timeout: is given twice" },
    { "redis://host?timeout=0", "timeout" },
    { "redis://host?timeout=0.0001", "timeout" },
    { "redis://host?timeout=9.1", "timeout" },
    { "redis://host?timeout=-1", "timeout" },
    { "redis://host?timeout=nan", "timeout" },
    { "redis://host?timeout=1e1", "timeout" },
    { "redis://host?timeout=0x1", "timeout" },
    { "redis://host?timeout=1s", "timeout" },
    { "redis://host?timeout=.", "timeout" },
    { "redis://host?timeout=", "timeout" },
    { "redis://host?connect_timeout=VALUE", "connect_timeout" },
    { "redis://host?connect_timeout=99999999999999999999", "connect_timeout" },
    { "redis://host?client_name=", "client_name" },
    { "redis://host?client_name=VALUE%20VALUE", "client_name" },
    { "redis://host?client_name=VALUE%0A", "client_name" },
    { "redis://host?client_name=VALU%C3%89", "client_name" },
    { "redis://host?prefix=VALUE%0A", "prefix" },
    { "redis://host?prefix=VALUE%FF", "parameters" },
    { "redis+cluster://host?prefix=VALUE{", "prefix: must have a whole hash tag" },
    { "redis+cluster://host?prefix={}VALUE", "prefix: must have a whole hash tag" },
    { "redis+cluster://host?prefix=}VALUE", "prefix: must have a whole hash tag" },
    { "redis://host?ca_file=/VALUE", "ca_file" },
    { "rediss://host?ca_file=VALUE", "ca_file" },
    { "redis://host?VALUE=1", "not known" },
    { "redis://host?password=SECRET", "not known" },
    { "redis://host?VALUE", "parameters" },
    { "redis://us:SE@CRET@host", "valid URI" },
    { "redis://host,VALUE", "host: must be one" },
    { "redis+sentinel:", "host" },
    { "redis+sentinel:///service", "host" },
    { "redis+sentinel://:SECRET@/service", "host" },
    { "redis+sentinel://host,/service", "host" },
    { "redis+sentinel://,host/service", "host" },
    { "redis+sentinel://host,:1/service", "host" },
    { "redis+sentinel://host,VALUE:0/service", "port" },
    { "redis+sentinel://host:1,VALUE:65536/service", "valid URI" },
    { "redis+sentinel://host,VALUE:VALUE/service", "valid URI" },
    { "redis+sentinel://::1/service", "valid URI" },
    { "redis+sentinel://[::1/service", "valid URI" },
    { "redis+sentinel://us:SE,CRET@host,SE@CRET/service", "valid URI" },
    { "redis+sentinel://us:SEC/RET@host/service", "valid URI" },
    { "redis+sentinel://us:1/SECRET@host/service", "service" },
    { "redis+sentinel://SECRET@host/service", "password" },
    { "redis+sentinel://host", "service" },
    { "redis+sentinel://host/", "service" },
    { "redis+sentinel://host//1", "service" },
    { "redis+sentinel://host/VALUE%20VALUE", "service" },
    { "redis+sentinel://host/VALU%C3%89", "service" },
    { "redis+sentinel://host/service/VALUE", "db" },
    { "redis+sentinel://host/service/1/", "db" },
    { "redis+sentinel://host/service/1?db=1", "db: is given twice" },
    { "redis+sentinel://host/service?sentinel_password=", "sentinel_password" },
    { "redis+sentinel://host/service?sentinel_user=&sentinel_password=SECRET", "sentinel_user" },
    { "redis+sentinel://host/service?sentinel_user=VALUE", "sentinel_password: is missing" },
    { "redis+sentinel://host/service?sentinel_password=SE%00CRET", "parameters" },
    { "redis+sentinel://host/service#SECRET", "fragment" },
    { "redis://host?sentinel_password=SECRET", "sentinel_password" },
    { "redis+cluster://host?sentinel_user=VALUE", "sentinel_user" },
    { "redis+cluster:", "host" },
    { "redis+cluster://", "host" },
    { "redis+cluster://host,", "host" },
    { "redis+cluster://host/1", "db" },
    { "redis+cluster://host?db=1", "db" },
    { "redis+cluster://host/VALUE", "db" },
    { "redis://host?min_replicas=", "min_replicas" },
    { "redis://host?min_replicas=-1", "min_replicas" },
    { "redis://host?min_replicas=101", "min_replicas" },
    { "redis+VALUE://host", "redis:" },
    { "VALUE", "valid URI" },
    { "", "valid URI" },
  };

  g_unsetenv ("REDIS_URL");
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    expect_error (faults[i].uri, faults[i].field);
}

static void
the_longest_names_are_accepted (void)
{
  g_autofree char *prefix = g_strnfill (200, 'p');
  g_autofree char *name = g_strnfill (64, 'n');
  g_autofree char *good = g_strdup_printf ("redis://host?prefix=%s&client_name=%s", prefix, name);
  g_autofree char *bad_prefix = g_strdup_printf ("redis://host?prefix=%sp", prefix);
  g_autofree char *bad_name = g_strdup_printf ("redis://host?client_name=%sn", name);
  g_autoptr (GrelRedisSettings) settings = parse (good);

  g_assert_cmpstr (settings->prefix, ==, prefix);
  g_assert_cmpstr (settings->client_name, ==, name);
  expect_error (bad_prefix, "prefix");
  expect_error (bad_name, "client_name");
}

static void
an_error_in_the_environment_names_the_variable (void)
{
  static const char *const urls[]
    = { "", "redis:", "redis://us:1/SECRET@host", "VALUE://host", "redis://h?VALUE=SECRET" };

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_setenv ("REDIS_URL", urls[i], TRUE);
      expect_error ("redis:", "REDIS_URL");
    }
  g_unsetenv ("REDIS_URL");
}

#define RULE(name) g_test_add_func ("/redis/settings/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (each_part_has_a_meaning);
  RULE (all_but_the_host_may_be_left_out);
  RULE (a_host_may_be_an_address);
  RULE (tls_may_have_certificates_of_its_own);
  RULE (a_unix_socket_has_a_path);
  RULE (sentinels_are_several_and_know_a_service);
  RULE (the_password_of_the_server_is_not_for_sentinels);
  RULE (a_cluster_is_found_by_some_of_its_nodes);
  RULE (each_topology_is_there_with_tls_and_for_valkey);
  RULE (without_a_host_the_environment_says);
  RULE (the_environment_may_name_sentinels);
  RULE (an_error_names_the_field_and_repeats_nothing);
  RULE (the_longest_names_are_accepted);
  RULE (an_error_in_the_environment_names_the_variable);
  RULE (in_a_cluster_names_are_tagged_or_the_prefix_is);
  return g_test_run ();
}
