/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/resilience/grel-circuit-breaker-backend-private.h>
#include <grelmicro/resilience/grel-circuit-observer-private.h>

G_BEGIN_DECLS

/* What this process knows of one circuit of one backend. It lives for as long as a breaker or a
 * permit refers to it, and ends when the backend closes. */
typedef struct
{
  GrelGranted base;
  int refs; /* atomic; falls to 0 under the part's mutex only */
  GrelCircuitBreakerBackend *backend;
  GrelPart *part;
  GRefString *key;

  gboolean is_ended; /* under the part's mutex, as all the rest */
  guint n_forcing;   /* requests under way that set the state */
  guint64 epoch;     /* how often the state changed; atomic */
  GrelCircuitState state;
  guint consecutive_errors;
  guint consecutive_successes; /* unless it is quiet */
  gint64 quiet_successes;      /* likewise, and -1 else; atomic */
  gint64 open_until;           /* on the part's clock; atomic */
  GPtrArray *observers;        /* (element-type GrelCircuitObserver) of the breakers */
} GrelCircuit;

/* Mutex held, part open. Returns: (transfer full) */
GrelCircuit *grel_circuit_ensure (GrelCircuitBreakerBackend *backend, GRefString *key);

GrelCircuit *grel_circuit_ref (GrelCircuit *self);

/* Without the mutex. */
void grel_circuit_unref (GrelCircuit *self);

/* Without the mutex. */
gboolean grel_circuit_has_ended (GrelCircuit *self);

/* Mutex held: the breaker behind the observer is told of changes of the state. */
void grel_circuit_watch (GrelCircuit *self, GrelCircuitObserver *observer);

/* Without the mutex. */
void grel_circuit_unwatch (GrelCircuit *self, GrelCircuitObserver *observer);

/* Mutex held: takes in what the backend found. */
void grel_circuit_see (GrelCircuit *self, const GrelCircuitSnapshot *snapshot);

/* Mutex held: takes in how a call ended that counted. */
void grel_circuit_count (GrelCircuit *self, GrelCircuitOutcome outcome);

/* Without the mutex: takes in a success where it changes nothing else. That is so while the circuit
 * is quiet: closed, and without an error since the last success. */
gboolean grel_circuit_count_quietly (GrelCircuit *self, guint64 epoch);

/* Without the mutex: whether the state didn't change since. */
static inline gboolean
grel_circuit_is_in_epoch (GrelCircuit *self, guint64 epoch)
{
  return __atomic_load_n (&self->epoch, __ATOMIC_ACQUIRE) == epoch;
}

/* Mutex held. */
guint grel_circuit_get_consecutive_successes (GrelCircuit *self);

const char *grel_circuit_state_to_string (GrelCircuitState state);

/* Mutex held: why a call may not go through, and for how long. */
GError *grel_circuit_refuse (GrelCircuit *self, GTimeSpan retry_after);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelCircuit, grel_circuit_unref)

G_END_DECLS
