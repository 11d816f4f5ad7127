/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-enums.h>
#include <grelmicro/resilience/grel-circuit-breaker-private.h>
#include <grelmicro/resilience/grel-circuit-tickets-private.h>

/**
 * GrelCircuitBreaker:
 *
 * Stops calling what keeps failing, for a while.
 *
 * While the circuit is closed all calls go through. As many errors in a row as the error threshold
 * says open it: calls are refused at once with %GREL_ERROR_CIRCUIT_OPEN, which spares the
 * dependency and the caller's time. After the reset timeout it is half-open: a few calls go through
 * as probes. As many successes in a row as the success threshold says close it, as many errors as
 * the error threshold open it again.
 *
 * Two circuit breakers of one name on one backend are one circuit. A circuit breaker may be made
 * before the app that it finds its backend in; making one does no I/O and never fails: a setting
 * that is not acceptable makes each operation fail with %GREL_ERROR_SETTINGS. May be used from any
 * thread.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (GrelCircuitBreaker, grel_circuit_breaker, G_TYPE_OBJECT)

enum
{
  PROP_NAME = 1,
  PROP_BACKEND,
  PROP_APP,
  PROP_ERROR_THRESHOLD,
  PROP_SUCCESS_THRESHOLD,
  PROP_RESET_TIMEOUT,
  PROP_HALF_OPEN_CAPACITY,
  PROP_MAX_KEYED,
  PROP_STATE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];
static guint state_changed_signal;

#define GREL_CIRCUIT_BREAKER_RW                                                                    \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)
#define GREL_CIRCUIT_BREAKER_MAX_KEYED 1024

static void
grel_circuit_family_clear (gpointer data)
{
  GrelCircuitFamily *self = data;

  grel_primitive_clear (&self->primitive);
  g_clear_pointer (&self->ignored, g_array_unref);
  g_hash_table_unref (self->keyed);
}

static GrelCircuitFamily *
grel_circuit_family_new (void)
{
  GrelCircuitFamily *self = g_atomic_rc_box_new0 (GrelCircuitFamily);

  grel_primitive_init (&self->primitive);
  self->settings = grel_circuit_settings_default;
  self->keyed = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                       (GDestroyNotify) grel_keyed_circuit_free);
  self->max_keyed = GREL_CIRCUIT_BREAKER_MAX_KEYED;
  return self;
}

static void
grel_circuit_family_unref (GrelCircuitFamily *self)
{
  g_atomic_rc_box_release_full (self, grel_circuit_family_clear);
}

GrelSubject
grel_circuit_breaker_get_subject (GrelCircuitBreaker *self)
{
  return (GrelSubject){ "circuit breaker", self->key != NULL ? self->name : NULL };
}

GrelCircuit *
grel_circuit_breaker_ref_circuit (GrelCircuitBreaker *self)
{
  GrelCircuit *circuit;

  grel_primitive_lock (&self->family->primitive);
  circuit = self->circuit != NULL ? grel_circuit_ref (self->circuit) : NULL;
  grel_primitive_unlock (&self->family->primitive);
  return circuit;
}

/* A circuit that has ended meanwhile told so already, and would never be let go. */
static void
grel_circuit_breaker_swap (GrelCircuitBreaker *self, GrelCircuit *from, GrelCircuit *to)
{
  GrelCircuit *old = NULL;
  gboolean is_due;

  grel_primitive_lock (&self->family->primitive);
  is_due = to != NULL ? !grel_circuit_has_ended (to) : from == NULL || self->circuit == from;
  if (is_due)
    {
      old = self->circuit;
      self->circuit = to != NULL ? grel_circuit_ref (to) : NULL;
    }
  grel_primitive_unlock (&self->family->primitive);

  if (old != NULL && old != to)
    {
      grel_circuit_unwatch (old, self->observer);
      grel_circuit_tally_lock (self->tally);
      self->tally->route = (GrelRoute){ 0 }; /* who goes on by ticket has to bind it again */
      grel_circuit_tally_unlock (self->tally);
    }
  g_clear_pointer (&old, grel_circuit_unref);
}

void
grel_circuit_breaker_bind (GrelCircuitBreaker *self, GrelCircuit *circuit)
{
  grel_circuit_breaker_swap (self, NULL, circuit);
}

void
grel_circuit_breaker_unbind (GrelCircuitBreaker *self, GrelCircuit *circuit)
{
  grel_circuit_breaker_swap (self, circuit, NULL);
}

void
grel_circuit_breaker_emit (GrelCircuitBreaker *self,
                           GrelCircuitState before,
                           GrelCircuitState after,
                           const char *cause)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
  g_signal_emit (self, state_changed_signal, 0, before, after, cause);
}

