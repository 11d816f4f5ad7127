/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-provider.h>

G_BEGIN_DECLS

/* The store behind memory: */
#define GREL_TYPE_MEMORY_PROVIDER (grel_memory_provider_get_type ())

G_DECLARE_FINAL_TYPE (GrelMemoryProvider, grel_memory_provider, GREL, MEMORY_PROVIDER, GrelProvider)

G_END_DECLS
