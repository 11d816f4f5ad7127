/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-client-private.h>
#include <grelmicro/redis/grel-redis-delays-private.h>
#include <grelmicro/redis/grel-redis-replicas-private.h>
#include <grelmicro/redis/grel-redis-timer-private.h>

struct _GrelRedisClient
{
  const GrelRedisSettings *settings;
  const GrelRedisClientFuncs *funcs;
  gpointer owner;
  GrelRedisLink link;
  GSource *timer; /* of the commands; NULL: stopped */
  GQueue waiting; /* (element-type GrelRedisCommand): for a connection */
  GQueue sent;    /* (element-type GrelRedisCommand): the next reply is to the first of them */
  GQueue refused; /* (element-type GrelRedisCommand): by a server that isn't the master */
  GQueue delayed; /* (element-type GrelRedisCommand): refused for now, to be sent again */
  GQueue granted; /* (element-type GrelRedisCommand): are they known to replicas? */
  GrelRedisCommand *wait; /* nullable: the question about them, among those sent */
  gboolean is_leaving;    /* it, once all that was sent is answered */
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
grel_redis_client_new (const GrelRedisSettings *settings,
                       const GrelRedisAddress *address,
                       const GrelRedisClientFuncs *funcs,
                       gpointer owner)
{
  GrelRedisClient *self = g_atomic_rc_box_new0 (GrelRedisClient);

  self->settings = settings;
  self->funcs = funcs;
  self->owner = owner;
  grel_redis_link_init (&self->link, settings, address, &grel_redis_client_link_funcs, self);
  return self;
}

void
grel_redis_client_unref (GrelRedisClient *self)
{
  g_atomic_rc_box_release (self);
}

/* The least part of the time for a command that a server has, however late it was asked. */
#define GREL_REDIS_LEAST_PART 5

static GrelRedisCommand *
grel_redis_client_pop (GQueue *commands)
{
  GList *first = g_queue_pop_head_link (commands);

  return first != NULL ? first->data : NULL;
}

static void
grel_redis_client_write (GrelRedisClient *self, GrelRedisCommand *command)
{
  gint64 least = g_get_monotonic_time () + self->settings->timeout / GREL_REDIS_LEAST_PART;

  g_clear_pointer (&command->grant, grel_redis_reply_unref);
  grel_redis_command_write (command, grel_redis_link_get_output (&self->link));
  g_queue_push_tail_link (&self->sent, &command->link);
  command->owed_at = MAX (command->deadline, least);
  grel_redis_timer_hasten (self->timer, command->owed_at);
}

static gboolean
grel_redis_client_asks_replicas (GrelRedisClient *self, GrelRedisCommand *command)
{
  return command->is_grant && grel_redis_replicas_are_asked (self->settings);
}

/* The connection answers nothing else meanwhile, so one question is for all that was granted before
 * its answer, however much that is. */
static void
grel_redis_client_ask_replicas (GrelRedisClient *self, GrelRedisCommand *command)
{
  if (self->wait != NULL)
    return;

  self->wait = grel_redis_replicas_new_question (self->settings);
  self->wait->deadline = command->deadline;
  grel_redis_client_write (self, self->wait);
}

static void
grel_redis_client_ask (GrelRedisClient *self, GrelRedisCommand *command)
{
  grel_redis_client_write (self, command);
  if (grel_redis_client_asks_replicas (self, command))
    grel_redis_client_ask_replicas (self, command);
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
        grel_redis_client_ask (self, command);
      else
        grel_redis_command_fail (command, error);
    }
  if (self->link.is_up)
    self->funcs->up (self->owner);
}

/* Whether that is all that the reply is for. */
static gboolean
grel_redis_client_answers_asking (GrelRedisClient *self)
{
  GrelRedisCommand *command = g_queue_peek_head (&self->sent);

  if (command == NULL || !command->has_asked)
    return FALSE;

  command->has_asked = FALSE;
  return TRUE;
}

/* Once, or until its deadline if nobody waits. */
static gboolean
grel_redis_client_repeats (GrelRedisCommand *command, gint64 now)
{
  if (now >= command->deadline || (command->task != NULL && command->is_repeated))
    return FALSE;

  command->is_repeated = TRUE;
  return TRUE;
}

/* What puts something right is too good to be given up, whatever the server has against it. */
static gboolean
grel_redis_client_delays (GrelRedisClient *self, GrelRedisCommand *command)
{
  if (command->task != NULL || !command->is_repeatable || self->timer == NULL)
    return FALSE;

  grel_redis_delays_add (&self->delayed, command, self->timer);
  return TRUE;
}

