/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract-circuit-breaker.h"
#include "contract-circuit-breaker-private.h"

/*
 * What every circuit breaker backend has to do. Each rule gets a backend that was never opened, and
 * a virtual clock if the backend goes by one; without it time passes for real.
 */
#define SHORT_TIMEOUT (200 * G_TIME_SPAN_MILLISECOND)
#define LONG_TIMEOUT (60 * G_TIME_SPAN_SECOND)
#define NAME "cb:contract"

#define CLOSED GREL_CIRCUIT_STATE_CLOSED
#define OPEN GREL_CIRCUIT_STATE_OPEN
#define HALF_OPEN GREL_CIRCUIT_STATE_HALF_OPEN
#define FORCED_OPEN GREL_CIRCUIT_STATE_FORCED_OPEN
#define FORCED_CLOSED GREL_CIRCUIT_STATE_FORCED_CLOSED

#define NONE GREL_CIRCUIT_OUTCOME_NONE
#define SUCCESS GREL_CIRCUIT_OUTCOME_SUCCESS
#define ERROR GREL_CIRCUIT_OUTCOME_ERROR

/* Nothing runs out by itself while a rule is checked, however slow the machine. */
static const GrelCircuitSettings settings = {
  .error_threshold = 3,
  .success_threshold = 2,
  .half_open_capacity = 2,
  .reset_timeout = LONG_TIMEOUT,
};

static const GrelCircuitSettings quick_settings = {
  .error_threshold = 3,
  .success_threshold = 2,
  .half_open_capacity = 2,
  .reset_timeout = SHORT_TIMEOUT,
};

static gssize
contract_admit_with (Contract *self, const char *name, const GrelCircuitSettings *terms)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_circuit_breaker_backend_admit (self->backend, name, terms, task);
  return contract_get_int (&answer);
}

static gssize
contract_admit (Contract *self)
{
  return contract_admit_with (self, NAME, &settings);
}

static gboolean
contract_record_with (Contract *self,
                      const char *name,
                      gint64 ticket,
                      GrelCircuitOutcome outcome,
                      const GrelCircuitSettings *terms)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_circuit_breaker_backend_record (self->backend, name, ticket, outcome, terms, task);
  return contract_get_boolean (&answer);
}

static gboolean
contract_record (Contract *self, gint64 ticket, GrelCircuitOutcome outcome)
{
  return contract_record_with (self, NAME, ticket, outcome, &settings);
}

static void
contract_set_state (Contract *self, GrelCircuitState state, GTimeSpan cool_down)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_circuit_breaker_backend_set_state (self->backend, NAME, state, cool_down, task);
  g_assert_true (contract_get_boolean (&answer));
}

static GrelCircuitState
contract_get_state (Contract *self, const char *name)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_circuit_breaker_backend_get_state (self->backend, name, task);
  return contract_get_int (&answer);
}

static void
contract_expect (Contract *self, GrelCircuitState state)
{
  g_assert_cmpint (contract_get_state (self, NAME), ==, state);
}

/* A call that has to be admitted. */
static gint64
contract_enter (Contract *self)
{
  gssize ticket = contract_admit (self);

  g_assert_cmpint (ticket, >=, 1);
  g_assert_cmpint (ticket, <, G_GINT64_CONSTANT (1) << 53);
  return ticket;
}

static void
contract_call (Contract *self, guint n_calls, GrelCircuitOutcome outcome)
{
  for (guint i = 0; i < n_calls; i++)
    contract_record (self, contract_enter (self), outcome);
}

static void
contract_trip (Contract *self)
{
  contract_call (self, settings.error_threshold, ERROR);
  contract_expect (self, OPEN);
}

/* Opens it for a short time, and waits until a probe may go through. */
static void
contract_cool_down (Contract *self)
{
  contract_set_state (self, OPEN, SHORT_TIMEOUT);
  contract_outlive (self, SHORT_TIMEOUT);
}

