/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-bench.h"
#include "grel-test.h"

/* A cache in memory; the app is open in a thread of its own. The least that any cache has to do is
 * a mutex, a look-up of a string, a reference to the value and a look at the clock. */
typedef struct
{
  GrelApp *app;
  GrelTTLCache *cache;
  guint max_size;
  gboolean finds_backend; /* in the app, at each use */
  char **keys;
  GHashTable *table;
  GMutex mutex;
  int n_walks; /* so far */
} Scene;

#define N_KEYS 10000

static void
set_up_empty (gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelBackend) backend = NULL;
  Scene *self = data;

  self->app = grel_app_new_for_uri ("memory:", NULL);
  grel_app_open_in_thread (self->app, &error);
  g_assert_no_error (error);
  self->cache = grel_ttl_cache_new (G_TIME_SPAN_DAY);
  grel_ttl_cache_set_max_size (self->cache, self->max_size);
  backend = grel_app_get_backend (self->app, GREL_TYPE_CACHE_BACKEND, NULL, NULL);
  if (!self->finds_backend)
    grel_ttl_cache_set_backend (self->cache, GREL_CACHE_BACKEND (backend));
}

static void
set (Scene *self, const char *key)
{
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);

  grel_ttl_cache_set_from_thread (self->cache, key, value, 0, NULL, NULL, NULL);
}

static void
set_up (gpointer data)
{
  Scene *self = data;

  set_up_empty (self);
  g_mutex_init (&self->mutex);
  self->table
    = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_bytes_unref);
  self->keys = g_new0 (char *, N_KEYS + 1);
  for (guint i = 0; i < N_KEYS; i++)
    {
      self->keys[i] = g_strdup_printf ("user:%u", i);
      g_hash_table_insert (self->table, self->keys[i], g_bytes_new_static ("value", 5));
      set (self, self->keys[i]);
    }
}

static void
tear_down_empty (gpointer data)
{
  Scene *self = data;

  grel_app_close_from_thread (self->app, NULL, NULL);
  g_object_unref (self->cache);
  g_object_unref (self->app);
}

static void
tear_down (gpointer data)
{
  Scene *self = data;

  tear_down_empty (self);
  g_hash_table_unref (self->table);
  g_strfreev (self->keys);
  g_mutex_clear (&self->mutex);
}

static void
hit (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    g_bytes_unref (
      grel_ttl_cache_get_from_thread (self->cache, self->keys[i % N_KEYS], NULL, NULL));
}

static void
peek (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    g_bytes_unref (grel_ttl_cache_peek (self->cache, self->keys[i % N_KEYS]));
}

/* Every other thread has the other half of the keys. */
static void
hit_one_half (gpointer data, guint64 n)
{
  Scene *self = data;
  char **keys = self->keys + g_atomic_int_add (&self->n_walks, 1) % 2 * (N_KEYS / 2);

  for (guint64 i = 0; i < n; i++)
    g_bytes_unref (
      grel_ttl_cache_get_from_thread (self->cache, keys[i % (N_KEYS / 2)], NULL, NULL));
}

static void
do_the_least (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    {
      GBytes *value;

      grel_bench_read_clock (NULL, 1);
      g_mutex_lock (&self->mutex);
      value = g_bytes_ref (g_hash_table_lookup (self->table, self->keys[i % N_KEYS]));
      g_mutex_unlock (&self->mutex);
      g_bytes_unref (value);
    }
}

static void
replace (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    set (self, self->keys[i % N_KEYS]);
}

/* The value is one for all: it is not of interest here. */
static void
fill (gpointer data, guint64 n)
{
  Scene *self = data;
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);
  const char *tags[] = { "users", NULL };
  char key[32];

  for (guint64 i = 0; i < n; i++)
    {
      g_snprintf (key, sizeof key, "user:%" G_GUINT64_FORMAT, i);
      grel_ttl_cache_set_from_thread (self->cache, key, value, 0, tags, NULL, NULL);
    }
}

static void
fill_table (gpointer data, guint64 n)
{
  Scene *self = data;

  self->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint64 i = 0; i < n; i++)
    g_hash_table_insert (self->table, g_strdup_printf ("user:%" G_GUINT64_FORMAT, i), self);
}

static void
tear_down_memory (gpointer data)
{
  tear_down_empty (data);
  g_clear_pointer (&((Scene *) data)->table, g_hash_table_unref);
}

#define ONE_THREAD "one thread"
#define THE_LEAST "mutex, look-up, reference, clock"

static Scene unbounded, bounded = { .max_size = 2 * N_KEYS }, ambient = { .finds_backend = TRUE };

static const GrelBenchRow rows[] = {
  { "cache/hit", THE_LEAST, hit, do_the_least, set_up, tear_down, &unbounded, .target = 1.3 },
  { "cache/hit-bounded", THE_LEAST, hit, do_the_least, set_up, tear_down, &bounded, .target = 1.3 },
  { "cache/hit-ambient", THE_LEAST, hit, do_the_least, set_up, tear_down, &ambient },
  { "cache/peek", THE_LEAST, peek, do_the_least, set_up, tear_down, &bounded, .target = 1.3 },
  { "cache/two-threads/different-keys", ONE_THREAD, hit_one_half, hit_one_half, set_up, tear_down,
    &bounded, .n_workers = 2, .n_reference_workers = 1, .is_spread = TRUE, .target = 0.625 },
  { "cache/two-threads/same-keys", ONE_THREAD, hit, hit, set_up, tear_down, &bounded,
    .n_workers = 2, .n_reference_workers = 1, .is_spread = TRUE },
  { "cache/set", THE_LEAST, replace, do_the_least, set_up, tear_down, &unbounded },
  { "cache/memory", "a key in a GHashTable", fill, fill_table, set_up_empty, tear_down_memory,
    &unbounded, .measure = GREL_BENCH_MEMORY },
};

int
main (int argc, char **argv)
{
  grel_bench_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    grel_bench_run (&rows[i]);
  return 0;
}
