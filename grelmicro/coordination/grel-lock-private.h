/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lock-backend-private.h>
#include <grelmicro/coordination/grel-lock.h>

G_BEGIN_DECLS

struct _GrelLock
{
  GObject parent_instance;

  char *name;
  GRefString *key; /* NULL if the name is not acceptable */

  GMutex mutex; /* guards the rest */
  guint mutex_generation;
  GrelLockBackend *backend;
  GrelApp *app;
  GrelLockSettings settings;
};

G_END_DECLS
