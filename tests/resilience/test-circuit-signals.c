/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"

/* How a circuit breaker tells that its state has changed. */

typedef GrelTestCircuitScene Fixture;

/* The lines that the library logged, instead of being written. */
static GPtrArray *lines = NULL;

static const char *
get_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, key))
      return fields[i].value;
  return "";
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (!g_str_equal (get_field (fields, n_fields, "GLIB_DOMAIN"), "Grelmicro"))
    return g_log_writer_default (level, fields, n_fields, data);

  g_ptr_array_add (lines, g_strdup_printf ("%s|%s|%s|%s|%s",
                                           level == G_LOG_LEVEL_MESSAGE ? "message" : "info",
                                           get_field (fields, n_fields, "GREL_PRIMITIVE"),
                                           get_field (fields, n_fields, "GREL_NAME"),
                                           get_field (fields, n_fields, "GREL_CODE"),
                                           get_field (fields, n_fields, "MESSAGE")));
  return G_LOG_WRITER_HANDLED;
}

/* What the handlers of one breaker were told. */
typedef struct
{
  GrelCircuitBreaker *breaker;
  GPtrArray *changes; /* closed → open (error-threshold) */
  guint n_notified;
  GThread *thread;
  GMainContext *context; /* the thread-default one */
} Witness;

static const char *
get_nick (GrelCircuitState state)
{
  static const char *const nicks[]
    = { "closed", "open", "half-open", "forced-open", "forced-closed" };

  return nicks[state];
}

static void
note_change (GrelCircuitBreaker *breaker,
             GrelCircuitState before,
             GrelCircuitState after,
             const char *cause,
             Witness *witness)
{
  g_ptr_array_add (witness->changes,
                   g_strdup_printf ("%s → %s (%s)", get_nick (before), get_nick (after), cause));
  witness->thread = g_thread_self ();
  witness->context = g_main_context_get_thread_default ();
}

static void
note_notification (GrelCircuitBreaker *breaker, GParamSpec *pspec, Witness *witness)
{
  g_assert_true (g_main_context_is_owner (g_main_context_get_thread_default ()));
  witness->n_notified++;
}

static void
witness_watch (Witness *self, GrelCircuitBreaker *breaker)
{
  self->breaker = g_object_ref (breaker);
  self->changes = g_ptr_array_new_with_free_func (g_free);
  g_signal_connect (breaker, "state-changed", G_CALLBACK (note_change), self);
  g_signal_connect (breaker, "notify::state", G_CALLBACK (note_notification), self);
}

static void
witness_clear (Witness *self)
{
  g_signal_handlers_disconnect_by_data (self->breaker, self);
  g_object_unref (self->breaker);
  g_ptr_array_unref (self->changes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Witness, witness_clear)

static void
expect_texts (GPtrArray *texts, const char *const *expected)
{
  guint n_expected = g_strv_length ((char **) expected);

  for (guint i = 0; i < MIN (texts->len, n_expected); i++)
    g_assert_cmpstr (g_ptr_array_index (texts, i), ==, expected[i]);
  g_assert_cmpuint (texts->len, ==, n_expected);
}

/* All that it was told, in this order. */
#define expect_changes(witness, ...)                                                               \
  witness_expect (witness, (const char *[]){ __VA_ARGS__ __VA_OPT__ (, ) NULL })

static void
witness_expect (Witness *self, const char *const *expected)
{
  grel_test_settle ();
  expect_texts (self->changes, expected);
  g_assert_cmpuint (self->n_notified, ==, self->changes->len);
}

static GrelCircuitBreaker *
new_breaker (Fixture *fixture)
{
  return g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment", "backend", fixture->backend,
                       NULL);
}

static void
every_change_is_told_with_its_cause (Fixture *fixture, gconstpointer data)
{
  g_auto (Witness) witness = { NULL };

  witness_watch (&witness, fixture->breaker);
  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_be_refused (fixture, -1);
  grel_test_circuit_scene_cool_down (fixture);
  grel_test_circuit_scene_fail (fixture, GREL_TEST_ERROR_THRESHOLD);
  grel_test_circuit_scene_cool_down (fixture);
  grel_test_circuit_scene_succeed (fixture, GREL_TEST_SUCCESS_THRESHOLD);
  grel_test_circuit_breaker_isolate (fixture->breaker, NULL);
  grel_test_circuit_breaker_reset (fixture->breaker, NULL);
  expect_changes (&witness, "closed → open (error-threshold)", "open → half-open (reset-timeout)",
                  "half-open → open (error-threshold)", "open → half-open (reset-timeout)",
                  "half-open → closed (success-threshold)", "closed → forced-open (manual)",
                  "forced-open → closed (manual)");
}

