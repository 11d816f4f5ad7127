/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lease.h>
#include <grelmicro/coordination/grel-lock-backend.h>
#include <grelmicro/core/grel-app.h>

G_BEGIN_DECLS

#define GREL_TYPE_TASK_LOCK (grel_task_lock_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelTaskLock, grel_task_lock, GREL, TASK_LOCK, GObject)

GREL_AVAILABLE_IN_ALL
GrelTaskLock *grel_task_lock_new (const char *name);

GREL_AVAILABLE_IN_ALL
const char *grel_task_lock_get_name (GrelTaskLock *self);

GREL_AVAILABLE_IN_ALL
GrelLockBackend *grel_task_lock_get_backend (GrelTaskLock *self);

GREL_AVAILABLE_IN_ALL
void grel_task_lock_set_backend (GrelTaskLock *self, GrelLockBackend *backend);

GREL_AVAILABLE_IN_ALL
GrelApp *grel_task_lock_get_app (GrelTaskLock *self);

GREL_AVAILABLE_IN_ALL
void grel_task_lock_set_app (GrelTaskLock *self, GrelApp *app);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_task_lock_get_min_hold_duration (GrelTaskLock *self);

GREL_AVAILABLE_IN_ALL
void grel_task_lock_set_min_hold_duration (GrelTaskLock *self, GTimeSpan min_hold_duration);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_task_lock_get_lease_duration (GrelTaskLock *self);

GREL_AVAILABLE_IN_ALL
void grel_task_lock_set_lease_duration (GrelTaskLock *self, GTimeSpan lease_duration);

GREL_AVAILABLE_IN_ALL
void grel_task_lock_acquire_async (GrelTaskLock *self,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);

GREL_AVAILABLE_IN_ALL
GrelLease *grel_task_lock_acquire_finish (GrelTaskLock *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
GrelLease *
grel_task_lock_acquire_from_thread (GrelTaskLock *self, GCancellable *cancellable, GError **error);

GREL_AVAILABLE_IN_ALL
void grel_task_lock_is_locked_async (GrelTaskLock *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_task_lock_is_locked_finish (GrelTaskLock *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_task_lock_is_locked_from_thread (GrelTaskLock *self,
                                               GCancellable *cancellable,
                                               GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_task_lock_run_from_thread (GrelTaskLock *self,
                                         GrelCallFunc func,
                                         gpointer func_data,
                                         GCancellable *cancellable,
                                         GError **error);

G_END_DECLS
