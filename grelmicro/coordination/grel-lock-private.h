/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lock-backend-private.h>
#include <grelmicro/coordination/grel-lock.h>
#include <grelmicro/core/grel-primitive-private.h>

G_BEGIN_DECLS

struct _GrelLock
{
  GObject parent_instance;

  char *name;
  GRefString *key; /* NULL if the name is not acceptable */

  GrelPrimitive primitive;
  GrelLockSettings settings; /* under the primitive's mutex */
};

G_END_DECLS
