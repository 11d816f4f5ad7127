/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-app.h>

G_BEGIN_DECLS

/* For how long a primitive may remember where its calls go: as long as nothing opens or closes,
 * nothing is set otherwise, and no process is forked. Zeroed it never holds. */
typedef struct
{
  guint64 version;
  gboolean is_for_all; /* else only for threads whose default is this app */
  GrelApp *pushed;     /* (nullable): not a reference, for it is only compared */
} GrelRoute;

/* What a route depends on has changed. */
void grel_route_change (void);

/* Before the primitive looks for its backend. */
void grel_route_begin (GrelRoute *self);

/* When it knows where to look; is_chosen: it has been told which backend, or which app. */
void grel_route_settle (GrelRoute *self, gboolean is_chosen);

extern guint64 grel_route_version; /* atomic */

/* Whether what was found is still what would be found, by those whom the route is for. */
static inline gboolean
grel_route_is_fresh (const GrelRoute *self)
{
  return self->version == __atomic_load_n (&grel_route_version, __ATOMIC_SEQ_CST);
}

/* Whether this thread is one of them. */
gboolean grel_route_is_for_thread (const GrelRoute *self);

G_END_DECLS
