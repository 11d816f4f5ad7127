/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-client-private.h>
#include <grelmicro/redis/grel-redis-timer-private.h>

struct _GrelRedisClient
{
  GrelRedisSettings *settings;
  GMutex mutex; /* for the first two: users may meet who work on different threads */
  guint n_users;
  GMainContext *context;
  GQueue openers; /* (element-type GTask): users who wait for the connection */
  GrelRedisLink link;
  GSource *timer;   /* of the commands */
  gint64 armed_for; /* or G_MAXINT64 */
  GQueue waiting;   /* (element-type GrelRedisCommand): for a connection */
  GQueue sent;      /* (element-type GrelRedisCommand): the next reply is to the first of them */
};

static void grel_redis_client_up (gpointer owner);
static void grel_redis_client_received (gpointer owner, GrelRedisReply *reply);
static void grel_redis_client_down (gpointer owner, const GError *error);

static const GrelRedisLinkFuncs grel_redis_client_link_funcs = {
  .up = grel_redis_client_up,
  .received = grel_redis_client_received,
  .down = grel_redis_client_down,
};

GrelRedisClient *
grel_redis_client_new (GrelRedisSettings *settings)
{
  GrelRedisClient *self = g_atomic_rc_box_new0 (GrelRedisClient);

  self->settings = settings;
  self->armed_for = G_MAXINT64;
  g_mutex_init (&self->mutex);
  grel_redis_link_init (&self->link, settings, &grel_redis_client_link_funcs, self);
  return self;
}

static void
grel_redis_client_clear (gpointer data)
{
  GrelRedisClient *self = data;

  grel_redis_settings_free (self->settings);
  g_mutex_clear (&self->mutex);
}

void
grel_redis_client_unref (GrelRedisClient *self)
{
  g_atomic_rc_box_release_full (self, grel_redis_client_clear);
}

const GrelRedisSettings *
grel_redis_client_get_settings (GrelRedisClient *self)
{
  return self->settings;
}

static GrelRedisCommand *
grel_redis_client_pop (GQueue *commands)
{
  GList *first = g_queue_pop_head_link (commands);

  return first != NULL ? first->data : NULL;
}

/* Consumes both. */
static void
grel_redis_client_fail (GrelRedisCommand *command, GError *error)
{
  g_autoptr (GrelRedisCommand) failed = command;

  if (command->answered != NULL)
    command->answered (command, NULL, error);
  else
    g_error_free (error);
}

static void
grel_redis_client_arm (GrelRedisClient *self, gint64 deadline)
{
  if (deadline >= self->armed_for)
    return;

  self->armed_for = deadline;
  grel_redis_timer_set (self->timer, deadline);
}

static void
grel_redis_client_write (GrelRedisClient *self, GrelRedisCommand *command)
{
  grel_redis_command_write (command, grel_redis_link_get_output (&self->link));
  g_queue_push_tail_link (&self->sent, &command->link);
}

/* Whoever waits for it may have been told something else by now. */
static gboolean
grel_redis_command_is_wanted (GrelRedisCommand *command, GError **error)
{
  return command->task == NULL
         || !g_cancellable_set_error_if_cancelled (g_task_get_cancellable (command->task), error);
}

