/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract-lock.h"
#include "grel-test-redis.h"

/* The contract suites, over a server that goes by a clock of its own. */

static GrelTestRedis *redis;

static void
test_lock_rule (gconstpointer rule)
{
  g_autofree char *query = g_strdup_printf ("prefix=%s:", (const char *) rule);
  g_autofree char *uri = grel_test_redis_get_uri (redis, query);
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelProvider) provider = grel_provider_new_for_uri (uri, &error);
  g_autoptr (GrelBackend) backend = NULL;

  g_assert_no_error (error);
  backend = grel_provider_create_backend (provider, GREL_TYPE_LOCK_BACKEND, &error);
  g_assert_no_error (error);
  grel_test_lock_contract_run (rule, GREL_LOCK_BACKEND (backend), NULL);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  for (const char *const *rule = grel_test_lock_contract_list (); *rule != NULL; rule++)
    {
      g_autofree char *path = g_strdup_printf ("/contract/lock/redis/%s", *rule);

      g_test_add_data_func (path, *rule, test_lock_rule);
    }

  redis = grel_test_redis_new (NULL);
  status = g_test_run ();
  grel_test_redis_free (redis);
  return status;
}
