/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/memory/grel-memory-hold-private.h>
#include <grelmicro/memory/grel-memory-lock-adapter.h>

#include <string.h>

/**
 * GrelMemoryLockAdapter:
 *
 * A lock backend in the memory of this process.
 *
 * It answers at once and on any thread, without a turn of the main loop. Fencing tokens rise for as
 * long as the object lives, also when it is closed and opened again; it remembers every name for
 * that.
 *
 * Since: 0.1
 */
struct _GrelMemoryLockAdapter
{
  GrelLockBackend parent_instance;

  GMutex mutex;
  GHashTable *holds;    /* name to GrelMemoryHold; none is ever removed */
  GrelMemoryHold *last; /* (nullable): that was looked up */
  char *spare;          /* (nullable): a token that nobody holds with any more */
};

G_DEFINE_FINAL_TYPE (GrelMemoryLockAdapter, grel_memory_lock_adapter, GREL_TYPE_LOCK_BACKEND)

/* Locks the adapter; what it finds may be NULL. What is acquired is often the next to be released.
 */
static GrelMemoryHold *
grel_memory_lock_adapter_enter (GrelMemoryLockAdapter *self, const char *name)
{
  g_mutex_lock (&self->mutex);
  if (self->last == NULL || strcmp (self->last->name, name) != 0)
    self->last = g_hash_table_lookup (self->holds, name);
  return self->last;
}

static GrelMemoryHold *
grel_memory_lock_adapter_add (GrelMemoryLockAdapter *self, const char *name)
{
  GrelMemoryHold *hold = grel_memory_hold_new (name);

  g_hash_table_insert (self->holds, hold->name, hold);
  return hold;
}

/* Tokens are of one length, so that one that was let go serves the next holder. */
static char *
grel_memory_lock_adapter_copy_token (GrelMemoryLockAdapter *self, const char *token)
{
  gsize size = strlen (token) + 1;

  if (self->spare == NULL || strlen (self->spare) + 1 != size)
    return g_memdup2 (token, size);
  return memcpy (g_steal_pointer (&self->spare), token, size);
}

static gssize
grel_memory_lock_adapter_try_acquire (GrelLockBackend *backend,
                                      const char *name,
                                      const char *token,
                                      GTimeSpan lease,
                                      gint64 now)
{
  GrelMemoryLockAdapter *self = GREL_MEMORY_LOCK_ADAPTER (backend);
  GrelMemoryHold *hold = grel_memory_lock_adapter_enter (self, name);
  gssize answer;

  if (hold == NULL)
    hold = grel_memory_lock_adapter_add (self, name);

  if (grel_memory_hold_is_live (hold, now) && strcmp (hold->token, token) != 0)
    answer = -(hold->expires_at - now + 1);
  else
    {
      if (!grel_memory_hold_is_live (hold, now))
        {
          hold->fence++;
          g_free (hold->token);
          hold->token = grel_memory_lock_adapter_copy_token (self, token);
        }
      hold->expires_at = now + lease;
      answer = hold->fence;
    }
  g_mutex_unlock (&self->mutex);

  return answer;
}

static gboolean
grel_memory_lock_adapter_try_extend (GrelLockBackend *backend,
                                     const char *name,
                                     const char *token,
                                     GTimeSpan lease,
                                     gint64 now)
{
  GrelMemoryLockAdapter *self = GREL_MEMORY_LOCK_ADAPTER (backend);
  GrelMemoryHold *hold = grel_memory_lock_adapter_enter (self, name);
  gboolean is_owned = grel_memory_hold_is_owned (hold, token, now);

  if (is_owned)
    hold->expires_at = now + lease;
  g_mutex_unlock (&self->mutex);

  return is_owned;
}

