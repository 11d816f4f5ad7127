/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

/* A shop as an HTTP service: two routes sell from one stock, under one lock.
 *
 *   POST /sell/async    sells a piece on the event loop, where nothing may block
 *   POST /sell/thread   sells a piece on a worker thread, where blocking is fine
 *   GET  /stock         tells how many are left
 *
 * A sale reads the stock, takes a moment, and writes the stock back. Two of them at a time would
 * sell the same piece twice; the lock keeps them apart, whichever route they came by.
 */

#include <glib-unix.h>
#include <grelmicro/grelmicro.h>
#include <libsoup/soup.h>
#include <locale.h>

#define SHOP_MOMENT 2     /* what a sale takes, in milliseconds */
#define SHOP_WORKERS 8    /* how many sales can block a thread at a time */
#define SHOP_CAPACITY 256 /* how many requests can wait; each needs a file descriptor */

#define SHOP_ERROR (shop_error_quark ())

typedef enum
{
  SHOP_ERROR_SOLD_OUT,
  SHOP_ERROR_BUSY
} ShopError;

static G_DEFINE_QUARK (shop-error-quark, shop_error);

typedef struct
{
  GrelLock *lock;
  GTimeSpan patience;   /* how long a sale waits for the lock */
  int stock;            /* changes under the lock only */
  GThreadPool *workers; /* runs sale_run () */
  SoupServer *server;
  GSocketService *service;
  GMainLoop *loop;
  guint n_requests; /* that are not answered yet */
} Shop;

/* A sale in progress. It belongs to one thread at a time, the event loop's or a worker's. */
typedef struct
{
  Shop *shop;
  SoupServerMessage *message;
  GrelLease *lease; /* what makes the stock ours */
  gint64 token;
  int left;
  GError *error;
} Sale;

/* What an error means to the client. One that is not in here is a fault of this program. */
static const struct
{
  GQuark (*domain) (void);
  int code;
  guint status;
} shop_statuses[] = {
  { shop_error_quark, SHOP_ERROR_SOLD_OUT, SOUP_STATUS_CONFLICT },
  { shop_error_quark, SHOP_ERROR_BUSY, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_WOULD_BLOCK, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_TIMED_OUT, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_NOT_OWNED, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_BACKEND, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_NOT_OPEN, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_CLOSED, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { g_io_error_quark, G_IO_ERROR_CANCELLED, SOUP_STATUS_SERVICE_UNAVAILABLE },
};

static guint
shop_get_status (const GError *error)
{
  for (guint i = 0; i < G_N_ELEMENTS (shop_statuses); i++)
    {
      if (g_error_matches (error, shop_statuses[i].domain (), shop_statuses[i].code))
        return shop_statuses[i].status;
    }
  return SOUP_STATUS_INTERNAL_SERVER_ERROR;
}

/* Answers; takes the text. */
static void
shop_answer (SoupServerMessage *message, guint status, const char *type, char *text)
{
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, type, SOUP_MEMORY_TAKE, text, strlen (text));
}

static void
shop_answer_error (SoupServerMessage *message, const GError *error)
{
  guint status = shop_get_status (error);

  if (status == SOUP_STATUS_SERVICE_UNAVAILABLE)
    soup_message_headers_replace (soup_server_message_get_response_headers (message), "Retry-After",
                                  "1");
  shop_answer (message, status, "text/plain", g_strdup_printf ("%s\n", error->message));
}

/* The answer waits until sale_end (): in the meantime the event loop serves others. */
static Sale *
sale_new (Shop *shop, SoupServerMessage *message)
{
  Sale *self = g_new0 (Sale, 1);

  self->shop = shop;
  self->message = g_object_ref (message);
  soup_server_message_pause (message);
  return self;
}

