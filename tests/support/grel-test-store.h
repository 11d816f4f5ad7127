/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test-desk.h"
#include "grel-test.h"

G_BEGIN_DECLS

/* A lock backend whose store is somewhere else: every answer takes a turn of the loop, or longer,
 * or never comes. */
#define GREL_TEST_TYPE_STORE (grel_test_store_get_type ())

G_DECLARE_FINAL_TYPE (GrelTestStore, grel_test_store, GREL_TEST, STORE, GrelLockBackend)

GrelTestStore *grel_test_store_new (void);

/* From any thread; for the requests that come. */
void grel_test_store_set_mood (GrelTestStore *self, GrelTestStoreMood mood);

/* In the captured context: answers all requests that hang. */
void grel_test_store_answer (GrelTestStore *self);

/* From any thread: drops the requests that hang; they keep the store alive. */
void grel_test_store_forget (GrelTestStore *self);

/* How many requests hang, and how many there were. From any thread. */
guint grel_test_store_get_n_hanging (GrelTestStore *self);
guint grel_test_store_get_n_requests (GrelTestStore *self);

/* The thread and the thread-default context of the last request, after an answer to it. */
GThread *grel_test_store_get_asked_on (GrelTestStore *self);
GMainContext *grel_test_store_get_asked_within (GrelTestStore *self);

/* How often it was told that somebody waits, or that nobody does any more. In the context. */
guint grel_test_store_get_n_watched (GrelTestStore *self);
guint grel_test_store_get_n_unwatched (GrelTestStore *self);

/* Whether a token holds the lock at the store, whatever the library believes. */
gboolean grel_test_store_is_locked (GrelTestStore *self, const char *key);

/* What another process does there, which this one isn't told of. */
gboolean grel_test_store_acquire_behind (GrelTestStore *self,
                                         const char *key,
                                         const char *token,
                                         GTimeSpan lease);
gboolean grel_test_store_release_behind (GrelTestStore *self, const char *key, const char *token);

/* Takes the lock away from whoever asked for one last. */
gboolean grel_test_store_steal (GrelTestStore *self, const char *key);

G_END_DECLS
