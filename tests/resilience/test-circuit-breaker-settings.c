/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"

#include <string.h>

#define HUNDRED_YEARS (36525 * G_TIME_SPAN_DAY)

typedef GrelTestCircuitScene Fixture;

static GrelCircuitBreaker *
new_breaker (gpointer backend, const char *name)
{
  return g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", name, "backend", backend, NULL);
}

static gboolean
must_not_run (GCancellable *cancellable, gpointer data, GError **error)
{
  g_assert_not_reached ();
  return TRUE;
}

static void
expect_settings_error (GError *error, const char *field)
{
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  if (strstr (error->message, "VALUE") != NULL || strstr (error->message, "77777") != NULL)
    g_error ("“%s” repeats the value", error->message);
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "circuit breaker", field, ": must ");
}

/* Every operation refuses, on any thread. */
static void
expect_all_refuse (GrelCircuitBreaker *breaker, const char *field)
{
  GError *error = NULL;

  g_assert_null (grel_test_circuit_breaker_acquire (breaker, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_null (grel_circuit_breaker_acquire_from_thread (breaker, NULL, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_false (grel_test_circuit_breaker_isolate (breaker, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_false (grel_circuit_breaker_isolate_from_thread (breaker, NULL, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_false (grel_test_circuit_breaker_reset (breaker, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_false (grel_circuit_breaker_reset_from_thread (breaker, NULL, &error));
  expect_settings_error (g_steal_pointer (&error), field);
  g_assert_false (grel_circuit_breaker_run_from_thread (breaker, must_not_run, NULL, NULL, &error));
  expect_settings_error (g_steal_pointer (&error), field);
}

static void
a_name_may_not_be_just_anything (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_name = g_strnfill (1001, 'n');
  const char *const names[] = { NULL, "", long_name, "\xff", "VALUE\xff", "VALUE\xc3" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GrelCircuitBreaker) breaker = new_breaker (fixture->backend, names[i]);
      g_autoptr (GError) error = NULL;

      g_assert_cmpstr (grel_circuit_breaker_get_name (breaker), ==, names[i]);
      expect_all_refuse (breaker, "name");
      g_assert_null (grel_test_circuit_breaker_acquire (breaker, &error));
      g_assert_null (grel_error_get_name (error));
    }
}

static void
a_name_may_be_any_text (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_name = g_strnfill (1000, 'n');
  const char *const names[] = { "a", " ", "a:b", ":", "*?[%s", "é→\xf0\x9f\x98\x80", long_name };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GrelCircuitBreaker) breaker = new_breaker (fixture->backend, names[i]);
      g_autoptr (GrelPermit) permit = grel_test_circuit_breaker_acquire (breaker, NULL);

      g_assert_cmpstr (grel_permit_get_name (permit), ==, names[i]);
    }
}

/* A property, of whichever type, and a value for it. */
typedef struct
{
  const char *property;
  gint64 value;
} Setting;

static void
set (GrelCircuitBreaker *breaker, const Setting *setting)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, setting->value);
  g_object_set_property (G_OBJECT (breaker), setting->property, &value);
}

static void
a_setting_may_not_be_just_anything (Fixture *fixture, gconstpointer data)
{
  static const Setting settings[] = {
    { "error-threshold", 0 },
    { "success-threshold", 0 },
    { "half-open-capacity", 0 },
    { "reset-timeout", 0 },
    { "reset-timeout", -1 },
    { "reset-timeout", -77777 },
    { "reset-timeout", HUNDRED_YEARS + 1 },
    { "reset-timeout", G_MAXINT64 },
    { "reset-timeout", G_MININT64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (GrelCircuitBreaker) breaker = new_breaker (fixture->backend, "payment");

      set (breaker, &settings[i]);
      expect_all_refuse (breaker, settings[i].property);
      expect_all_refuse (breaker, "“payment”");
    }
}

static void
the_limits_themselves_are_accepted (Fixture *fixture, gconstpointer data)
{
  static const Setting settings[] = {
    { "error-threshold", 1 },    { "error-threshold", G_MAXUINT },
    { "success-threshold", 1 },  { "success-threshold", G_MAXUINT },
    { "half-open-capacity", 1 }, { "half-open-capacity", G_MAXUINT },
    { "reset-timeout", 1 },      { "reset-timeout", HUNDRED_YEARS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (GrelCircuitBreaker) breaker = new_breaker (fixture->backend, "payment");
      g_autoptr (GrelPermit) permit = NULL;

      set (breaker, &settings[i]);
      permit = grel_test_circuit_breaker_acquire (breaker, NULL);
      g_assert_true (grel_test_permit_succeed (permit, NULL));
    }
}

static void
a_setting_that_was_mended_is_accepted (Fixture *fixture, gconstpointer data)
{
  grel_circuit_breaker_set_error_threshold (fixture->breaker, 0);
  expect_all_refuse (fixture->breaker, "error-threshold");
  grel_circuit_breaker_set_error_threshold (fixture->breaker, 1);
  grel_test_circuit_scene_succeed (fixture, 1);
}

static void
properties_have_defaults (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) breaker = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, NULL);

  g_assert_null (grel_circuit_breaker_get_name (breaker));
  g_assert_null (grel_circuit_breaker_get_backend (breaker));
  g_assert_null (grel_circuit_breaker_get_app (breaker));
  g_assert_cmpuint (grel_circuit_breaker_get_error_threshold (breaker), ==, 5);
  g_assert_cmpuint (grel_circuit_breaker_get_success_threshold (breaker), ==, 2);
  g_assert_cmpuint (grel_circuit_breaker_get_half_open_capacity (breaker), ==, 1);
  g_assert_cmpuint (grel_circuit_breaker_get_max_keyed (breaker), ==, 1024);
  g_assert_cmpint (grel_circuit_breaker_get_reset_timeout (breaker), ==, 30 * G_TIME_SPAN_SECOND);
  g_assert_cmpint (grel_circuit_breaker_get_state (breaker), ==, GREL_CIRCUIT_STATE_CLOSED);
}

static void
what_the_functions_set_the_properties_tell (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelApp) found_app = NULL;
  guint error_threshold, success_threshold, half_open_capacity, max_keyed;
  gint64 reset_timeout;

  grel_circuit_breaker_set_app (fixture->breaker, app);
  grel_circuit_breaker_set_error_threshold (fixture->breaker, 6);
  grel_circuit_breaker_set_success_threshold (fixture->breaker, 7);
  grel_circuit_breaker_set_half_open_capacity (fixture->breaker, 8);
  grel_circuit_breaker_set_max_keyed (fixture->breaker, 9);
  grel_circuit_breaker_set_reset_timeout (fixture->breaker, 10);
  g_object_get (fixture->breaker, "app", &found_app, "error-threshold", &error_threshold,
                "success-threshold", &success_threshold, "half-open-capacity", &half_open_capacity,
                "max-keyed", &max_keyed, "reset-timeout", &reset_timeout, NULL);
  g_assert_true (found_app == app);
  g_assert_cmpuint (error_threshold, ==, 6);
  g_assert_cmpuint (success_threshold, ==, 7);
  g_assert_cmpuint (half_open_capacity, ==, 8);
  g_assert_cmpuint (max_keyed, ==, 9);
  g_assert_cmpint (reset_timeout, ==, 10);
}

static void
count_notification (GObject *object, GParamSpec *pspec, guint *count)
{
  ++*count;
}

static void
only_a_change_is_notified (Fixture *fixture, gconstpointer data)
{
  guint n_notified = 0;

  g_signal_connect (fixture->breaker, "notify", G_CALLBACK (count_notification), &n_notified);
  for (int i = 0; i < 2; i++)
    {
      grel_circuit_breaker_set_error_threshold (fixture->breaker, 77);
      grel_circuit_breaker_set_reset_timeout (fixture->breaker, 77);
      grel_circuit_breaker_set_max_keyed (fixture->breaker, 77);
      grel_circuit_breaker_set_backend (fixture->breaker, NULL);
    }
  g_assert_cmpuint (n_notified, ==, 4);
}

static void
a_call_is_judged_by_the_settings_at_its_admission (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelPermit) before = grel_test_circuit_scene_admit (fixture);

  grel_circuit_breaker_set_error_threshold (fixture->breaker, 1);
  g_assert_true (grel_test_permit_fail (before, G_IO_ERROR_TIMED_OUT, NULL));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  grel_test_circuit_scene_fail (fixture, 1);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_OPEN);
}

static void
a_cool_down_that_has_begun_stays_as_it_is (Fixture *fixture, gconstpointer data)
{
  grel_test_circuit_scene_trip (fixture);
  grel_circuit_breaker_set_reset_timeout (fixture->breaker, 1);
  grel_test_circuit_scene_be_refused (fixture, GREL_TEST_RESET_TIMEOUT);
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/circuit-breaker-settings/memory/" #name, Fixture, NULL,                            \
              grel_test_circuit_scene_set_up_memory, name, grel_test_circuit_scene_tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/circuit-breaker-settings/store/" #name, Fixture, NULL,                             \
              grel_test_circuit_scene_set_up_store, name, grel_test_circuit_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE_IN_MEMORY (a_name_may_not_be_just_anything);
  RULE (a_name_may_be_any_text);
  RULE_IN_MEMORY (a_setting_may_not_be_just_anything);
  RULE (the_limits_themselves_are_accepted);
  RULE_IN_MEMORY (a_setting_that_was_mended_is_accepted);
  RULE_IN_MEMORY (properties_have_defaults);
  RULE_IN_MEMORY (what_the_functions_set_the_properties_tell);
  RULE_IN_MEMORY (only_a_change_is_notified);
  RULE (a_call_is_judged_by_the_settings_at_its_admission);
  RULE (a_cool_down_that_has_begun_stays_as_it_is);
  return g_test_run ();
}
