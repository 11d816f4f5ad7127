/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cluster.h"

#include <string.h>

#define N_SLOTS 16384

typedef struct
{
  GrelTestRedis *server;
  char *port;
  char *bus_port; /* where nodes talk to each other */
} Node;

struct _GrelTestCluster
{
  Node *nodes;
  guint n_nodes;
  guint n_masters;
  gboolean uses_tls;
};

static void
grel_test_cluster_add_node (GrelTestCluster *self, const char *const *arguments)
{
  Node *node = &self->nodes[self->n_nodes++];
  g_autofree char *timeout = g_strdup_printf ("%u", GREL_TEST_CLUSTER_TIMEOUT);
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_auto (GStrv) words = NULL;

  node->port = g_strdup_printf ("%u", grel_test_redis_find_port ());
  node->bus_port = g_strdup_printf ("%u", grel_test_redis_find_port ());
  g_strv_builder_add_many (argv, "--bind", "127.0.0.1", self->uses_tls ? "--tls-port" : "--port",
                           node->port, "--cluster-enabled", "yes", "--cluster-port", node->bus_port,
                           "--cluster-node-timeout", timeout, "--cluster-require-full-coverage",
                           "no", "--repl-diskless-sync-delay", "0", NULL);
  if (arguments != NULL)
    g_strv_builder_addv (argv, (const char **) arguments);
  words = g_strv_builder_end (argv);
  node->server = grel_test_redis_new ((const char *const *) words);
}

/* Those that a master has at first. */
static void
grel_test_cluster_change_slots (GrelTestCluster *self, guint at, const char *verb, guint owner)
{
  g_autofree char *first = g_strdup_printf ("%u", N_SLOTS * owner / self->n_masters);
  g_autofree char *last = g_strdup_printf ("%u", N_SLOTS * (owner + 1) / self->n_masters - 1);
  g_autofree char *answer
    = grel_test_redis_ask (self->nodes[at].server, "CLUSTER", verb, first, last, NULL);

  g_assert_cmpstr (answer, ==, "OK");
}

static void
grel_test_cluster_share_out (GrelTestCluster *self)
{
  for (guint i = 0; i < self->n_masters; i++)
    {
      g_autofree char *epoch = g_strdup_printf ("%u", i + 1);

      grel_test_cluster_change_slots (self, i, "ADDSLOTSRANGE", i);
      g_free (
        grel_test_redis_ask (self->nodes[i].server, "CLUSTER", "SET-CONFIG-EPOCH", epoch, NULL));
    }
  for (guint i = 1; i < self->n_nodes; i++)
    g_free (grel_test_redis_ask (self->nodes[0].server, "CLUSTER", "MEET", "127.0.0.1",
                                 self->nodes[i].port, self->nodes[i].bus_port, NULL));
}

static gboolean
grel_test_cluster_is_well (gpointer data)
{
  GrelTestCluster *self = data;
  g_autofree char *nodes = g_strdup_printf ("cluster_known_nodes:%u\r", self->n_nodes);

  for (guint i = 0; i < self->n_nodes; i++)
    {
      g_autofree char *info = NULL;

      if (!grel_test_redis_is_running (self->nodes[i].server))
        continue;
      info = grel_test_redis_ask (self->nodes[i].server, "CLUSTER", "INFO", NULL);
      if (strstr (info, "cluster_state:ok") == NULL || strstr (info, "slots_ok:16384") == NULL
          || strstr (info, nodes) == NULL)
        return FALSE;
    }
  return TRUE;
}

void
grel_test_cluster_settle (GrelTestCluster *self)
{
  grel_test_wait_for (grel_test_cluster_is_well, self);
}

static gboolean
grel_test_cluster_is_replicated (gpointer data)
{
  GrelTestRedis *replica = data;
  g_autofree char *info = grel_test_redis_ask (replica, "INFO", "replication", NULL);

  return strstr (info, "master_link_status:up") != NULL;
}

