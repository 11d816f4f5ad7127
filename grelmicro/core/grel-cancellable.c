/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-cancellable-private.h>

static void
grel_cancellable_cancel_second (GCancellable *cancellable, GCancellable *second)
{
  g_cancellable_cancel (second);
}

static void
grel_cancellable_unref_second (gpointer second, GClosure *closure)
{
  g_object_unref (second);
}

/* Not g_cancellable_connect (): its counterpart waits, for ever if called from a handler. */
gulong
grel_cancellable_chain (GCancellable *cancellable, GCancellable *second)
{
  gulong id;

  if (cancellable == NULL)
    return 0;

  id = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (grel_cancellable_cancel_second),
                              g_object_ref (second), grel_cancellable_unref_second, 0);
  if (g_cancellable_is_cancelled (cancellable))
    g_cancellable_cancel (second);
  return id;
}

void
grel_cancellable_unchain (GCancellable *cancellable, gulong id)
{
  if (id != 0)
    g_signal_handler_disconnect (cancellable, id);
}
