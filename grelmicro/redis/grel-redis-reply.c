/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-reply-private.h>

#include <string.h>

#define GREL_REDIS_MAX_CODE 20

GrelRedisReply *
grel_redis_reply_new (GrelRedisReplyType type)
{
  GrelRedisReply *self = g_rc_box_new0 (GrelRedisReply);

  self->type = type;
  if (type == GREL_REDIS_ARRAY)
    self->elements = g_ptr_array_new_with_free_func ((GDestroyNotify) grel_redis_reply_unref);
  return self;
}

GrelRedisReply *
grel_redis_reply_ref (GrelRedisReply *self)
{
  return g_rc_box_acquire (self);
}

static void
grel_redis_reply_clear (gpointer data)
{
  GrelRedisReply *self = data;

  g_clear_pointer (&self->elements, g_ptr_array_unref);
  g_clear_pointer (&self->text, g_ref_string_release);
}

void
grel_redis_reply_unref (GrelRedisReply *self)
{
  g_rc_box_release_full (self, grel_redis_reply_clear);
}

/* The first word, in capitals. */
static gsize
grel_redis_reply_get_code_length (const GrelRedisReply *self)
{
  gsize length = 0;

  while (g_ascii_isupper (self->text[length]))
    length++;
  return length <= GREL_REDIS_MAX_CODE ? length : 0;
}

gboolean
grel_redis_reply_is_error (const GrelRedisReply *self, const char *code)
{
  return self->type == GREL_REDIS_ERROR && strlen (code) == grel_redis_reply_get_code_length (self)
         && g_str_has_prefix (self->text, code);
}

/* Redis 6 puts what a script ran into behind words of its own. */
gboolean
grel_redis_reply_is_refusal (const GrelRedisReply *self)
{
  static const char *const codes[] = { "READONLY", "LOADING", "MASTERDOWN" };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (grel_redis_reply_is_error (self, codes[i]))
      return TRUE;
  return grel_redis_reply_is_error (self, "ERR") && strstr (self->text, ": -READONLY ") != NULL;
}

/* A server may repeat in an error what it was sent, passwords and tokens included: only the code is
 * passed on. */
gboolean
grel_redis_reply_check (const GrelRedisReply *self, GError **error)
{
  gsize length;

  if (self->type != GREL_REDIS_ERROR)
    return TRUE;

  length = grel_redis_reply_get_code_length (self);
  g_set_error (error, GREL_ERROR, GREL_ERROR_BACKEND, "the server refused it: %.*s",
               length > 0 ? (int) length : 3, length > 0 ? self->text : "ERR");
  return FALSE;
}

static gboolean
grel_redis_reply_is (const GrelRedisReply *self, GrelRedisReplyType type, GError **error)
{
  if (!grel_redis_reply_check (self, error))
    return FALSE;
  if (self->type == type)
    return TRUE;

  g_set_error_literal (error, GREL_ERROR, GREL_ERROR_BACKEND,
                       "the server answered something unexpected; is it a Redis?");
  return FALSE;
}

gboolean
grel_redis_reply_check_master (const GrelRedisReply *self, GError **error)
{
  const GrelRedisReply *role;

  if (!grel_redis_reply_is (self, GREL_REDIS_ARRAY, error))
    return FALSE;

  role = self->elements->len > 0 ? g_ptr_array_index (self->elements, 0) : NULL;
  if (role != NULL && role->type == GREL_REDIS_TEXT && g_str_equal (role->text, "master"))
    return TRUE;

  g_set_error_literal (error, GREL_ERROR, GREL_ERROR_BACKEND, "the server is no master");
  return FALSE;
}

gboolean
grel_redis_reply_get_integer (const GrelRedisReply *self, gint64 *value, GError **error)
{
  if (!grel_redis_reply_is (self, GREL_REDIS_INTEGER, error))
    return FALSE;

  *value = self->integer;
  return TRUE;
}

gboolean
grel_redis_reply_get_number (const GrelRedisReply *self,
                             gint64 min,
                             gint64 max,
                             gint64 *value,
                             GError **error)
{
  if (!grel_redis_reply_get_integer (self, value, error))
    return FALSE;
  if (*value >= min && *value <= max)
    return TRUE;

  g_set_error_literal (error, GREL_ERROR, GREL_ERROR_BACKEND,
                       "the server answered with an impossible number");
  return FALSE;
}

gboolean
grel_redis_reply_get_text (const GrelRedisReply *self, const char **value, GError **error)
{
  *value = NULL;
  if (self->type == GREL_REDIS_NIL)
    return TRUE;
  if (!grel_redis_reply_is (self, GREL_REDIS_TEXT, error))
    return FALSE;

  *value = self->text;
  return TRUE;
}

gboolean
grel_redis_reply_get_bytes (const GrelRedisReply *self, GBytes **value, GError **error)
{
  const char *text;

  *value = NULL;
  if (!grel_redis_reply_get_text (self, &text, error))
    return FALSE;

  if (text != NULL)
    *value = g_bytes_new_with_free_func (text, self->length, (GDestroyNotify) g_ref_string_release,
                                         g_ref_string_acquire (self->text));
  return TRUE;
}

gboolean
grel_redis_reply_get_array (const GrelRedisReply *self,
                            guint n_elements,
                            GrelRedisReply *const **elements,
                            GError **error)
{
  if (!grel_redis_reply_is (self, GREL_REDIS_ARRAY, error))
    return FALSE;
  if (self->elements->len != n_elements)
    {
      g_set_error_literal (error, GREL_ERROR, GREL_ERROR_BACKEND,
                           "the server answered more or less than it was asked");
      return FALSE;
    }

  *elements = (GrelRedisReply *const *) self->elements->pdata;
  return TRUE;
}
