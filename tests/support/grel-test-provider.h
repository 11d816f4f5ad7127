/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test-part.h"

G_BEGIN_DECLS

/* A provider that is connected to nothing. It keeps a journal as GrelTestPart does, and makes one
 * of these and a memory lock adapter. */
#define GREL_TEST_TYPE_PROVIDER (grel_test_provider_get_type ())

G_DECLARE_FINAL_TYPE (GrelTestProvider, grel_test_provider, GREL_TEST, PROVIDER, GrelProvider)

/* The journal must live as long as the provider. */
GrelTestProvider *grel_test_provider_new (const char *label, GString *journal);

void grel_test_provider_set_open_mood (GrelTestProvider *self, GrelTestPartMood mood);
void grel_test_provider_set_check_mood (GrelTestProvider *self, GrelTestPartMood mood);

/* In the captured context: completes the task that hangs. */
void grel_test_provider_answer (GrelTestProvider *self);

/* Drops the task that hangs; it keeps the provider alive. */
void grel_test_provider_forget (GrelTestProvider *self);

const char *grel_test_provider_get_label (GrelTestProvider *self);
GString *grel_test_provider_get_journal (GrelTestProvider *self);

G_END_DECLS
