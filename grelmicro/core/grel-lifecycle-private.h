/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-part-private.h>

G_BEGIN_DECLS

/* Opens a part on the thread-default context and returns a boolean with the task. */
void grel_part_open_async (GrelPart *self, GTask *task);

/* Closes one that begin_close () has flipped already. */
void grel_part_finish_close_async (GrelPart *self, GTask *task);

/* Both halves of closing. */
void grel_part_close_async (GrelPart *self, GTask *task);

gboolean
grel_part_finish_close_from_thread (GrelPart *self, GCancellable *cancellable, GError **error);

gboolean grel_part_close_from_thread (GrelPart *self, GCancellable *cancellable, GError **error);

G_END_DECLS
