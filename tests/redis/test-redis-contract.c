/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract-cache.h"
#include "contract-circuit-breaker.h"
#include "contract-lock.h"
#include "grel-test-redis.h"

/* The contract suites, over a server that goes by a clock of its own. */

static GrelTestRedis *redis;

/* Each rule gets keys of its own. */
static GrelBackend *
backend_new (const char *rule, GType type)
{
  g_autofree char *query = g_strdup_printf ("prefix=%s:", rule);
  g_autofree char *uri = grel_test_redis_get_uri (redis, query);
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri (uri, &error);
  GrelBackend *backend;

  g_assert_no_error (error);
  backend = grel_provider_create_backend (provider, type, &error);
  g_assert_no_error (error);
  return backend;
}

static void
test_cache_rule (gconstpointer rule)
{
  g_autoptr (GrelBackend) backend = backend_new (rule, GREL_TYPE_CACHE_BACKEND);

  grel_test_cache_contract_run (rule, GREL_CACHE_BACKEND (backend), NULL);
}

static void
test_lock_rule (gconstpointer rule)
{
  g_autoptr (GrelBackend) backend = backend_new (rule, GREL_TYPE_LOCK_BACKEND);

  grel_test_lock_contract_run (rule, GREL_LOCK_BACKEND (backend), NULL);
}

static void
test_circuit_breaker_rule (gconstpointer rule)
{
  g_autoptr (GrelBackend) backend = backend_new (rule, GREL_TYPE_CIRCUIT_BREAKER_BACKEND);

  grel_test_circuit_breaker_contract_run (rule, GREL_CIRCUIT_BREAKER_BACKEND (backend), NULL);
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

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (contracts); i++)
    for (const char *const *rule = contracts[i].list (); *rule != NULL; rule++)
      {
        g_autofree char *path = g_strdup_printf ("/contract/%s/redis/%s", contracts[i].name, *rule);

        g_test_add_data_func (path, *rule, contracts[i].test);
      }

  redis = grel_test_redis_new (NULL);
  status = g_test_run ();
  grel_test_redis_free (redis);
  return status;
}
