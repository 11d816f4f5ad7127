/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Calls a function in the thread-default context of whoever made it, with that as thread-default,
 * whenever its time has come. In a child of fork () it never does. */
GSource *grel_redis_timer_new (GSourceOnceFunc func, gpointer data);

/* -1 is never. */
void grel_redis_timer_set (GSource *timer, gint64 due);

/* The same, unless its time comes before. */
void grel_redis_timer_hasten (GSource *timer, gint64 due);

/* Destroys it, and drops the reference. */
void grel_redis_timer_free (GSource *timer);

G_END_DECLS
