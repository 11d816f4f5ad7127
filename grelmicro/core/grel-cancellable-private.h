/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Cancels a second cancellable with the first (nullable). Returns: what ends that again */
gulong grel_cancellable_chain (GCancellable *cancellable, GCancellable *second);

void grel_cancellable_unchain (GCancellable *cancellable, gulong id);

G_END_DECLS
