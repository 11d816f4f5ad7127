/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/grelmicro.h>

G_BEGIN_DECLS

const char *const *grel_test_cache_contract_list (void);

void
grel_test_cache_contract_run (const char *rule, GrelCacheBackend *backend, GrelVirtualClock *clock);

G_END_DECLS
