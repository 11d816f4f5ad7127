/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-backend.h>
#include <grelmicro/core/grel-hop-private.h>
#include <grelmicro/core/grel-timers-private.h>
#include <grelmicro/memory/grel-memory-cache-private.h>

G_BEGIN_DECLS

/* Frees what has expired, as far as nobody else does, while the main loop runs. */
typedef struct
{
  GrelBackend *owner; /* not a reference: it lies in there */
  GrelMemoryCache *cache;
  GMutex mutex; /* for all that follows */
  GrelHop *hop; /* while started, as the next one */
  GrelTimers *timers;
  GrelTimer timer; /* when the first entry expires, or earlier */
  GrelHopItem item;
  gboolean is_sweeping; /* the item is on its way */
} GrelMemoryCacheSweeper;

void grel_memory_cache_sweeper_init (GrelMemoryCacheSweeper *self,
                                     GrelBackend *owner,
                                     GrelMemoryCache *cache);

void grel_memory_cache_sweeper_clear (GrelMemoryCacheSweeper *self);

/* In the captured context, as the next one. */
void grel_memory_cache_sweeper_start (GrelMemoryCacheSweeper *self);

void grel_memory_cache_sweeper_stop (GrelMemoryCacheSweeper *self);

/* An entry came in that expires then. */
void grel_memory_cache_sweeper_arm (GrelMemoryCacheSweeper *self, gint64 due);

G_END_DECLS
