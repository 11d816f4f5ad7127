/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/grelmicro.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * prober URI RESET-MS MODE: a process that calls through the breaker “probed”, which lets two
 * probes run at a time and never closes by itself. probe: it makes 40 calls, and prints for each
 * "SINCE UNTIL" on the monotonic clock, which all processes of a machine share; hang: it says
 * "hangs" within its first call, and never ends it; fail: it makes one call, which fails; watch: it
 * makes calls that it abandons, and prints each state that it learns of; it ends when the circuit
 * is closed again.
 */

#define N_PROBES 40
#define PROBE_TIME 1000 /* µs */
#define PAUSE 500

static int has_closed;

static void
state_changed (GrelCircuitBreaker *breaker,
               GrelCircuitState before,
               GrelCircuitState after,
               const char *cause,
               gpointer data)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (GREL_TYPE_CIRCUIT_STATE);

  printf ("%s\n", g_enum_get_value (klass, after)->value_nick);
  fflush (stdout);
  if (after == GREL_CIRCUIT_STATE_CLOSED)
    g_atomic_int_set (&has_closed, TRUE);
}

/* Returns: (nullable): NULL if it is refused */
static GrelPermit *
ask (GrelCircuitBreaker *breaker)
{
  g_autoptr (GError) error = NULL;
  GrelPermit *permit = grel_circuit_breaker_acquire_from_thread (breaker, NULL, &error);

  if (permit == NULL && !g_error_matches (error, GREL_ERROR, GREL_ERROR_CIRCUIT_OPEN))
    g_error ("%s", error->message);
  if (permit == NULL)
    g_usleep (PAUSE);
  return permit;
}

static GrelPermit *
ask_until_admitted (GrelCircuitBreaker *breaker)
{
  GrelPermit *permit;

  while ((permit = ask (breaker)) == NULL)
    continue;
  return permit;
}

static void
probe (GrelCircuitBreaker *breaker)
{
  for (int i = 0; i < N_PROBES; i++)
    {
      g_autoptr (GrelPermit) permit = ask_until_admitted (breaker);
      gint64 since = g_get_monotonic_time ();

      g_usleep (PROBE_TIME);
      printf ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", since, g_get_monotonic_time ());
      grel_permit_succeed_from_thread (permit, NULL, NULL);
    }
}

static void
hang (GrelCircuitBreaker *breaker)
{
  g_autoptr (GrelPermit) permit = ask_until_admitted (breaker);

  printf ("hangs\n");
  fflush (stdout);
  g_usleep (G_MAXULONG);
}

static void
fail (GrelCircuitBreaker *breaker)
{
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "it failed");
  g_autoptr (GrelPermit) permit = ask_until_admitted (breaker);

  grel_permit_fail_from_thread (permit, reason, NULL, NULL);
}

static void
watch (GrelCircuitBreaker *breaker)
{
  g_signal_connect (breaker, "state-changed", G_CALLBACK (state_changed), NULL);
  while (!g_atomic_int_get (&has_closed))
    {
      g_autoptr (GrelPermit) permit = ask (breaker);

      if (permit != NULL)
        grel_permit_abandon (permit);
    }
}

static const struct
{
  const char *name;
  void (*run) (GrelCircuitBreaker *breaker);
} modes[] = { { "probe", probe }, { "hang", hang }, { "fail", fail }, { "watch", watch } };

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelApp) app = grel_app_new_for_uri (argv[1], &error);
  g_autoptr (GrelCircuitBreaker) breaker = NULL;

  if (app == NULL || !grel_app_open_in_thread (app, &error))
    g_error ("%s", error->message);

  breaker
    = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "probed", "app", app, "error-threshold", 1,
                    "success-threshold", G_MAXINT, "half-open-capacity", 2, "reset-timeout",
                    (gint64) atoi (argv[2]) * G_TIME_SPAN_MILLISECOND, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (strcmp (argv[3], modes[i].name) == 0)
      modes[i].run (breaker);
  return !grel_app_close_from_thread (app, NULL, NULL);
}