static void
a_circuit_that_is_not_known_is_closed (Contract *self)
{
  contract_expect (self, CLOSED);
  g_assert_cmpint (contract_admit (self), >=, 1);
  contract_expect (self, CLOSED);
}

static void
errors_in_a_row_open_it (Contract *self)
{
  contract_call (self, settings.error_threshold - 1, ERROR);
  contract_expect (self, CLOSED);
  g_assert_true (contract_record (self, contract_enter (self), ERROR));
  contract_expect (self, OPEN);
}

static void
one_error_may_be_enough (Contract *self)
{
  GrelCircuitSettings strict = settings;

  strict.error_threshold = 1;
  g_assert_true (contract_record_with (self, NAME, contract_enter (self), ERROR, &strict));
  contract_expect (self, OPEN);
}

static void
a_success_forgets_the_errors_before_it (Contract *self)
{
  contract_call (self, settings.error_threshold - 1, ERROR);
  contract_call (self, 1, SUCCESS);
  contract_call (self, settings.error_threshold - 1, ERROR);
  contract_expect (self, CLOSED);
}

static void
a_call_without_an_outcome_counts_nothing (Contract *self)
{
  contract_call (self, settings.error_threshold - 1, ERROR);
  g_assert_false (contract_record (self, contract_enter (self), NONE));
  contract_expect (self, CLOSED);
  contract_call (self, 1, ERROR);
  contract_expect (self, OPEN);
}

static void
an_open_circuit_refuses_and_says_for_how_long (Contract *self)
{
  gssize answer;

  contract_trip (self);
  answer = contract_admit (self);
  g_assert_cmpint (answer, <, 0);
  g_assert_cmpint (answer, >=, -LONG_TIMEOUT);

  contract_outlive (self, SHORT_TIMEOUT);
  g_assert_cmpint (contract_admit (self), >=, answer + SHORT_TIMEOUT);
  contract_expect (self, OPEN);
}

static void
it_is_open_until_a_call_asks_after_its_time (Contract *self)
{
  contract_cool_down (self);
  contract_expect (self, OPEN);
  contract_enter (self);
  contract_expect (self, HALF_OPEN);
}

static void
at_the_end_of_its_time_a_call_goes_through (Contract *self)
{
  if (self->clock == NULL)
    return; /* only a virtual clock stands still in that moment */

  contract_trip (self);
  grel_test_pass_time (self->clock, LONG_TIMEOUT - 1);
  g_assert_cmpint (contract_admit (self), ==, -1);
  grel_test_pass_time (self->clock, 1);
  contract_enter (self);
}

static void
its_own_cool_down_decides (Contract *self)
{
  contract_set_state (self, OPEN, LONG_TIMEOUT);
  contract_outlive (self, SHORT_TIMEOUT);
  g_assert_cmpint (contract_admit_with (self, NAME, &quick_settings), <, 0);

  contract_set_state (self, OPEN, SHORT_TIMEOUT);
  contract_outlive (self, SHORT_TIMEOUT);
  contract_enter (self);
}

static void
the_settings_of_the_last_error_decide (Contract *self)
{
  contract_call (self, settings.error_threshold - 1, ERROR);
  g_assert_true (contract_record_with (self, NAME, contract_enter (self), ERROR, &quick_settings));
  contract_expect (self, OPEN);
  contract_outlive (self, SHORT_TIMEOUT);
  contract_enter (self);
}

/* Many ask before anyone is answered. */
static void
probes_never_exceed_the_capacity (Contract *self)
{
  GrelTestResult answers[20] = { { NULL } };
  guint n_admitted = 0;

  contract_cool_down (self);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (GTask) task = contract_task (self, &answers[i]);

      grel_circuit_breaker_backend_admit (self->backend, NAME, &settings, task);
    }
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      gssize answer = contract_get_int (&answers[i]);

      g_assert_cmpint (answer, >=, 0); /* nobody knows for how long */
      n_admitted += answer > 0;
      grel_test_result_clear (&answers[i]);
    }
  g_assert_cmpuint (n_admitted, ==, settings.half_open_capacity);
  contract_expect (self, HALF_OPEN);
}