static gboolean
grel_memory_lock_adapter_try_release (GrelLockBackend *backend,
                                      const char *name,
                                      const char *token,
                                      gint64 now)
{
  GrelMemoryLockAdapter *self = GREL_MEMORY_LOCK_ADAPTER (backend);
  GrelMemoryHold *hold = grel_memory_lock_adapter_enter (self, name);
  gboolean is_owned = grel_memory_hold_is_owned (hold, token, now);

  if (is_owned)
    {
      g_free (self->spare);
      self->spare = g_steal_pointer (&hold->token);
    }
  g_mutex_unlock (&self->mutex);

  return is_owned;
}

static gboolean
grel_memory_lock_adapter_try_is_locked (GrelLockBackend *backend, const char *name, gint64 now)
{
  GrelMemoryLockAdapter *self = GREL_MEMORY_LOCK_ADAPTER (backend);
  GrelMemoryHold *hold = grel_memory_lock_adapter_enter (self, name);
  gboolean is_live = grel_memory_hold_is_live (hold, now);

  g_mutex_unlock (&self->mutex);
  return is_live;
}

static gboolean
grel_memory_lock_adapter_try_is_owned (GrelLockBackend *backend,
                                       const char *name,
                                       const char *token,
                                       gint64 now)
{
  GrelMemoryLockAdapter *self = GREL_MEMORY_LOCK_ADAPTER (backend);
  GrelMemoryHold *hold = grel_memory_lock_adapter_enter (self, name);
  gboolean is_owned = grel_memory_hold_is_owned (hold, token, now);

  g_mutex_unlock (&self->mutex);
  return is_owned;
}

static GrelScope
grel_memory_lock_adapter_get_scope (GrelBackend *backend)
{
  return GREL_SCOPE_PROCESS;
}

/* Every lease has ended by now. The counters stay. */
static void
grel_memory_lock_adapter_close (GrelBackend *backend, GTask *task)
{
  GrelMemoryLockAdapter *self = GREL_MEMORY_LOCK_ADAPTER (backend);
  GHashTableIter iter;
  gpointer hold;

  g_mutex_lock (&self->mutex);
  g_hash_table_iter_init (&iter, self->holds);
  while (g_hash_table_iter_next (&iter, NULL, &hold))
    g_clear_pointer (&((GrelMemoryHold *) hold)->token, g_free);
  g_mutex_unlock (&self->mutex);

  g_task_return_boolean (task, TRUE);
}

static void
grel_memory_lock_adapter_finalize (GObject *object)
{
  GrelMemoryLockAdapter *self = GREL_MEMORY_LOCK_ADAPTER (object);

  g_hash_table_unref (self->holds);
  g_free (self->spare);
  g_mutex_clear (&self->mutex);

  G_OBJECT_CLASS (grel_memory_lock_adapter_parent_class)->finalize (object);
}

static void
grel_memory_lock_adapter_class_init (GrelMemoryLockAdapterClass *klass)
{
  GrelBackendClass *backend_class = GREL_BACKEND_CLASS (klass);
  GrelLockBackendClass *lock_class = GREL_LOCK_BACKEND_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = grel_memory_lock_adapter_finalize;
  backend_class->get_scope = grel_memory_lock_adapter_get_scope;
  backend_class->close = grel_memory_lock_adapter_close;
  lock_class->try_acquire = grel_memory_lock_adapter_try_acquire;
  lock_class->try_extend = grel_memory_lock_adapter_try_extend;
  lock_class->try_release = grel_memory_lock_adapter_try_release;
  lock_class->try_is_locked = grel_memory_lock_adapter_try_is_locked;
  lock_class->try_is_owned = grel_memory_lock_adapter_try_is_owned;
}

static void
grel_memory_lock_adapter_init (GrelMemoryLockAdapter *self)
{
  g_mutex_init (&self->mutex);
  self->holds = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, grel_memory_hold_free);
}

/**
 * grel_memory_lock_adapter_new:
 *
 * Makes a lock backend in memory. May be called from any thread.
 *
 * Returns: (transfer full): a new adapter
 *
 * Since: 0.1
 */
GrelMemoryLockAdapter *
grel_memory_lock_adapter_new (void)
{
  return g_object_new (GREL_TYPE_MEMORY_LOCK_ADAPTER, NULL);
}
