/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lock-base-private.h>
#include <grelmicro/coordination/grel-lock.h>

G_BEGIN_DECLS

struct _GrelLock
{
  GObject parent_instance;

  GrelLockBase base;
};

G_END_DECLS
