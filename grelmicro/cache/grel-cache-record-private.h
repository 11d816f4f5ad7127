/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-types.h>

G_BEGIN_DECLS

/*
 * How a value lies in a store that keeps bytes: as it is, or behind a header that says how fresh it
 * is, if there is anything to say. One key is one entry, so that whatever replaces or deletes it
 * leaves nothing behind. The time is that of the wall clock, which the processes share.
 */

/* Returns: (transfer full): what to keep for the ttl and the stale ttl together */
GBytes *grel_cache_record_encode (const GrelCacheRecord *record, gint64 wall_now);

/* Takes the bytes. */
void grel_cache_record_decode (GrelCacheRecord *record, GBytes *bytes, gint64 wall_now);

/* Whether a value that still is fresh should be loaded again. */
gboolean grel_cache_record_is_due (const GrelCacheRecord *record, double early_refresh);

G_END_DECLS
