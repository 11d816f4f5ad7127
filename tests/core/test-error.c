/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-error-private.h>

#include "grel-test.h"

static const GrelSubject cart = { "lock", "cart" };
static const GrelSubject app = { "app", NULL };

/* Every code, in the order of the enum. */
static const struct
{
  GrelError code;
  const char *nick;
  gboolean is_outcome;
  gboolean is_refusal;
} codes[] = {
  { GREL_ERROR_NOT_OPEN, "not-open", FALSE, FALSE },
  { GREL_ERROR_CLOSED, "closed", FALSE, FALSE },
  { GREL_ERROR_DEADLOCK, "deadlock", FALSE, FALSE },
  { GREL_ERROR_LOOP_NOT_RUNNING, "loop-not-running", FALSE, FALSE },
  { GREL_ERROR_SETTINGS, "settings", FALSE, FALSE },
  { GREL_ERROR_NOT_REGISTERED, "not-registered", FALSE, FALSE },
  { GREL_ERROR_AMBIGUOUS, "ambiguous", FALSE, FALSE },
  { GREL_ERROR_SCOPE, "scope", FALSE, FALSE },
  { GREL_ERROR_BACKEND, "backend", TRUE, FALSE },
  { GREL_ERROR_WOULD_BLOCK, "would-block", TRUE, TRUE },
  { GREL_ERROR_TIMED_OUT, "timed-out", TRUE, FALSE },
  { GREL_ERROR_REENTRANT, "reentrant", FALSE, FALSE },
  { GREL_ERROR_NOT_OWNED, "not-owned", TRUE, FALSE },
  { GREL_ERROR_CIRCUIT_OPEN, "circuit-open", TRUE, TRUE },
  { GREL_ERROR_RATE_LIMITED, "rate-limited", TRUE, TRUE },
  { GREL_ERROR_BULKHEAD_FULL, "bulkhead-full", TRUE, TRUE },
  { GREL_ERROR_DEADLINE_EXCEEDED, "deadline-exceeded", TRUE, FALSE },
};

static void
the_domain_is_ours_alone (void)
{
  g_assert_cmpstr (g_quark_to_string (GREL_ERROR), ==, "GrelError");
  g_assert_true (grel_error_quark () == GREL_ERROR);
  g_assert_true (GREL_ERROR != G_IO_ERROR);
}

static void
no_code_ever_changes_its_number (void)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (GREL_TYPE_ERROR);

  g_assert_cmpuint (klass->n_values, ==, G_N_ELEMENTS (codes));
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_assert_cmpuint (codes[i].code, ==, i);
      g_assert_cmpstr (g_enum_get_value (klass, i)->value_nick, ==, codes[i].nick);
    }
}

static void
each_code_is_an_outcome_or_not (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr (GError) error = grel_error_new (codes[i].code, cart, "%s", codes[i].nick);

      g_test_message ("%s", codes[i].nick);
      g_assert_cmpint (grel_error_is_outcome (error), ==, codes[i].is_outcome);
    }
}

static void
each_code_is_a_refusal_or_not (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr (GError) error = grel_error_new (codes[i].code, cart, "%s", codes[i].nick);

      g_test_message ("%s", codes[i].nick);
      g_assert_cmpint (grel_error_is_refusal (error), ==, codes[i].is_refusal);
    }
}

static void
a_refusal_is_an_outcome (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    g_assert_true (!codes[i].is_refusal || codes[i].is_outcome);
}

static void
errors_of_the_work_are_outcomes_and_no_refusals (void)
{
  g_autoptr (GError) failed = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "failed");
  g_autoptr (GError) would_block
    = g_error_new_literal (G_IO_ERROR, GREL_ERROR_WOULD_BLOCK, "the same number elsewhere");
  g_autoptr (GError) not_open
    = g_error_new_literal (G_FILE_ERROR, GREL_ERROR_NOT_OPEN, "the same number elsewhere");

  g_assert_true (grel_error_is_outcome (failed));
  g_assert_true (grel_error_is_outcome (would_block));
  g_assert_true (grel_error_is_outcome (not_open));
  g_assert_false (grel_error_is_refusal (failed));
  g_assert_false (grel_error_is_refusal (would_block));
  g_assert_false (grel_error_is_refusal (not_open));
}

static void
a_cancellation_is_no_outcome (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");

  g_assert_false (grel_error_is_outcome (error));
  g_assert_false (grel_error_is_refusal (error));
}

static void
no_error_is_no_outcome (void)
{
  g_assert_false (grel_error_is_outcome (NULL));
  g_assert_false (grel_error_is_refusal (NULL));
  g_assert_null (grel_error_get_name (NULL));
  g_assert_cmpint (grel_error_get_retry_after (NULL), ==, 0);
}

static void
the_message_begins_with_the_subject (void)
{
  g_autoptr (GError) named = grel_error_new (GREL_ERROR_CLOSED, cart, "is %s", "over");
  g_autoptr (GError) unnamed = grel_error_new (GREL_ERROR_CLOSED, app, "is %s", "over");

  g_assert_cmpstr (named->message, ==, "lock “cart”: is over");
  g_assert_cmpstr (unnamed->message, ==, "app: is over");
}

