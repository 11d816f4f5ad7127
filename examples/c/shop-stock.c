/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "shop-stock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* The file stands for a database, and holds "LEFT TOKEN" in so many bytes. A database compares the
 * token and writes in one step; here flock () makes it one. */
#define STOCK_SIZE 32

typedef struct
{
  int left;
  gint64 token; /* the highest that was shown */
} Record;

static gboolean
stock_fail (Stock *self, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", self->path,
               g_strerror (errno));
  return FALSE;
}

/* Returns: a file descriptor, which nobody else has until it is closed, or -1 */
static int
stock_enter (Stock *self, GError **error)
{
  int fd = open (self->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  if (fd >= 0 && flock (fd, LOCK_EX) == 0)
    return fd;

  stock_fail (self, error);
  if (fd >= 0)
    close (fd);
  return -1;
}

/* A file that is empty is a new one. */
static gboolean
stock_load (Stock *self, int fd, Record *record, GError **error)
{
  char text[STOCK_SIZE + 1] = "";
  gssize size = pread (fd, text, STOCK_SIZE, 0);

  *record = (Record){ self->left, 0 };
  if (size == 0 || sscanf (text, "%d %" G_GINT64_FORMAT, &record->left, &record->token) == 2)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s is no stock", self->path);
  return FALSE;
}

static gboolean
stock_replace (Stock *self, int fd, const Record *record, GError **error)
{
  char text[STOCK_SIZE + 1];
  Record old;

  if (!stock_load (self, fd, &old, error))
    return FALSE;
  if (record->token < old.token)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                           "Somebody else has sold since");
      return FALSE;
    }

  g_snprintf (text, sizeof text, "%10d %20" G_GINT64_FORMAT "\n", record->left, record->token);
  return pwrite (fd, text, STOCK_SIZE, 0) == STOCK_SIZE || stock_fail (self, error);
}

gboolean
stock_read (Stock *self, int *left, GError **error)
{
  gboolean succeeded;
  Record record;
  int fd;

  if (self->path == NULL)
    {
      *left = g_atomic_int_get (&self->left);
      return TRUE;
    }

  fd = stock_enter (self, error);
  if (fd < 0)
    return FALSE;

  succeeded = stock_load (self, fd, &record, error);
  close (fd);
  *left = record.left;
  return succeeded;
}

gboolean
stock_write (Stock *self, int left, gint64 token, GError **error)
{
  const Record record = { left, token };
  gboolean succeeded;
  int fd;

  if (self->path == NULL)
    {
      g_atomic_int_set (&self->left, left);
      return TRUE;
    }

  fd = stock_enter (self, error);
  if (fd < 0)
    return FALSE;

  succeeded = stock_replace (self, fd, &record, error);
  close (fd);
  return succeeded;
}
