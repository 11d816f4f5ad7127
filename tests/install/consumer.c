/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

/* A program outside the tree: what it sees are the installed headers and the library. */

#include <grelmicro/grelmicro.h>

#if !GREL_CHECK_VERSION(0, 1, 0)
#error "the headers are older than this test"
#endif

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");
  g_autoptr (GrelLease) lease = NULL;

  if (!grel_app_open_in_thread (app, &error))
    g_error ("%s", error->message);
  lease = grel_lock_acquire_from_thread (lock, 0, NULL, &error);
  if (lease == NULL || !grel_lease_release_from_thread (lease, NULL, &error)
      || !grel_app_close_from_thread (app, NULL, &error))
    g_error ("%s", error->message);

  g_print ("%s %" G_GINT64_FORMAT "\n", GREL_VERSION_S, grel_lease_get_fencing_token (lease));
  return 0;
}
