/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

#define GREL_TYPE_OPERATION (grel_operation_get_type ())

GREL_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (GrelOperation, grel_operation, GREL, OPERATION, GObject)

/**
 * GrelOperationClass:
 * @parent_class: the parent class
 * @start: starts the work and completes the task once, now or later
 *
 * Class of [class@Grelmicro.Operation].
 *
 * Since: 0.1
 */
struct _GrelOperationClass
{
  GObjectClass parent_class;

  void (*start) (GrelOperation *self, GTask *task);

  /*< private >*/
  gpointer _reserved[8];
};

/**
 * GrelOperationFunc:
 * @task: (transfer none): the task to complete once, now or later
 * @func_data: (closure): what was given with the function
 *
 * Starts an asynchronous piece of work. Complete @task with [method@Gio.Task.return_value] or
 * [method@Gio.Task.return_error]; its cancellable is cancelled when the result is no longer wanted.
 *
 * Since: 0.1
 */
typedef void (*GrelOperationFunc) (GTask *task, gpointer func_data);

GREL_AVAILABLE_IN_ALL
GrelOperation *
grel_operation_new (GrelOperationFunc func, gpointer func_data, GDestroyNotify func_destroy);

GREL_AVAILABLE_IN_ALL
void grel_operation_run_async (GrelOperation *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);

GREL_AVAILABLE_IN_ALL
GValue *grel_operation_run_finish (GrelOperation *self, GAsyncResult *result, GError **error);

G_END_DECLS
