/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/redis/grel-redis-command-private.h>
#include <grelmicro/redis/grel-redis-connection-private.h>

#include <gio/gnetworking.h>
#include <gio/gunixsocketaddress.h>
#include <hiredis/read.h>
#include <string.h>
#include <sys/socket.h>

#define GREL_REDIS_BUFFER 16384

/* The source of the main context that watches the socket is the connection itself. */
struct _GrelRedisConnection
{
  GSource source;
  const GrelRedisSettings *settings;
  const GrelRedisConnectionFuncs *funcs; /* NULL: closed */
  gpointer owner;
  GMainContext *context;
  guint generation; /* of the process whose connection it is: a child of fork () has a copy */
  GCancellable *cancellable;
  GTlsDatabase *database; /* nullable: that of the system */
  GSocketConnection *stream;
  GPollableInputStream *input;   /* of stream, and not a reference */
  GPollableOutputStream *output; /* likewise */
  gpointer input_tag;            /* NULL with TLS */
  GSource *blocked;              /* a child source: until the socket takes more */
  GrelRedisReader *reader;
  GByteArray *collected; /* what is to be sent next */
  GByteArray *leaving;   /* what is being sent, from n_left on */
  gsize n_left;
  guint n_greetings; /* replies to what it said first that are still to come */
  GError *error;     /* found where nobody may be called */
};

/* hiredis parses; the objects it makes are ours. */

static void *
grel_redis_reader_add (const redisReadTask *task, GrelRedisReply *reply)
{
  if (task->parent != NULL)
    g_ptr_array_add (((GrelRedisReply *) task->parent->obj)->elements, reply);
  return reply;
}

static void *
grel_redis_reader_create_text (const redisReadTask *task, char *text, size_t length)
{
  gboolean is_error = task->type == REDIS_REPLY_ERROR;
  GrelRedisReply *reply = grel_redis_reply_new (is_error ? GREL_REDIS_ERROR : GREL_REDIS_TEXT);

  reply->text = g_ref_string_new_len (text, length);
  reply->length = length;
  return grel_redis_reader_add (task, reply);
}

static void *
grel_redis_reader_create_array (const redisReadTask *task, int n_elements)
{
  return grel_redis_reader_add (task, grel_redis_reply_new (GREL_REDIS_ARRAY));
}

static void *
grel_redis_reader_create_integer (const redisReadTask *task, long long integer)
{
  GrelRedisReply *reply = grel_redis_reply_new (GREL_REDIS_INTEGER);

  reply->integer = integer;
  return grel_redis_reader_add (task, reply);
}

static void *
grel_redis_reader_create_nil (const redisReadTask *task)
{
  return grel_redis_reader_add (task, grel_redis_reply_new (GREL_REDIS_NIL));
}

static void
grel_redis_reader_free_reply (void *reply)
{
  if (reply != NULL)
    grel_redis_reply_unref (reply);
}

GrelRedisReader *
grel_redis_reader_new (void)
{
  static redisReplyObjectFunctions functions = {
    grel_redis_reader_create_text, grel_redis_reader_create_array, grel_redis_reader_create_integer,
    grel_redis_reader_create_nil,  grel_redis_reader_free_reply,
  };

  return (GrelRedisReader *) redisReaderCreateWithFunctions (&functions);
}

void
grel_redis_reader_free (GrelRedisReader *self)
{
  redisReaderFree ((redisReader *) self);
}

void
grel_redis_reader_feed (GrelRedisReader *self, const char *data, gsize length)
{
  redisReaderFeed ((redisReader *) self, data, length);
}

GrelRedisReply *
grel_redis_reader_take (GrelRedisReader *self, GError **error)
{
  void *reply = NULL;

  if (redisReaderGetReply ((redisReader *) self, &reply) == REDIS_OK)
    return reply;

  g_set_error_literal (error, GREL_ERROR, GREL_ERROR_BACKEND,
                       "the server doesn't speak the protocol; is it a Redis?");
  return NULL;
}

