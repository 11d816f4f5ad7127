/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "contract.h"

G_BEGIN_DECLS

/* The rules of how circuit breakers get on with a backend. */

G_GNUC_INTERNAL void a_breaker_uses_its_name_behind_a_prefix (Contract *self);
G_GNUC_INTERNAL void a_breaker_learns_of_every_change (Contract *self);
G_GNUC_INTERNAL void a_breaker_learns_of_the_counts (Contract *self);
G_GNUC_INTERNAL void a_refusal_says_when_to_come_back (Contract *self);
G_GNUC_INTERNAL void two_breakers_of_one_name_are_one_circuit (Contract *self);
G_GNUC_INTERNAL void a_permit_that_is_dropped_gives_its_slot_back (Contract *self);
G_GNUC_INTERNAL void what_was_admitted_before_it_opened_counts_nothing_after (Contract *self);
G_GNUC_INTERNAL void permits_end_with_the_backend (Contract *self);

G_END_DECLS
