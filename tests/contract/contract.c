/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "contract.h"

GTask *
contract_task (Contract *self, GrelTestResult *answer)
{
  return g_task_new (self->backend, NULL, grel_test_result_ready, answer);
}

gboolean
contract_get_boolean (GrelTestResult *answer)
{
  g_autoptr (GError) error = NULL;
  gboolean value = g_task_propagate_boolean (G_TASK (grel_test_result_wait (answer)), &error);

  g_assert_no_error (error);
  g_assert_cmpuint (answer->n_calls, ==, 1);
  return value;
}

gssize
contract_get_int (GrelTestResult *answer)
{
  g_autoptr (GError) error = NULL;
  gssize value = g_task_propagate_int (G_TASK (grel_test_result_wait (answer)), &error);

  g_assert_no_error (error);
  g_assert_cmpuint (answer->n_calls, ==, 1);
  return value;
}

void
contract_outlive (Contract *self, GTimeSpan span)
{
  grel_test_pass_time (self->clock, span + 50 * G_TIME_SPAN_MILLISECOND);
}

void
contract_list (const ContractRule *rules, guint n_rules, const char **names)
{
  for (guint i = 0; i < n_rules; i++)
    names[i] = rules[i].name;
}

void
contract_run (const ContractRule *rules,
              guint n_rules,
              const char *rule,
              gpointer backend,
              GrelVirtualClock *clock)
{
  Contract self = { backend, clock };
  g_autoptr (GError) error = NULL;
  guint i = 0;

  while (i < n_rules && !g_str_equal (rules[i].name, rule))
    i++;
  g_assert_cmpuint (i, <, n_rules);

  if (clock != NULL)
    grel_backend_set_clock (backend, GREL_CLOCK (clock));
  grel_test_backend_open (backend, &error);
  g_assert_no_error (error);

  rules[i].check (&self);

  grel_test_backend_close (backend, &error);
  g_assert_no_error (error);
}
