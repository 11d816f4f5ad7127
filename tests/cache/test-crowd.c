/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-scene.h"
#include "grel-test-cache-store.h"

/* Threads and asynchronous callers on one key, with a loop that runs on a thread of its own. */

#define N_THREADS 8
#define N_CALLERS 1000

typedef struct
{
  GrelTestLoop *loop;
  GrelBackend *backend;
  GrelTTLCache *cache;
  GrelTestLoader loader;
  GrelOperation *operation; /* waits for all, too */
  GrelTestResult results[N_CALLERS];
  guint n_awaited; /* misses before a load ends */
  int n_loads;
  int n_failed;
  gboolean fails;
  GrelVirtualClock *clock;
} Crowd;

static gboolean
have_all_missed (gpointer data)
{
  Crowd *crowd = data;

  return grel_test_cache_get_figure (crowd->cache, "misses") >= crowd->n_awaited;
}

static GBytes *
load_when_all_have_missed (const char *key,
                           GCancellable *cancellable,
                           gpointer data,
                           GError **error)
{
  Crowd *crowd = data;

  g_atomic_int_inc (&crowd->n_loads);
  grel_test_wait_for (have_all_missed, crowd);
  if (!crowd->fails)
    return g_bytes_new_static ("loaded", 6);

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, "unreachable");
  return NULL;
}

static gpointer
load_in_thread (gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes
    = load_when_all_have_missed ("key", NULL, g_task_get_task_data (task), &error);
  g_auto (GValue) value = G_VALUE_INIT;

  if (error != NULL)
    {
      g_task_return_error (task, error);
      return NULL;
    }
  g_value_init (&value, G_TYPE_BYTES);
  g_value_set_boxed (&value, bytes);
  g_task_return_value (task, &value);
  return NULL;
}

static void
start_in_thread (GTask *task, gpointer data)
{
  g_task_set_task_data (task, data, NULL);
  g_thread_unref (g_thread_new ("loader", load_in_thread, g_object_ref (task)));
}

static void
crowd_open (gpointer data, gpointer unused)
{
  Crowd *crowd = data;
  g_autoptr (GError) error = NULL;

  crowd->operation = grel_operation_new (start_in_thread, crowd, NULL);
  grel_test_backend_open (crowd->backend, &error);
  g_assert_no_error (error);
}

static void
crowd_close (gpointer data, gpointer unused)
{
  Crowd *crowd = data;

  grel_test_backend_close (crowd->backend, NULL);
  g_clear_object (&crowd->operation);
}

static void
crowd_begin (gpointer data, gpointer unused)
{
  Crowd *crowd = data;

  for (guint i = 0; i < N_CALLERS - N_THREADS; i++)
    grel_ttl_cache_get_or_load_async (crowd->cache, "key", crowd->operation, NULL, NULL,
                                      grel_test_result_ready, &crowd->results[i]);
}

static void
crowd_judge (Crowd *crowd, GBytes *value, GError *error)
{
  if (error == NULL)
    grel_test_assert_bytes (value, "loaded");
  else
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE);
      g_atomic_int_inc (&crowd->n_failed);
      g_error_free (error);
    }
}

static void
crowd_end (gpointer data, gpointer unused)
{
  Crowd *crowd = data;

  for (guint i = 0; i < N_CALLERS - N_THREADS; i++)
    {
      GError *error = NULL;
      GBytes *value
        = grel_ttl_cache_get_or_load_finish (crowd->cache,
                                             grel_test_result_wait (&crowd->results[i]), &error);

      crowd_judge (crowd, value, error);
      grel_test_result_clear (&crowd->results[i]);
      crowd->results[i] = (GrelTestResult){ NULL };
    }
}

static gpointer
crowd_ask_from_thread (gpointer data)
{
  Crowd *crowd = data;
  GError *error = NULL;
  GBytes *value
    = grel_ttl_cache_get_or_load_from_thread (crowd->cache, "key", load_when_all_have_missed, crowd,
                                              NULL, NULL, &error);

  crowd_judge (crowd, value, error);
  return NULL;
}

/* Everybody asks at once. */
static void
crowd_ask (Crowd *crowd)
{
  GThread *threads[N_THREADS];

  crowd->n_awaited += N_CALLERS;
  crowd->n_loads = 0;
  crowd->n_failed = 0;
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("caller", crowd_ask_from_thread, crowd);
  grel_test_loop_call (crowd->loop, crowd_begin, crowd);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  grel_test_loop_call (crowd->loop, crowd_end, crowd);
}

static void
crowd_set_up (Crowd *crowd, gpointer backend)
{
  crowd->loop = grel_test_loop_new ();
  crowd->backend = backend;
  crowd->clock = grel_virtual_clock_new ();
  crowd->cache = grel_ttl_cache_new (GREL_TEST_TTL);
  grel_backend_set_clock (crowd->backend, GREL_CLOCK (crowd->clock));
  grel_ttl_cache_set_backend (crowd->cache, backend);
  grel_test_loop_call (crowd->loop, crowd_open, crowd);
}

