/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "shop-http.h"

typedef enum
{
  BANK_UP,
  BANK_DOWN, /* answers 500 */
  BANK_SLOW  /* answers when nobody waits any more */
} BankMode;

typedef struct
{
  HttpServer http;
  BankMode mode;
  guint n_charges; /* that it was asked for, whatever became of them */
} Bank;

gboolean bank_open (Bank *self, GError **error);
void bank_clear (Bank *self);
