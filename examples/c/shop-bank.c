/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

/* The bank: in real life somebody else's service. It listens on a port of its own.
 *
 *   POST /charge           charges a customer
 *   POST /bank?mode=MODE   makes it fail or recover; MODE is up, down or slow
 *   GET  /bank             tells its mode, and how often it was asked to charge
 */

#include "shop-bank.h"

#define BANK_DELAY 3000 /* of a slow answer, in milliseconds */

static const char *const bank_modes[] = { "up", "down", "slow" }; /* as in BankMode */

static gboolean
bank_answer_late (gpointer data)
{
  SoupServerMessage *message = data;

  http_answer (message, SOUP_STATUS_OK, "application/json", g_strdup ("{\"receipt\": 0}\n"));
  soup_server_message_unpause (message);
  return G_SOURCE_REMOVE;
}

static void
bank_charge (Bank *self, SoupServerMessage *message)
{
  self->n_charges++;
  switch (self->mode)
    {
    case BANK_UP:
      http_answer (message, SOUP_STATUS_OK, "application/json",
                   g_strdup_printf ("{\"receipt\": %u}\n", self->n_charges));
      break;
    case BANK_DOWN:
      http_answer (message, SOUP_STATUS_INTERNAL_SERVER_ERROR, "text/plain",
                   g_strdup ("Out of order\n"));
      break;
    case BANK_SLOW:
      soup_server_message_pause (message);
      g_timeout_add_full (G_PRIORITY_DEFAULT, BANK_DELAY, bank_answer_late, g_object_ref (message),
                          g_object_unref);
      break;
    }
}

static void
bank_describe (Bank *self, SoupServerMessage *message)
{
  http_answer (message, SOUP_STATUS_OK, "application/json",
               g_strdup_printf ("{\"mode\": \"%s\", \"charges\": %u}\n", bank_modes[self->mode],
                                self->n_charges));
}

static void
bank_set_mode (Bank *self, SoupServerMessage *message, const char *mode)
{
  for (guint i = 0; i < G_N_ELEMENTS (bank_modes); i++)
    {
      if (g_strcmp0 (mode, bank_modes[i]) == 0)
        {
          self->mode = i;
          bank_describe (self, message);
          return;
        }
    }
  http_answer (message, SOUP_STATUS_BAD_REQUEST, "text/plain",
               g_strdup ("mode: must be up, down or slow\n"));
}

static void
bank_serve (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer data)
{
  Bank *self = data;
  g_autofree char *route
    = g_strdup_printf ("%s %s", soup_server_message_get_method (message), path);

  if (g_str_equal (route, "POST /charge"))
    bank_charge (self, message);
  else if (g_str_equal (route, "POST /bank"))
    bank_set_mode (self, message, query != NULL ? g_hash_table_lookup (query, "mode") : NULL);
  else if (g_str_equal (route, "GET /bank"))
    bank_describe (self, message);
  else
    http_answer (message, SOUP_STATUS_NOT_FOUND, "text/plain", g_strdup ("No such route\n"));
}

gboolean
bank_open (Bank *self, GError **error)
{
  return http_server_open (&self->http, 0, bank_serve, self, error);
}

void
bank_clear (Bank *self)
{
  http_server_clear (&self->http);
}
