/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-asker.h"

static void grel_test_asker_ask (GrelTestAsker *self);

static void
grel_test_asker_hold (GrelTestAsker *self, GrelLease *lease)
{
  GrelTestTurns *turns = self->turns;

  self->n_granted++;
  if (turns == NULL)
    return;

  g_assert_cmpint (++turns->n_holders, ==, 1);
  g_assert_cmpint (grel_lease_get_fencing_token (lease), >, turns->fence);
  turns->fence = grel_lease_get_fencing_token (lease);
  turns->n_holders--;
}

/* The lease is released with its last reference, after this. */
static void
grel_test_asker_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  GrelTestAsker *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = grel_lock_acquire_finish (self->lock, result, &error);

  if (self->patience > 0)
    g_assert_cmpint (g_get_monotonic_time () - self->asked, <, self->patience);
  if (lease != NULL)
    grel_test_asker_hold (self, lease);
  else
    {
      g_assert_error (error, GREL_ERROR, GREL_ERROR_BACKEND);
      self->n_failed++;
    }
  grel_test_asker_ask (self);
}

static void
grel_test_asker_ask (GrelTestAsker *self)
{
  self->asked = g_get_monotonic_time ();
  if (self->is_over)
    self->is_done = TRUE;
  else
    grel_lock_acquire_async (self->lock, -1, NULL, grel_test_asker_answered, self);
}

void
grel_test_asker_start (GrelTestAsker *self,
                       GrelLock *lock,
                       GrelTestTurns *turns,
                       GTimeSpan patience)
{
  *self = (GrelTestAsker){ .lock = lock, .turns = turns, .patience = patience };
  grel_test_asker_ask (self);
}

void
grel_test_turns_start (GrelTestTurns *self,
                       GrelTestAsker *askers,
                       GrelLock **locks,
                       guint n_askers,
                       GTimeSpan lease)
{
  *self = (GrelTestTurns){ 0 };
  for (guint i = 0; i < n_askers; i++)
    {
      grel_lock_set_lease_duration (locks[i], lease);
      grel_lock_set_retry_interval (locks[i], 10 * G_TIME_SPAN_MILLISECOND);
      grel_test_asker_start (&askers[i], locks[i], self, 0);
    }
}

void
grel_test_asker_wait_for_grants (GrelTestAsker *self, guint n)
{
  guint enough = self->n_granted + n;

  while (self->n_granted < enough)
    g_main_context_iteration (NULL, TRUE);
}

void
grel_test_asker_stop_all (GrelTestAsker *askers, guint n_askers)
{
  for (guint i = 0; i < n_askers; i++)
    askers[i].is_over = TRUE;
  for (guint i = 0; i < n_askers; i++)
    {
      grel_test_run_until (&askers[i].is_done);
      g_object_unref (askers[i].lock);
    }
}

GrelLock *
grel_test_lock_new (GrelApp *app, const char *name)
{
  GrelLock *lock = grel_lock_new (name);

  grel_lock_set_app (lock, app);
  return lock;
}

GrelLease *
grel_test_lock_take (GrelLock *lock)
{
  g_autoptr (GError) error = NULL;
  GrelLease *lease = grel_test_lock_acquire (lock, -1, &error);

  g_assert_no_error (error);
  return lease;
}

void
grel_test_lease_give_back (GrelLease *lease)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (grel_test_lease_release (lease, &error));
  g_assert_no_error (error);
}

GrelLease *
grel_test_lock_take_soon (GrelLock *lock)
{
  gint64 give_up = g_get_monotonic_time () + GREL_TEST_PATIENCE;
  GrelLease *lease;

  while ((lease = grel_test_lock_acquire (lock, -1, NULL)) == NULL)
    g_assert_cmpint (g_get_monotonic_time (), <, give_up);
  return lease;
}
