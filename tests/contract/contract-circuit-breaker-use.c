/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract-circuit-breaker-private.h"

#include "grel-test-circuit-scene.h"

#define SHORT (200 * G_TIME_SPAN_MILLISECOND)
#define LONG (60 * G_TIME_SPAN_SECOND)

static GrelCircuitBreaker *
breaker_new (Contract *self)
{
  return g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "contract", "backend", self->backend,
                       "error-threshold", 2, "success-threshold", 2, "half-open-capacity", 1,
                       "reset-timeout", (gint64) LONG, NULL);
}

static GrelPermit *
breaker_admit (GrelCircuitBreaker *breaker)
{
  g_autoptr (GError) error = NULL;
  GrelPermit *permit = grel_test_circuit_breaker_acquire (breaker, &error);

  g_assert_no_error (error);
  return permit;
}

static void
breaker_fail (GrelCircuitBreaker *breaker)
{
  g_autoptr (GrelPermit) permit = breaker_admit (breaker);

  g_assert_true (grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, NULL));
}

static void
breaker_succeed (GrelCircuitBreaker *breaker)
{
  g_autoptr (GrelPermit) permit = breaker_admit (breaker);

  g_assert_true (grel_test_permit_succeed (permit, NULL));
}

static void
breaker_be_refused (GrelCircuitBreaker *breaker)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_circuit_breaker_acquire (breaker, &error));
  grel_test_assert_error (error, GREL_ERROR_CIRCUIT_OPEN, "contract");
}

static void
breaker_expect (GrelCircuitBreaker *breaker, GrelCircuitState state)
{
  g_assert_cmpint (grel_circuit_breaker_get_state (breaker), ==, state);
}

static void
breaker_expect_count (GrelCircuitBreaker *breaker, const char *name, guint64 count)
{
  g_assert_cmpuint (grel_test_circuit_breaker_get_figure (breaker, name), ==, count);
}

/* Opens it for a short time, and waits for that to be over. */
static void
breaker_cool_down (Contract *self, GrelCircuitBreaker *breaker)
{
  grel_circuit_breaker_set_reset_timeout (breaker, SHORT);
  breaker_fail (breaker);
  breaker_fail (breaker);
  grel_circuit_breaker_set_reset_timeout (breaker, LONG);
  breaker_expect (breaker, GREL_CIRCUIT_STATE_OPEN);
  contract_outlive (self, SHORT);
}

void
a_breaker_uses_its_name_behind_a_prefix (Contract *self)
{
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (self);
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  g_assert_true (grel_test_circuit_breaker_isolate (breaker, NULL));
  grel_circuit_breaker_backend_get_state (self->backend, "cb:contract", task);
  g_assert_cmpint (contract_get_int (&answer), ==, GREL_CIRCUIT_STATE_FORCED_OPEN);
}

static void
note_change (GrelCircuitBreaker *breaker,
             GrelCircuitState before,
             GrelCircuitState after,
             const char *cause,
             GString *notes)
{
  g_string_append_printf (notes, "%d-%d %s, ", before, after, cause);
}

void
a_breaker_learns_of_every_change (Contract *self)
{
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (self);
  g_autoptr (GString) notes = g_string_new (NULL);

  g_signal_connect (breaker, "state-changed", G_CALLBACK (note_change), notes);
  breaker_cool_down (self, breaker);
  breaker_succeed (breaker);
  breaker_expect (breaker, GREL_CIRCUIT_STATE_HALF_OPEN);
  breaker_succeed (breaker);
  breaker_expect (breaker, GREL_CIRCUIT_STATE_CLOSED);
  g_assert_true (grel_test_circuit_breaker_isolate (breaker, NULL));
  breaker_expect (breaker, GREL_CIRCUIT_STATE_FORCED_OPEN);
  g_assert_true (grel_test_circuit_breaker_reset (breaker, NULL));
  breaker_expect (breaker, GREL_CIRCUIT_STATE_CLOSED);
  grel_test_settle ();
  g_assert_cmpstr (notes->str, ==,
                   "0-1 error-threshold, 1-2 reset-timeout, 2-0 success-threshold, "
                   "0-3 manual, 3-0 manual, ");
}

