/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract-cache.h"
#include "contract.h"
#include "grel-test-cache-scene.h"

/*
 * What every cache backend has to do. Each rule gets a backend that was never opened, and a virtual
 * clock if the backend goes by one; without it time passes for real.
 */
#define TTL (200 * G_TIME_SPAN_MILLISECOND)
#define LONG_TTL (60 * G_TIME_SPAN_SECOND)
#define KEY "cache:contract"
#define TAGS(...) ((const char *[]){ __VA_ARGS__, NULL })

static GBytes *
contract_get_value (GrelTestResult *answer)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_task_propagate_value (G_TASK (grel_test_result_wait (answer)), &value, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (answer->n_calls, ==, 1);
  return G_VALUE_HOLDS (&value, G_TYPE_BYTES) ? g_value_dup_boxed (&value) : NULL;
}

static GBytes *
contract_get (Contract *self, const char *key)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_cache_backend_get (self->backend, key, task);
  return contract_get_value (&answer);
}

static void
contract_expect (Contract *self, const char *key, const char *text)
{
  grel_test_assert_bytes (contract_get (self, key), text);
}

static void
contract_set_bytes (Contract *self,
                    const char *key,
                    GBytes *value,
                    GTimeSpan ttl,
                    const char *const *tags)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_cache_backend_set (self->backend, key, value, ttl, tags, task);
  g_assert_true (contract_get_boolean (&answer));
}

static void
contract_set (Contract *self,
              const char *key,
              const char *text,
              GTimeSpan ttl,
              const char *const *tags)
{
  g_autoptr (GBytes) value = g_bytes_new (text, strlen (text));

  contract_set_bytes (self, key, value, ttl, tags);
}

static gboolean
contract_delete (Contract *self, const char *key)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_cache_backend_delete (self->backend, key, task);
  return contract_get_boolean (&answer);
}

static void
contract_delete_tags (Contract *self, const char *const *tags)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_cache_backend_delete_tags (self->backend, tags, task);
  g_assert_true (contract_get_boolean (&answer));
}

static void
contract_clear (Contract *self)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_cache_backend_clear (self->backend, task);
  g_assert_true (contract_get_boolean (&answer));
}

static GHashTable *
contract_get_many (Contract *self, const char *const *keys)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  grel_cache_backend_get_many (self->backend, keys, task);
  g_assert_true (g_task_propagate_value (G_TASK (grel_test_result_wait (&answer)), &value, &error));
  g_assert_no_error (error);
  g_assert_true (G_VALUE_HOLDS (&value, G_TYPE_HASH_TABLE));
  return g_value_dup_boxed (&value);
}

static void
a_key_that_was_never_set_has_no_value (Contract *self)
{
  contract_expect (self, KEY, NULL);
}

static void
what_was_set_is_got (Contract *self)
{
  contract_set (self, KEY, "value", LONG_TTL, NULL);
  contract_expect (self, KEY, "value");
  contract_expect (self, KEY, "value");
}

static void
empty_bytes_are_a_value (Contract *self)
{
  contract_set (self, KEY, "", LONG_TTL, NULL);
  contract_expect (self, KEY, "");
}

static void
bytes_may_be_any_and_many (Contract *self)
{
  gsize size = 16 << 20;
  guint8 *data = g_malloc (size);
  g_autoptr (GBytes) value = NULL;
  g_autoptr (GBytes) got = NULL;

  for (gsize i = 0; i < size; i++)
    data[i] = i * 31;
  value = g_bytes_new_take (data, size);
  contract_set_bytes (self, KEY, value, LONG_TTL, NULL);
  got = contract_get (self, KEY);
  g_assert_true (g_bytes_equal (got, value));
}

