/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-slots-private.h>

#include <string.h>

/* CRC-16/XMODEM. */
static guint16
grel_redis_slots_sum (const guint8 *data, gsize length)
{
  guint16 sum = 0;

  for (gsize i = 0; i < length; i++)
    {
      sum ^= data[i] << 8;
      for (guint bit = 0; bit < 8; bit++)
        sum = sum & 0x8000 ? sum << 1 ^ 0x1021 : sum << 1;
    }
  return sum;
}

/* What is between the first { and the next } counts alone, unless that is nothing.
 * Returns: (nullable) */
static const char *
grel_redis_slots_find_tag (const char *key, gsize length, gsize *tag_length)
{
  const char *open = memchr (key, '{', length);
  const char *close = open != NULL ? memchr (open, '}', length - (open - key)) : NULL;

  if (close == NULL || close == open + 1)
    return NULL;

  *tag_length = close - open - 1;
  return open + 1;
}

guint
grel_redis_slots_of (const void *key, gsize length)
{
  gsize tag_length;
  const char *tag = grel_redis_slots_find_tag (key, length, &tag_length);

  if (tag != NULL)
    return grel_redis_slots_sum ((const guint8 *) tag, tag_length) % GREL_REDIS_N_SLOTS;
  return grel_redis_slots_sum (key, length) % GREL_REDIS_N_SLOTS;
}

gboolean
grel_redis_slots_check_prefix (const char *prefix, gboolean *has_tag)
{
  gsize length;

  *has_tag = grel_redis_slots_find_tag (prefix, strlen (prefix), &length) != NULL;
  return *has_tag || (strchr (prefix, '{') == NULL && *prefix != '}');
}

static void
grel_redis_slots_range_free (gpointer data)
{
  GrelRedisSlotRange *self = data;

  g_clear_pointer (&self->address, grel_redis_address_free);
  g_free (self);
}

/* A node that doesn't know where it is says nothing, or "?". */
static GrelRedisAddress *
grel_redis_slots_new_address (const char *said, const char *host, gint64 port)
{
  if (port < 1 || port > G_MAXUINT16)
    return NULL;
  if (said == NULL || *said == '\0' || g_str_equal (said, "?"))
    said = host;
  return grel_redis_address_new (said, port);
}

/* [host, port, id, …] */
static GrelRedisAddress *
grel_redis_slots_parse_node (const GrelRedisReply *reply, const char *host)
{
  const char *said;
  gint64 port;

  if (reply->type != GREL_REDIS_ARRAY || reply->elements->len < 2
      || !grel_redis_reply_get_text (g_ptr_array_index (reply->elements, 0), &said, NULL)
      || !grel_redis_reply_get_integer (g_ptr_array_index (reply->elements, 1), &port, NULL))
    return NULL;
  return grel_redis_slots_new_address (said, host, port);
}

/* [first, last, master, replica, …] */
static gboolean
grel_redis_slots_parse_range (const GrelRedisReply *reply, const char *host, GPtrArray *ranges)
{
  GrelRedisSlotRange *range;
  gint64 first, last;

  if (reply->type != GREL_REDIS_ARRAY || reply->elements->len < 3
      || !grel_redis_reply_get_number (g_ptr_array_index (reply->elements, 0), 0,
                                       GREL_REDIS_N_SLOTS - 1, &first, NULL)
      || !grel_redis_reply_get_number (g_ptr_array_index (reply->elements, 1), first,
                                       GREL_REDIS_N_SLOTS - 1, &last, NULL))
    return FALSE;

  range = g_new (GrelRedisSlotRange, 1);
  range->first = first;
  range->last = last;
  range->address = grel_redis_slots_parse_node (g_ptr_array_index (reply->elements, 2), host);
  g_ptr_array_add (ranges, range);
  return range->address != NULL;
}

GPtrArray *
grel_redis_slots_parse_map (const GrelRedisReply *reply, const char *host, GError **error)
{
  g_autoptr (GPtrArray) ranges = g_ptr_array_new_with_free_func (grel_redis_slots_range_free);
  gboolean is_map = reply->type == GREL_REDIS_ARRAY;

  if (!grel_redis_reply_check (reply, error))
    {
      g_prefix_error (error, "asking for the slots of the cluster: ");
      return NULL;
    }

  for (guint i = 0; is_map && i < reply->elements->len; i++)
    is_map = grel_redis_slots_parse_range (g_ptr_array_index (reply->elements, i), host, ranges);
  if (is_map && ranges->len > 0)
    return g_steal_pointer (&ranges);

  g_set_error_literal (error, GREL_ERROR, GREL_ERROR_BACKEND,
                       "the server doesn't know who has the slots of its cluster");
  return NULL;
}

/* MOVED SLOT HOST:PORT */
GrelRedisAddress *
grel_redis_slots_parse_redirection (const GrelRedisReply *reply, const char *host, guint *slot)
{
  g_auto (GStrv) words = NULL;
  guint64 number, port;
  char *colon;

  if (!grel_redis_reply_is_error (reply, "MOVED") && !grel_redis_reply_is_error (reply, "ASK"))
    return NULL;

  words = g_strsplit (reply->text, " ", -1);
  if (g_strv_length (words) != 3 || (colon = strrchr (words[2], ':')) == NULL
      || !g_ascii_string_to_unsigned (words[1], 10, 0, GREL_REDIS_N_SLOTS - 1, &number, NULL)
      || !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
    return NULL;

  *colon = '\0';
  *slot = number;
  return grel_redis_slots_new_address (words[2], host, port);
}
