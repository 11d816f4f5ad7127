/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-enums.h>
#include <grelmicro/core/grel-log-private.h>
#include <grelmicro/resilience/grel-circuit-breaker-private.h>

/* A change of the state, on its way to the breakers. */
typedef struct
{
  GrelHopItem item;
  GrelCircuit *circuit;
  GrelCircuitState before;
  GrelCircuitState after;
  const char *cause;
  gboolean is_last;
} GrelCircuitChange;

static void grel_circuit_post_change (GrelCircuit *self, GrelCircuitState after, const char *cause);

static void
grel_circuit_detach (GrelCircuit *self)
{
  g_queue_unlink (&self->part->granted, &self->base.link);
  g_hash_table_remove (grel_circuit_breaker_backend_get_circuits (self->backend), self->key);
  self->is_ended = TRUE;
}

static GCancellable *
grel_circuit_end (GrelGranted *granted)
{
  GrelCircuit *self = grel_circuit_ref ((GrelCircuit *) granted);

  grel_circuit_detach (self);
  grel_circuit_post_change (self, GREL_CIRCUIT_STATE_CLOSED, "closed");
  return NULL;
}

static void
grel_circuit_unref_ended (GrelGranted *granted)
{
  grel_circuit_unref ((GrelCircuit *) granted);
}

static void
grel_circuit_release_observer (gpointer observer)
{
  grel_circuit_observer_unref (observer);
}

GrelCircuit *
grel_circuit_ensure (GrelCircuitBreakerBackend *backend, GRefString *key)
{
  GHashTable *circuits = grel_circuit_breaker_backend_get_circuits (backend);
  GrelCircuit *self = g_hash_table_lookup (circuits, key);

  if (self != NULL)
    return grel_circuit_ref (self);

  self = g_new0 (GrelCircuit, 1);
  self->base.link.data = self;
  self->base.end = grel_circuit_end;
  self->base.unref = grel_circuit_unref_ended;
  self->refs = 1;
  self->quiet_successes = -1;
  self->backend = g_object_ref (backend);
  self->part = grel_backend_get_part (GREL_BACKEND (backend));
  self->key = g_ref_string_acquire (key);
  self->observers = g_ptr_array_new_with_free_func (grel_circuit_release_observer);
  g_hash_table_insert (circuits, self->key, self);
  g_queue_push_tail_link (&self->part->granted, &self->base.link);

  return self;
}

GrelCircuit *
grel_circuit_ref (GrelCircuit *self)
{
  g_atomic_int_inc (&self->refs);
  return self;
}

static void
grel_circuit_free (GrelCircuit *self)
{
  g_ptr_array_unref (self->observers);
  g_ref_string_release (self->key);
  g_object_unref (self->backend);
  g_free (self);
}

/* The backend may hand out a new reference for as long as the circuit is on its list: the last one
 * is dropped under the mutex. */
void
grel_circuit_unref (GrelCircuit *self)
{
  int refs = g_atomic_int_get (&self->refs);
  gboolean is_last;

  while (refs > 1)
    if (g_atomic_int_compare_and_exchange_full (&self->refs, refs, refs - 1, &refs))
      return;

  if (grel_part_is_foreign (self->part))
    return; /* its mutex may be held by a thread of the parent, so it is left alone */

  grel_part_lock (self->part);
  is_last = g_atomic_int_dec_and_test (&self->refs);
  if (is_last && !self->is_ended)
    grel_circuit_detach (self);
  g_mutex_unlock (&self->part->mutex);

  if (is_last)
    grel_circuit_free (self);
}

gboolean
grel_circuit_has_ended (GrelCircuit *self)
{
  gboolean is_ended;

  grel_part_lock (self->part);
  is_ended = self->is_ended;
  g_mutex_unlock (&self->part->mutex);
  return is_ended;
}

void
grel_circuit_watch (GrelCircuit *self, GrelCircuitObserver *observer)
{
  if (!g_ptr_array_find (self->observers, observer, NULL))
    g_ptr_array_add (self->observers, grel_circuit_observer_ref (observer));
}

