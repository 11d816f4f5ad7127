/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lease-private.h>
#include <grelmicro/coordination/grel-lock-base-private.h>
#include <grelmicro/coordination/grel-lock-slot-private.h>
#include <grelmicro/core/grel-cancellable-private.h>
#include <grelmicro/core/grel-registry-private.h>

void
grel_lock_base_init (GrelLockBase *self, const GrelLockKind *kind)
{
  self->kind = kind;
  self->settings = kind->defaults;
  grel_primitive_init (&self->primitive);
}

void
grel_lock_base_clear (GrelLockBase *self)
{
  grel_primitive_clear (&self->primitive);
  g_clear_pointer (&self->key, g_ref_string_release);
  g_free (self->name);
}

void
grel_lock_base_set_name (GrelLockBase *self, const char *name)
{
  self->name = g_strdup (name);
  self->key = grel_lock_kind_make_key (self->kind, name);
}

/* One snapshot of the settings, and the backend as it is found now. */
static GrelLockBackend *
grel_lock_base_prepare (GrelLockBase *self, GrelLockSettings *settings, GError **error)
{
  GrelSubject subject = { self->kind->noun, self->key != NULL ? self->name : NULL };
  g_autoptr (GrelApp) app = NULL;
  g_autoptr (GrelBackend) backend = NULL;
  const char *fault;

  grel_primitive_snapshot (&self->primitive, &self->settings, settings, sizeof *settings, &backend,
                           &app);
  if (settings->max_hold_duration > 0)
    settings->lease_duration = MIN (settings->lease_duration, settings->max_hold_duration);

  fault
    = self->key != NULL ? grel_lock_kind_find_fault (self->kind, settings) : GREL_LOCK_NAME_RULE;
  if (fault != NULL)
    g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS, subject, "%s", fault));
  else if (backend != NULL)
    return (GrelLockBackend *) g_steal_pointer (&backend);
  else
    return (GrelLockBackend *) grel_registry_resolve (app, GREL_TYPE_LOCK_BACKEND, subject, error);
  return NULL;
}

/* The result of what a lock was asked is in the task, whatever is cancelled: what was won would be
 * lost otherwise. */
static GTask *
grel_lock_base_new_task (gpointer object,
                         gpointer tag,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (object, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

/* task NULL: from a thread. */
static GrelLease *
grel_lock_base_begin (GrelLockBase *self,
                      GTimeSpan timeout,
                      GTask *task,
                      GCancellable *cancellable,
                      GrelCall **call,
                      GError **error)
{
  GrelLockWish wish = { .key = self->key,
                        .subject = { self->kind->noun, self->name },
                        .timeout = timeout,
                        .task = task,
                        .cancellable = cancellable };
  g_autoptr (GrelLockBackend) backend = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  backend = grel_lock_base_prepare (self, &wish.settings, error);
  return backend != NULL ? grel_lock_slot_acquire (backend, &wish, call, error) : NULL;
}

void
grel_lock_base_acquire_async (GrelLockBase *self,
                              gpointer object,
                              gpointer tag,
                              GTimeSpan timeout,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = grel_lock_base_new_task (object, tag, cancellable, callback, user_data);
  g_autoptr (GrelCall) call = NULL;
  GError *error = NULL;
  GrelLease *lease;

  lease = grel_lock_base_begin (self, timeout, task, cancellable, &call, &error);
  if (lease != NULL)
    g_task_return_pointer (task, lease, g_object_unref);
  else if (error != NULL)
    g_task_return_error (task, error);
}

GrelLease *
grel_lock_base_acquire_finish (GAsyncResult *result, GError **error)
{
  GrelLease *lease = g_task_propagate_pointer (G_TASK (result), error);

  if (lease != NULL)
    grel_lease_hand_out (lease);
  return lease;
}

GrelLease *
grel_lock_base_acquire_from_thread (GrelLockBase *self,
                                    GTimeSpan timeout,
                                    GCancellable *cancellable,
                                    GError **error)
{
  GrelCall *call = NULL;
  GrelLease *lease;

  lease = grel_lock_base_begin (self, timeout, NULL, cancellable, &call, error);
  if (call != NULL)
    lease = grel_call_wait (call, error);
  return lease;
}

static gboolean
grel_lock_base_query (GrelLockBase *self,
                      GTask *task,
                      GCancellable *cancellable,
                      GrelCall **call,
                      GError **error)
{
  g_autoptr (GrelLockBackend) backend = NULL;
  GrelLockSettings settings;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  backend = grel_lock_base_prepare (self, &settings, error);
  return backend != NULL
         && grel_lock_backend_query (backend, self->key, task, cancellable, call, error);
}

void
grel_lock_base_is_locked_async (GrelLockBase *self,
                                gpointer object,
                                gpointer tag,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = grel_lock_base_new_task (object, tag, cancellable, callback, user_data);
  g_autoptr (GrelCall) call = NULL;
  GError *error = NULL;
  gboolean is_locked;

  is_locked = grel_lock_base_query (self, task, cancellable, &call, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else if (call == NULL)
    g_task_return_boolean (task, is_locked);
}

gboolean
grel_lock_base_is_locked_from_thread (GrelLockBase *self, GCancellable *cancellable, GError **error)
{
  GrelCall *call = NULL;
  gboolean is_locked;

  is_locked = grel_lock_base_query (self, NULL, cancellable, &call, error);
  return call != NULL ? GPOINTER_TO_INT (grel_call_wait (call, error)) : is_locked;
}

/* Runs func under a cancellable that fires when the lease is lost or the caller cancels. */
static gboolean
grel_lock_base_run_guarded (GrelLease *lease,
                            GrelCallFunc func,
                            gpointer func_data,
                            GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (GCancellable) joint = g_cancellable_new ();
  gulong lease_id = grel_cancellable_chain (grel_lease_get_cancellable (lease), joint);
  gulong caller_id = grel_cancellable_chain (cancellable, joint);
  gboolean succeeded = func (joint, func_data, error);

  grel_cancellable_unchain (grel_lease_get_cancellable (lease), lease_id);
  grel_cancellable_unchain (cancellable, caller_id);
  return succeeded;
}

gboolean
grel_lock_base_run_from_thread (GrelLockBase *self,
                                GTimeSpan timeout,
                                GrelCallFunc func,
                                gpointer func_data,
                                GCancellable *cancellable,
                                GError **error)
{
  g_autoptr (GrelLease) lease = NULL;

  lease = grel_lock_base_acquire_from_thread (self, timeout, cancellable, error);
  if (lease == NULL)
    return FALSE;

  if (!grel_lock_base_run_guarded (lease, func, func_data, cancellable, error))
    {
      grel_lease_release_from_thread (lease, NULL, NULL);
      return FALSE;
    }
  return grel_lease_release_from_thread (lease, NULL, error);
}