/* Whether the command, of which nothing was executed, is sent again: by the address may be another
 * server, and sentinels know which one. */
static gboolean
grel_redis_client_turns_away (GrelRedisClient *self,
                              GrelRedisCommand *command,
                              const GrelRedisReply *reply)
{
  gboolean is_refusal;

  if (reply->type != GREL_REDIS_ERROR)
    return FALSE;
  if (self->funcs->refused != NULL && self->funcs->refused (self->owner, command, reply))
    return TRUE;

  is_refusal = grel_redis_reply_is_refusal (reply);
  if (is_refusal && self->settings->topology != GREL_REDIS_CLUSTER)
    self->is_leaving = TRUE;
  if ((!is_refusal || self->settings->topology != GREL_REDIS_SENTINEL)
      && grel_redis_client_delays (self, command))
    return TRUE;
  if (!self->is_leaving || !is_refusal
      || !grel_redis_client_repeats (command, g_get_monotonic_time ()))
    return FALSE;
  g_queue_push_tail_link (&self->refused, &command->link);
  return TRUE;
}

static void
grel_redis_client_leave_master (GrelRedisClient *self)
{
  if (self->is_leaving && self->link.is_up && self->sent.head == NULL)
    grel_redis_link_drop (&self->link, "the server is not the master any more");
}

/* Takes the command. */
static void
grel_redis_client_settle (GrelRedisClient *self,
                          GrelRedisCommand *command,
                          const GrelRedisReply *reply)
{
  g_autoptr (GrelRedisCommand) settled = command;

  if (settled->script != NULL && !settled->sends_text
      && grel_redis_reply_is_error (reply, "NOSCRIPT"))
    {
      settled->sends_text = TRUE;
      grel_redis_client_ask (self, g_steal_pointer (&settled));
    }
  else if (grel_redis_client_turns_away (self, settled, reply))
    settled = NULL;
  else if (settled->answered != NULL)
    settled->answered (settled, reply, NULL);
}

/* All of them were granted before the question was answered. */
static void
grel_redis_client_settle_granted (GrelRedisClient *self, const GrelRedisReply *reply)
{
  GQueue granted = self->granted;
  GrelRedisCommand *command;

  g_queue_init (&self->granted);
  while ((command = grel_redis_client_pop (&granted)) != NULL)
    {
      GError *error = NULL;

      if (grel_redis_replicas_check (self->settings, reply, &error))
        grel_redis_client_settle (self, command, command->grant);
      else
        grel_redis_command_fail (command, error);
    }
}

static void
grel_redis_client_received (gpointer owner, GrelRedisReply *reply)
{
  g_autoptr (GrelRedisClient) self = g_atomic_rc_box_acquire (owner);
  GrelRedisCommand *command;

  if (grel_redis_client_answers_asking (self))
    return;

  command = grel_redis_client_pop (&self->sent);
  if (command == NULL)
    {
      grel_redis_link_drop (&self->link, "the server answered what nobody asked");
      return;
    }

  if (command == self->wait)
    {
      g_clear_pointer (&self->wait, grel_redis_command_free);
      grel_redis_client_settle_granted (self, reply);
    }
  else if (grel_redis_client_asks_replicas (self, command)
           && grel_redis_replicas_are_to_know (reply))
    {
      command->grant = grel_redis_reply_ref (reply);
      g_queue_push_tail_link (&self->granted, &command->link);
      grel_redis_client_ask_replicas (self, command);
    }
  else
    grel_redis_client_settle (self, command, reply);
  grel_redis_client_leave_master (self);
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

  self->is_leaving = FALSE;
  self->wait = NULL;
  while ((last = g_queue_pop_tail_link (&self->granted)) != NULL)
    g_queue_push_head_link (&self->sent, last);
  while ((last = g_queue_pop_tail_link (&self->sent)) != NULL)
    if (((GrelRedisCommand *) last->data)->is_repeatable
        && grel_redis_client_repeats (last->data, now))
      g_queue_push_head_link (&self->waiting, last);
    else
      g_queue_push_head_link (&failed, last);
  while ((last = g_queue_pop_tail_link (&self->refused)) != NULL)
    {
      g_queue_push_head_link (&self->waiting, last);
      if (self->timer != NULL)
        grel_redis_timer_hasten (self->timer, ((GrelRedisCommand *) last->data)->deadline);
    }

  while ((command = grel_redis_client_pop (&failed)) != NULL)
    grel_redis_command_fail (command, g_error_new (GREL_ERROR, GREL_ERROR_BACKEND,
                                                   "the connection was lost: %s", error->message));
  if (self->timer != NULL)
    self->funcs->down (self->owner, error);
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
        grel_redis_timer_hasten (self->timer, command->deadline);
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
      gint64 owed_at = ((GrelRedisCommand *) l->data)->owed_at;

      if (owed_at <= now)
        return TRUE;
      grel_redis_timer_hasten (self->timer, owed_at);
    }
  return FALSE;
}

