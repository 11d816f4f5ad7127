/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test.h"

static gboolean
is_readable (int fd, GTimeSpan patience)
{
  GPollFD record = { .fd = fd, .events = G_IO_IN };

  return g_poll (&record, 1, patience / G_TIME_SPAN_MILLISECOND) == 1;
}

static gboolean
set_flag (gpointer flag)
{
  *(gboolean *) flag = TRUE;
  return G_SOURCE_REMOVE;
}

/* What another thread has for the context. */
typedef struct
{
  GMainContext *context;
  gboolean had_its_turn;
} Visit;

static gpointer
attach (gpointer data)
{
  Visit *self = data;
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, set_flag, &self->had_its_turn, NULL);
  g_source_attach (source, self->context);
  return NULL;
}

static void
the_descriptor_tells_of_what_another_thread_attaches (void)
{
  g_autoptr (GMainContext) context
    = g_main_context_new_with_flags (G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING);
  int fd = grel_main_context_get_fd (context);
  Visit visit = { .context = context };
  GThread *thread;

  g_assert_cmpint (fd, >=, 0);
  g_assert_false (is_readable (fd, 0));
  thread = g_thread_new ("visitor", attach, &visit);
  g_assert_true (is_readable (fd, GREL_TEST_PATIENCE));
  g_thread_join (thread);

  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_true (visit.had_its_turn);
  g_assert_false (is_readable (fd, 0));
}

static void
the_descriptor_stays_the_same (void)
{
  g_autoptr (GMainContext) context
    = g_main_context_new_with_flags (G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING);
  int fd = grel_main_context_get_fd (context);

  for (int i = 0; i < 3; i++)
    {
      g_main_context_wakeup (context);
      g_assert_true (is_readable (fd, 0));
      while (g_main_context_iteration (context, FALSE))
        ;
      g_assert_cmpint (grel_main_context_get_fd (context), ==, fd);
    }
}

static void
a_context_that_another_thread_runs_has_none (void)
{
  g_autoptr (GrelTestLoop) loop = grel_test_loop_new ();
  int fd = 0;

  grel_test_loop_call (loop, (GFunc) (GCallback) g_main_context_wakeup, loop->context);
  while (fd >= 0) /* between two turns of the loop the context may be free */
    fd = grel_main_context_get_fd (loop->context);
  g_assert_cmpint (fd, ==, -1);
}

#define RULE(name) g_test_add_func ("/main-context/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (the_descriptor_tells_of_what_another_thread_attaches);
  RULE (the_descriptor_stays_the_same);
  RULE (a_context_that_another_thread_runs_has_none);
  return g_test_run ();
}
