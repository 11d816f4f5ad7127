/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"

#include <malloc.h>

/* What the contract of cache backends does not say. */

#define TTL GREL_TEST_TTL
#define N_THREADS 8
#define N_ROUNDS 3000
#define N_ENTRIES 1000000
#define N_ENTRIES_SLOW 20000 /* where GREL_TEST_RUNS says that things are slow */
#define N_TAGS 1000

typedef struct
{
  GMainContext *context;
  GrelVirtualClock *clock;
  GrelCacheBackend *adapter;
  GrelCacheBackendClass *klass;
  GrelCacheAccount *account;
  int n_freed; /* values */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->context = g_main_context_new ();
  g_main_context_push_thread_default (fixture->context);
  fixture->clock = grel_virtual_clock_new ();
  fixture->adapter = GREL_CACHE_BACKEND (grel_memory_cache_adapter_new ());
  fixture->klass = GREL_CACHE_BACKEND_GET_CLASS (fixture->adapter);
  fixture->account = g_atomic_rc_box_new0 (GrelCacheAccount);
  grel_backend_set_clock (GREL_BACKEND (fixture->adapter), GREL_CLOCK (fixture->clock));
  grel_test_backend_open (GREL_BACKEND (fixture->adapter), &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  grel_test_backend_close (GREL_BACKEND (fixture->adapter), NULL);
  g_assert_finalize_object (fixture->adapter);
  g_object_unref (fixture->clock);
  g_atomic_rc_box_release (fixture->account);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

static void
count_freed (gpointer data)
{
  g_atomic_int_inc ((int *) data);
}

static GBytes *
make_value (Fixture *fixture)
{
  return g_bytes_new_with_free_func ("value", 5, count_freed, &fixture->n_freed);
}

static void
set (Fixture *fixture, const char *key, GTimeSpan ttl, const char *tag)
{
  g_autoptr (GBytes) value = make_value (fixture);
  const GrelCacheRecord record = { .value = value, .ttl = ttl };
  const char *tags[] = { tag, NULL };

  fixture->klass->try_set (fixture->adapter, key, &record, tags, fixture->account);
  fixture->klass->try_tidy (fixture->adapter);
}

static gboolean
has (Fixture *fixture, const char *key)
{
  GrelCacheRecord record = { NULL };
  gboolean found = fixture->klass->try_get (fixture->adapter, key, &record);

  g_clear_pointer (&record.value, g_bytes_unref);
  return found;
}

static guint
get_size (Fixture *fixture)
{
  return g_atomic_int_get (&fixture->account->size);
}

static void
its_scope_is_the_process (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (grel_backend_get_scope (GREL_BACKEND (fixture->adapter)), ==,
                   GREL_SCOPE_PROCESS);
}

static void
values_are_kept_by_reference (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) value = make_value (fixture);
  const GrelCacheRecord record = { .value = value, .ttl = TTL };
  GrelCacheRecord found = { NULL };

  fixture->klass->try_set (fixture->adapter, "key", &record, NULL, NULL);
  g_assert_true (fixture->klass->try_get (fixture->adapter, "key", &found));
  g_assert_true (found.value == value);
  g_bytes_unref (found.value);
}

static void
a_value_tells_how_fresh_it_is (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) value = make_value (fixture);
  const GrelCacheRecord record = { .value = value, .ttl = 10, .stale_ttl = 5, .load_time = 3 };
  GrelCacheRecord found = { NULL };

  fixture->klass->try_set (fixture->adapter, "key", &record, NULL, NULL);
  grel_virtual_clock_advance (fixture->clock, 12);
  g_assert_true (fixture->klass->try_get (fixture->adapter, "key", &found));
  g_assert_cmpint (found.ttl, ==, 10);
  g_assert_cmpint (found.stale_ttl, ==, 5);
  g_assert_cmpint (found.load_time, ==, 3);
  g_assert_cmpint (found.remaining, ==, -2);
  g_bytes_unref (found.value);
  grel_virtual_clock_advance (fixture->clock, 3);
  g_assert_false (has (fixture, "key"));
}

