/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test.h"

G_BEGIN_DECLS

/* For a launcher: its children die with the test. */
void grel_test_process_let_die (GSubprocessLauncher *launcher);

/* A child whose output is read by the test, and which dies with it. Returns: (transfer full) */
GSubprocess *grel_test_process_new (const char *const *argv);

/* Whether it was sent a SIGSTOP, and no SIGCONT since. */
gboolean grel_test_process_is_stopped (gpointer self);

void grel_test_process_wait_until_stopped (GSubprocess *self);

/* The next line that it prints, or what there is of it at the end. Returns: (transfer full) */
char *grel_test_process_read_line (GSubprocess *self);

/* Waits for its end, which is a success unless the test kills it. Returns: (transfer full): all
 * that it printed, in lines; a last one that has no end is left out */
char **grel_test_process_collect (GSubprocess *self, gboolean was_killed);

/* tests/redis/contender.c, with what it takes; stop is NULL or "stop". */
GSubprocess *grel_test_process_new_contender (const char *uri,
                                              int n_rounds,
                                              int lease,
                                              int hold,
                                              const char *stop);

/* When a process held the lock. */
typedef struct
{
  gint64 fence;
  gint64 since;
  gint64 until;
} GrelTestHold;

/* Adds what a contender says until it ends (element-type GrelTestHold). */
void grel_test_process_collect_holds (GSubprocess *self, gboolean was_killed, GArray *holds);

/* Of all that was collected. */
void grel_test_expect_one_holder_at_a_time (GArray *holds);

G_END_DECLS
