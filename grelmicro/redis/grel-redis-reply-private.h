/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

typedef enum
{
  GREL_REDIS_NIL,
  GREL_REDIS_INTEGER,
  GREL_REDIS_TEXT,
  GREL_REDIS_ERROR,
  GREL_REDIS_ARRAY
} GrelRedisReplyType;

/* What a number of ours may be that goes through a script: those are doubles there. */
#define GREL_REDIS_MAX_NUMBER ((G_GINT64_CONSTANT (1) << 53) - 1)

/* What a server said. */
typedef struct
{
  GrelRedisReplyType type;
  gint64 integer;
  GRefString *text; /* also of an error; with a 0 at the end, and perhaps others before */
  gsize length;
  GPtrArray *elements; /* (element-type GrelRedisReply) */
} GrelRedisReply;

GrelRedisReply *grel_redis_reply_new (GrelRedisReplyType type);

GrelRedisReply *grel_redis_reply_ref (GrelRedisReply *self);

void grel_redis_reply_unref (GrelRedisReply *self);

/* Whether it is an error of that code: NOSCRIPT. */
gboolean grel_redis_reply_is_error (const GrelRedisReply *self, const char *code);

/* Whether the server refused to execute anything, since it isn't the master, or not yet. */
gboolean grel_redis_reply_is_refusal (const GrelRedisReply *self);

/* The mappings set GREL_ERROR_BACKEND if the reply is an error or something else than expected. */

gboolean grel_redis_reply_check (const GrelRedisReply *self, GError **error);

/* Whether it is what ROLE tells of a server that may be written to. */
gboolean grel_redis_reply_check_master (const GrelRedisReply *self, GError **error);

gboolean grel_redis_reply_get_integer (const GrelRedisReply *self, gint64 *value, GError **error);

/* One that has to be from min to max. */
gboolean grel_redis_reply_get_number (const GrelRedisReply *self,
                                      gint64 min,
                                      gint64 max,
                                      gint64 *value,
                                      GError **error);

/* Text, or NULL without an error for nil. */
gboolean grel_redis_reply_get_text (const GrelRedisReply *self, const char **value, GError **error);

/* The same as bytes (transfer full), which aren't copied: they outlive the reply. */
gboolean grel_redis_reply_get_bytes (const GrelRedisReply *self, GBytes **value, GError **error);

/* The elements, of which there have to be so many; not to be freed. */
gboolean grel_redis_reply_get_array (const GrelRedisReply *self,
                                     guint n_elements,
                                     GrelRedisReply *const **elements,
                                     GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisReply, grel_redis_reply_unref)

G_END_DECLS