/* Closing the socket before the stream: that of TLS would wait to say goodbye. */
static void
grel_redis_connection_end (GrelRedisConnection *self, gboolean at_once)
{
  static const struct linger linger = { .l_onoff = 1 };
  GSocket *socket = NULL;

  self->funcs = NULL;
  g_cancellable_cancel (self->cancellable);
  if (self->stream != NULL)
    socket = g_socket_connection_get_socket (self->stream);
  if (socket != NULL && at_once)
    setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  g_source_destroy (&self->source);
  if (socket != NULL)
    g_socket_close (socket, NULL);
  g_source_unref (&self->source);
}

static void
grel_redis_connection_fail (GrelRedisConnection *self, const GError *error)
{
  const GrelRedisConnectionFuncs *funcs = self->funcs;
  gpointer owner = self->owner;

  grel_redis_connection_end (self, TRUE);
  funcs->lost (owner, error);
}

/* Returns: whether the socket took everything, or has failed */
static gboolean
grel_redis_connection_write (GrelRedisConnection *self, GError **error)
{
  while (self->n_left < self->leaving->len)
    {
      gssize n = g_pollable_output_stream_write_nonblocking (self->output,
                                                             self->leaving->data + self->n_left,
                                                             self->leaving->len - self->n_left,
                                                             NULL, error);

      if (n < 0)
        return FALSE;
      self->n_left += n;
    }
  return TRUE;
}

/* TLS wants to be given the same bytes again after it was blocked, hence two buffers. */
static void
grel_redis_connection_flush (GrelRedisConnection *self)
{
  g_autoptr (GError) error = NULL;

  while (error == NULL && (self->n_left < self->leaving->len || self->collected->len > 0))
    {
      if (self->n_left == self->leaving->len)
        {
          GByteArray *sent = self->leaving;

          self->leaving = self->collected;
          self->collected = sent;
          self->n_left = 0;
          g_byte_array_set_size (sent, 0);
        }
      grel_redis_connection_write (self, &error);
    }

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      self->blocked = g_pollable_output_stream_create_source (self->output, NULL);
      g_source_set_dummy_callback (self->blocked);
      g_source_add_child_source (&self->source, self->blocked);
    }
  else if (error != NULL && self->error == NULL)
    self->error = g_steal_pointer (&error);
}

static gboolean
grel_redis_connection_prepare (GSource *source, int *timeout)
{
  GrelRedisConnection *self = (GrelRedisConnection *) source;

  *timeout = -1;
  if (self->generation != grel_identity_get_generation ())
    {
      g_source_destroy (source);
      return FALSE;
    }

  if (self->blocked == NULL && self->error == NULL)
    grel_redis_connection_flush (self);
  return self->error != NULL;
}

static gboolean
grel_redis_connection_check (GSource *source)
{
  GrelRedisConnection *self = (GrelRedisConnection *) source;

  return self->input_tag != NULL && g_source_query_unix_fd (source, self->input_tag) != 0;
}

/* Sentinels may be behind the times, and a server that was the master may have been demoted since.
 */
static gboolean
grel_redis_connection_asks_role (GrelRedisConnection *self)
{
  return self->settings->topology == GREL_REDIS_SENTINEL;
}

static void
grel_redis_connection_greeted (GrelRedisConnection *self, const GrelRedisReply *reply)
{
  g_autoptr (GError) error = NULL;

  self->n_greetings--;
  if (!grel_redis_reply_check (reply, &error)
      || (grel_redis_connection_asks_role (self) && self->n_greetings == 0
          && !grel_redis_reply_check_master (reply, &error)))
    {
      g_prefix_error (&error, "logging in: ");
      grel_redis_connection_fail (self, error);
    }
  else if (self->n_greetings == 0)
    self->funcs->opened (self->owner);
}

/* Each reply may end the connection. */
static void
grel_redis_connection_take (GrelRedisConnection *self)
{
  g_autoptr (GError) error = NULL;

  while (self->funcs != NULL)
    {
      g_autoptr (GrelRedisReply) reply = grel_redis_reader_take (self->reader, &error);

      if (error != NULL)
        grel_redis_connection_fail (self, error);
      if (reply == NULL)
        return;
      if (self->n_greetings > 0)
        grel_redis_connection_greeted (self, reply);
      else
        self->funcs->received (self->owner, reply);
    }
}

