/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test.h"

G_BEGIN_DECLS

/* A server on a port of 127.0.0.1, on threads of its own: it passes everything on to a unix socket,
 * or answers by itself. */
typedef struct _GrelTestProxy GrelTestProxy;

/* target NULL: nothing is passed on. */
GrelTestProxy *grel_test_proxy_new (const char *target);

void grel_test_proxy_free (GrelTestProxy *self);

/* Returns: (transfer full): redis://127.0.0.1:PORT, with a query if that isn't NULL */
char *grel_test_proxy_get_uri (GrelTestProxy *self, const char *query);

/* Without a target: what is sent to everybody who says something, once. */
void grel_test_proxy_set_answer (GrelTestProxy *self, const char *answer, gsize length);

/* After so many bytes, in all directions together, a connection is cut, once. -1 is never. */
void grel_test_proxy_cut_after (GrelTestProxy *self, int n_bytes);

gboolean grel_test_proxy_is_about_to_cut (GrelTestProxy *self);

/* Nothing is passed on, and nobody is told. */
void grel_test_proxy_set_hangs (GrelTestProxy *self, gboolean hangs);

guint grel_test_proxy_get_n_connections (GrelTestProxy *self);

/* How many times clients have sent something. */
guint grel_test_proxy_get_n_packets (GrelTestProxy *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelTestProxy, grel_test_proxy_free)

G_END_DECLS
