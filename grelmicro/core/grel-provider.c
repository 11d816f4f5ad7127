/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-call-private.h>
#include <grelmicro/core/grel-module-private.h>
#include <grelmicro/core/grel-provider-private.h>
#include <grelmicro/core/grel-request-private.h>
#include <grelmicro/core/grel-task-private.h>
#include <grelmicro/core/grel-uri-private.h>

#include <string.h>

/**
 * GrelProvider:
 *
 * One connection to one store, which makes backends for it.
 *
 * A provider is made from a URI, [ctor@Grelmicro.Provider.new_for_uri], and used by an app, which
 * opens and closes it. `memory:` is the memory of this process. It may be made on any thread, and
 * does its I/O in the main context that it is opened on.
 *
 * Since: 0.1
 */
typedef struct
{
  GrelPart part;
  char *uri;
} GrelProviderPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GrelProvider, grel_provider, G_TYPE_OBJECT)

enum
{
  PROP_URI = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

GrelPart *
grel_provider_get_part (GrelProvider *self)
{
  return &((GrelProviderPrivate *) grel_provider_get_instance_private (self))->part;
}

static void
grel_provider_do_nothing (GrelProvider *self, GTask *task)
{
  g_task_return_boolean (task, TRUE);
}

static void
grel_provider_run_open (GObject *object, GTask *task)
{
  GREL_PROVIDER_GET_CLASS (object)->open (GREL_PROVIDER (object), task);
}

static void
grel_provider_run_close (GObject *object, GTask *task)
{
  GREL_PROVIDER_GET_CLASS (object)->close (GREL_PROVIDER (object), task);
}

static void
grel_provider_constructed (GObject *object)
{
  grel_provider_get_part (GREL_PROVIDER (object))->subject.name = G_OBJECT_TYPE_NAME (object);

  G_OBJECT_CLASS (grel_provider_parent_class)->constructed (object);
}

static void
grel_provider_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_URI)
    g_value_take_string (value, grel_provider_dup_uri (GREL_PROVIDER (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
grel_provider_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GrelProviderPrivate *priv = grel_provider_get_instance_private (GREL_PROVIDER (object));

  if (id == PROP_URI)
    priv->uri = g_value_dup_string (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
grel_provider_finalize (GObject *object)
{
  GrelProviderPrivate *priv = grel_provider_get_instance_private (GREL_PROVIDER (object));

  g_free (priv->uri);
  grel_part_clear (&priv->part);

  G_OBJECT_CLASS (grel_provider_parent_class)->finalize (object);
}

static void
grel_provider_class_init (GrelProviderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = grel_provider_constructed;
  object_class->get_property = grel_provider_get_property;
  object_class->set_property = grel_provider_set_property;
  object_class->finalize = grel_provider_finalize;
  klass->open = grel_provider_do_nothing;
  klass->close = grel_provider_do_nothing;
  klass->check = grel_provider_do_nothing;

  /**
   * GrelProvider:uri: (getter dup_uri)
   *
   * The URI of the store. Its credentials read back as `***`.
   *
   * Since: 0.1
   */
  properties[PROP_URI]
    = g_param_spec_string ("uri", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
grel_provider_init (GrelProvider *self)
{
  grel_part_init (grel_provider_get_part (self), G_OBJECT (self), "provider",
                  grel_provider_run_open, grel_provider_run_close);
}

/* Which adapter a provider class makes for which kind. */
typedef struct
{
  GType kind;
  GType adapter;
} GrelProviderLine;

static G_DEFINE_QUARK (grel-provider-lines, grel_provider_lines);

static GArray *
grel_provider_get_lines (GType type)
{
  for (; type != G_TYPE_INVALID; type = g_type_parent (type))
    {
      GArray *lines = g_type_get_qdata (type, grel_provider_lines_quark ());

      if (lines != NULL)
        return lines;
    }
  return NULL;
}

/**
 * grel_provider_class_add_backend: (skip)
 * @klass: the class of a provider
 * @kind: the abstract class of a backend, such as %GREL_TYPE_LOCK_BACKEND
 * @adapter: the class that the provider makes for it
 *
 * Says in a class initializer what a provider makes. An adapter that has a property `provider` gets
 * the provider that made it.
 *
 * Since: 0.1
 */
void
grel_provider_class_add_backend (GrelProviderClass *klass, GType kind, GType adapter)
{
  GrelProviderLine line = { kind, adapter };
  GArray *lines;

  g_return_if_fail (GREL_IS_PROVIDER_CLASS (klass));
  g_return_if_fail (g_type_is_a (kind, GREL_TYPE_BACKEND));
  g_return_if_fail (g_type_is_a (adapter, kind));

  lines = g_type_get_qdata (G_TYPE_FROM_CLASS (klass), grel_provider_lines_quark ());
  if (lines == NULL)
    {
      lines = g_array_new (FALSE, FALSE, sizeof (GrelProviderLine));
      g_type_set_qdata (G_TYPE_FROM_CLASS (klass), grel_provider_lines_quark (), lines);
    }
  g_array_append_val (lines, line);
}

GPtrArray *
grel_provider_create_backends (GrelProvider *self)
{
  GPtrArray *backends = g_ptr_array_new_with_free_func (g_object_unref);
  GArray *lines = grel_provider_get_lines (G_OBJECT_TYPE (self));

  for (guint i = 0; lines != NULL && i < lines->len; i++)
    g_ptr_array_add (backends, grel_provider_create_backend (
                                 self, g_array_index (lines, GrelProviderLine, i).kind, NULL));
  return backends;
}

/**
 * grel_provider_create_backend:
 * @self: a provider
 * @kind: the abstract class of the backend, such as `GREL_TYPE_LOCK_BACKEND`
 * @error: return location for an error
 *
 * Makes a backend on this store. It does no I/O. May be called from any thread.
 *
 * Sets %GREL_ERROR_NOT_REGISTERED if the store has no such backend.
 *
 * Returns: (transfer full): a new backend
 *
 * Since: 0.1
 */
GrelBackend *
grel_provider_create_backend (GrelProvider *self, GType kind, GError **error)
{
  GArray *lines;

  g_return_val_if_fail (GREL_IS_PROVIDER (self), NULL);

  lines = grel_provider_get_lines (G_OBJECT_TYPE (self));
  for (guint i = 0; lines != NULL && i < lines->len; i++)
    {
      GrelProviderLine *line = &g_array_index (lines, GrelProviderLine, i);
      g_autoptr (GTypeClass) klass = g_type_class_ref (line->adapter);

      if (line->kind != kind)
        continue;
      if (g_object_class_find_property (G_OBJECT_CLASS (klass), "provider") != NULL)
        return g_object_new (line->adapter, "provider", self, NULL);
      return g_object_new (line->adapter, NULL);
    }

  g_propagate_error (error, grel_error_new (GREL_ERROR_NOT_REGISTERED,
                                            grel_provider_get_part (self)->subject, "has no %s",
                                            g_type_name (kind)));
  return NULL;
}

static const GrelSubject grel_provider_subject = { "provider", NULL };

static GType
grel_provider_find_type (const char *uri, GError **error)
{
  const char *scheme = uri != NULL ? g_uri_peek_scheme (uri) : NULL; /* in lower case */
  GType type;

  if (scheme == NULL || !g_utf8_validate (uri, -1, NULL))
    {
      g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS, grel_provider_subject,
                                                "uri: must begin with a scheme, as in memory:"));
      return G_TYPE_INVALID;
    }

  type = grel_builtin_get_provider_type (scheme);
  if (type == G_TYPE_INVALID)
    type = grel_module_load_provider (scheme, grel_provider_subject, error);
  return type;
}

/* A module knows nothing of subjects. */
static GrelProvider *
grel_provider_new_initable (GType type, const char *uri, GError **error)
{
  GrelSubject subject = { grel_provider_subject.noun, g_type_name (type) };
  GError *local_error = NULL;
  GrelProvider *self = g_initable_new (type, NULL, &local_error, "uri", uri, NULL);

  if (self == NULL)
    g_propagate_error (error, grel_error_new_from_store (subject, local_error));
  return self;
}

/**
 * grel_provider_module_query: (skip)
 * @scheme: a URI scheme, in lower case
 *
 * What a module of a store has to export: the class of its provider. If that implements
 * [iface@Gio.Initable], it can refuse a URI. A module is opened once and stays. It may be called
 * from any thread.
 *
 * Returns: the class of the provider for @scheme, or %G_TYPE_INVALID if the module has none
 *
 * Since: 0.1
 */

/**
 * grel_provider_new_for_uri:
 * @uri: the URI of a store, such as `memory:`
 * @error: return location for an error
 *
 * Makes a provider. It does no I/O, but for opening the module of the store when that is asked for
 * the first time. May be called from any thread.
 *
 * The scheme names the module, up to a `+`: `libgrel-etcd.so` for both `etcd:` and `etcd+unix:`. It
 * is looked for in the folder that `GREL_MODULE_PATH` names, and in `grelmicro-1/providers` of the
 * folder of the library. Another scheme of the same store is a link to the same file.
 *
 * Sets %GREL_ERROR_SETTINGS if @uri is not acceptable, and %GREL_ERROR_NOT_REGISTERED if there is
 * no store for its scheme, or its module is not installed.
 *
 * Returns: (transfer full): a new provider
 *
 * Since: 0.1
 */
GrelProvider *
grel_provider_new_for_uri (const char *uri, GError **error)
{
  GType type = grel_provider_find_type (uri, error);

  if (type == G_TYPE_INVALID)
    return NULL;
  if (g_type_is_a (type, G_TYPE_INITABLE))
    return grel_provider_new_initable (type, uri, error);
  return g_object_new (type, "uri", uri, NULL);
}

/**
 * grel_provider_get_secret_uri: (skip)
 * @self: a provider
 *
 * Gets the URI with its credentials, for the class that connects. It must not be shown to anybody:
 * [method@Grelmicro.Provider.dup_uri] is for that. May be called from any thread.
 *
 * Returns: (transfer none) (nullable): the URI as it was given
 *
 * Since: 0.1
 */
const char *
grel_provider_get_secret_uri (GrelProvider *self)
{
  g_return_val_if_fail (GREL_IS_PROVIDER (self), NULL);

  return ((GrelProviderPrivate *) grel_provider_get_instance_private (self))->uri;
}

/* A password that isn't escaped ends at its last @, wherever the parser thinks it ends. */
static gboolean
grel_provider_has_stray_at (const char *uri, const char *userinfo, const char *host)
{
  const char *at = strchr (uri, '@');

  if (at != NULL && userinfo != NULL)
    at = strchr (at + 1, '@');
  return at != NULL && host != NULL && *host != '\0';
}

/* What isn't a host may be part of a password. */
static gboolean
grel_provider_has_bad_host (const char *hosts)
{
  g_auto (GStrv) list = g_strsplit (hosts != NULL ? hosts : "", ",", -1);

  for (guint i = 0; list[i] != NULL; i++)
    {
      g_autofree char *uri = g_strconcat ("host://", list[i], NULL);

      if (!g_uri_is_valid (uri, G_URI_FLAGS_NON_DNS, NULL))
        return TRUE;
    }
  return FALSE;
}

/**
 * grel_provider_dup_uri: (get-property uri)
 * @self: a provider
 *
 * Gets the URI of the store, fit to be shown: all that follows the scheme up to the host, and all
 * parameters, read `***`. May be called from any thread.
 *
 * Returns: (transfer full) (nullable): the URI
 *
 * Since: 0.1
 */
char *
grel_provider_dup_uri (GrelProvider *self)
{
  g_autofree char *scheme = NULL;
  g_autofree char *userinfo = NULL;
  g_autofree char *host = NULL;
  g_autofree char *path = NULL;
  g_autofree char *query = NULL;
  g_autofree char *hosts = NULL;
  g_autofree char *single = NULL;
  const char *uri;

  g_return_val_if_fail (GREL_IS_PROVIDER (self), NULL);

  uri = grel_provider_get_secret_uri (self);
  if (uri == NULL)
    return NULL;
  single = grel_uri_take_hosts (uri, &hosts);
  if (!g_uri_split (single, G_URI_FLAGS_NON_DNS | G_URI_FLAGS_ENCODED, &scheme, &userinfo, &host,
                    NULL, &path, &query, NULL, NULL)
      || scheme == NULL || grel_provider_has_stray_at (uri, userinfo, host)
      || grel_provider_has_bad_host (hosts))
    return g_strdup ("***");

  return g_strconcat (scheme, hosts != NULL ? "://" : ":", userinfo != NULL ? "***@" : "",
                      hosts != NULL ? hosts : "", path, query != NULL ? "?***" : "", NULL);
}

/* Asks the store for a sign of life. */
typedef struct
{
  GrelRequest base;
  GrelCall *call;
} GrelCheckRequest;

static void
grel_check_request_start (GrelRequest *request, GTask *task)
{
  GREL_PROVIDER_GET_CLASS (request->owner)->check (GREL_PROVIDER (request->owner), task);
}

static void
grel_check_request_answered (GrelRequest *request, gssize answer, GError *error)
{
  grel_call_answer (((GrelCheckRequest *) request)->call, answer != 0, error);
}

static void
grel_check_request_finalize (GrelRequest *request)
{
  grel_call_unref (((GrelCheckRequest *) request)->call);
}

static const GrelRequestClass grel_check_request_class = {
  .size = sizeof (GrelCheckRequest),
  .start = grel_check_request_start,
  .answered = grel_check_request_answered,
  .finalize = grel_check_request_finalize,
};

static void
grel_check_call_start (GrelCall *call)
{
  GrelRequest *request = grel_request_new (&grel_check_request_class, call->part, call->subject);

  ((GrelCheckRequest *) request)->call = grel_call_ref (call);
  grel_request_start (request);
}

static const GrelCallClass grel_check_call_class = {
  .size = sizeof (GrelCall),
  .start = grel_check_call_start,
};

static GrelCall *
grel_provider_begin_check (GrelProvider *self,
                           GTask *task,
                           GCancellable *cancellable,
                           GError **error)
{
  GrelPart *part = grel_provider_get_part (self);
  GrelCall *call;

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !grel_part_enter (part, task == NULL, part->subject, error))
    return NULL;

  call = grel_call_new (&grel_check_call_class, part, part->subject, task, cancellable);
  grel_call_register (call, -1);
  grel_call_post (call);
  grel_part_leave (part);
  return call;
}

/**
 * grel_provider_check_async:
 * @self: a provider
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: passed to @callback
 *
 * Asks the store for a sign of life: whether the service is ready. May be called from any thread;
 * the result arrives in the caller's context.
 *
 * Since: 0.1
 */
void
grel_provider_check_async (GrelProvider *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GrelCall) call = NULL;
  GError *error = NULL;

  g_return_if_fail (GREL_IS_PROVIDER (self));

  task = grel_task_new (self, cancellable, callback, user_data, grel_provider_check_async);
  call = grel_provider_begin_check (self, task, cancellable, &error);
  if (call == NULL)
    g_task_return_error (task, error);
}

/**
 * grel_provider_check_finish:
 * @self: a provider
 * @result: what the callback got
 * @error: return location for an error
 *
 * Gets the result of [method@Grelmicro.Provider.check_async].
 *
 * Sets %GREL_ERROR_NOT_OPEN, %GREL_ERROR_CLOSED, or %GREL_ERROR_BACKEND if the store does not
 * answer.
 *
 * Returns: %TRUE if the store is ready
 *
 * Since: 0.1
 */
gboolean
grel_provider_check_finish (GrelProvider *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, grel_provider_check_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * grel_provider_check_from_thread:
 * @self: a provider
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Asks the store for a sign of life from a worker thread, and waits for the answer.
 *
 * Sets the errors of [method@Grelmicro.Provider.check_finish], %GREL_ERROR_DEADLOCK on the thread
 * that runs the provider's main context, and %GREL_ERROR_LOOP_NOT_RUNNING if nobody runs it.
 *
 * Returns: %TRUE if the store is ready
 *
 * Since: 0.1
 */
gboolean
grel_provider_check_from_thread (GrelProvider *self, GCancellable *cancellable, GError **error)
{
  GrelCall *call;

  g_return_val_if_fail (GREL_IS_PROVIDER (self), FALSE);

  call = grel_provider_begin_check (self, NULL, cancellable, error);
  return call != NULL && GPOINTER_TO_INT (grel_call_wait (call, error));
}
