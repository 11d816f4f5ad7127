/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-proxy.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

struct _GrelTestProxy
{
  GSocketListener *listener;
  guint port;
  char *target;
  GThread *thread;
  GPtrArray *pumps; /* (element-type GThread); of the accepting thread */
  GCancellable *ended;
  GBytes *answer;
  int n_left; /* until the cut; -1 is never */
  int n_cuts;
  int hangs;
  int n_connections;
  int n_packets;
};

typedef struct
{
  GrelTestProxy *proxy;
  GSocketConnection *client;
  GSocketConnection *server; /* NULL without a target */
  gboolean has_answered;
} Pump;

/* Returns: how many of the bytes may still pass */
static gsize
grel_test_proxy_count (GrelTestProxy *self, gsize length)
{
  int n_left = g_atomic_int_get (&self->n_left);

  if (n_left < 0)
    return length;
  if (n_left > (int) length)
    {
      g_atomic_int_add (&self->n_left, -(int) length);
      return length;
    }

  g_atomic_int_set (&self->n_left, -1);
  g_atomic_int_inc (&self->n_cuts);
  return n_left;
}

static gboolean
pump_move (Pump *self, GSocketConnection *from, GSocketConnection *to)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (from));
  char buffer[65536];
  gssize n = g_input_stream_read (input, buffer, sizeof buffer, NULL, NULL);
  guint n_cuts = g_atomic_int_get (&self->proxy->n_cuts);
  gsize n_passing;

  if (n <= 0)
    return FALSE;
  if (from == self->client)
    g_atomic_int_inc (&self->proxy->n_packets);

  n_passing = grel_test_proxy_count (self->proxy, n);
  return g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (to)), buffer,
                                    n_passing, NULL, NULL, NULL)
         && n_cuts == (guint) g_atomic_int_get (&self->proxy->n_cuts);
}

static gboolean
pump_answer (Pump *self)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (self->client));
  GBytes *answer = self->proxy->answer;
  char buffer[65536];

  if (g_input_stream_read (input, buffer, sizeof buffer, NULL, NULL) <= 0)
    return FALSE;
  g_atomic_int_inc (&self->proxy->n_packets);
  if (answer == NULL || self->has_answered)
    return TRUE;

  self->has_answered = TRUE;
  return g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (self->client)),
                                    g_bytes_get_data (answer, NULL), g_bytes_get_size (answer),
                                    NULL, NULL, NULL);
}

static gboolean
pump_is_ready (GSocketConnection *connection)
{
  return connection != NULL
         && g_socket_condition_check (g_socket_connection_get_socket (connection), G_IO_IN) != 0;
}

static void
pump_wait (Pump *self)
{
  GPollFD fds[] = {
    { g_socket_get_fd (g_socket_connection_get_socket (self->client)), G_IO_IN, 0 },
    { self->server != NULL ? g_socket_get_fd (g_socket_connection_get_socket (self->server)) : -1,
      G_IO_IN, 0 },
  };

  if (g_atomic_int_get (&self->proxy->hangs))
    g_usleep (1000);
  else
    g_poll (fds, self->server != NULL ? 2 : 1, 10);
}

static gpointer
pump_run (gpointer data)
{
  g_autofree Pump *self = data;
  gboolean goes_on = TRUE;

  while (goes_on && !g_cancellable_is_cancelled (self->proxy->ended))
    {
      pump_wait (self);
      if (g_atomic_int_get (&self->proxy->hangs))
        continue;
      if (pump_is_ready (self->client))
        goes_on = self->server != NULL ? pump_move (self, self->client, self->server)
                                       : pump_answer (self);
      if (goes_on && pump_is_ready (self->server))
        goes_on = pump_move (self, self->server, self->client);
    }
  g_object_unref (self->client);
  g_clear_object (&self->server);
  return NULL;
}

static void
grel_test_proxy_serve (GrelTestProxy *self, GSocketConnection *client)
{
  g_autoptr (GSocketClient) connector = g_socket_client_new ();
  GSocketConnection *server = NULL;
  Pump *pump;

  g_atomic_int_inc (&self->n_connections);
  if (self->target != NULL)
    {
      g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->target);

      server = g_socket_client_connect (connector, G_SOCKET_CONNECTABLE (address), NULL, NULL);
      if (server == NULL)
        {
          g_object_unref (client);
          return;
        }
    }

  pump = g_new0 (Pump, 1);
  pump->proxy = self;
  pump->client = client;
  pump->server = server;
  g_ptr_array_add (self->pumps, g_thread_new ("pump", pump_run, pump));
}

static gpointer
grel_test_proxy_run (gpointer data)
{
  GrelTestProxy *self = data;
  GSocketConnection *client;

  while ((client = g_socket_listener_accept (self->listener, NULL, self->ended, NULL)) != NULL)
    grel_test_proxy_serve (self, client);
  return NULL;
}

GrelTestProxy *
grel_test_proxy_new (const char *target)
{
  GrelTestProxy *self = g_new0 (GrelTestProxy, 1);
  g_autoptr (GSocketAddress) loopback = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  self->target = g_strdup (target);
  self->n_left = -1;
  self->ended = g_cancellable_new ();
  self->pumps = g_ptr_array_new ();
  self->listener = g_socket_listener_new ();
  g_socket_listener_add_address (self->listener, loopback, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP, NULL, &address, &error);
  g_assert_no_error (error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  self->thread = g_thread_new ("proxy", grel_test_proxy_run, self);
  return self;
}

void
grel_test_proxy_free (GrelTestProxy *self)
{
  g_cancellable_cancel (self->ended);
  g_thread_join (self->thread);
  for (guint i = 0; i < self->pumps->len; i++)
    g_thread_join (g_ptr_array_index (self->pumps, i));
  g_ptr_array_unref (self->pumps);
  g_socket_listener_close (self->listener);
  g_object_unref (self->listener);
  g_object_unref (self->ended);
  g_clear_pointer (&self->answer, g_bytes_unref);
  g_free (self->target);
  g_free (self);
}

char *
grel_test_proxy_get_uri (GrelTestProxy *self, const char *query)
{
  return g_strdup_printf ("redis://127.0.0.1:%u%s%s", self->port, query != NULL ? "?" : "",
                          query != NULL ? query : "");
}

void
grel_test_proxy_set_answer (GrelTestProxy *self, const char *answer, gsize length)
{
  self->answer = g_bytes_new (answer, length);
}

void
grel_test_proxy_cut_after (GrelTestProxy *self, int n_bytes)
{
  g_atomic_int_set (&self->n_left, n_bytes);
}

gboolean
grel_test_proxy_is_about_to_cut (GrelTestProxy *self)
{
  return g_atomic_int_get (&self->n_left) >= 0;
}

void
grel_test_proxy_set_hangs (GrelTestProxy *self, gboolean hangs)
{
  g_atomic_int_set (&self->hangs, hangs);
}

guint
grel_test_proxy_get_n_connections (GrelTestProxy *self)
{
  return g_atomic_int_get (&self->n_connections);
}

guint
grel_test_proxy_get_n_packets (GrelTestProxy *self)
{
  return g_atomic_int_get (&self->n_packets);
}
