/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/memory/grel-memory-cache-hit-private.h>

/* What goes when a bounded cache is full, while others use it. A stamp says when something was
 * used. */

typedef struct
{
  GrelMemoryCache cache;
  GrelCacheAccount *account;
  GBytes *value;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  grel_memory_cache_init (&self->cache);
  self->account = g_atomic_rc_box_new0 (GrelCacheAccount);
  self->account->max_size = 2;
  self->value = g_bytes_new_static ("value", 5);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  grel_memory_cache_clear (&self->cache);
  g_atomic_rc_box_release (self->account);
  g_bytes_unref (self->value);
}

static void
set (Fixture *self, const char *key, gint64 stamp)
{
  const GrelCacheRecord record = { .value = self->value, .ttl = G_TIME_SPAN_HOUR };

  grel_memory_cache_set (&self->cache, grel_memory_cache_make_key (key), &record, NULL,
                         self->account, 0, stamp);
}

static gboolean
use (Fixture *self, const char *key, gint64 stamp)
{
  GrelCacheRecord record = { NULL };
  g_autoptr (GBytes) value = NULL;

  grel_memory_cache_get (&self->cache, grel_memory_cache_make_key (key), 0, stamp, &record);
  value = record.value;
  return value != NULL;
}

static void
what_was_not_used_for_longest_goes (Fixture *self, gconstpointer data)
{
  set (self, "one", 1);
  set (self, "two", 2);
  g_assert_true (use (self, "one", 3));
  set (self, "three", 4);

  g_assert_true (use (self, "one", 5));
  g_assert_false (use (self, "two", 5));
  g_assert_true (use (self, "three", 5));
}

/* Or nothing new would ever get into a small cache that many threads use all the time. */
static void
what_is_set_stays_whatever_others_use_meanwhile (Fixture *self, gconstpointer data)
{
  set (self, "one", 1);
  set (self, "two", 2);
  g_assert_true (use (self, "one", 11));
  g_assert_true (use (self, "two", 12));
  set (self, "three", 5);

  g_assert_true (use (self, "three", 13));
  g_assert_cmpint (self->account->size, ==, 2);
  g_assert_cmpint (self->account->evictions, ==, 1);
}

static void
what_others_set_meanwhile_stays_too (Fixture *self, gconstpointer data)
{
  set (self, "one", 1);
  set (self, "two", 10);
  set (self, "three", 5);
  g_assert_true (use (self, "two", 11));
  g_assert_true (use (self, "three", 11));

  set (self, "four", 12);
  set (self, "five", 3);
  g_assert_true (use (self, "four", 13));
  g_assert_cmpint (self->account->size, ==, 2);
}

#define ADD(test) g_test_add ("/memory-cache-order/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (what_was_not_used_for_longest_goes);
  ADD (what_is_set_stays_whatever_others_use_meanwhile);
  ADD (what_others_set_meanwhile_stays_too);

  return g_test_run ();
}
