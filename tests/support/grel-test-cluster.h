/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test-redis.h"

G_BEGIN_DECLS

/* How long a node may be away before the others say that it is dead, in ms. */
#define GREL_TEST_CLUSTER_TIMEOUT 500

/* Masters that share out the slots evenly, in order, and a replica of the first of them if wanted.
 * The cluster serves the slots that it has, also when others are gone. */
typedef struct _GrelTestCluster GrelTestCluster;

/* With further arguments for each redis-server; NULL if there are none. */
GrelTestCluster *
grel_test_cluster_new (guint n_masters, gboolean with_replica, const char *const *arguments);

/* Masters that speak TLS only, also to each other, and say that they are on localhost. */
GrelTestCluster *grel_test_cluster_new_with_tls (guint n_masters, GrelTestRedis *certificates);

void grel_test_cluster_free (GrelTestCluster *self);

/* The masters from 0 on, then the replica. */
GrelTestRedis *grel_test_cluster_get_node (GrelTestCluster *self, guint i);

/* Returns: (transfer full): redis+cluster://… or rediss+cluster://…, with all masters from the
 * first one on */
char *grel_test_cluster_get_uri (GrelTestCluster *self, guint first, const char *query);

/* Returns: (transfer full): 127.0.0.1:PORT */
char *grel_test_cluster_get_address (GrelTestCluster *self, guint i);

/* Returns: the slot of a key, as the servers count */
guint grel_test_cluster_get_slot (GrelTestCluster *self, const char *key);

/* Returns: which node serves that key */
guint grel_test_cluster_find (GrelTestCluster *self, const char *key);

/* Returns: (transfer full): one of the names of locks that node has; there are several */
char *grel_test_cluster_find_name (GrelTestCluster *self, guint node, guint which);

/* Returns: which node passes on what is said on that channel, or -1 if none does */
int grel_test_cluster_find_listener (GrelTestCluster *self, const char *channel);

/* Waits until all nodes that run agree who has which slots, and find that well. */
void grel_test_cluster_settle (GrelTestCluster *self);

/* Moves a slot from one master to another: what is asked for meanwhile may be at either. */
void grel_test_cluster_begin_move (GrelTestCluster *self, guint slot, guint from, guint to);
void grel_test_cluster_move_keys (GrelTestCluster *self, guint slot, guint from, guint to);
void grel_test_cluster_end_move (GrelTestCluster *self, guint slot, guint from, guint to);

/* Tells one node whose the slot is. */
void grel_test_cluster_set_owner (GrelTestCluster *self, guint node, guint slot, guint owner);

/* A master leaves, and runs on: another has its slots. What it had is gone. */
void grel_test_cluster_remove (GrelTestCluster *self, guint node, guint heir);

/* How often all nodes together were asked for that command. */
gint64 grel_test_cluster_count_calls (GrelTestCluster *self, const char *command);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelTestCluster, grel_test_cluster_free)

G_END_DECLS
