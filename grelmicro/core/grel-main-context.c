/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-main-context.h>

/**
 * grel_main_context_get_fd:
 * @context: a main context that was just made, with %G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING
 *
 * Gets the file descriptor that becomes readable when another thread has something for @context:
 * for bindings that let another kind of event loop watch it, and iterate @context when it is
 * readable. g_main_context_query () tells as much, but not to every language. May be called from
 * any thread.
 *
 * Returns: a file descriptor, which belongs to @context; -1 if another thread runs @context
 *
 * Since: 0.1
 */
int
grel_main_context_get_fd (GMainContext *context)
{
  GPollFD record = { .fd = -1 };
  int timeout;

  g_return_val_if_fail (context != NULL, -1);

  if (!g_main_context_acquire (context))
    return -1;

  g_main_context_query (context, G_PRIORITY_DEFAULT, &timeout, &record, 1);
  g_main_context_release (context);
  return record.fd;
}
