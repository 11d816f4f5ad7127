/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/coordination/grel-lock-backend-private.h>
#include <grelmicro/coordination/grel-lock-slot-private.h>

#include <string.h>

/**
 * GrelLockBackend:
 *
 * What remembers who holds a lock.
 *
 * A lock backend maps a name to the token of its holder, until the lease runs out or the holder
 * releases it, and counts how often the name changed hands: that is the fencing token. The library
 * brings [class@Grelmicro.MemoryLockAdapter]; derive a class to use another store. Its virtual
 * functions run in the captured context, one request at a time or several, each with a task to
 * complete once. The names that arrive have a prefix: `lock:cart`, or `tasklock:cart` for a
 * [class@Grelmicro.TaskLock].
 *
 * Since: 0.1
 */
typedef struct
{
  GrelLockSlots slots;
} GrelLockBackendPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GrelLockBackend, grel_lock_backend, GREL_TYPE_BACKEND)

static void
grel_lock_backend_finalize (GObject *object)
{
  GrelLockBackendPrivate *priv
    = grel_lock_backend_get_instance_private (GREL_LOCK_BACKEND (object));

  grel_lock_slots_clear (&priv->slots);

  G_OBJECT_CLASS (grel_lock_backend_parent_class)->finalize (object);
}

static void
grel_lock_backend_class_init (GrelLockBackendClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = grel_lock_backend_finalize;
  grel_backend_class_require_scope (GREL_BACKEND_CLASS (klass), GREL_SCOPE_CLUSTER);
}

static void
grel_lock_backend_init (GrelLockBackend *self)
{
  GrelLockBackendPrivate *priv = grel_lock_backend_get_instance_private (self);

  grel_lock_slots_init (&priv->slots);
}

GrelLockSlots *
grel_lock_backend_get_slots (GrelLockBackend *self)
{
  return &((GrelLockBackendPrivate *) grel_lock_backend_get_instance_private (self))->slots;
}

gboolean
grel_lock_backend_is_immediate (GrelLockBackend *self)
{
  return GREL_LOCK_BACKEND_GET_CLASS (self)->try_acquire != NULL;
}

GTimeSpan
grel_lock_backend_get_margin (GrelLockBackend *self, GTimeSpan lease)
{
  if (grel_backend_get_open_scope (GREL_BACKEND (self)) == GREL_SCOPE_PROCESS)
    return 0; /* it goes by the same clock */

  return MIN (MAX (lease / 20, 10 * G_TIME_SPAN_MILLISECOND), lease / 2);
}

GrelSubject
grel_lock_subject_for_key (const char *key)
{
  const GrelLockKind *kind = grel_lock_kind_for_key (key);

  return (GrelSubject){ kind->noun, key + strlen (kind->prefix) };
}

/* Adapters are written in scripts as well: one that forgot a function must not crash. */
static void
grel_lock_backend_return_missing (GTask *task, const char *vfunc)
{
  g_task_return_new_error (task, GREL_ERROR, GREL_ERROR_BACKEND,
                           "the backend does not implement %s", vfunc);
}

/**
 * GrelLockBackendClass::watch:
 * @self: a lock backend
 * @name: the name of the lock
 *
 * Tells the adapter that somebody waits for the lock from now on. It runs in the captured context.
 */
/**
 * GrelLockBackendClass::unwatch:
 * @self: a lock backend
 * @name: the name of the lock
 *
 * Tells the adapter that nobody waits for the lock any more. It runs in the captured context.
 */
/**
 * GrelLockBackendClass::try_acquire: (skip)
 */
/**
 * GrelLockBackendClass::try_extend: (skip)
 */
/**
 * GrelLockBackendClass::try_release: (skip)
 */
/**
 * GrelLockBackendClass::try_is_locked: (skip)
 */
/**
 * GrelLockBackendClass::try_is_owned: (skip)
 */

static gint64
grel_lock_backend_now (GrelLockBackend *self)
{
  return grel_part_now (grel_backend_get_part (GREL_BACKEND (self)));
}

