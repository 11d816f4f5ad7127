/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-backend.h>

G_BEGIN_DECLS

#define GREL_TYPE_LOCK_BACKEND (grel_lock_backend_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (GrelLockBackend, grel_lock_backend, GREL, LOCK_BACKEND, GrelBackend)

/**
 * GrelLockBackendClass:
 * @parent_class: the parent class
 * @acquire: see [method@Grelmicro.LockBackend.acquire]
 * @extend: see [method@Grelmicro.LockBackend.extend]
 * @release: see [method@Grelmicro.LockBackend.release]
 * @is_locked: see [method@Grelmicro.LockBackend.is_locked]
 * @is_owned: see [method@Grelmicro.LockBackend.is_owned]
 * @watch: somebody waits for a name from now on; see the guide
 * @unwatch: nobody waits for a name any more
 * @try_acquire: the answer of @acquire, from any thread and without waiting
 * @try_extend: the answer of @extend, from any thread and without waiting
 * @try_release: the answer of @release, from any thread and without waiting
 * @try_is_locked: the answer of @is_locked, from any thread and without waiting
 * @try_is_owned: the answer of @is_owned, from any thread and without waiting
 *
 * Class of [class@Grelmicro.LockBackend].
 *
 * A class implements the first five, which run in the captured context and answer through a task.
 * A store that can tell of releases implements @watch and @unwatch, which run there too: @watch
 * asks it to tell of those of that name, and [method@Grelmicro.LockBackend.notify_released] is
 * called once it does, since the lock may have been released before, and for each release that it
 * tells of. Closing ends every watch without a call to @unwatch.
 *
 * One that is thread-safe and never waits implements the last five instead, all of them; they are
 * for C only, since a script must not run on any thread. They are told what time it is by
 * [method@Grelmicro.Backend.get_clock], since whoever asks has just read it.
 *
 * Since: 0.1
 */
struct _GrelLockBackendClass
{
  GrelBackendClass parent_class;

  void (*acquire) (GrelLockBackend *self,
                   const char *name,
                   const char *token,
                   GTimeSpan lease,
                   GTask *task);
  void (*extend) (GrelLockBackend *self,
                  const char *name,
                  const char *token,
                  GTimeSpan lease,
                  GTask *task);
  void (*release) (GrelLockBackend *self, const char *name, const char *token, GTask *task);
  void (*is_locked) (GrelLockBackend *self, const char *name, GTask *task);
  void (*is_owned) (GrelLockBackend *self, const char *name, const char *token, GTask *task);

  void (*watch) (GrelLockBackend *self, const char *name);
  void (*unwatch) (GrelLockBackend *self, const char *name);

  gssize (*try_acquire) (GrelLockBackend *self,
                         const char *name,
                         const char *token,
                         GTimeSpan lease,
                         gint64 now);
  gboolean (*try_extend) (GrelLockBackend *self,
                          const char *name,
                          const char *token,
                          GTimeSpan lease,
                          gint64 now);
  gboolean (*try_release) (GrelLockBackend *self, const char *name, const char *token, gint64 now);
  gboolean (*try_is_locked) (GrelLockBackend *self, const char *name, gint64 now);
  gboolean (*try_is_owned) (GrelLockBackend *self, const char *name, const char *token, gint64 now);

  /*< private >*/
  gpointer _reserved[8];
};

GREL_AVAILABLE_IN_ALL
void grel_lock_backend_acquire (GrelLockBackend *self,
                                const char *name,
                                const char *token,
                                GTimeSpan lease,
                                GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_lock_backend_extend (GrelLockBackend *self,
                               const char *name,
                               const char *token,
                               GTimeSpan lease,
                               GTask *task);

GREL_AVAILABLE_IN_ALL
void
grel_lock_backend_release (GrelLockBackend *self, const char *name, const char *token, GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_lock_backend_is_locked (GrelLockBackend *self, const char *name, GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_lock_backend_is_owned (GrelLockBackend *self,
                                 const char *name,
                                 const char *token,
                                 GTask *task);

GREL_AVAILABLE_IN_ALL
void grel_lock_backend_notify_released (GrelLockBackend *self, const char *name);

G_END_DECLS