static void
a_key_is_any_text (Contract *self)
{
  const char *keys[] = { "cache:",          "cache: ",   "cache:\n\t\x01\x1f", "cache:%_*?[]\\'\"",
                         "cache:schlüssel", "cache:鍵🔑", "cache:KEY",          "cache:key" };
  g_autofree char *filler = g_strnfill (4000, 'k');
  g_autofree char *long_key = g_strconcat ("cache:", filler, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    contract_set (self, keys[i], keys[i], LONG_TTL, TAGS (keys[i]));
  contract_set (self, long_key, "long", LONG_TTL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    contract_expect (self, keys[i], keys[i]);
  contract_expect (self, long_key, "long");

  contract_delete_tags (self, TAGS (keys[3]));
  contract_expect (self, keys[3], NULL);
  contract_expect (self, keys[4], keys[4]);
}

static void
a_value_is_gone_when_its_time_has_passed (Contract *self)
{
  contract_set (self, KEY, "value", TTL, NULL);
  contract_set (self, "cache:other", "other", LONG_TTL, NULL);
  contract_outlive (self, TTL);
  contract_expect (self, KEY, NULL);
  contract_expect (self, "cache:other", "other");
}

static void
at_the_last_moment_a_value_is_gone (Contract *self)
{
  if (self->clock == NULL)
    return; /* only a virtual clock stands still in that moment */

  contract_set (self, KEY, "value", TTL, NULL);
  grel_test_pass_time (self->clock, TTL - G_TIME_SPAN_MILLISECOND);
  contract_expect (self, KEY, "value");
  grel_test_pass_time (self->clock, G_TIME_SPAN_MILLISECOND);
  contract_expect (self, KEY, NULL);
}

static void
a_set_replaces_value_and_time (Contract *self)
{
  contract_set (self, KEY, "old", TTL, NULL);
  contract_set (self, KEY, "new", LONG_TTL, NULL);
  contract_outlive (self, TTL);
  contract_expect (self, KEY, "new");
  contract_set (self, KEY, "short", TTL, NULL);
  contract_outlive (self, TTL);
  contract_expect (self, KEY, NULL);
}

static void
a_delete_tells_whether_it_was_there (Contract *self)
{
  contract_set (self, KEY, "value", LONG_TTL, NULL);
  g_assert_true (contract_delete (self, KEY));
  contract_expect (self, KEY, NULL);
  g_assert_false (contract_delete (self, KEY));
}

static void
a_tag_deletes_all_that_have_it (Contract *self)
{
  contract_set (self, "cache:1", "1", LONG_TTL, TAGS ("red"));
  contract_set (self, "cache:2", "2", LONG_TTL, TAGS ("blue", "red"));
  contract_set (self, "cache:3", "3", LONG_TTL, TAGS ("blue"));
  contract_set (self, "cache:4", "4", LONG_TTL, NULL);
  contract_delete_tags (self, TAGS ("red"));
  contract_expect (self, "cache:1", NULL);
  contract_expect (self, "cache:2", NULL);
  contract_expect (self, "cache:3", "3");
  contract_expect (self, "cache:4", "4");
}

static void
a_tag_that_nobody_has_does_not_stop_the_others (Contract *self)
{
  contract_set (self, "cache:1", "1", LONG_TTL, TAGS ("red"));
  contract_set (self, "cache:2", "2", LONG_TTL, TAGS ("blue"));
  contract_delete_tags (self, TAGS ("red", "none", "red", "blue"));
  contract_expect (self, "cache:1", NULL);
  contract_expect (self, "cache:2", NULL);
}

static void
a_tag_given_twice_is_one (Contract *self)
{
  contract_set (self, KEY, "value", LONG_TTL, TAGS ("red", "red"));
  contract_set (self, KEY, "value", LONG_TTL, TAGS ("red"));
  contract_delete_tags (self, TAGS ("red"));
  contract_expect (self, KEY, NULL);
}

static void
a_set_replaces_the_tags (Contract *self)
{
  contract_set (self, KEY, "value", LONG_TTL, TAGS ("red", "green"));
  contract_set (self, KEY, "value", LONG_TTL, TAGS ("green", "blue"));
  contract_delete_tags (self, TAGS ("red"));
  contract_expect (self, KEY, "value");
  contract_delete_tags (self, TAGS ("blue"));
  contract_expect (self, KEY, NULL);
}

static void
a_set_without_tags_takes_them_off (Contract *self)
{
  contract_set (self, KEY, "value", LONG_TTL, TAGS ("red"));
  contract_set (self, KEY, "value", LONG_TTL, NULL);
  contract_delete_tags (self, TAGS ("red"));
  contract_expect (self, KEY, "value");
}

static void
a_deleted_key_has_no_tags_left (Contract *self)
{
  contract_set (self, KEY, "value", LONG_TTL, TAGS ("red"));
  contract_delete (self, KEY);
  contract_set (self, KEY, "value", LONG_TTL, NULL);
  contract_delete_tags (self, TAGS ("red"));
  contract_expect (self, KEY, "value");
}

static void
an_expired_key_has_no_tags_left (Contract *self)
{
  contract_set (self, KEY, "value", TTL, TAGS ("red"));
  contract_outlive (self, TTL);
  contract_set (self, KEY, "value", LONG_TTL, NULL);
  contract_delete_tags (self, TAGS ("red"));
  contract_expect (self, KEY, "value");
}

static void
a_clear_leaves_neither_values_nor_tags (Contract *self)
{
  contract_set (self, "cache:1", "1", LONG_TTL, TAGS ("red"));
  contract_set (self, "cache:2", "2", LONG_TTL, NULL);
  contract_clear (self);
  contract_expect (self, "cache:1", NULL);
  contract_expect (self, "cache:2", NULL);
  contract_set (self, "cache:1", "1", LONG_TTL, NULL);
  contract_delete_tags (self, TAGS ("red"));
  contract_expect (self, "cache:1", "1");
}

static void
many_are_got_as_far_as_they_are_there (Contract *self)
{
  g_autoptr (GHashTable) values = NULL;

  contract_set (self, "cache:1", "1", LONG_TTL, NULL);
  contract_set (self, "cache:gone", "gone", TTL, NULL);
  contract_set (self, "cache:3", "", LONG_TTL, NULL);
  contract_outlive (self, TTL);
  values = contract_get_many (self, TAGS ("cache:gone", "cache:1", "cache:none", "cache:3"));
  g_assert_cmpuint (g_hash_table_size (values), ==, 2);
  grel_test_assert_bytes (g_bytes_ref (g_hash_table_lookup (values, "cache:1")), "1");
  grel_test_assert_bytes (g_bytes_ref (g_hash_table_lookup (values, "cache:3")), "");
}

static void
many_are_set_with_one_time_and_the_same_tags (Contract *self)
{
  g_autoptr (GHashTable) values
    = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_bytes_unref);
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  contract_set (self, "cache:1", "old", LONG_TTL, TAGS ("old"));
  g_hash_table_insert (values, (gpointer) "cache:1", g_bytes_new ("1", 1));
  g_hash_table_insert (values, (gpointer) "cache:2", g_bytes_new ("2", 1));
  grel_cache_backend_set_many (self->backend, values, TTL, TAGS ("red"), task);
  g_assert_true (contract_get_boolean (&answer));

  contract_delete_tags (self, TAGS ("old"));
  contract_expect (self, "cache:1", "1");
  contract_expect (self, "cache:2", "2");
  contract_outlive (self, TTL);
  contract_expect (self, "cache:1", NULL);
  contract_expect (self, "cache:2", NULL);
}

static void
many_are_deleted_whether_they_are_there_or_not (Contract *self)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  contract_set (self, "cache:1", "1", LONG_TTL, NULL);
  contract_set (self, "cache:2", "2", LONG_TTL, NULL);
  contract_set (self, "cache:3", "3", LONG_TTL, NULL);
  grel_cache_backend_delete_many (self->backend, TAGS ("cache:1", "cache:none", "cache:3"), task);
  g_assert_true (contract_get_boolean (&answer));
  contract_expect (self, "cache:1", NULL);
  contract_expect (self, "cache:2", "2");
  contract_expect (self, "cache:3", NULL);
}

