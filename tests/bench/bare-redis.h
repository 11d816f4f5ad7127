/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>
#include <hiredis/hiredis.h>

G_BEGIN_DECLS

#define BARE_MAX_WORDS 8

/* A command, word by word, as hiredis takes it. */
typedef struct
{
  int n_words;
  char *words[BARE_MAX_WORDS];
} BareCommand;

/* A lock without the library: its scripts and nothing else. */
typedef struct
{
  BareCommand acquire;
  BareCommand release;
} BareLock;

redisContext *bare_connect (const char *socket);

/* An answer that is no error. Returns: (transfer full) */
redisReply *bare_take (redisReply *reply);

/* Teaches the server the scripts. */
void bare_lock_init (BareLock *self, redisContext *context, const char *name);

void bare_lock_clear (BareLock *self);

/* Returns: whether it was free */
gboolean bare_lock_acquire (BareLock *self, redisContext *context);

void bare_lock_release (BareLock *self, redisContext *context);

G_END_DECLS
