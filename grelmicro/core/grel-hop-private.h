/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _GrelHop GrelHop;
typedef struct _GrelHopItem GrelHopItem;

struct _GrelHopItem
{
  GrelHopItem *next;
  void (*run) (GrelHopItem *item);
};

/* The way into one main context; everybody who captured that context shares it. */
GrelHop *grel_hop_ref_for_context (GMainContext *context);

void grel_hop_unref (GrelHop *self);

GMainContext *grel_hop_get_context (GrelHop *self);

/* From any thread; the item runs in the context, once, with the context as thread-default. */
void grel_hop_post (GrelHop *self, GrelHopItem *item);

/* How often the context got round to us. */
guint grel_hop_get_beats (GrelHop *self);

/* Asks for one more beat, without a wake-up for each who asks. */
void grel_hop_ask_for_beat (GrelHop *self);

G_END_DECLS
