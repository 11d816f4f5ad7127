/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <grelmicro/cache/grel-cache-backend.h>
#include <grelmicro/core/grel-backend-private.h>
#include <grelmicro/core/grel-call-private.h>

G_BEGIN_DECLS

typedef enum
{
  GREL_CACHE_GET,
  GREL_CACHE_SET,
  GREL_CACHE_DELETE,
  GREL_CACHE_DELETE_TAGS,
  GREL_CACHE_CLEAR,
  GREL_CACHE_GET_MANY,
  GREL_CACHE_SET_MANY,
  GREL_CACHE_DELETE_MANY
} GrelCacheVerb;

/* What a store is asked, in a reference-counted box. Keys have their prefix. */
typedef struct
{
  GrelCacheVerb verb;
  GRefString *key;
  char **keys;
  GHashTable *values;
  GrelCacheRecord record; /* to set; that of many has no value */
  char **tags;
  GTimeSpan min_remaining; /* what is found is fresh if it has more than that to go */
  GSList *stale;           /* found, but of no use: freed without the mutex */
} GrelCacheQuestion;

GrelCacheQuestion *grel_cache_question_new (GrelCacheVerb verb);

void grel_cache_question_unref (GrelCacheQuestion *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GrelCacheQuestion, grel_cache_question_unref)

const char *grel_cache_strip_key (const char *key);

/* The key has its prefix; nullable. */
GrelSubject grel_cache_subject_for_key (const char *key);

/* Returns: (transfer full): prefix and key */
GRefString *grel_cache_make_key (const char *key);

gboolean grel_cache_question_changes (GrelCacheQuestion *self);

/* About no key or no tag at all: there is nothing to ask. */
gboolean grel_cache_question_is_empty (GrelCacheQuestion *self);

gpointer grel_cache_question_answer_empty (GrelCacheQuestion *self);

/* Mutex held: the answer of a backend that has it at once; it has to be tidied afterwards. Found
 * values are found if they are fresh; of many there is one for each key, NULL if it wasn't found.
 */
gpointer grel_cache_question_answer (GrelCacheQuestion *self,
                                     GrelCacheBackend *backend,
                                     GrelCacheAccount *account);

/* Gets the answer (transfer full): bytes as they were kept, a table of them, or a boolean; or an
 * error (transfer full). */
typedef void (*GrelCacheAnswered) (gpointer data, gpointer answer, GError *error);

/* In the captured context. */
void grel_cache_backend_ask (GrelCacheBackend *self,
                             GrelCacheQuestion *question,
                             GrelCacheAnswered answered,
                             gpointer data);

/* Takes bytes as they were kept (nullable). Returns: whether there were any */
gboolean grel_cache_backend_decode (GrelCacheBackend *self, GBytes *bytes, GrelCacheRecord *record);

gboolean grel_cache_backend_is_immediate (GrelCacheBackend *self);

/* Without the mutex, after something changed: frees what was taken out. */
void grel_cache_backend_tidy (GrelCacheBackend *self);

/* By key; under the part's mutex. */
GHashTable *grel_cache_backend_get_flights (GrelCacheBackend *self);

G_END_DECLS
