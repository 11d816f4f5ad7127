/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/redis/grel-redis-circuit-breaker-adapter-private.h>
#include <grelmicro/redis/grel-redis-command-private.h>
#include <grelmicro/redis/grel-redis-connection-private.h>
#include <grelmicro/redis/grel-redis-lock-adapter-private.h>

#include "grel-test.h"

#include <string.h>

/* What is sent, and what answers mean. */

static GrelRedisReply *
read_reply (const char *text)
{
  g_autoptr (GrelRedisReader) reader = grel_redis_reader_new ();
  g_autoptr (GError) error = NULL;
  GrelRedisReply *reply;

  grel_redis_reader_feed (reader, text, strlen (text));
  reply = grel_redis_reader_take (reader, &error);
  g_assert_no_error (error);
  g_assert_nonnull (reply);
  g_assert_null (grel_redis_reader_take (reader, &error));
  g_assert_no_error (error);
  return reply;
}

static void
a_reply_may_come_in_pieces (void)
{
  static const char text[] = "*3\r\n$7\r\nmessage\r\n:12\r\n*2\r\n$-1\r\n+OK\r\n";
  g_autoptr (GrelRedisReader) reader = grel_redis_reader_new ();
  g_autoptr (GrelRedisReply) reply = NULL;

  for (gsize i = 0; i < strlen (text); i++)
    {
      g_assert_null (reply);
      grel_redis_reader_feed (reader, text + i, 1);
      reply = grel_redis_reader_take (reader, NULL);
    }
  g_assert_cmpint (reply->type, ==, GREL_REDIS_ARRAY);
  g_assert_cmpuint (reply->elements->len, ==, 3);
  g_assert_cmpstr (((GrelRedisReply *) reply->elements->pdata[0])->text, ==, "message");
  g_assert_cmpint (((GrelRedisReply *) reply->elements->pdata[1])->integer, ==, 12);
}

static void
several_replies_may_come_at_once (void)
{
  g_autoptr (GrelRedisReader) reader = grel_redis_reader_new ();

  grel_redis_reader_feed (reader, ":1\r\n:2\r\n:3\r\n", 12);
  for (int i = 1; i <= 3; i++)
    {
      g_autoptr (GrelRedisReply) reply = grel_redis_reader_take (reader, NULL);

      g_assert_cmpint (reply->integer, ==, i);
    }
  g_assert_null (grel_redis_reader_take (reader, NULL));
}

static void
what_is_no_protocol_is_an_error (void)
{
  static const char *const texts[] = { "HTTP/1.1 400 Bad Request\r\n", "\r\n", ":SECRET\r\n",
                                       "*99999999999999999999\r\n", "$x\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GrelRedisReader) reader = grel_redis_reader_new ();
      g_autoptr (GError) error = NULL;

      grel_redis_reader_feed (reader, texts[i], strlen (texts[i]));
      g_assert_null (grel_redis_reader_take (reader, &error));
      grel_test_assert_error (error, GREL_ERROR_BACKEND, "protocol");
    }
}

static void
a_long_array_takes_no_memory_in_advance (void)
{
  g_autoptr (GrelRedisReader) reader = grel_redis_reader_new ();

  for (int i = 0; i < 7; i++)
    grel_redis_reader_feed (reader, "*2147483647\r\n", 13);
  g_assert_null (grel_redis_reader_take (reader, NULL));
}

static void
of_an_error_only_the_code_is_passed_on (void)
{
  static const struct
  {
    const char *text;
    const char *shown;
  } errors[] = {
    { "-ERR unknown command 'EVALSHA', with args beginning with: 'SECRET'\r\n", "refused it: ERR" },
    { "-NOPERM this user has no permissions\r\n", "refused it: NOPERM" },
    { "-WRONGPASS SECRET\r\n", "refused it: WRONGPASS" },
    { "-SECRETSECRETSECRETSECRET\r\n", "refused it: ERR" },
    { "-what SECRET\r\n", "refused it: ERR" },
    { "-\r\n", "refused it: ERR" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      g_autoptr (GrelRedisReply) reply = read_reply (errors[i].text);
      g_autoptr (GError) error = NULL;

      g_assert_false (grel_redis_reply_check (reply, &error));
      g_assert_null (strstr (error->message, "SECRET"));
      grel_test_assert_error (error, GREL_ERROR_BACKEND, errors[i].shown);
    }
}

static void
an_error_is_known_by_its_code (void)
{
  g_autoptr (GrelRedisReply) error = read_reply ("-NOSCRIPT No matching script\r\n");
  g_autoptr (GrelRedisReply) other = read_reply ("-NOSCRIPTS\r\n");
  g_autoptr (GrelRedisReply) text = read_reply ("+NOSCRIPT\r\n");

  g_assert_true (grel_redis_reply_is_error (error, "NOSCRIPT"));
  g_assert_false (grel_redis_reply_is_error (error, "NO"));
  g_assert_false (grel_redis_reply_is_error (other, "NOSCRIPT"));
  g_assert_false (grel_redis_reply_is_error (text, "NOSCRIPT"));
}

static void
bytes_outlive_their_reply (void)
{
  g_autoptr (GrelRedisReader) reader = grel_redis_reader_new ();
  GrelRedisReply *reply;
  g_autoptr (GBytes) bytes = NULL;

  grel_redis_reader_feed (reader, "$4\r\n\0\r\n\xff\r\n", 10);
  reply = grel_redis_reader_take (reader, NULL);
  g_assert_true (grel_redis_reply_get_bytes (reply, &bytes, NULL));
  g_assert_true (g_bytes_get_data (bytes, NULL) == reply->text);
  grel_redis_reply_unref (reply);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "\0\r\n\xff", 4);
}