static void
what_stays_as_it_is_is_not_told (Fixture *fixture, gconstpointer data)
{
  g_auto (Witness) witness = { NULL };

  witness_watch (&witness, fixture->breaker);
  grel_test_circuit_scene_succeed (fixture, 1);
  grel_test_circuit_scene_fail (fixture, GREL_TEST_ERROR_THRESHOLD - 1);
  grel_test_circuit_breaker_reset (fixture->breaker, NULL);
  grel_test_circuit_scene_close (fixture);
  expect_changes (&witness);
}

static void
a_close_is_told_once (Fixture *fixture, gconstpointer data)
{
  g_auto (Witness) witness = { NULL };

  witness_watch (&witness, fixture->breaker);
  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_close (fixture);
  grel_test_circuit_scene_open (fixture);
  grel_test_circuit_scene_close (fixture);
  expect_changes (&witness, "closed → open (error-threshold)", "open → closed (closed)");
}

static void
what_another_process_did_is_told (Fixture *fixture, gconstpointer data)
{
  g_auto (Witness) witness = { NULL };

  witness_watch (&witness, fixture->breaker);
  grel_test_circuit_store_set_state_behind (fixture->store, "cb:payment", GREL_CIRCUIT_STATE_OPEN,
                                            G_TIME_SPAN_SECOND);
  expect_changes (&witness);
  grel_test_circuit_scene_be_refused (fixture, G_TIME_SPAN_SECOND);
  grel_test_circuit_store_set_state_behind (fixture->store, "cb:payment",
                                            GREL_CIRCUIT_STATE_FORCED_CLOSED, 0);
  grel_test_circuit_scene_succeed (fixture, 1);
  expect_changes (&witness, "closed → open (error-threshold)", "open → forced-closed (manual)");
}

static void
an_answer_that_was_overtaken_changes_nothing (Fixture *fixture, gconstpointer data)
{
  g_auto (GrelTestResult) acquired = { NULL };
  g_auto (GrelTestResult) done = { NULL };
  g_auto (Witness) witness = { NULL };

  witness_watch (&witness, fixture->breaker);
  grel_test_circuit_scene_trip (fixture);
  grel_test_desk_set_mood (fixture->desk, GREL_TEST_STORE_ANSWERS_AT_ONCE);
  grel_circuit_breaker_acquire_async (fixture->breaker, NULL, grel_test_result_ready, &acquired);
  grel_circuit_breaker_reset_async (fixture->breaker, NULL, grel_test_result_ready, &done);
  grel_test_result_wait (&acquired);
  grel_test_result_wait (&done);
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_CLOSED);
  expect_changes (&witness, "closed → open (error-threshold)", "open → closed (manual)");
}

/* Without a turn of the loop. */
static gpointer
trip_on_thread (gpointer breaker)
{
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "it failed");

  for (guint i = 0; i < GREL_TEST_ERROR_THRESHOLD; i++)
    {
      g_autoptr (GrelPermit) permit
        = grel_circuit_breaker_acquire_from_thread (breaker, NULL, NULL);

      g_assert_true (grel_permit_fail_from_thread (permit, reason, NULL, NULL));
    }
  return NULL;
}

static void
it_is_told_in_the_captured_context (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GMainContext) other = g_main_context_new ();
  g_auto (Witness) witness = { NULL };

  witness_watch (&witness, fixture->breaker);
  g_thread_join (g_thread_new ("worker", trip_on_thread, fixture->breaker));
  grel_test_circuit_scene_expect_state (fixture, GREL_CIRCUIT_STATE_OPEN);
  g_assert_cmpuint (witness.changes->len, ==, 0);
  g_main_context_push_thread_default (other);
  while (witness.changes->len == 0)
    g_main_context_iteration (fixture->context, TRUE);
  g_main_context_pop_thread_default (other);
  g_assert_true (witness.thread == g_thread_self ());
  g_assert_true (witness.context == fixture->context);
}

