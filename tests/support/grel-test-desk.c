/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-desk.h"

static void
grel_test_request_free (gpointer data)
{
  GrelTestRequest *self = data;

  self->clear (self);
  g_object_unref (self->task);
  g_free (self);
}

static gboolean
grel_test_request_answer (gpointer data)
{
  GrelTestRequest *self = data;

  self->answer (self);
  return G_SOURCE_REMOVE;
}

static void
grel_test_request_answer_later (GrelTestRequest *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, grel_test_request_answer, self, grel_test_request_free);
  g_source_attach (source, g_main_context_get_thread_default ());
}

void
grel_test_desk_init (GrelTestDesk *self)
{
  self->hanging = g_async_queue_new_full (grel_test_request_free);
}

void
grel_test_desk_clear (GrelTestDesk *self)
{
  g_clear_pointer (&self->hanging, g_async_queue_unref);
}

void
grel_test_desk_ask (GrelTestDesk *self, GrelTestRequest *request, GTask *task)
{
  request->task = g_object_ref (task);
  self->asked_on = g_thread_self ();
  self->asked_within = g_main_context_get_thread_default ();
  g_atomic_int_inc (&self->n_requests);

  switch ((GrelTestStoreMood) g_atomic_int_get (&self->mood))
    {
    case GREL_TEST_STORE_ANSWERS_AT_ONCE:
      request->answer (request);
      grel_test_request_free (request);
      break;
    case GREL_TEST_STORE_HANGS:
      g_async_queue_push (self->hanging, request);
      break;
    case GREL_TEST_STORE_FAILS:
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED,
                               "the store is down");
      grel_test_request_free (request);
      break;
    case GREL_TEST_STORE_DROPS:
      grel_test_request_free (request);
      break;
    case GREL_TEST_STORE_ANSWERS:
    default:
      grel_test_request_answer_later (request);
      break;
    }
}

void
grel_test_desk_answer (GrelTestDesk *self)
{
  GrelTestRequest *request;

  while ((request = g_async_queue_try_pop (self->hanging)) != NULL)
    {
      request->answer (request);
      grel_test_request_free (request);
    }
}

void
grel_test_desk_set_mood (GrelTestDesk *self, GrelTestStoreMood mood)
{
  g_atomic_int_set (&self->mood, mood);
}

void
grel_test_desk_forget (GrelTestDesk *self)
{
  GrelTestRequest *request;

  grel_test_desk_set_mood (self, GREL_TEST_STORE_ANSWERS);
  while ((request = g_async_queue_try_pop (self->hanging)) != NULL)
    grel_test_request_free (request);
}

guint
grel_test_desk_get_n_hanging (GrelTestDesk *self)
{
  return MAX (g_async_queue_length (self->hanging), 0);
}

guint
grel_test_desk_get_n_requests (GrelTestDesk *self)
{
  return g_atomic_int_get (&self->n_requests);
}
