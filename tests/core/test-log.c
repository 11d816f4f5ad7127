/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-log-private.h>

#include "grel-test.h"

#include <string.h>

/* What was logged last, instead of being written. */
static struct
{
  guint n_lines;
  GLogLevelFlags level;
  GHashTable *fields;
} logged;

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  logged.n_lines++;
  logged.level = level;
  g_hash_table_remove_all (logged.fields);
  for (gsize i = 0; i < n_fields; i++)
    g_hash_table_insert (logged.fields, g_strdup (fields[i].key), g_strdup (fields[i].value));
  return G_LOG_WRITER_HANDLED;
}

static void
expect_field (const char *key, const char *value)
{
  g_assert_cmpstr (g_hash_table_lookup (logged.fields, key), ==, value);
}

static void
a_line_says_what_it_is_about (void)
{
  grel_log (G_LOG_LEVEL_WARNING, "on-fire", (GrelSubject){ "lock", "cart" }, "is %s", "on fire");
  g_assert_cmpint (logged.level, ==, G_LOG_LEVEL_WARNING);
  expect_field ("GLIB_DOMAIN", "Grelmicro");
  expect_field ("GREL_PRIMITIVE", "lock");
  expect_field ("GREL_NAME", "cart");
  expect_field ("GREL_CODE", "on-fire");
  expect_field ("MESSAGE", "lock “cart”: is on fire");
}

static void
a_line_about_something_without_a_name_has_none (void)
{
  grel_log (G_LOG_LEVEL_INFO, "on-fire", (GrelSubject){ "app", NULL }, "is %s", "on fire");
  expect_field ("GREL_PRIMITIVE", "app");
  expect_field ("GREL_NAME", "");
  expect_field ("MESSAGE", "app: is on fire");
}

static void
a_percent_sign_is_no_format (void)
{
  grel_log (G_LOG_LEVEL_INFO, "on-fire", (GrelSubject){ "lock", "100%s" }, "%s", "at 100 %n");
  expect_field ("MESSAGE", "lock “100%s”: at 100 %n");
}

static void
what_nobody_asked_for_is_not_logged (void)
{
  guint n_lines = logged.n_lines;

  grel_debug ("opened", (GrelSubject){ "backend", "a" }, "is open");
  grel_debug ("opened", (GrelSubject){ "loc", "a" }, "is open");
  g_assert_cmpuint (logged.n_lines, ==, n_lines);
}

static void
what_somebody_asked_for_is_logged (void)
{
  static const char *const nouns[] = { "lock", "app" };

  for (guint i = 0; i < G_N_ELEMENTS (nouns); i++)
    {
      guint n_lines = logged.n_lines;

      grel_debug ("opened", (GrelSubject){ nouns[i], "a" }, "is %s", "open");
      g_assert_cmpuint (logged.n_lines, ==, n_lines + 1);
      g_assert_cmpint (logged.level, ==, G_LOG_LEVEL_MESSAGE);
      expect_field ("GREL_PRIMITIVE", nouns[i]);
      expect_field ("GREL_CODE", "opened");
    }
}

static void
in_normal_use_nothing_is_logged (void)
{
  g_autoptr (GrelBackend) backend = GREL_BACKEND (grel_memory_lock_adapter_new ());
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");
  g_autoptr (GrelLease) lease = NULL;
  guint n_lines = logged.n_lines;

  grel_lock_set_backend (lock, GREL_LOCK_BACKEND (backend));
  grel_test_backend_open (backend, NULL);
  lease = grel_test_lock_acquire (lock, -1, NULL);
  g_assert_null (grel_test_lock_acquire (lock, 0, NULL));
  grel_test_lease_release (lease, NULL);
  grel_test_backend_close (backend, NULL);
  g_assert_cmpuint (logged.n_lines, ==, n_lines);
}

#define RULE(name) g_test_add_func ("/log/" #name, name)

int
main (int argc, char **argv)
{
  int status;

  g_setenv ("GREL_DEBUG", "lock,app", TRUE);
  g_test_init (&argc, &argv, NULL);
  logged.fields = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_log_set_writer_func (write_log, NULL, NULL);
  RULE (a_line_says_what_it_is_about);
  RULE (a_line_about_something_without_a_name_has_none);
  RULE (a_percent_sign_is_no_format);
  RULE (what_nobody_asked_for_is_not_logged);
  RULE (what_somebody_asked_for_is_logged);
  RULE (in_normal_use_nothing_is_logged);
  status = g_test_run ();
  g_hash_table_unref (logged.fields);
  return status;
}
