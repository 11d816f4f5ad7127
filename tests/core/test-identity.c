/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test.h"

#include <grelmicro/core/grel-identity-private.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_TOKENS 70000 /* more than four digits count */
#define N_DIGITS 32

static void
expect_digits (const char *token)
{
  g_assert_cmpuint (strlen (token), ==, N_DIGITS);
  g_assert_cmpuint (strspn (token, "0123456789abcdef"), ==, N_DIGITS);
}

static void
no_two_tokens_of_a_thread_are_the_same (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  char token[GREL_TOKEN_SIZE];

  for (guint i = 0; i < N_TOKENS; i++)
    {
      grel_identity_fill_token (token);
      expect_digits (token);
      g_assert_true (g_hash_table_add (seen, g_strdup (token)));
    }
}

static gpointer
mint (gpointer token)
{
  grel_identity_fill_token (token);
  return NULL;
}

static void
two_threads_have_tokens_of_their_own (void)
{
  char here[GREL_TOKEN_SIZE], there[GREL_TOKEN_SIZE];

  mint (here);
  g_thread_join (g_thread_new ("other", mint, there));
  expect_digits (there);
  g_assert_false (strncmp (here, there, N_DIGITS / 2) == 0);
}

static void
so_has_a_child_of_fork (void)
{
  char before[GREL_TOKEN_SIZE], here[GREL_TOKEN_SIZE];
  pid_t child;
  int status = 0;

  mint (before);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  mint (here);
  if (child == 0)
    _exit (strncmp (before, here, N_DIGITS / 2) == 0);

  g_assert_true (strncmp (before, here, N_DIGITS / 2) == 0);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/identity/no_two_tokens_of_a_thread_are_the_same",
                   no_two_tokens_of_a_thread_are_the_same);
  g_test_add_func ("/identity/two_threads_have_tokens_of_their_own",
                   two_threads_have_tokens_of_their_own);
  g_test_add_func ("/identity/so_has_a_child_of_fork", so_has_a_child_of_fork);
  return g_test_run ();
}
