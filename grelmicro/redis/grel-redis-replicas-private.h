/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-command-private.h>
#include <grelmicro/redis/grel-redis-settings-private.h>

G_BEGIN_DECLS

/* A server tells its replicas what it granted after it has answered, so a grant may be lost with
 * it. Where that matters, the answer is held back until it is known how many replicas have it. */

gboolean grel_redis_replicas_are_asked (const GrelRedisSettings *settings);

/* Whether a script that grants by a number above 0 has granted something. */
gboolean grel_redis_replicas_are_to_know (const GrelRedisReply *reply);

/* The question how many have all that this connection was granted so far; nobody waits for it. */
GrelRedisCommand *grel_redis_replicas_new_question (const GrelRedisSettings *settings);

/* Sets GREL_ERROR_BACKEND if the answer is that too few have it. */
gboolean grel_redis_replicas_check (const GrelRedisSettings *settings,
                                    const GrelRedisReply *reply,
                                    GError **error);

G_END_DECLS
