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
  g_clear_pointer (&self->part, grel_part_unref);
  g_clear_pointer (&self->key, g_ref_string_release);
  g_free (self->name);
}

void
grel_lock_base_set_name (GrelLockBase *self, const char *name)
{
  self->name = g_strdup (name);
  self->key = grel_lock_kind_make_key (self->kind, name);
}

/* Whether what was found last holds still, and with which settings. */
static GrelPart *
grel_lock_base_recall (GrelLockBase *self, GrelLockSettings *settings)
{
  GrelPart *part = NULL;

  grel_primitive_lock (&self->primitive);
  *settings = self->settings;
  if (grel_route_is_fresh (&self->route) && grel_route_is_for_thread (&self->route))
    part = grel_part_ref (self->part);
  grel_primitive_unlock (&self->primitive);
  return part;
}

/* Only the part, which keeps no backend alive. */
static void
grel_lock_base_remember (GrelLockBase *self, GrelPart *part, const GrelRoute *route)
{
  g_autoptr (GrelPart) unused = grel_part_ref (part);

  grel_primitive_lock (&self->primitive);
  {
    GrelPart *before = self->part;

    self->part = g_steal_pointer (&unused);
    unused = before;
    self->route = *route;
  }
  grel_primitive_unlock (&self->primitive);
}

static GrelBackend *
grel_lock_base_find_backend (GrelLockBase *self,
                             GrelLockSettings *settings,
                             GrelRoute *route,
                             GError **error)
{
  GrelSubject subject = { self->kind->noun, self->key != NULL ? self->name : NULL };
  g_autoptr (GrelApp) app = NULL;
  g_autoptr (GrelBackend) backend = NULL;
  const char *fault;

  grel_route_begin (route);
  grel_primitive_snapshot (&self->primitive, &self->settings, settings, sizeof *settings, &backend,
                           &app);
  grel_route_settle (route, backend != NULL || app != NULL);

  fault
    = self->key != NULL ? grel_lock_kind_find_fault (self->kind, settings) : GREL_LOCK_NAME_RULE;
  if (fault == NULL && backend != NULL)
    return g_steal_pointer (&backend);
  if (fault == NULL)
    return grel_registry_resolve (app, GREL_TYPE_LOCK_BACKEND, subject, error);

  g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS, subject, "%s", fault));
  return NULL;
}

/* One snapshot of the settings, and the part of the backend as it is found now. */
static GrelPart *
grel_lock_base_prepare (GrelLockBase *self, GrelLockSettings *settings, GError **error)
{
  GrelPart *part = grel_lock_base_recall (self, settings);
  GrelRoute route;

  if (part == NULL)
    {
      g_autoptr (GrelBackend) backend = grel_lock_base_find_backend (self, settings, &route, error);

      if (backend == NULL)
        return NULL;
      part = grel_part_ref (grel_backend_get_part (backend));
      grel_lock_base_remember (self, part, &route);
    }
  if (settings->max_hold_duration > 0)
    settings->lease_duration = MIN (settings->lease_duration, settings->max_hold_duration);
  return part;
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
  GrelLease *lease;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  wish.part = grel_lock_base_prepare (self, &wish.settings, error);
  if (wish.part == NULL)
    return NULL;

  lease = grel_lock_slot_acquire (&wish, call, error);
  g_clear_pointer (&wish.part, grel_part_unref);
  return lease;
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
  g_autoptr (GrelPart) part = NULL;
  GrelLockSettings settings;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  part = grel_lock_base_prepare (self, &settings, error);
  return part != NULL && grel_lock_part_query (part, self->key, task, cancellable, call, error);
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
