/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract-lock.h"
#include "contract.h"

/*
 * What every lock backend has to do. Each rule gets a backend that was never opened, and a virtual
 * clock if the backend goes by one; without it time passes for real.
 */
#define LEASE (200 * G_TIME_SPAN_MILLISECOND)
#define LONG_LEASE (60 * G_TIME_SPAN_SECOND)
#define NAME "lock:contract"

static gssize
contract_acquire (Contract *self, const char *name, const char *token, GTimeSpan lease)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_lock_backend_acquire (self->backend, name, token, lease, task);
  return contract_get_int (&answer);
}

static gboolean
contract_extend (Contract *self, const char *token, GTimeSpan lease)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_lock_backend_extend (self->backend, NAME, token, lease, task);
  return contract_get_boolean (&answer);
}

static gboolean
contract_release (Contract *self, const char *token)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_lock_backend_release (self->backend, NAME, token, task);
  return contract_get_boolean (&answer);
}

static gboolean
contract_is_locked (Contract *self, const char *name)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_lock_backend_is_locked (self->backend, name, task);
  return contract_get_boolean (&answer);
}

static gboolean
contract_is_owned (Contract *self, const char *token)
{
  g_auto (GrelTestResult) answer = { NULL };
  g_autoptr (GTask) task = contract_task (self, &answer);

  grel_lock_backend_is_owned (self->backend, NAME, token, task);
  return contract_get_boolean (&answer);
}

static void
the_first_fence_is_1 (Contract *self)
{
  g_assert_cmpint (contract_acquire (self, NAME, "a", LONG_LEASE), ==, 1);
}

static void
a_fence_rises_each_time_the_lock_changes_hands (Contract *self)
{
  for (int fence = 1; fence <= 5; fence++)
    {
      g_assert_cmpint (contract_acquire (self, NAME, "a", LONG_LEASE), ==, fence);
      g_assert_true (contract_release (self, "a"));
    }
}

static void
a_holder_who_asks_again_keeps_its_fence (Contract *self)
{
  g_assert_cmpint (contract_acquire (self, NAME, "a", LEASE), ==, 1);
  g_assert_cmpint (contract_acquire (self, NAME, "a", LONG_LEASE), ==, 1);
  contract_outlive (self, LEASE);
  g_assert_true (contract_is_owned (self, "a"));
}

static void
a_rival_is_refused_and_may_be_told_for_how_long (Contract *self)
{
  gssize answer;

  contract_acquire (self, NAME, "a", LONG_LEASE);
  answer = contract_acquire (self, NAME, "b", LONG_LEASE);
  g_assert_cmpint (answer, <=, 0);
  g_assert_cmpint (-answer, <=, LONG_LEASE + 1);
  g_assert_true (contract_is_owned (self, "a"));
  g_assert_false (contract_is_owned (self, "b"));
}

static void
a_rival_takes_over_when_the_lease_ran_out (Contract *self)
{
  contract_acquire (self, NAME, "a", LEASE);
  contract_outlive (self, LEASE);
  g_assert_cmpint (contract_acquire (self, NAME, "b", LONG_LEASE), ==, 2);
  g_assert_false (contract_is_owned (self, "a"));
}

static void
one_who_comes_back_after_its_lease_gets_a_new_fence (Contract *self)
{
  contract_acquire (self, NAME, "a", LEASE);
  contract_outlive (self, LEASE);
  g_assert_cmpint (contract_acquire (self, NAME, "a", LONG_LEASE), ==, 2);
}

static void
only_the_owner_releases_and_only_once (Contract *self)
{
  contract_acquire (self, NAME, "a", LONG_LEASE);
  g_assert_false (contract_release (self, "b"));
  g_assert_true (contract_is_owned (self, "a"));
  g_assert_true (contract_release (self, "a"));
  g_assert_false (contract_release (self, "a"));
  g_assert_false (contract_is_locked (self, NAME));
}

static void
a_late_release_frees_no_successor (Contract *self)
{
  contract_acquire (self, NAME, "a", LEASE);
  contract_outlive (self, LEASE);
  g_assert_false (contract_release (self, "a"));
  contract_acquire (self, NAME, "b", LONG_LEASE);
  g_assert_false (contract_release (self, "a"));
  g_assert_true (contract_is_owned (self, "b"));
}

