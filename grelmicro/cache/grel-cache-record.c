/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-record-private.h>

#include <math.h>
#include <string.h>

/* No text begins with it. */
#define GREL_CACHE_RECORD_MAGIC "\x89grel\r\n\x1a"

typedef struct
{
  char magic[8];
  gint64 fresh_until; /* big-endian, as the others */
  gint64 ttl;
  gint64 stale_ttl;
  gint64 load_time;
} GrelCacheHeader;

static gboolean
grel_cache_record_has_header (const char *data, gsize size)
{
  return size >= sizeof (GrelCacheHeader) && memcmp (data, GREL_CACHE_RECORD_MAGIC, 8) == 0;
}

GBytes *
grel_cache_record_encode (const GrelCacheRecord *record, gint64 wall_now)
{
  gsize size;
  const char *data = g_bytes_get_data (record->value, &size);
  GrelCacheHeader *header;

  if (record->stale_ttl == 0 && record->load_time == 0
      && !grel_cache_record_has_header (data, size))
    return g_bytes_ref (record->value);

  header = g_malloc (sizeof *header + size);
  memcpy (header->magic, GREL_CACHE_RECORD_MAGIC, sizeof header->magic);
  header->fresh_until = GINT64_TO_BE (wall_now + record->ttl);
  header->ttl = GINT64_TO_BE (record->ttl);
  header->stale_ttl = GINT64_TO_BE (record->stale_ttl);
  header->load_time = GINT64_TO_BE (record->load_time);
  if (size > 0)
    memcpy (header + 1, data, size);
  return g_bytes_new_take (header, sizeof *header + size);
}

/* What is in a store may have been made by anybody: no sum of two times and the clock is too much.
 */
static gint64
grel_cache_header_read_time (gint64 field)
{
  return CLAMP (GINT64_FROM_BE (field), 0, G_MAXINT64 / 4);
}

void
grel_cache_record_decode (GrelCacheRecord *record, GBytes *bytes, gint64 wall_now)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  GrelCacheHeader header;

  if (!grel_cache_record_has_header (data, size))
    {
      *record = (GrelCacheRecord){ .value = bytes, .remaining = G_MAXINT64 };
      return;
    }

  memcpy (&header, data, sizeof header);
  record->value = g_bytes_new_from_bytes (bytes, sizeof header, size - sizeof header);
  record->ttl = grel_cache_header_read_time (header.ttl);
  record->stale_ttl = grel_cache_header_read_time (header.stale_ttl);
  record->load_time = grel_cache_header_read_time (header.load_time);
  record->remaining
    = MIN (grel_cache_header_read_time (header.fresh_until) - wall_now, record->ttl);
  g_bytes_unref (bytes);
}

/* The closer the end and the longer a load takes, the likelier; each caller draws for itself, so
 * that processes need no word with each other (XFetch). */
gboolean
grel_cache_record_is_due (const GrelCacheRecord *record, double early_refresh)
{
  if (early_refresh <= 0.0 || record->load_time <= 0
      || record->remaining > early_refresh * record->ttl)
    return FALSE;

  return record->load_time * -log (1.0 - g_random_double ()) >= record->remaining;
}