static void
the_name_is_that_of_the_subject (void)
{
  g_autoptr (GError) error = grel_error_new (GREL_ERROR_CLOSED, cart, "is over");

  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
}

static void
without_a_subject_there_is_no_name (void)
{
  g_autoptr (GError) unnamed = grel_error_new (GREL_ERROR_CLOSED, app, "is over");
  g_autoptr (GError) plain = g_error_new_literal (GREL_ERROR, GREL_ERROR_CLOSED, "is over");
  g_autoptr (GError) foreign = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "is over");

  g_assert_null (grel_error_get_name (unnamed));
  g_assert_null (grel_error_get_name (plain));
  g_assert_null (grel_error_get_name (foreign));
}

static void
retry_after_is_0_unless_it_is_known (void)
{
  g_autoptr (GError) unknown = grel_error_new (GREL_ERROR_WOULD_BLOCK, cart, "is held");
  g_autoptr (GError) known = grel_error_new (GREL_ERROR_WOULD_BLOCK, cart, "is held");
  g_autoptr (GError) foreign = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "is busy");

  grel_error_set_retry_after (known, 42);
  g_assert_cmpint (grel_error_get_retry_after (unknown), ==, 0);
  g_assert_cmpint (grel_error_get_retry_after (known), ==, 42);
  g_assert_cmpint (grel_error_get_retry_after (foreign), ==, 0);
}

static void
name_and_retry_after_survive_a_copy (void)
{
  g_autoptr (GError) copy = NULL;
  g_autoptr (GError) copy_of_copy = NULL;
  GError *error = grel_error_new (GREL_ERROR_CIRCUIT_OPEN, cart, "is open");

  grel_error_set_retry_after (error, 42);
  copy = g_error_copy (error);
  g_error_free (error);
  copy_of_copy = g_error_copy (copy);

  g_assert_cmpstr (grel_error_get_name (copy), ==, "cart");
  g_assert_cmpint (grel_error_get_retry_after (copy), ==, 42);
  g_assert_true (grel_error_get_name (copy_of_copy) != grel_error_get_name (copy));
  g_assert_cmpstr (grel_error_get_name (copy_of_copy), ==, "cart");
  g_assert_cmpint (grel_error_get_retry_after (copy_of_copy), ==, 42);
}

static void
name_and_retry_after_survive_a_prefix (void)
{
  g_autoptr (GError) error = NULL;
  GError *cause = grel_error_new (GREL_ERROR_CIRCUIT_OPEN, cart, "is open");

  grel_error_set_retry_after (cause, 42);
  g_propagate_prefixed_error (&error, cause, "payment: ");
  g_assert_true (g_str_has_prefix (error->message, "payment: lock “cart”"));
  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
  g_assert_cmpint (grel_error_get_retry_after (error), ==, 42);
}

static void
what_a_store_reports_becomes_an_error_of_ours (void)
{
  GError *cause = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no route to the store");
  g_autoptr (GError) error = grel_error_new_from_store (cart, cause);

  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
  grel_test_assert_error (error, GREL_ERROR_BACKEND, "lock “cart”: no route to the store");
}

static void
a_store_may_choose_a_code_of_ours (void)
{
  GError *cause = g_error_new_literal (GREL_ERROR, GREL_ERROR_SETTINGS, "bad password");
  g_autoptr (GError) error = grel_error_new_from_store (cart, cause);

  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
  grel_test_assert_error (error, GREL_ERROR_SETTINGS, "lock “cart”: bad password");
}

static void
an_error_that_has_a_name_already_keeps_it (void)
{
  GError *cause = grel_error_new (GREL_ERROR_CLOSED, cart, "is over");
  g_autoptr (GError) error = grel_error_new_from_store ((GrelSubject){ "lock", "other" }, cause);

  g_assert_true (error == cause);
  g_assert_cmpstr (grel_error_get_name (error), ==, "cart");
}

#define RULE(name) g_test_add_func ("/error/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (the_domain_is_ours_alone);
  RULE (no_code_ever_changes_its_number);
  RULE (each_code_is_an_outcome_or_not);
  RULE (each_code_is_a_refusal_or_not);
  RULE (a_refusal_is_an_outcome);
  RULE (errors_of_the_work_are_outcomes_and_no_refusals);
  RULE (a_cancellation_is_no_outcome);
  RULE (no_error_is_no_outcome);
  RULE (the_message_begins_with_the_subject);
  RULE (the_name_is_that_of_the_subject);
  RULE (without_a_subject_there_is_no_name);
  RULE (retry_after_is_0_unless_it_is_known);
  RULE (name_and_retry_after_survive_a_copy);
  RULE (name_and_retry_after_survive_a_prefix);
  RULE (what_a_store_reports_becomes_an_error_of_ours);
  RULE (a_store_may_choose_a_code_of_ours);
  RULE (an_error_that_has_a_name_already_keeps_it);
  return g_test_run ();
}