static void
every_probe_has_a_ticket_of_its_own (Contract *self)
{
  gint64 first;

  contract_cool_down (self);
  first = contract_enter (self);
  g_assert_cmpint (contract_enter (self), !=, first);
}

/* Fills the capacity, ends one probe, and asks for its slot. */
static void
contract_check_slot (Contract *self, GrelCircuitOutcome outcome)
{
  gint64 ticket;

  contract_cool_down (self);
  ticket = contract_enter (self);
  contract_enter (self);
  g_assert_cmpint (contract_admit (self), ==, 0);

  g_assert_cmpint (contract_record (self, ticket, outcome), ==, outcome != NONE);
  contract_expect (self, HALF_OPEN);
  contract_enter (self);
  g_assert_cmpint (contract_admit (self), ==, 0);
}

static void
a_probe_that_succeeds_gives_its_slot_back (Contract *self)
{
  contract_check_slot (self, SUCCESS);
}

static void
a_probe_that_fails_gives_its_slot_back (Contract *self)
{
  contract_check_slot (self, ERROR);
}

static void
a_probe_without_an_outcome_gives_its_slot_back (Contract *self)
{
  contract_check_slot (self, NONE);
}

static void
a_probe_that_died_loses_its_slot (Contract *self)
{
  gssize dead;

  contract_cool_down (self);
  dead = contract_admit_with (self, NAME, &quick_settings);
  g_assert_cmpint (dead, >=, 1);
  contract_enter (self);
  contract_outlive (self, SHORT_TIMEOUT);

  contract_enter (self);
  g_assert_cmpint (contract_admit (self), ==, 0);
  g_assert_false (contract_record (self, dead, SUCCESS));
  g_assert_cmpint (contract_admit (self), ==, 0);
}

static void
a_slot_is_given_back_once (Contract *self)
{
  gint64 ticket;

  contract_cool_down (self);
  ticket = contract_enter (self);
  contract_enter (self);
  contract_record (self, ticket, NONE);
  contract_record (self, ticket, NONE);
  contract_enter (self);
  g_assert_cmpint (contract_admit (self), ==, 0);
}

static void
successes_in_a_row_close_it (Contract *self)
{
  contract_cool_down (self);
  contract_call (self, settings.success_threshold - 1, SUCCESS);
  contract_expect (self, HALF_OPEN);
  contract_call (self, 1, SUCCESS);
  contract_expect (self, CLOSED);
}

static void
errors_in_a_row_open_it_again (Contract *self)
{
  contract_cool_down (self);
  contract_call (self, settings.error_threshold - 1, ERROR);
  contract_expect (self, HALF_OPEN);
  contract_call (self, 1, ERROR);
  contract_expect (self, OPEN);
  g_assert_cmpint (contract_admit (self), <, 0);
}

static void
an_error_breaks_a_row_of_successes (Contract *self)
{
  contract_cool_down (self);
  contract_call (self, settings.success_threshold - 1, SUCCESS);
  contract_call (self, 1, ERROR);
  contract_call (self, settings.success_threshold - 1, SUCCESS);
  contract_expect (self, HALF_OPEN);
}

static void
one_that_recovered_starts_anew (Contract *self)
{
  contract_cool_down (self);
  contract_call (self, settings.success_threshold, SUCCESS);
  contract_call (self, settings.error_threshold - 1, ERROR);
  contract_expect (self, CLOSED);
  contract_call (self, 1, ERROR);
  contract_expect (self, OPEN);
}

static void
a_call_from_before_it_opened_takes_no_slot_and_counts_nothing (Contract *self)
{
  gint64 before = contract_enter (self), probe;

  contract_trip (self);
  g_assert_false (contract_record (self, before, ERROR));

  contract_cool_down (self);
  probe = contract_enter (self);
  contract_enter (self);
  g_assert_false (contract_record (self, before, SUCCESS));
  g_assert_cmpint (contract_admit (self), ==, 0);
  g_assert_true (contract_record (self, probe, SUCCESS));
  contract_expect (self, HALF_OPEN);
}

