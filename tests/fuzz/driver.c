/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "fuzz.h"

#include <string.h>

/* A short run of a target where there is no fuzzing engine: it changes the seeds at random. The
 * seed that GTest prints repeats a run. */

#define N_RUNS 100000
#define MAX_CHANGES 8

static void
change (GByteArray *input)
{
  static const char special[] = "\r\n$*:+-0129%@/?#&=[], \0\xff";
  guint at = g_test_rand_int_range (0, input->len + 1);
  guint8 byte = g_test_rand_bit () ? special[g_test_rand_int_range (0, sizeof special - 1)]
                                   : g_test_rand_int_range (0, 256);

  switch (at < input->len ? g_test_rand_int_range (0, 4) : 0)
    {
    case 0:
      g_byte_array_append (input, &byte, 1);
      memmove (input->data + at + 1, input->data + at, input->len - at - 1);
      input->data[at] = byte;
      break;
    case 1:
      input->data[at] = byte;
      break;
    case 2:
      g_byte_array_remove_range (input, at, g_test_rand_int_range (1, input->len - at + 1));
      break;
    default:
      g_byte_array_set_size (input, at);
      break;
    }
}

static void
nothing_breaks_it (void)
{
  guint n_seeds = g_strv_length ((char **) fuzz_seeds);

  for (guint i = 0; i < N_RUNS; i++)
    {
      g_autoptr (GByteArray) input = g_byte_array_new ();
      const char *seed = fuzz_seeds[g_test_rand_int_range (0, n_seeds)];
      int n_changes = g_test_rand_int_range (0, MAX_CHANGES + 1);

      g_byte_array_append (input, (const guint8 *) seed, strlen (seed));
      for (int j = 0; j < n_changes; j++)
        change (input);
      LLVMFuzzerTestOneInput (input->data, input->len);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fuzz/nothing_breaks_it", nothing_breaks_it);
  return g_test_run ();
}
