/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <libsoup/soup.h>

/* An HTTP server on a port of this host. */
typedef struct
{
  SoupServer *soup;
  GSocketService *service; /* takes new connections while it is active */
  char *uri;
} HttpServer;

gboolean http_server_open (HttpServer *self,
                           int port,
                           SoupServerCallback serve,
                           gpointer data,
                           GError **error);
void http_server_clear (HttpServer *self);

void http_answer (SoupServerMessage *message, guint status, const char *type, char *text);
