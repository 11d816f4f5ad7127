/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-command-private.h>
#include <grelmicro/redis/grel-redis-resources.h>

#include <string.h>

/* The digits, before end; printf would take as long as all else that a command needs.
 * Returns: where they begin */
static char *
grel_redis_write_digits (char *end, guint64 number)
{
  do
    *--end = '0' + number % 10;
  while ((number /= 10) > 0);
  return end;
}

static void
grel_redis_write_header (GByteArray *output, char sign, gsize number)
{
  char text[32];
  char *end = text + sizeof text;
  char *start = end - 2;

  memcpy (start, "\r\n", 2);
  start = grel_redis_write_digits (start, number);
  *--start = sign;
  g_byte_array_append (output, (const guint8 *) start, end - start);
}

static void
grel_redis_write_word (GByteArray *output, const void *data, gsize length)
{
  grel_redis_write_header (output, '$', length);
  g_byte_array_append (output, data, length);
  g_byte_array_append (output, (const guint8 *) "\r\n", 2);
}

void
grel_redis_write_words (GByteArray *output, const char *const *words)
{
  grel_redis_write_header (output, '*', g_strv_length ((char **) words));
  for (; *words != NULL; words++)
    grel_redis_write_word (output, *words, strlen (*words));
}

static void
grel_redis_script_append (GString *text, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/org/grelmicro/redis/lua/%s.lua", name);
  g_autoptr (GBytes) part = g_resource_lookup_data (grel_redis_get_resource (), path, 0, NULL);

  g_assert (part != NULL);
  g_string_append_len (text, g_bytes_get_data (part, NULL), g_bytes_get_size (part));
}

/* The text and its hash, made when the script is first used. */
static void
grel_redis_script_ensure (GrelRedisScript *self)
{
  static GMutex mutex;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  GString *text;

  if (self->sha != NULL)
    return;

  text = g_string_new (NULL);
  if (self->prelude != NULL)
    grel_redis_script_append (text, self->prelude);
  grel_redis_script_append (text, self->name);
  self->text = g_string_free_to_bytes (text);
  self->sha = g_compute_checksum_for_bytes (G_CHECKSUM_SHA1, self->text);
}

GrelRedisCommand *
grel_redis_command_new (GTask *task, GrelRedisAnswered answered)
{
  GrelRedisCommand *self = g_new0 (GrelRedisCommand, 1);

  self->link.data = self;
  self->task = task != NULL ? g_object_ref (task) : NULL;
  self->answered = answered;
  self->words = g_byte_array_sized_new (128);
  return self;
}

GrelRedisCommand *
grel_redis_command_new_script (GrelRedisScript *script,
                               guint n_keys,
                               GTask *task,
                               GrelRedisAnswered answered)
{
  GrelRedisCommand *self = grel_redis_command_new (task, answered);

  grel_redis_script_ensure (script);
  self->script = script;
  grel_redis_command_add_integer (self, n_keys);
  return self;
}

void
grel_redis_command_free (GrelRedisCommand *self)
{
  if (self->destroy_data != NULL)
    self->destroy_data (self->data);
  g_clear_pointer (&self->grant, grel_redis_reply_unref);
  g_byte_array_unref (self->words);
  g_clear_object (&self->task);
  g_free (self);
}

void
grel_redis_command_fail (GrelRedisCommand *self, GError *error)
{
  g_autoptr (GrelRedisCommand) failed = self;

  if (self->answered != NULL)
    self->answered (self, NULL, error);
  else
    g_error_free (error);
}

void
grel_redis_command_close (GrelRedisCommand *self)
{
  grel_redis_command_fail (self, g_error_new_literal (GREL_ERROR, GREL_ERROR_CLOSED,
                                                      "the connection was closed"));
}

gboolean
grel_redis_command_is_wanted (GrelRedisCommand *self, GError **error)
{
  return self->task == NULL
         || !g_cancellable_set_error_if_cancelled (g_task_get_cancellable (self->task), error);
}

void
grel_redis_command_add_bytes (GrelRedisCommand *self, const void *data, gsize length)
{
  grel_redis_write_word (self->words, data, length);
  self->n_words++;
}

void
grel_redis_command_add (GrelRedisCommand *self, const char *word)
{
  grel_redis_command_add_bytes (self, word, strlen (word));
}

void
grel_redis_command_add_key (GrelRedisCommand *self, const char *key)
{
  grel_redis_command_add (self, key);
  if (self->key != 0)
    return;

  self->key_length = strlen (key);
  self->key = self->words->len - self->key_length - strlen ("\r\n");
}

void
grel_redis_command_add_integer (GrelRedisCommand *self, gint64 number)
{
  char text[32];
  char *end = text + sizeof text;
  char *start = grel_redis_write_digits (end, number < 0 ? -(guint64) number : (guint64) number);

  if (number < 0)
    *--start = '-';
  grel_redis_command_add_bytes (self, start, end - start);
}

void
grel_redis_command_add_milliseconds (GrelRedisCommand *self, GTimeSpan span)
{
  grel_redis_command_add_integer (self,
                                  (span + G_TIME_SPAN_MILLISECOND - 1) / G_TIME_SPAN_MILLISECOND);
}

void
grel_redis_command_write (GrelRedisCommand *self, GByteArray *output)
{
  self->has_asked = self->asks;
  if (self->asks)
    grel_redis_write_words (output, (const char *[]){ "ASKING", NULL });
  grel_redis_write_header (output, '*', self->n_words + (self->script != NULL ? 2 : 0));
  if (self->script != NULL && self->sends_text)
    {
      grel_redis_write_word (output, "EVAL", 4);
      grel_redis_write_word (output, g_bytes_get_data (self->script->text, NULL),
                             g_bytes_get_size (self->script->text));
    }
  else if (self->script != NULL)
    {
      grel_redis_write_word (output, "EVALSHA", 7);
      grel_redis_write_word (output, self->script->sha, strlen (self->script->sha));
    }
  g_byte_array_append (output, self->words->data, self->words->len);
}