void
grel_circuit_unwatch (GrelCircuit *self, GrelCircuitObserver *observer)
{
  if (grel_part_is_foreign (self->part))
    return;

  grel_part_lock (self->part);
  g_ptr_array_remove_fast (self->observers, observer);
  g_mutex_unlock (&self->part->mutex);
}

/* Returns: (transfer container): copies, to be looked at without the mutex */
static GPtrArray *
grel_circuit_copy_observers (GrelCircuit *self)
{
  GPtrArray *copy = g_ptr_array_new_with_free_func (grel_circuit_release_observer);

  grel_part_lock (self->part);
  for (guint i = 0; i < self->observers->len; i++)
    g_ptr_array_add (copy, grel_circuit_observer_ref (g_ptr_array_index (self->observers, i)));
  g_mutex_unlock (&self->part->mutex);

  return copy;
}

const char *
grel_circuit_state_to_string (GrelCircuitState state)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (GREL_TYPE_CIRCUIT_STATE);

  return g_enum_get_value (klass, state)->value_nick;
}

static void
grel_circuit_tell (GrelCircuitObserver *observer, GrelCircuitChange *change)
{
  g_autoptr (GrelCircuitBreaker) breaker = grel_circuit_observer_ref_breaker (observer);

  if (breaker == NULL)
    return;
  if (change->is_last)
    grel_circuit_breaker_unbind (breaker, change->circuit);
  if (change->before != change->after)
    grel_circuit_breaker_emit (breaker, change->before, change->after, change->cause);
}

/* In the captured context. */
static void
grel_circuit_change_run (GrelHopItem *item)
{
  GrelCircuitChange *self = (GrelCircuitChange *) item;
  g_autoptr (GrelCircuit) circuit = self->circuit;
  g_autoptr (GPtrArray) observers = grel_circuit_copy_observers (circuit);
  gboolean has_opened
    = self->after == GREL_CIRCUIT_STATE_OPEN || self->after == GREL_CIRCUIT_STATE_FORCED_OPEN;

  if (self->before != self->after)
    grel_log (has_opened ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_INFO, "state-changed",
              grel_circuit_subject_for_key (circuit->key), "%s → %s (%s)",
              grel_circuit_state_to_string (self->before),
              grel_circuit_state_to_string (self->after), self->cause);
  for (guint i = 0; i < observers->len; i++)
    grel_circuit_tell (g_ptr_array_index (observers, i), self);
  g_free (self);
}

/* Mutex held, as for all that follows. */
static void
grel_circuit_post_change (GrelCircuit *self, GrelCircuitState after, const char *cause)
{
  GrelCircuitChange *change = g_new0 (GrelCircuitChange, 1);

  change->item.run = grel_circuit_change_run;
  change->circuit = grel_circuit_ref (self);
  change->before = self->state;
  change->after = after;
  change->cause = cause;
  change->is_last = self->is_ended;

  __atomic_store_n (&self->epoch, self->epoch + 1, __ATOMIC_RELEASE);
  __atomic_store_n (&self->quiet_successes, -1, __ATOMIC_RELEASE);
  self->state = after;
  self->consecutive_errors = 0;
  self->consecutive_successes = 0;
  grel_hop_post (self->part->hop, &change->item);
}

/* What another process did is told by what came of it. */
static const char *
grel_circuit_find_cause (GrelCircuit *self, GrelCircuitState after)
{
  GrelCircuitState before = self->state;

  if (self->n_forcing > 0 || before == GREL_CIRCUIT_STATE_FORCED_OPEN
      || before == GREL_CIRCUIT_STATE_FORCED_CLOSED)
    return "manual";

  switch (after)
    {
    case GREL_CIRCUIT_STATE_CLOSED:
      return "success-threshold";
    case GREL_CIRCUIT_STATE_OPEN:
      return "error-threshold";
    case GREL_CIRCUIT_STATE_HALF_OPEN:
      return "reset-timeout";
    case GREL_CIRCUIT_STATE_FORCED_OPEN:
    case GREL_CIRCUIT_STATE_FORCED_CLOSED:
    default:
      return "manual";
    }
}

