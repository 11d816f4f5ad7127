/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lock-base-private.h>
#include <grelmicro/coordination/grel-task-lock.h>

G_BEGIN_DECLS

struct _GrelTaskLock
{
  GObject parent_instance;

  GrelLockBase base;
};

G_END_DECLS