static void
grel_redis_client_end_opening (GrelRedisClient *self, const GError *error)
{
  GTask *task;

  while ((task = g_queue_pop_head (&self->openers)) != NULL)
    {
      if (error != NULL)
        {
          grel_redis_client_close (self);
          g_task_return_error (task, g_error_copy (error));
        }
      else
        g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}

static void
grel_redis_client_up (gpointer owner)
{
  g_autoptr (GrelRedisClient) self = g_atomic_rc_box_acquire (owner);
  GrelRedisCommand *command;

  while (self->link.is_up && (command = grel_redis_client_pop (&self->waiting)) != NULL)
    {
      GError *error = NULL;

      if (grel_redis_command_is_wanted (command, &error))
        grel_redis_client_write (self, command);
      else
        grel_redis_client_fail (command, error);
    }
  grel_redis_client_end_opening (self, NULL);
}

static void
grel_redis_client_received (gpointer owner, GrelRedisReply *reply)
{
  GrelRedisClient *self = owner;
  g_autoptr (GrelRedisCommand) command = grel_redis_client_pop (&self->sent);

  if (command == NULL)
    {
      grel_redis_link_drop (&self->link, "the server answered what nobody asked");
      return;
    }
  if (command->script != NULL && !command->sends_text
      && grel_redis_reply_is_error (reply, "NOSCRIPT"))
    {
      command->sends_text = TRUE;
      grel_redis_client_write (self, g_steal_pointer (&command));
      return;
    }

  if (command->answered != NULL)
    command->answered (command, reply, NULL);
}

static gboolean
grel_redis_client_repeats (GrelRedisCommand *command, gint64 now)
{
  if (!command->is_repeatable || now >= command->deadline)
    return FALSE;
  if (command->task != NULL && command->is_repeated)
    return FALSE;

  command->is_repeated = TRUE;
  return TRUE;
}

/* What was sent may have been executed or not. */
static void
grel_redis_client_down (gpointer owner, const GError *error)
{
  g_autoptr (GrelRedisClient) self = g_atomic_rc_box_acquire (owner);
  GQueue failed = G_QUEUE_INIT;
  gint64 now = g_get_monotonic_time ();
  GrelRedisCommand *command;
  GList *last;

  while ((last = g_queue_pop_tail_link (&self->sent)) != NULL)
    if (grel_redis_client_repeats (last->data, now))
      g_queue_push_head_link (&self->waiting, last);
    else
      g_queue_push_head_link (&failed, last);

  while ((command = grel_redis_client_pop (&failed)) != NULL)
    grel_redis_client_fail (command, g_error_new (GREL_ERROR, GREL_ERROR_BACKEND,
                                                  "the connection was lost: %s", error->message));
  grel_redis_client_end_opening (self, error);
}

/* Takes out what has waited for too long, and finds out when to look again. */
static void
grel_redis_client_expire_waiting (GrelRedisClient *self, gint64 now, GQueue *expired)
{
  for (GList *l = self->waiting.head, *next; l != NULL; l = next)
    {
      GrelRedisCommand *command = l->data;

      next = l->next;
      if (command->deadline > now)
        grel_redis_client_arm (self, command->deadline);
      else
        {
          g_queue_unlink (&self->waiting, l);
          g_queue_push_tail_link (expired, l);
        }
    }
}

/* Replies come in order: a server that owes one owes all that follow. */
static gboolean
grel_redis_client_is_overdue (GrelRedisClient *self, gint64 now)
{
  for (GList *l = self->sent.head; l != NULL; l = l->next)
    {
      gint64 deadline = ((GrelRedisCommand *) l->data)->deadline;

      if (deadline <= now)
        return TRUE;
      grel_redis_client_arm (self, deadline);
    }
  return FALSE;
}

static void
grel_redis_client_timer_fired (gpointer data)
{
  g_autoptr (GrelRedisClient) self = g_atomic_rc_box_acquire (data);
  gint64 now = g_get_monotonic_time ();
  GQueue expired = G_QUEUE_INIT;
  GrelRedisCommand *command;

  self->armed_for = G_MAXINT64;
  grel_redis_link_poll (&self->link);
  if (self->timer != NULL && grel_redis_client_is_overdue (self, now))
    grel_redis_link_drop (&self->link, "no answer within %g s",
                          self->settings->timeout / (double) G_TIME_SPAN_SECOND);
  if (self->timer != NULL)
    grel_redis_client_expire_waiting (self, now, &expired);

  while ((command = grel_redis_client_pop (&expired)) != NULL)
    grel_redis_client_fail (command,
                            g_error_new (GREL_ERROR, GREL_ERROR_BACKEND,
                                         "no connection to the server within %g s: %s",
                                         self->settings->timeout / (double) G_TIME_SPAN_SECOND,
                                         self->link.fault != NULL ? self->link.fault
                                                                  : "it was lost"));
}

/* Returns: whether the user is welcome; *is_first says who has to start */
static gboolean
grel_redis_client_enter (GrelRedisClient *self, gboolean *is_first)
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
grel_redis_client_open (GrelRedisClient *self, GTask *task)
{
  gboolean is_first;

  if (!grel_redis_client_enter (self, &is_first))
    {
      g_task_return_new_error (task, GREL_ERROR, GREL_ERROR_SETTINGS,
                               "its provider is open on another main context; use one provider for "
                               "each");
      return;
    }
  if (self->link.is_up)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  g_queue_push_tail (&self->openers, g_object_ref (task));
  if (is_first)
    {
      self->timer = grel_redis_timer_new (grel_redis_client_timer_fired, self);
      grel_redis_link_start (&self->link);
    }
}

static GError *
grel_redis_client_new_closed (void)
{
  return g_error_new_literal (GREL_ERROR, GREL_ERROR_CLOSED, "the connection was closed");
}

/* Returns: whether that was the last user */
static gboolean
grel_redis_client_leave (GrelRedisClient *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (--self->n_users > 0)
    return FALSE;

  g_clear_pointer (&self->context, g_main_context_unref);
  return TRUE;
}

void
grel_redis_client_close (GrelRedisClient *self)
{
  GQueue left = G_QUEUE_INIT;
  GrelRedisCommand *command;
  GList *last;

  if (!grel_redis_client_leave (self))
    return;

  grel_redis_link_stop (&self->link);
  g_clear_pointer (&self->timer, grel_redis_timer_free);
  self->armed_for = G_MAXINT64;
  while ((last = g_queue_pop_tail_link (&self->waiting)) != NULL)
    g_queue_push_head_link (&left, last);
  while ((last = g_queue_pop_tail_link (&self->sent)) != NULL)
    g_queue_push_head_link (&left, last);
  while ((command = grel_redis_client_pop (&left)) != NULL)
    grel_redis_client_fail (command, grel_redis_client_new_closed ());
}

static void
grel_redis_client_dispatch (GrelRedisClient *self,
                            GrelRedisCommand *command,
                            GTimeSpan time,
                            gboolean goes_first)
{
  if (self->timer == NULL)
    {
      grel_redis_client_fail (command, grel_redis_client_new_closed ());
      return;
    }

  command->deadline = g_get_monotonic_time () + time;
  grel_redis_client_arm (self, command->deadline);
  if (self->link.is_up)
    grel_redis_client_write (self, command);
  else if (goes_first)
    g_queue_push_head_link (&self->waiting, &command->link);
  else
    g_queue_push_tail_link (&self->waiting, &command->link);
}

void
grel_redis_client_send (GrelRedisClient *self, GrelRedisCommand *command)
{
  grel_redis_client_dispatch (self, command, self->settings->timeout, FALSE);
}

void
grel_redis_client_amend (GrelRedisClient *self, GrelRedisCommand *command, GTimeSpan makes_sense)
{
  command->is_repeatable = TRUE;
  grel_redis_client_dispatch (self, command, makes_sense, TRUE);
}
