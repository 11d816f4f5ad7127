/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test.h"

G_BEGIN_DECLS

/* A redis-server of the test's own, on a unix socket in a folder of its own. It keeps its data when
 * it is killed and started again. It dies with the test. */
typedef struct _GrelTestRedis GrelTestRedis;

/* With further arguments for redis-server; NULL if there are none. */
GrelTestRedis *grel_test_redis_new (const char *const *arguments);

/* The same on a port of 127.0.0.1 as well. */
GrelTestRedis *grel_test_redis_new_on_port (const char *const *arguments);

/* A sentinel instead, on a port of 127.0.0.1, with what its configuration has to say besides. */
GrelTestRedis *grel_test_redis_new_sentinel (const char *config);

/* The same with certificates, which it makes, and a port for TLS. */
GrelTestRedis *grel_test_redis_new_with_tls (void);

/* Returns: (transfer full): arguments by which others use its certificates, made out to localhost
 */
char **grel_test_redis_dup_tls_arguments (GrelTestRedis *self);

void grel_test_redis_free (GrelTestRedis *self);

const char *grel_test_redis_get_socket (GrelTestRedis *self);

/* Returns: a port that nobody listens on */
guint grel_test_redis_find_port (void);

/* Of TLS, or without; 0 if there is none. */
guint grel_test_redis_get_port (GrelTestRedis *self);

/* Returns: (transfer full): a file in its folder, such as ca.crt */
char *grel_test_redis_get_file (GrelTestRedis *self, const char *name);

/* Returns: (transfer full): redis+unix:///…/redis.sock, with a query if that isn't NULL */
char *grel_test_redis_get_uri (GrelTestRedis *self, const char *query);

/* SIGSTOP, SIGCONT, SIGKILL. */
void grel_test_redis_pause (GrelTestRedis *self);
void grel_test_redis_resume (GrelTestRedis *self);
void grel_test_redis_kill (GrelTestRedis *self);
void grel_test_redis_start (GrelTestRedis *self);

/* Starts it, and doesn't wait until it serves anybody. */
void grel_test_redis_launch (GrelTestRedis *self);

/* Neither killed nor paused. */
gboolean grel_test_redis_is_running (GrelTestRedis *self);

/* What redis-cli prints, without the line end. Returns: (transfer full) */
char *grel_test_redis_ask (GrelTestRedis *self, ...) G_GNUC_NULL_TERMINATED;

/* Commands whose words have no spaces, with semicolons between them. What is answered is ignored.
 */
void grel_test_redis_tell (GrelTestRedis *self, const char *commands);

gint64 grel_test_redis_ask_number (GrelTestRedis *self, ...) G_GNUC_NULL_TERMINATED;

/* How often the server was asked for that command since it was started: evalsha, subscribe. */
gint64 grel_test_redis_count_calls (GrelTestRedis *self, const char *command);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelTestRedis, grel_test_redis_free)

/* Returns: (transfer full): an app on that URI, open on the thread-default context */
GrelApp *grel_test_redis_open_app (const char *uri);

void grel_test_redis_close_app (GrelApp *app);

G_END_DECLS
