/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-identity-private.h>
#include <grelmicro/core/grel-route-private.h>

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

int grel_identity_generation = 0;
static GMutex process_mutex;
static GMutex adopt_mutex; /* locked last, also under the process lock */

static void
grel_identity_forked (void)
{
  g_atomic_int_inc (&grel_identity_generation);
  grel_route_change ();
  g_mutex_init (&adopt_mutex);
  g_mutex_unlock (&process_mutex);
}

static void
grel_identity_watch_forks (void)
{
  static gsize once = 0;

  if (!g_once_init_enter (&once))
    return;

  pthread_atfork (grel_identity_lock_process, grel_identity_unlock_process, grel_identity_forked);
  g_once_init_leave (&once, 1);
}

/*
 * grel_identity_get_generation:
 *
 * Counts the forks between the first use of the library and this process. What was made in another
 * generation belongs to another process.
 */
guint
grel_identity_get_generation (void)
{
  grel_identity_watch_forks ();
  return g_atomic_int_get (&grel_identity_generation);
}

/*
 * grel_identity_get_thread:
 *
 * Returns: a number for the calling thread that no other thread ever had; never 0
 */
guint64
grel_identity_get_thread (void)
{
  static _Thread_local guint64 identity = 0;
  static guint64 last = 0;

  if (identity == 0)
    identity = __atomic_add_fetch (&last, 1, __ATOMIC_RELAXED);
  return identity;
}

static guint64
grel_identity_random (void)
{
  guint64 value;

  if (getrandom (&value, sizeof value, 0) == sizeof value)
    return value;
  return ((guint64) g_random_int () << 32) | g_random_int ();
}

static void
grel_identity_print_hex (char *text, guint64 value)
{
  for (int i = 15; i >= 0; i--, value >>= 4)
    text[i] = "0123456789abcdef"[value & 0xf];
}

/* The next number of as many digits, and 0 after the last. */
static void
grel_identity_count_in_hex (char *digits, int n_digits)
{
  for (int i = n_digits - 1; i >= 0; i--)
    {
      char *digit = &digits[i];

      if (*digit != 'f')
        {
          *digit = *digit == '9' ? 'a' : *digit + 1;
          return;
        }
      *digit = '0';
    }
}

typedef struct
{
  guint minted_in;
  char last[GREL_TOKEN_SIZE]; /* 16 digits each */
} GrelMint;

/*
 * grel_identity_fill_token:
 *
 * Mints a token that no other holder has: a secret of this thread of this process, and a counter.
 */
void
grel_identity_fill_token (char token[GREL_TOKEN_SIZE])
{
  static _Thread_local GrelMint thread_mint = { 0, "" };
  GrelMint *mint = &thread_mint; /* to find it takes a call */
  guint now_in = grel_identity_get_generation ();

  if (mint->last[0] == '\0' || mint->minted_in != now_in)
    {
      grel_identity_print_hex (mint->last, grel_identity_random ());
      grel_identity_print_hex (mint->last + 16, grel_identity_random () >> 1);
      mint->minted_in = now_in;
    }

  grel_identity_count_in_hex (mint->last + 16, 16);
  memcpy (token, mint->last, GREL_TOKEN_SIZE);
}

void
grel_identity_make_mutex_again (GMutex *mutex, guint *made_in)
{
  guint now_in = grel_identity_get_generation ();

  g_mutex_lock (&adopt_mutex);
  if (*made_in != now_in)
    g_mutex_init (mutex);
  __atomic_store_n (made_in, now_in, __ATOMIC_RELEASE);
  g_mutex_unlock (&adopt_mutex);
}

void
grel_identity_lock_process (void)
{
  g_mutex_lock (&process_mutex);
}

void
grel_identity_unlock_process (void)
{
  g_mutex_unlock (&process_mutex);
}
