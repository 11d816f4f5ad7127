/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error-private.h>

typedef struct
{
  char *name;
  GTimeSpan retry_after;
} GrelErrorPrivate;

static void
grel_error_private_init (GrelErrorPrivate *priv)
{
  priv->name = NULL;
  priv->retry_after = 0;
}

static void
grel_error_private_copy (const GrelErrorPrivate *src, GrelErrorPrivate *dest)
{
  dest->name = g_strdup (src->name);
  dest->retry_after = src->retry_after;
}

static void
grel_error_private_clear (GrelErrorPrivate *priv)
{
  g_clear_pointer (&priv->name, g_free);
}

/**
 * grel_error_quark:
 *
 * Gets the error domain of the library.
 *
 * Returns: the error quark
 *
 * Since: 0.1
 */
G_DEFINE_EXTENDED_ERROR (GrelError, grel_error)

/**
 * grel_error_get_name:
 * @error: (nullable): an error
 *
 * Gets the name of the primitive that an error of this library is about. May be called from any
 * thread.
 *
 * Returns: (transfer none) (nullable): the name, valid as long as @error
 *
 * Since: 0.1
 */
const char *
grel_error_get_name (const GError *error)
{
  if (error == NULL || error->domain != GREL_ERROR)
    return NULL;

  return grel_error_get_private (error)->name;
}

/**
 * grel_error_get_retry_after:
 * @error: (nullable): an error
 *
 * Gets after how many microseconds it makes sense to try again. May be called from any thread.
 *
 * Returns: a time span in microseconds, 0 if it isn't known
 *
 * Since: 0.1
 */
GTimeSpan
grel_error_get_retry_after (const GError *error)
{
  if (error == NULL || error->domain != GREL_ERROR)
    return 0;

  return grel_error_get_private (error)->retry_after;
}

/**
 * grel_error_is_outcome:
 * @error: (nullable): an error
 *
 * Whether @error says how the work went.
 *
 * Errors that say that the work was never asked for in a way that could succeed, such as
 * %GREL_ERROR_DEADLOCK or %GREL_ERROR_NOT_OPEN, are no outcomes, and neither is
 * %G_IO_ERROR_CANCELLED: nothing retries them, counts them or hides them behind a fallback. May be
 * called from any thread.
 *
 * Returns: %TRUE if @error is an outcome
 *
 * Since: 0.1
 */
gboolean
grel_error_is_outcome (const GError *error)
{
  if (error == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;
  if (error->domain != GREL_ERROR)
    return TRUE;

  switch ((GrelError) error->code)
    {
    case GREL_ERROR_NOT_OPEN:
    case GREL_ERROR_CLOSED:
    case GREL_ERROR_DEADLOCK:
    case GREL_ERROR_LOOP_NOT_RUNNING:
    case GREL_ERROR_SETTINGS:
    case GREL_ERROR_NOT_REGISTERED:
    case GREL_ERROR_AMBIGUOUS:
    case GREL_ERROR_SCOPE:
    case GREL_ERROR_REENTRANT:
      return FALSE;
    case GREL_ERROR_BACKEND:
    case GREL_ERROR_WOULD_BLOCK:
    case GREL_ERROR_TIMED_OUT:
    case GREL_ERROR_NOT_OWNED:
    case GREL_ERROR_CIRCUIT_OPEN:
    case GREL_ERROR_RATE_LIMITED:
    case GREL_ERROR_BULKHEAD_FULL:
    case GREL_ERROR_DEADLINE_EXCEEDED:
    default:
      return TRUE;
    }
}

/**
 * grel_error_is_refusal:
 * @error: (nullable): an error
 *
 * Whether @error says that the work was turned away before it began: by a lock that is taken, an
 * open circuit, a rate limit or a full bulkhead. A fallback may answer a refusal; a circuit breaker
 * never counts one. May be called from any thread.
 *
 * Returns: %TRUE if @error is a refusal
 *
 * Since: 0.1
 */
gboolean
grel_error_is_refusal (const GError *error)
{
  return g_error_matches (error, GREL_ERROR, GREL_ERROR_WOULD_BLOCK)
         || g_error_matches (error, GREL_ERROR, GREL_ERROR_CIRCUIT_OPEN)
         || g_error_matches (error, GREL_ERROR, GREL_ERROR_RATE_LIMITED)
         || g_error_matches (error, GREL_ERROR, GREL_ERROR_BULKHEAD_FULL);
}

GError *
grel_error_new (GrelError code, GrelSubject subject, const char *format, ...)
{
  g_autofree char *text = NULL;
  GError *error;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  if (subject.name == NULL)
    return g_error_new (GREL_ERROR, code, "%s: %s", subject.noun, text);

  error = g_error_new (GREL_ERROR, code, "%s “%s”: %s", subject.noun, subject.name, text);
  grel_error_get_private (error)->name = g_strdup (subject.name);
  return error;
}

/*
 * grel_error_new_from_store:
 * @cause: (transfer full): what the store said
 *
 * Makes what a store reports an error of this library that names the primitive.
 */
GError *
grel_error_new_from_store (GrelSubject subject, GError *cause)
{
  GError *error;

  if (cause->domain == GREL_ERROR
      && (subject.name == NULL || grel_error_get_private (cause)->name != NULL))
    return cause;

  error
    = grel_error_new (cause->domain == GREL_ERROR ? (GrelError) cause->code : GREL_ERROR_BACKEND,
                      subject, "%s", cause->message);
  g_error_free (cause);
  return error;
}

void
grel_error_set_retry_after (GError *error, GTimeSpan retry_after)
{
  grel_error_get_private (error)->retry_after = retry_after;
}
