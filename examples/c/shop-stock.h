/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

/* What there is to sell: in the memory of one shop, or in a file that several shops share. */
typedef struct
{
  const char *path; /* NULL: in memory */
  int left;         /* in memory, and in a file that is new */
} Stock;

gboolean stock_read (Stock *self, int *left, GError **error);

/* Whoever writes holds the lock, and shows the fencing token of the lease. A file refuses one that
 * is older than the last, with G_IO_ERROR_PERMISSION_DENIED: the lease ended on the way to it. */
gboolean stock_write (Stock *self, int left, gint64 token, GError **error);
