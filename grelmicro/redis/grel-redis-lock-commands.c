/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-lock-adapter-private.h>

#include <string.h>

/* What a lock adapter asks its server. */

/* What is held for longer lapses without help. */
#define GREL_REDIS_AMENDS_FOR (3600 * G_TIME_SPAN_SECOND)

static GrelRedisScript grel_redis_lock_acquire_script = { "lock-acquire" };
static GrelRedisScript grel_redis_lock_extend_script = { "lock-extend" };
static GrelRedisScript grel_redis_lock_release_script = { "lock-release" };

gboolean
grel_redis_lock_map_acquired (const GrelRedisReply *reply, gssize *answer, GError **error)
{
  gint64 value;

  if (!grel_redis_reply_get_number (reply, -GREL_REDIS_MAX_NUMBER / G_TIME_SPAN_MILLISECOND,
                                    GREL_REDIS_MAX_NUMBER, &value, error))
    return FALSE;

  /* At the end of its last millisecond it is held still. */
  *answer = value >= 0 ? value : value * G_TIME_SPAN_MILLISECOND - 1;
  return TRUE;
}

gboolean
grel_redis_lock_map_owned (const GrelRedisReply *reply,
                           const char *token,
                           gboolean *is_owned,
                           GError **error)
{
  const char *value, *colon;

  if (!grel_redis_reply_get_text (reply, &value, error))
    return FALSE;

  colon = value != NULL ? strchr (value, ':') : NULL;
  *is_owned = colon != NULL && g_str_equal (colon + 1, token);
  return TRUE;
}

static void
grel_redis_lock_adapter_acquired (GrelRedisCommand *command,
                                  const GrelRedisReply *reply,
                                  GError *error)
{
  gssize answer = 0;

  if (error == NULL)
    grel_redis_lock_map_acquired (reply, &answer, &error);
  if (error != NULL)
    g_task_return_error (command->task, error);
  else
    g_task_return_int (command->task, answer);
}

void
grel_redis_lock_adapter_acquire (GrelLockBackend *backend,
                                 const char *name,
                                 const char *token,
                                 GTimeSpan lease,
                                 GTask *task)
{
  GrelRedisCommand *command
    = grel_redis_command_new_script (&grel_redis_lock_acquire_script, 2, task,
                                     grel_redis_lock_adapter_acquired);

  grel_redis_adapter_add_key (backend, command, "", name);
  grel_redis_adapter_add_key (backend, command, "fence:", name);
  grel_redis_command_add (command, token);
  grel_redis_command_add_milliseconds (command, lease);
  command->is_grant = TRUE;
  grel_redis_adapter_send (backend, command);
}

void
grel_redis_lock_adapter_extend (GrelLockBackend *backend,
                                const char *name,
                                const char *token,
                                GTimeSpan lease,
                                GTask *task)
{
  GrelRedisCommand *command
    = grel_redis_command_new_script (&grel_redis_lock_extend_script, 1, task,
                                     grel_redis_adapter_return_boolean);

  grel_redis_adapter_add_key (backend, command, "", name);
  grel_redis_command_add (command, token);
  grel_redis_command_add_milliseconds (command, lease);
  command->is_repeatable = TRUE;
  command->is_grant = TRUE;
  grel_redis_adapter_send (backend, command);
}

/* What has to be released. */
typedef struct
{
  char *name;
  char *token;
} GrelRedisLockHold;

static void
grel_redis_lock_hold_free (gpointer data)
{
  GrelRedisLockHold *self = data;

  g_free (self->name);
  g_free (self->token);
  g_free (self);
}

static GrelRedisCommand *
grel_redis_lock_adapter_new_release (GrelRedisLockAdapter *self,
                                     const char *name,
                                     const char *token,
                                     const char *signature,
                                     GTask *task,
                                     GrelRedisAnswered answered)
{
  g_autofree char *channel = g_strconcat (self->channels, name, NULL);
  GrelRedisCommand *command
    = grel_redis_command_new_script (&grel_redis_lock_release_script, 1, task, answered);

  grel_redis_adapter_add_key (self, command, "", name);
  grel_redis_command_add (command, token);
  grel_redis_command_add (command, channel);
  grel_redis_command_add (command, signature);
  return command;
}

/* The library releases what it can't use, also what it was refused for lack of an answer, and asks
 * once. A server that was away may hold it still, or grant what it finds when it goes on, so it is
 * told as soon as there is a way to. Nobody else has this token. */
static void
grel_redis_lock_adapter_released (GrelRedisCommand *command,
                                  const GrelRedisReply *reply,
                                  GError *error)
{
  GrelRedisLockAdapter *self = g_task_get_source_object (command->task);
  GrelRedisLockHold *hold = command->data;

  if (error != NULL || reply->type == GREL_REDIS_ERROR)
    grel_redis_adapter_amend (self,
                              grel_redis_lock_adapter_new_release (self, hold->name, hold->token,
                                                                   "", NULL, NULL),
                              GREL_REDIS_AMENDS_FOR);
  grel_redis_adapter_return_boolean (command, reply, error);
}

void
grel_redis_lock_adapter_release (GrelLockBackend *backend,
                                 const char *name,
                                 const char *token,
                                 GTask *task)
{
  GrelRedisLockAdapter *self = GREL_REDIS_LOCK_ADAPTER (backend);
  GrelRedisCommand *command
    = grel_redis_lock_adapter_new_release (self, name, token, self->signature, task,
                                           grel_redis_lock_adapter_released);
  GrelRedisLockHold *hold = g_new (GrelRedisLockHold, 1);

  hold->name = g_strdup (name);
  hold->token = g_strdup (token);
  command->data = hold;
  command->destroy_data = grel_redis_lock_hold_free;
  grel_redis_adapter_send (backend, command);
}

static void
grel_redis_lock_adapter_read (GrelLockBackend *backend,
                              const char *verb,
                              const char *name,
                              GrelRedisCommand *command)
{
  grel_redis_command_add (command, verb);
  grel_redis_adapter_add_key (backend, command, "", name);
  command->is_repeatable = TRUE;
  grel_redis_adapter_send (backend, command);
}

void
grel_redis_lock_adapter_is_locked (GrelLockBackend *backend, const char *name, GTask *task)
{
  grel_redis_lock_adapter_read (backend, "EXISTS", name,
                                grel_redis_command_new (task, grel_redis_adapter_return_boolean));
}

static void
grel_redis_lock_adapter_owner_read (GrelRedisCommand *command,
                                    const GrelRedisReply *reply,
                                    GError *error)
{
  gboolean is_owned = FALSE;

  if (error == NULL)
    grel_redis_lock_map_owned (reply, command->data, &is_owned, &error);
  if (error != NULL)
    g_task_return_error (command->task, error);
  else
    g_task_return_boolean (command->task, is_owned);
}

void
grel_redis_lock_adapter_is_owned (GrelLockBackend *backend,
                                  const char *name,
                                  const char *token,
                                  GTask *task)
{
  GrelRedisCommand *command = grel_redis_command_new (task, grel_redis_lock_adapter_owner_read);

  command->data = g_strdup (token);
  command->destroy_data = g_free;
  grel_redis_lock_adapter_read (backend, "GET", name, command);
}
