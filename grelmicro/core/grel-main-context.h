/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

GREL_AVAILABLE_IN_ALL
int grel_main_context_get_fd (GMainContext *context);

G_END_DECLS
