/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/memory/grel-memory-cache-table-private.h>

#include <sys/wait.h>
#include <unistd.h>

/* How keys are found in the memory of a cache. */

#define N_ENTRIES 10000

static GrelMemoryCacheEntry *
make_entry (guint i)
{
  GrelMemoryCacheEntry *entry = g_new0 (GrelMemoryCacheEntry, 1);

  entry->key = grel_memory_cache_make_bare_key (g_strdup_printf ("user:%u", i));
  return entry;
}

static void
free_entry (gpointer data)
{
  GrelMemoryCacheEntry *entry = data;

  g_free ((char *) entry->key.text);
  g_free (entry);
}

static void
the_prefix_of_caches_tells_keys_apart (void)
{
  GrelMemoryCacheKey with = grel_memory_cache_make_key ("cache:key");
  GrelMemoryCacheKey bare = grel_memory_cache_make_bare_key ("key");
  GrelMemoryCacheKey without = grel_memory_cache_make_key ("key");

  g_assert_cmpstr (with.text, ==, bare.text);
  g_assert_cmpuint (with.hash, ==, bare.hash);
  g_assert_cmpuint (with.hash, !=, without.hash);
}

/* Also where nothing but the last byte differs. */
static void
keys_spread_evenly (gconstpointer data)
{
  guint shift = GPOINTER_TO_UINT (data);
  guint n_keys[GREL_MEMORY_CACHE_N_SHARDS] = { 0 };
  char key[32];

  for (guint i = 0; i < N_ENTRIES; i++)
    {
      g_snprintf (key, sizeof key, "user:%u", i);
      n_keys[grel_memory_cache_make_bare_key (key).hash >> shift & (G_N_ELEMENTS (n_keys) - 1)]++;
    }
  for (guint i = 0; i < G_N_ELEMENTS (n_keys); i++)
    {
      g_assert_cmpuint (n_keys[i], >, N_ENTRIES / G_N_ELEMENTS (n_keys) / 2);
      g_assert_cmpuint (n_keys[i], <, N_ENTRIES / G_N_ELEMENTS (n_keys) * 2);
    }
}

static void
keys_of_every_length_are_told_apart (void)
{
  g_autoptr (GHashTable) hashes = g_hash_table_new (NULL, NULL);
  g_autofree char *filler = g_strnfill (40, 'k');

  for (guint i = 0; i <= 40; i++)
    g_hash_table_add (hashes, GUINT_TO_POINTER (grel_memory_cache_make_bare_key (filler + i).hash));
  g_assert_cmpuint (g_hash_table_size (hashes), ==, 41);
}

static void
what_is_in_is_found_while_it_grows_and_shrinks (void)
{
  GrelMemoryCacheTable table = { NULL };
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (free_entry);

  grel_memory_cache_table_init (&table);
  for (guint i = 0; i < N_ENTRIES; i++)
    {
      g_ptr_array_add (entries, make_entry (i));
      g_assert_null (
        grel_memory_cache_table_find (&table, ((GrelMemoryCacheEntry *) entries->pdata[i])->key));
      grel_memory_cache_table_add (&table, entries->pdata[i]);
    }
  g_assert_cmpuint (table.n_buckets, >=, N_ENTRIES / 2);

  for (guint i = 0; i < N_ENTRIES; i++)
    {
      GrelMemoryCacheEntry *entry = entries->pdata[i];

      g_assert_true (grel_memory_cache_table_find (&table, entry->key) == entry);
      grel_memory_cache_table_remove (&table, entry);
      g_assert_null (grel_memory_cache_table_find (&table, entry->key));
    }
  g_assert_cmpuint (table.n_entries, ==, 0);
  g_assert_cmpuint (table.n_buckets, <, 64);
  grel_memory_cache_table_clear (&table);
}

/* A thread of the parent may hold each of the mutexes at that moment. */
static void
the_copy_that_the_child_of_a_fork_has_can_be_cleared (void)
{
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);
  const GrelCacheRecord record = { .value = value, .ttl = 1 };
  GrelMemoryCache cache = { NULL };
  GMutex *reading[GREL_MEMORY_CACHE_N_SHARDS] = { NULL };
  int status = 1;
  pid_t child;

  grel_memory_cache_init (&cache);
  grel_memory_cache_set (&cache, grel_memory_cache_make_key ("cache:key"), &record, NULL, NULL, 0,
                         0);
  g_mutex_lock (&cache.bounds_mutex);
  g_mutex_lock (&cache.pools_mutex);
  grel_readers_lock_write (&cache.shards[0].lock);
  for (guint i = 1; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    reading[i] = grel_readers_lock_read (&cache.shards[i].lock);

  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      grel_memory_cache_clear (&cache);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);

  for (guint i = 1; i < GREL_MEMORY_CACHE_N_SHARDS; i++)
    g_mutex_unlock (reading[i]);
  grel_readers_lock_end_write (&cache.shards[0].lock);
  g_mutex_unlock (&cache.pools_mutex);
  g_mutex_unlock (&cache.bounds_mutex);
  grel_memory_cache_clear (&cache);
}

#define ADD(test) g_test_add_func ("/memory-cache-table/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (the_prefix_of_caches_tells_keys_apart);
  ADD (keys_of_every_length_are_told_apart);
  ADD (the_copy_that_the_child_of_a_fork_has_can_be_cleared);
  ADD (what_is_in_is_found_while_it_grows_and_shrinks);
  g_test_add_data_func ("/memory-cache-table/keys_spread_evenly/shards", GUINT_TO_POINTER (28),
                        keys_spread_evenly);
  g_test_add_data_func ("/memory-cache-table/keys_spread_evenly/buckets", GUINT_TO_POINTER (1),
                        keys_spread_evenly);
  return g_test_run ();
}