static void
a_cache_keeps_what_it_loads (Contract *self)
{
  g_autoptr (GrelTTLCache) cache = grel_ttl_cache_new (LONG_TTL);
  GrelTestLoader loader = { NULL };

  grel_test_loader_init (&loader, "loaded");
  grel_ttl_cache_set_backend (cache, self->backend);
  grel_ttl_cache_set_stale_ttl (cache, LONG_TTL);
  for (guint i = 0; i < 3; i++)
    {
      g_auto (GrelTestResult) result = { NULL };
      g_autoptr (GError) error = NULL;

      grel_ttl_cache_get_or_load_async (cache, "key", loader.operation, TAGS ("red"), NULL,
                                        grel_test_result_ready, &result);
      grel_test_assert_bytes (grel_ttl_cache_get_or_load_finish (cache,
                                                                 grel_test_result_wait (&result),
                                                                 &error),
                              "loaded");
      g_assert_no_error (error);
    }
  g_assert_cmpint (loader.n_runs, ==, 1);
  contract_delete_tags (self, TAGS ("red"));
  contract_expect (self, "cache:key", NULL);
  grel_test_loader_clear (&loader);
}

static const ContractRule rules[] = {
  CONTRACT_RULE (a_key_that_was_never_set_has_no_value),
  CONTRACT_RULE (what_was_set_is_got),
  CONTRACT_RULE (empty_bytes_are_a_value),
  CONTRACT_RULE (bytes_may_be_any_and_many),
  CONTRACT_RULE (a_key_is_any_text),
  CONTRACT_RULE (a_value_is_gone_when_its_time_has_passed),
  CONTRACT_RULE (at_the_last_moment_a_value_is_gone),
  CONTRACT_RULE (a_set_replaces_value_and_time),
  CONTRACT_RULE (a_delete_tells_whether_it_was_there),
  CONTRACT_RULE (a_tag_deletes_all_that_have_it),
  CONTRACT_RULE (a_tag_that_nobody_has_does_not_stop_the_others),
  CONTRACT_RULE (a_tag_given_twice_is_one),
  CONTRACT_RULE (a_set_replaces_the_tags),
  CONTRACT_RULE (a_set_without_tags_takes_them_off),
  CONTRACT_RULE (a_deleted_key_has_no_tags_left),
  CONTRACT_RULE (an_expired_key_has_no_tags_left),
  CONTRACT_RULE (a_clear_leaves_neither_values_nor_tags),
  CONTRACT_RULE (many_are_got_as_far_as_they_are_there),
  CONTRACT_RULE (many_are_set_with_one_time_and_the_same_tags),
  CONTRACT_RULE (many_are_deleted_whether_they_are_there_or_not),
  CONTRACT_RULE (a_cache_keeps_what_it_loads),
};

/**
 * grel_test_cache_contract_list:
 *
 * Lists the rules of the contract.
 *
 * Returns: (transfer none) (array zero-terminated=1): their names
 */
const char *const *
grel_test_cache_contract_list (void)
{
  static const char *names[G_N_ELEMENTS (rules) + 1];

  contract_list (rules, G_N_ELEMENTS (rules), names);
  return names;
}

/**
 * grel_test_cache_contract_run:
 * @rule: the name of a rule
 * @backend: a backend that was never opened
 * @clock: (nullable): the clock that @backend is to go by; %NULL if it has its own
 *
 * Checks one rule, running the thread-default main context, and aborts if it doesn't hold.
 */
void
grel_test_cache_contract_run (const char *rule, GrelCacheBackend *backend, GrelVirtualClock *clock)
{
  contract_run (rules, G_N_ELEMENTS (rules), rule, backend, clock);
}