static void
an_extension_lets_the_lease_run_on (Contract *self)
{
  contract_acquire (self, NAME, "a", LEASE);
  g_assert_true (contract_extend (self, "a", LONG_LEASE));
  contract_outlive (self, LEASE);
  g_assert_true (contract_is_owned (self, "a"));
  g_assert_cmpint (contract_acquire (self, NAME, "a", LONG_LEASE), ==, 1);
}

static void
an_extension_may_shorten_the_lease (Contract *self)
{
  contract_acquire (self, NAME, "a", LONG_LEASE);
  g_assert_true (contract_extend (self, "a", LEASE));
  contract_outlive (self, LEASE);
  g_assert_false (contract_is_locked (self, NAME));
}

static void
an_extension_never_acquires (Contract *self)
{
  g_assert_false (contract_extend (self, "a", LONG_LEASE));
  contract_acquire (self, NAME, "a", LEASE);
  g_assert_false (contract_extend (self, "b", LONG_LEASE));
  contract_outlive (self, LEASE);
  g_assert_false (contract_extend (self, "a", LONG_LEASE));
  g_assert_false (contract_is_locked (self, NAME));
}

static void
locked_and_owned_follow_the_lease (Contract *self)
{
  g_assert_false (contract_is_locked (self, NAME));
  g_assert_false (contract_is_owned (self, "a"));
  contract_acquire (self, NAME, "a", LEASE);
  g_assert_true (contract_is_locked (self, NAME));
  g_assert_true (contract_is_owned (self, "a"));
  contract_outlive (self, LEASE);
  g_assert_false (contract_is_locked (self, NAME));
  g_assert_false (contract_is_owned (self, "a"));
}

static void
names_are_independent (Contract *self)
{
  contract_acquire (self, NAME, "a", LONG_LEASE);
  contract_release (self, "a");
  g_assert_cmpint (contract_acquire (self, NAME, "a", LONG_LEASE), ==, 2);
  g_assert_cmpint (contract_acquire (self, "lock:other", "b", LONG_LEASE), ==, 1);
  g_assert_false (contract_is_locked (self, "tasklock:contract"));
}

static void
a_name_may_have_200_characters (Contract *self)
{
  g_autofree char *filler = g_strnfill (200, 'n');
  g_autofree char *name = g_strconcat ("lock:", filler, NULL);

  g_assert_cmpint (contract_acquire (self, name, "a", LONG_LEASE), ==, 1);
  g_assert_true (contract_is_locked (self, name));
}

static void
at_the_last_moment_the_lock_is_still_held (Contract *self)
{
  if (self->clock == NULL)
    return; /* only a virtual clock stands still in that moment */

  contract_acquire (self, NAME, "a", LEASE);
  grel_test_pass_time (self->clock, LEASE);
  g_assert_true (contract_is_owned (self, "a"));
  g_assert_cmpint (contract_acquire (self, NAME, "b", LEASE), <=, 0);
  grel_test_pass_time (self->clock, G_TIME_SPAN_MILLISECOND);
  g_assert_cmpint (contract_acquire (self, NAME, "b", LEASE), ==, 2);
}

static GrelLock *
contract_lock (Contract *self)
{
  return g_object_new (GREL_TYPE_LOCK, "name", "contract", "backend", self->backend, NULL);
}

static void
a_lock_uses_its_name_behind_a_prefix (Contract *self)
{
  g_autoptr (GrelLock) lock = contract_lock (self);
  g_autoptr (GrelLease) lease = grel_test_lock_acquire (lock, -1, NULL);

  g_assert_true (contract_is_locked (self, NAME));
  g_assert_true (grel_test_lock_is_locked (lock, NULL));
}

