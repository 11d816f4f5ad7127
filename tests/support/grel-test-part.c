/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-part.h"
#include "grel-test-provider.h"

struct _GrelTestPart
{
  GrelBackend parent_instance;

  char *label;
  GString *journal; /* not owned */
  GrelTestPartMood open_mood;
  GrelTestPartMood close_mood;
  GrelScope scope;
  GTask *hanging;
  GThread *asked_on;          /* not a reference */
  GMainContext *asked_within; /* not a reference */
};

G_DEFINE_FINAL_TYPE (GrelTestPart, grel_test_part, GREL_TYPE_BACKEND)

enum
{
  PROP_PROVIDER = 1
};

void
grel_test_part_note (GString *journal, char sign, const char *label)
{
  if (journal->len > 0)
    g_string_append_c (journal, ' ');
  g_string_append_printf (journal, "%c%s", sign, label);
}

void
grel_test_part_do (const char *label, GTask *task, GrelTestPartMood mood, GTask **hanging)
{
  switch (mood)
    {
    case GREL_TEST_PART_FAILS:
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "%s is down",
                               label);
      break;
    case GREL_TEST_PART_HANGS:
      g_atomic_pointer_set (hanging, g_object_ref (task)); /* a test may look from its thread */
      break;
    case GREL_TEST_PART_DROPS:
      break;
    case GREL_TEST_PART_ANSWERS:
    default:
      g_task_return_boolean (task, TRUE);
      break;
    }
}

static void
grel_test_part_be_asked (GrelTestPart *self, char sign)
{
  self->asked_on = g_thread_self ();
  self->asked_within = g_main_context_get_thread_default ();
  grel_test_part_note (self->journal, sign, self->label);
}

static void
grel_test_part_open (GrelBackend *backend, GTask *task)
{
  GrelTestPart *self = GREL_TEST_PART (backend);

  grel_test_part_be_asked (self, '+');
  grel_test_part_do (self->label, task, self->open_mood, &self->hanging);
}

static void
grel_test_part_close (GrelBackend *backend, GTask *task)
{
  GrelTestPart *self = GREL_TEST_PART (backend);

  grel_test_part_be_asked (self, '-');
  grel_test_part_do (self->label, task, self->close_mood, &self->hanging);
}

static GrelScope
grel_test_part_get_scope (GrelBackend *backend)
{
  return GREL_TEST_PART (backend)->scope;
}

static void
grel_test_part_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GrelTestPart *self = GREL_TEST_PART (object);
  GrelTestProvider *provider = g_value_get_object (value);

  g_assert (id == PROP_PROVIDER);
  if (provider == NULL)
    return;

  self->label = g_strconcat (grel_test_provider_get_label (provider), "1", NULL);
  self->journal = grel_test_provider_get_journal (provider);
}

static void
grel_test_part_finalize (GObject *object)
{
  GrelTestPart *self = GREL_TEST_PART (object);

  g_free (self->label);
  g_clear_object (&self->hanging);

  G_OBJECT_CLASS (grel_test_part_parent_class)->finalize (object);
}

static void
grel_test_part_class_init (GrelTestPartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GrelBackendClass *backend_class = GREL_BACKEND_CLASS (klass);

  object_class->set_property = grel_test_part_set_property;
  object_class->finalize = grel_test_part_finalize;
  g_object_class_install_property (object_class, PROP_PROVIDER,
                                   g_param_spec_object ("provider", NULL, NULL,
                                                        GREL_TEST_TYPE_PROVIDER,
                                                        G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY
                                                          | G_PARAM_STATIC_STRINGS));
  backend_class->get_scope = grel_test_part_get_scope;
  backend_class->open = grel_test_part_open;
  backend_class->close = grel_test_part_close;
}

static void
grel_test_part_init (GrelTestPart *self)
{
}

GrelTestPart *
grel_test_part_new (const char *label, GString *journal)
{
  GrelTestPart *self = g_object_new (GREL_TEST_TYPE_PART, NULL);

  self->label = g_strdup (label);
  self->journal = journal;
  return self;
}

void
grel_test_part_set_open_mood (GrelTestPart *self, GrelTestPartMood mood)
{
  self->open_mood = mood;
}

void
grel_test_part_set_close_mood (GrelTestPart *self, GrelTestPartMood mood)
{
  self->close_mood = mood;
}

void
grel_test_part_set_scope (GrelTestPart *self, GrelScope scope)
{
  self->scope = scope;
}

void
grel_test_part_answer (GrelTestPart *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->hanging);

  g_task_return_boolean (task, TRUE);
}

void
grel_test_part_forget (GrelTestPart *self)
{
  g_clear_object (&self->hanging);
}

GTask *
grel_test_part_get_hanging (GrelTestPart *self)
{
  return g_atomic_pointer_get (&self->hanging);
}

GThread *
grel_test_part_get_asked_on (GrelTestPart *self)
{
  return self->asked_on;
}

GMainContext *
grel_test_part_get_asked_within (GrelTestPart *self)
{
  return self->asked_within;
}
