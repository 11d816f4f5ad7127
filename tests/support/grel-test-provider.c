/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-provider.h"

struct _GrelTestProvider
{
  GrelProvider parent_instance;

  char *label;
  GString *journal; /* not owned */
  GrelTestPartMood open_mood;
  GrelTestPartMood check_mood;
  GTask *hanging;
};

G_DEFINE_FINAL_TYPE (GrelTestProvider, grel_test_provider, GREL_TYPE_PROVIDER)

static void
grel_test_provider_open (GrelProvider *provider, GTask *task)
{
  GrelTestProvider *self = GREL_TEST_PROVIDER (provider);

  grel_test_part_note (self->journal, '+', self->label);
  grel_test_part_do (self->label, task, self->open_mood, &self->hanging);
}

static void
grel_test_provider_close (GrelProvider *provider, GTask *task)
{
  GrelTestProvider *self = GREL_TEST_PROVIDER (provider);

  grel_test_part_note (self->journal, '-', self->label);
  g_task_return_boolean (task, TRUE);
}

static void
grel_test_provider_check (GrelProvider *provider, GTask *task)
{
  GrelTestProvider *self = GREL_TEST_PROVIDER (provider);

  grel_test_part_note (self->journal, '?', self->label);
  grel_test_part_do (self->label, task, self->check_mood, &self->hanging);
}

static void
grel_test_provider_finalize (GObject *object)
{
  GrelTestProvider *self = GREL_TEST_PROVIDER (object);

  g_free (self->label);
  g_clear_object (&self->hanging);

  G_OBJECT_CLASS (grel_test_provider_parent_class)->finalize (object);
}

static void
grel_test_provider_class_init (GrelTestProviderClass *klass)
{
  GrelProviderClass *provider_class = GREL_PROVIDER_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = grel_test_provider_finalize;
  provider_class->open = grel_test_provider_open;
  provider_class->close = grel_test_provider_close;
  provider_class->check = grel_test_provider_check;
  grel_provider_class_add_backend (provider_class, GREL_TEST_TYPE_PART, GREL_TEST_TYPE_PART);
  grel_provider_class_add_backend (provider_class, GREL_TYPE_LOCK_BACKEND,
                                   GREL_TYPE_MEMORY_LOCK_ADAPTER);
}

static void
grel_test_provider_init (GrelTestProvider *self)
{
}

GrelTestProvider *
grel_test_provider_new (const char *label, GString *journal)
{
  GrelTestProvider *self = g_object_new (GREL_TEST_TYPE_PROVIDER, NULL);

  self->label = g_strdup (label);
  self->journal = journal;
  return self;
}

void
grel_test_provider_set_open_mood (GrelTestProvider *self, GrelTestPartMood mood)
{
  self->open_mood = mood;
}

void
grel_test_provider_set_check_mood (GrelTestProvider *self, GrelTestPartMood mood)
{
  self->check_mood = mood;
}

void
grel_test_provider_answer (GrelTestProvider *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->hanging);

  g_task_return_boolean (task, TRUE);
}

void
grel_test_provider_forget (GrelTestProvider *self)
{
  g_clear_object (&self->hanging);
}

const char *
grel_test_provider_get_label (GrelTestProvider *self)
{
  return self->label;
}

GString *
grel_test_provider_get_journal (GrelTestProvider *self)
{
  return self->journal;
}