/* On the event loop. */
static gboolean
sale_end (gpointer data)
{
  Sale *self = data;

  if (self->error == NULL)
    shop_answer (self->message, SOUP_STATUS_OK, "application/json",
                 g_strdup_printf ("{\"left\": %d, \"token\": %" G_GINT64_FORMAT "}\n", self->left,
                                  self->token));
  else
    shop_answer_error (self->message, self->error);
  soup_server_message_unpause (self->message);

  g_clear_object (&self->lease); /* dropping it releases the lock */
  g_object_unref (self->message);
  g_clear_error (&self->error);
  g_free (self);
  return G_SOURCE_REMOVE;
}

static gboolean
sale_read (Sale *self)
{
  self->left = g_atomic_int_get (&self->shop->stock) - 1;
  if (self->left >= 0)
    return TRUE;

  g_set_error_literal (&self->error, SHOP_ERROR, SHOP_ERROR_SOLD_OUT, "Sold out");
  return FALSE;
}

/* A store outside this process would get the fencing token as well, and refuse an older one. */
static void
sale_write (Sale *self)
{
  self->token = grel_lease_get_fencing_token (self->lease);
  if (grel_lease_is_valid (self->lease))
    g_atomic_int_set (&self->shop->stock, self->left);
  else
    g_set_error_literal (&self->error, GREL_ERROR, GREL_ERROR_NOT_OWNED, "The lock was lost");
}

/* The sale on the event loop: whenever it has to wait, the rest is left to a callback. */
static gboolean
sale_moment_over (gpointer data)
{
  sale_write (data);
  return sale_end (data);
}

static void
sale_acquired (GObject *lock, GAsyncResult *result, gpointer data)
{
  Sale *self = data;

  self->lease = grel_lock_acquire_finish (GREL_LOCK (lock), result, &self->error);
  if (self->lease != NULL && sale_read (self))
    g_timeout_add (SHOP_MOMENT, sale_moment_over, self);
  else
    sale_end (self);
}

/* The same sale on a worker thread: it waits where it stands. */
static gboolean
sale_take_moment (Sale *self)
{
  GCancellable *cancellable = grel_lease_get_cancellable (self->lease);
  GPollFD lost;

  if (g_cancellable_make_pollfd (cancellable, &lost))
    {
      g_poll (&lost, 1, SHOP_MOMENT);
      g_cancellable_release_fd (cancellable);
    }
  return !g_cancellable_set_error_if_cancelled (cancellable, &self->error);
}

static void
sale_run (gpointer data, gpointer pool_data)
{
  Sale *self = data;
  Shop *shop = self->shop;

  self->lease = grel_lock_acquire_from_thread (shop->lock, shop->patience, NULL, &self->error);
  if (self->lease != NULL && sale_read (self) && sale_take_moment (self))
    sale_write (self);
  g_clear_object (&self->lease);

  g_idle_add_full (G_PRIORITY_DEFAULT, sale_end, self, NULL);
}

static void
shop_quit_if_done (Shop *self)
{
  if (!g_socket_service_is_active (self->service) && self->n_requests == 0)
    g_main_loop_quit (self->loop);
}

/* What was begun is answered first. A second signal of the kind ends the program at once. */
static gboolean
shop_close (gpointer data)
{
  Shop *self = data;

  g_socket_service_stop (self->service);
  shop_quit_if_done (self);
  return G_SOURCE_REMOVE;
}

static void
shop_request_finished (SoupServerMessage *message, gpointer data)
{
  Shop *self = data;

  self->n_requests--;
  shop_quit_if_done (self);
}

/* Whether there is room for one more. */
static gboolean
shop_admit (Shop *self, SoupServerMessage *message, GError **error)
{
  self->n_requests++;
  g_signal_connect (message, "finished", G_CALLBACK (shop_request_finished), self);

  /* See shop_listen (). */
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection",
                                "close");

  if (self->n_requests <= SHOP_CAPACITY)
    return TRUE;

  g_set_error_literal (error, SHOP_ERROR, SHOP_ERROR_BUSY, "Too many requests at a time");
  return FALSE;
}

