/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "hold.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * contender URI ROUNDS LEASE-MS HOLD-MS [stop]: a process that wants the lock “contended”. It
 * prints when it held it, as hold () does. With "stop" it prints "FENCE" when it holds the lock,
 * stops itself, and says what it believes when it goes on.
 */

static void
stop (GrelLease *lease)
{
  gboolean believes;

  printf ("%" G_GINT64_FORMAT "\n", grel_lease_get_fencing_token (lease));
  raise (SIGSTOP);
  believes = grel_lease_is_valid (lease);
  printf ("%s\n", believes ? "holds it" : "lost it");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelApp) app = grel_app_new_for_uri (argv[1], &error);
  g_autoptr (GrelLock) lock = grel_lock_new ("contended");

  setvbuf (stdout, NULL, _IOLBF, 0); /* it may be killed */
  if (app == NULL || !grel_app_open_in_thread (app, &error))
    g_error ("%s", error->message);

  grel_lock_set_app (lock, app);
  grel_lock_set_lease_duration (lock, atoi (argv[3]) * G_TIME_SPAN_MILLISECOND);
  for (int i = 0; i < atoi (argv[2]); i++)
    {
      g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (lock, -1, NULL, &error);

      if (lease == NULL)
        g_error ("%s", error->message);
      if (argc > 5)
        stop (lease);
      else
        hold (lease, atoi (argv[4]) * G_TIME_SPAN_MILLISECOND);
      grel_lease_release_from_thread (lease, NULL, NULL);
    }
  return !grel_app_close_from_thread (app, NULL, NULL);
}
