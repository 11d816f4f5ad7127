/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Does something n times, one after the other. */
typedef void (*GrelBenchFunc) (gpointer data, guint64 n);

typedef enum
{
  GREL_BENCH_TIME,
  GREL_BENCH_MEMORY, /* run makes n items, which stay until tear_down */
  GREL_BENCH_SAMPLES /* run gives what it measured to grel_bench_add_sample () */
} GrelBenchMeasure;

/* One line of the report: what is measured, and the floor or rival that it is measured against. */
typedef struct
{
  const char *name;      /* lock/names/1000: no name is the folder of another */
  const char *reference; /* what it is compared with, for people */
  GrelBenchFunc run;
  GrelBenchFunc run_reference;
  void (*set_up) (gpointer data);    /* nullable */
  void (*tear_down) (gpointer data); /* nullable */
  gpointer data;
  GrelBenchMeasure measure;
  const char *unit;          /* of samples; NULL is ns */
  guint n_workers;           /* threads that share the n; 0 is the calling thread alone */
  guint n_reference_workers; /* likewise; 0 is as many as n_workers */
  gboolean is_spread;        /* over all CPUs, else everything stays on one */
  gboolean has_latency;      /* long enough to be timed one by one */
  double target;             /* of the ratio; 0 is none */
} GrelBenchRow;

void grel_bench_init (int *argc, char ***argv);

/* Measures the row, and prints what came out as a line of JSON; or does nothing if it isn't wanted.
 */
void grel_bench_run (const GrelBenchRow *row);

/* From the thread that runs the row. The median counts. */
void grel_bench_add_sample (double value);

/* Of the monotonic clock, which all processes of a machine share, in nanoseconds. */
double grel_bench_now (void);

/* How many of something big to make: few if only a try is wanted. */
guint grel_bench_scale (guint n);

/* A floor that many rows have. */
void grel_bench_make_object (gpointer data, guint64 n);
void grel_bench_read_clock (gpointer data, guint64 n);

G_END_DECLS
