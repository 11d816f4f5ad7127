/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/grelmicro.h>

static gpointer
work (gpointer lock)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = grel_lock_acquire_from_thread (lock, -1, NULL, &error);

  if (lease == NULL)
    g_error ("%s", error->message);
  g_print ("worker thread: token %" G_GINT64_FORMAT "\n", grel_lease_get_fencing_token (lease));
  grel_lease_release_from_thread (lease, NULL, NULL);

  g_idle_add_once ((GSourceOnceFunc) g_application_release, g_application_get_default ());
  return NULL;
}

static void
acquired (GObject *lock, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GrelLease) lease = grel_lock_acquire_finish (GREL_LOCK (lock), result, &error);

  if (lease == NULL)
    g_error ("%s", error->message);
  g_print ("event loop: token %" G_GINT64_FORMAT "\n", grel_lease_get_fencing_token (lease));
  grel_lease_release_async (lease, NULL, NULL, NULL);

  g_thread_unref (g_thread_new ("worker", work, lock));
}

static void
activate (GApplication *application, gpointer lock)
{
  g_application_hold (application);
  grel_lock_acquire_async (lock, -1, NULL, acquired, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_DEFAULT_FLAGS);
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) lock = grel_lock_new ("cart");

  grel_app_attach (app, application);
  g_signal_connect (application, "activate", G_CALLBACK (activate), lock);
  return g_application_run (application, argc, argv);
}