static void
a_probe_from_before_it_opened_again_counts_nothing (Contract *self)
{
  gint64 before;

  contract_cool_down (self);
  before = contract_enter (self);
  contract_call (self, settings.error_threshold, ERROR);
  contract_expect (self, OPEN);

  contract_cool_down (self);
  contract_enter (self);
  contract_enter (self);
  g_assert_false (contract_record (self, before, SUCCESS));
  g_assert_cmpint (contract_admit (self), ==, 0);
}

static void
forced_open_refuses_until_it_is_reset (Contract *self)
{
  gint64 before = contract_enter (self);

  contract_set_state (self, FORCED_OPEN, 0);
  contract_outlive (self, SHORT_TIMEOUT);
  g_assert_cmpint (contract_admit_with (self, NAME, &quick_settings), ==, 0);
  g_assert_false (contract_record (self, before, SUCCESS));
  contract_expect (self, FORCED_OPEN);

  contract_set_state (self, CLOSED, 0);
  contract_enter (self);
  contract_expect (self, CLOSED);
}

static void
forced_closed_admits_whatever_happens (Contract *self)
{
  contract_set_state (self, FORCED_CLOSED, 0);
  contract_call (self, settings.error_threshold + 1, ERROR);
  contract_expect (self, FORCED_CLOSED);
  contract_enter (self);
}

static void
a_reset_forgets_all_that_was_counted (Contract *self)
{
  contract_call (self, settings.error_threshold - 1, ERROR);
  contract_set_state (self, CLOSED, 0);
  contract_call (self, settings.error_threshold - 1, ERROR);
  contract_expect (self, CLOSED);
}

static void
one_that_nobody_used_for_long_is_closed (Contract *self)
{
  if (self->clock == NULL)
    return; /* it takes a day */

  contract_trip (self);
  grel_test_pass_time (self->clock, G_TIME_SPAN_DAY);
  contract_expect (self, CLOSED);
  contract_call (self, settings.error_threshold - 1, ERROR);
  contract_expect (self, CLOSED);
}

static void
a_long_cool_down_outlasts_a_day (Contract *self)
{
  if (self->clock == NULL)
    return;

  contract_set_state (self, OPEN, 2 * G_TIME_SPAN_DAY);
  grel_test_pass_time (self->clock, G_TIME_SPAN_DAY + G_TIME_SPAN_HOUR);
  g_assert_cmpint (contract_admit (self), <, 0);
}

static void
forced_states_outlast_everything (Contract *self)
{
  if (self->clock == NULL)
    return;

  contract_set_state (self, FORCED_OPEN, 0);
  grel_test_pass_time (self->clock, 1000 * G_TIME_SPAN_DAY);
  contract_expect (self, FORCED_OPEN);
}

static void
a_question_changes_nothing (Contract *self)
{
  contract_cool_down (self);
  for (guint i = 0; i < 5; i++)
    contract_expect (self, OPEN);
  for (guint i = 0; i < settings.half_open_capacity; i++)
    {
      contract_enter (self);
      contract_expect (self, HALF_OPEN);
    }
  g_assert_cmpint (contract_admit (self), ==, 0);
}

static void
names_are_independent (Contract *self)
{
  static const char *others[] = { "cb:other", "cb:contract:", "cb:contract:é→\xf0\x9f\x98\x80 %*[",
                                  "cb:Contract", "cb:contract " };
  g_autofree char *filler = g_strnfill (1000, 'n');
  g_autofree char *long_name = g_strconcat ("cb:", filler, NULL);

  contract_trip (self);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      gssize ticket = contract_admit_with (self, others[i], &settings);

      g_assert_cmpint (ticket, >=, 1);
      g_assert_true (contract_record_with (self, others[i], ticket, ERROR, &settings));
      g_assert_cmpint (contract_get_state (self, others[i]), ==, CLOSED);
    }
  g_assert_cmpint (contract_admit_with (self, long_name, &settings), >=, 1);
}

