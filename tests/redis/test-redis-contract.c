/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract-cache.h"
#include "contract-circuit-breaker.h"
#include "contract-lock.h"
#include "grel-test-cluster.h"
#include "grel-test-sentinels.h"

/* The contract suites, over a server that goes by a clock of its own. */

static GrelTestRedis *redis;
static GrelTestCluster *cluster;
static GrelTestSentinels *sentinels;

/* Each rule gets keys of its own. */
static char *
get_server_uri (const char *rule)
{
  g_autofree char *query = g_strdup_printf ("prefix=%s:", rule);

  return grel_test_redis_get_uri (redis, query);
}

static char *
get_cluster_uri (const char *rule)
{
  g_autofree char *query = g_strdup_printf ("prefix=%s:", rule);

  return grel_test_cluster_get_uri (cluster, 0, query);
}

static char *
get_sentinel_uri (const char *rule)
{
  g_autofree char *query = g_strdup_printf ("prefix=%s:&min_replicas=1", rule);

  return grel_test_sentinels_get_uri (sentinels, "", query);
}

static const struct
{
  const char *name;
  char *(*get_uri) (const char *rule);
} stores[] = {
  { "redis", get_server_uri },
  { "redis-cluster", get_cluster_uri },
  { "redis-sentinel", get_sentinel_uri },
};

/* What a test runs: a rule, over a store. */
typedef struct
{
  const char *rule;
  guint store;
} Run;

static GrelBackend *
backend_new (const Run *run, GType type)
{
  g_autofree char *uri = stores[run->store].get_uri (run->rule);
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri (uri, &error);
  GrelBackend *backend;

  g_assert_no_error (error);
  backend = grel_provider_create_backend (provider, type, &error);
  g_assert_no_error (error);
  return backend;
}

static void
test_cache_rule (gconstpointer data)
{
  const Run *run = data;
  g_autoptr (GrelBackend) backend = backend_new (run, GREL_TYPE_CACHE_BACKEND);

  grel_test_cache_contract_run (run->rule, GREL_CACHE_BACKEND (backend), NULL);
}

static void
test_lock_rule (gconstpointer data)
{
  const Run *run = data;
  g_autoptr (GrelBackend) backend = backend_new (run, GREL_TYPE_LOCK_BACKEND);

  grel_test_lock_contract_run (run->rule, GREL_LOCK_BACKEND (backend), NULL);
}

static void
test_circuit_breaker_rule (gconstpointer data)
{
  const Run *run = data;
  g_autoptr (GrelBackend) backend = backend_new (run, GREL_TYPE_CIRCUIT_BREAKER_BACKEND);

  grel_test_circuit_breaker_contract_run (run->rule, GREL_CIRCUIT_BREAKER_BACKEND (backend), NULL);
}

static const struct
{
  const char *name;
  const char *const *(*list) (void);
  GTestDataFunc test;
} contracts[] = {
  { "cache", grel_test_cache_contract_list, test_cache_rule },
  { "circuit-breaker", grel_test_circuit_breaker_contract_list, test_circuit_breaker_rule },
  { "lock", grel_test_lock_contract_list, test_lock_rule },
};

static void
add_contract (guint contract, guint store)
{
  for (const char *const *rule = contracts[contract].list (); *rule != NULL; rule++)
    {
      g_autofree char *path = g_strdup_printf ("/contract/%s/%s/%s", contracts[contract].name,
                                               stores[store].name, *rule);
      Run *run = g_new (Run, 1);

      *run = (Run){ *rule, store };
      g_test_add_data_func_full (path, run, contracts[contract].test, g_free);
    }
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  for (guint store = 0; store < G_N_ELEMENTS (stores); store++)
    for (guint contract = 0; contract < G_N_ELEMENTS (contracts); contract++)
      add_contract (contract, store);

  redis = grel_test_redis_new (NULL);
  cluster = grel_test_cluster_new (3, FALSE, NULL);
  sentinels = grel_test_sentinels_new (1);
  status = g_test_run ();
  grel_test_sentinels_free (sentinels);
  grel_test_cluster_free (cluster);
  grel_test_redis_free (redis);
  return status;
}
