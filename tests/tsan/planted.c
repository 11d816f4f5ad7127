/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <glib.h>

/* Does on two threads what the argument names: wrong on purpose, or a right twin of that. */

static GMutex first, second;
static int counter;
static int *block;

static void
count (void)
{
  counter++;
}

static void
count_under_a_mutex (void)
{
  g_mutex_lock (&first);
  counter++;
  g_mutex_unlock (&first);
}

static void
write_block (void)
{
  *block = 1;
}

static void
free_block (void)
{
  g_free (block);
}

static void
lock_first_then_second (void)
{
  g_mutex_lock (&first);
  g_mutex_lock (&second);
  g_mutex_unlock (&second);
  g_mutex_unlock (&first);
}

static void
lock_second_then_first (void)
{
  g_mutex_lock (&second);
  g_mutex_lock (&first);
  g_mutex_unlock (&first);
  g_mutex_unlock (&second);
}

typedef struct
{
  const char *name;
  void (*one) (void);
  void (*other) (void);
} Deed;

static const Deed deeds[] = {
  { "counting", count, count },
  { "counting-under-a-mutex", count_under_a_mutex, count_under_a_mutex },
  { "freeing", write_block, free_block },
  { "locking-in-two-orders", lock_first_then_second, lock_second_then_first },
  { "locking-in-one-order", lock_first_then_second, lock_first_then_second },
};

/* Relaxed, so that the threads take turns and yet nothing orders what they do. */
static int one_is_over = FALSE;

static gpointer
run_one (gpointer data)
{
  const Deed *deed = data;

  deed->one ();
  __atomic_store_n (&one_is_over, TRUE, __ATOMIC_RELAXED);
  return NULL;
}

static gpointer
run_other (gpointer data)
{
  const Deed *deed = data;

  while (!__atomic_load_n (&one_is_over, __ATOMIC_RELAXED))
    g_thread_yield ();
  deed->other ();
  return NULL;
}

int
main (int argc, char **argv)
{
  block = g_new0 (int, 1);
  for (guint i = 0; i < G_N_ELEMENTS (deeds); i++)
    if (g_strcmp0 (argv[1], deeds[i].name) == 0)
      {
        GThread *one = g_thread_new ("one", run_one, (gpointer) &deeds[i]);
        GThread *other = g_thread_new ("other", run_other, (gpointer) &deeds[i]);

        g_thread_join (one);
        g_thread_join (other);
        return 0;
      }

  g_printerr ("Unknown: %s\n", argv[1]);
  return 2;
}
