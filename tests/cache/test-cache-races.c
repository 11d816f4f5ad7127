/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-cache-store.h"

/*
 * Load, delete, cancel, fail and close against each other, at random moments. The truth is a number
 * that rises before each deletion; a loader reads it when it begins. Whoever asks after a deletion
 * is done must not get a number from before it, however the value came about. A run depends on its
 * number and the seed that GTest prints; --seed repeats it. GREL_TEST_RUNS sets how many.
 */
#define MAX_ACTORS 4
#define DEFAULT_RUNS 5000

typedef struct
{
  guint number;
  GRand *rand;
  GrelTestLoop *loop;
  GMainContext *context; /* of the asynchronous callers; not a reference */
  GrelBackend *backend;
  GrelTTLCache *cache;
  gboolean is_closed;
  int truth;
  int deleted; /* the truth that the last deletion to be done came with */
} Run;

/* One who asks for the value, from a thread or asynchronously, or deletes it. */
typedef struct
{
  Run *run;
  GrelOperation *operation;
  guint delay;
  guint cancel_delay;
  guint load_delay;
  guint what; /* 0: loads and fails, 1: deletes, 2: deletes by tag, 3: clears; else it loads */
  int asked_after;
  GCancellable *cancellable;
  GThread *canceller;
  int n_returned;
} Actor;

static const char *const red[] = { "red", NULL };

static void
spin (guint turns)
{
  for (guint i = 0; i < turns; i++)
    g_thread_yield ();
}

static GLogWriterOutput
swallow_background_errors (GLogLevelFlags level,
                           const GLogField *fields,
                           gsize n_fields,
                           gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "GREL_CODE")
        && g_str_equal (fields[i].value, "background-error"))
      return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, data);
}

