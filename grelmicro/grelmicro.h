/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

#define GREL_INSIDE

#include <grelmicro/core/grel-app.h>
#include <grelmicro/core/grel-backend.h>
#include <grelmicro/core/grel-clock.h>
#include <grelmicro/core/grel-enums.h>
#include <grelmicro/core/grel-error.h>
#include <grelmicro/core/grel-main-context.h>
#include <grelmicro/core/grel-operation.h>
#include <grelmicro/core/grel-provider.h>
#include <grelmicro/core/grel-types.h>
#include <grelmicro/core/grel-version-macros.h>
#include <grelmicro/core/grel-version.h>
#include <grelmicro/core/grel-virtual-clock.h>

#include <grelmicro/cache/grel-cache-backend.h>
#include <grelmicro/cache/grel-cache-types.h>
#include <grelmicro/cache/grel-ttl-cache.h>

#include <grelmicro/coordination/grel-lease.h>
#include <grelmicro/coordination/grel-lock-backend.h>
#include <grelmicro/coordination/grel-lock.h>
#include <grelmicro/coordination/grel-task-lock.h>

#include <grelmicro/resilience/grel-circuit-breaker-backend.h>
#include <grelmicro/resilience/grel-circuit-breaker.h>
#include <grelmicro/resilience/grel-circuit-types.h>
#include <grelmicro/resilience/grel-permit.h>

#include <grelmicro/memory/grel-memory-cache-adapter.h>
#include <grelmicro/memory/grel-memory-circuit-breaker-adapter.h>
#include <grelmicro/memory/grel-memory-lock-adapter.h>

#undef GREL_INSIDE
