/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>

/* What a target defines: the entry that libFuzzer knows as well, and texts to start from. */

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

extern const char *const fuzz_seeds[]; /* ends with NULL */
