/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * survivor URI LEASE-MS: a process whose threads call a lock, a cache and a circuit breaker without
 * a break, while their server goes away and comes back. A call does what it should or fails with
 * BACKEND, and in time. It prints when it held the lock “contended”, as hold () does, and ends when
 * each thread has seen calls fail, and then many that did not.
 */

#define N_THREADS_OF_A_KIND 2
#define N_GOOD 100
#define TIMEOUT (5 * G_TIME_SPAN_SECOND) /* longer than the store's */
#define SLACK (10 * G_TIME_SPAN_SECOND)  /* for a machine that is busy */

typedef struct
{
  GrelLock *lock;
  GrelTTLCache *cache;
  GrelCircuitBreaker *breaker;
} Primitives;

static gboolean
call_lock (Primitives *self, GError **error)
{
  g_autoptr (GError) lost = NULL;
  g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (self->lock, TIMEOUT, NULL, error);

  if (lease == NULL)
    return FALSE;

  hold (lease, G_TIME_SPAN_MILLISECOND);
  if (grel_lease_release_from_thread (lease, NULL, &lost)
      || g_error_matches (lost, GREL_ERROR, GREL_ERROR_NOT_OWNED))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&lost));
  return FALSE;
}

static GBytes *
load (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  return g_bytes_new (key, strlen (key));
}

static gboolean
call_cache (Primitives *self, GError **error)
{
  const char *tags[] = { "tag", NULL };
  g_autoptr (GBytes) value
    = grel_ttl_cache_get_or_load_from_thread (self->cache, "key", load, NULL, tags, NULL, error);

  if (value == NULL)
    return FALSE;
  if (g_bytes_get_size (value) != strlen ("key"))
    g_error ("the value is another one");
  return grel_ttl_cache_delete_tags_from_thread (self->cache, tags, NULL, error);
}

static gboolean
call_breaker (Primitives *self, GError **error)
{
  g_autoptr (GrelPermit) permit
    = grel_circuit_breaker_acquire_from_thread (self->breaker, NULL, error);

  return permit != NULL && grel_permit_succeed_from_thread (permit, NULL, error);
}

/* Returns: whether it went well */
static gboolean
call_in_time (Primitives *primitives, gboolean (*call) (Primitives *self, GError **error))
{
  gint64 started = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  gboolean is_good = call (primitives, &error);

  if (g_get_monotonic_time () - started > TIMEOUT + SLACK)
    g_error ("a call took too long");
  if (!is_good && !g_error_matches (error, GREL_ERROR, GREL_ERROR_BACKEND))
    g_error ("%s", error->message);
  return is_good;
}

static const struct
{
  const char *name;
  gboolean (*call) (Primitives *self, GError **error);
} kinds[] = { { "lock", call_lock }, { "cache", call_cache }, { "breaker", call_breaker } };

typedef struct
{
  Primitives *primitives;
  guint kind;
} Work;

static gpointer
survive (gpointer data)
{
  g_autofree Work *work = data;
  gboolean has_failed = FALSE;
  guint n_good = 0;

  while (!has_failed || n_good < N_GOOD)
    {
      if (call_in_time (work->primitives, kinds[work->kind].call))
        n_good++;
      else
        {
          has_failed = TRUE;
          n_good = 0;
        }
    }
  return NULL;
}

static void
survive_in_threads (Primitives *primitives)
{
  GThread *threads[G_N_ELEMENTS (kinds) * N_THREADS_OF_A_KIND];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      Work *work = g_new (Work, 1);

      work->primitives = primitives;
      work->kind = i % G_N_ELEMENTS (kinds);
      threads[i] = g_thread_new (kinds[work->kind].name, survive, work);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  static char output[4 << 20]; /* who reads it late must not hold it up */
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelApp) app = grel_app_new_for_uri (argv[1], &error);
  g_autoptr (GrelLock) lock = grel_lock_new ("contended");
  g_autoptr (GrelTTLCache) cache = grel_ttl_cache_new (G_TIME_SPAN_MINUTE);
  g_autoptr (GrelCircuitBreaker) breaker = grel_circuit_breaker_new ("called");

  setvbuf (stdout, output, _IOFBF, sizeof output);
  if (app == NULL || !grel_app_open_in_thread (app, &error))
    g_error ("%s", error->message);

  grel_lock_set_lease_duration (lock, atoi (argv[2]) * G_TIME_SPAN_MILLISECOND);
  survive_in_threads (&(Primitives){ lock, cache, breaker });
  return !grel_app_close_from_thread (app, NULL, NULL);
}
