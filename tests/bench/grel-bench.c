/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#define _GNU_SOURCE

#include "grel-bench.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#define GREL_BENCH_REPETITIONS 15
#define GREL_BENCH_LATENCIES 4000
#define GREL_BENCH_SMALL 64 /* as many as there are threads at most */

static double seconds = 1.0;
static char *only = NULL;
static char *side = NULL;
static gint64 count = 0;
static gboolean lists = FALSE;
static GArray *own_samples = NULL; /* (element-type double) */

static const GOptionEntry entries[] = {
  { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, "How long a row takes, about; 0 is a try",
    "N" },
  { "only", 0, 0, G_OPTION_ARG_STRING, &only, "Measures this row, or the rows below it", "NAME" },
  { "list", 0, 0, G_OPTION_ARG_NONE, &lists, "Prints the names of the rows", NULL },
  { "count", 0, 0, G_OPTION_ARG_INT64, &count, "Measures nothing, and does it N times", "N" },
  { "side", 0, 0, G_OPTION_ARG_STRING, &side, "With --count: subject or reference", "SIDE" },
  { NULL },
};

/* Only what went wrong belongs beside a table. */
static GLogWriterOutput
grel_bench_write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  if ((level & G_LOG_LEVEL_MASK) > G_LOG_LEVEL_WARNING)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n, data);
}

void
grel_bench_init (int *argc, char ***argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error))
    g_error ("%s", error->message);
  g_log_set_writer_func (grel_bench_write_log, NULL, NULL);
  own_samples = g_array_new (FALSE, FALSE, sizeof (double));
}

static gboolean
grel_bench_is_wanted (const char *name)
{
  gsize length = only != NULL ? strlen (only) : 0;

  return length == 0
         || (strncmp (name, only, length) == 0 && (name[length] == '\0' || name[length] == '/'));
}

guint
grel_bench_scale (guint n)
{
  return seconds > 0 || count > 0 ? n : MIN (n, GREL_BENCH_SMALL);
}

/* What is started from now on stays on one CPU, or doesn't. */
static void
grel_bench_pin (gboolean is_spread)
{
  static cpu_set_t all;
  cpu_set_t one;
  int cpu = 0;

  if (CPU_COUNT (&all) == 0)
    sched_getaffinity (0, sizeof all, &all);
  while (!CPU_ISSET (cpu, &all))
    cpu++;
  CPU_ZERO (&one);
  CPU_SET (cpu, &one);
  sched_setaffinity (0, sizeof one, is_spread ? &all : &one);
}

/* One of the threads that share the work. */
typedef struct
{
  GrelBenchFunc run;
  gpointer data;
  guint64 n;
  double *samples; /* nullable: the time that each took */
  pthread_barrier_t *start;
  double started_at;
  double ended_at;
} GrelBenchWorker;

double
grel_bench_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e9 + now.tv_nsec;
}

static void
grel_bench_worker_take_samples (GrelBenchWorker *self)
{
  double before = grel_bench_now (), after;

  for (guint64 i = 0; i < self->n; i++, before = after)
    {
      self->run (self->data, 1);
      after = grel_bench_now ();
      self->samples[i] = after - before;
    }
}

static gpointer
grel_bench_worker_run (gpointer data)
{
  GrelBenchWorker *self = data;

  if (self->start != NULL)
    pthread_barrier_wait (self->start);
  self->started_at = grel_bench_now ();
  if (self->samples != NULL)
    grel_bench_worker_take_samples (self);
  else
    self->run (self->data, self->n);
  self->ended_at = grel_bench_now ();
  return NULL;
}

/* The clock starts when all threads are there: making many takes longer than what they do. */
static void
grel_bench_run_workers (GrelBenchWorker *workers, guint n)
{
  g_autofree GThread **threads = g_new (GThread *, n);
  pthread_barrier_t start;

  pthread_barrier_init (&start, NULL, n);
  for (guint i = 0; i < n; i++)
    {
      workers[i].start = &start;
      threads[i] = g_thread_new ("worker", grel_bench_worker_run, &workers[i]);
    }
  for (guint i = 0; i < n; i++)
    g_thread_join (threads[i]);
  pthread_barrier_destroy (&start);
}

/* Returns: how long it took, in nanoseconds */
static double
grel_bench_run_side (const GrelBenchRow *row, gboolean is_subject, guint64 n, double *samples)
{
  guint n_workers
    = !is_subject && row->n_reference_workers > 0 ? row->n_reference_workers : row->n_workers;
  guint n_shares = MAX (n_workers, 1);
  g_autofree GrelBenchWorker *workers = g_new0 (GrelBenchWorker, n_shares);
  double started_at = G_MAXDOUBLE, ended_at = 0;
  guint64 given = 0;

  for (guint i = 0; i < n_shares; i++)
    {
      workers[i].run = is_subject ? row->run : row->run_reference;
      workers[i].data = row->data;
      workers[i].n = n * (i + 1) / n_shares - given;
      workers[i].samples = samples != NULL ? samples + given : NULL;
      given += workers[i].n;
    }

  if (n_workers == 0)
    grel_bench_worker_run (&workers[0]);
  else
    grel_bench_run_workers (workers, n_workers);

  for (guint i = 0; i < n_shares; i++)
    {
      started_at = MIN (started_at, workers[i].started_at);
      ended_at = MAX (ended_at, workers[i].ended_at);
    }
  return ended_at - started_at;
}

