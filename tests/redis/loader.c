/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/grelmicro.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * loader URI N-KEYS: a process that stops itself, and when it goes on gets or loads keys on several
 * threads, one load in the fleet at a time. It prints a key whenever it loads it.
 */

#define N_THREADS 3
#define LOAD_TIME (5 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  GrelTTLCache *cache;
  int n_keys;
} Work;

static GBytes *
load (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  printf ("%s\n", key);
  fflush (stdout);
  g_usleep (LOAD_TIME);
  return g_bytes_new (key, strlen (key));
}

static gpointer
get_or_load_all (gpointer data)
{
  Work *work = data;

  for (int i = 0; i < work->n_keys; i++)
    {
      g_autofree char *key = g_strdup_printf ("%d", i);
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) value
        = grel_ttl_cache_get_or_load_from_thread (work->cache, key, load, NULL, NULL, NULL, &error);

      if (value == NULL)
        g_error ("%s", error->message);
      if (g_bytes_get_size (value) != strlen (key))
        g_error ("the value is another one");
    }
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelApp) app = grel_app_new_for_uri (argv[1], &error);
  g_autoptr (GrelTTLCache) cache = grel_ttl_cache_new (G_TIME_SPAN_HOUR);
  Work work = { cache, atoi (argv[2]) };
  GThread *threads[N_THREADS];

  if (app == NULL || !grel_app_open_in_thread (app, &error))
    g_error ("%s", error->message);

  grel_ttl_cache_set_lock (cache, GREL_CACHE_LOCK_FLEET);
  raise (SIGSTOP);
  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("loader", get_or_load_all, &work);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  return !grel_app_close_from_thread (app, NULL, NULL);
}