static void
grel_redis_connection_read (GrelRedisConnection *self)
{
  gssize n = GREL_REDIS_BUFFER;

  while (self->funcs != NULL && n == GREL_REDIS_BUFFER)
    {
      g_autoptr (GError) error = NULL;
      char buffer[GREL_REDIS_BUFFER];

      n = g_pollable_input_stream_read_nonblocking (self->input, buffer, sizeof buffer, NULL,
                                                    &error);
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return;
      if (n == 0)
        g_set_error_literal (&error, GREL_ERROR, GREL_ERROR_BACKEND,
                             "the server closed the connection");
      if (error != NULL)
        {
          grel_redis_connection_fail (self, error);
          return;
        }
      grel_redis_reader_feed (self->reader, buffer, n);
      grel_redis_connection_take (self);
    }
}

static gboolean
grel_redis_connection_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  GrelRedisConnection *self = (GrelRedisConnection *) source;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (self->context);
  g_autoptr (GSource) alive = g_source_ref (source);

  if (self->blocked != NULL)
    {
      g_source_remove_child_source (source, self->blocked);
      g_clear_pointer (&self->blocked, g_source_unref);
    }
  if (self->error != NULL)
    grel_redis_connection_fail (self, self->error);
  else
    grel_redis_connection_read (self);
  return G_SOURCE_CONTINUE;
}

/* In a child of fork () saying goodbye would end the connection of the parent. */
static void
grel_redis_connection_finalize (GSource *source)
{
  GrelRedisConnection *self = (GrelRedisConnection *) source;

  if (self->generation == grel_identity_get_generation ())
    g_clear_object (&self->stream);
  g_clear_pointer (&self->blocked, g_source_unref);
  g_clear_object (&self->database);
  g_clear_error (&self->error);
  g_object_unref (self->cancellable);
  g_main_context_unref (self->context);
  g_byte_array_unref (self->collected);
  g_byte_array_unref (self->leaving);
  grel_redis_reader_free (self->reader);
}

static GSourceFuncs grel_redis_connection_source_funcs = {
  .prepare = grel_redis_connection_prepare,
  .check = grel_redis_connection_check,
  .dispatch = grel_redis_connection_dispatch,
  .finalize = grel_redis_connection_finalize,
};

static void
grel_redis_connection_greet (GrelRedisConnection *self, const char *const *words)
{
  grel_redis_write_words (self->collected, words);
  self->n_greetings++;
}

/* All in one write. The PING makes sure that there is an answer: who gets it knows that the server
 * has seen the end of the connection before this one. */
static void
grel_redis_connection_log_in (GrelRedisConnection *self)
{
  const GrelRedisSettings *settings = self->settings;

  if (settings->user != NULL)
    grel_redis_connection_greet (self, (const char *[]){ "AUTH", settings->user, settings->password,
                                                         NULL });
  else if (settings->password != NULL)
    grel_redis_connection_greet (self, (const char *[]){ "AUTH", settings->password, NULL });
  if (settings->database != 0)
    {
      g_autofree char *database = g_strdup_printf ("%u", settings->database);

      grel_redis_connection_greet (self, (const char *[]){ "SELECT", database, NULL });
    }
  if (settings->client_name != NULL)
    grel_redis_connection_greet (self, (const char *[]){ "CLIENT", "SETNAME", settings->client_name,
                                                         NULL });
  grel_redis_connection_greet (self, (const char *[]){ "PING", NULL });
  if (grel_redis_connection_asks_role (self))
    grel_redis_connection_greet (self, (const char *[]){ "ROLE", NULL });
}

static void
grel_redis_connection_set_up_socket (GrelRedisConnection *self, GSocket *socket)
{
  g_socket_set_blocking (socket, FALSE);
  if (g_socket_get_family (socket) != G_SOCKET_FAMILY_UNIX)
    {
      g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
      g_socket_set_keepalive (socket, TRUE);
      g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPIDLE, 15, NULL);
      g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPINTVL, 5, NULL);
      g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPCNT, 3, NULL);
    }

  /* With TLS bytes may be there that the socket doesn't know of any more. */
  if (self->settings->uses_tls)
    {
      g_autoptr (GSource) input = g_pollable_input_stream_create_source (self->input, NULL);

      g_source_set_dummy_callback (input);
      g_source_add_child_source (&self->source, input);
    }
  else
    self->input_tag = g_source_add_unix_fd (&self->source, g_socket_get_fd (socket),
                                            G_IO_IN | G_IO_HUP | G_IO_ERR);
}

