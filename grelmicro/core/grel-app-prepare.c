/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-app-private.h>
#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-enums.h>
#include <grelmicro/core/grel-log-private.h>

/* What an app checks before it opens. */

static const char *const grel_app_environments[]
  = { "development", "test", "staging", "production", NULL };

/**
 * grel_app_require_scope:
 * @self: an app
 * @kind: the abstract class of a backend, such as `GREL_TYPE_LOCK_BACKEND`
 * @scope: how far its state must be shared
 *
 * Sets how far the state of a kind of backend must be shared in staging and production. Locks must
 * be shared by the cluster unless this says otherwise. Call it before the app is opened, on any
 * thread.
 *
 * Since: 0.1
 */
void
grel_app_require_scope (GrelApp *self, GType kind, GrelScope scope)
{
  g_return_if_fail (GREL_IS_APP (self));
  g_return_if_fail (g_type_is_a (kind, GREL_TYPE_BACKEND));

  grel_part_lock (&self->part);
  g_hash_table_insert (self->scopes, GSIZE_TO_POINTER (kind), GUINT_TO_POINTER (scope));
  g_mutex_unlock (&self->part.mutex);
}

static GrelScope
grel_app_get_required_scope (GrelApp *self, GType kind)
{
  gpointer scope;

  if (g_hash_table_lookup_extended (self->scopes, GSIZE_TO_POINTER (kind), NULL, &scope))
    return GPOINTER_TO_UINT (scope);
  return grel_backend_kind_get_required_scope (kind);
}

static const char *
grel_scope_to_string (GrelScope scope)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (GREL_TYPE_SCOPE);
  GEnumValue *value = g_enum_get_value (klass, scope);

  return value != NULL ? value->value_nick : "unknown";
}

/* Returns: (transfer full): all that is shared less far than it has to be; empty if nothing is */
static char *
grel_app_find_narrow_scopes (GrelApp *self)
{
  GString *findings = g_string_new (NULL);

  for (guint i = 0; i < self->entries->len; i++)
    {
      GrelAppEntry *entry = g_ptr_array_index (self->entries, i);
      GrelScope scope, required;

      if (entry->kind == G_TYPE_INVALID)
        continue;

      scope = grel_backend_get_scope (GREL_BACKEND (entry->object));
      required = grel_app_get_required_scope (self, entry->kind);
      if (scope != GREL_SCOPE_UNDECLARED && scope < required)
        g_string_append_printf (findings, "%s%s is shared by the %s but has to be by the %s",
                                findings->len > 0 ? "; " : "", G_OBJECT_TYPE_NAME (entry->object),
                                grel_scope_to_string (scope), grel_scope_to_string (required));
    }
  return g_string_free (findings, FALSE);
}

static gboolean
grel_app_check_scopes (GrelApp *self, const char *environment, GError **error)
{
  g_autofree char *findings = grel_app_find_narrow_scopes (self);
  gboolean is_strict
    = g_strcmp0 (environment, "staging") == 0 || g_strcmp0 (environment, "production") == 0;

  if (*findings == '\0')
    return TRUE;

  if (is_strict)
    g_propagate_error (error,
                       grel_error_new (GREL_ERROR_SCOPE, self->part.subject,
                                       "%s; use another store, or say require_scope ()", findings));
  else
    grel_log (G_LOG_LEVEL_INFO, "scope", self->part.subject, "%s in production", findings);
  return !is_strict;
}

/* The store that the environment names, else memory. */
GrelProvider *
grel_app_create_default_provider (GError **error)
{
  const char *uri = g_getenv ("GREL_URL");
  GrelProvider *provider = grel_provider_new_for_uri (uri != NULL ? uri : "memory:", error);

  if (provider == NULL)
    g_prefix_error (error, "GREL_URL: ");
  return provider;
}

static gboolean
grel_app_use_default (GrelApp *self, GError **error)
{
  g_autoptr (GrelProvider) provider = NULL;

  if (self->entries->len > 0)
    return TRUE;

  provider = grel_app_create_default_provider (error);
  return provider != NULL && grel_app_use_provider (self, provider, GREL_APP_DEFAULT_NAME, error);
}

gboolean
grel_app_prepare (GrelApp *self, GError **error)
{
  const char *environment = self->environment;
  const char *setting = "environment";

  if (environment == NULL)
    {
      environment = g_getenv ("GREL_ENVIRONMENT");
      setting = "GREL_ENVIRONMENT";
    }
  if (environment != NULL && !g_strv_contains (grel_app_environments, environment))
    {
      g_propagate_error (error, grel_error_new (GREL_ERROR_SETTINGS, self->part.subject,
                                                "%s: must be development, test, staging or "
                                                "production",
                                                setting));
      return FALSE;
    }

  return grel_app_use_default (self, error) && grel_app_check_scopes (self, environment, error);
}
