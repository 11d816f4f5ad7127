/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <glib-object.h>

/* Does what the argument names, wrong on purpose. */

static void
lose_an_object (void)
{
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);

  g_object_ref (object);
  g_object_unref (object);
}

static void
read_freed_memory (void)
{
  int *volatile block = g_new0 (int, 1);

  g_free (block);
  g_print ("%d\n", *block);
}

static void
decide_by_unset_memory (void)
{
  int *volatile block = g_new (int, 1);

  g_print ("%s\n", *block > 0 ? "more" : "less");
  g_free (block);
}

static const struct
{
  const char *name;
  void (*run) (void);
} deeds[] = {
  { "losing-an-object", lose_an_object },
  { "reading-freed-memory", read_freed_memory },
  { "deciding-by-unset-memory", decide_by_unset_memory },
};

int
main (int argc, char **argv)
{
  for (guint i = 0; i < G_N_ELEMENTS (deeds); i++)
    if (argc == 2 && g_str_equal (argv[1], deeds[i].name))
      deeds[i].run ();
  return 0;
}
