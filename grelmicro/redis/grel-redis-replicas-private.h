/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-reply-private.h>
#include <grelmicro/redis/grel-redis-settings-private.h>

G_BEGIN_DECLS

/* A server tells its replicas what it granted after it has answered, so a grant may be lost with
 * it. Where that matters, each grant is followed by the question how many replicas have it. */

/* Whether grants are followed by it. */
gboolean grel_redis_replicas_are_asked (const GrelRedisSettings *settings);

/* The question, which has an answer of its own. */
void grel_redis_replicas_ask (const GrelRedisSettings *settings, GByteArray *output);

/* Whether what was answered to a script that grants by a number above 0 is good. Sets
 * GREL_ERROR_BACKEND if it was granted, and too few replicas have it. */
gboolean grel_redis_replicas_check (const GrelRedisSettings *settings,
                                    const GrelRedisReply *grant,
                                    const GrelRedisReply *reply,
                                    GError **error);

G_END_DECLS
