/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-registry-private.h>
#include <grelmicro/core/grel-route-private.h>

guint64 grel_route_version = 1;

void
grel_route_change (void)
{
  __atomic_add_fetch (&grel_route_version, 1, __ATOMIC_SEQ_CST);
}

void
grel_route_begin (GrelRoute *self)
{
  *self = (GrelRoute){ .version = __atomic_load_n (&grel_route_version, __ATOMIC_SEQ_CST) };
}

void
grel_route_settle (GrelRoute *self, gboolean is_chosen)
{
  self->is_for_all = is_chosen;
  if (is_chosen)
    return;

  self->pushed = grel_registry_peek_pushed ();
  if (self->pushed == NULL && !grel_registry_has_one_open ())
    self->version = 0; /* it depends on the context of the thread */
}

gboolean
grel_route_is_for_thread (const GrelRoute *self)
{
  return self->is_for_all || self->pushed == grel_registry_peek_pushed ();
}
