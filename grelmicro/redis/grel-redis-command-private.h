/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

#include <grelmicro/redis/grel-redis-reply-private.h>

G_BEGIN_DECLS

typedef struct _GrelRedisCommand GrelRedisCommand;

/* One of the files in lua/, by its name without the suffix, behind what several have in common. */
typedef struct
{
  const char *name;
  const char *prelude; /* nullable */
  GBytes *text;
  char *sha;
} GrelRedisScript;

/* The answer: a reply, or an error (transfer full). Completes the task of the command. */
typedef void (*GrelRedisAnswered) (GrelRedisCommand *command,
                                   const GrelRedisReply *reply,
                                   GError *error);

/* One question to the server. */
struct _GrelRedisCommand
{
  GList link;
  GTask *task;                /* nullable: nobody waits */
  GrelRedisAnswered answered; /* nullable, without a task */
  gpointer data;              /* for answered */
  GDestroyNotify destroy_data;
  GrelRedisScript *script; /* nullable: a plain command */
  GByteArray *words;       /* all but the script, as they are sent */
  guint n_words;
  gsize key; /* where the first one is in the words; 0 if there is none */
  gsize key_length;
  gint64 deadline;
  gint64 owed_at; /* once it was sent: when the server is late, which has had some time then */
  gboolean is_repeatable; /* it may be sent again if the connection is lost: once, or with no task
                             until its deadline */
  gboolean is_repeated;
  gboolean is_grant;     /* what it is answered is to be known to replicas */
  GrelRedisReply *grant; /* nullable: the answer, until it is known how many have it */
  gboolean sends_text;   /* the server doesn't know the script */

  /* In a cluster. */
  guint n_redirections;
  guint n_delays;
  gint64 due;
  gboolean asks;      /* a server that is to have the key for what it hasn't got yet */
  gboolean has_asked; /* and the first reply is to that */
};

/* A plain command, without its words. */
GrelRedisCommand *grel_redis_command_new (GTask *task, GrelRedisAnswered answered);

/* A script, with its keys and arguments still to be added, keys first. */
GrelRedisCommand *grel_redis_command_new_script (GrelRedisScript *script,
                                                 guint n_keys,
                                                 GTask *task,
                                                 GrelRedisAnswered answered);

void grel_redis_command_free (GrelRedisCommand *self);

/* Consumes both. */
void grel_redis_command_fail (GrelRedisCommand *self, GError *error);

/* Consumes it: there is no server any more. */
void grel_redis_command_close (GrelRedisCommand *self);

/* Whoever waits for it may have been told something else by now. */
gboolean grel_redis_command_is_wanted (GrelRedisCommand *self, GError **error);

void grel_redis_command_add (GrelRedisCommand *self, const char *word);

/* A word that is a key: the first one says where the command belongs. */
void grel_redis_command_add_key (GrelRedisCommand *self, const char *key);

void grel_redis_command_add_bytes (GrelRedisCommand *self, const void *data, gsize length);

void grel_redis_command_add_integer (GrelRedisCommand *self, gint64 number);

/* Rounded up: the server would take 0 for an error. */
void grel_redis_command_add_milliseconds (GrelRedisCommand *self, GTimeSpan span);

/* As it goes to the server. */
void grel_redis_command_write (GrelRedisCommand *self, GByteArray *output);

/* Plain words, for what has no answer of its own. */
void grel_redis_write_words (GByteArray *output, const char *const *words);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelRedisCommand, grel_redis_command_free)

G_END_DECLS
