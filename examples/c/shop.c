/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

/* A shop as an HTTP service: it sells from one stock under one lock, and its customers pay at one
 * bank through one circuit breaker.
 *
 *   POST /sell/async    sells a piece on the event loop, where nothing may block
 *   POST /sell/thread   sells a piece on a worker thread, where blocking is fine
 *   GET  /stock         tells how many are left
 *   POST /pay/async     pays on the event loop
 *   POST /pay/thread    pays on a worker thread
 *   GET  /breaker       tells what the circuit breaker has seen
 *   GET  /catalogue/async, /catalogue/thread
 *                       tells what there is to buy, likewise
 *
 * A sale reads the stock, takes a moment, and writes the stock back. Two of them at a time would
 * sell the same piece twice; the lock keeps them apart, whichever route they came by. Several shops
 * sell from one stock when they share a lock, by GREL_URL, and the stock, by --stock-file.
 *
 * A payment asks the bank (shop-bank.c), which fails now and then; shop-payment.c is where the
 * circuit breaker keeps customers from waiting for a bank that is down. A catalogue takes a while
 * to make; in shop-catalogue.c a cache sees to it that this is done once for all who ask.
 */

#include "shop-bank.h"
#include "shop-catalogue.h"
#include "shop-http.h"
#include "shop-payment.h"
#include "shop-stock.h"

#include <glib-unix.h>
#include <grelmicro/grelmicro.h>
#include <locale.h>

#define SHOP_MOMENT 2     /* what a sale takes, in milliseconds */
#define SHOP_LEASE 2      /* how long others wait for a shop that died with the lock, in seconds */
#define SHOP_WORKERS 8    /* how many orders can block a thread at a time */
#define SHOP_CAPACITY 256 /* how many requests can wait; a payment needs 3 file descriptors */

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
  GTimeSpan patience; /* how long a sale waits for the lock */
  Stock stock;        /* changes under the lock only */
  Bank bank;
  PaymentClient *payments;
  Catalogue *catalogue;
  GTimeSpan reset_timeout; /* how long an open circuit refuses payments */
  GThreadPool *workers;    /* runs order_run () */
  HttpServer http;
  GMainLoop *loop;
  guint n_requests; /* that are not answered yet */
} Shop;

typedef struct _Order Order;

/* A request in progress. It belongs to one thread at a time, the event loop's or a
 * worker's. */
struct _Order
{
  Shop *shop;
  SoupServerMessage *message;
  void (*work) (Order *self); /* what a worker does for it */
  GrelLease *lease;           /* what makes the stock ours */
  int left;
  char *receipt; /* the answer as JSON, or else the error */
  GError *error;
};