static void
grel_redis_client_send_delayed (GrelRedisClient *self, gint64 now, GQueue *expired)
{
  GQueue due = G_QUEUE_INIT;
  GrelRedisCommand *command;

  grel_redis_delays_take (&self->delayed, now, self->timer, &due);
  while ((command = grel_redis_client_pop (&due)) != NULL)
    if (command->deadline > now)
      grel_redis_client_send (self, command, TRUE);
    else
      g_queue_push_tail_link (expired, &command->link);
}

static void
grel_redis_client_timer_fired (gpointer data)
{
  g_autoptr (GrelRedisClient) self = g_atomic_rc_box_acquire (data);
  gint64 now = g_get_monotonic_time ();
  double seconds = self->settings->timeout / (double) G_TIME_SPAN_SECOND;
  GQueue expired = G_QUEUE_INIT;
  GrelRedisCommand *command;

  grel_redis_link_poll (&self->link);
  if (self->timer != NULL && grel_redis_client_is_overdue (self, now))
    grel_redis_link_drop (&self->link, "no answer within %g s", seconds);
  if (self->timer != NULL)
    grel_redis_client_expire_waiting (self, now, &expired);
  if (self->timer != NULL)
    grel_redis_client_send_delayed (self, now, &expired);

  while ((command = grel_redis_client_pop (&expired)) != NULL)
    grel_redis_command_fail (command,
                             g_error_new (GREL_ERROR, GREL_ERROR_BACKEND,
                                          "no connection to the server within %g s: %s", seconds,
                                          self->link.fault != NULL ? self->link.fault
                                                                   : "it was lost"));
}

void
grel_redis_client_start (GrelRedisClient *self)
{
  self->timer = grel_redis_timer_new (grel_redis_client_timer_fired, self);
  grel_redis_link_start (&self->link);
}

void
grel_redis_client_stop (GrelRedisClient *self)
{
  g_autoptr (GrelRedisClient) alive = g_atomic_rc_box_acquire (self);
  GQueue left = G_QUEUE_INIT;
  GrelRedisCommand *command;
  GList *last;

  grel_redis_link_stop (&self->link);
  g_clear_pointer (&self->timer, grel_redis_timer_free);
  self->is_leaving = FALSE;
  self->wait = NULL;
  while ((last = g_queue_pop_tail_link (&self->waiting)) != NULL)
    g_queue_push_head_link (&left, last);
  while ((last = g_queue_pop_tail_link (&self->granted)) != NULL)
    g_queue_push_head_link (&left, last);
  while ((last = g_queue_pop_tail_link (&self->sent)) != NULL)
    g_queue_push_head_link (&left, last);
  while ((last = g_queue_pop_tail_link (&self->refused)) != NULL)
    g_queue_push_head_link (&left, last);
  while ((last = g_queue_pop_tail_link (&self->delayed)) != NULL)
    g_queue_push_head_link (&left, last);
  while ((command = grel_redis_client_pop (&left)) != NULL)
    grel_redis_command_close (command);
}

gboolean
grel_redis_client_is_started (GrelRedisClient *self)
{
  return self->timer != NULL;
}

gboolean
grel_redis_client_is_idle (GrelRedisClient *self)
{
  return self->waiting.length + self->sent.length + self->refused.length + self->delayed.length
           + self->granted.length
         == 0;
}

gboolean
grel_redis_client_is_up (GrelRedisClient *self)
{
  return self->link.is_up;
}

void
grel_redis_client_send (GrelRedisClient *self, GrelRedisCommand *command, gboolean goes_first)
{
  if (self->timer == NULL)
    {
      grel_redis_command_close (command);
      return;
    }

  grel_redis_timer_hasten (self->timer, command->deadline);
  if (self->link.is_up && !self->is_leaving)
    grel_redis_client_ask (self, command);
  else if (goes_first)
    g_queue_push_head_link (&self->waiting, &command->link);
  else
    g_queue_push_tail_link (&self->waiting, &command->link);
}

void
grel_redis_client_take_waiting (GrelRedisClient *self, GQueue *commands)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->waiting)) != NULL)
    g_queue_push_tail_link (commands, link);
}