static void
nil_is_no_bytes_and_an_error_is_none_either (void)
{
  g_autoptr (GrelRedisReply) nil = read_reply ("$-1\r\n");
  g_autoptr (GrelRedisReply) fault = read_reply ("-WRONGTYPE\r\n");
  g_autoptr (GrelRedisReply) number = read_reply (":1\r\n");
  GBytes *bytes;

  g_assert_true (grel_redis_reply_get_bytes (nil, &bytes, NULL));
  g_assert_null (bytes);
  g_assert_false (grel_redis_reply_get_bytes (fault, &bytes, NULL));
  g_assert_null (bytes);
  g_assert_false (grel_redis_reply_get_bytes (number, &bytes, NULL));
  g_assert_null (bytes);
}

static void
who_asks_for_a_lock_is_told_how_it_went (void)
{
  static const struct
  {
    const char *text;
    gssize answer;
  } replies[] = {
    { ":1\r\n", 1 },
    { ":9007199254740991\r\n", 9007199254740991 },
    { ":0\r\n", 0 },
    { ":-1\r\n", -1001 },
    { ":-60000\r\n", -60000001 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr (GrelRedisReply) reply = read_reply (replies[i].text);
      g_autoptr (GError) error = NULL;
      gssize answer;

      g_assert_true (grel_redis_lock_map_acquired (reply, &answer, &error));
      g_assert_no_error (error);
      g_assert_cmpint (answer, ==, replies[i].answer);
    }
}

static void
a_lock_is_never_granted_by_nonsense (void)
{
  static const char *const texts[] = { "+1\r\n",
                                       "$1\r\n1\r\n",
                                       "$-1\r\n",
                                       "*1\r\n:1\r\n",
                                       "-ERR\r\n",
                                       ":9007199254740992\r\n",
                                       ":-9223372036854775807\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GrelRedisReply) reply = read_reply (texts[i]);
      g_autoptr (GError) error = NULL;
      gssize answer;

      g_assert_false (grel_redis_lock_map_acquired (reply, &answer, &error));
      g_assert_error (error, GREL_ERROR, GREL_ERROR_BACKEND);
    }
}

static void
the_owner_is_what_follows_the_first_colon (void)
{
  static const struct
  {
    const char *text;
    gboolean is_owned;
  } replies[] = {
    { "$7\r\n12:a:b:\r\n", FALSE }, { "$6\r\n12:a:b\r\n", TRUE }, { "$5\r\n1:a:b\r\n", TRUE },
    { "$3\r\na:b\r\n", FALSE },     { "$-1\r\n", FALSE },         { "$0\r\n\r\n", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr (GrelRedisReply) reply = read_reply (replies[i].text);
      gboolean is_owned = !replies[i].is_owned;

      g_assert_true (grel_redis_lock_map_owned (reply, "a:b", &is_owned, NULL));
      g_assert_cmpint (is_owned, ==, replies[i].is_owned);
    }
}

#define CIRCUIT(answer, state, errors, successes, left)                                            \
  "*5\r\n:" answer "\r\n+" state "\r\n:" errors "\r\n:" successes "\r\n:" left "\r\n"

static void
who_asks_a_circuit_is_told_how_it_stands (void)
{
  g_autoptr (GrelRedisReply) reply
    = read_reply (CIRCUIT ("-1000", "OPEN", "4294967295", "2", "1000"));
  g_autoptr (GError) error = NULL;
  GrelCircuitSnapshot snapshot;
  gint64 answer;

  g_assert_true (grel_redis_circuit_map (reply, &answer, &snapshot, &error));
  g_assert_no_error (error);
  g_assert_cmpint (answer, ==, -1000);
  g_assert_cmpint (snapshot.state, ==, GREL_CIRCUIT_STATE_OPEN);
  g_assert_cmpuint (snapshot.consecutive_errors, ==, G_MAXUINT);
  g_assert_cmpuint (snapshot.consecutive_successes, ==, 2);
  g_assert_cmpint (snapshot.retry_after, ==, 1000);
}

static void
a_circuit_is_in_a_state_that_there_is (void)
{
  static const char *const texts[] = { ":1\r\n",
                                       "-ERR\r\n",
                                       "$-1\r\n",
                                       "*0\r\n",
                                       "*2\r\n:1\r\n+CLOSED\r\n",
                                       "*5\r\n:1\r\n$-1\r\n:0\r\n:0\r\n:0\r\n",
                                       "*5\r\n:1\r\n:0\r\n:0\r\n:0\r\n:0\r\n",
                                       CIRCUIT ("1", "closed", "0", "0", "0"),
                                       CIRCUIT ("9007199254740992", "CLOSED", "0", "0", "0"),
                                       CIRCUIT ("1", "CLOSED", "-1", "0", "0"),
                                       CIRCUIT ("1", "CLOSED", "0", "4294967296", "0"),
                                       CIRCUIT ("1", "OPEN", "0", "0", "-1") };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GrelRedisReply) reply = read_reply (texts[i]);
      g_autoptr (GError) error = NULL;
      GrelCircuitSnapshot snapshot;
      gint64 answer;

      g_assert_false (grel_redis_circuit_map (reply, &answer, &snapshot, &error));
      g_assert_error (error, GREL_ERROR, GREL_ERROR_BACKEND);
    }
}

