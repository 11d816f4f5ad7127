/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-cluster-private.h>
#include <grelmicro/redis/grel-redis-delays-private.h>
#include <grelmicro/redis/grel-redis-slots-private.h>
#include <grelmicro/redis/grel-redis-timer-private.h>

#include <string.h>

/* A command that is sent on and on goes in a circle. */
#define GREL_REDIS_MAX_REDIRECTIONS 16

/* The longest time between two questions about the slots. */
#define GREL_REDIS_REFRESH (200 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  GrelRedisCluster *cluster;
  GrelRedisAddress *address;
  GrelRedisClient *client;
  gboolean is_listed;  /* it has slots */
  gboolean has_failed; /* it is down, or didn't say who has the slots */
} GrelRedisNode;

struct _GrelRedisCluster
{
  const GrelRedisSettings *settings;
  const GrelRedisClientFuncs *funcs;
  gpointer owner;
  GSource *timer;       /* NULL: stopped */
  GHashTable *nodes;    /* HOST:PORT to GrelRedisNode */
  GrelRedisNode **map;  /* by slot, nullable; NULL as long as it isn't known */
  GrelRedisNode *asked; /* nullable: who owes us the map */
  gint64 asked_at;
  gint64 refresh_at;  /* or G_MAXINT64 */
  gboolean is_wanted; /* the map, by whoever is up first */
  gboolean has_leftovers;
  GQueue delayed; /* (element-type GrelRedisCommand): to be sent again */
};

static void
grel_redis_cluster_mapped (GrelRedisCommand *command, const GrelRedisReply *reply, GError *error);

static void
grel_redis_node_free (gpointer data)
{
  GrelRedisNode *self = data;

  grel_redis_client_stop (self->client);
  grel_redis_client_unref (self->client);
  grel_redis_address_free (self->address);
  g_free (self);
}

static void
grel_redis_node_send (GrelRedisNode *self, GrelRedisCommand *command, gboolean goes_first)
{
  if (!grel_redis_client_is_started (self->client))
    grel_redis_client_start (self->client);
  grel_redis_client_send (self->client, command, goes_first);
}

static void grel_redis_cluster_node_up (gpointer owner);
static void grel_redis_cluster_node_down (gpointer owner, const GError *error);
static gboolean grel_redis_cluster_node_refused (gpointer owner,
                                                 GrelRedisCommand *command,
                                                 const GrelRedisReply *reply);

static const GrelRedisClientFuncs grel_redis_cluster_client_funcs = {
  .up = grel_redis_cluster_node_up,
  .down = grel_redis_cluster_node_down,
  .refused = grel_redis_cluster_node_refused,
};

static GHashTable *
grel_redis_cluster_new_nodes (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, grel_redis_node_free);
}

GrelRedisCluster *
grel_redis_cluster_new (const GrelRedisSettings *settings,
                        const GrelRedisClientFuncs *funcs,
                        gpointer owner)
{
  GrelRedisCluster *self = g_atomic_rc_box_new0 (GrelRedisCluster);

  self->settings = settings;
  self->funcs = funcs;
  self->owner = owner;
  self->refresh_at = G_MAXINT64;
  self->nodes = grel_redis_cluster_new_nodes ();
  return self;
}

static void
grel_redis_cluster_clear (gpointer data)
{
  GrelRedisCluster *self = data;

  g_hash_table_unref (self->nodes);
  g_free (self->map);
}

void
grel_redis_cluster_unref (GrelRedisCluster *self)
{
  g_atomic_rc_box_release_full (self, grel_redis_cluster_clear);
}

static GrelRedisNode *
grel_redis_cluster_look_up (GrelRedisCluster *self, const GrelRedisAddress *address, char **name)
{
  *name = g_strdup_printf ("%s:%u", address->host, address->port);
  return g_hash_table_lookup (self->nodes, *name);
}

gboolean
grel_redis_cluster_has_node (GrelRedisCluster *self, const GrelRedisAddress *address)
{
  g_autofree char *name = NULL;
  GrelRedisNode *node = grel_redis_cluster_look_up (self, address, &name);

  return self->map == NULL || (node != NULL && node->is_listed);
}

/* Returns: the node there, which is made if it has to be */
static GrelRedisNode *
grel_redis_cluster_get_node (GrelRedisCluster *self, const GrelRedisAddress *address)
{
  g_autofree char *name = NULL;
  GrelRedisNode *node = grel_redis_cluster_look_up (self, address, &name);

  if (node != NULL)
    return node;

  node = g_new0 (GrelRedisNode, 1);
  node->cluster = self;
  node->address = grel_redis_address_copy (address);
  node->client
    = grel_redis_client_new (self->settings, node->address, &grel_redis_cluster_client_funcs, node);
  g_hash_table_insert (self->nodes, g_steal_pointer (&name), node);
  return node;
}