static void
shop_serve (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer data)
{
  Shop *self = data;
  g_autofree char *route
    = g_strdup_printf ("%s %s", soup_server_message_get_method (message), path);
  g_autoptr (GError) error = NULL;

  if (!shop_admit (self, message, &error))
    shop_answer_error (message, error);
  else if (g_str_equal (route, "POST /sell/async"))
    grel_lock_acquire_async (self->lock, self->patience, NULL, sale_acquired,
                             sale_new (self, message));
  else if (g_str_equal (route, "POST /sell/thread"))
    g_thread_pool_push (self->workers, sale_new (self, message), NULL);
  else if (g_str_equal (route, "GET /stock"))
    shop_answer (message, SOUP_STATUS_OK, "application/json",
                 g_strdup_printf ("{\"left\": %d}\n", g_atomic_int_get (&self->stock)));
  else
    shop_answer (message, SOUP_STATUS_NOT_FOUND, "text/plain", g_strdup ("No such route\n"));
}

static gboolean
shop_accept (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  Shop *self = data;
  g_autoptr (GSocketAddress) here = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) there = g_socket_connection_get_remote_address (connection, NULL);

  if (here != NULL && there != NULL)
    soup_server_accept_iostream (self->server, G_IO_STREAM (connection), here, there, NULL);
  return TRUE;
}

/* libsoup before 3.3.0 doesn't close a connection that was kept alive when its client does, and
 * runs out of file descriptors. It closes one that is handed to it after the first answer.
 * From 3.3.0 on soup_server_listen_local () does all of this, and keeps connections alive. */
static gboolean
shop_listen (Shop *self, int port, GError **error)
{
  g_autoptr (GSocketAddress) wanted = NULL;
  g_autoptr (GSocketAddress) address = NULL;
  g_autofree char *uri = NULL;

  if (port < 0 || port > G_MAXUINT16)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "There is no such port");
      return FALSE;
    }

  wanted = g_inet_socket_address_new_from_string ("127.0.0.1", port);
  g_socket_listener_set_backlog (G_SOCKET_LISTENER (self->service), SHOP_CAPACITY);
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), wanted,
                                      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &address,
                                      error))
    return FALSE;

  uri = g_strdup_printf ("http://127.0.0.1:%u",
                         g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
  g_print ("Listening on %s; try\n"
           "  curl -X POST %s/sell/async\n"
           "  curl -X POST %s/sell/thread\n"
           "  curl %s/stock\n",
           uri, uri, uri, uri);
  return TRUE;
}

static gboolean
shop_run (Shop *self, int port, GError **error)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GrelLock) lock = grel_lock_new ("stock");
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (SoupServer) server = soup_server_new (NULL, NULL);
  g_autoptr (GSocketService) service = g_socket_service_new ();
  gboolean succeeded;

  self->lock = lock;
  self->loop = loop;
  self->workers = g_thread_pool_new (sale_run, NULL, SHOP_WORKERS, FALSE, NULL);
  self->server = server;
  self->service = service;
  soup_server_add_handler (server, NULL, shop_serve, self, NULL);
  g_signal_connect (service, "incoming", G_CALLBACK (shop_accept), self);
  g_unix_signal_add (SIGINT, shop_close, self);
  g_unix_signal_add (SIGTERM, shop_close, self);

  succeeded = shop_listen (self, port, error) && grel_app_run (app, loop, error);
  g_thread_pool_free (self->workers, FALSE, TRUE);
  return succeeded;
}

int
main (int argc, char **argv)
{
  Shop shop = { .stock = 100 };
  int port = 8080;
  double patience = 5;
  const GOptionEntry options[] = {
    { "port", 'p', 0, G_OPTION_ARG_INT, &port, "Where to listen; 0 is any free port", "8080" },
    { "stock", 's', 0, G_OPTION_ARG_INT, &shop.stock, "How many pieces there are", "100" },
    { "patience", 0, 0, G_OPTION_ARG_DOUBLE, &patience, "Seconds to wait for the lock", "5" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, options, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error))
    {
      shop.patience = patience * G_TIME_SPAN_SECOND;
      if (shop_run (&shop, port, &error))
        return 0;
    }
  g_printerr ("%s: %s\n", g_get_prgname (), error->message);
  return 1;
}
