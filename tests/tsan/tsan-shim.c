/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <glib-object.h>
#include <pthread.h>
#include <sanitizer/tsan_interface.h>
#include <stdlib.h>
#include <string.h>

/*
 * ThreadSanitizer sees what was compiled with it, and the GLib of the system was not: without help
 * it takes whatever GLib synchronizes for a race. These functions stand in front of GLib's and tell
 * what comes before what. They are linked into the test programs, so calls from GObject and GIO
 * come here too; those inside of libglib don't.
 */

/* Looked up when needed: GObject's constructor calls some of these, and runs before any of ours. */
static gpointer
look_up (gpointer *cache, const char *name)
{
  gpointer function = __atomic_load_n (cache, __ATOMIC_RELAXED);

  if (function == NULL)
    {
      function = dlsym (RTLD_NEXT, name);
      __atomic_store_n (cache, function, __ATOMIC_RELAXED);
    }
  return function;
}

#define REAL(name)                                                                                 \
  ({                                                                                               \
    static gpointer cache;                                                                         \
    (__typeof__ (&name)) look_up (&cache, #name);                                                  \
  })

#define SHIM_LOCK(function, Type, flags)                                                           \
  void function (Type *lock)                                                                       \
  {                                                                                                \
    __tsan_mutex_pre_lock (lock, flags);                                                           \
    REAL (function) (lock);                                                                        \
    __tsan_mutex_post_lock (lock, flags, 0);                                                       \
  }

#define SHIM_TRYLOCK(function, Type, flags)                                                        \
  gboolean function (Type *lock)                                                                   \
  {                                                                                                \
    gboolean is_locked;                                                                            \
                                                                                                   \
    __tsan_mutex_pre_lock (lock, __tsan_mutex_try_lock | flags);                                   \
    is_locked = REAL (function) (lock);                                                            \
    __tsan_mutex_post_lock (                                                                       \
      lock, __tsan_mutex_try_lock | flags | (is_locked ? 0 : __tsan_mutex_try_lock_failed), 0);    \
    return is_locked;                                                                              \
  }

#define SHIM_UNLOCK(function, Type, flags)                                                         \
  void function (Type *lock)                                                                       \
  {                                                                                                \
    __tsan_mutex_pre_unlock (lock, flags);                                                         \
    REAL (function) (lock);                                                                        \
    __tsan_mutex_post_unlock (lock, flags);                                                        \
  }

#define SHIM_CLEAR(function, Type)                                                                 \
  void function (Type *lock)                                                                       \
  {                                                                                                \
    __tsan_mutex_destroy (lock, 0);                                                                \
    REAL (function) (lock);                                                                        \
  }

SHIM_LOCK (g_mutex_lock, GMutex, 0)
SHIM_TRYLOCK (g_mutex_trylock, GMutex, 0)
SHIM_UNLOCK (g_mutex_unlock, GMutex, 0)
SHIM_CLEAR (g_mutex_clear, GMutex)

SHIM_LOCK (g_rec_mutex_lock, GRecMutex, __tsan_mutex_write_reentrant)
SHIM_TRYLOCK (g_rec_mutex_trylock, GRecMutex, __tsan_mutex_write_reentrant)
SHIM_UNLOCK (g_rec_mutex_unlock, GRecMutex, 0)
SHIM_CLEAR (g_rec_mutex_clear, GRecMutex)

SHIM_LOCK (g_rw_lock_writer_lock, GRWLock, 0)
SHIM_TRYLOCK (g_rw_lock_writer_trylock, GRWLock, 0)
SHIM_LOCK (g_rw_lock_reader_lock, GRWLock, __tsan_mutex_read_lock)
SHIM_TRYLOCK (g_rw_lock_reader_trylock, GRWLock, __tsan_mutex_read_lock)
SHIM_UNLOCK (g_rw_lock_reader_unlock, GRWLock, __tsan_mutex_read_lock)
SHIM_CLEAR (g_rw_lock_clear, GRWLock)

/* A wait lets go of the mutex. */

static void
before_wait (GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  __tsan_mutex_pre_lock (mutex, 0);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  before_wait (mutex);
  REAL (g_cond_wait) (cond, mutex);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean is_signalled;

  before_wait (mutex);
  is_signalled = REAL (g_cond_wait_until) (cond, mutex, end_time);
  __tsan_mutex_post_lock (mutex, 0, 0);
  return is_signalled;
}

/* What g_once_init_enter () reads is what g_once_init_leave () sets. */

#undef g_once_init_enter
#undef g_once_init_leave

gboolean
g_once_init_enter (volatile void *location)
{
  gboolean is_first = REAL (g_once_init_enter) (location);

  __tsan_acquire ((gpointer) location);
  return is_first;
}

void
g_once_init_leave (volatile void *location, gsize result)
{
  __tsan_release ((gpointer) location);
  REAL (g_once_init_leave) (location, result);
}

/* References: who drops the last one comes after all who dropped theirs. */

void
g_atomic_ref_count_init (gatomicrefcount *count)
{
  g_atomic_int_set (count, 1);
}

void
g_atomic_ref_count_inc (gatomicrefcount *count)
{
  g_atomic_int_inc (count);
}

gboolean
g_atomic_ref_count_dec (gatomicrefcount *count)
{
  return g_atomic_int_dec_and_test (count);
}

/* A weak reference may hand an object on while its last reference is dropped. GObject finds out,
 * and ends that, under a lock of its own: from there on the count is settled. */

static __thread int *dropped_count = NULL;

void
g_object_unref (gpointer object)
{
  int *count = (int *) &((GObject *) object)->ref_count;
  int *outer = dropped_count;
  int n = g_atomic_int_get (count);

  while (n > 1)
    if (g_atomic_int_compare_and_exchange_full (count, n, n - 1, &n))
      return;

  g_atomic_int_add (count, 0);
  dropped_count = count;
  REAL (g_object_unref) (object);
  dropped_count = outer;
}

void
g_rw_lock_writer_unlock (GRWLock *lock)
{
  if (dropped_count != NULL)
    g_atomic_int_add (dropped_count, 0);

  __tsan_mutex_pre_unlock (lock, 0);
  REAL (g_rw_lock_writer_unlock) (lock);
  __tsan_mutex_post_unlock (lock, 0);
}

static __thread GDestroyNotify clear_box;

static void
box_clear (gpointer box)
{
  __tsan_acquire (box);
  clear_box (box);
}

void
g_atomic_rc_box_release_full (gpointer box, GDestroyNotify clear)
{
  GDestroyNotify outer = clear_box;

  __tsan_release (box);
  clear_box = clear;
  REAL (g_atomic_rc_box_release_full) (box, box_clear);
  clear_box = outer;
}

/* Memory: to free it is to write to it, and libglib's own calls of free () go unseen. */

void
g_free (gpointer block)
{
  free (block);
}

void
g_slice_free1 (gsize size, gpointer block)
{
  if (block != NULL)
    memset (block, 0, size);
  REAL (g_slice_free1) (size, block);
}

/* Queues: who pops comes after who pushed. */

void
g_async_queue_push (GAsyncQueue *queue, gpointer item)
{
  __tsan_release (queue);
  REAL (g_async_queue_push) (queue, item);
}

gpointer
g_async_queue_try_pop (GAsyncQueue *queue)
{
  gpointer item = REAL (g_async_queue_try_pop) (queue);

  __tsan_acquire (queue);
  return item;
}

/* Sources: a thread leaves what it does with one to the next that has to do with it. */

typedef struct
{
  GSourceFuncs shim;
  GSourceFuncs *real;
} SourceFuncs;

static GSourceFuncs *
source_enter (GSource *source)
{
  __tsan_acquire (source);
  return ((SourceFuncs *) source->source_funcs)->real;
}

static gboolean
source_leave (GSource *source, gboolean result)
{
  __tsan_release (source);
  return result;
}

static gboolean
source_prepare (GSource *source, int *timeout)
{
  return source_leave (source, source_enter (source)->prepare (source, timeout));
}

static gboolean
source_check (GSource *source)
{
  return source_leave (source, source_enter (source)->check (source));
}

static gboolean
source_dispatch (GSource *source, GSourceFunc func, gpointer data)
{
  return source_leave (source, source_enter (source)->dispatch (source, func, data));
}

static void
source_finalize (GSource *source)
{
  source_enter (source)->finalize (source);
}

GSource *
g_source_new (GSourceFuncs *real, guint size)
{
  SourceFuncs *self = g_new0 (SourceFuncs, 1); /* for good: any number of threads may need it */

  self->real = real;
  self->shim = *real;
  self->shim.prepare = real->prepare != NULL ? source_prepare : NULL;
  self->shim.check = real->check != NULL ? source_check : NULL;
  self->shim.dispatch = source_dispatch;
  self->shim.finalize = real->finalize != NULL ? source_finalize : NULL;
  return REAL (g_source_new) (&self->shim, size);
}

guint
g_source_attach (GSource *source, GMainContext *context)
{
  __tsan_release (source);
  return REAL (g_source_attach) (source, context);
}

void
g_source_destroy (GSource *source)
{
  __tsan_release (source);
  REAL (g_source_destroy) (source);
}

void
g_source_unref (GSource *source)
{
  __tsan_release (source);
  REAL (g_source_unref) (source);
}

/* Callbacks of sources: who sets one comes before who runs it, and that before who frees it. */

typedef struct
{
  gatomicrefcount refs;
  GSourceFunc func;
  gpointer data;
  GDestroyNotify notify;
} Callback;

static Callback *
callback_new (GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  Callback *self = g_new0 (Callback, 1);

  self->func = func;
  self->data = data;
  self->notify = notify;
  g_atomic_ref_count_init (&self->refs);
  return self;
}

static void
callback_ref (gpointer data)
{
  Callback *self = data;

  g_atomic_ref_count_inc (&self->refs);
}

static void
callback_unref (gpointer data)
{
  Callback *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  if (self->notify != NULL)
    self->notify (self->data);
  g_free (self);
}

static void
callback_get (gpointer data, GSource *source, GSourceFunc *func, gpointer *func_data)
{
  Callback *self = data;

  *func = self->func;
  *func_data = self->data;
}

static gboolean
callback_run (gpointer data)
{
  Callback *self = data;

  return g_atomic_int_get (&self->refs) > 0 && self->func (self->data);
}

void
g_source_set_callback (GSource *source, GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  static GSourceCallbackFuncs funcs = { callback_ref, callback_unref, callback_get };

  g_source_set_callback_indirect (source, callback_new (func, data, notify), &funcs);
}

void
g_main_context_invoke (GMainContext *context, GSourceFunc func, gpointer data)
{
  g_main_context_invoke_full (context, G_PRIORITY_DEFAULT, callback_run,
                              callback_new (func, data, NULL), callback_unref);
}

/* Forks: a thread that the child starts must not get the stack of one that stayed in the parent, or
 * ThreadSanitizer takes it for that one. A larger stack is a new one. */

static void
child_takes_larger_stacks (void)
{
  pthread_attr_t attributes;
  gsize size;

  pthread_getattr_default_np (&attributes);
  pthread_attr_getstacksize (&attributes, &size);
  pthread_attr_setstacksize (&attributes, size + 1024 * 1024);
  pthread_setattr_default_np (&attributes);
}

static void __attribute__ ((constructor)) watch_forks (void)
{
  pthread_atfork (NULL, NULL, child_takes_larger_stacks);
}