static guint
grel_redis_node_rate (GrelRedisNode *self)
{
  return grel_redis_client_is_up (self->client) * 4 + !self->has_failed * 2 + self->is_listed;
}

/* One of the best nodes there are, or of those that have slots. */
static GrelRedisNode *
grel_redis_cluster_pick_node (GrelRedisCluster *self, gboolean is_listed)
{
  GrelRedisNode *best = NULL;
  guint n_best = 0;
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    {
      if (is_listed && !((GrelRedisNode *) node)->is_listed)
        continue;
      if (best == NULL || grel_redis_node_rate (node) > grel_redis_node_rate (best))
        n_best = 0;
      else if (grel_redis_node_rate (node) < grel_redis_node_rate (best))
        continue;
      if (g_random_int_range (0, ++n_best) == 0)
        best = node;
    }
  return best;
}

const GrelRedisAddress *
grel_redis_cluster_get_address (GrelRedisCluster *self)
{
  GrelRedisNode *node = grel_redis_cluster_pick_node (self, self->map != NULL);

  return node != NULL ? node->address : g_ptr_array_index (self->settings->addresses, 0);
}

/* Takes the command. Until the slot has been moved, or has an owner. */
static void
grel_redis_cluster_delay (GrelRedisCluster *self, GrelRedisCommand *command)
{
  command->n_redirections = 0;
  command->asks = FALSE;
  grel_redis_delays_add (&self->delayed, command, self->timer);
}

static GrelRedisNode *
grel_redis_cluster_find_node (GrelRedisCluster *self, GrelRedisCommand *command)
{
  const guint8 *key = command->words->data + command->key;

  if (command->key == 0)
    return grel_redis_cluster_pick_node (self, FALSE);
  return self->map != NULL ? self->map[grel_redis_slots_of (key, command->key_length)] : NULL;
}

/* There is no herd: a slot that has moved is known as soon as one command was told. */
static void
grel_redis_cluster_request_map (GrelRedisCluster *self)
{
  gint64 pause = g_random_double_range (0.5, 1.0) * GREL_REDIS_REFRESH;

  if (self->asked != NULL)
    return;

  self->refresh_at = MIN (self->refresh_at, self->asked_at + pause);
  grel_redis_timer_hasten (self->timer, self->refresh_at);
}

void
grel_redis_cluster_send (GrelRedisCluster *self, GrelRedisCommand *command, gboolean goes_first)
{
  GrelRedisNode *node;

  if (self->timer == NULL)
    {
      grel_redis_command_close (command);
      return;
    }

  node = grel_redis_cluster_find_node (self, command);
  if (node != NULL)
    {
      grel_redis_node_send (node, command, goes_first);
      return;
    }
  grel_redis_cluster_request_map (self);
  grel_redis_cluster_delay (self, command);
}

static void
grel_redis_cluster_send_all (GrelRedisCluster *self, GQueue *commands)
{
  GList *link;

  while ((link = g_queue_pop_head_link (commands)) != NULL)
    {
      GrelRedisCommand *command = link->data;

      command->asks = FALSE;
      grel_redis_cluster_send (self, command, FALSE);
    }
}

/* Another node may have its slots by now. */
static void
grel_redis_cluster_take_back (GrelRedisCluster *self)
{
  GQueue commands = G_QUEUE_INIT;
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    grel_redis_client_take_waiting (((GrelRedisNode *) node)->client, &commands);
  grel_redis_cluster_send_all (self, &commands);
}

static void
grel_redis_cluster_set_map (GrelRedisCluster *self, GPtrArray *ranges)
{
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    ((GrelRedisNode *) node)->is_listed = FALSE;

  g_free (self->map);
  self->map = g_new0 (GrelRedisNode *, GREL_REDIS_N_SLOTS);
  for (guint i = 0; i < ranges->len; i++)
    {
      GrelRedisSlotRange *range = g_ptr_array_index (ranges, i);
      GrelRedisNode *owner = grel_redis_cluster_get_node (self, range->address);

      owner->is_listed = TRUE;
      for (guint slot = range->first; slot <= range->last; slot++)
        self->map[slot] = owner;
    }

  self->is_wanted = FALSE;
  self->asked = NULL;
  self->refresh_at = G_MAXINT64;
  self->has_leftovers = TRUE;
  grel_redis_timer_hasten (self->timer, 0);
  grel_redis_cluster_take_back (self);
}

