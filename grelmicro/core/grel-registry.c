/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-app-private.h>
#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/core/grel-registry-private.h>

static GPtrArray *apps = NULL; /* (element-type GrelApp), not references; under the process lock */

void
grel_registry_add (GrelApp *app)
{
  grel_identity_lock_process ();
  if (apps == NULL)
    apps = g_ptr_array_new ();
  g_ptr_array_add (apps, app);
  grel_identity_unlock_process ();
}

void
grel_registry_remove (GrelApp *app)
{
  grel_identity_lock_process ();
  g_ptr_array_remove_fast (apps, app);
  grel_identity_unlock_process ();
}

/* Process lock held. Returns: the only one open on the context, or at all for NULL */
static GrelApp *
grel_registry_find_open (GMainContext *context, guint *n_found)
{
  GrelApp *found = NULL;

  *n_found = 0;
  for (guint i = 0; apps != NULL && i < apps->len; i++)
    {
      GrelApp *app = g_ptr_array_index (apps, i);

      if (!grel_part_is_open (&app->part)
          || (context != NULL && !grel_part_is_on (&app->part, context)))
        continue;
      found = app;
      (*n_found)++;
    }
  return found;
}

/* Process lock held: why no app is open. */
static GError *
grel_registry_explain (GrelSubject subject)
{
  gboolean is_closed = FALSE;

  for (guint i = 0; apps != NULL && i < apps->len; i++)
    {
      GrelApp *app = g_ptr_array_index (apps, i);

      if (grel_part_is_foreign (&app->part))
        return grel_error_new (
          GREL_ERROR_NOT_OPEN, subject,
          "the app was opened in another process, before a fork (); open one in "
          "this process");
      if (!grel_part_was_closed (&app->part))
        return grel_error_new (GREL_ERROR_NOT_OPEN, subject,
                               "the app is not open yet; open it first");
      is_closed = TRUE;
    }

  if (is_closed)
    return grel_error_new (GREL_ERROR_CLOSED, subject, "the app was closed; open it again");
  return grel_error_new (GREL_ERROR_NOT_OPEN, subject,
                         "there is no app; make one and open it, or set the backend");
}

/* An app that is being finalized on another thread can still be on the list, but isn't open. */
static GrelApp *
grel_registry_find_default (GrelSubject subject, GError **error)
{
  GMainContext *context = g_main_context_get_thread_default ();
  GrelApp *app;
  guint n_found;

  app = grel_registry_find_open (context != NULL ? context : g_main_context_default (), &n_found);
  if (n_found == 0)
    app = grel_registry_find_open (NULL, &n_found);
  if (n_found == 1)
    return g_object_ref (app);

  g_propagate_error (error,
                     n_found == 0
                       ? grel_registry_explain (subject)
                       : grel_error_new (GREL_ERROR_AMBIGUOUS, subject,
                                         "several apps are open; set the one that is meant"));
  return NULL;
}

GrelApp *
grel_registry_find_app (GrelApp *app, GrelSubject subject, GError **error)
{
  if (app != NULL)
    return g_object_ref (app);

  grel_identity_lock_process ();
  app = grel_registry_find_default (subject, error);
  grel_identity_unlock_process ();
  return app;
}

GrelBackend *
grel_registry_resolve (GrelApp *chosen, GType kind, GrelSubject subject, GError **error)
{
  g_autoptr (GrelApp) app = grel_registry_find_app (chosen, subject, error);
  GrelBackend *backend;

  if (app == NULL)
    return NULL;
  if (!grel_part_enter (&app->part, FALSE, subject, error))
    return NULL;
  grel_part_leave (&app->part);

  backend = grel_app_find_backend (app, kind, GREL_APP_DEFAULT_NAME);
  if (backend == NULL)
    g_propagate_error (error,
                       grel_error_new (GREL_ERROR_NOT_REGISTERED, subject,
                                       "the app uses no store with a %s", g_type_name (kind)));
  return backend;
}
