/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-task-private.h>

GTask *
grel_task_new (gpointer source,
               GCancellable *cancellable,
               GAsyncReadyCallback callback,
               gpointer user_data,
               gpointer source_tag)
{
  GTask *task = g_task_new (source, cancellable, callback, user_data);

  (g_task_set_source_tag) (task, source_tag); /* the macro would name each one alike */
  g_task_set_check_cancellable (task, FALSE);
  return task;
}