static void
a_lease_dies_with_its_last_reference (Contract *self)
{
  g_autoptr (GrelLock) lock = contract_lock (self);
  g_autoptr (GrelLease) first = grel_test_lock_acquire (lock, -1, NULL);
  g_autoptr (GrelLease) second = NULL;
  g_autoptr (GError) error = NULL;

  g_clear_object (&first);
  second = grel_test_lock_acquire (lock, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (grel_lease_get_fencing_token (second), ==, 2);
}

static void
a_lease_that_is_not_extended_is_lost (Contract *self)
{
  g_autoptr (GrelLock) lock = contract_lock (self);
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;

  grel_lock_set_lease_duration (lock, LEASE);
  grel_lock_set_auto_extend (lock, FALSE);
  lease = grel_test_lock_acquire (lock, -1, NULL);
  g_assert_true (grel_lease_is_valid (lease));
  g_assert_false (g_cancellable_is_cancelled (grel_lease_get_cancellable (lease)));

  contract_outlive (self, LEASE);
  g_assert_false (grel_lease_is_valid (lease));
  g_assert_true (g_cancellable_is_cancelled (grel_lease_get_cancellable (lease)));
  g_assert_false (grel_test_lease_extend (lease, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OWNED, "contract");
  g_assert_false (grel_test_lease_release (lease, &error));
  grel_test_assert_error (error, GREL_ERROR_NOT_OWNED, "contract");
}

static void
a_lease_is_extended_while_its_object_lives (Contract *self)
{
  g_autoptr (GrelLock) lock = contract_lock (self);
  g_autoptr (GrelLease) lease = NULL;

  grel_lock_set_lease_duration (lock, LEASE);
  lease = grel_test_lock_acquire (lock, -1, NULL);
  for (int i = 0; i < 8; i++)
    {
      grel_test_pass_time (self->clock, LEASE / 4);
      g_assert_true (grel_lease_is_valid (lease));
    }
  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 1);
  g_assert_true (grel_test_lease_release (lease, NULL));
}

static void
a_task_lock_is_held_for_its_time (Contract *self)
{
  g_autoptr (GrelTaskLock) lock
    = g_object_new (GREL_TYPE_TASK_LOCK, "name", "contract", "backend", self->backend,
                    "min-hold-duration", (gint64) LEASE, NULL);
  g_autoptr (GrelLease) lease = grel_test_task_lock_acquire (lock, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_lease_release (lease, NULL));
  g_assert_true (contract_is_locked (self, "tasklock:contract"));
  g_assert_null (grel_test_task_lock_acquire (lock, &error));
  grel_test_assert_error (error, GREL_ERROR_WOULD_BLOCK, "contract");
  contract_outlive (self, LEASE);
  g_assert_false (contract_is_locked (self, "tasklock:contract"));
}

static void
waiters_are_served_in_the_order_they_came (Contract *self)
{
  g_autoptr (GrelLock) lock = contract_lock (self);
  g_autoptr (GrelLease) holder = grel_test_lock_acquire (lock, -1, NULL);
  GrelTestResult waiters[20] = { { NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    grel_lock_acquire_async (lock, -1, NULL, grel_test_result_ready, &waiters[i]);
  g_assert_true (grel_test_lease_release (holder, NULL));

  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GrelLease) lease
        = grel_lock_acquire_finish (lock, grel_test_result_wait (&waiters[i]), &error);

      g_assert_no_error (error);
      g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, i + 2);
      if (i + 1 < G_N_ELEMENTS (waiters))
        g_assert_false (waiters[i + 1].is_done);
      g_assert_true (grel_test_lease_release (lease, NULL));
      grel_test_result_clear (&waiters[i]);
    }
}

