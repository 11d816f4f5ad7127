/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/resilience/grel-circuit-breaker-backend-private.h>
#include <grelmicro/resilience/grel-circuit-private.h>

#include <string.h>

/**
 * GrelCircuitBreakerBackend:
 *
 * What remembers the state of circuits.
 *
 * A circuit breaker backend decides, for each name, whether a call may go through, and counts how
 * calls ended. The library brings [class@Grelmicro.MemoryCircuitBreakerAdapter]; derive a class to
 * use another store. Its virtual functions run in the captured context, one request at a time or
 * several, each with a task to complete once. Before it completes the task, a function tells what
 * it found with [method@Grelmicro.CircuitBreakerBackend.report]. The names that arrive have a
 * prefix: `cb:payment`. A name that nothing is known of is a closed circuit without errors.
 *
 * Since: 0.1
 */
typedef struct
{
  GHashTable *circuits; /* GRefString to GrelCircuit, under the part's mutex */
} GrelCircuitBreakerBackendPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GrelCircuitBreakerBackend,
                                     grel_circuit_breaker_backend,
                                     GREL_TYPE_BACKEND)

static void
grel_circuit_breaker_backend_finalize (GObject *object)
{
  g_hash_table_unref (
    grel_circuit_breaker_backend_get_circuits (GREL_CIRCUIT_BREAKER_BACKEND (object)));

  G_OBJECT_CLASS (grel_circuit_breaker_backend_parent_class)->finalize (object);
}

static void
grel_circuit_breaker_backend_class_init (GrelCircuitBreakerBackendClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = grel_circuit_breaker_backend_finalize;
}

static void
grel_circuit_breaker_backend_init (GrelCircuitBreakerBackend *self)
{
  GrelCircuitBreakerBackendPrivate *priv = grel_circuit_breaker_backend_get_instance_private (self);

  priv->circuits = g_hash_table_new (g_str_hash, g_str_equal);
}

GHashTable *
grel_circuit_breaker_backend_get_circuits (GrelCircuitBreakerBackend *self)
{
  GrelCircuitBreakerBackendPrivate *priv = grel_circuit_breaker_backend_get_instance_private (self);

  return priv->circuits;
}

gboolean
grel_circuit_breaker_backend_is_immediate (GrelCircuitBreakerBackend *self)
{
  return GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self)->try_admit != NULL;
}

GrelSubject
grel_circuit_subject_for_key (const char *key)
{
  return (GrelSubject){ "circuit breaker", strchr (key, ':') + 1 };
}

/* Adapters are written in scripts as well: one that forgot a function must not crash. */
static void
grel_circuit_breaker_backend_return_missing (GTask *task, const char *vfunc)
{
  g_task_return_new_error (task, GREL_ERROR, GREL_ERROR_BACKEND,
                           "the backend does not implement %s", vfunc);
}

static void
grel_circuit_breaker_backend_report_snapshot (GrelCircuitBreakerBackend *self,
                                              const char *name,
                                              const GrelCircuitSnapshot *snapshot)
{
  grel_circuit_breaker_backend_report (self, name, snapshot->state, snapshot->consecutive_errors,
                                       snapshot->consecutive_successes, snapshot->retry_after);
}

/**
 * GrelCircuitBreakerBackendClass::try_admit: (skip)
 */
/**
 * GrelCircuitBreakerBackendClass::try_record: (skip)
 */
/**
 * GrelCircuitBreakerBackendClass::try_set_state: (skip)
 */
/**
 * GrelCircuitBreakerBackendClass::try_get_state: (skip)
 */