static double
grel_bench_get_allocated (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

static int
grel_bench_compare (gconstpointer a, gconstpointer b)
{
  double left = *(const double *) a;
  double right = *(const double *) b;

  return (left > right) - (left < right);
}

static double
grel_bench_get_quantile (double *values, guint n, double quantile)
{
  qsort (values, n, sizeof *values, grel_bench_compare);
  return values[MIN ((guint) (quantile * n), n - 1)];
}

void
grel_bench_add_sample (double value)
{
  g_array_append_val (own_samples, value);
}

static const char *
grel_bench_get_unit (const GrelBenchRow *row)
{
  if (row->unit != NULL)
    return row->unit;
  return row->measure == GREL_BENCH_MEMORY ? "bytes" : "ns";
}

/* How much of its unit each takes. */
static double
grel_bench_measure (const GrelBenchRow *row, gboolean is_subject, guint64 n)
{
  double before = grel_bench_get_allocated ();
  double nanoseconds;

  g_array_set_size (own_samples, 0);
  nanoseconds = grel_bench_run_side (row, is_subject, n, NULL);
  if (row->measure == GREL_BENCH_MEMORY)
    return (grel_bench_get_allocated () - before) / n;
  if (row->measure == GREL_BENCH_SAMPLES)
    return grel_bench_get_quantile ((double *) own_samples->data, own_samples->len, 0.5);
  return nanoseconds / n;
}

/* How many fill the time. */
static guint64
grel_bench_calibrate (const GrelBenchRow *row, gboolean is_subject, double nanoseconds)
{
  guint64 n = MAX (row->n_workers, 1);
  double all;

  if (nanoseconds <= 0)
    return n;

  while ((all = grel_bench_run_side (row, is_subject, n, NULL)) < nanoseconds / 4)
    n *= 2;
  return MAX (nanoseconds / all * n, 1);
}

static void
grel_bench_print_latency (const GrelBenchRow *row, gboolean is_subject, const char *prefix)
{
  guint n = grel_bench_scale (GREL_BENCH_LATENCIES) * MAX (row->n_workers, 1);
  g_autofree double *samples = g_new (double, n);

  grel_bench_run_side (row, is_subject, n, samples);
  g_print (", \"%sp50\": %.0f", prefix, grel_bench_get_quantile (samples, n, 0.5));
  g_print (", \"%sp99\": %.0f", prefix, grel_bench_get_quantile (samples, n, 0.99));
}

/* The two sides take turns, and which one begins changes, so that what else the machine does hits
 * both. The spread is that of the middle half of the ratios. */
static void
grel_bench_compare_sides (const GrelBenchRow *row)
{
  gboolean is_once = seconds <= 0 || row->measure == GREL_BENCH_MEMORY;
  guint n_turns = is_once ? 1 : GREL_BENCH_REPETITIONS;
  double slice = is_once ? 0 : seconds * 1e9 / (2 * n_turns);
  double values[2][GREL_BENCH_REPETITIONS], ratios[GREL_BENCH_REPETITIONS], ratio;
  const char *unit = grel_bench_get_unit (row);
  guint64 n[2];

  for (int i = 0; i < 2; i++)
    n[i] = row->measure == GREL_BENCH_MEMORY ? grel_bench_scale (100000)
                                             : grel_bench_calibrate (row, i, slice);
  for (guint turn = 0; turn < n_turns; turn++)
    {
      for (guint i = 0; i < 2; i++)
        values[(turn + i) % 2][turn] = grel_bench_measure (row, (turn + i) % 2, n[(turn + i) % 2]);
      ratios[turn] = values[TRUE][turn] / values[FALSE][turn];
    }

  ratio = grel_bench_get_quantile (ratios, n_turns, 0.5);
  g_print (", \"%s\": %.4g", unit, grel_bench_get_quantile (values[TRUE], n_turns, 0.5));
  g_print (", \"reference_%s\": %.4g", unit, grel_bench_get_quantile (values[FALSE], n_turns, 0.5));
  g_print (", \"ratio\": %.4g, \"spread\": %.2g", ratio,
           (grel_bench_get_quantile (ratios, n_turns, 0.75)
            - grel_bench_get_quantile (ratios, n_turns, 0.25))
             / ratio);
}

static void
grel_bench_print_row (const GrelBenchRow *row)
{
  g_print ("{\"name\": \"%s\", \"reference\": \"%s\"", row->name, row->reference);
  if (row->target > 0)
    g_print (", \"target\": %.3g", row->target);
  g_print (", \"countable\": %s",
           row->measure == GREL_BENCH_TIME && row->n_workers <= 1 ? "true" : "false");

  grel_bench_compare_sides (row);
  if (row->has_latency)
    {
      grel_bench_print_latency (row, TRUE, "");
      grel_bench_print_latency (row, FALSE, "reference_");
    }
  g_print ("}\n");
}

void
grel_bench_run (const GrelBenchRow *row)
{
  if (!grel_bench_is_wanted (row->name))
    return;
  if (lists)
    {
      g_print ("%s\n", row->name);
      return;
    }

  grel_bench_pin (row->is_spread);
  if (row->set_up != NULL)
    row->set_up (row->data);
  if (count > 0)
    grel_bench_run_side (row, g_strcmp0 (side, "reference") != 0, count, NULL);
  else
    grel_bench_print_row (row);
  if (row->tear_down != NULL)
    row->tear_down (row->data);
}

void
grel_bench_make_object (gpointer data, guint64 n)
{
  for (guint64 i = 0; i < n; i++)
    g_object_unref (g_object_new (G_TYPE_OBJECT, NULL));
}

void
grel_bench_read_clock (gpointer data, guint64 n)
{
  static gint64 now;

  for (guint64 i = 0; i < n; i++)
    __atomic_store_n (&now, g_get_monotonic_time (), __ATOMIC_RELAXED);
}
