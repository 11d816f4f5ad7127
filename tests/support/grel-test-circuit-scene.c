/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "grel-test-circuit-scene.h"
#include "grel-test-scene.h"

void
grel_test_circuit_scene_set_up (GrelTestCircuitScene *self, gpointer backend)
{
  self->backend = backend;
  grel_test_stage_set_up (&self->context, &self->clock, self->backend);
  self->breaker = g_object_new (GREL_TYPE_CIRCUIT_BREAKER, "name", "payment", "backend", backend,
                                "error-threshold", GREL_TEST_ERROR_THRESHOLD, "success-threshold",
                                GREL_TEST_SUCCESS_THRESHOLD, "reset-timeout",
                                (gint64) GREL_TEST_RESET_TIMEOUT, NULL);
}

void
grel_test_circuit_scene_set_up_memory (GrelTestCircuitScene *self, gconstpointer data)
{
  grel_test_circuit_scene_set_up (self, grel_memory_circuit_breaker_adapter_new ());
}

void
grel_test_circuit_scene_set_up_store (GrelTestCircuitScene *self, gconstpointer data)
{
  self->store = grel_test_circuit_store_new ();
  self->desk = grel_test_circuit_store_get_desk (self->store);
  grel_test_circuit_scene_set_up (self, self->store);
}

void
grel_test_circuit_scene_tear_down (GrelTestCircuitScene *self, gconstpointer data)
{
  gpointer backend = self->backend;

  if (self->desk != NULL)
    grel_test_desk_forget (self->desk);
  grel_circuit_breaker_set_backend (self->breaker, NULL);
  g_object_add_weak_pointer (backend, &backend);
  grel_test_stage_tear_down (self->context, self->clock, self->backend);
  g_assert_null (backend); /* although the circuit breaker is still there */
  g_object_unref (self->breaker);
}

void
grel_test_circuit_scene_pass (GrelTestCircuitScene *self, GTimeSpan span)
{
  grel_test_pass_time (self->clock, span);
}

GrelPermit *
grel_test_circuit_scene_admit (GrelTestCircuitScene *self)
{
  g_autoptr (GError) error = NULL;
  GrelPermit *permit = grel_test_circuit_breaker_acquire (self->breaker, &error);

  g_assert_no_error (error);
  return permit;
}

void
grel_test_circuit_scene_be_refused (GrelTestCircuitScene *self, GTimeSpan retry_after)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (grel_test_circuit_breaker_acquire (self->breaker, &error));
  if (retry_after >= 0)
    g_assert_cmpint (grel_error_get_retry_after (error), ==, retry_after);
  grel_test_assert_error (error, GREL_ERROR_CIRCUIT_OPEN, "circuit breaker", "payment");
}

void
grel_test_circuit_scene_succeed (GrelTestCircuitScene *self, guint n_calls)
{
  for (guint i = 0; i < n_calls; i++)
    {
      g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (self);

      g_assert_true (grel_test_permit_succeed (permit, NULL));
    }
}

void
grel_test_circuit_scene_fail (GrelTestCircuitScene *self, guint n_calls)
{
  for (guint i = 0; i < n_calls; i++)
    {
      g_autoptr (GrelPermit) permit = grel_test_circuit_scene_admit (self);

      g_assert_true (grel_test_permit_fail (permit, G_IO_ERROR_TIMED_OUT, NULL));
    }
}

void
grel_test_circuit_scene_trip (GrelTestCircuitScene *self)
{
  grel_test_circuit_scene_fail (self, GREL_TEST_ERROR_THRESHOLD);
  grel_test_circuit_scene_expect_state (self, GREL_CIRCUIT_STATE_OPEN);
}

void
grel_test_circuit_scene_cool_down (GrelTestCircuitScene *self)
{
  grel_test_circuit_scene_pass (self, GREL_TEST_RESET_TIMEOUT);
}

void
grel_test_circuit_scene_expect_state (GrelTestCircuitScene *self, GrelCircuitState state)
{
  g_assert_cmpint (grel_circuit_breaker_get_state (self->breaker), ==, state);
}

void
grel_test_circuit_scene_close (GrelTestCircuitScene *self)
{
  g_autoptr (GError) error = NULL;

  grel_test_backend_close (self->backend, &error);
  g_assert_no_error (error);
}

void
grel_test_circuit_scene_open (GrelTestCircuitScene *self)
{
  g_autoptr (GError) error = NULL;

  grel_test_backend_open (self->backend, &error);
  g_assert_no_error (error);
}

guint64
grel_test_circuit_breaker_get_figure (GrelCircuitBreaker *breaker, const char *name)
{
  g_autoptr (GVariant) metrics = grel_circuit_breaker_get_metrics (breaker);
  guint64 figure;

  if (!g_variant_lookup (metrics, name, "t", &figure))
    g_error ("the metrics have no “%s”", name);
  return figure;
}