static void
every_breaker_of_that_name_is_told_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelCircuitBreaker) same = new_breaker (fixture);
  g_autoptr (GrelCircuitBreaker) unused = new_breaker (fixture);
  g_auto (Witness) witness = { NULL };
  g_auto (Witness) same_witness = { NULL };
  g_auto (Witness) unused_witness = { NULL };

  witness_watch (&witness, fixture->breaker);
  witness_watch (&same_witness, same);
  witness_watch (&unused_witness, unused);
  for (guint i = 0; i < 2; i++)
    g_object_unref (grel_test_circuit_breaker_acquire (same, NULL));
  grel_test_circuit_scene_trip (fixture);
  expect_changes (&witness, "closed → open (error-threshold)");
  expect_changes (&same_witness, "closed → open (error-threshold)");
  expect_changes (&unused_witness);
}

static void
one_that_went_to_another_backend_is_not_told (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GrelBackend) other = GREL_BACKEND (grel_memory_circuit_breaker_adapter_new ());
  g_autoptr (GrelCircuitBreaker) moved = new_breaker (fixture);
  g_auto (Witness) witness = { NULL };

  g_assert_true (grel_test_backend_open (other, NULL));
  witness_watch (&witness, moved);
  g_object_unref (grel_test_circuit_breaker_acquire (moved, NULL));
  grel_circuit_breaker_set_backend (moved, GREL_CIRCUIT_BREAKER_BACKEND (other));
  g_object_unref (grel_test_circuit_breaker_acquire (moved, NULL));
  grel_test_circuit_scene_trip (fixture);
  expect_changes (&witness);
  g_assert_true (grel_test_backend_close (other, NULL));
}

static void
ask_on_thread (gpointer breaker, gpointer unused)
{
  g_autoptr (GVariant) metrics = grel_circuit_breaker_get_metrics (breaker);
  g_autoptr (GrelCircuitBreaker) keyed = grel_circuit_breaker_get_keyed (breaker, "key");
  g_autoptr (GrelPermit) permit = grel_circuit_breaker_acquire_from_thread (breaker, NULL, NULL);

  g_assert_null (permit);
  permit = grel_circuit_breaker_acquire_from_thread (keyed, NULL, NULL);
  g_assert_nonnull (permit);
}

static void
ask_on_another_thread (GrelCircuitBreaker *breaker)
{
  grel_test_in_thread (ask_on_thread, breaker);
}

static void
handlers_run_under_no_mutex (Fixture *fixture, gconstpointer data)
{
  g_signal_connect (fixture->breaker, "state-changed", G_CALLBACK (ask_on_another_thread), NULL);
  g_signal_connect (fixture->breaker, "notify::state", G_CALLBACK (ask_on_another_thread), NULL);
  grel_test_circuit_scene_trip (fixture);
  grel_test_settle ();
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (fixture->breaker, "rejections"), ==, 2);
  g_signal_handlers_disconnect_by_func (fixture->breaker, ask_on_another_thread, NULL);
}

static void
reset (GrelCircuitBreaker *breaker,
       GrelCircuitState before,
       GrelCircuitState after,
       const char *cause,
       gpointer unused)
{
  if (after == GREL_CIRCUIT_STATE_OPEN)
    grel_circuit_breaker_reset_async (breaker, NULL, NULL, NULL);
}

static void
a_handler_may_reset_the_circuit (Fixture *fixture, gconstpointer data)
{
  g_auto (Witness) witness = { NULL };

  witness_watch (&witness, fixture->breaker);
  g_signal_connect (fixture->breaker, "state-changed", G_CALLBACK (reset), NULL);
  grel_test_circuit_scene_fail (fixture, GREL_TEST_ERROR_THRESHOLD);
  expect_changes (&witness, "closed → open (error-threshold)", "open → closed (manual)");
  grel_test_circuit_scene_succeed (fixture, 1);
}

static void
drop (GrelCircuitBreaker *breaker)
{
  g_object_unref (breaker);
}

