/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test.h"

G_BEGIN_DECLS

/* What programs have in common that do everything against everything else, at random moments. Each
 * run depends on its number and the seed that GTest prints; --seed repeats it. GREL_TEST_RUNS sets
 * how many. */
typedef void (*GrelTestRun) (guint number, GRand *rand, GrelTestLoop *loop, gconstpointer arena);

/* Runs it again and again, on a thread-default context of its own beside a loop. */
void grel_test_race (GrelTestRun run, gconstpointer arena);

/* Lets other threads run. */
void grel_test_spin (guint turns);

/* Opens a backend on the loop. */
void grel_test_loop_open_backend (GrelTestLoop *loop, GrelBackend *backend);

/* Drops a reference on another thread. */
void grel_test_drop_elsewhere (gpointer object);

/* Waits until nobody else refers to it, and drops the last reference. */
void grel_test_drop_last (gpointer object);

G_END_DECLS
