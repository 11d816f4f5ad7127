/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-process.h"

#include "grel-test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static void
grel_test_process_die_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

void
grel_test_process_let_die (GSubprocessLauncher *launcher)
{
  g_subprocess_launcher_set_child_setup (launcher, grel_test_process_die_with_parent, NULL, NULL);
}

GSubprocess *
grel_test_process_new (const char *const *argv)
{
  g_autoptr (GSubprocessLauncher) launcher
    = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) error = NULL;
  GSubprocess *self;

  grel_test_process_let_die (launcher);
  self = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  return self;
}

gboolean
grel_test_process_is_stopped (gpointer data)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/status", g_subprocess_get_identifier (data));
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) && strstr (text, "State:\tT") != NULL;
}

void
grel_test_process_wait_until_stopped (GSubprocess *self)
{
  grel_test_wait_for (grel_test_process_is_stopped, self);
}

char *
grel_test_process_read_line (GSubprocess *self)
{
  GInputStream *output = g_subprocess_get_stdout_pipe (self);
  GString *line = g_string_new (NULL);
  char c;

  while (g_input_stream_read (output, &c, 1, NULL, NULL) == 1 && c != '\n')
    g_string_append_c (line, c);
  return g_string_free (line, FALSE);
}

char **
grel_test_process_collect (GSubprocess *self, gboolean was_killed)
{
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  char **lines;
  guint n;

  g_subprocess_communicate_utf8 (self, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_subprocess_get_successful (self), ==, !was_killed);

  lines = g_strsplit (output, "\n", -1);
  n = g_strv_length (lines);
  if (n > 0)
    g_clear_pointer (&lines[n - 1], g_free);
  return lines;
}

GSubprocess *
grel_test_process_new_contender (const char *uri,
                                 int n_rounds,
                                 int lease,
                                 int hold,
                                 const char *stop)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "redis_contender", NULL);
  g_autofree char *rounds_text = g_strdup_printf ("%d", n_rounds);
  g_autofree char *lease_text = g_strdup_printf ("%d", lease);
  g_autofree char *hold_text = g_strdup_printf ("%d", hold);

  return grel_test_process_new (
    (const char *[]){ program, uri, rounds_text, lease_text, hold_text, stop, NULL });
}

void
grel_test_process_collect_holds (GSubprocess *self, gboolean was_killed, GArray *holds)
{
  g_auto (GStrv) lines = grel_test_process_collect (self, was_killed);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      GrelTestHold hold;

      g_assert_cmpint (sscanf (lines[i],
                               "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
                               &hold.fence, &hold.since, &hold.until),
                       ==, 3);
      g_array_append_val (holds, hold);
    }
}

static int
grel_test_hold_compare (gconstpointer a, gconstpointer b)
{
  const GrelTestHold *left = a, *right = b;

  return (left->fence > right->fence) - (left->fence < right->fence);
}

void
grel_test_expect_one_holder_at_a_time (GArray *holds)
{
  g_array_sort (holds, grel_test_hold_compare);
  for (guint i = 1; i < holds->len; i++)
    {
      GrelTestHold *before = &g_array_index (holds, GrelTestHold, i - 1);
      GrelTestHold *hold = &g_array_index (holds, GrelTestHold, i);

      g_assert_cmpint (before->since, <=, before->until);
      g_assert_cmpint (before->fence, <, hold->fence);
      g_assert_cmpint (before->until, <=, hold->since);
    }
}
