/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-store.h"

struct _GrelTestCircuitStore
{
  GrelCircuitBreakerBackend parent_instance;

  GrelCircuitBreakerBackend *memory; /* which keeps the state */
  GrelTestDesk desk;
};

G_DEFINE_FINAL_TYPE (GrelTestCircuitStore,
                     grel_test_circuit_store,
                     GREL_TYPE_CIRCUIT_BREAKER_BACKEND)

typedef enum
{
  ADMIT,
  RECORD,
  SET_STATE,
  GET_STATE
} Verb;

typedef struct
{
  GrelTestRequest base;
  GrelTestCircuitStore *store;
  Verb verb;
  char *name;
  gint64 ticket;
  GrelCircuitOutcome outcome;
  GrelCircuitSettings settings;
  GrelCircuitState state;
  GTimeSpan cool_down;
} Request;

static void
request_clear (gpointer data)
{
  g_free (((Request *) data)->name);
}

/* Returns: the answer, an int or a boolean */
static gint64
request_ask_memory (Request *self, GrelCircuitSnapshot *snapshot)
{
  GrelCircuitBreakerBackend *memory = self->store->memory;
  GrelCircuitBreakerBackendClass *klass = GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (memory);

  switch (self->verb)
    {
    case ADMIT:
      return klass->try_admit (memory, self->name, &self->settings, snapshot);
    case RECORD:
      return klass->try_record (memory, self->name, self->ticket, self->outcome, &self->settings,
                                snapshot);
    case SET_STATE:
      klass->try_set_state (memory, self->name, self->state, self->cool_down, snapshot);
      return TRUE;
    case GET_STATE:
    default:
      klass->try_get_state (memory, self->name, snapshot);
      return snapshot->state;
    }
}

static void
request_answer (gpointer data)
{
  Request *self = data;
  GrelCircuitSnapshot snapshot;
  gint64 answer = request_ask_memory (self, &snapshot);

  grel_circuit_breaker_backend_report (GREL_CIRCUIT_BREAKER_BACKEND (self->store), self->name,
                                       snapshot.state, snapshot.consecutive_errors,
                                       snapshot.consecutive_successes, snapshot.retry_after);
  if (self->verb == ADMIT || self->verb == GET_STATE)
    g_task_return_int (self->base.task, answer);
  else
    g_task_return_boolean (self->base.task, answer);
}

static void
grel_test_circuit_store_ask (GrelCircuitBreakerBackend *backend,
                             const char *name,
                             const Request *question,
                             GTask *task)
{
  GrelTestCircuitStore *self = GREL_TEST_CIRCUIT_STORE (backend);
  Request *request = g_memdup2 (question, sizeof *question);

  request->base.answer = request_answer;
  request->base.clear = request_clear;
  request->store = self;
  request->name = g_strdup (name);
  grel_test_desk_ask (&self->desk, &request->base, task);
}

static void
grel_test_circuit_store_admit (GrelCircuitBreakerBackend *backend,
                               const char *name,
                               const GrelCircuitSettings *settings,
                               GTask *task)
{
  const Request question = { .verb = ADMIT, .settings = *settings };

  grel_test_circuit_store_ask (backend, name, &question, task);
}

static void
grel_test_circuit_store_record (GrelCircuitBreakerBackend *backend,
                                const char *name,
                                gint64 ticket,
                                GrelCircuitOutcome outcome,
                                const GrelCircuitSettings *settings,
                                GTask *task)
{
  const Request question
    = { .verb = RECORD, .ticket = ticket, .outcome = outcome, .settings = *settings };

  grel_test_circuit_store_ask (backend, name, &question, task);
}

static void
grel_test_circuit_store_set_state (GrelCircuitBreakerBackend *backend,
                                   const char *name,
                                   GrelCircuitState state,
                                   GTimeSpan cool_down,
                                   GTask *task)
{
  const Request question = { .verb = SET_STATE, .state = state, .cool_down = cool_down };

  grel_test_circuit_store_ask (backend, name, &question, task);
}

static void
grel_test_circuit_store_ask_state (GrelCircuitBreakerBackend *backend,
                                   const char *name,
                                   GTask *task)
{
  const Request question = { .verb = GET_STATE };

  grel_test_circuit_store_ask (backend, name, &question, task);
}

static void
grel_test_circuit_store_open (GrelBackend *backend, GTask *task)
{
  grel_backend_set_clock (GREL_BACKEND (GREL_TEST_CIRCUIT_STORE (backend)->memory),
                          grel_backend_get_clock (backend));
  g_task_return_boolean (task, TRUE);
}

static void
grel_test_circuit_store_finalize (GObject *object)
{
  GrelTestCircuitStore *self = GREL_TEST_CIRCUIT_STORE (object);

  g_object_unref (self->memory);
  grel_test_desk_clear (&self->desk);

  G_OBJECT_CLASS (grel_test_circuit_store_parent_class)->finalize (object);
}

static void
grel_test_circuit_store_class_init (GrelTestCircuitStoreClass *klass)
{
  GrelCircuitBreakerBackendClass *breaker_class = GREL_CIRCUIT_BREAKER_BACKEND_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = grel_test_circuit_store_finalize;
  GREL_BACKEND_CLASS (klass)->open = grel_test_circuit_store_open;
  breaker_class->admit = grel_test_circuit_store_admit;
  breaker_class->record = grel_test_circuit_store_record;
  breaker_class->set_state = grel_test_circuit_store_set_state;
  breaker_class->get_state = grel_test_circuit_store_ask_state;
}

static void
grel_test_circuit_store_init (GrelTestCircuitStore *self)
{
  self->memory = GREL_CIRCUIT_BREAKER_BACKEND (grel_memory_circuit_breaker_adapter_new ());
  grel_test_desk_init (&self->desk);
}

GrelTestCircuitStore *
grel_test_circuit_store_new (void)
{
  return g_object_new (GREL_TEST_TYPE_CIRCUIT_STORE, NULL);
}

GrelTestDesk *
grel_test_circuit_store_get_desk (GrelTestCircuitStore *self)
{
  return &self->desk;
}

GrelCircuitState
grel_test_circuit_store_get_state (GrelTestCircuitStore *self, const char *key)
{
  GrelCircuitSnapshot snapshot;

  GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self->memory)
    ->try_get_state (self->memory, key, &snapshot);
  return snapshot.state;
}

gint64
grel_test_circuit_store_admit_behind (GrelTestCircuitStore *self,
                                      const char *key,
                                      const GrelCircuitSettings *settings)
{
  GrelCircuitSnapshot snapshot;

  return GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self->memory)
    ->try_admit (self->memory, key, settings, &snapshot);
}

void
grel_test_circuit_store_set_state_behind (GrelTestCircuitStore *self,
                                          const char *key,
                                          GrelCircuitState state,
                                          GTimeSpan cool_down)
{
  GrelCircuitSnapshot snapshot;

  GREL_CIRCUIT_BREAKER_BACKEND_GET_CLASS (self->memory)
    ->try_set_state (self->memory, key, state, cool_down, &snapshot);
}
