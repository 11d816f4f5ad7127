/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test.h"

G_BEGIN_DECLS

/* What those who ask for the same lock have in common. */
typedef struct
{
  int n_holders;
  gint64 fence; /* the last one */
} GrelTestTurns;

/* Somebody who never stops asking for a lock, on the thread-default context, and lets go of it at
 * once. A call that fails has GREL_ERROR_BACKEND, and takes no longer than it may. With turns the
 * lock is held once at a time, with fencing tokens that grow. */
typedef struct
{
  GrelLock *lock;
  GrelTestTurns *turns; /* nullable */
  GTimeSpan patience;   /* or 0: a call may take any time */
  gint64 asked;
  guint n_granted;
  guint n_failed;
  gboolean is_over;
  int is_done;
} GrelTestAsker;

/* Takes the lock. */
void grel_test_asker_start (GrelTestAsker *self,
                            GrelLock *lock,
                            GrelTestTurns *turns,
                            GTimeSpan patience);

/* Each asks for the same lock, often, with that lease. Takes the locks. */
void grel_test_turns_start (GrelTestTurns *self,
                            GrelTestAsker *askers,
                            GrelLock **locks,
                            guint n_askers,
                            GTimeSpan lease);

/* Waits until it was granted the lock so many times more. */
void grel_test_asker_wait_for_grants (GrelTestAsker *self, guint n);

/* Has all of them stop, and waits until they have. */
void grel_test_asker_stop_all (GrelTestAsker *askers, guint n_askers);

/* A lock of that app. */
GrelLock *grel_test_lock_new (GrelApp *app, const char *name);

/* What has to go well. */
GrelLease *grel_test_lock_take (GrelLock *lock);
void grel_test_lease_give_back (GrelLease *lease);

/* It may take a while until the store is asked again, or an election is over. */
GrelLease *grel_test_lock_take_soon (GrelLock *lock);

G_END_DECLS
