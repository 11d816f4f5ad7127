/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/redis/grel-redis-address-private.h>
#include <grelmicro/redis/grel-redis-reply-private.h>

G_BEGIN_DECLS

/* How the nodes of a cluster share out the keys, and what they say about it. */

#define GREL_REDIS_N_SLOTS 16384

/* Where a key, or only its hash tag, belongs. */
guint grel_redis_slots_of (const void *key, gsize length);

/* Whether keys that begin so all go by a hash tag in it (*has_tag), or each by one that follows. */
gboolean grel_redis_slots_check_prefix (const char *prefix, gboolean *has_tag);

/* Slots that are in one place. */
typedef struct
{
  guint first;
  guint last;
  GrelRedisAddress *address;
} GrelRedisSlotRange;

/* The answer to CLUSTER SLOTS. The host is for nodes that don't know their own: it is the one they
 * were asked at. Returns: (transfer full) (element-type GrelRedisSlotRange): at least one */
GPtrArray *
grel_redis_slots_parse_map (const GrelRedisReply *reply, const char *host, GError **error);

/* MOVED or ASK. Returns: (transfer full) (nullable): where to ask instead; NULL if it isn't that */
GrelRedisAddress *
grel_redis_slots_parse_redirection (const GrelRedisReply *reply, const char *host, guint *slot);

G_END_DECLS
