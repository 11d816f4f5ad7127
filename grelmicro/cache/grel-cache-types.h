/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-types.h>

G_BEGIN_DECLS

/**
 * GREL_CACHE_KEY_PREFIX:
 *
 * What the keys that a cache gives to its backend begin with.
 *
 * Since: 0.1
 */
#define GREL_CACHE_KEY_PREFIX "cache:"

/**
 * GrelCacheLock:
 * @GREL_CACHE_LOCK_LOCAL: one in this process
 * @GREL_CACHE_LOCK_FLEET: one in all processes that share the app's lock backend
 *
 * How many loads of one key run at a time.
 *
 * Since: 0.1
 */
typedef enum
{
  GREL_CACHE_LOCK_LOCAL,
  GREL_CACHE_LOCK_FLEET
} GrelCacheLock;

/**
 * GrelCacheRecord:
 * @value: the value
 * @ttl: for how long it was to be fresh when it was set, in microseconds
 * @stale_ttl: for how much longer it is kept after that, in microseconds
 * @load_time: how long it took to load, in microseconds; 0 if it was not loaded
 * @remaining: for how long it still is fresh, in microseconds; 0 or less if it is stale. Not for
 *   setting
 *
 * For C only: a value and how fresh it is, as the `try_` functions of
 * [class@Grelmicro.CacheBackend] know it.
 *
 * Since: 0.1
 */
typedef struct
{
  GBytes *value;
  GTimeSpan ttl;
  GTimeSpan stale_ttl;
  GTimeSpan load_time;
  GTimeSpan remaining;
} GrelCacheRecord;

/**
 * GrelCacheAccount:
 * @max_size: how many entries there may be; 0 is no bound
 * @size: how many entries there are
 * @evictions: how many made room for others
 *
 * For C only: what a cache knows of its entries in a store that answers at once, which counts them.
 * All fields are atomic. It lies in a reference-counted box ([func@GLib.atomic_rc_box_acquire]).
 *
 * Since: 0.1
 */
typedef struct
{
  guint max_size;
  guint size;
  guint evictions;
} GrelCacheAccount;

G_END_DECLS
