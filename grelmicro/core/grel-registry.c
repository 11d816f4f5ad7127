/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-app-private.h>
#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/core/grel-registry-private.h>

static GPtrArray *apps = NULL; /* (element-type GrelApp), not references; under the process lock */

static void
grel_registry_free_pushed (gpointer data)
{
  g_queue_free_full (data, g_object_unref);
}

static GPrivate pushed = G_PRIVATE_INIT (grel_registry_free_pushed); /* GQueue of GrelApp */
static int has_pushed = FALSE;                                       /* any thread, ever; atomic */

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

/* Process lock held. Returns: the only one open on the context, or else the only one open at all */
static GrelApp *
grel_registry_find_open (GMainContext *context, guint *n_found)
{
  GrelApp *here = NULL, *anywhere = NULL;
  guint n_here = 0, n_anywhere = 0;
  gboolean is_here;

  for (guint i = 0; apps != NULL && i < apps->len; i++)
    {
      GrelApp *app = g_ptr_array_index (apps, i);

      if (!grel_part_is_open_on (&app->part, context, &is_here))
        continue;
      anywhere = app;
      n_anywhere++;
      if (!is_here)
        continue;
      here = app;
      n_here++;
    }

  *n_found = n_here > 0 ? n_here : n_anywhere;
  return n_here > 0 ? here : anywhere;
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

/* An app that is being finalized on another thread can still be on the list, but isn't open. The
 * one that is found may close meanwhile. */
static GrelApp *
grel_registry_find_default (GrelSubject subject, GError **error)
{
  GMainContext *context = g_main_context_get_thread_default ();
  GrelApp *app;
  guint n_found;

  do
    app = grel_registry_find_open (context != NULL ? context : g_main_context_default (), &n_found);
  while (n_found == 1 && !grel_part_ref_open (&app->part));
  if (n_found == 1)
    return app;

  g_propagate_error (error,
                     n_found == 0
                       ? grel_registry_explain (subject)
                       : grel_error_new (GREL_ERROR_AMBIGUOUS, subject,
                                         "several apps are open; set the one that is meant"));
  return NULL;
}

/**
 * grel_app_push_thread_default:
 * @self: an app
 *
 * Makes the app that of this thread: primitives without one find it before any other, until
 * [method@Grelmicro.App.pop_thread_default] takes it back.
 *
 * A primitive looks for its app as a call begins, so it is enough to push around that: the binding
 * of a language with tasks of its own does so for the app of the current one. It needs no main
 * context, and an app that isn't open is used as well: calls fail with %GREL_ERROR_NOT_OPEN or
 * %GREL_ERROR_CLOSED. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_app_push_thread_default (GrelApp *self)
{
  GQueue *stack;

  g_return_if_fail (GREL_IS_APP (self));

  stack = g_private_get (&pushed);
  if (stack == NULL)
    g_private_set (&pushed, stack = g_queue_new ());
  g_atomic_int_set (&has_pushed, TRUE);
  g_queue_push_head (stack, g_object_ref (self));
}

/**
 * grel_app_pop_thread_default:
 * @self: the app that this thread pushed last
 *
 * Takes back what [method@Grelmicro.App.push_thread_default] did, on the same thread.
 *
 * Since: 0.1
 */
void
grel_app_pop_thread_default (GrelApp *self)
{
  GQueue *stack = g_private_get (&pushed);

  g_return_if_fail (GREL_IS_APP (self));
  g_return_if_fail (stack != NULL && g_queue_peek_head (stack) == self);

  g_object_unref (g_queue_pop_head (stack));
}

GrelApp *
grel_registry_peek_pushed (void)
{
  GQueue *stack = g_atomic_int_get (&has_pushed) ? g_private_get (&pushed) : NULL;

  return stack != NULL ? g_queue_peek_head (stack) : NULL;
}

gboolean
grel_registry_has_one_open (void)
{
  guint n_open;

  grel_identity_lock_process ();
  grel_registry_find_open (NULL, &n_open);
  grel_identity_unlock_process ();
  return n_open == 1;
}

GrelApp *
grel_registry_find_app (GrelApp *app, GrelSubject subject, GError **error)
{
  if (app == NULL)
    app = grel_registry_peek_pushed ();
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
  backend = grel_app_find_backend (app, kind, GREL_APP_DEFAULT_NAME);
  grel_part_leave (&app->part);

  if (backend == NULL)
    g_propagate_error (error,
                       grel_error_new (GREL_ERROR_NOT_REGISTERED, subject,
                                       "its app uses no store that has a %s; give the app one with "
                                       "use ()",
                                       g_type_name (kind)));
  return backend;
}
