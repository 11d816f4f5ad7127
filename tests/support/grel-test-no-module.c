/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

/* The source of a library that has no store, nor anything else. */
typedef int grel_test_no_module;
