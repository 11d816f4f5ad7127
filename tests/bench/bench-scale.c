/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-bench.h"
#include "grel-test.h"

/* What the number of names and of threads does to circuit breakers and caches; bench-lock.c has the
 * same for locks. Everything is in memory, and the app is open in a thread of its own. */

typedef struct _Scene Scene;

/* What is used by name. */
typedef struct
{
  void (*make) (Scene *self, const char *key);
  void (*use) (Scene *self, const char *key);
} Kind;

struct _Scene
{
  const Kind *kind;
  guint n_keys;
  GrelApp *app;
  GrelCircuitBreaker *breaker;
  GrelTTLCache *cache;
  char **keys;
  GHashTable *table;
  guint next;
};

static void
use_circuit (Scene *self, const char *key)
{
  g_autoptr (GrelCircuitBreaker) keyed = grel_circuit_breaker_get_keyed (self->breaker, key);
  guint64 ticket;

  g_assert (grel_circuit_breaker_allow (keyed, &ticket, NULL));
  grel_circuit_breaker_record_success (keyed, ticket);
}

static void
make_entry (Scene *self, const char *key)
{
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);

  grel_ttl_cache_set_from_thread (self->cache, key, value, 0, NULL, NULL, NULL);
}

static void
use_entry (Scene *self, const char *key)
{
  g_autoptr (GBytes) value = grel_ttl_cache_get_from_thread (self->cache, key, NULL, NULL);

  g_assert (value != NULL);
}

static const Kind circuits = { use_circuit, use_circuit };
static const Kind entries = { make_entry, use_entry };

static void
set_up_empty (gpointer data)
{
  g_autoptr (GError) error = NULL;
  Scene *self = data;

  self->app = grel_app_new_for_uri ("memory:", NULL);
  grel_app_open_in_thread (self->app, &error);
  g_assert_no_error (error);
  self->breaker = grel_circuit_breaker_new ("host");
  grel_circuit_breaker_set_max_keyed (self->breaker, 0);
  self->cache = grel_ttl_cache_new (G_TIME_SPAN_DAY);
}

static void
set_up (gpointer data)
{
  Scene *self = data;

  set_up_empty (data);
  self->next = 0;
  self->n_keys = grel_bench_scale (self->n_keys);
  self->keys = g_new0 (char *, self->n_keys + 1);
  for (guint i = 0; i < self->n_keys; i++)
    {
      self->keys[i] = g_strdup_printf ("user:%u", i);
      self->kind->make (self, self->keys[i]);
    }
}

static void
tear_down_empty (gpointer data)
{
  Scene *self = data;

  g_object_unref (self->breaker);
  g_object_unref (self->cache);
  grel_app_close_from_thread (self->app, NULL, NULL);
  g_object_unref (self->app);
}

static void
tear_down (gpointer data)
{
  g_strfreev (((Scene *) data)->keys);
  tear_down_empty (data);
}

static void
one_key (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    self->kind->use (self, self->keys[0]);
}

/* Key after key, in an order that no cache guesses. */
static void
many_keys (gpointer data, guint64 n)
{
  Scene *self = data;

  for (guint64 i = 0; i < n; i++)
    {
      self->kind->use (self, self->keys[self->next % self->n_keys]);
      self->next = self->next * 1664525 + 1013904223;
    }
}

/* Each thread has a key of its own. */
static void
own_key (gpointer data, guint64 n)
{
  Scene *self = data;
  const char *key = self->keys[g_atomic_int_add (&self->next, 1) % self->n_keys];

  for (guint64 i = 0; i < n; i++)
    self->kind->use (self, key);
}

/* Memory: a key that was used once, and what a table needs for it. */

static void
make_keys (gpointer data, guint64 n)
{
  Scene *self = data;
  char key[32];

  for (guint64 i = 0; i < n; i++)
    {
      g_snprintf (key, sizeof key, "user:%" G_GUINT64_FORMAT, i);
      self->kind->make (self, key);
    }
}

static void
fill_table (gpointer data, guint64 n)
{
  Scene *self = data;

  self->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint64 i = 0; i < n; i++)
    g_hash_table_add (self->table, g_strdup_printf ("user:%" G_GUINT64_FORMAT, i));
}

static void
tear_down_memory (gpointer data)
{
  g_clear_pointer (&((Scene *) data)->table, g_hash_table_unref);
  tear_down_empty (data);
}

#define NAMES(name) name, "one key", many_keys, one_key, set_up, tear_down
#define THREADS(name) name, "one thread", own_key, own_key, set_up, tear_down
#define MEMORY(name)                                                                               \
  name, "a key in a GHashTable", make_keys, fill_table, set_up_empty, tear_down_memory

static const struct
{
  GrelBenchRow row;
  const Kind *kind;
  guint n_keys;
} rows[] = {
  { { NAMES ("circuits/names/1") }, &circuits, 1 },
  { { NAMES ("circuits/names/1000") }, &circuits, 1000 },
  { { NAMES ("circuits/names/100000") }, &circuits, 100000 },
  { { NAMES ("circuits/names/1000000") }, &circuits, 1000000 },
  { { MEMORY ("circuits/memory"), .measure = GREL_BENCH_MEMORY }, &circuits, 1 },
  { { THREADS ("circuits/threads/2"), .n_workers = 2, .n_reference_workers = 1, .is_spread = TRUE },
    &circuits,
    2 },
  { { THREADS ("circuits/threads/64"), .n_workers = 64, .n_reference_workers = 1,
      .is_spread = TRUE },
    &circuits,
    64 },
  { { NAMES ("entries/names/1") }, &entries, 1 },
  { { NAMES ("entries/names/1000") }, &entries, 1000 },
  { { NAMES ("entries/names/100000") }, &entries, 100000 },
  { { NAMES ("entries/names/1000000") }, &entries, 1000000 },
  { { MEMORY ("entries/memory"), .measure = GREL_BENCH_MEMORY }, &entries, 1 },
  { { THREADS ("entries/threads/2"), .n_workers = 2, .n_reference_workers = 1, .is_spread = TRUE },
    &entries,
    2 },
  { { THREADS ("entries/threads/64"), .n_workers = 64, .n_reference_workers = 1,
      .is_spread = TRUE },
    &entries,
    64 },
};

int
main (int argc, char **argv)
{
  grel_bench_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      Scene scene = { .kind = rows[i].kind, .n_keys = rows[i].n_keys };
      GrelBenchRow row = rows[i].row;

      row.data = &scene;
      grel_bench_run (&row);
    }
  return 0;
}
