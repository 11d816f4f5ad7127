/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/redis/grel-redis-cache-adapter-private.h>

#include <string.h>

/* What keys begin with. Records and tags belong to caches, and so does what begins like a key. */
#define GREL_REDIS_CACHE_KEYS "cache:"
#define GREL_REDIS_CACHE_TAGS "cache:tag:"
#define GREL_REDIS_CACHE_RECORDS "cache:rtag:"

/* A value, its record and the sets of its tags change together. */
#define GREL_REDIS_CACHE_TOPIC "cache"

/* How many keys the server goes through without serving anybody else. */
#define GREL_REDIS_CACHE_STEP 250

struct _GrelRedisCacheAdapter
{
  GrelCacheBackend parent_instance;
};

G_DEFINE_FINAL_TYPE (GrelRedisCacheAdapter, grel_redis_cache_adapter, GREL_TYPE_CACHE_BACKEND)

static GrelRedisScript grel_redis_cache_set_script = { "cache-set", "cache" };
static GrelRedisScript grel_redis_cache_delete_script = { "cache-delete", "cache" };
static GrelRedisScript grel_redis_cache_delete_tags_script = { "cache-delete-tags", "cache" };
static GrelRedisScript grel_redis_cache_clear_script = { "cache-clear", "cache" };

/* A key like that of a tag or a record gets a sign in it that no other key has there.
 * Returns: (transfer full) */
static char *
grel_redis_cache_disambiguate (const char *key)
{
  const char *rest = key + strlen (GREL_REDIS_CACHE_KEYS);

  if (g_str_has_prefix (key, GREL_REDIS_CACHE_TAGS)
      || g_str_has_prefix (key, GREL_REDIS_CACHE_RECORDS)
      || g_str_has_prefix (key, GREL_REDIS_CACHE_KEYS "\x1f"))
    return g_strconcat (GREL_REDIS_CACHE_KEYS "\x1f", rest, NULL);
  return g_strdup (key);
}

static void
grel_redis_cache_adapter_add_value (GrelCacheBackend *backend,
                                    GrelRedisCommand *command,
                                    const char *key)
{
  g_autofree char *name = grel_redis_cache_disambiguate (key);

  grel_redis_adapter_add_common_key (backend, command, GREL_REDIS_CACHE_TOPIC, "", name);
}

static void
grel_redis_cache_adapter_add_record (GrelCacheBackend *backend,
                                     GrelRedisCommand *command,
                                     const char *key)
{
  g_autofree char *name = grel_redis_cache_disambiguate (key);

  grel_redis_adapter_add_common_key (backend, command, GREL_REDIS_CACHE_TOPIC,
                                     GREL_REDIS_CACHE_RECORDS, name);
}

static void
grel_redis_cache_adapter_add_tags (GrelCacheBackend *backend,
                                   GrelRedisCommand *command,
                                   const char *const *tags)
{
  for (; tags != NULL && *tags != NULL; tags++)
    grel_redis_adapter_add_common_key (backend, command, GREL_REDIS_CACHE_TOPIC,
                                       GREL_REDIS_CACHE_TAGS, *tags);
}

/* The first argument of each script. */
static void
grel_redis_cache_adapter_add_prefix (GrelCacheBackend *backend, GrelRedisCommand *command)
{
  grel_redis_adapter_add_common_key (backend, command, GREL_REDIS_CACHE_TOPIC, "", "");
}

static void
grel_redis_cache_adapter_return_value (GrelRedisCommand *command,
                                       const GrelRedisReply *reply,
                                       GError *error)
{
  g_autoptr (GBytes) value = NULL;

  if (error == NULL)
    grel_redis_reply_get_bytes (reply, &value, &error);
  if (error != NULL)
    g_task_return_error (command->task, error);
  else
    grel_cache_backend_return_value (g_task_get_source_object (command->task), command->task,
                                     value);
}

static void
grel_redis_cache_adapter_get (GrelCacheBackend *backend, const char *key, GTask *task)
{
  GrelRedisCommand *command = grel_redis_command_new (task, grel_redis_cache_adapter_return_value);

  grel_redis_command_add (command, "GET");
  grel_redis_cache_adapter_add_value (backend, command, key);
  command->is_repeatable = TRUE;
  grel_redis_adapter_send (backend, command);
}

