/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "bare-redis.h"

redisContext *
bare_connect (const char *socket)
{
  redisContext *context = redisConnectUnix (socket);

  g_assert (context != NULL && context->err == 0);
  return context;
}

redisReply *
bare_take (redisReply *reply)
{
  g_assert (reply != NULL && reply->type != REDIS_REPLY_ERROR);
  return reply;
}

static redisReply *
bare_ask (redisContext *context, const BareCommand *command)
{
  return bare_take (
    redisCommandArgv (context, command->n_words, (const char **) command->words, NULL));
}

static char *
bare_load_script (redisContext *context, const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.lua", GREL_BENCH_LUA, name);
  g_autofree char *text = NULL;
  redisReply *reply;
  char *sha;

  g_assert (g_file_get_contents (path, &text, NULL, NULL));
  reply = bare_take (redisCommand (context, "SCRIPT LOAD %s", text));
  sha = g_strdup (reply->str);
  freeReplyObject (reply);
  return sha;
}

void
bare_lock_init (BareLock *self, redisContext *context, const char *name)
{
  g_autofree char *token = g_uuid_string_random ();

  self->acquire = (BareCommand){ 7,
                                 { g_strdup ("EVALSHA"), bare_load_script (context, "lock-acquire"),
                                   g_strdup ("2"), g_strconcat ("lock:", name, NULL),
                                   g_strconcat ("fence:lock:", name, NULL), g_strdup (token),
                                   g_strdup ("60000") } };
  self->release
    = (BareCommand){ 7,
                     { g_strdup ("EVALSHA"), bare_load_script (context, "lock-release"),
                       g_strdup ("1"), g_strconcat ("lock:", name, NULL), g_strdup (token),
                       g_strconcat ("released:lock:", name, NULL), g_uuid_string_random () } };
}

static void
bare_command_clear (BareCommand *self)
{
  for (int i = 0; i < self->n_words; i++)
    g_free (self->words[i]);
}

void
bare_lock_clear (BareLock *self)
{
  bare_command_clear (&self->acquire);
  bare_command_clear (&self->release);
}

gboolean
bare_lock_acquire (BareLock *self, redisContext *context)
{
  redisReply *reply = bare_ask (context, &self->acquire);
  gboolean is_acquired = reply->integer > 0;

  freeReplyObject (reply);
  return is_acquired;
}

void
bare_lock_release (BareLock *self, redisContext *context)
{
  redisReply *reply = bare_ask (context, &self->release);

  g_assert (reply->integer == 1);
  freeReplyObject (reply);
}
