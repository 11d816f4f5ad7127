/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test-redis.h"

G_BEGIN_DECLS

/* A master, its replicas, and sentinels who are in a hurry and agree on where it is: "shop". */
typedef struct
{
  GPtrArray *servers;   /* (element-type GrelTestRedis): the master, then the replicas */
  GPtrArray *sentinels; /* (element-type GrelTestRedis) */
} GrelTestSentinels;

#define GREL_TEST_N_SENTINELS 3

/* Returns once they know everybody. */
GrelTestSentinels *grel_test_sentinels_new (guint n_replicas);

void grel_test_sentinels_free (GrelTestSentinels *self);

GrelTestRedis *grel_test_sentinels_get_server (GrelTestSentinels *self, guint i);

GrelTestRedis *grel_test_sentinels_get_sentinel (GrelTestSentinels *self, guint i);

/* Returns: (transfer full): redis+sentinel://127.0.0.1:PORT,…/shop, with a query if that isn't
 * NULL, and with what stands before the sentinels, if anything: "127.0.0.1:1," */
char *grel_test_sentinels_get_uri (GrelTestSentinels *self, const char *before, const char *query);

/* Waits until that server is the master, in its own opinion and in that of all sentinels who run.
 */
void grel_test_sentinels_wait_for_master (GrelTestSentinels *self, guint i);

/* Waits until that server is a replica of another, and gets all that this gets. */
void grel_test_sentinels_wait_for_replica (GrelTestSentinels *self, guint i);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelTestSentinels, grel_test_sentinels_free)

G_END_DECLS
