/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test.h"

G_BEGIN_DECLS

/* What the contracts of all backend classes have in common. */

typedef struct
{
  gpointer backend;
  GrelVirtualClock *clock;
} Contract;

typedef struct
{
  const char *name;
  void (*check) (Contract *self);
} ContractRule;

#define CONTRACT_RULE(name)                                                                        \
  {                                                                                                \
#name, name                                                                                    \
  }

/* A task for a request to the backend. */
GTask *contract_task (Contract *self, GrelTestResult *answer);

/* Waits for the answer, of which there may be only one. */
gboolean contract_get_boolean (GrelTestResult *answer);
gssize contract_get_int (GrelTestResult *answer);

/* Lets a time span pass, and a little more. */
void contract_outlive (Contract *self, GTimeSpan span);

/* Fills the names of the rules in; there is one element more. */
void contract_list (const ContractRule *rules, guint n_rules, const char **names);

void contract_run (const ContractRule *rules,
                   guint n_rules,
                   const char *rule,
                   gpointer backend,
                   GrelVirtualClock *clock);

G_END_DECLS
