/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#if !defined(GREL_INSIDE) && !defined(GREL_COMPILATION)
#error "Only <grelmicro/grelmicro.h> can be included directly."
#endif

/* Before the name of every public function: the library exports nothing else. */
#ifdef GREL_COMPILATION
#define GREL_AVAILABLE_IN_ALL __attribute__ ((visibility ("default"))) extern
#else
#define GREL_AVAILABLE_IN_ALL extern
#endif