/* Neither this nor a delete is asked twice: another may have set the key since. */
static void
grel_redis_cache_adapter_set (GrelCacheBackend *backend,
                              const char *key,
                              GBytes *value,
                              GTimeSpan ttl,
                              const char *const *tags,
                              GTask *task)
{
  guint n_tags = tags != NULL ? g_strv_length ((char **) tags) : 0;
  GrelRedisCommand *command
    = grel_redis_command_new_script (&grel_redis_cache_set_script, 2 + n_tags, task,
                                     grel_redis_adapter_return_boolean);

  grel_redis_cache_adapter_add_value (backend, command, key);
  grel_redis_cache_adapter_add_record (backend, command, key);
  grel_redis_cache_adapter_add_tags (backend, command, tags);
  grel_redis_cache_adapter_add_prefix (backend, command);
  grel_redis_command_add_bytes (command, g_bytes_get_data (value, NULL), g_bytes_get_size (value));
  grel_redis_command_add_milliseconds (command, ttl);
  grel_redis_adapter_send (backend, command);
}

static void
grel_redis_cache_adapter_delete (GrelCacheBackend *backend, const char *key, GTask *task)
{
  GrelRedisCommand *command
    = grel_redis_command_new_script (&grel_redis_cache_delete_script, 2, task,
                                     grel_redis_adapter_return_boolean);

  grel_redis_cache_adapter_add_value (backend, command, key);
  grel_redis_cache_adapter_add_record (backend, command, key);
  grel_redis_cache_adapter_add_prefix (backend, command);
  grel_redis_adapter_send (backend, command);
}

static void grel_redis_cache_adapter_swept (GrelRedisCommand *command,
                                            const GrelRedisReply *reply,
                                            GError *error);

/* Deletes in steps, by tag or everything. Each says where the next one goes on: "0", nowhere. */
static void
grel_redis_cache_adapter_sweep (GrelCacheBackend *backend,
                                const char *const *tags,
                                const char *cursor,
                                GTask *task)
{
  GrelRedisScript *script
    = tags != NULL ? &grel_redis_cache_delete_tags_script : &grel_redis_cache_clear_script;
  guint n_keys = tags != NULL ? g_strv_length ((char **) tags) : 1;
  GrelRedisCommand *command
    = grel_redis_command_new_script (script, n_keys, task, grel_redis_cache_adapter_swept);

  if (tags != NULL)
    grel_redis_cache_adapter_add_tags (backend, command, tags);
  else
    grel_redis_adapter_add_common_key (backend, command, GREL_REDIS_CACHE_TOPIC, "",
                                       GREL_REDIS_CACHE_KEYS);
  grel_redis_cache_adapter_add_prefix (backend, command);
  grel_redis_command_add (command, cursor);
  grel_redis_command_add_integer (command, GREL_REDIS_CACHE_STEP);
  command->data = g_strdupv ((char **) tags);
  command->destroy_data = (GDestroyNotify) g_strfreev;
  command->is_repeatable = TRUE;
  grel_redis_adapter_send (backend, command);
}

static void
grel_redis_cache_adapter_swept (GrelRedisCommand *command,
                                const GrelRedisReply *reply,
                                GError *error)
{
  GTask *task = command->task;
  const char *cursor = NULL;

  if (error == NULL)
    grel_redis_reply_get_text (reply, &cursor, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else if (cursor == NULL || g_str_equal (cursor, "0"))
    g_task_return_boolean (task, TRUE);
  else if (!g_task_return_error_if_cancelled (task))
    grel_redis_cache_adapter_sweep (g_task_get_source_object (task), command->data, cursor, task);
}

static void
grel_redis_cache_adapter_delete_tags (GrelCacheBackend *backend,
                                      const char *const *tags,
                                      GTask *task)
{
  grel_redis_cache_adapter_sweep (backend, tags, "0", task);
}

static void
grel_redis_cache_adapter_clear (GrelCacheBackend *backend, GTask *task)
{
  grel_redis_cache_adapter_sweep (backend, NULL, "0", task);
}

static void
grel_redis_cache_adapter_class_init (GrelRedisCacheAdapterClass *klass)
{
  GrelCacheBackendClass *cache_class = GREL_CACHE_BACKEND_CLASS (klass);

  grel_redis_adapter_class_init (GREL_BACKEND_CLASS (klass));
  cache_class->get = grel_redis_cache_adapter_get;
  cache_class->set = grel_redis_cache_adapter_set;
  cache_class->delete = grel_redis_cache_adapter_delete;
  cache_class->delete_tags = grel_redis_cache_adapter_delete_tags;
  cache_class->clear = grel_redis_cache_adapter_clear;
}

static void
grel_redis_cache_adapter_init (GrelRedisCacheAdapter *self)
{
}