static void
expect_error (const GError *error)
{
  if (!g_error_matches (error, GREL_ERROR, GREL_ERROR_CLOSED)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_error ("unexpected: %s", error != NULL ? error->message : "neither a result nor an error");
}

static GBytes *
actor_load (const char *key, GCancellable *cancellable, gpointer data, GError **error)
{
  Actor *self = data;
  int truth = g_atomic_int_get (&self->run->truth);

  spin (self->load_delay);
  if (self->load_delay % 2 == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (self->what == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, "unreachable");
      return NULL;
    }
  return g_bytes_new (&truth, sizeof truth);
}

static gpointer
actor_complete_load (gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes
    = actor_load ("race", g_task_get_cancellable (task), g_task_get_task_data (task), &error);
  g_auto (GValue) value = G_VALUE_INIT;

  if (bytes == NULL)
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
actor_start_load (GTask *task, gpointer data)
{
  Actor *self = data;

  g_task_set_task_data (task, data, NULL);
  if (self->load_delay % 3 == 0)
    actor_complete_load (g_object_ref (task));
  else
    g_thread_unref (g_thread_new ("loader", actor_complete_load, g_object_ref (task)));
}

static void
actor_judge (Actor *self, GBytes *value, const GError *error)
{
  if (value == NULL)
    {
      expect_error (error);
      return;
    }

  g_assert_cmpuint (g_bytes_get_size (value), ==, sizeof (int));
  g_assert_cmpint (*(const int *) g_bytes_get_data (value, NULL), >=, self->asked_after);
  g_bytes_unref (value);
}

/* Rises to what another thread may have raised it beyond already. */
static void
raise_to (int *number, int least)
{
  int now = g_atomic_int_get (number);

  while (now < least && !g_atomic_int_compare_and_exchange (number, now, least))
    now = g_atomic_int_get (number);
}

static void
actor_delete (Actor *self)
{
  GrelTTLCache *cache = self->run->cache;
  g_autoptr (GError) error = NULL;
  int truth = g_atomic_int_add (&self->run->truth, 1) + 1;

  if (self->what == 1)
    grel_ttl_cache_delete_from_thread (cache, "race", NULL, &error);
  else if (self->what == 2)
    grel_ttl_cache_delete_tags_from_thread (cache, red, NULL, &error);
  else
    grel_ttl_cache_clear_from_thread (cache, NULL, &error);

  if (error != NULL)
    expect_error (error);
  else
    raise_to (&self->run->deleted, truth);
}

static void
actor_get (Actor *self)
{
  g_autoptr (GError) error = NULL;
  GBytes *value;

  self->asked_after = g_atomic_int_get (&self->run->deleted);
  value = grel_ttl_cache_get_or_load_from_thread (self->run->cache, "race", actor_load, self, red,
                                                  self->cancellable, &error);
  actor_judge (self, value, error);
}

/* A load that this thread waits for may need the context of the asynchronous callers. */
static gpointer
actor_run_thread (gpointer data)
{
  Actor *self = data;

  spin (self->delay);
  if (self->what >= 1 && self->what <= 3)
    actor_delete (self);
  else
    actor_get (self);

  g_atomic_int_set (&self->n_returned, 1);
  g_main_context_wakeup (self->run->context);
  return NULL;
}

static void
actor_got (GObject *source, GAsyncResult *result, gpointer data)
{
  Actor *self = data;
  g_autoptr (GError) error = NULL;
  GBytes *value = grel_ttl_cache_get_or_load_finish (GREL_TTL_CACHE (source), result, &error);

  self->n_returned++;
  actor_judge (self, value, error);
}

static void
actor_start_async (Actor *self)
{
  self->asked_after = g_atomic_int_get (&self->run->deleted);
  grel_ttl_cache_get_or_load_async (self->run->cache, "race", self->operation, red,
                                    self->cancellable, actor_got, self);
}

static gpointer
actor_cancel (gpointer data)
{
  Actor *self = data;

  spin (self->cancel_delay);
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

static Actor *
actor_new (Run *run)
{
  Actor *self = g_new0 (Actor, 1);

  self->run = run;
  self->operation = grel_operation_new (actor_start_load, self, NULL);
  self->delay = g_rand_int_range (run->rand, 0, 60);
  self->cancel_delay = g_rand_int_range (run->rand, 0, 80);
  self->load_delay = g_rand_int_range (run->rand, 0, 40);
  self->what = g_rand_int_range (run->rand, 0, 8);
  if (g_rand_int_range (run->rand, 0, 3) == 0)
    {
      self->cancellable = g_cancellable_new ();
      self->canceller = g_thread_new ("canceller", actor_cancel, self);
    }
  return self;
}

static void
actor_free (gpointer data)
{
  Actor *self = data;

  g_clear_pointer (&self->canceller, g_thread_join);
  g_clear_object (&self->cancellable);
  g_object_unref (self->operation);
  g_free (self);
}

static gpointer
run_close (gpointer data)
{
  Run *self = data;
  g_autoptr (GError) error = NULL;

  spin (self->number % 100);
  if (!grel_backend_close_from_thread (self->backend, NULL, &error))
    g_error ("could not close: %s", error->message);
  return NULL;
}

static void
run_open (gpointer data, gpointer unused)
{
  g_autoptr (GError) error = NULL;

  grel_test_backend_open (data, &error);
  g_assert_no_error (error);
}

static void
run_init (Run *self, guint32 seed, guint number, GrelTestLoop *loop, GType type)
{
  *self = (Run){ .number = number };
  self->rand = g_rand_new_with_seed (seed + number);
  self->loop = loop;
  self->context = g_main_context_get_thread_default ();
  self->backend = g_object_new (type, NULL);
  self->is_closed = g_rand_int_range (self->rand, 0, 4) == 0;
  self->cache = grel_ttl_cache_new (g_rand_boolean (self->rand) ? G_TIME_SPAN_MINUTE : 300);
  grel_ttl_cache_set_backend (self->cache, GREL_CACHE_BACKEND (self->backend));
  if (g_rand_boolean (self->rand))
    grel_ttl_cache_set_stale_ttl (self->cache, G_TIME_SPAN_MINUTE);
  if (g_rand_boolean (self->rand))
    grel_ttl_cache_set_early_refresh (self->cache, 0.9);
  if (g_rand_boolean (self->rand))
    grel_ttl_cache_set_soft_timeout (self->cache, 100);
  grel_test_loop_call (loop, run_open, self->backend);
}

static gboolean
nobody_else_refers_to_it (gpointer object)
{
  grel_test_settle (); /* a cancel that came too late leaves a source behind */
  return g_atomic_int_get (&G_OBJECT (object)->ref_count) == 1;
}

static gboolean
is_told_the_truth (gpointer data)
{
  Run *self = data;
  g_autoptr (GBytes) value = grel_ttl_cache_get_from_thread (self->cache, "race", NULL, NULL);

  grel_test_settle ();
  if (value != NULL)
    g_assert_cmpint (*(const int *) g_bytes_get_data (value, NULL), >=, self->deleted);
  return TRUE;
}

static void
run_clear (Run *self)
{
  g_autoptr (GError) error = NULL;

  if (!self->is_closed)
    {
      g_assert_true (is_told_the_truth (self));
      grel_backend_close_from_thread (self->backend, NULL, &error);
      g_assert_no_error (error);
    }
  grel_ttl_cache_set_backend (self->cache, NULL);
  grel_test_wait_for (nobody_else_refers_to_it, self->backend);
  grel_test_wait_for (nobody_else_refers_to_it, self->cache);
  g_object_unref (self->cache);
  g_object_unref (self->backend);
  g_rand_free (self->rand);
}

static void
run_all_actors (Run *self)
{
  g_autoptr (GPtrArray) threads = g_ptr_array_new_with_free_func (actor_free);
  g_autoptr (GPtrArray) asyncs = g_ptr_array_new_with_free_func (actor_free);
  guint n_threads = g_rand_int_range (self->rand, 0, MAX_ACTORS + 1);
  guint n_asyncs = g_rand_int_range (self->rand, 0, MAX_ACTORS + 1);
  GThread *running[MAX_ACTORS];
  GThread *closer = self->is_closed ? g_thread_new ("closer", run_close, self) : NULL;

  for (guint i = 0; i < n_threads; i++)
    {
      g_ptr_array_add (threads, actor_new (self));
      running[i] = g_thread_new ("actor", actor_run_thread, threads->pdata[i]);
    }
  for (guint i = 0; i < n_asyncs; i++)
    {
      Actor *actor = actor_new (self);

      g_ptr_array_add (asyncs, actor);
      spin (actor->delay / 4);
      actor_start_async (actor);
    }

  for (guint i = 0; i < n_asyncs; i++)
    grel_test_run_until (&((Actor *) asyncs->pdata[i])->n_returned);
  for (guint i = 0; i < n_threads; i++)
    {
      grel_test_run_until (&((Actor *) threads->pdata[i])->n_returned);
      g_thread_join (running[i]);
    }
  g_clear_pointer (&closer, g_thread_join);
  run_clear (self); /* while loads that go on have their actors still */

  for (guint i = 0; i < n_asyncs; i++)
    g_assert_cmpint (((Actor *) asyncs->pdata[i])->n_returned, ==, 1);
}

static void
races_tell_nothing_old (gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (GrelTestLoop) loop = grel_test_loop_new ();
  const char *wanted = g_getenv ("GREL_TEST_RUNS");
  guint n_runs = wanted != NULL ? g_ascii_strtoull (wanted, NULL, 10) : DEFAULT_RUNS;
  guint32 seed = g_test_rand_int ();

  for (guint i = 0; i < n_runs; i++)
    {
      Run run;

      run_init (&run, seed, i, loop, GPOINTER_TO_SIZE (data));
      run_all_actors (&run);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (swallow_background_errors, NULL, NULL);

  g_test_add_data_func ("/cache-races/memory", GSIZE_TO_POINTER (GREL_TYPE_MEMORY_CACHE_ADAPTER),
                        races_tell_nothing_old);
  g_test_add_data_func ("/cache-races/store", GSIZE_TO_POINTER (GREL_TEST_TYPE_CACHE_STORE),
                        races_tell_nothing_old);
  return g_test_run ();
}
