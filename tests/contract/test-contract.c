/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract-cache.h"
#include "contract-circuit-breaker.h"
#include "contract-lock.h"
#include "grel-test-cache-store.h"
#include "grel-test-circuit-store.h"
#include "grel-test-store.h"

/* The contract suites, over every adapter that needs no server. */

static void
run_cache_rule (const char *rule, gpointer backend, GrelVirtualClock *clock)
{
  grel_test_cache_contract_run (rule, backend, clock);
}

static void
run_circuit_breaker_rule (const char *rule, gpointer backend, GrelVirtualClock *clock)
{
  grel_test_circuit_breaker_contract_run (rule, backend, clock);
}

static void
run_lock_rule (const char *rule, gpointer backend, GrelVirtualClock *clock)
{
  grel_test_lock_contract_run (rule, backend, clock);
}

typedef struct
{
  const char *name;
  const char *const *(*list) (void);
  void (*run) (const char *rule, gpointer backend, GrelVirtualClock *clock);
} Suite;

static const Suite cache = { "cache", grel_test_cache_contract_list, run_cache_rule };
static const Suite circuit_breaker
  = { "circuit-breaker", grel_test_circuit_breaker_contract_list, run_circuit_breaker_rule };
static const Suite lock = { "lock", grel_test_lock_contract_list, run_lock_rule };

/* Every adapter: one line. All of them go by our clock. */
static const struct
{
  const Suite *suite;
  const char *name;
  GType (*get_type) (void);
} adapters[] = {
  { &cache, "memory", grel_memory_cache_adapter_get_type },
  { &cache, "another-store", grel_test_cache_store_get_type },
  { &circuit_breaker, "memory", grel_memory_circuit_breaker_adapter_get_type },
  { &circuit_breaker, "another-store", grel_test_circuit_store_get_type },
  { &lock, "memory", grel_memory_lock_adapter_get_type },
  { &lock, "another-store", grel_test_store_get_type },
};

typedef struct
{
  guint adapter;
  const char *rule;
} Case;

static void
test_rule (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GObject) backend = g_object_new (adapters[test->adapter].get_type (), NULL);
  g_autoptr (GrelVirtualClock) clock = grel_virtual_clock_new ();

  adapters[test->adapter].suite->run (test->rule, backend, clock);
}

static void
add_adapter (guint adapter)
{
  const Suite *suite = adapters[adapter].suite;

  for (const char *const *rule = suite->list (); *rule != NULL; rule++)
    {
      g_autofree char *path
        = g_strdup_printf ("/contract/%s/%s/%s", suite->name, adapters[adapter].name, *rule);
      Case *test = g_new (Case, 1);

      *test = (Case){ adapter, *rule };
      g_test_add_data_func_full (path, test, test_rule, g_free);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (adapters); i++)
    add_adapter (i);
  return g_test_run ();
}