static const ContractRule rules[] = {
  CONTRACT_RULE (a_circuit_that_is_not_known_is_closed),
  CONTRACT_RULE (errors_in_a_row_open_it),
  CONTRACT_RULE (one_error_may_be_enough),
  CONTRACT_RULE (a_success_forgets_the_errors_before_it),
  CONTRACT_RULE (a_call_without_an_outcome_counts_nothing),
  CONTRACT_RULE (an_open_circuit_refuses_and_says_for_how_long),
  CONTRACT_RULE (it_is_open_until_a_call_asks_after_its_time),
  CONTRACT_RULE (at_the_end_of_its_time_a_call_goes_through),
  CONTRACT_RULE (its_own_cool_down_decides),
  CONTRACT_RULE (the_settings_of_the_last_error_decide),
  CONTRACT_RULE (probes_never_exceed_the_capacity),
  CONTRACT_RULE (every_probe_has_a_ticket_of_its_own),
  CONTRACT_RULE (a_probe_that_succeeds_gives_its_slot_back),
  CONTRACT_RULE (a_probe_that_fails_gives_its_slot_back),
  CONTRACT_RULE (a_probe_without_an_outcome_gives_its_slot_back),
  CONTRACT_RULE (a_probe_that_died_loses_its_slot),
  CONTRACT_RULE (a_slot_is_given_back_once),
  CONTRACT_RULE (successes_in_a_row_close_it),
  CONTRACT_RULE (errors_in_a_row_open_it_again),
  CONTRACT_RULE (an_error_breaks_a_row_of_successes),
  CONTRACT_RULE (one_that_recovered_starts_anew),
  CONTRACT_RULE (a_call_from_before_it_opened_takes_no_slot_and_counts_nothing),
  CONTRACT_RULE (a_probe_from_before_it_opened_again_counts_nothing),
  CONTRACT_RULE (forced_open_refuses_until_it_is_reset),
  CONTRACT_RULE (forced_closed_admits_whatever_happens),
  CONTRACT_RULE (a_reset_forgets_all_that_was_counted),
  CONTRACT_RULE (one_that_nobody_used_for_long_is_closed),
  CONTRACT_RULE (a_long_cool_down_outlasts_a_day),
  CONTRACT_RULE (forced_states_outlast_everything),
  CONTRACT_RULE (a_question_changes_nothing),
  CONTRACT_RULE (names_are_independent),
  CONTRACT_RULE (a_breaker_uses_its_name_behind_a_prefix),
  CONTRACT_RULE (a_breaker_learns_of_every_change),
  CONTRACT_RULE (a_breaker_learns_of_the_counts),
  CONTRACT_RULE (a_refusal_says_when_to_come_back),
  CONTRACT_RULE (two_breakers_of_one_name_are_one_circuit),
  CONTRACT_RULE (a_permit_that_is_dropped_gives_its_slot_back),
  CONTRACT_RULE (what_was_admitted_before_it_opened_counts_nothing_after),
  CONTRACT_RULE (permits_end_with_the_backend),
};

/**
 * grel_test_circuit_breaker_contract_list:
 *
 * Lists the rules of the contract.
 *
 * Returns: (transfer none) (array zero-terminated=1): their names
 */
const char *const *
grel_test_circuit_breaker_contract_list (void)
{
  static const char *names[G_N_ELEMENTS (rules) + 1];

  contract_list (rules, G_N_ELEMENTS (rules), names);
  return names;
}

/**
 * grel_test_circuit_breaker_contract_run:
 * @rule: the name of a rule
 * @backend: a backend that was never opened
 * @clock: (nullable): the clock that @backend is to go by; %NULL if it has its own
 *
 * Checks one rule, running the thread-default main context, and aborts if it doesn't hold.
 */
void
grel_test_circuit_breaker_contract_run (const char *rule,
                                        GrelCircuitBreakerBackend *backend,
                                        GrelVirtualClock *clock)
{
  contract_run (rules, G_N_ELEMENTS (rules), rule, backend, clock);
}
