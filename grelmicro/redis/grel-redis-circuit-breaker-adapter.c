/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-error.h>
#include <grelmicro/redis/grel-redis-circuit-breaker-adapter-private.h>

struct _GrelRedisCircuitBreakerAdapter
{
  GrelCircuitBreakerBackend parent_instance;
};

G_DEFINE_FINAL_TYPE (GrelRedisCircuitBreakerAdapter,
                     grel_redis_circuit_breaker_adapter,
                     GREL_TYPE_CIRCUIT_BREAKER_BACKEND)

static GrelRedisScript grel_redis_circuit_admit_script = { "circuit-admit", "circuit" };
static GrelRedisScript grel_redis_circuit_record_script = { "circuit-record", "circuit" };
static GrelRedisScript grel_redis_circuit_set_state_script = { "circuit-set-state", "circuit" };
static GrelRedisScript grel_redis_circuit_get_state_script = { "circuit-get-state", "circuit" };

/* As the server knows them, and Python grelmicro. */
static const char *const grel_redis_circuit_states[] = {
  [GREL_CIRCUIT_STATE_CLOSED] = "CLOSED",
  [GREL_CIRCUIT_STATE_OPEN] = "OPEN",
  [GREL_CIRCUIT_STATE_HALF_OPEN] = "HALF_OPEN",
  [GREL_CIRCUIT_STATE_FORCED_OPEN] = "FORCED_OPEN",
  [GREL_CIRCUIT_STATE_FORCED_CLOSED] = "FORCED_CLOSED",
};

static const char *const grel_redis_circuit_outcomes[] = {
  [GREL_CIRCUIT_OUTCOME_NONE] = "NONE",
  [GREL_CIRCUIT_OUTCOME_SUCCESS] = "SUCCESS",
  [GREL_CIRCUIT_OUTCOME_ERROR] = "ERROR",
};

