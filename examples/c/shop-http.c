/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "shop-http.h"

#define HTTP_BACKLOG 256 /* how many connections can wait */

/* libsoup before 3.3.0 doesn't close a connection that was kept alive when its client does, and
 * runs out of file descriptors. It closes one that is handed to it after the first answer, and
 * should say so. From 3.3.0 on soup_server_listen_local () does all of this file, and keeps
 * connections alive. */
static gboolean
http_server_accept (GSocketService *service,
                    GSocketConnection *connection,
                    GObject *source,
                    gpointer soup)
{
  g_autoptr (GSocketAddress) here = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) there = g_socket_connection_get_remote_address (connection, NULL);

  if (here != NULL && there != NULL)
    soup_server_accept_iostream (soup, G_IO_STREAM (connection), here, there, NULL);
  return TRUE;
}

static void
http_server_started (SoupServer *soup, SoupServerMessage *message, gpointer data)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection",
                                "close");
}

static gboolean
http_server_listen (HttpServer *self, guint16 port, GError **error)
{
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new_from_string ("127.0.0.1", port);
  g_autoptr (GSocketAddress) address = NULL;

  g_socket_listener_set_backlog (G_SOCKET_LISTENER (self->service), HTTP_BACKLOG);
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), wanted,
                                      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &address,
                                      error))
    return FALSE;

  self->uri = g_strdup_printf ("http://127.0.0.1:%u",
                               g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
  return TRUE;
}

/* Port 0 is any free one. */
gboolean
http_server_open (HttpServer *self,
                  int port,
                  SoupServerCallback serve,
                  gpointer data,
                  GError **error)
{
  if (port < 0 || port > G_MAXUINT16)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "There is no such port");
      return FALSE;
    }

  self->soup = soup_server_new (NULL, NULL);
  self->service = g_socket_service_new ();
  soup_server_add_handler (self->soup, NULL, serve, data, NULL);
  g_signal_connect (self->soup, "request-started", G_CALLBACK (http_server_started), NULL);
  g_signal_connect (self->service, "incoming", G_CALLBACK (http_server_accept), self->soup);
  return http_server_listen (self, port, error);
}

void
http_server_clear (HttpServer *self)
{
  g_clear_object (&self->service);
  g_clear_object (&self->soup);
  g_clear_pointer (&self->uri, g_free);
}

/* Takes the text. */
void
http_answer (SoupServerMessage *message, guint status, const char *type, char *text)
{
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, type, SOUP_MEMORY_TAKE, text, strlen (text));
}
