/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-app.h>
#include <grelmicro/core/grel-part-private.h>

G_BEGIN_DECLS

#define GREL_APP_DEFAULT_NAME "default"

/* A provider or a backend, under its name, in the order in which they open. */
typedef struct
{
  GObject *object;
  GrelPart *part;
  char *name;
  GType kind;             /* G_TYPE_INVALID for a provider */
  GrelProvider *maker;    /* not a reference: the provider that made the backend, if one did */
  gboolean is_closing;    /* by the app */
  gboolean has_our_clock; /* which goes when the app has none any more */
} GrelAppEntry;

struct _GrelApp
{
  GObject parent_instance;

  GrelPart part;      /* its mutex guards the rest */
  GPtrArray *entries; /* (element-type GrelAppEntry); doesn't change while the app is open */
  GHashTable *scopes; /* GType to GrelScope: what require_scope () said */
  char *environment;

  GThread *thread; /* of open_in_thread () */
};

/* Returns: (transfer full): a provider for the store that the environment names */
GrelProvider *grel_app_create_default_provider (GError **error);

/* While it opens: whether all is as it must be; uses the default store if it uses none. */
gboolean grel_app_prepare (GrelApp *self, GError **error);

/* While the app is closed: a provider serves every kind that has no backend of that name yet. */
gboolean
grel_app_use_provider (GrelApp *self, GrelProvider *provider, const char *name, GError **error);

/* Mutex held. Returns: (transfer full) (nullable): the backend of that kind and name */
GrelBackend *grel_app_find_backend (GrelApp *self, GType kind, const char *name);

void grel_app_open_entries (GObject *object, GTask *task);

void grel_app_close_entries (GObject *object, GTask *task);

G_END_DECLS