static void
grel_test_cluster_fill (GrelTestCluster *self, guint n_nodes, const char *const *arguments)
{
  self->nodes = g_new0 (Node, n_nodes);
  for (guint i = 0; i < n_nodes; i++)
    grel_test_cluster_add_node (self, arguments);
  grel_test_cluster_share_out (self);
  grel_test_cluster_settle (self);
}

GrelTestCluster *
grel_test_cluster_new_with_tls (guint n_masters, GrelTestRedis *certificates)
{
  GrelTestCluster *self = g_new0 (GrelTestCluster, 1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) tls = grel_test_redis_dup_tls_arguments (certificates);
  g_auto (GStrv) arguments = NULL;

  g_strv_builder_add_many (builder, "--tls-cluster", "yes", "--cluster-announce-hostname",
                           "localhost", "--cluster-preferred-endpoint-type", "hostname", NULL);
  g_strv_builder_addv (builder, (const char **) tls);
  arguments = g_strv_builder_end (builder);
  self->uses_tls = TRUE;
  self->n_masters = n_masters;
  grel_test_cluster_fill (self, n_masters, (const char *const *) arguments);
  return self;
}

GrelTestCluster *
grel_test_cluster_new (guint n_masters, gboolean with_replica, const char *const *arguments)
{
  GrelTestCluster *self = g_new0 (GrelTestCluster, 1);
  g_autofree char *id = NULL;

  self->n_masters = n_masters;
  grel_test_cluster_fill (self, n_masters + with_replica, arguments);
  if (!with_replica)
    return self;

  id = grel_test_redis_ask (self->nodes[0].server, "CLUSTER", "MYID", NULL);
  g_free (grel_test_redis_ask (self->nodes[n_masters].server, "CLUSTER", "REPLICATE", id, NULL));
  grel_test_wait_for (grel_test_cluster_is_replicated, self->nodes[n_masters].server);
  return self;
}

void
grel_test_cluster_free (GrelTestCluster *self)
{
  for (guint i = 0; i < self->n_nodes; i++)
    {
      grel_test_redis_free (self->nodes[i].server);
      g_free (self->nodes[i].port);
      g_free (self->nodes[i].bus_port);
    }
  g_free (self->nodes);
  g_free (self);
}

GrelTestRedis *
grel_test_cluster_get_node (GrelTestCluster *self, guint i)
{
  return self->nodes[i].server;
}

char *
grel_test_cluster_get_address (GrelTestCluster *self, guint i)
{
  return g_strconcat ("127.0.0.1:", self->nodes[i].port, NULL);
}

char *
grel_test_cluster_get_uri (GrelTestCluster *self, guint first, const char *query)
{
  g_autoptr (GString) hosts = g_string_new (NULL);

  for (guint i = first; i < self->n_masters; i++)
    {
      const char *host = self->uses_tls ? "localhost" : "127.0.0.1";

      g_string_append_printf (hosts, "%s%s:%s", i > first ? "," : "", host, self->nodes[i].port);
    }
  return g_strdup_printf ("redis%s+cluster://%s?%s", self->uses_tls ? "s" : "", hosts->str,
                          query != NULL ? query : "");
}

guint
grel_test_cluster_get_slot (GrelTestCluster *self, const char *key)
{
  return grel_test_redis_ask_number (self->nodes[0].server, "CLUSTER", "KEYSLOT", key, NULL);
}

guint
grel_test_cluster_find (GrelTestCluster *self, const char *key)
{
  for (guint i = 0; i < self->n_nodes; i++)
    {
      g_autofree char *answer = NULL;

      if (!grel_test_redis_is_running (self->nodes[i].server))
        continue;
      answer = grel_test_redis_ask (self->nodes[i].server, "EXISTS", key, NULL);
      if (!g_str_has_prefix (answer, "MOVED"))
        return i;
    }
  g_assert_not_reached ();
}

char *
grel_test_cluster_find_name (GrelTestCluster *self, guint node, guint which)
{
  for (guint i = 0;; i++)
    {
      g_autofree char *name = g_strdup_printf ("cart-%u", i);
      g_autofree char *key = g_strdup_printf ("{lock:%s}", name);

      if (grel_test_cluster_find (self, key) == node && which-- == 0)
        return g_steal_pointer (&name);
    }
}

