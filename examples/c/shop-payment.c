/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

/* Payments go to the bank through one circuit breaker, by two ways: on the event loop, and on a
 * worker thread. What either of them learns of the bank, both know: when it fails too often nobody
 * waits for it any more, and it is asked again after the reset timeout.
 */

#include "shop-payment.h"

#include <grelmicro/grelmicro.h>
#include <libsoup/soup.h>

/* For how long the bank may be silent, in seconds. Without a timeout a call that hangs would never
 * count as an error. */
#define PAYMENT_TIMEOUT 1
#define PAYMENT_CONNECTIONS 256 /* one for each customer who pays at a time */

G_DEFINE_QUARK (payment - error - quark, payment_error)

struct _PaymentClient
{
  GrelCircuitBreaker *breaker;
  GrelOperation *charge; /* what the breaker runs on the event loop */
  SoupSession *session;  /* sends from any thread */
  char *uri;
};

static void
payment_client_state_changed (GrelCircuitBreaker *breaker,
                              GrelCircuitState before,
                              GrelCircuitState after,
                              const char *cause,
                              gpointer data)
{
  g_autoptr (GEnumClass) states = g_type_class_ref (GREL_TYPE_CIRCUIT_STATE);

  g_print ("circuit %s: %s -> %s (%s)\n", grel_circuit_breaker_get_name (breaker),
           g_enum_get_value (states, before)->value_nick,
           g_enum_get_value (states, after)->value_nick, cause);
}

/* What an answer means: a receipt, or an error, which the breaker counts. */
static char *
payment_client_read (SoupMessage *message, GBytes *body, GError **error)
{
  guint status = soup_message_get_status (message);

  if (status == SOUP_STATUS_OK)
    return g_string_free (g_string_new_len (g_bytes_get_data (body, NULL), g_bytes_get_size (body)),
                          FALSE);

  g_set_error (error, PAYMENT_ERROR, PAYMENT_ERROR_FAILED, "The bank answered %u", status);
  return NULL;
}

/* The payment on the event loop: the rest is left to a callback. */
static void
payment_client_charged (GObject *session, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GBytes) body = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  GError *error = NULL;

  g_value_init (&value, G_TYPE_STRING);
  body = soup_session_send_and_read_finish (SOUP_SESSION (session), result, &error);
  if (body != NULL)
    g_value_take_string (&value, payment_client_read (soup_session_get_async_result_message (
                                                        SOUP_SESSION (session), result),
                                                      body, &error));

  if (error == NULL)
    g_task_return_value (task, &value);
  else
    g_task_return_error (task, error);
}

static void
payment_client_charge (GTask *task, gpointer data)
{
  PaymentClient *self = data;
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_POST, self->uri);

  soup_session_send_and_read_async (self->session, message, G_PRIORITY_DEFAULT,
                                    g_task_get_cancellable (task), payment_client_charged,
                                    g_object_ref (task));
}

void
payment_client_pay_async (PaymentClient *self, GAsyncReadyCallback callback, gpointer user_data)
{
  grel_circuit_breaker_run_async (self->breaker, self->charge, NULL, callback, user_data);
}

char *
payment_client_pay_finish (PaymentClient *self, GAsyncResult *result, GError **error)
{
  GValue *value = grel_circuit_breaker_run_finish (self->breaker, result, error);
  char *receipt;

  if (value == NULL)
    return NULL;

  receipt = g_value_dup_string (value);
  g_boxed_free (G_TYPE_VALUE, value);
  return receipt;
}

/* The same payment on a worker thread: it waits where it stands. */
typedef struct
{
  PaymentClient *client;
  char *receipt;
} PaymentCall;

static gboolean
payment_client_charge_blocking (GCancellable *cancellable, gpointer data, GError **error)
{
  PaymentCall *call = data;
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_POST, call->client->uri);
  g_autoptr (GBytes) body
    = soup_session_send_and_read (call->client->session, message, cancellable, error);

  if (body != NULL)
    call->receipt = payment_client_read (message, body, error);
  return call->receipt != NULL;
}

char *
payment_client_pay_from_thread (PaymentClient *self, GError **error)
{
  PaymentCall call = { self, NULL };

  grel_circuit_breaker_run_from_thread (self->breaker, payment_client_charge_blocking, &call, NULL,
                                        error);
  return call.receipt;
}

static void
payment_client_append_json (GString *json, GVariant *value)
{
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    {
      g_string_append_printf (json, "%" G_GUINT64_FORMAT, g_variant_get_uint64 (value));
      return;
    }

  g_string_append_c (json, '"');
  for (const char *text = g_variant_get_string (value, NULL); *text != '\0'; text++)
    {
      if (g_ascii_iscntrl (*text) || *text == '"' || *text == '\\')
        g_string_append_printf (json, "\\u%04x", *text);
      else
        g_string_append_c (json, *text);
    }
  g_string_append_c (json, '"');
}

/* The state and the figures of the breaker, as JSON. */
char *
payment_client_describe (PaymentClient *self)
{
  g_autoptr (GVariant) metrics = grel_circuit_breaker_get_metrics (self->breaker);
  GString *json = g_string_new ("{");
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, metrics);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    {
      g_string_append_printf (json, "%s\"%s\": ", json->len > 1 ? ", " : "", name);
      payment_client_append_json (json, value);
    }
  g_string_append (json, "}\n");
  return g_string_free (json, FALSE);
}

PaymentClient *
payment_client_new (const char *bank, GTimeSpan reset_timeout)
{
  PaymentClient *self = g_new0 (PaymentClient, 1);

  self->uri = g_strconcat (bank, "/charge", NULL);
  self->session
    = soup_session_new_with_options ("timeout", PAYMENT_TIMEOUT, "max-conns", PAYMENT_CONNECTIONS,
                                     "max-conns-per-host", PAYMENT_CONNECTIONS, NULL);
  self->charge = grel_operation_new (payment_client_charge, self, NULL);
  self->breaker = grel_circuit_breaker_new ("payment");
  grel_circuit_breaker_set_reset_timeout (self->breaker, reset_timeout);
  g_signal_connect (self->breaker, "state-changed", G_CALLBACK (payment_client_state_changed),
                    NULL);
  return self;
}

void
payment_client_free (PaymentClient *self)
{
  g_object_unref (self->breaker);
  g_object_unref (self->charge);
  g_object_unref (self->session);
  g_free (self->uri);
  g_free (self);
}