void
a_breaker_learns_of_the_counts (Contract *self)
{
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (self);

  breaker_fail (breaker);
  breaker_expect_count (breaker, "consecutive-errors", 1);
  breaker_succeed (breaker);
  breaker_expect_count (breaker, "consecutive-errors", 0);
  breaker_cool_down (self, breaker);
  breaker_expect_count (breaker, "consecutive-errors", 0);
  breaker_succeed (breaker);
  breaker_expect_count (breaker, "consecutive-successes", 1);
  breaker_fail (breaker);
  breaker_expect_count (breaker, "consecutive-errors", 1);
  breaker_expect_count (breaker, "consecutive-successes", 0);
}

void
a_refusal_says_when_to_come_back (Contract *self)
{
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (self);
  g_autoptr (GError) error = NULL;

  breaker_fail (breaker);
  breaker_fail (breaker);
  g_assert_null (grel_test_circuit_breaker_acquire (breaker, &error));
  g_assert_error (error, GREL_ERROR, GREL_ERROR_CIRCUIT_OPEN);
  g_assert_cmpint (grel_error_get_retry_after (error), >, 0);
  g_assert_cmpint (grel_error_get_retry_after (error), <=, LONG + G_TIME_SPAN_MILLISECOND);
  g_assert_cmpint (grel_circuit_breaker_get_retry_after (breaker), >, 0);
  g_assert_cmpint (grel_circuit_breaker_get_retry_after (breaker), <=,
                   LONG + G_TIME_SPAN_MILLISECOND);
}

void
two_breakers_of_one_name_are_one_circuit (Contract *self)
{
  g_autoptr (GrelCircuitBreaker) one = breaker_new (self);
  g_autoptr (GrelCircuitBreaker) other = breaker_new (self);

  breaker_fail (one);
  breaker_fail (other);
  breaker_expect (one, GREL_CIRCUIT_STATE_OPEN);
  breaker_expect (other, GREL_CIRCUIT_STATE_OPEN);
  breaker_be_refused (one);
  breaker_be_refused (other);
}

void
a_permit_that_is_dropped_gives_its_slot_back (Contract *self)
{
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (self);
  g_autoptr (GrelPermit) permit = NULL;

  breaker_cool_down (self, breaker);
  for (int i = 0; i < 5; i++)
    {
      permit = breaker_admit (breaker);
      breaker_be_refused (breaker);
      if (i % 2 == 0)
        grel_permit_abandon (permit);
      g_clear_object (&permit); /* the next request finds that done */
    }
  breaker_expect (breaker, GREL_CIRCUIT_STATE_HALF_OPEN);
}

void
what_was_admitted_before_it_opened_counts_nothing_after (Contract *self)
{
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (self);
  g_autoptr (GrelPermit) first = breaker_admit (breaker);
  g_autoptr (GrelPermit) second = breaker_admit (breaker);

  breaker_cool_down (self, breaker);
  breaker_succeed (breaker);
  breaker_succeed (breaker);
  breaker_expect (breaker, GREL_CIRCUIT_STATE_CLOSED);

  g_assert_true (grel_test_permit_fail (first, G_IO_ERROR_TIMED_OUT, NULL));
  g_assert_true (grel_test_permit_fail (second, G_IO_ERROR_TIMED_OUT, NULL));
  breaker_expect (breaker, GREL_CIRCUIT_STATE_CLOSED);
}

void
permits_end_with_the_backend (Contract *self)
{
  g_autoptr (GrelCircuitBreaker) breaker = breaker_new (self);
  g_autoptr (GrelPermit) permit = breaker_admit (breaker);
  g_autoptr (GError) error = NULL;

  grel_test_backend_close (self->backend, &error);
  g_assert_no_error (error);
  breaker_expect (breaker, GREL_CIRCUIT_STATE_CLOSED);
  grel_test_backend_open (self->backend, &error);
  g_assert_no_error (error);
  g_assert_false (grel_test_permit_succeed (permit, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "contract");
  breaker_succeed (breaker);
}