/**
 * grel_circuit_breaker_backend_admit: (virtual admit)
 * @self: a circuit breaker backend
 * @name: the name of the circuit
 * @settings: the settings of the circuit breaker
 * @task: (transfer none): completed once with an int
 *
 * Asks whether a call may go through.
 *
 * The answer is a ticket, 1 or more and below 2^53, if it may: the call hands it in with
 * [method@Grelmicro.CircuitBreakerBackend.record]. While the circuit is half-open a ticket takes
 * one of the slots in the capacity, until it is handed in or the reset timeout is over once more.
 * The answer is -n if the circuit is open for n more microseconds, and 0 if the call may not go
 * through and nobody knows for how long. An open circuit whose time is over becomes half-open. Call
 * this in the captured context.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_backend_admit (GrelCircuitBreakerBackend *self,
                                    const char *name,
                                    const GrelCircuitSettings *settings,
                                    GTask *task)
{
  GrelCircuitBreakerBackendClass *klass;
  GrelCircuitSnapshot snapshot;

  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER_BACKEND (self));
  g_return_if_fail (name != NULL && settings != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self);
  if (klass->admit != NULL)
    klass->admit (self, name, settings, task);
  else if (klass->try_admit != NULL)
    {
      gint64 answer = klass->try_admit (self, name, settings, &snapshot);

      grel_circuit_breaker_backend_report_snapshot (self, name, &snapshot);
      g_task_return_int (task, answer);
    }
  else
    grel_circuit_breaker_backend_return_missing (task, "admit");
}

/**
 * grel_circuit_breaker_backend_record: (virtual record)
 * @self: a circuit breaker backend
 * @name: the name of the circuit
 * @ticket: what admitted the call
 * @outcome: how it ended
 * @settings: the settings of the circuit breaker when the call was admitted
 * @task: (transfer none): completed once with a boolean
 *
 * Records how a call ended.
 *
 * As many errors in a row as the error threshold says open the circuit, while it is closed as well
 * as while it is half-open; as many successes in a row as the success threshold says close one that
 * is half-open. A call that was admitted before the last change of the state counts nothing, and
 * one without an outcome only gives its slot back. The answer is %TRUE if the call counted. Call
 * this in the captured context.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_backend_record (GrelCircuitBreakerBackend *self,
                                     const char *name,
                                     gint64 ticket,
                                     GrelCircuitOutcome outcome,
                                     const GrelCircuitSettings *settings,
                                     GTask *task)
{
  GrelCircuitBreakerBackendClass *klass;
  GrelCircuitSnapshot snapshot;

  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER_BACKEND (self));
  g_return_if_fail (name != NULL && settings != NULL);
  g_return_if_fail ((guint) outcome <= GREL_CIRCUIT_OUTCOME_ERROR);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self);
  if (klass->record != NULL)
    klass->record (self, name, ticket, outcome, settings, task);
  else if (klass->try_record != NULL)
    {
      gboolean counted = klass->try_record (self, name, ticket, outcome, settings, &snapshot);

      grel_circuit_breaker_backend_report_snapshot (self, name, &snapshot);
      g_task_return_boolean (task, counted);
    }
  else
    grel_circuit_breaker_backend_return_missing (task, "record");
}

/**
 * grel_circuit_breaker_backend_set_state: (virtual set_state)
 * @self: a circuit breaker backend
 * @name: the name of the circuit
 * @state: the state that it takes
 * @cool_down: for how long it is open, in microseconds; of no meaning for other states
 * @task: (transfer none): completed once with a boolean
 *
 * Puts the circuit into a state, whichever it was in, with all counts at 0. The forced states last
 * until this is called again; one that is closed needs no record. The answer is %TRUE. Call this in
 * the captured context.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_backend_set_state (GrelCircuitBreakerBackend *self,
                                        const char *name,
                                        GrelCircuitState state,
                                        GTimeSpan cool_down,
                                        GTask *task)
{
  GrelCircuitBreakerBackendClass *klass;
  GrelCircuitSnapshot snapshot;

  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER_BACKEND (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail ((guint) state <= GREL_CIRCUIT_STATE_FORCED_CLOSED);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self);
  if (klass->set_state != NULL)
    klass->set_state (self, name, state, cool_down, task);
  else if (klass->try_set_state != NULL)
    {
      klass->try_set_state (self, name, state, cool_down, &snapshot);
      grel_circuit_breaker_backend_report_snapshot (self, name, &snapshot);
      g_task_return_boolean (task, TRUE);
    }
  else
    grel_circuit_breaker_backend_return_missing (task, "set_state");
}

/**
 * grel_circuit_breaker_backend_get_state: (virtual get_state)
 * @self: a circuit breaker backend
 * @name: the name of the circuit
 * @task: (transfer none): completed once with an int
 *
 * Asks for the state, which that doesn't change: an open circuit whose time is over stays open
 * until a call asks to go through. The answer is a [enum@Grelmicro.CircuitState]. Call this in the
 * captured context.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_backend_get_state (GrelCircuitBreakerBackend *self,
                                        const char *name,
                                        GTask *task)
{
  GrelCircuitBreakerBackendClass *klass;
  GrelCircuitSnapshot snapshot;

  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER_BACKEND (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (G_IS_TASK (task));

  klass = GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self);
  if (klass->get_state != NULL)
    klass->get_state (self, name, task);
  else if (klass->try_get_state != NULL)
    {
      klass->try_get_state (self, name, &snapshot);
      grel_circuit_breaker_backend_report_snapshot (self, name, &snapshot);
      g_task_return_int (task, snapshot.state);
    }
  else
    grel_circuit_breaker_backend_return_missing (task, "get_state");
}

/**
 * grel_circuit_breaker_backend_report:
 * @self: a circuit breaker backend
 * @name: the name of the circuit, as it arrived
 * @state: its state
 * @consecutive_errors: how many errors in a row there were
 * @consecutive_successes: how many successes in a row there were, while it is half-open; those
 *   while it is closed are counted by the library
 * @retry_after: how long it is open still, in microseconds; 0 in any other state
 *
 * Tells the circuit breakers of that name in this process how the circuit stands. An adapter calls
 * this before it completes a task, and whenever its store tells of a change. The `try_` functions
 * don't, as they give a snapshot back. May be called from any thread.
 *
 * Since: 0.1
 */
void
grel_circuit_breaker_backend_report (GrelCircuitBreakerBackend *self,
                                     const char *name,
                                     GrelCircuitState state,
                                     guint consecutive_errors,
                                     guint consecutive_successes,
                                     GTimeSpan retry_after)
{
  const GrelCircuitSnapshot snapshot
    = { state, consecutive_errors, consecutive_successes, retry_after };
  GrelPart *part;
  GrelCircuit *circuit;

  g_return_if_fail (GREL_IS_CIRCUIT_BREAKER_BACKEND (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail ((guint) state <= GREL_CIRCUIT_STATE_FORCED_CLOSED);

  part = grel_backend_get_part (GREL_BACKEND (self));
  if (grel_part_is_foreign (part))
    return;

  grel_part_lock (part);
  circuit = g_hash_table_lookup (grel_circuit_breaker_backend_get_circuits (self), name);
  if (circuit != NULL)
    grel_circuit_see (circuit, &snapshot);
  g_mutex_unlock (&part->mutex);
}
