/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-app-private.h>
#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-enums.h>
#include <grelmicro/core/grel-log-private.h>
#include <grelmicro/core/grel-provider-private.h>
#include <grelmicro/core/grel-registry-private.h>

/**
 * GrelApp:
 *
 * The grel app opens and closes the stores that the primitives of a program use.
 *
 * Open it on the main context that is to do the work; it captures the one that is thread-default
 * then. Locks and other primitives find it by themselves: the app that was pushed on this thread,
 * else that opened on the thread-default context, else the only one that is open. Several apps on
 * several contexts don't touch each other. An open app is kept alive until it is closed. May be
 * used from any thread.
 *
 * Since: 0.1
 */

G_DEFINE_FINAL_TYPE (GrelApp, grel_app, G_TYPE_OBJECT)

enum
{
  PROP_IS_OPEN = 1,
  PROP_ENVIRONMENT,
  PROP_PATIENCE,
  PROP_CLOCK,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
grel_app_entry_free (gpointer data)
{
  GrelAppEntry *entry = data;

  g_object_unref (entry->object);
  g_free (entry->name);
  g_free (entry);
}

static void
grel_app_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GrelApp *self = GREL_APP (object);

  switch (id)
    {
    case PROP_IS_OPEN:
      g_value_set_boolean (value, grel_app_get_is_open (self));
      break;
    case PROP_ENVIRONMENT:
      g_value_set_string (value, grel_app_get_environment (self));
      break;
    case PROP_PATIENCE:
      g_value_set_int64 (value, grel_app_get_patience (self));
      break;
    case PROP_CLOCK:
      g_value_set_object (value, grel_app_get_clock (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_app_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GrelApp *self = GREL_APP (object);

  switch (id)
    {
    case PROP_ENVIRONMENT:
      grel_app_set_environment (self, g_value_get_string (value));
      break;
    case PROP_PATIENCE:
      grel_app_set_patience (self, g_value_get_int64 (value));
      break;
    case PROP_CLOCK:
      grel_app_set_clock (self, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* Before anything else: the registry must not hand out an app that is on its way out. */
static void
grel_app_dispose (GObject *object)
{
  grel_registry_remove (GREL_APP (object));

  G_OBJECT_CLASS (grel_app_parent_class)->dispose (object);
}

static void
grel_app_finalize (GObject *object)
{
  GrelApp *self = GREL_APP (object);

  g_clear_pointer (&self->thread, g_thread_unref);
  g_ptr_array_unref (self->entries);
  g_hash_table_unref (self->scopes);
  g_free (self->environment);
  grel_part_clear (&self->part);

  G_OBJECT_CLASS (grel_app_parent_class)->finalize (object);
}

static void
grel_app_class_init (GrelAppClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = grel_app_get_property;
  object_class->set_property = grel_app_set_property;
  object_class->dispose = grel_app_dispose;
  object_class->finalize = grel_app_finalize;

  /**
   * GrelApp:is-open: (getter get_is_open)
   *
   * Whether the app is open.
   *
   * Since: 0.1
   */
  properties[PROP_IS_OPEN] = g_param_spec_boolean ("is-open", NULL, NULL, FALSE,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * GrelApp:environment: (getter get_environment) (setter set_environment)
   *
   * Where the program runs: `development`, `test`, `staging` or `production`; %NULL stands for the
   * environment variable `GREL_ENVIRONMENT`. In the last two a lock has to be shared by the
   * cluster.
   *
   * Since: 0.1
   */
  properties[PROP_ENVIRONMENT] = g_param_spec_string ("environment", NULL, NULL, NULL, flags);

  /**
   * GrelApp:patience: (getter get_patience) (setter set_patience)
   *
   * How long, in microseconds, a thread waits for a main context that nobody runs.
   *
   * Since: 0.1
   */
  properties[PROP_PATIENCE] = g_param_spec_int64 ("patience", NULL, NULL, G_MININT64, G_MAXINT64,
                                                  GREL_DEFAULT_PATIENCE, flags);

  /**
   * GrelApp:clock: (getter get_clock) (setter set_clock)
   *
   * The clock of the app and its backends; %NULL is the real one.
   *
   * Since: 0.1
   */
  properties[PROP_CLOCK] = g_param_spec_object ("clock", NULL, NULL, GREL_TYPE_CLOCK, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
grel_app_init (GrelApp *self)
{
  grel_part_init (&self->part, G_OBJECT (self), "app", grel_app_open_entries,
                  grel_app_close_entries);
  self->part.timeout = -1; /* what it opens and closes has a timeout each */
  self->entries = g_ptr_array_new_with_free_func (grel_app_entry_free);
  self->scopes = g_hash_table_new (NULL, NULL);
  grel_registry_add (self);
}

/**
 * grel_app_new:
 *
 * Makes an app. Unless it is told to use something it opens the store that the environment variable
 * `GREL_URL` names, or `memory:`. May be called from any thread.
 *
 * Returns: (transfer full): a new app
 *
 * Since: 0.1
 */
GrelApp *
grel_app_new (void)
{
  return g_object_new (GREL_TYPE_APP, NULL);
}

/**
 * grel_app_new_for_uri:
 * @uri: (nullable): the URI of a store; %NULL stands for the environment variable `GREL_URL`, else
 *   for `memory:`
 * @error: return location for an error
 *
 * Makes an app that uses one store. It does no I/O. May be called from any thread.
 *
 * Sets the errors of [ctor@Grelmicro.Provider.new_for_uri].
 *
 * Returns: (transfer full): a new app
 *
 * Since: 0.1
 */
GrelApp *
grel_app_new_for_uri (const char *uri, GError **error)
{
  g_autoptr (GrelApp) self = grel_app_new ();
  g_autoptr (GrelProvider) provider = NULL;

  provider = uri != NULL ? grel_provider_new_for_uri (uri, error)
                         : grel_app_create_default_provider (error);
  if (provider == NULL || !grel_app_use (self, G_OBJECT (provider), NULL, error))
    return NULL;

  return g_steal_pointer (&self);
}

/**
 * grel_app_dup_default:
 *
 * Gets the app that a primitive without one finds: that pushed last on this thread, else that
 * opened on the thread-default context, else the only one that is open. May be called from any
 * thread.
 *
 * Returns: (transfer full) (nullable): the app, %NULL if there is none or no telling
 *
 * Since: 0.1
 */
GrelApp *
grel_app_dup_default (void)
{
  return grel_registry_find_app (NULL, (GrelSubject){ "app", NULL }, NULL);
}

static GrelAppEntry *
grel_app_lookup (GrelApp *self, GType kind, const char *name)
{
  for (guint i = 0; i < self->entries->len; i++)
    {
      GrelAppEntry *entry = g_ptr_array_index (self->entries, i);

      if (entry->kind == kind && g_str_equal (entry->name, name))
        return entry;
    }
  return NULL;
}

/* Takes the reference. */
static void
grel_app_add (GrelApp *self, GObject *object, const char *name, GrelProvider *maker)
{
  GrelAppEntry *entry = g_new0 (GrelAppEntry, 1);

  entry->object = object;
  entry->name = g_strdup (name);
  entry->maker = maker;
  if (GREL_IS_PROVIDER (object))
    entry->part = grel_provider_get_part (GREL_PROVIDER (object));
  else
    {
      entry->part = grel_backend_get_part (GREL_BACKEND (object));
      entry->kind = grel_backend_get_kind (GREL_BACKEND (object));
    }

  grel_part_lock (&self->part);
  g_ptr_array_add (self->entries, entry);
  g_mutex_unlock (&self->part.mutex);
}

static void
grel_app_remove (GrelApp *self, GrelAppEntry *entry)
{
  guint index;

  grel_part_lock (&self->part);
  if (g_ptr_array_find (self->entries, entry, &index))
    g_ptr_array_steal_index (self->entries, index);
  g_mutex_unlock (&self->part.mutex);
  grel_app_entry_free (entry);
}

static GError *
grel_app_new_ambiguous (GrelApp *self, GType kind, const char *name)
{
  return grel_error_new (GREL_ERROR_AMBIGUOUS, self->part.subject,
                         "uses a %s named %s already; give the other a name of its own",
                         g_type_name (kind), name);
}

/* A backend that was chosen takes the place of one that a provider made. */
static gboolean
grel_app_use_backend (GrelApp *self, GrelBackend *backend, const char *name, GError **error)
{
  GType kind = grel_backend_get_kind (backend);
  GrelAppEntry *entry = grel_app_lookup (self, kind, name);

  if (entry != NULL && entry->object == G_OBJECT (backend))
    return TRUE;
  if (entry != NULL && entry->maker == NULL)
    {
      g_propagate_error (error, grel_app_new_ambiguous (self, kind, name));
      return FALSE;
    }

  if (entry != NULL)
    grel_app_remove (self, entry);
  grel_app_add (self, g_object_ref (G_OBJECT (backend)), name, NULL);
  return TRUE;
}

/* A provider serves every kind that has no backend of that name yet. */
gboolean
grel_app_use_provider (GrelApp *self, GrelProvider *provider, const char *name, GError **error)
{
  GrelAppEntry *entry = grel_app_lookup (self, G_TYPE_INVALID, name);
  g_autoptr (GPtrArray) backends = NULL;

  if (entry != NULL && entry->object == G_OBJECT (provider))
    return TRUE;
  if (entry != NULL)
    {
      g_propagate_error (error, grel_app_new_ambiguous (self, GREL_TYPE_PROVIDER, name));
      return FALSE;
    }

  grel_app_add (self, g_object_ref (G_OBJECT (provider)), name, NULL);
  backends = grel_provider_create_backends (provider);
  for (guint i = 0; i < backends->len; i++)
    {
      GrelBackend *backend = g_ptr_array_index (backends, i);

      if (grel_app_lookup (self, grel_backend_get_kind (backend), name) == NULL)
        grel_app_add (self, g_object_ref (G_OBJECT (backend)), name, provider);
    }
  return TRUE;
}

/**
 * grel_app_use:
 * @self: an app
 * @component: a [class@Grelmicro.Provider] or [class@Grelmicro.Backend]
 * @name: (nullable): a name to tell several apart, %NULL for `default`
 * @error: return location for an error
 *
 * Tells the app what to open. A provider serves every kind of primitive that has no backend of that
 * name; a backend goes before a provider. They open in the order in which they were given and close
 * in the reverse order. Set an app up on one thread.
 *
 * Sets %GREL_ERROR_SETTINGS if the app is open or @component is something else, and
 * %GREL_ERROR_AMBIGUOUS if it uses another of this kind and name.
 *
 * Returns: %TRUE if the app uses @component
 *
 * Since: 0.1
 */
gboolean
grel_app_use (GrelApp *self, GObject *component, const char *name, GError **error)
{
  const char *fault = NULL;

  g_return_val_if_fail (GREL_IS_APP (self), FALSE);
  g_return_val_if_fail (G_IS_OBJECT (component), FALSE);

  if (!grel_part_is_idle (&self->part))
    fault = "what it uses can only be changed while it is closed";
  else if (name != NULL && (*name == '\0' || !g_utf8_validate (name, -1, NULL)))
    fault = "name: must be UTF-8 and not empty";
  else if (!GREL_IS_BACKEND (component) && !GREL_IS_PROVIDER (component))
    fault = "component: must be a provider or a backend";
  if (fault != NULL)
    {
      g_propagate_error (error,
                         grel_error_new (GREL_ERROR_SETTINGS, self->part.subject, "%s", fault));
      return FALSE;
    }

  if (name == NULL)
    name = GREL_APP_DEFAULT_NAME;
  return GREL_IS_BACKEND (component)
           ? grel_app_use_backend (self, GREL_BACKEND (component), name, error)
           : grel_app_use_provider (self, GREL_PROVIDER (component), name, error);
}

GrelBackend *
grel_app_find_backend (GrelApp *self, GType kind, const char *name)
{
  GrelAppEntry *entry = grel_app_lookup (self, kind, name);

  return entry != NULL ? g_object_ref (GREL_BACKEND (entry->object)) : NULL;
}

/**
 * grel_app_get_backend:
 * @self: an app
 * @kind: the abstract class of the backend, such as `GREL_TYPE_LOCK_BACKEND`
 * @name: (nullable): the name under which it is used, %NULL for `default`
 * @error: return location for an error
 *
 * Gets a backend that the app uses. May be called from any thread.
 *
 * Sets %GREL_ERROR_NOT_REGISTERED if the app uses none of this kind and name.
 *
 * Returns: (transfer full): the backend
 *
 * Since: 0.1
 */
GrelBackend *
grel_app_get_backend (GrelApp *self, GType kind, const char *name, GError **error)
{
  GrelBackend *backend = NULL;

  g_return_val_if_fail (GREL_IS_APP (self), NULL);

  if (!grel_part_is_foreign (&self->part))
    {
      grel_part_lock (&self->part);
      backend = grel_app_find_backend (self, kind, name != NULL ? name : GREL_APP_DEFAULT_NAME);
      g_mutex_unlock (&self->part.mutex);
    }
  if (backend == NULL)
    g_propagate_error (error,
                       grel_error_new (GREL_ERROR_NOT_REGISTERED, self->part.subject,
                                       "uses no %s of that name; use () a store or a backend first",
                                       g_type_name (kind)));
  return backend;
}

/**
 * grel_app_get_is_open: (get-property is-open)
 * @self: an app
 *
 * Gets whether the app is open. May be called from any thread.
 *
 * Returns: %TRUE from when it has opened until it begins to close
 *
 * Since: 0.1
 */
gboolean
grel_app_get_is_open (GrelApp *self)
{
  g_return_val_if_fail (GREL_IS_APP (self), FALSE);

  return grel_part_is_open (&self->part);
}

/**
 * grel_app_get_environment: (get-property environment)
 * @self: an app
 *
 * Gets where the program runs, as it was set. Call it on the thread that opens the app.
 *
 * Returns: (transfer none) (nullable): the environment
 *
 * Since: 0.1
 */
const char *
grel_app_get_environment (GrelApp *self)
{
  g_return_val_if_fail (GREL_IS_APP (self), NULL);

  return self->environment;
}

/**
 * grel_app_set_environment: (set-property environment)
 * @self: an app
 * @environment: (nullable): `development`, `test`, `staging` or `production`; %NULL for the
 *   environment variable `GREL_ENVIRONMENT`
 *
 * Sets where the program runs. Call it before the app is opened, and on the thread that opens it.
 * The open fails with %GREL_ERROR_SETTINGS for anything else.
 *
 * Since: 0.1
 */
void
grel_app_set_environment (GrelApp *self, const char *environment)
{
  char *old;

  g_return_if_fail (GREL_IS_APP (self));

  if (g_strcmp0 (self->environment, environment) == 0)
    return;

  old = self->environment;
  self->environment = g_strdup (environment);
  g_free (old);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ENVIRONMENT]);
}

/**
 * grel_app_get_patience: (get-property patience)
 * @self: an app
 *
 * Gets how long a thread waits for a main context that nobody runs. May be called from any thread.
 *
 * Returns: a time span in microseconds
 *
 * Since: 0.1
 */
GTimeSpan
grel_app_get_patience (GrelApp *self)
{
  g_return_val_if_fail (GREL_IS_APP (self), 0);

  return grel_part_get_patience (&self->part);
}

/**
 * grel_app_set_patience: (set-property patience)
 * @self: an app
 * @patience: a time span in microseconds; more than 0
 *
 * Sets how long a `from_thread` call waits for a main context that nobody runs before it fails with
 * %GREL_ERROR_LOOP_NOT_RUNNING. A loop that is busy is waited for twelve times as long. Call it
 * before the app is opened, which fails with %GREL_ERROR_SETTINGS for 0 or less.
 *
 * Since: 0.1
 */
void
grel_app_set_patience (GrelApp *self, GTimeSpan patience)
{
  g_return_if_fail (GREL_IS_APP (self));

  if (grel_part_set_patience (&self->part, patience))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PATIENCE]);
}

/**
 * grel_app_get_clock: (get-property clock)
 * @self: an app
 *
 * Gets the clock that the app and its backends go by. May be called from any thread.
 *
 * Returns: (transfer none): the clock
 *
 * Since: 0.1
 */
GrelClock *
grel_app_get_clock (GrelApp *self)
{
  g_return_val_if_fail (GREL_IS_APP (self), NULL);

  return grel_part_get_clock (&self->part);
}

/**
 * grel_app_set_clock: (set-property clock)
 * @self: an app
 * @clock: (nullable): a clock, %NULL for the real one
 *
 * Sets the clock that the app and its backends go by; a test sets a [class@Grelmicro.VirtualClock].
 * Does nothing while the app is open. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_app_set_clock (GrelApp *self, GrelClock *clock)
{
  g_return_if_fail (GREL_IS_APP (self));
  g_return_if_fail (clock == NULL || GREL_IS_CLOCK (clock));

  if (grel_part_set_clock (&self->part, clock))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLOCK]);
}
