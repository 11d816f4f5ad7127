/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "grel-test.h"

G_BEGIN_DECLS

/* A backend that keeps no state. It notes in a journal when it is opened, "+label", and closed,
 * "-label", and does either well or badly. One that a GrelTestProvider "p" makes is labelled "p1".
 */
#define GREL_TEST_TYPE_PART (grel_test_part_get_type ())

G_DECLARE_FINAL_TYPE (GrelTestPart, grel_test_part, GREL_TEST, PART, GrelBackend)

typedef enum
{
  GREL_TEST_PART_ANSWERS,
  GREL_TEST_PART_FAILS,
  GREL_TEST_PART_HANGS, /* until grel_test_part_answer () */
  GREL_TEST_PART_DROPS  /* the task */
} GrelTestPartMood;

/* The journal must live as long as the part; it may be shared by parts on one context. */
GrelTestPart *grel_test_part_new (const char *label, GString *journal);

void grel_test_part_set_open_mood (GrelTestPart *self, GrelTestPartMood mood);
void grel_test_part_set_close_mood (GrelTestPart *self, GrelTestPartMood mood);
void grel_test_part_set_scope (GrelTestPart *self, GrelScope scope);

/* In the captured context: completes the task that hangs. */
void grel_test_part_answer (GrelTestPart *self);

/* Drops the task that hangs; it keeps the part alive. */
void grel_test_part_forget (GrelTestPart *self);

/* The task that hangs, or NULL. Not a reference. */
GTask *grel_test_part_get_hanging (GrelTestPart *self);

/* The thread and the thread-default context of the last opening or closing. Not a reference. */
GThread *grel_test_part_get_asked_on (GrelTestPart *self);
GMainContext *grel_test_part_get_asked_within (GrelTestPart *self);

/* Does a task well or badly; a task that hangs is stored. */
void grel_test_part_do (const char *label, GTask *task, GrelTestPartMood mood, GTask **hanging);

/* Writes down "+label" or "-label". */
void grel_test_part_note (GString *journal, char sign, const char *label);

G_END_DECLS
