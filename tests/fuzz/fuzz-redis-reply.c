/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/grelmicro.h>
#include <grelmicro/redis/grel-redis-circuit-breaker-adapter-private.h>
#include <grelmicro/redis/grel-redis-connection-private.h>
#include <grelmicro/redis/grel-redis-lock-adapter-private.h>
#include <grelmicro/redis/grel-redis-slots-private.h>

#include "fuzz.h"

#include <string.h>

/* What a server says, in pieces, and what it is taken for. */

const char *const fuzz_seeds[] = {
  "\x01+PONG\r\n",
  "\x02:1\r\n:-60000\r\n",
  "\x40-NOSCRIPT No matching script\r\n$-1\r\n*-1\r\n",
  "\x03$38\r\n12:4f0c1a1e-5f5e-4a5b-8f67-000000000000\r\n",
  "\x10*3\r\n$9\r\nsubscribe\r\n$9\r\nlock:cart\r\n:1\r\n",
  "\x05*2\r\n*2\r\n:1\r\n*1\r\n+x\r\n*0\r\n",
  "\x20*5\r\n:1\r\n$9\r\nHALF_OPEN\r\n:0\r\n:1\r\n:0\r\n",
  "\x07:9223372036854775807\r\n:-9223372036854775808\r\n",
  "\x0b-MOVED 3999 127.0.0.1:6381\r\n-ASK 0 [::1]:1\r\n-MOVED 1 :7000\r\n",
  "\x30*1\r\n*4\r\n:0\r\n:16383\r\n*3\r\n$4\r\nhost\r\n:7000\r\n$1\r\na\r\n*2\r\n$-1\r\n:1\r\n",
  NULL,
};

static void
map_cluster (const GrelRedisReply *reply)
{
  g_autoptr (GPtrArray) ranges = grel_redis_slots_parse_map (reply, "host", NULL);
  guint slot = 0;
  g_autoptr (GrelRedisAddress) address = grel_redis_slots_parse_redirection (reply, "host", &slot);

  for (guint i = 0; ranges != NULL && i < ranges->len; i++)
    {
      GrelRedisSlotRange *range = g_ptr_array_index (ranges, i);

      g_assert_cmpuint (range->first, <=, range->last);
      g_assert_cmpuint (range->last, <, GREL_REDIS_N_SLOTS);
      g_assert_cmpuint (range->address->port, >, 0);
    }
  g_assert_cmpuint (slot, <, GREL_REDIS_N_SLOTS);
  if (address != NULL)
    g_assert_cmpstr (address->host, !=, "");
}

static void
map (const GrelRedisReply *reply)
{
  gboolean is_owned = FALSE;
  GrelCircuitSnapshot snapshot;
  g_autoptr (GBytes) bytes = NULL;
  const char *text;
  gssize answer;
  gint64 value;

  if (grel_redis_lock_map_acquired (reply, &answer, NULL))
    {
      g_assert_cmpint (reply->type, ==, GREL_REDIS_INTEGER);
      g_assert_cmpint (answer, <, G_GINT64_CONSTANT (1) << 53);
      g_assert_cmpint (answer > 0, ==, reply->integer > 0);
    }
  if (grel_redis_lock_map_owned (reply, "token", &is_owned, NULL) && is_owned)
    g_assert_true (g_str_has_suffix (reply->text, ":token"));
  if (grel_redis_circuit_map (reply, &value, &snapshot, NULL))
    {
      g_assert_cmpint (value, <, G_GINT64_CONSTANT (1) << 53);
      g_assert_cmpuint (snapshot.state, <=, GREL_CIRCUIT_STATE_FORCED_CLOSED);
      g_assert_cmpint (snapshot.retry_after, >=, 0);
    }
  map_cluster (reply);
  if (grel_redis_reply_get_text (reply, &text, NULL) && text != NULL)
    g_assert_cmpuint (strlen (text), <=, reply->length);
  if (grel_redis_reply_get_bytes (reply, &bytes, NULL) && bytes != NULL)
    g_assert_cmpuint (g_bytes_get_size (bytes), ==, reply->length);
  grel_redis_reply_get_integer (reply, &value, NULL);
  grel_redis_reply_is_error (reply, "NOSCRIPT");
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GrelRedisReader) reader = grel_redis_reader_new ();
  g_autoptr (GError) error = NULL;
  gsize step = size > 0 ? MAX (data[0], 1) : 1;

  for (gsize i = 1; i < size && error == NULL; i += step)
    {
      GrelRedisReply *reply;

      grel_redis_reader_feed (reader, (const char *) data + i, MIN (step, size - i));
      while ((reply = grel_redis_reader_take (reader, &error)) != NULL)
        {
          map (reply);
          grel_redis_reply_unref (reply);
        }
    }
  return 0;
}