static void
a_key_with_the_prefix_of_caches_is_found_without_it (Fixture *fixture, gconstpointer data)
{
  GrelCacheRecord record = { NULL };

  set (fixture, "cache:key", TTL, NULL);
  set (fixture, "other", TTL, NULL);
  g_assert_true (fixture->klass->try_hit (fixture->adapter, "key", &record));
  g_bytes_unref (record.value);
  g_assert_false (fixture->klass->try_hit (fixture->adapter, "other", &record));
  g_assert_false (fixture->klass->try_hit (fixture->adapter, "cache:key", &record));
  g_assert_false (has (fixture, "key"));
  g_assert_true (has (fixture, "cache:key"));
  g_assert_true (has (fixture, "other"));
}

/* Uses all of them, in a random order. */
static void
use_in_order (Fixture *fixture, char **keys, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      guint j = g_random_int_range (i, n);
      char *key = keys[j];

      keys[j] = keys[i];
      keys[i] = key;
      g_assert_true (has (fixture, key));
    }
}

static void
what_was_not_used_for_longest_goes_first (Fixture *fixture, gconstpointer data)
{
  const guint n = 2000; /* more in each shard than are placed in one go */
  g_autofree char **keys = g_new0 (char *, n);
  char text[16];

  fixture->account->max_size = n;
  for (guint i = 0; i < n; i++)
    {
      keys[i] = g_strdup_printf ("%u", i);
      set (fixture, keys[i], TTL, NULL);
    }
  use_in_order (fixture, keys, n);
  use_in_order (fixture, keys, n);

  for (guint i = 0; i < n; i++)
    {
      g_snprintf (text, sizeof text, "new %u", i);
      set (fixture, text, TTL, NULL);
      g_assert_false (has (fixture, keys[i]));
      g_assert_cmpuint (get_size (fixture), ==, n);
      g_assert_cmpuint (fixture->account->evictions, ==, i + 1);
      g_free (keys[i]);
    }
}

static void
a_tag_deletes_all_that_have_it_wherever_they_are (Fixture *fixture, gconstpointer data)
{
  const char *tags[] = { "odd", NULL };

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      set (fixture, key, TTL, i % 2 ? "odd" : "even");
    }
  fixture->klass->try_delete_tags (fixture->adapter, tags);
  fixture->klass->try_tidy (fixture->adapter);
  g_assert_cmpint (fixture->n_freed, ==, 500);
  g_assert_cmpuint (get_size (fixture), ==, 500);
}

static void
what_expired_is_freed_without_a_call (Fixture *fixture, gconstpointer data)
{
  set (fixture, "short", TTL, "red");
  set (fixture, "long", 2 * TTL, "red");
  grel_test_pass_time (fixture->clock, TTL - 1);
  g_assert_cmpint (fixture->n_freed, ==, 0);
  grel_test_pass_time (fixture->clock, 1);
  g_assert_cmpint (fixture->n_freed, ==, 1);
  g_assert_cmpuint (get_size (fixture), ==, 1);
  grel_test_pass_time (fixture->clock, TTL);
  g_assert_cmpint (fixture->n_freed, ==, 2);
}

static void
a_shorter_time_is_heeded_after_a_longer_one (Fixture *fixture, gconstpointer data)
{
  set (fixture, "key", 10 * TTL, NULL);
  set (fixture, "other", 5 * TTL, NULL);
  set (fixture, "key", TTL, NULL);
  grel_test_pass_time (fixture->clock, TTL);
  g_assert_cmpuint (get_size (fixture), ==, 1);
  g_assert_true (has (fixture, "other"));
}

static void
what_was_replaced_or_deleted_is_freed_at_once (Fixture *fixture, gconstpointer data)
{
  const char *tags[] = { "red", NULL };

  set (fixture, "1", TTL, NULL);
  set (fixture, "1", TTL, NULL);
  g_assert_cmpint (fixture->n_freed, ==, 1);
  fixture->klass->try_delete (fixture->adapter, "1");
  fixture->klass->try_tidy (fixture->adapter);
  g_assert_cmpint (fixture->n_freed, ==, 2);
  set (fixture, "2", TTL, "red");
  fixture->klass->try_delete_tags (fixture->adapter, tags);
  fixture->klass->try_tidy (fixture->adapter);
  g_assert_cmpint (fixture->n_freed, ==, 3);
}

