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

void grel_test_process_wait_until_stopped (GSubprocess *self);

/* The next line that it prints, or what there is of it at the end. Returns: (transfer full) */
char *grel_test_process_read_line (GSubprocess *self);

/* Waits for its end, which is a success unless the test kills it. Returns: (transfer full): all
 * that it printed, in lines; a last one that has no end is left out */
char **grel_test_process_collect (GSubprocess *self, gboolean was_killed);

G_END_DECLS