static void
grel_circuit_begin_quiet (GrelCircuit *self)
{
  if (__atomic_load_n (&self->quiet_successes, __ATOMIC_RELAXED) < 0)
    __atomic_store_n (&self->quiet_successes, self->consecutive_successes, __ATOMIC_RELEASE);
}

static void
grel_circuit_end_quiet (GrelCircuit *self)
{
  gint64 n = __atomic_exchange_n (&self->quiet_successes, -1, __ATOMIC_ACQ_REL);

  if (n >= 0)
    self->consecutive_successes = MIN (n, G_MAXUINT);
}

void
grel_circuit_see (GrelCircuit *self, const GrelCircuitSnapshot *snapshot)
{
  if (self->is_ended)
    return;
  if (snapshot->state != self->state)
    grel_circuit_post_change (self, snapshot->state,
                              grel_circuit_find_cause (self, snapshot->state));

  self->consecutive_errors = snapshot->consecutive_errors;
  /* While it is closed they are counted here, from where it was reset. */
  if (snapshot->state != GREL_CIRCUIT_STATE_CLOSED || self->n_forcing > 0)
    {
      grel_circuit_end_quiet (self);
      self->consecutive_successes = snapshot->consecutive_successes;
    }
  if (snapshot->state != GREL_CIRCUIT_STATE_CLOSED || snapshot->consecutive_errors > 0)
    grel_circuit_end_quiet (self);
  else
    grel_circuit_begin_quiet (self);
  if (snapshot->state == GREL_CIRCUIT_STATE_OPEN)
    __atomic_store_n (&self->open_until,
                      grel_part_now (self->part)
                        + CLAMP (snapshot->retry_after, 0, GREL_CIRCUIT_DURATION_MAX),
                      __ATOMIC_RELAXED);
}

void
grel_circuit_count (GrelCircuit *self, GrelCircuitOutcome outcome)
{
  if (self->state != GREL_CIRCUIT_STATE_CLOSED)
    return;
  if (outcome == GREL_CIRCUIT_OUTCOME_SUCCESS && grel_circuit_count_quietly (self, self->epoch))
    return;

  grel_circuit_end_quiet (self);
  self->consecutive_successes
    = outcome == GREL_CIRCUIT_OUTCOME_SUCCESS ? self->consecutive_successes + 1 : 0;
}

gboolean
grel_circuit_count_quietly (GrelCircuit *self, guint64 epoch)
{
  gint64 n = __atomic_load_n (&self->quiet_successes, __ATOMIC_ACQUIRE);

  while (n >= 0 && grel_circuit_is_in_epoch (self, epoch))
    if (__atomic_compare_exchange_n (&self->quiet_successes, &n, n + 1, FALSE, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
      return TRUE;
  return FALSE;
}

guint
grel_circuit_get_consecutive_successes (GrelCircuit *self)
{
  gint64 n = __atomic_load_n (&self->quiet_successes, __ATOMIC_ACQUIRE);

  return n >= 0 ? MIN (n, G_MAXUINT) : self->consecutive_successes;
}

GError *
grel_circuit_refuse (GrelCircuit *self, GTimeSpan retry_after)
{
  GrelSubject subject = grel_circuit_subject_for_key (self->key);
  GError *error;

  if (retry_after > 0)
    {
      error = grel_error_new (GREL_ERROR_CIRCUIT_OPEN, subject, "is open; try again in %.3f s",
                              retry_after / (double) G_USEC_PER_SEC);
      grel_error_set_retry_after (error, retry_after);
      return error;
    }
  if (self->state == GREL_CIRCUIT_STATE_FORCED_OPEN)
    return grel_error_new (GREL_ERROR_CIRCUIT_OPEN, subject, "is isolated until it is reset");
  if (self->state == GREL_CIRCUIT_STATE_HALF_OPEN)
    return grel_error_new (GREL_ERROR_CIRCUIT_OPEN, subject,
                           "is half-open, and as many probes as may run do so already");
  return grel_error_new (GREL_ERROR_CIRCUIT_OPEN, subject, "lets no call through now");
}