static void
crowd_set_up_memory (Crowd *crowd, gconstpointer data)
{
  crowd_set_up (crowd, grel_memory_cache_adapter_new ());
}

static void
crowd_set_up_store (Crowd *crowd, gconstpointer data)
{
  crowd_set_up (crowd, grel_test_cache_store_new ());
}

static void
crowd_tear_down (Crowd *crowd, gconstpointer data)
{
  grel_test_loop_call (crowd->loop, crowd_close, crowd);
  grel_test_loop_free (crowd->loop);
  g_assert_finalize_object (crowd->cache);
  g_assert_finalize_object (crowd->backend);
  g_object_unref (crowd->clock);
}

static void
a_thousand_misses_are_one_load (Crowd *crowd, gconstpointer data)
{
  crowd_ask (crowd);
  g_assert_cmpint (crowd->n_loads, ==, 1);
  g_assert_cmpint (crowd->n_failed, ==, 0);
  g_assert_cmpuint (grel_test_cache_get_figure (crowd->cache, "hits"), ==, 0);
}

static void
a_load_that_fails_fails_all_of_them_and_the_next_one_loads (Crowd *crowd, gconstpointer data)
{
  crowd->fails = TRUE;
  crowd_ask (crowd);
  g_assert_cmpint (crowd->n_loads, ==, 1);
  g_assert_cmpint (crowd->n_failed, ==, N_CALLERS);

  crowd->fails = FALSE;
  crowd_ask (crowd);
  g_assert_cmpint (crowd->n_loads, ==, 1);
  g_assert_cmpint (crowd->n_failed, ==, 0);
}

static void
a_load_that_fails_is_made_up_for_by_a_stale_value (Crowd *crowd, gconstpointer data)
{
  grel_ttl_cache_set_stale_ttl (crowd->cache, GREL_TEST_TTL);
  crowd_ask (crowd);
  grel_virtual_clock_advance (crowd->clock, GREL_TEST_TTL);
  crowd->fails = TRUE;
  crowd_ask (crowd);
  g_assert_cmpint (crowd->n_loads, ==, 1);
  g_assert_cmpint (crowd->n_failed, ==, 0);
  g_assert_cmpuint (grel_test_cache_get_figure (crowd->cache, "stale"), ==, N_CALLERS);
}

/* A loader on a thread that runs until it is cancelled or let go. */
typedef struct
{
  Crowd *crowd;
  GCancellable *cancellable;
  int is_loading;
  int may_end;
  int was_cancelled;
  GError *error;
  GBytes *value;
} Holder;