static void
a_close_frees_everything (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      set (fixture, key, TTL, i % 2 ? "odd" : "even");
    }
  grel_test_backend_close (GREL_BACKEND (fixture->adapter), NULL);
  g_assert_cmpint (fixture->n_freed, ==, 100);
  g_assert_cmpuint (get_size (fixture), ==, 0);
  grel_test_backend_open (GREL_BACKEND (fixture->adapter), NULL);
  g_assert_false (has (fixture, "1"));
  set (fixture, "1", TTL, NULL);
  grel_test_pass_time (fixture->clock, TTL);
  g_assert_cmpint (fixture->n_freed, ==, 101);
}

typedef struct
{
  GrelTTLCache *cache;
  guint n_calls;
} Reentry;

static void
use_the_cache (gpointer data)
{
  Reentry *reentry = data;

  reentry->n_calls++;
  grel_ttl_cache_delete_async (reentry->cache, "other", NULL, NULL, NULL);
}

static void
a_value_may_use_the_cache_while_it_is_freed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelTTLCache) cache = grel_ttl_cache_new (TTL);
  Reentry reentry = { cache };
  const char *tags[] = { "red", NULL };

  grel_ttl_cache_set_backend (cache, fixture->adapter);
  grel_ttl_cache_set_max_size (cache, 1);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);
      g_autoptr (GBytes) value = g_bytes_new_with_free_func ("", 0, use_the_cache, &reentry);

      grel_ttl_cache_set_async (cache, key, value, 0, tags, NULL, NULL, NULL); /* evicts */
    }
  g_assert_cmpuint (reentry.n_calls, ==, 3);
  grel_ttl_cache_delete_tags_async (cache, tags, NULL, NULL, NULL);
  g_assert_cmpuint (reentry.n_calls, ==, 4);
  grel_test_settle ();
}

static guint
count_turns_until_empty (Fixture *fixture, guint *most_at_once)
{
  guint n_turns = 0;

  *most_at_once = 0;
  while (get_size (fixture) > 0)
    {
      guint before = get_size (fixture);

      if (!g_main_context_iteration (fixture->context, FALSE))
        break;
      *most_at_once = MAX (*most_at_once, before - get_size (fixture));
      n_turns++;
    }
  return n_turns;
}

static void
a_turn_of_the_loop_frees_a_bounded_number (Fixture *fixture, gconstpointer data)
{
  guint n_turns, most_at_once;

  for (guint i = 0; i < 10000; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      set (fixture, key, TTL, NULL);
    }
  grel_virtual_clock_advance (fixture->clock, TTL);
  n_turns = count_turns_until_empty (fixture, &most_at_once);
  g_assert_cmpuint (get_size (fixture), ==, 0);
  g_assert_cmpuint (most_at_once, <=, 1000);
  g_assert_cmpuint (n_turns, <=, 20);
}

/* At every moment those are there, and only those, whose time has not come. */
static void
a_million_entries_are_gone_when_their_time_has_come (Fixture *fixture, gconstpointer data)
{
  g_autofree guint *n_expiring = g_new0 (guint, 60);
  guint n_entries = g_getenv ("GREL_TEST_RUNS") != NULL ? N_ENTRIES_SLOW : N_ENTRIES;
  guint n_left = n_entries;
  g_autoptr (GRand) rand = g_rand_new_with_seed (g_test_rand_int ());
  char key[32], tag[32];

  for (guint i = 0; i < n_entries; i++)
    {
      gint64 ttl = g_rand_int_range (rand, 1, 60 * 1000000);

      g_snprintf (key, sizeof key, "cache:%u", i);
      g_snprintf (tag, sizeof tag, "tag:%u", i % N_TAGS);
      set (fixture, key, ttl, tag);
      n_expiring[(ttl - 1) / 1000000]++;
    }
  g_assert_cmpuint (get_size (fixture), ==, n_entries);

  for (guint second = 0; second < 60; second++)
    {
      grel_test_pass_time (fixture->clock, G_TIME_SPAN_SECOND);
      n_left -= n_expiring[second];
      g_assert_cmpuint (get_size (fixture), ==, n_left);
    }
  g_assert_cmpint (fixture->n_freed, ==, n_entries);
}

