/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test-desk.h"
#include "grel-test.h"

G_BEGIN_DECLS

/* A cache backend whose store is somewhere else, and outlasts a close. */
#define GREL_TEST_TYPE_CACHE_STORE (grel_test_cache_store_get_type ())

G_DECLARE_FINAL_TYPE (GrelTestCacheStore,
                      grel_test_cache_store,
                      GREL_TEST,
                      CACHE_STORE,
                      GrelCacheBackend)

GrelTestCacheStore *grel_test_cache_store_new (void);

/* Where it takes requests, which may hang, fail or be dropped. Requests that hang keep it alive. */
GrelTestDesk *grel_test_cache_store_get_desk (GrelTestCacheStore *self);

/* What another process finds and does there. Keys have their prefix. Returns: (transfer full)
 * (nullable): the bytes */
GBytes *grel_test_cache_store_get_behind (GrelTestCacheStore *self, const char *key);
void grel_test_cache_store_set_behind (GrelTestCacheStore *self, const char *key, const char *text);

G_END_DECLS
