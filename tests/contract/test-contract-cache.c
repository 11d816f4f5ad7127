/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract-cache.h"
#include "grel-test-cache-store.h"

/* Every adapter: one line. */
static const struct
{
  const char *name;
  GType (*get_type) (void);
  gboolean goes_by_our_clock;
} adapters[] = {
  { "memory", grel_memory_cache_adapter_get_type, TRUE },
  { "another-store", grel_test_cache_store_get_type, TRUE },
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
  g_autoptr (GrelCacheBackend) backend = g_object_new (adapters[test->adapter].get_type (), NULL);
  g_autoptr (GrelVirtualClock) clock
    = adapters[test->adapter].goes_by_our_clock ? grel_virtual_clock_new () : NULL;

  grel_test_cache_contract_run (test->rule, backend, clock);
}

int
main (int argc, char **argv)
{
  const char *const *rules = grel_test_cache_contract_list ();

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (adapters); i++)
    for (guint j = 0; rules[j] != NULL; j++)
      {
        g_autofree char *path
          = g_strdup_printf ("/contract/cache/%s/%s", adapters[i].name, rules[j]);
        Case *test = g_new (Case, 1);

        test->adapter = i;
        test->rule = rules[j];
        g_test_add_data_func_full (path, test, test_rule, g_free);
      }
  return g_test_run ();
}