static void
a_command_is_counted_words (void)
{
  g_autoptr (GrelRedisCommand) command = grel_redis_command_new (NULL, NULL);
  g_autoptr (GByteArray) output = g_byte_array_new ();
  static const char expected[] = "*3\r\n$3\r\nSET\r\n$2\r\n\0k\r\n$3\r\n-12\r\n";

  grel_redis_command_add (command, "SET");
  grel_redis_command_add_bytes (command, "\0k", 2);
  grel_redis_command_add_integer (command, -12);
  grel_redis_command_write (command, output);
  g_assert_cmpmem (output->data, output->len, expected, sizeof expected - 1);
}

static void
what_is_no_master_refuses_everything (void)
{
  static const struct
  {
    const char *text;
    gboolean is_refusal;
  } replies[] = {
    { "-READONLY You can't write against a read only replica.\r\n", TRUE },
    { "-ERR Error running script (call to f_1): @user_script:3: @user_script: 3: -READONLY You "
      "can't write against a read only replica. \r\n",
      TRUE },
    { "-LOADING Redis is loading the dataset in memory\r\n", TRUE },
    { "-MASTERDOWN Link with MASTER is down\r\n", TRUE },
    { "-ERR READONLY\r\n", FALSE },
    { "-NOAUTH Authentication required.\r\n", FALSE },
    { "+READONLY\r\n", FALSE },
    { ":1\r\n", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr (GrelRedisReply) reply = read_reply (replies[i].text);

      g_assert_cmpint (grel_redis_reply_is_refusal (reply), ==, replies[i].is_refusal);
    }
}

static void
a_role_is_that_of_a_master_or_not (void)
{
  static const char *const others[]
    = { "*5\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$4\r\nsync\r\n:0\r\n", "*0\r\n", "*1\r\n:1\r\n",
        "+master\r\n", "-ERR unknown command\r\n" };
  g_autoptr (GrelRedisReply) master = read_reply ("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_redis_reply_check_master (master, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (GrelRedisReply) other = read_reply (others[i]);

      g_assert_false (grel_redis_reply_check_master (other, &error));
      grel_test_assert_error (error, GREL_ERROR_BACKEND, "server");
    }
}

#define RULE(name) g_test_add_func ("/redis/reply/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (a_reply_may_come_in_pieces);
  RULE (several_replies_may_come_at_once);
  RULE (what_is_no_protocol_is_an_error);
  RULE (a_long_array_takes_no_memory_in_advance);
  RULE (of_an_error_only_the_code_is_passed_on);
  RULE (an_error_is_known_by_its_code);
  RULE (bytes_outlive_their_reply);
  RULE (nil_is_no_bytes_and_an_error_is_none_either);
  RULE (who_asks_for_a_lock_is_told_how_it_went);
  RULE (a_lock_is_never_granted_by_nonsense);
  RULE (the_owner_is_what_follows_the_first_colon);
  RULE (who_asks_a_circuit_is_told_how_it_stands);
  RULE (a_circuit_is_in_a_state_that_there_is);
  RULE (a_command_is_counted_words);
  RULE (what_is_no_master_refuses_everything);
  RULE (a_role_is_that_of_a_master_or_not);
  return g_test_run ();
}