static GBytes *
load_until_told (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  Holder *holder = data;

  g_atomic_int_set (&holder->is_loading, TRUE);
  while (!g_atomic_int_get (&holder->may_end) && !g_cancellable_is_cancelled (cancellable))
    g_thread_yield ();
  holder->was_cancelled = g_cancellable_is_cancelled (cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  return g_bytes_new_static ("loaded", 6);
}

static gpointer
holder_run (gpointer data)
{
  Holder *holder = data;

  holder->value
    = grel_ttl_cache_get_or_load_from_thread (holder->crowd->cache, "key", load_until_told, holder,
                                              NULL, holder->cancellable, &holder->error);
  return NULL;
}

static gboolean
is_loading (gpointer data)
{
  return g_atomic_int_get (&((Holder *) data)->is_loading);
}

static gboolean
has_missed_twice (gpointer data)
{
  return grel_test_cache_get_figure (((Crowd *) data)->cache, "misses") == 2;
}

static void
a_thread_that_is_cancelled_hands_over_to_another (Crowd *crowd, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Holder first = { .crowd = crowd, .cancellable = cancellable };
  Holder second = { .crowd = crowd, .may_end = TRUE };
  GThread *threads[2];

  threads[0] = g_thread_new ("first", holder_run, &first);
  grel_test_wait_for (is_loading, &first);
  threads[1] = g_thread_new ("second", holder_run, &second);
  grel_test_wait_for (has_missed_twice, crowd);
  g_cancellable_cancel (cancellable);
  g_thread_join (threads[0]);
  g_thread_join (threads[1]);
  g_assert_error (first.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&first.error);
  g_assert_no_error (second.error);
  g_assert_true (second.is_loading);
  grel_test_assert_bytes (second.value, "loaded");
}

static void
a_thread_hands_over_to_the_loop_and_back (Crowd *crowd, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Holder holder = { .crowd = crowd, .cancellable = cancellable };
  GThread *thread = g_thread_new ("holder", holder_run, &holder);

  grel_test_wait_for (is_loading, &holder);
  crowd->n_awaited = 1 + N_CALLERS - N_THREADS;
  grel_test_loop_call (crowd->loop, crowd_begin, crowd);
  grel_test_wait_for (have_all_missed, crowd);
  g_cancellable_cancel (cancellable);
  g_thread_join (thread);
  g_assert_error (holder.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&holder.error);
  grel_test_loop_call (crowd->loop, crowd_end, crowd);
  g_assert_cmpint (crowd->n_loads, ==, 1);
  g_assert_cmpint (crowd->n_failed, ==, 0);
}

static void
a_close_ends_a_thread_that_loads (Crowd *crowd, gconstpointer data)
{
  Holder holder = { .crowd = crowd };
  GThread *thread = g_thread_new ("holder", holder_run, &holder);

  grel_test_wait_for (is_loading, &holder);
  g_assert_true (grel_backend_close_from_thread (crowd->backend, NULL, NULL));
  g_thread_join (thread);
  g_assert_true (holder.was_cancelled);
  grel_test_assert_error (holder.error, GREL_ERROR_CLOSED, "key");
  g_assert_null (holder.value);
}

static void
a_close_ends_a_thread_that_waits (Crowd *crowd, gconstpointer data)
{
  Holder first = { .crowd = crowd };
  Holder second = { .crowd = crowd };
  GThread *threads[2];

  threads[0] = g_thread_new ("first", holder_run, &first);
  grel_test_wait_for (is_loading, &first);
  threads[1] = g_thread_new ("second", holder_run, &second);
  grel_test_wait_for (has_missed_twice, crowd);
  g_assert_true (grel_backend_close_from_thread (crowd->backend, NULL, NULL));
  g_thread_join (threads[1]);
  grel_test_assert_error (second.error, GREL_ERROR_CLOSED, "key");
  g_assert_false (second.is_loading);
  g_thread_join (threads[0]);
  grel_test_assert_error (first.error, GREL_ERROR_CLOSED, "key");
}

/* Somebody who hits as often as it can, and knows what must have been the case before. */
typedef struct
{
  Crowd *crowd;
  gboolean from_thread;
  int *is_closed;
  int n_hits;
  int n_late; /* hits that began after the close was done */
} Hitter;

static GBytes *
hitter_ask (Hitter *self)
{
  if (self->from_thread)
    return grel_ttl_cache_get_from_thread (self->crowd->cache, "key", NULL, NULL);
  return grel_ttl_cache_peek (self->crowd->cache, "key");
}

static gpointer
hitter_run (gpointer data)
{
  Hitter *self = data;
  gboolean is_closed = FALSE;

  while (!is_closed)
    {
      g_autoptr (GBytes) value = NULL;

      is_closed = g_atomic_int_get (self->is_closed);
      value = hitter_ask (self);
      if (value != NULL)
        g_atomic_int_inc (is_closed ? &self->n_late : &self->n_hits);
    }
  return NULL;
}

static gboolean
has_hit (gpointer hitter)
{
  return g_atomic_int_get (&((Hitter *) hitter)->n_hits) > 100;
}

static void
nobody_hits_after_a_close (Crowd *crowd, gconstpointer data)
{
  int is_closed = FALSE;
  Hitter hitters[2] = { { crowd, TRUE, &is_closed }, { crowd, FALSE, &is_closed } };
  g_autoptr (GBytes) value = g_bytes_new_static ("value", 5);
  GThread *threads[2];

  grel_ttl_cache_set_from_thread (crowd->cache, "key", value, 0, NULL, NULL, NULL);
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("hitter", hitter_run, &hitters[i]);
  grel_test_wait_for (has_hit, &hitters[0]);
  if (GREL_IS_MEMORY_CACHE_ADAPTER (crowd->backend))
    grel_test_wait_for (has_hit, &hitters[1]);
  g_assert_true (grel_backend_close_from_thread (crowd->backend, NULL, NULL));
  g_atomic_int_set (&is_closed, TRUE);
  for (guint i = 0; i < 2; i++)
    {
      g_thread_join (threads[i]);
      g_assert_cmpint (hitters[i].n_late, ==, 0);
    }
}

static void
add (const char *name, void (*test) (Crowd *, gconstpointer))
{
  g_autofree char *memory = g_strdup_printf ("/crowd/memory/%s", name);
  g_autofree char *store = g_strdup_printf ("/crowd/store/%s", name);

  g_test_add (memory, Crowd, NULL, crowd_set_up_memory, test, crowd_tear_down);
  g_test_add (store, Crowd, NULL, crowd_set_up_store, test, crowd_tear_down);
}

#define ADD(test) add (#test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (a_thousand_misses_are_one_load);
  ADD (a_load_that_fails_fails_all_of_them_and_the_next_one_loads);
  ADD (a_load_that_fails_is_made_up_for_by_a_stale_value);
  ADD (a_thread_that_is_cancelled_hands_over_to_another);
  ADD (a_thread_hands_over_to_the_loop_and_back);
  ADD (a_close_ends_a_thread_that_loads);
  ADD (a_close_ends_a_thread_that_waits);
  ADD (nobody_hits_after_a_close);
  return g_test_run ();
}
