/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/redis/grel-redis-connection-private.h>
#include <grelmicro/redis/grel-redis-slots-private.h>

#include "grel-test-redis.h"

#include <string.h>

/* Where a cluster keeps a key, and what its nodes say about that. */

static GrelRedisReply *
read_reply (const char *text)
{
  g_autoptr (GrelRedisReader) reader = grel_redis_reader_new ();
  g_autoptr (GError) error = NULL;
  GrelRedisReply *reply;

  grel_redis_reader_feed (reader, text, strlen (text));
  reply = grel_redis_reader_take (reader, &error);
  g_assert_no_error (error);
  return reply;
}

static void
slots_are_those_of_the_server (void)
{
  static const char *const server[] = { "--cluster-enabled", "yes", NULL };
  static const char *const keys[] = {
    "",
    "a",
    "123456789",
    "lock:cart",
    "fence:{lock:cart}",
    "{lock:cart}",
    "{}cart",
    "{}{cart}",
    "a{b",
    "a}b{c",
    "{{cart}}",
    "a{b}c{d}e",
    "{a}{b}{}",
    "straße{grün}",
    "x{cart}y}z",
    "}{",
  };
  g_autoptr (GrelTestRedis) redis = grel_test_redis_new (server);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    g_assert_cmpuint (grel_redis_slots_of (keys[i], strlen (keys[i])), ==,
                      grel_test_redis_ask_number (redis, "CLUSTER", "KEYSLOT", keys[i], NULL));
}

static void
a_prefix_tags_all_keys_or_none (void)
{
  static const struct
  {
    const char *prefix;
    gboolean is_good;
    gboolean has_tag;
  } prefixes[] = {
    { "", TRUE, FALSE },        { "shop:", TRUE, FALSE },   { "{shop}:", TRUE, TRUE },
    { "a{shop}b", TRUE, TRUE }, { "shop}", TRUE, FALSE },   { "{{a}", TRUE, TRUE },
    { "shop{", FALSE, FALSE },  { "{}shop", FALSE, FALSE }, { "{}{shop}", FALSE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    {
      gboolean has_tag;

      g_test_message ("%s", prefixes[i].prefix);
      g_assert_cmpint (grel_redis_slots_check_prefix (prefixes[i].prefix, &has_tag), ==,
                       prefixes[i].is_good);
      g_assert_cmpint (has_tag, ==, prefixes[i].has_tag);
    }
}

static void
expect_range (GPtrArray *ranges, guint i, guint first, guint last, const char *host, guint port)
{
  GrelRedisSlotRange *range = g_ptr_array_index (ranges, i);

  g_assert_cmpuint (range->first, ==, first);
  g_assert_cmpuint (range->last, ==, last);
  g_assert_cmpstr (range->address->host, ==, host);
  g_assert_cmpuint (range->address->port, ==, port);
}

/* Redis 6 says three things of a node, Redis 7 four; there may be replicas. */
static void
a_map_says_who_has_which_slots (void)
{
  g_autoptr (GrelRedisReply) reply
    = read_reply ("*3\r\n*4\r\n:0\r\n:5460\r\n"
                  "*4\r\n$8\r\n10.0.0.1\r\n:7000\r\n$1\r\na\r\n*0\r\n"
                  "*3\r\n$8\r\n10.0.0.9\r\n:7009\r\n$1\r\nz\r\n"
                  "*3\r\n:5461\r\n:5461\r\n*3\r\n$0\r\n\r\n:7001\r\n$1\r\nb\r\n"
                  "*3\r\n:5462\r\n:16383\r\n*4\r\n$-1\r\n:7002\r\n$1\r\nc\r\n*0\r\n");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) ranges = grel_redis_slots_parse_map (reply, "asked.example", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (ranges->len, ==, 3);
  expect_range (ranges, 0, 0, 5460, "10.0.0.1", 7000);
  expect_range (ranges, 1, 5461, 5461, "asked.example", 7001);
  expect_range (ranges, 2, 5462, 16383, "asked.example", 7002);
}

static void
what_is_no_map_is_an_error (void)
{
  static const char *const texts[] = {
    "*0\r\n",
    "$-1\r\n",
    "+OK\r\n",
    "*1\r\n:1\r\n",
    "*1\r\n*2\r\n:0\r\n:1\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*0\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n+SECRET\r\n",
    "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n+h\r\n:1\r\n",
    "*1\r\n*3\r\n:-1\r\n:5\r\n*2\r\n+h\r\n:1\r\n",
    "*1\r\n*3\r\n:7\r\n:5\r\n*2\r\n+h\r\n:1\r\n",
    "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n+h\r\n:0\r\n",
    "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n+h\r\n:65536\r\n",
    "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n:1\r\n:1\r\n",
    "-ERR This instance has cluster support disabled SECRET\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GrelRedisReply) reply = read_reply (texts[i]);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", texts[i]);
      g_assert_null (grel_redis_slots_parse_map (reply, "host", &error));
      g_assert_null (strstr (error->message, "SECRET"));
      grel_test_assert_error (error, GREL_ERROR_BACKEND, "slots of");
    }
}

static void
a_redirection_says_where_to (void)
{
  static const struct
  {
    const char *text;
    const char *host; /* NULL: it is none */
    guint port;
    guint slot;
  } replies[] = {
    { "-MOVED 3999 127.0.0.1:6381\r\n", "127.0.0.1", 6381, 3999 },
    { "-ASK 0 node.example:65535\r\n", "node.example", 65535, 0 },
    { "-MOVED 16383 2001:db8::1:7000\r\n", "2001:db8::1", 7000, 16383 },
    { "-MOVED 1 :7000\r\n", "asked.example", 7000, 1 },
    { "-MOVED 1 ?:7000\r\n", "asked.example", 7000, 1 },
    { "-MOVED 16384 127.0.0.1:6381\r\n", NULL, 0, 0 },
    { "-MOVED 1 127.0.0.1\r\n", NULL, 0, 0 },
    { "-MOVED 1 127.0.0.1:0\r\n", NULL, 0, 0 },
    { "-MOVED 1 127.0.0.1:65536\r\n", NULL, 0, 0 },
    { "-MOVED 1\r\n", NULL, 0, 0 },
    { "-MOVED\r\n", NULL, 0, 0 },
    { "-ERR 1 127.0.0.1:7000\r\n", NULL, 0, 0 },
    { "+MOVED 1 127.0.0.1:7000\r\n", NULL, 0, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr (GrelRedisReply) reply = read_reply (replies[i].text);
      guint slot = 0;
      g_autoptr (GrelRedisAddress) address
        = grel_redis_slots_parse_redirection (reply, "asked.example", &slot);

      g_test_message ("%s", replies[i].text);
      g_assert_cmpstr (address != NULL ? address->host : NULL, ==, replies[i].host);
      g_assert_cmpuint (address != NULL ? address->port : 0, ==, replies[i].port);
      g_assert_cmpuint (slot, ==, replies[i].slot);
    }
}

#define RULE(name) g_test_add_func ("/redis/slots/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (slots_are_those_of_the_server);
  RULE (a_prefix_tags_all_keys_or_none);
  RULE (a_map_says_who_has_which_slots);
  RULE (what_is_no_map_is_an_error);
  RULE (a_redirection_says_where_to);
  return g_test_run ();
}