/* Nobody waits for a map any longer when there is nobody left to ask. */
static void
grel_redis_cluster_check_hope (GrelRedisCluster *self, const GError *error)
{
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    if (!((GrelRedisNode *) node)->has_failed)
      return;
  if (self->map == NULL)
    self->funcs->down (self->owner, error);
}

static void
grel_redis_cluster_mapped (GrelRedisCommand *command, const GrelRedisReply *reply, GError *error)
{
  GrelRedisNode *node = command->data;
  GrelRedisCluster *self = node->cluster;
  g_autoptr (GPtrArray) ranges = NULL;
  g_autoptr (GError) fault = error;

  if (self->timer == NULL)
    return;
  if (self->asked == node)
    self->asked = NULL;

  if (fault == NULL)
    ranges = grel_redis_slots_parse_map (reply, node->address->host, &fault);
  node->has_failed = ranges == NULL;
  if (ranges != NULL)
    {
      grel_redis_cluster_set_map (self, ranges);
      self->funcs->up (self->owner);
      return;
    }
  if (self->map == NULL)
    grel_redis_cluster_request_map (self);
  grel_redis_cluster_check_hope (self, fault);
}

/* The addresses of the URI, for want of better ones. */
static void
grel_redis_cluster_add_seeds (GrelRedisCluster *self)
{
  for (guint i = 0; i < self->settings->addresses->len; i++)
    {
      GrelRedisNode *node
        = grel_redis_cluster_get_node (self, g_ptr_array_index (self->settings->addresses, i));

      if (!grel_redis_client_is_started (node->client))
        grel_redis_client_start (node->client);
    }
  self->is_wanted = TRUE;
  self->has_leftovers = FALSE;
}

/* One that doesn't answer is followed by another. */
static void
grel_redis_cluster_ask (GrelRedisCluster *self, GrelRedisNode *node)
{
  GrelRedisCommand *command = grel_redis_command_new (NULL, grel_redis_cluster_mapped);
  gint64 now = g_get_monotonic_time ();

  grel_redis_command_add (command, "CLUSTER");
  grel_redis_command_add (command, "SLOTS");
  command->data = node;
  command->deadline = now + self->settings->timeout;
  self->asked = node;
  self->asked_at = now;
  self->is_wanted = FALSE;
  self->refresh_at = now + self->settings->connect_timeout;
  grel_redis_timer_hasten (self->timer, self->refresh_at);
  grel_redis_node_send (node, command, FALSE);
}

static void
grel_redis_cluster_refresh (GrelRedisCluster *self)
{
  GrelRedisNode *node;

  self->refresh_at = G_MAXINT64;
  if (self->asked != NULL)
    self->asked->has_failed = TRUE;
  self->asked = NULL;

  node = grel_redis_cluster_pick_node (self, FALSE);
  if (node != NULL && grel_redis_client_is_up (node->client))
    grel_redis_cluster_ask (self, node);
  else
    grel_redis_cluster_add_seeds (self);
}

static void
grel_redis_cluster_node_up (gpointer owner)
{
  GrelRedisNode *node = owner;

  node->has_failed = FALSE;
  if (node->cluster->is_wanted)
    grel_redis_cluster_ask (node->cluster, node);
}

/* Attempts to connect come at random times that grow apart, and so do the questions. */
static void
grel_redis_cluster_node_down (gpointer owner, const GError *error)
{
  GrelRedisNode *node = owner;
  g_autoptr (GrelRedisCluster) self = g_atomic_rc_box_acquire (node->cluster);

  node->has_failed = TRUE;
  if (node->is_listed)
    grel_redis_cluster_request_map (self);
  else if (self->map != NULL)
    grel_redis_cluster_take_back (self);
  grel_redis_cluster_check_hope (self, error);
}

/* Takes the command. What puts something right is too good to be given up. */
static void
grel_redis_cluster_leave_circle (GrelRedisCluster *self, GrelRedisCommand *command)
{
  if (command->task == NULL)
    grel_redis_cluster_delay (self, command);
  else
    grel_redis_command_fail (command,
                             g_error_new_literal (GREL_ERROR, GREL_ERROR_BACKEND,
                                                  "the nodes of the cluster send it in a circle"));
}