static gboolean
grel_redis_circuit_map_state (const GrelRedisReply *reply, GrelCircuitState *state, GError **error)
{
  const char *text;

  if (!grel_redis_reply_get_text (reply, &text, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (grel_redis_circuit_states); i++)
    {
      if (g_strcmp0 (text, grel_redis_circuit_states[i]) == 0)
        {
          *state = i;
          return TRUE;
        }
    }
  g_set_error_literal (error, GREL_ERROR, GREL_ERROR_BACKEND,
                       "the server holds a state that is none");
  return FALSE;
}

gboolean
grel_redis_circuit_map (const GrelRedisReply *reply,
                        gint64 *answer,
                        GrelCircuitSnapshot *snapshot,
                        GError **error)
{
  GrelRedisReply *const *elements;
  gint64 errors, successes, left;

  if (!grel_redis_reply_get_array (reply, 5, &elements, error)
      || !grel_redis_reply_get_number (elements[0], -GREL_REDIS_MAX_NUMBER, GREL_REDIS_MAX_NUMBER,
                                       answer, error)
      || !grel_redis_circuit_map_state (elements[1], &snapshot->state, error)
      || !grel_redis_reply_get_number (elements[2], 0, G_MAXUINT, &errors, error)
      || !grel_redis_reply_get_number (elements[3], 0, G_MAXUINT, &successes, error)
      || !grel_redis_reply_get_number (elements[4], 0, GREL_REDIS_MAX_NUMBER, &left, error))
    return FALSE;

  snapshot->consecutive_errors = errors;
  snapshot->consecutive_successes = successes;
  snapshot->retry_after = left;
  return TRUE;
}

/* Breakers learn how the circuit stands, then the asker its answer. */
static gboolean
grel_redis_circuit_take (GrelRedisCommand *command,
                         const GrelRedisReply *reply,
                         GError *error,
                         gint64 *answer,
                         GrelCircuitState *state)
{
  GrelCircuitSnapshot snapshot;

  if (error == NULL && grel_redis_circuit_map (reply, answer, &snapshot, &error))
    {
      *state = snapshot.state;
      grel_circuit_breaker_backend_report (g_task_get_source_object (command->task), command->data,
                                           snapshot.state, snapshot.consecutive_errors,
                                           snapshot.consecutive_successes, snapshot.retry_after);
      return TRUE;
    }

  g_task_return_error (command->task, error);
  return FALSE;
}

static void
grel_redis_circuit_return_answer (GrelRedisCommand *command,
                                  const GrelRedisReply *reply,
                                  GError *error)
{
  GrelCircuitState state;
  gint64 answer;

  if (grel_redis_circuit_take (command, reply, error, &answer, &state))
    g_task_return_int (command->task, answer);
}

static void
grel_redis_circuit_return_boolean (GrelRedisCommand *command,
                                   const GrelRedisReply *reply,
                                   GError *error)
{
  GrelCircuitState state;
  gint64 answer;

  if (grel_redis_circuit_take (command, reply, error, &answer, &state))
    g_task_return_boolean (command->task, answer != 0);
}

static void
grel_redis_circuit_return_state (GrelRedisCommand *command,
                                 const GrelRedisReply *reply,
                                 GError *error)
{
  GrelCircuitState state;
  gint64 answer;

  if (grel_redis_circuit_take (command, reply, error, &answer, &state))
    g_task_return_int (command->task, state);
}

/* None but a look may be asked twice: what is counted twice, or put right that another has changed
 * since, is wrong. A slot that is lost with a connection expires by itself. */
static GrelRedisCommand *
grel_redis_circuit_command_new (GrelCircuitBreakerBackend *backend,
                                GrelRedisScript *script,
                                const char *name,
                                GTask *task,
                                GrelRedisAnswered answered)
{
  GrelRedisCommand *command = grel_redis_command_new_script (script, 1, task, answered);

  grel_redis_adapter_add_key (backend, command, "", name);
  command->data = g_strdup (name);
  command->destroy_data = g_free;
  return command;
}

static void
grel_redis_circuit_breaker_adapter_admit (GrelCircuitBreakerBackend *backend,
                                          const char *name,
                                          const GrelCircuitSettings *settings,
                                          GTask *task)
{
  GrelRedisCommand *command
    = grel_redis_circuit_command_new (backend, &grel_redis_circuit_admit_script, name, task,
                                      grel_redis_circuit_return_answer);

  grel_redis_command_add_integer (command, settings->half_open_capacity);
  grel_redis_command_add_integer (command, settings->reset_timeout);
  grel_redis_adapter_send (backend, command);
}

static void
grel_redis_circuit_breaker_adapter_record (GrelCircuitBreakerBackend *backend,
                                           const char *name,
                                           gint64 ticket,
                                           GrelCircuitOutcome outcome,
                                           const GrelCircuitSettings *settings,
                                           GTask *task)
{
  GrelRedisCommand *command
    = grel_redis_circuit_command_new (backend, &grel_redis_circuit_record_script, name, task,
                                      grel_redis_circuit_return_boolean);

  grel_redis_command_add_integer (command, ticket);
  grel_redis_command_add (command, grel_redis_circuit_outcomes[outcome]);
  grel_redis_command_add_integer (command, settings->error_threshold);
  grel_redis_command_add_integer (command, settings->success_threshold);
  grel_redis_command_add_integer (command, settings->reset_timeout);
  grel_redis_adapter_send (backend, command);
}

static void
grel_redis_circuit_breaker_adapter_set_state (GrelCircuitBreakerBackend *backend,
                                              const char *name,
                                              GrelCircuitState state,
                                              GTimeSpan cool_down,
                                              GTask *task)
{
  GrelRedisCommand *command
    = grel_redis_circuit_command_new (backend, &grel_redis_circuit_set_state_script, name, task,
                                      grel_redis_circuit_return_boolean);

  grel_redis_command_add (command, grel_redis_circuit_states[state]);
  grel_redis_command_add_integer (command, cool_down);
  grel_redis_adapter_send (backend, command);
}

static void
grel_redis_circuit_breaker_adapter_get_state (GrelCircuitBreakerBackend *backend,
                                              const char *name,
                                              GTask *task)
{
  GrelRedisCommand *command
    = grel_redis_circuit_command_new (backend, &grel_redis_circuit_get_state_script, name, task,
                                      grel_redis_circuit_return_state);

  command->is_repeatable = TRUE;
  grel_redis_adapter_send (backend, command);
}

static void
grel_redis_circuit_breaker_adapter_class_init (GrelRedisCircuitBreakerAdapterClass *klass)
{
  GrelCircuitBreakerBackendClass *breaker_class = GREL_CIRCUIT_BREAKER_BACKEND_CLASS (klass);

  grel_redis_adapter_class_init (GREL_BACKEND_CLASS (klass));
  breaker_class->admit = grel_redis_circuit_breaker_adapter_admit;
  breaker_class->record = grel_redis_circuit_breaker_adapter_record;
  breaker_class->set_state = grel_redis_circuit_breaker_adapter_set_state;
  breaker_class->get_state = grel_redis_circuit_breaker_adapter_get_state;
}

static void
grel_redis_circuit_breaker_adapter_init (GrelRedisCircuitBreakerAdapter *self)
{
}