static void
a_timeout_of_0_does_not_wait (Contract *self)
{
  g_autoptr (GrelLock) lock = contract_lock (self);
  g_autoptr (GrelLease) holder = grel_test_lock_acquire (lock, 0, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (holder);
  g_assert_null (grel_test_lock_acquire (lock, 0, &error));
  grel_test_assert_error (error, GREL_ERROR_WOULD_BLOCK, "contract");
}

static void
a_timeout_that_runs_out_leaves_the_queue (Contract *self)
{
  g_autoptr (GrelLock) lock = contract_lock (self);
  g_autoptr (GrelLease) holder = grel_test_lock_acquire (lock, -1, NULL);
  g_auto (GrelTestResult) waiter = { NULL };
  g_autoptr (GrelLease) next = NULL;
  g_autoptr (GError) error = NULL;

  grel_lock_acquire_async (lock, LEASE, NULL, grel_test_result_ready, &waiter);
  contract_outlive (self, LEASE);
  g_assert_null (grel_lock_acquire_finish (lock, grel_test_result_wait (&waiter), &error));
  grel_test_assert_error (error, GREL_ERROR_TIMED_OUT, "contract");

  g_assert_true (grel_test_lease_release (holder, NULL));
  next = grel_test_lock_acquire (lock, 0, &error);
  g_assert_no_error (error);
}

static void
leases_end_with_the_backend_and_fences_go_on (Contract *self)
{
  g_autoptr (GrelLock) lock = contract_lock (self);
  g_autoptr (GrelLease) old = NULL;
  g_autoptr (GrelLease) lease = NULL;
  g_autoptr (GError) error = NULL;

  grel_lock_set_lease_duration (lock, LEASE);
  old = grel_test_lock_acquire (lock, -1, NULL);
  grel_test_backend_close (GREL_BACKEND (self->backend), &error);
  g_assert_no_error (error);
  g_assert_false (grel_lease_is_valid (old));
  g_assert_true (g_cancellable_is_cancelled (grel_lease_get_cancellable (old)));

  grel_test_backend_open (GREL_BACKEND (self->backend), &error);
  g_assert_no_error (error);
  g_assert_false (grel_test_lease_release (old, &error));
  grel_test_assert_error (error, GREL_ERROR_CLOSED, "contract");

  contract_outlive (self, LEASE);
  lease = grel_test_lock_acquire (lock, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (grel_lease_get_fencing_token (lease), ==, 2);
}

static const ContractRule rules[] = {
  CONTRACT_RULE (the_first_fence_is_1),
  CONTRACT_RULE (a_fence_rises_each_time_the_lock_changes_hands),
  CONTRACT_RULE (a_holder_who_asks_again_keeps_its_fence),
  CONTRACT_RULE (a_rival_is_refused_and_may_be_told_for_how_long),
  CONTRACT_RULE (a_rival_takes_over_when_the_lease_ran_out),
  CONTRACT_RULE (one_who_comes_back_after_its_lease_gets_a_new_fence),
  CONTRACT_RULE (only_the_owner_releases_and_only_once),
  CONTRACT_RULE (a_late_release_frees_no_successor),
  CONTRACT_RULE (an_extension_lets_the_lease_run_on),
  CONTRACT_RULE (an_extension_may_shorten_the_lease),
  CONTRACT_RULE (an_extension_never_acquires),
  CONTRACT_RULE (locked_and_owned_follow_the_lease),
  CONTRACT_RULE (names_are_independent),
  CONTRACT_RULE (a_name_may_have_200_characters),
  CONTRACT_RULE (at_the_last_moment_the_lock_is_still_held),
  CONTRACT_RULE (a_lock_uses_its_name_behind_a_prefix),
  CONTRACT_RULE (a_lease_dies_with_its_last_reference),
  CONTRACT_RULE (a_lease_that_is_not_extended_is_lost),
  CONTRACT_RULE (a_lease_is_extended_while_its_object_lives),
  CONTRACT_RULE (a_task_lock_is_held_for_its_time),
  CONTRACT_RULE (waiters_are_served_in_the_order_they_came),
  CONTRACT_RULE (a_timeout_of_0_does_not_wait),
  CONTRACT_RULE (a_timeout_that_runs_out_leaves_the_queue),
  CONTRACT_RULE (leases_end_with_the_backend_and_fences_go_on),
};

/**
 * grel_test_lock_contract_list:
 *
 * Lists the rules of the contract.
 *
 * Returns: (transfer none) (array zero-terminated=1): their names
 */
const char *const *
grel_test_lock_contract_list (void)
{
  static const char *names[G_N_ELEMENTS (rules) + 1];

  contract_list (rules, G_N_ELEMENTS (rules), names);
  return names;
}

/**
 * grel_test_lock_contract_run:
 * @rule: the name of a rule
 * @backend: a backend that was never opened
 * @clock: (nullable): the clock that @backend is to go by; %NULL if it has its own
 *
 * Checks one rule, running the thread-default main context, and aborts if it doesn't hold.
 */
void
grel_test_lock_contract_run (const char *rule, GrelLockBackend *backend, GrelVirtualClock *clock)
{
  contract_run (rules, G_N_ELEMENTS (rules), rule, backend, clock);
}
