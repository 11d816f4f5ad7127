/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test.h"

#include <malloc.h>
#include <string.h>

/*
 * What a cache in memory costs: how many bytes an entry takes beyond its key, its value and its
 * tags, and how long a hit takes a thread, as against the least that any cache has to do: a mutex,
 * a look-up of a string, a reference to the value and a look at the clock.
 */
#define TTL G_TIME_SPAN_DAY
#define MOST_BYTES 200
#define N_KEYS 1000

static GrelTTLCache *cache;

static void
set_up (guint n_entries)
{
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);

  for (guint i = 0; i < n_entries; i++)
    {
      g_autofree char *key = g_strdup_printf ("user:%u", i);
      g_autofree char *tag = g_strdup_printf ("group:%u", i % N_KEYS);
      const char *tags[] = { tag, NULL };

      if (!grel_ttl_cache_set_from_thread (cache, key, value, 0, tags, NULL, NULL))
        g_error ("the cache is not open");
    }
}

static gsize
get_allocated (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* The value is one for all. The tags of an entry are the names; that it has them is our business.
 */
static double
measure_bytes (guint n_entries)
{
  gsize before, n_key_bytes = 0;

  grel_ttl_cache_clear_from_thread (cache, NULL, NULL);
  before = get_allocated ();
  set_up (n_entries);
  for (guint i = 0; i < n_entries; i++)
    n_key_bytes += g_snprintf (NULL, 0, "user:%u", i) + 1;

  return (double) (get_allocated () - before - n_key_bytes) / n_entries;
}

static double
measure_hit (guint n_rounds, char **keys)
{
  gint64 began = g_get_monotonic_time ();

  for (guint i = 0; i < n_rounds; i++)
    g_bytes_unref (grel_ttl_cache_get_from_thread (cache, keys[i % N_KEYS], NULL, NULL));
  return (g_get_monotonic_time () - began) * 1000.0 / n_rounds;
}

static double
measure_least (guint n_rounds, char **keys)
{
  g_autoptr (GHashTable) table
    = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_bytes_unref);
  GrelClock *clock = grel_clock_get_real ();
  volatile gint64 now;
  GMutex mutex;
  gint64 began;

  g_mutex_init (&mutex);
  for (guint i = 0; i < N_KEYS; i++)
    g_hash_table_insert (table, keys[i], g_bytes_new_static ("value", 5));

  began = g_get_monotonic_time ();
  for (guint i = 0; i < n_rounds; i++)
    {
      GBytes *value;

      now = grel_clock_get_monotonic_time (clock);
      g_mutex_lock (&mutex);
      value = g_bytes_ref (g_hash_table_lookup (table, keys[i % N_KEYS]));
      g_mutex_unlock (&mutex);
      g_bytes_unref (value);
    }
  g_mutex_clear (&mutex);
  return (g_get_monotonic_time () - began) * 1000.0 / n_rounds + 0 * now;
}

int
main (int argc, char **argv)
{
  gboolean is_short = argc > 1 && g_str_equal (argv[1], "--short");
  guint n_rounds = is_short ? 10000 : 3000000;
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
  double n_bytes, least, hit;

  if (!grel_app_open_in_thread (app, NULL))
    g_error ("could not open");
  cache = grel_ttl_cache_new (TTL);
  grel_ttl_cache_set_backend (cache,
                              GREL_CACHE_BACKEND (
                                grel_app_get_backend (app, GREL_TYPE_CACHE_BACKEND, NULL, NULL)));
  g_object_unref (grel_ttl_cache_get_backend (cache));

  n_bytes = measure_bytes (is_short ? 100000 : 1000000);
  g_print ("%.0f bytes per entry beyond key, value and tags\n", n_bytes);

  for (guint i = 0; i < N_KEYS; i++)
    g_ptr_array_add (keys, g_strdup_printf ("user:%u", i));
  least = measure_least (n_rounds, (char **) keys->pdata);
  hit = measure_hit (n_rounds, (char **) keys->pdata);
  g_print ("%.0f ns per hit, %.2f times the least\n", hit, hit / least);

  g_object_unref (cache);
  grel_app_close_from_thread (app, NULL, NULL);
  return n_bytes < MOST_BYTES ? 0 : 1;
}