int
grel_test_cluster_find_listener (GrelTestCluster *self, const char *channel)
{
  for (guint i = 0; i < self->n_nodes; i++)
    {
      g_autofree char *answer = NULL;

      if (!grel_test_redis_is_running (self->nodes[i].server))
        continue;
      answer = grel_test_redis_ask (self->nodes[i].server, "PUBSUB", "CHANNELS", channel, NULL);
      if (g_str_equal (answer, channel))
        return i;
    }
  return -1;
}

static void
grel_test_cluster_set_slot (GrelTestCluster *self,
                            guint at,
                            guint slot,
                            const char *what,
                            guint other)
{
  g_autofree char *number = g_strdup_printf ("%u", slot);
  g_autofree char *id = grel_test_redis_ask (self->nodes[other].server, "CLUSTER", "MYID", NULL);
  g_autofree char *answer
    = grel_test_redis_ask (self->nodes[at].server, "CLUSTER", "SETSLOT", number, what, id, NULL);

  g_assert_cmpstr (answer, ==, "OK");
}

void
grel_test_cluster_set_owner (GrelTestCluster *self, guint node, guint slot, guint owner)
{
  grel_test_cluster_set_slot (self, node, slot, "NODE", owner);
}

void
grel_test_cluster_begin_move (GrelTestCluster *self, guint slot, guint from, guint to)
{
  grel_test_cluster_set_slot (self, to, slot, "IMPORTING", from);
  grel_test_cluster_set_slot (self, from, slot, "MIGRATING", to);
}

void
grel_test_cluster_move_keys (GrelTestCluster *self, guint slot, guint from, guint to)
{
  g_autofree char *number = g_strdup_printf ("%u", slot);
  g_autofree char *text = grel_test_redis_ask (self->nodes[from].server, "CLUSTER", "GETKEYSINSLOT",
                                               number, "1000", NULL);
  g_auto (GStrv) keys = g_strsplit (text, "\n", -1);

  for (guint i = 0; keys[i] != NULL && *keys[i] != '\0'; i++)
    g_free (grel_test_redis_ask (self->nodes[from].server, "MIGRATE", "127.0.0.1",
                                 self->nodes[to].port, keys[i], "0", "5000", NULL));
}

void
grel_test_cluster_end_move (GrelTestCluster *self, guint slot, guint from, guint to)
{
  grel_test_cluster_set_owner (self, to, slot, to);
  for (guint i = 0; i < self->n_masters; i++)
    if (i != to)
      grel_test_cluster_set_owner (self, i, slot, to);
}

void
grel_test_cluster_remove (GrelTestCluster *self, guint node, guint heir)
{
  g_autofree char *id = grel_test_redis_ask (self->nodes[node].server, "CLUSTER", "MYID", NULL);

  g_free (grel_test_redis_ask (self->nodes[node].server, "FLUSHALL", NULL));
  grel_test_cluster_change_slots (self, node, "DELSLOTSRANGE", node);
  grel_test_cluster_change_slots (self, heir, "DELSLOTSRANGE", node);
  grel_test_cluster_change_slots (self, heir, "ADDSLOTSRANGE", node);
  g_free (grel_test_redis_ask (self->nodes[heir].server, "CLUSTER", "BUMPEPOCH", NULL));
  for (guint i = 0; i < self->n_nodes; i++)
    if (i != node)
      g_free (grel_test_redis_ask (self->nodes[i].server, "CLUSTER", "FORGET", id, NULL));
  g_free (grel_test_redis_ask (self->nodes[node].server, "CLUSTER", "RESET", NULL));
}

gint64
grel_test_cluster_count_calls (GrelTestCluster *self, const char *command)
{
  gint64 n_calls = 0;

  for (guint i = 0; i < self->n_nodes; i++)
    if (grel_test_redis_is_running (self->nodes[i].server))
      n_calls += grel_test_redis_count_calls (self->nodes[i].server, command);
  return n_calls;
}
