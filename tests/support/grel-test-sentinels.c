/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-sentinels.h"

#include <string.h>

/* What is looked for, and where. */
typedef struct
{
  GrelTestSentinels *self;
  GrelTestRedis *server;
} Search;

/* The first replica is the first in line. */
static GrelTestRedis *
grel_test_sentinels_start_replica (GrelTestRedis *master, guint i)
{
  g_autofree char *port = g_strdup_printf ("%u", grel_test_redis_get_port (master));
  g_autofree char *priority = g_strdup_printf ("%u", i * 10);

  return grel_test_redis_new_on_port ((const char *[]){ "--repl-diskless-sync-delay", "0",
                                                        "--replica-priority", priority,
                                                        "--replicaof", "127.0.0.1", port, NULL });
}

/* Those of a production system take their time. */
static void
grel_test_sentinels_hurry (GrelTestRedis *sentinel)
{
  g_autofree char *answer
    = grel_test_redis_ask (sentinel, "SENTINEL", "DEBUG", "INFO-PERIOD", "100", "ASK-PERIOD", "100",
                           "PUBLISH-PERIOD", "100", "ELECTION-TIMEOUT", "2000", NULL);

  g_assert_cmpstr (answer, ==, "OK");
}

static GrelTestRedis *
grel_test_sentinels_start_sentinel (GrelTestRedis *master)
{
  g_autofree char *config = g_strdup_printf ("sentinel monitor shop 127.0.0.1 %u 2\n"
                                             "sentinel down-after-milliseconds shop 2000\n"
                                             "sentinel failover-timeout shop 3000\n",
                                             grel_test_redis_get_port (master));
  GrelTestRedis *sentinel = grel_test_redis_new_sentinel (config);

  grel_test_sentinels_hurry (sentinel);
  return sentinel;
}

static gboolean
grel_test_sentinels_has (GrelTestRedis *sentinel, const char *what, guint n)
{
  g_autofree char *answer = grel_test_redis_ask (sentinel, "SENTINEL", "MASTER", "shop", NULL);
  g_autofree char *lines = g_strdup_printf ("\n%s\n%u\n", what, n);

  return strstr (answer, lines) != NULL;
}

static gboolean
grel_test_sentinels_know_all (gpointer data)
{
  GrelTestSentinels *self = data;

  for (guint i = 0; i < self->sentinels->len; i++)
    {
      GrelTestRedis *sentinel = grel_test_sentinels_get_sentinel (self, i);

      if (!grel_test_sentinels_has (sentinel, "num-slaves", self->servers->len - 1)
          || !grel_test_sentinels_has (sentinel, "num-other-sentinels", self->sentinels->len - 1))
        return FALSE;
    }
  return TRUE;
}

GrelTestSentinels *
grel_test_sentinels_new (guint n_replicas)
{
  GrelTestSentinels *self = g_new0 (GrelTestSentinels, 1);
  GrelTestRedis *master
    = grel_test_redis_new_on_port ((const char *[]){ "--repl-diskless-sync-delay", "0", NULL });
  g_autofree char *written = NULL;

  self->servers = g_ptr_array_new_with_free_func ((GDestroyNotify) grel_test_redis_free);
  self->sentinels = g_ptr_array_new_with_free_func ((GDestroyNotify) grel_test_redis_free);
  g_ptr_array_add (self->servers, master);
  for (guint i = 1; i <= n_replicas; i++)
    g_ptr_array_add (self->servers, grel_test_sentinels_start_replica (master, i));
  written = grel_test_redis_ask (master, "SET", "written", "1", NULL);
  for (guint i = 1; i <= n_replicas; i++)
    grel_test_sentinels_wait_for_replica (self, i);
  for (guint i = 0; i < GREL_TEST_N_SENTINELS; i++)
    g_ptr_array_add (self->sentinels, grel_test_sentinels_start_sentinel (master));
  grel_test_wait_for (grel_test_sentinels_know_all, self);
  return self;
}

/* The sentinels go first, or they would see a failover in it. */
void
grel_test_sentinels_free (GrelTestSentinels *self)
{
  g_ptr_array_unref (self->sentinels);
  g_ptr_array_unref (self->servers);
  g_free (self);
}

GrelTestRedis *
grel_test_sentinels_get_server (GrelTestSentinels *self, guint i)
{
  return g_ptr_array_index (self->servers, i);
}

GrelTestRedis *
grel_test_sentinels_get_sentinel (GrelTestSentinels *self, guint i)
{
  return g_ptr_array_index (self->sentinels, i);
}

char *
grel_test_sentinels_get_uri (GrelTestSentinels *self, const char *before, const char *query)
{
  GString *uri = g_string_new ("redis+sentinel://");

  g_string_append (uri, before);
  for (guint i = 0; i < self->sentinels->len; i++)
    g_string_append_printf (uri, "%s127.0.0.1:%u", i > 0 ? "," : "",
                            grel_test_redis_get_port (grel_test_sentinels_get_sentinel (self, i)));
  g_string_append_printf (uri, "/shop%s%s", query != NULL ? "?" : "", query != NULL ? query : "");
  return g_string_free (uri, FALSE);
}

/* A server is asked once it has a new role: until then a sentinel may cut its connections. */
static gboolean
grel_test_sentinels_is_master (gpointer data)
{
  Search *search = data;
  GPtrArray *sentinels = search->self->sentinels;
  g_autofree char *line
    = g_strdup_printf ("127.0.0.1\n%u", grel_test_redis_get_port (search->server));
  g_autofree char *role = NULL;

  grel_test_settle ();
  for (guint i = 0; i < sentinels->len; i++)
    {
      GrelTestRedis *sentinel = g_ptr_array_index (sentinels, i);
      g_autofree char *address = NULL;

      if (!grel_test_redis_is_running (sentinel))
        continue;
      address = grel_test_redis_ask (sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "shop", NULL);
      if (!g_str_equal (address, line))
        return FALSE;
    }
  role = grel_test_redis_ask (search->server, "ROLE", NULL);
  return g_str_has_prefix (role, "master");
}

void
grel_test_sentinels_wait_for_master (GrelTestSentinels *self, guint i)
{
  Search search = { self, grel_test_sentinels_get_server (self, i) };

  grel_test_wait_for (grel_test_sentinels_is_master, &search);
}

/* As its master sees it, which sends what it writes once the replica has acknowledged something. */
static gboolean
grel_test_sentinels_is_replica (gpointer data)
{
  Search *search = data;
  guint port = grel_test_redis_get_port (search->server);
  g_autofree char *line = g_strdup_printf (",port=%u,state=online,offset=", port);

  grel_test_settle ();
  for (guint i = 0; i < search->self->servers->len; i++)
    {
      GrelTestRedis *server = grel_test_sentinels_get_server (search->self, i);
      g_autofree char *info = NULL;
      const char *found;

      if (server == search->server || !grel_test_redis_is_running (server))
        continue;
      info = grel_test_redis_ask (server, "INFO", "replication", NULL);
      found = strstr (info, line);
      if (found != NULL)
        return found[strlen (line)] != '0';
    }
  return FALSE;
}

void
grel_test_sentinels_wait_for_replica (GrelTestSentinels *self, guint i)
{
  Search search = { self, grel_test_sentinels_get_server (self, i) };

  grel_test_wait_for (grel_test_sentinels_is_replica, &search);
}
