/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lease.h>
#include <grelmicro/coordination/grel-lock-settings-private.h>
#include <grelmicro/core/grel-app.h>
#include <grelmicro/core/grel-part-private.h>
#include <grelmicro/core/grel-primitive-private.h>
#include <grelmicro/core/grel-route-private.h>

G_BEGIN_DECLS

/* What locks of every kind have, and what is done with them. */
typedef struct
{
  const GrelLockKind *kind;
  char *name;
  GRefString *key; /* NULL if the name is not acceptable */
  GrelPrimitive primitive;
  GrelLockSettings settings; /* under the primitive's mutex, as the rest */
  GrelPart *part;            /* (nullable): of the backend that was found last */
  GrelRoute route;           /* how long it would be found again */
} GrelLockBase;

void grel_lock_base_init (GrelLockBase *self, const GrelLockKind *kind);

void grel_lock_base_clear (GrelLockBase *self);

/* While it is constructed. */
void grel_lock_base_set_name (GrelLockBase *self, const char *name);

/* The result is in a task of the object, and tagged. */
void grel_lock_base_acquire_async (GrelLockBase *self,
                                   gpointer object,
                                   gpointer tag,
                                   GTimeSpan timeout,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);

GrelLease *grel_lock_base_acquire_finish (GAsyncResult *result, GError **error);

GrelLease *grel_lock_base_acquire_from_thread (GrelLockBase *self,
                                               GTimeSpan timeout,
                                               GCancellable *cancellable,
                                               GError **error);

void grel_lock_base_is_locked_async (GrelLockBase *self,
                                     gpointer object,
                                     gpointer tag,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);

gboolean grel_lock_base_is_locked_from_thread (GrelLockBase *self,
                                               GCancellable *cancellable,
                                               GError **error);

gboolean grel_lock_base_run_from_thread (GrelLockBase *self,
                                         GTimeSpan timeout,
                                         GrelCallFunc func,
                                         gpointer func_data,
                                         GCancellable *cancellable,
                                         GError **error);

G_END_DECLS
