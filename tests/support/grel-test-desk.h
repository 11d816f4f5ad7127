/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  GREL_TEST_STORE_ANSWERS,
  GREL_TEST_STORE_ANSWERS_AT_ONCE, /* before the request returns */
  GREL_TEST_STORE_HANGS,           /* until it is told to answer */
  GREL_TEST_STORE_FAILS,
  GREL_TEST_STORE_DROPS /* the task */
} GrelTestStoreMood;

/* One request to a store. What derives from it is made with g_new0 (). */
typedef struct
{
  GTask *task;
  void (*answer) (gpointer request); /* completes the task */
  void (*clear) (gpointer request);
} GrelTestRequest;

/* Where a store that is somewhere else takes requests: every answer takes a turn of the loop, or
 * longer, or never comes. */
typedef struct
{
  int mood;
  guint n_requests;
  GThread *asked_on;          /* not a reference */
  GMainContext *asked_within; /* the thread-default context; not a reference */
  GAsyncQueue *hanging;       /* (element-type GrelTestRequest) */
} GrelTestDesk;

void grel_test_desk_init (GrelTestDesk *self);
void grel_test_desk_clear (GrelTestDesk *self);

/* In the captured context; consumes the request. */
void grel_test_desk_ask (GrelTestDesk *self, GrelTestRequest *request, GTask *task);

/* In the captured context: answers all requests that hang. */
void grel_test_desk_answer (GrelTestDesk *self);

/* The rest from any thread. */

void grel_test_desk_set_mood (GrelTestDesk *self, GrelTestStoreMood mood);

/* Drops the requests that hang; later ones are answered, or they would hold what is torn down. */
void grel_test_desk_forget (GrelTestDesk *self);

guint grel_test_desk_get_n_hanging (GrelTestDesk *self);
guint grel_test_desk_get_n_requests (GrelTestDesk *self);

G_END_DECLS
