/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lock-backend.h>

G_BEGIN_DECLS

#define GREL_TYPE_MEMORY_LOCK_ADAPTER (grel_memory_lock_adapter_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (GrelMemoryLockAdapter,
                      grel_memory_lock_adapter,
                      GREL,
                      MEMORY_LOCK_ADAPTER,
                      GrelLockBackend)

GREL_AVAILABLE_IN_ALL
GrelMemoryLockAdapter *grel_memory_lock_adapter_new (void);

G_END_DECLS
