/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-primitive-private.h>
#include <grelmicro/resilience/grel-admission-private.h>

G_BEGIN_DECLS

/* What a circuit breaker and its keyed circuits share. In a reference counted box. */
typedef struct
{
  GrelPrimitive primitive;
  GrelCircuitSettings settings; /* under the primitive's mutex, as the next one */
  GArray *ignored;              /* (element-type GrelIgnoredError) (nullable) */
} GrelCircuitFamily;

struct _GrelCircuitBreaker
{
  GObject parent_instance;

  char *name;
  GRefString *key; /* NULL if the name is not acceptable */
  GrelCircuitFamily *family;
  GrelCircuitTally *tally;
  GrelCircuitObserver *observer; /* of this object */

  GrelCircuit *circuit; /* (nullable) under the family's mutex, as all the rest */
  GHashTable *keyed;    /* (nullable) key to GrelKeyedCircuit */
  GQueue keyed_order;   /* (element-type GrelKeyedCircuit) the last used first */
  guint max_keyed;
};

GrelSubject grel_circuit_breaker_get_subject (GrelCircuitBreaker *self);

/* Returns: (transfer full) (nullable): the circuit that it is bound to */
GrelCircuit *grel_circuit_breaker_ref_circuit (GrelCircuitBreaker *self);

/* From now on the state is the circuit's. */
void grel_circuit_breaker_bind (GrelCircuitBreaker *self, GrelCircuit *circuit);

/* The circuit has ended. */
void grel_circuit_breaker_unbind (GrelCircuitBreaker *self, GrelCircuit *circuit);

/* In the captured context: the state has changed. */
void grel_circuit_breaker_emit (GrelCircuitBreaker *self,
                                GrelCircuitState before,
                                GrelCircuitState after,
                                const char *cause);

/* One that shares the family. */
GrelCircuitBreaker *grel_circuit_breaker_new_keyed (GrelCircuitBreaker *self, const char *key);

/* Lets go of all keyed circuits. */
void grel_circuit_breaker_clear_keyed (GrelCircuitBreaker *self);

G_END_DECLS
