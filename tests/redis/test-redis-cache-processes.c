/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-process.h"
#include "grel-test-redis.h"

#include <signal.h>

/* Several processes want the same values, at the same moment. */

#define N_PROCESSES 4
#define N_KEYS 40

static void
each_key_is_loaded_once_in_the_fleet (void)
{
  g_autoptr (GrelTestRedis) redis = grel_test_redis_new (NULL);
  g_autofree char *uri = grel_test_redis_get_uri (redis, "timeout=9&connect_timeout=9");
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "redis_loader", NULL);
  g_autoptr (GHashTable) loaded = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GSubprocess *processes[N_PROCESSES];

  for (int i = 0; i < N_PROCESSES; i++)
    processes[i]
      = grel_test_process_new ((const char *[]){ program, uri, G_STRINGIFY (N_KEYS), NULL });
  for (int i = 0; i < N_PROCESSES; i++)
    grel_test_process_wait_until_stopped (processes[i]);
  for (int i = 0; i < N_PROCESSES; i++)
    g_subprocess_send_signal (processes[i], SIGCONT);

  for (int i = 0; i < N_PROCESSES; i++)
    {
      g_auto (GStrv) keys = grel_test_process_collect (processes[i], FALSE);

      for (guint j = 0; keys[j] != NULL; j++)
        g_assert_true (g_hash_table_add (loaded, g_strdup (keys[j])));
      g_object_unref (processes[i]);
    }
  g_assert_cmpuint (g_hash_table_size (loaded), ==, N_KEYS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/redis/cache-processes/each_key_is_loaded_once_in_the_fleet",
                   each_key_is_loaded_once_in_the_fleet);
  return g_test_run ();
}