/**
 * grel_lock_backend_acquire: (virtual acquire)
 * @self: a lock backend
 * @name: the name of the lock
 * @token: who wants to hold it: unique to each acquisition
 * @lease: for how long, in microseconds; more than 0
 * @task: (transfer none): completed once with an int
 *
 * Asks for the lock.
 *
 * The answer is the fencing token, 1 or more, if it is granted; it is higher than that of every
 * earlier holder of @name, and a holder who asks again keeps it. It is 0 if another holds the lock,
 * or -n if another will hold it for n more microseconds. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_lock_backend_acquire (GrelLockBackend *self,
                           const char *name,
                           const char *token,
                           GTimeSpan lease,
                           GTask *task)
{
  GrelLockBackendClass *klass;

  g_return_if_fail (GREL_IS_LOCK_BACKEND (self));
  g_return_if_fail (name != NULL && token != NULL && lease > 0);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_LOCK_BACKEND_GET_CLASS (self);
  if (klass->acquire != NULL)
    klass->acquire (self, name, token, lease, task);
  else if (klass->try_acquire != NULL)
    g_task_return_int (task,
                       klass->try_acquire (self, name, token, lease, grel_lock_backend_now (self)));
  else
    grel_lock_backend_return_missing (task, "acquire");
}

/**
 * grel_lock_backend_extend: (virtual extend)
 * @self: a lock backend
 * @name: the name of the lock
 * @token: who holds it
 * @lease: for how long from now on, in microseconds; more than 0
 * @task: (transfer none): completed once with a boolean
 *
 * Lets the lease of a holder run for @lease from now on, be that longer or shorter than what is
 * left of it.
 *
 * The answer is %TRUE if @token holds the lock still, with the same fencing token, and %FALSE if it
 * doesn't: a lease that ran out is never taken up again. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_lock_backend_extend (GrelLockBackend *self,
                          const char *name,
                          const char *token,
                          GTimeSpan lease,
                          GTask *task)
{
  GrelLockBackendClass *klass;

  g_return_if_fail (GREL_IS_LOCK_BACKEND (self));
  g_return_if_fail (name != NULL && token != NULL && lease > 0);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_LOCK_BACKEND_GET_CLASS (self);
  if (klass->extend != NULL)
    klass->extend (self, name, token, lease, task);
  else if (klass->try_extend != NULL)
    g_task_return_boolean (task, klass->try_extend (self, name, token, lease,
                                                    grel_lock_backend_now (self)));
  else
    grel_lock_backend_return_missing (task, "extend");
}

/**
 * grel_lock_backend_release: (virtual release)
 * @self: a lock backend
 * @name: the name of the lock
 * @token: who holds it
 * @task: (transfer none): completed once with a boolean
 *
 * Releases the lock, if @token holds it.
 *
 * The answer is %TRUE if @token held the lock, and %FALSE if it didn't, or didn't any more. Call
 * this in the captured context.
 *
 * Since: 0.1
 */
void
grel_lock_backend_release (GrelLockBackend *self, const char *name, const char *token, GTask *task)
{
  GrelLockBackendClass *klass;

  g_return_if_fail (GREL_IS_LOCK_BACKEND (self));
  g_return_if_fail (name != NULL && token != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_LOCK_BACKEND_GET_CLASS (self);
  if (klass->release != NULL)
    klass->release (self, name, token, task);
  else if (klass->try_release != NULL)
    {
      gboolean was_ours = klass->try_release (self, name, token, grel_lock_backend_now (self));

      grel_lock_backend_notify_released (self, name);
      g_task_return_boolean (task, was_ours);
    }
  else
    grel_lock_backend_return_missing (task, "release");
}

/**
 * grel_lock_backend_is_locked: (virtual is_locked)
 * @self: a lock backend
 * @name: the name of the lock
 * @task: (transfer none): completed once with a boolean
 *
 * Asks whether anybody holds the lock. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_lock_backend_is_locked (GrelLockBackend *self, const char *name, GTask *task)
{
  GrelLockBackendClass *klass;

  g_return_if_fail (GREL_IS_LOCK_BACKEND (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_LOCK_BACKEND_GET_CLASS (self);
  if (klass->is_locked != NULL)
    klass->is_locked (self, name, task);
  else if (klass->try_is_locked != NULL)
    g_task_return_boolean (task, klass->try_is_locked (self, name, grel_lock_backend_now (self)));
  else
    grel_lock_backend_return_missing (task, "is_locked");
}

/**
 * grel_lock_backend_is_owned: (virtual is_owned)
 * @self: a lock backend
 * @name: the name of the lock
 * @token: who may hold it
 * @task: (transfer none): completed once with a boolean
 *
 * Asks whether @token holds the lock. Call this in the captured context.
 *
 * Since: 0.1
 */
void
grel_lock_backend_is_owned (GrelLockBackend *self, const char *name, const char *token, GTask *task)
{
  GrelLockBackendClass *klass;

  g_return_if_fail (GREL_IS_LOCK_BACKEND (self));
  g_return_if_fail (name != NULL && token != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_LOCK_BACKEND_GET_CLASS (self);
  if (klass->is_owned != NULL)
    klass->is_owned (self, name, token, task);
  else if (klass->try_is_owned != NULL)
    g_task_return_boolean (task,
                           klass->try_is_owned (self, name, token, grel_lock_backend_now (self)));
  else
    grel_lock_backend_return_missing (task, "is_owned");
}

/**
 * grel_lock_backend_notify_released:
 * @self: a lock backend
 * @name: the name of the lock, as it arrived
 *
 * Tells whoever waits for @name in this process that it may be free, so that the first of them asks
 * again. An adapter calls this when its store tells of a release. May be called from any thread,
 * but not from the `try_` functions, after which the library does so itself.
 *
 * Since: 0.1
 */
void
grel_lock_backend_notify_released (GrelLockBackend *self, const char *name)
{
  GrelPart *part;
  GrelLockSlot *slot;

  g_return_if_fail (GREL_IS_LOCK_BACKEND (self));
  g_return_if_fail (name != NULL);

  part = grel_backend_get_part (GREL_BACKEND (self));
  if (grel_part_is_foreign (part))
    return;

  grel_part_lock (part);
  slot = grel_lock_slots_find (grel_lock_backend_get_slots (self), name);
  if (slot != NULL && !grel_wait_queue_is_empty (&slot->queue))
    grel_lock_slot_kick (slot);
  g_mutex_unlock (&part->mutex);
}