/* Returns: whether that was the answer, and it goes on elsewhere */
static gboolean
grel_redis_cluster_redirect (GrelRedisCluster *self,
                             GrelRedisNode *from,
                             GrelRedisCommand *command,
                             const GrelRedisReply *reply)
{
  g_autoptr (GrelRedisAddress) address = NULL;
  GrelRedisNode *node;
  guint slot;

  address = grel_redis_slots_parse_redirection (reply, from->address->host, &slot);
  if (address == NULL)
    return FALSE;

  if (command->n_redirections == GREL_REDIS_MAX_REDIRECTIONS)
    {
      grel_redis_cluster_leave_circle (self, command);
      return TRUE;
    }

  node = grel_redis_cluster_get_node (self, address);
  command->n_redirections++;
  command->asks = grel_redis_reply_is_error (reply, "ASK");
  if (!command->asks && self->map != NULL && self->map[slot] != node)
    {
      node->is_listed = TRUE;
      self->map[slot] = node;
      grel_redis_cluster_request_map (self);
    }
  grel_redis_node_send (node, command, FALSE);
  return TRUE;
}

/* What a node refuses so it hasn't executed. */
static gboolean
grel_redis_cluster_node_refused (gpointer owner,
                                 GrelRedisCommand *command,
                                 const GrelRedisReply *reply)
{
  static const char *const codes[] = { "TRYAGAIN", "CLUSTERDOWN", "LOADING" };
  GrelRedisNode *node = owner;
  GrelRedisCluster *self = node->cluster;

  if (command->answered == grel_redis_cluster_mapped)
    return FALSE;
  if (grel_redis_cluster_redirect (self, node, command, reply))
    return TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (grel_redis_reply_is_error (reply, codes[i]))
      {
        grel_redis_cluster_request_map (self);
        grel_redis_cluster_delay (self, command);
        return TRUE;
      }
  return FALSE;
}

/* Nodes without slots that nobody waits for any more. */
static void
grel_redis_cluster_drop_leftovers (GrelRedisCluster *self, gint64 now)
{
  GHashTableIter iter;
  gpointer value;

  self->has_leftovers = FALSE;
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      GrelRedisNode *node = value;

      if (node->is_listed)
        continue;
      if (grel_redis_client_is_idle (node->client))
        g_hash_table_iter_remove (&iter);
      else
        self->has_leftovers = TRUE;
    }
  if (self->has_leftovers)
    grel_redis_timer_hasten (self->timer, now + G_TIME_SPAN_SECOND);
}

static void
grel_redis_cluster_retry (GrelRedisCluster *self, gint64 now)
{
  double seconds = self->settings->timeout / (double) G_TIME_SPAN_SECOND;
  GQueue due = G_QUEUE_INIT;
  GList *link;

  grel_redis_delays_take (&self->delayed, now, self->timer, &due);
  while ((link = g_queue_pop_head_link (&due)) != NULL)
    {
      GrelRedisCommand *command = link->data;
      GError *error = NULL;

      if (!grel_redis_command_is_wanted (command, &error))
        grel_redis_command_fail (command, error);
      else if (command->deadline > now)
        grel_redis_cluster_send (self, command, FALSE);
      else
        grel_redis_command_fail (command, g_error_new (GREL_ERROR, GREL_ERROR_BACKEND,
                                                       "no node of the cluster served its slot "
                                                       "within %g s",
                                                       seconds));
    }
}

static void
grel_redis_cluster_timer_fired (gpointer data)
{
  g_autoptr (GrelRedisCluster) self = g_atomic_rc_box_acquire (data);
  gint64 now = g_get_monotonic_time ();

  if (self->has_leftovers)
    grel_redis_cluster_drop_leftovers (self, now);
  if (self->refresh_at <= now)
    grel_redis_cluster_refresh (self);
  if (self->refresh_at < G_MAXINT64)
    grel_redis_timer_hasten (self->timer, self->refresh_at);
  grel_redis_cluster_retry (self, now);
}

void
grel_redis_cluster_start (GrelRedisCluster *self)
{
  self->timer = grel_redis_timer_new (grel_redis_cluster_timer_fired, self);
  grel_redis_cluster_add_seeds (self);
}

void
grel_redis_cluster_stop (GrelRedisCluster *self)
{
  g_autoptr (GrelRedisCluster) alive = g_atomic_rc_box_acquire (self);
  GQueue delayed = self->delayed;
  g_autoptr (GHashTable) nodes = g_steal_pointer (&self->nodes);
  GList *link;

  self->nodes = grel_redis_cluster_new_nodes ();
  g_clear_pointer (&self->timer, grel_redis_timer_free);
  g_clear_pointer (&self->map, g_free);
  g_queue_init (&self->delayed);
  self->asked = NULL;
  self->refresh_at = G_MAXINT64;

  g_hash_table_remove_all (nodes);
  while ((link = g_queue_pop_head_link (&delayed)) != NULL)
    grel_redis_command_close (link->data);
}

gboolean
grel_redis_cluster_is_up (GrelRedisCluster *self)
{
  return self->map != NULL;
}
