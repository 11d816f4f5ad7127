/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

#define PAYMENT_ERROR (payment_error_quark ())

typedef enum
{
  PAYMENT_ERROR_FAILED
} PaymentError;

GQuark payment_error_quark (void);

/* How the shop charges its customers: the client of the bank. */
typedef struct _PaymentClient PaymentClient;

PaymentClient *payment_client_new (const char *bank, GTimeSpan reset_timeout);
void payment_client_free (PaymentClient *self);

/* Both return the bank's receipt. */
void
payment_client_pay_async (PaymentClient *self, GAsyncReadyCallback callback, gpointer user_data);
char *payment_client_pay_finish (PaymentClient *self, GAsyncResult *result, GError **error);
char *payment_client_pay_from_thread (PaymentClient *self, GError **error);

char *payment_client_describe (PaymentClient *self);
