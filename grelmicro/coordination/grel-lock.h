/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lease.h>
#include <grelmicro/coordination/grel-lock-backend.h>
#include <grelmicro/core/grel-app.h>

G_BEGIN_DECLS

#define GREL_TYPE_LOCK (grel_lock_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelLock, grel_lock, GREL, LOCK, GObject)

GREL_AVAILABLE_IN_ALL
GrelLock *grel_lock_new (const char *name);

GREL_AVAILABLE_IN_ALL
const char *grel_lock_get_name (GrelLock *self);

GREL_AVAILABLE_IN_ALL
GrelLockBackend *grel_lock_get_backend (GrelLock *self);

GREL_AVAILABLE_IN_ALL
void grel_lock_set_backend (GrelLock *self, GrelLockBackend *backend);

GREL_AVAILABLE_IN_ALL
GrelApp *grel_lock_get_app (GrelLock *self);

GREL_AVAILABLE_IN_ALL
void grel_lock_set_app (GrelLock *self, GrelApp *app);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_lock_get_lease_duration (GrelLock *self);

GREL_AVAILABLE_IN_ALL
void grel_lock_set_lease_duration (GrelLock *self, GTimeSpan lease_duration);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_lock_get_retry_interval (GrelLock *self);

GREL_AVAILABLE_IN_ALL
void grel_lock_set_retry_interval (GrelLock *self, GTimeSpan retry_interval);

GREL_AVAILABLE_IN_ALL
double grel_lock_get_retry_jitter (GrelLock *self);

GREL_AVAILABLE_IN_ALL
void grel_lock_set_retry_jitter (GrelLock *self, double retry_jitter);

GREL_AVAILABLE_IN_ALL
gboolean grel_lock_get_auto_extend (GrelLock *self);

GREL_AVAILABLE_IN_ALL
void grel_lock_set_auto_extend (GrelLock *self, gboolean auto_extend);

GREL_AVAILABLE_IN_ALL
GTimeSpan grel_lock_get_max_hold_duration (GrelLock *self);

GREL_AVAILABLE_IN_ALL
void grel_lock_set_max_hold_duration (GrelLock *self, GTimeSpan max_hold_duration);

GREL_AVAILABLE_IN_ALL
void grel_lock_acquire_async (GrelLock *self,
                              GTimeSpan timeout,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

GREL_AVAILABLE_IN_ALL
GrelLease *grel_lock_acquire_finish (GrelLock *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
GrelLease *grel_lock_acquire_from_thread (GrelLock *self,
                                          GTimeSpan timeout,
                                          GCancellable *cancellable,
                                          GError **error);

GREL_AVAILABLE_IN_ALL
void grel_lock_is_locked_async (GrelLock *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

GREL_AVAILABLE_IN_ALL
gboolean grel_lock_is_locked_finish (GrelLock *self, GAsyncResult *result, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean
grel_lock_is_locked_from_thread (GrelLock *self, GCancellable *cancellable, GError **error);

GREL_AVAILABLE_IN_ALL
gboolean grel_lock_run_from_thread (GrelLock *self,
                                    GTimeSpan timeout,
                                    GrelCallFunc func,
                                    gpointer func_data,
                                    GCancellable *cancellable,
                                    GError **error);

G_END_DECLS