GrelCircuitBreaker *
grel_circuit_breaker_new_keyed (GrelCircuitBreaker *self, const char *key, const char *path)
{
  g_autofree char *name = g_strconcat (self->key != NULL ? self->name : "", ":", key, NULL);
  GrelCircuitBreaker *keyed = grel_circuit_breaker_new (self->key != NULL ? name : NULL);

  grel_circuit_family_unref (keyed->family);
  keyed->family = g_atomic_rc_box_acquire (self->family);
  keyed->path = g_strdup (path);
  return keyed;
}

static void
grel_circuit_breaker_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GrelCircuitBreaker *self = GREL_CIRCUIT_BREAKER (object);

  switch (id)
    {
    case PROP_NAME:
      g_value_set_string (value, grel_circuit_breaker_get_name (self));
      break;
    case PROP_BACKEND:
      g_value_set_object (value, grel_circuit_breaker_get_backend (self));
      break;
    case PROP_APP:
      g_value_set_object (value, grel_circuit_breaker_get_app (self));
      break;
    case PROP_ERROR_THRESHOLD:
      g_value_set_uint (value, grel_circuit_breaker_get_error_threshold (self));
      break;
    case PROP_SUCCESS_THRESHOLD:
      g_value_set_uint (value, grel_circuit_breaker_get_success_threshold (self));
      break;
    case PROP_RESET_TIMEOUT:
      g_value_set_int64 (value, grel_circuit_breaker_get_reset_timeout (self));
      break;
    case PROP_HALF_OPEN_CAPACITY:
      g_value_set_uint (value, grel_circuit_breaker_get_half_open_capacity (self));
      break;
    case PROP_MAX_KEYED:
      g_value_set_uint (value, grel_circuit_breaker_get_max_keyed (self));
      break;
    case PROP_STATE:
      g_value_set_enum (value, grel_circuit_breaker_get_state (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_circuit_breaker_set_property (GObject *object,
                                   guint id,
                                   const GValue *value,
                                   GParamSpec *pspec)
{
  GrelCircuitBreaker *self = GREL_CIRCUIT_BREAKER (object);

  switch (id)
    {
    case PROP_NAME:
      self->name = g_value_dup_string (value);
      self->key = grel_circuit_settings_make_key (self->name);
      break;
    case PROP_BACKEND:
      grel_circuit_breaker_set_backend (self, g_value_get_object (value));
      break;
    case PROP_APP:
      grel_circuit_breaker_set_app (self, g_value_get_object (value));
      break;
    case PROP_ERROR_THRESHOLD:
      grel_circuit_breaker_set_error_threshold (self, g_value_get_uint (value));
      break;
    case PROP_SUCCESS_THRESHOLD:
      grel_circuit_breaker_set_success_threshold (self, g_value_get_uint (value));
      break;
    case PROP_RESET_TIMEOUT:
      grel_circuit_breaker_set_reset_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_HALF_OPEN_CAPACITY:
      grel_circuit_breaker_set_half_open_capacity (self, g_value_get_uint (value));
      break;
    case PROP_MAX_KEYED:
      grel_circuit_breaker_set_max_keyed (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
grel_circuit_breaker_dispose (GObject *object)
{
  grel_circuit_observer_forget (GREL_CIRCUIT_BREAKER (object)->observer);

  G_OBJECT_CLASS (grel_circuit_breaker_parent_class)->dispose (object);
}

static void
grel_circuit_breaker_finalize (GObject *object)
{
  GrelCircuitBreaker *self = GREL_CIRCUIT_BREAKER (object);

  grel_circuit_breaker_leave_family (self);
  grel_circuit_tickets_clear (self->tally);
  grel_circuit_breaker_bind (self, NULL);
  grel_circuit_observer_unref (self->observer);
  grel_circuit_tally_unref (self->tally);
  grel_circuit_family_unref (self->family);
  g_clear_pointer (&self->key, g_ref_string_release);
  g_free (self->path);
  g_free (self->name);

  G_OBJECT_CLASS (grel_circuit_breaker_parent_class)->finalize (object);
}

static void
grel_circuit_breaker_install_wiring (void)
{
  /**
   * GrelCircuitBreaker:name: (getter get_name)
   *
   * The name of the circuit: 1 to 1000 bytes of UTF-8.
   *
   * Since: 0.1
   */
  properties[PROP_NAME]
    = g_param_spec_string ("name", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * GrelCircuitBreaker:backend: (getter get_backend) (setter set_backend)
   *
   * The backend that remembers the state; %NULL finds one in an app at each use.
   *
   * Since: 0.1
   */
  properties[PROP_BACKEND]
    = g_param_spec_object ("backend", NULL, NULL, GREL_TYPE_CIRCUIT_BREAKER_BACKEND,
                           GREL_CIRCUIT_BREAKER_RW);

  /**
   * GrelCircuitBreaker:app: (getter get_app) (setter set_app)
   *
   * The app to find the backend in; %NULL finds the app, too, at each use.
   *
   * Since: 0.1
   */
  properties[PROP_APP]
    = g_param_spec_object ("app", NULL, NULL, GREL_TYPE_APP, GREL_CIRCUIT_BREAKER_RW);

  /**
   * GrelCircuitBreaker:state: (getter get_state)
   *
   * The state of the circuit as far as this circuit breaker knows, which it does from its first use
   * on. It is notified in the main context of the backend.
   *
   * Since: 0.1
   */
  properties[PROP_STATE]
    = g_param_spec_enum ("state", NULL, NULL, GREL_TYPE_CIRCUIT_STATE, GREL_CIRCUIT_STATE_CLOSED,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
}

static void
grel_circuit_breaker_install_settings (void)
{
  const GrelCircuitSettings *settings = &grel_circuit_settings_default;

  /**
   * GrelCircuitBreaker:error-threshold: (getter get_error_threshold) (setter set_error_threshold)
   *
   * How many errors in a row open the circuit.
   *
   * Since: 0.1
   */
  properties[PROP_ERROR_THRESHOLD]
    = g_param_spec_uint ("error-threshold", NULL, NULL, 0, G_MAXUINT, settings->error_threshold,
                         GREL_CIRCUIT_BREAKER_RW);

  /**
   * GrelCircuitBreaker:success-threshold:
   *
   * How many successes in a row close the circuit when it is half-open.
   *
   * Since: 0.1
   */
  properties[PROP_SUCCESS_THRESHOLD]
    = g_param_spec_uint ("success-threshold", NULL, NULL, 0, G_MAXUINT, settings->success_threshold,
                         GREL_CIRCUIT_BREAKER_RW);

  /**
   * GrelCircuitBreaker:reset-timeout: (getter get_reset_timeout) (setter set_reset_timeout)
   *
   * How long the circuit is open before probes may go through, in microseconds. A probe that is not
   * completed within the same time counts as dead, and another may take its place.
   *
   * Since: 0.1
   */
  properties[PROP_RESET_TIMEOUT]
    = g_param_spec_int64 ("reset-timeout", NULL, NULL, G_MININT64, G_MAXINT64,
                          settings->reset_timeout, GREL_CIRCUIT_BREAKER_RW);

  /**
   * GrelCircuitBreaker:half-open-capacity:
   *
   * How many probes may run at a time.
   *
   * Since: 0.1
   */
  properties[PROP_HALF_OPEN_CAPACITY]
    = g_param_spec_uint ("half-open-capacity", NULL, NULL, 0, G_MAXUINT,
                         settings->half_open_capacity, GREL_CIRCUIT_BREAKER_RW);

  /**
   * GrelCircuitBreaker:max-keyed: (getter get_max_keyed) (setter set_max_keyed)
   *
   * How many keyed circuits are remembered; more of them only while they are in use. 0 is no bound.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_KEYED]
    = g_param_spec_uint ("max-keyed", NULL, NULL, 0, G_MAXUINT, GREL_CIRCUIT_BREAKER_MAX_KEYED,
                         GREL_CIRCUIT_BREAKER_RW);
}

static void
grel_circuit_breaker_class_init (GrelCircuitBreakerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = grel_circuit_breaker_get_property;
  object_class->set_property = grel_circuit_breaker_set_property;
  object_class->dispose = grel_circuit_breaker_dispose;
  object_class->finalize = grel_circuit_breaker_finalize;

  grel_circuit_breaker_install_wiring ();
  grel_circuit_breaker_install_settings ();
  g_object_class_install_properties (object_class, N_PROPS, properties);

  /**
   * GrelCircuitBreaker::state-changed:
   * @self: a circuit breaker
   * @before: the state that it was in
   * @after: the state that it is in
   * @cause: why: `error-threshold`, `reset-timeout`, `success-threshold`, `manual` after it was
   *   isolated or reset, or `closed` when its backend was closed
   *
   * The state of the circuit has changed, by what this circuit breaker did or by what another of
   * the same name did. It is emitted in the main context of the backend.
   *
   * Since: 0.1
   */
  state_changed_signal
    = g_signal_new ("state-changed", GREL_TYPE_CIRCUIT_BREAKER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                    NULL, G_TYPE_NONE, 3, GREL_TYPE_CIRCUIT_STATE, GREL_TYPE_CIRCUIT_STATE,
                    G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
grel_circuit_breaker_init (GrelCircuitBreaker *self)
{
  self->family = grel_circuit_family_new ();
  self->tally = grel_circuit_tally_new ();
  self->observer = grel_circuit_observer_new (self);
}

/**
 * grel_circuit_breaker_new:
 * @name: (nullable): the name of the circuit
 *
 * Makes a circuit breaker. It does no I/O and never fails; a name that is not acceptable makes each
 * operation fail. May be called from any thread.
 *
 * Returns: (transfer full): a new circuit breaker
 *
 * Since: 0.1
 */
GrelCircuitBreaker *
grel_circuit_breaker_new (const char *name)
{
  return g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", name, NULL);
}
