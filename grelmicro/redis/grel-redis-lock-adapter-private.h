/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/coordination/grel-lock-backend.h>
#include <grelmicro/redis/grel-redis-adapter-private.h>

G_BEGIN_DECLS

#define GREL_TYPE_REDIS_LOCK_ADAPTER (grel_redis_lock_adapter_get_type ())

G_DECLARE_FINAL_TYPE (GrelRedisLockAdapter,
                      grel_redis_lock_adapter,
                      GREL,
                      REDIS_LOCK_ADAPTER,
                      GrelLockBackend)

struct _GrelRedisLockAdapter
{
  GrelLockBackend parent_instance;

  char *channels;  /* what the names of our channels begin with */
  char *signature; /* of our own messages */
};

/* The virtual functions, in grel-redis-lock-commands.c. */

void grel_redis_lock_adapter_acquire (GrelLockBackend *backend,
                                      const char *name,
                                      const char *token,
                                      GTimeSpan lease,
                                      GTask *task);

void grel_redis_lock_adapter_extend (GrelLockBackend *backend,
                                     const char *name,
                                     const char *token,
                                     GTimeSpan lease,
                                     GTask *task);

void grel_redis_lock_adapter_release (GrelLockBackend *backend,
                                      const char *name,
                                      const char *token,
                                      GTask *task);

void grel_redis_lock_adapter_is_locked (GrelLockBackend *backend, const char *name, GTask *task);

void grel_redis_lock_adapter_is_owned (GrelLockBackend *backend,
                                       const char *name,
                                       const char *token,
                                       GTask *task);

/* What a reply means to who wants a lock, or to who may hold it. */

gboolean grel_redis_lock_map_acquired (const GrelRedisReply *reply, gssize *answer, GError **error);

gboolean grel_redis_lock_map_owned (const GrelRedisReply *reply,
                                    const char *token,
                                    gboolean *is_owned,
                                    GError **error);

G_END_DECLS
