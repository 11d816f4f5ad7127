/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/core/grel-primitive-private.h>
#include <grelmicro/resilience/grel-admission-private.h>

G_BEGIN_DECLS

/* What a circuit breaker and its keyed circuits, and theirs, share. In a reference counted box. */
typedef struct
{
  GrelPrimitive primitive;
  GrelCircuitSettings settings; /* under the primitive's mutex, as all the rest */
  GArray *ignored;              /* (element-type GrelIgnoredError) (nullable) */
  GHashTable *keyed;            /* path to GrelKeyedCircuit, for each that there is */
  GQueue remembered;            /* (element-type GrelKeyedCircuit) the last used first */
  guint max_keyed;
  gboolean is_orphaned; /* who shared it first is gone, and nothing is remembered any more */
} GrelCircuitFamily;

struct _GrelCircuitBreaker
{
  GObject parent_instance;

  char *name;
  GRefString *key; /* NULL if the name is not acceptable */
  char *path;      /* (nullable) the keys that led to it */
  GrelCircuitFamily *family;
  GrelCircuitTally *tally;
  GrelCircuitObserver *observer; /* of this object */

  GrelCircuit *circuit; /* (nullable) under the family's mutex */
};

/* One of a family that has a path. */
typedef struct
{
  GrelCircuitObserver *observer;
  GrelCircuitBreaker *breaker; /* (nullable) a reference while it is remembered */
  GList link;
} GrelKeyedCircuit;

void grel_keyed_circuit_free (GrelKeyedCircuit *self);

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
GrelCircuitBreaker *
grel_circuit_breaker_new_keyed (GrelCircuitBreaker *self, const char *key, const char *path);

/* It is being finalized. */
void grel_circuit_breaker_leave_family (GrelCircuitBreaker *self);

G_END_DECLS