static void
grel_redis_connection_connected (GObject *client, GAsyncResult *result, gpointer data)
{
  g_autoptr (GSource) source = data;
  GrelRedisConnection *self = data;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (self->context);
  g_autoptr (GError) error = NULL;

  self->stream = g_socket_client_connect_finish (G_SOCKET_CLIENT (client), result, &error);
  if (self->funcs == NULL || self->generation != grel_identity_get_generation ())
    return;
  if (error != NULL)
    {
      grel_redis_connection_fail (self, error);
      return;
    }

  self->input = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (G_IO_STREAM (self->stream)));
  self->output
    = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (G_IO_STREAM (self->stream)));
  grel_redis_connection_set_up_socket (self, g_socket_connection_get_socket (self->stream));
  grel_redis_connection_log_in (self);
  g_source_attach (&self->source, self->context);
}

static void
grel_redis_connection_event (GSocketClient *client,
                             GSocketClientEvent event,
                             GSocketConnectable *connectable,
                             GIOStream *stream,
                             gpointer database)
{
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_tls_connection_set_database (G_TLS_CONNECTION (stream), database);
}

static void
grel_redis_connection_connect (GrelRedisConnection *self, const GrelRedisAddress *address)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) server = NULL;

  if (address->host != NULL)
    server = g_network_address_new (address->host, address->port);
  else
    server = G_SOCKET_CONNECTABLE (g_unix_socket_address_new (address->path));

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_tls (client, self->settings->uses_tls);
  if (self->database != NULL)
    g_signal_connect_object (client, "event", G_CALLBACK (grel_redis_connection_event),
                             self->database, 0);
  g_socket_client_connect_async (client, server, self->cancellable, grel_redis_connection_connected,
                                 g_source_ref (&self->source));
}

GrelRedisConnection *
grel_redis_connection_new (const GrelRedisSettings *settings,
                           const GrelRedisAddress *address,
                           const GrelRedisConnectionFuncs *funcs,
                           gpointer owner,
                           GError **error)
{
  g_autoptr (GTlsDatabase) database = NULL;
  GrelRedisConnection *self;
  GSource *source;

  if (settings->ca_file != NULL
      && (database = g_tls_file_database_new (settings->ca_file, error)) == NULL)
    return NULL;

  source = g_source_new (&grel_redis_connection_source_funcs, sizeof (GrelRedisConnection));
  g_source_set_static_name (source, "[grelmicro] redis");
  g_source_set_can_recurse (source, TRUE);
  self = (GrelRedisConnection *) source;
  self->settings = settings;
  self->funcs = funcs;
  self->owner = owner;
  self->context = g_main_context_ref_thread_default ();
  self->generation = grel_identity_get_generation ();
  self->cancellable = g_cancellable_new ();
  self->database = g_steal_pointer (&database);
  self->reader = grel_redis_reader_new ();
  self->collected = g_byte_array_new ();
  self->leaving = g_byte_array_new ();
  grel_redis_connection_connect (self, address);

  return self;
}

void
grel_redis_connection_poll (GrelRedisConnection *self)
{
  g_autoptr (GSource) alive = g_source_ref (&self->source);

  if (self->input != NULL)
    grel_redis_connection_read (self);
}

GByteArray *
grel_redis_connection_get_output (GrelRedisConnection *self)
{
  return self->collected;
}

void
grel_redis_connection_close (GrelRedisConnection *self)
{
  if (self->output != NULL && self->blocked == NULL)
    grel_redis_connection_flush (self);
  grel_redis_connection_end (self, FALSE);
}

void
grel_redis_connection_abort (GrelRedisConnection *self)
{
  grel_redis_connection_end (self, TRUE);
}
