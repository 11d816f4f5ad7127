/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-servers-private.h>

struct _GrelRedisServers
{
  GrelRedisSettings *settings;
  GMutex mutex; /* for the next two: users may meet who work on different threads */
  guint n_users;
  GMainContext *context;
  GQueue openers;            /* (element-type GTask): users who wait for a connection */
  GrelRedisClient *client;   /* of the one server, or NULL */
  GrelRedisCluster *cluster; /* or NULL */
  GSourceOnceFunc changed;   /* nullable */
  gpointer watcher;
};

static void
grel_redis_servers_end_opening (GrelRedisServers *self, const GError *error)
{
  g_autoptr (GrelRedisServers) alive = g_atomic_rc_box_acquire (self);
  GTask *task;

  while ((task = g_queue_pop_head (&self->openers)) != NULL)
    {
      if (error != NULL)
        {
          grel_redis_servers_close (self);
          g_task_return_error (task, g_error_copy (error));
        }
      else
        g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}

static void
grel_redis_servers_up (gpointer owner)
{
  g_autoptr (GrelRedisServers) self = g_atomic_rc_box_acquire (owner);

  grel_redis_servers_end_opening (self, NULL);
  if (self->changed != NULL)
    self->changed (self->watcher);
}

static void
grel_redis_servers_down (gpointer owner, const GError *error)
{
  grel_redis_servers_end_opening (owner, error);
}

static const GrelRedisClientFuncs grel_redis_servers_client_funcs = {
  .up = grel_redis_servers_up,
  .down = grel_redis_servers_down,
};

GrelRedisServers *
grel_redis_servers_new (GrelRedisSettings *settings)
{
  GrelRedisServers *self = g_atomic_rc_box_new0 (GrelRedisServers);

  self->settings = settings;
  g_mutex_init (&self->mutex);
  if (settings->topology == GREL_REDIS_CLUSTER)
    self->cluster = grel_redis_cluster_new (settings, &grel_redis_servers_client_funcs, self);
  else
    self->client = grel_redis_client_new (settings, g_ptr_array_index (settings->addresses, 0),
                                          &grel_redis_servers_client_funcs, self);
  return self;
}

static void
grel_redis_servers_clear (gpointer data)
{
  GrelRedisServers *self = data;

  g_clear_pointer (&self->client, grel_redis_client_unref);
  g_clear_pointer (&self->cluster, grel_redis_cluster_unref);
  grel_redis_settings_free (self->settings);
  g_mutex_clear (&self->mutex);
}

void
grel_redis_servers_unref (GrelRedisServers *self)
{
  g_atomic_rc_box_release_full (self, grel_redis_servers_clear);
}

const GrelRedisSettings *
grel_redis_servers_get_settings (GrelRedisServers *self)
{
  return self->settings;
}

/* What they are made of. */

static void
grel_redis_servers_start (GrelRedisServers *self)
{
  if (self->cluster != NULL)
    grel_redis_cluster_start (self->cluster);
  else
    grel_redis_client_start (self->client);
}

static void
grel_redis_servers_stop (GrelRedisServers *self)
{
  if (self->cluster != NULL)
    grel_redis_cluster_stop (self->cluster);
  else
    grel_redis_client_stop (self->client);
}

static gboolean
grel_redis_servers_are_up (GrelRedisServers *self)
{
  if (self->cluster != NULL)
    return grel_redis_cluster_is_up (self->cluster);
  return grel_redis_client_is_up (self->client);
}

static void
grel_redis_servers_pass_on (GrelRedisServers *self,
                            GrelRedisCommand *command,
                            GTimeSpan time,
                            gboolean goes_first)
{
  command->deadline = g_get_monotonic_time () + time;
  if (self->cluster != NULL)
    grel_redis_cluster_send (self->cluster, command, goes_first);
  else
    grel_redis_client_send (self->client, command, goes_first);
}

const GrelRedisAddress *
grel_redis_servers_get_address (GrelRedisServers *self)
{
  if (self->cluster != NULL)
    return grel_redis_cluster_get_address (self->cluster);
  return g_ptr_array_index (self->settings->addresses, 0);
}

gboolean
grel_redis_servers_are_at (GrelRedisServers *self, const GrelRedisAddress *address)
{
  return self->cluster == NULL || grel_redis_cluster_has_node (self->cluster, address);
}

void
grel_redis_servers_watch (GrelRedisServers *self, GSourceOnceFunc changed, gpointer data)
{
  self->changed = changed;
  self->watcher = data;
}

/* Returns: whether the user is welcome; *is_first says who has to start */
static gboolean
grel_redis_servers_enter (GrelRedisServers *self, gboolean *is_first)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  if (self->n_users > 0 && context != self->context)
    return FALSE;

  *is_first = self->n_users++ == 0;
  if (*is_first)
    self->context = g_steal_pointer (&context);
  return TRUE;
}

void
grel_redis_servers_open (GrelRedisServers *self, GTask *task)
{
  gboolean is_first;

  if (!grel_redis_servers_enter (self, &is_first))
    {
      g_task_return_new_error (task, GREL_ERROR, GREL_ERROR_SETTINGS,
                               "its provider is open on another main context; use one provider for "
                               "each");
      return;
    }
  if (grel_redis_servers_are_up (self))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  g_queue_push_tail (&self->openers, g_object_ref (task));
  if (is_first)
    grel_redis_servers_start (self);
}

/* Returns: whether that was the last user */
static gboolean
grel_redis_servers_leave (GrelRedisServers *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (--self->n_users > 0)
    return FALSE;

  g_clear_pointer (&self->context, g_main_context_unref);
  return TRUE;
}

void
grel_redis_servers_close (GrelRedisServers *self)
{
  if (grel_redis_servers_leave (self))
    grel_redis_servers_stop (self);
}

void
grel_redis_servers_send (GrelRedisServers *self, GrelRedisCommand *command)
{
  grel_redis_servers_pass_on (self, command, self->settings->timeout, FALSE);
}

void
grel_redis_servers_amend (GrelRedisServers *self, GrelRedisCommand *command, GTimeSpan makes_sense)
{
  command->is_repeatable = TRUE;
  grel_redis_servers_pass_on (self, command, makes_sense, TRUE);
}