/* What an error means to the client. One that is not in here is a fault of this program. */
static const struct
{
  GQuark (*domain) (void);
  int code;
  guint status;
} shop_statuses[] = {
  { shop_error_quark, SHOP_ERROR_SOLD_OUT, SOUP_STATUS_CONFLICT },
  { shop_error_quark, SHOP_ERROR_BUSY, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { g_io_error_quark, G_IO_ERROR_PERMISSION_DENIED, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_WOULD_BLOCK, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_TIMED_OUT, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_NOT_OWNED, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_BACKEND, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_NOT_OPEN, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_CLOSED, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { g_io_error_quark, G_IO_ERROR_CANCELLED, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { grel_error_quark, GREL_ERROR_CIRCUIT_OPEN, SOUP_STATUS_SERVICE_UNAVAILABLE },
  { payment_error_quark, PAYMENT_ERROR_FAILED, SOUP_STATUS_BAD_GATEWAY },
  { g_io_error_quark, G_IO_ERROR_TIMED_OUT, SOUP_STATUS_GATEWAY_TIMEOUT },
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

/* Only an open circuit knows when it makes sense to come back; a second is a guess. */
static void
shop_set_retry_after (SoupServerMessage *message, const GError *error)
{
  GTimeSpan wait = MAX (grel_error_get_retry_after (error), 1);
  g_autofree char *seconds
    = g_strdup_printf ("%" G_GINT64_FORMAT, (wait - 1) / G_TIME_SPAN_SECOND + 1);

  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Retry-After",
                                seconds);
}

static void
shop_answer_error (SoupServerMessage *message, const GError *error)
{
  guint status = shop_get_status (error);

  if (status == SOUP_STATUS_SERVICE_UNAVAILABLE)
    shop_set_retry_after (message, error);
  http_answer (message, status, "text/plain", g_strdup_printf ("%s\n", error->message));
}

/* The answer waits until order_end (): in the meantime the event loop serves others. */
static Order *
order_new (Shop *shop, SoupServerMessage *message)
{
  Order *self = g_new0 (Order, 1);

  self->shop = shop;
  self->message = g_object_ref (message);
  soup_server_message_pause (message);
  return self;
}

/* On the event loop. */
static gboolean
order_end (gpointer data)
{
  Order *self = data;

  if (self->error == NULL)
    http_answer (self->message, SOUP_STATUS_OK, "application/json",
                 g_steal_pointer (&self->receipt));
  else
    shop_answer_error (self->message, self->error);
  soup_server_message_unpause (self->message);

  g_clear_object (&self->lease); /* dropping it releases the lock */
  g_object_unref (self->message);
  g_clear_error (&self->error);
  g_free (self);
  return G_SOURCE_REMOVE;
}

/* On a worker thread. */
static void
order_run (gpointer data, gpointer pool_data)
{
  Order *self = data;

  self->work (self);
  g_idle_add_full (G_PRIORITY_DEFAULT, order_end, self, NULL);
}

static gboolean
sale_read (Order *self)
{
  if (!stock_read (&self->shop->stock, &self->left, &self->error))
    return FALSE;
  if (--self->left >= 0)
    return TRUE;

  g_set_error_literal (&self->error, SHOP_ERROR, SHOP_ERROR_SOLD_OUT, "Sold out");
  return FALSE;
}

static void
sale_write (Order *self)
{
  gint64 token = grel_lease_get_fencing_token (self->lease);

  if (!grel_lease_is_valid (self->lease))
    g_set_error_literal (&self->error, GREL_ERROR, GREL_ERROR_NOT_OWNED, "The lock was lost");
  else if (stock_write (&self->shop->stock, self->left, token, &self->error))
    self->receipt
      = g_strdup_printf ("{\"left\": %d, \"token\": %" G_GINT64_FORMAT "}\n", self->left, token);
}

/* The sale on the event loop: whenever it has to wait, the rest is left to a callback. */
static gboolean
sale_moment_over (gpointer data)
{
  sale_write (data);
  return order_end (data);
}

static void
sale_acquired (GObject *lock, GAsyncResult *result, gpointer data)
{
  Order *self = data;

  self->lease = grel_lock_acquire_finish (GREL_LOCK (lock), result, &self->error);
  if (self->lease != NULL && sale_read (self))
    g_timeout_add (SHOP_MOMENT, sale_moment_over, self);
  else
    order_end (self);
}

/* The same sale on a worker thread: it waits where it stands. */
static gboolean
sale_take_moment (Order *self)
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
sale_work (Order *self)
{
  Shop *shop = self->shop;

  self->lease = grel_lock_acquire_from_thread (shop->lock, shop->patience, NULL, &self->error);
  if (self->lease != NULL && sale_read (self) && sale_take_moment (self))
    sale_write (self);
  g_clear_object (&self->lease);
}

/* The payment, by the same two ways. */
static void
payment_made (GObject *source, GAsyncResult *result, gpointer data)
{
  Order *self = data;

  self->receipt = payment_client_pay_finish (self->shop->payments, result, &self->error);
  order_end (self);
}

static void
payment_work (Order *self)
{
  self->receipt = payment_client_pay_from_thread (self->shop->payments, &self->error);
}

/* The catalogue, likewise. */
static void
catalogue_got (GObject *source, GAsyncResult *result, gpointer data)
{
  Order *self = data;

  self->receipt = catalogue_get_finish (self->shop->catalogue, result, &self->error);
  order_end (self);
}

static void
catalogue_work (Order *self)
{
  self->receipt = catalogue_get_from_thread (self->shop->catalogue, &self->error);
}

static void
shop_quit_if_done (Shop *self)
{
  if (!g_socket_service_is_active (self->http.service) && self->n_requests == 0)
    g_main_loop_quit (self->loop);
}

/* What was begun is answered first. A second signal of the kind ends the program at once. */
static gboolean
shop_close (gpointer data)
{
  Shop *self = data;

  g_socket_service_stop (self->http.service);
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

  if (self->n_requests <= SHOP_CAPACITY)
    return TRUE;

  g_set_error_literal (error, SHOP_ERROR, SHOP_ERROR_BUSY, "Too many requests at a time");
  return FALSE;
}

static void
shop_sell (Shop *self, SoupServerMessage *message)
{
  grel_lock_acquire_async (self->lock, self->patience, NULL, sale_acquired,
                           order_new (self, message));
}

static void
shop_pay (Shop *self, SoupServerMessage *message)
{
  payment_client_pay_async (self->payments, payment_made, order_new (self, message));
}

static void
shop_show (Shop *self, SoupServerMessage *message)
{
  catalogue_get_async (self->catalogue, catalogue_got, order_new (self, message));
}

static void
shop_push (Shop *self, SoupServerMessage *message, void (*work) (Order *order))
{
  Order *order = order_new (self, message);

  order->work = work;
  g_thread_pool_push (self->workers, order, NULL);
}

static void
shop_count (Shop *self, SoupServerMessage *message)
{
  g_autoptr (GError) error = NULL;
  int left;

  if (stock_read (&self->stock, &left, &error))
    http_answer (message, SOUP_STATUS_OK, "application/json",
                 g_strdup_printf ("{\"left\": %d}\n", left));
  else
    shop_answer_error (message, error);
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
    shop_sell (self, message);
  else if (g_str_equal (route, "POST /sell/thread"))
    shop_push (self, message, sale_work);
  else if (g_str_equal (route, "POST /pay/async"))
    shop_pay (self, message);
  else if (g_str_equal (route, "POST /pay/thread"))
    shop_push (self, message, payment_work);
  else if (g_str_equal (route, "GET /catalogue/async"))
    shop_show (self, message);
  else if (g_str_equal (route, "GET /catalogue/thread"))
    shop_push (self, message, catalogue_work);
  else if (g_str_equal (route, "GET /stock"))
    shop_count (self, message);
  else if (g_str_equal (route, "GET /breaker"))
    http_answer (message, SOUP_STATUS_OK, "application/json",
                 payment_client_describe (self->payments));
  else
    http_answer (message, SOUP_STATUS_NOT_FOUND, "text/plain", g_strdup ("No such route\n"));
}

static void
shop_print_usage (Shop *self)
{
  const char *shop = self->http.uri;
  const char *bank = self->bank.http.uri;

  g_print ("Listening on %s; try\n"
           "  curl -X POST %s/sell/async\n"
           "  curl -X POST %s/sell/thread\n"
           "  curl %s/stock\n"
           "  curl -i -X POST %s/pay/async\n"
           "  curl -i -X POST %s/pay/thread\n"
           "  curl %s/breaker\n"
           "  curl %s/catalogue/async\n"
           "  curl %s/catalogue/thread\n"
           "and have the bank fail and recover\n"
           "  curl -X POST '%s/bank?mode=down'\n"
           "  curl -X POST '%s/bank?mode=slow'\n"
           "  curl -X POST '%s/bank?mode=up'\n",
           shop, shop, shop, shop, shop, shop, shop, shop, shop, bank, bank, bank);
}

static gboolean
shop_open (Shop *self, int port, GError **error)
{
  if (!bank_open (&self->bank, error)
      || !http_server_open (&self->http, port, shop_serve, self, error))
    return FALSE;

  self->lock = grel_lock_new ("stock");
  grel_lock_set_lease_duration (self->lock, SHOP_LEASE * G_TIME_SPAN_SECOND);
  self->payments = payment_client_new (self->bank.http.uri, self->reset_timeout);
  self->catalogue = catalogue_new ();
  self->workers = g_thread_pool_new (order_run, NULL, SHOP_WORKERS, FALSE, NULL);
  g_unix_signal_add (SIGINT, shop_close, self);
  g_unix_signal_add (SIGTERM, shop_close, self);
  shop_print_usage (self);
  return TRUE;
}

static void
shop_clear (Shop *self)
{
  if (self->workers != NULL)
    g_thread_pool_free (self->workers, FALSE, TRUE);
  g_clear_pointer (&self->catalogue, catalogue_free);
  g_clear_pointer (&self->payments, payment_client_free);
  g_clear_object (&self->lock);
  http_server_clear (&self->http);
  bank_clear (&self->bank);
}

static gboolean
shop_run (Shop *self, int port, GError **error)
{
  g_autoptr (GrelApp) app = grel_app_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  gboolean succeeded;

  self->loop = loop;
  succeeded = shop_open (self, port, error) && grel_app_run (app, loop, error);
  shop_clear (self);
  return succeeded;
}

int
main (int argc, char **argv)
{
  Shop shop = { .stock.left = 100 };
  int port = 8080;
  double patience = 5;
  double reset_timeout = 10;
  const GOptionEntry options[] = {
    { "port", 'p', 0, G_OPTION_ARG_INT, &port, "Where to listen; 0 is any free port", "8080" },
    { "stock", 's', 0, G_OPTION_ARG_INT, &shop.stock.left, "How many pieces there are", "100" },
    { "stock-file", 0, 0, G_OPTION_ARG_FILENAME, &shop.stock.path,
      "Where several shops keep the stock that they share", "FILE" },
    { "patience", 0, 0, G_OPTION_ARG_DOUBLE, &patience, "Seconds to wait for the lock", "5" },
    { "reset-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &reset_timeout,
      "Seconds that payments are refused once the bank has failed too often", "10" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, options, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error))
    {
      shop.patience = patience * G_TIME_SPAN_SECOND;
      shop.reset_timeout = reset_timeout * G_TIME_SPAN_SECOND;
      if (shop_run (&shop, port, &error))
        return 0;
    }
  g_printerr ("%s: %s\n", g_get_prgname (), error->message);
  return 1;
}