static void
a_handler_may_drop_the_breaker (Fixture *fixture, gconstpointer data)
{
  GrelCircuitBreaker *dropped = new_breaker (fixture);

  g_object_unref (grel_test_circuit_breaker_acquire (dropped, NULL));
  g_signal_connect (dropped, "state-changed", G_CALLBACK (drop), NULL);
  g_object_add_weak_pointer (G_OBJECT (dropped), (gpointer *) &dropped);
  grel_test_circuit_scene_trip (fixture);
  grel_test_settle ();
  g_assert_null (dropped);
}

static void
close_backend (GrelCircuitBreaker *breaker)
{
  GrelBackend *backend = GREL_BACKEND (grel_circuit_breaker_get_backend (breaker));

  if (grel_backend_get_is_open (backend))
    grel_backend_close_async (backend, NULL, NULL, NULL);
}

static void
a_handler_may_close_the_backend (Fixture *fixture, gconstpointer data)
{
  g_auto (Witness) witness = { NULL };

  witness_watch (&witness, fixture->breaker);
  g_signal_connect (fixture->breaker, "state-changed", G_CALLBACK (close_backend), NULL);
  grel_test_circuit_scene_fail (fixture, GREL_TEST_ERROR_THRESHOLD);
  expect_changes (&witness, "closed → open (error-threshold)", "open → closed (closed)");
}

static void
a_line_is_logged_for_each_change (Fixture *fixture, gconstpointer data)
{
  static const char *const expected[] = {
    "message|circuit breaker|payment|state-changed|"
    "circuit breaker “payment”: closed → open (error-threshold)",
    "info|circuit breaker|payment|state-changed|"
    "circuit breaker “payment”: open → half-open (reset-timeout)",
    "info|circuit breaker|payment|state-changed|"
    "circuit breaker “payment”: half-open → closed (success-threshold)",
    "message|circuit breaker|payment|state-changed|"
    "circuit breaker “payment”: closed → forced-open (manual)",
    NULL,
  };
  g_autoptr (GrelCircuitBreaker) same = new_breaker (fixture);

  g_ptr_array_set_size (lines, 0);
  g_object_unref (grel_test_circuit_breaker_acquire (same, NULL));
  grel_test_circuit_scene_trip (fixture);
  grel_test_circuit_scene_cool_down (fixture);
  grel_test_circuit_scene_succeed (fixture, GREL_TEST_SUCCESS_THRESHOLD);
  grel_test_circuit_breaker_isolate (fixture->breaker, NULL);
  grel_test_settle ();
  expect_texts (lines, expected);
}

#define RULE_IN_MEMORY(name)                                                                       \
  g_test_add ("/circuit-signals/memory/" #name, Fixture, NULL,                                     \
              grel_test_circuit_scene_set_up_memory, name, grel_test_circuit_scene_tear_down)
#define RULE_IN_STORE(name)                                                                        \
  g_test_add ("/circuit-signals/store/" #name, Fixture, NULL,                                      \
              grel_test_circuit_scene_set_up_store, name, grel_test_circuit_scene_tear_down)
#define RULE(name)                                                                                 \
  RULE_IN_MEMORY (name);                                                                           \
  RULE_IN_STORE (name)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  lines = g_ptr_array_new_with_free_func (g_free);
  g_log_set_writer_func (write_log, NULL, NULL);
  RULE (every_change_is_told_with_its_cause);
  RULE (what_stays_as_it_is_is_not_told);
  RULE (a_close_is_told_once);
  RULE_IN_STORE (what_another_process_did_is_told);
  RULE_IN_STORE (an_answer_that_was_overtaken_changes_nothing);
  RULE_IN_MEMORY (it_is_told_in_the_captured_context);
  RULE (every_breaker_of_that_name_is_told_once);
  RULE (one_that_went_to_another_backend_is_not_told);
  RULE (handlers_run_under_no_mutex);
  RULE (a_handler_may_reset_the_circuit);
  RULE (a_handler_may_drop_the_breaker);
  RULE (a_handler_may_close_the_backend);
  RULE (a_line_is_logged_for_each_change);
  status = g_test_run ();
  g_ptr_array_unref (lines);
  return status;
}