static gint64
get_allocated (void)
{
  struct mallinfo2 info = mallinfo2 (); /* nothing under a sanitizer, which has its own */

  return info.uordblks + info.hblkhd;
}

static void
an_entry_takes_less_than_200_bytes_beyond_what_it_keeps (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) value = make_value (fixture); /* one for all */
  const GrelCacheRecord record = { .value = value, .ttl = TTL };
  const char *tags[] = { "red", NULL };
  gint64 before = get_allocated (), n_key_bytes = 0;
  guint n_entries = N_ENTRIES / 10;
  char key[32];

  for (guint i = 0; i < n_entries; i++)
    {
      n_key_bytes += g_snprintf (key, sizeof key, "cache:%u", i) + 1;
      fixture->klass->try_set (fixture->adapter, key, &record, tags, fixture->account);
    }
  g_assert_cmpint ((get_allocated () - before - n_key_bytes) / n_entries, <, 200);
}

static gpointer
hammer (gpointer data)
{
  Fixture *fixture = data;
  char key[16];

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      const char *tags[] = { i % 3 ? "red" : "blue", NULL };

      g_snprintf (key, sizeof key, "%d", g_random_int_range (0, 50));
      if (i % 5 == 0)
        set (fixture, key, g_random_int_range (1, TTL), tags[0]);
      else if (i % 101 == 0)
        fixture->klass->try_delete_tags (fixture->adapter, tags);
      else if (i % 7 == 0)
        fixture->klass->try_delete (fixture->adapter, key);
      else
        has (fixture, key);
      if (i % 1009 == 0)
        fixture->klass->try_clear (fixture->adapter);
      if (i % 11 == 0)
        grel_virtual_clock_advance (fixture->clock, TTL / 100);
    }
  return NULL;
}

static gpointer
hammer_and_count (gpointer data)
{
  gpointer *both = data;

  hammer (both[0]);
  g_atomic_int_add ((int *) both[1], -1);
  return NULL;
}

static void
threads_may_use_it_at_once (Fixture *fixture, gconstpointer data)
{
  GThread *threads[N_THREADS];
  int n_running = N_THREADS;
  gpointer both[] = { fixture, &n_running };

  fixture->account->max_size = 30;
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("hammer", hammer_and_count, both);
  while (g_atomic_int_get (&n_running) > 0)
    g_main_context_iteration (fixture->context, FALSE);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (get_size (fixture), <=, 30);
  grel_test_pass_time (fixture->clock, TTL);
  g_assert_cmpuint (get_size (fixture), ==, 0);
}

#define ADD(test)                                                                                  \
  g_test_add ("/memory-cache-adapter/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (its_scope_is_the_process);
  ADD (values_are_kept_by_reference);
  ADD (a_value_tells_how_fresh_it_is);
  ADD (a_key_with_the_prefix_of_caches_is_found_without_it);
  ADD (what_was_not_used_for_longest_goes_first);
  ADD (a_tag_deletes_all_that_have_it_wherever_they_are);
  ADD (what_expired_is_freed_without_a_call);
  ADD (a_shorter_time_is_heeded_after_a_longer_one);
  ADD (what_was_replaced_or_deleted_is_freed_at_once);
  ADD (a_close_frees_everything);
  ADD (a_value_may_use_the_cache_while_it_is_freed);
  ADD (a_turn_of_the_loop_frees_a_bounded_number);
  ADD (a_million_entries_are_gone_when_their_time_has_come);
  ADD (an_entry_takes_less_than_200_bytes_beyond_what_it_keeps);
  ADD (threads_may_use_it_at_once);
  return g_test_run ();
}
