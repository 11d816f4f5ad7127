/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/memory/grel-memory-cache-private.h>

#include <string.h>

struct _GrelMemoryCacheTag
{
  GrelMemoryCacheLink *first;
  char name[];
};

GHashTable *
grel_memory_cache_tags_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
}

static GrelMemoryCacheTag *
grel_memory_cache_tags_ensure (GHashTable *tags, const char *name)
{
  GrelMemoryCacheTag *tag = g_hash_table_lookup (tags, name);
  gsize size = strlen (name) + 1;

  if (tag != NULL)
    return tag;

  tag = g_malloc (sizeof *tag + size);
  tag->first = NULL;
  memcpy (tag->name, name, size);
  g_hash_table_insert (tags, tag->name, tag);
  return tag;
}

static gboolean
grel_memory_cache_entry_has_tag (GrelMemoryCacheEntry *entry, GrelMemoryCacheTag *tag)
{
  for (guint i = 0; i < entry->n_links; i++)
    if (entry->links[i].tag == tag)
      return TRUE;
  return FALSE;
}

static void
grel_memory_cache_tag_link (GrelMemoryCacheTag *tag, GrelMemoryCacheEntry *entry)
{
  GrelMemoryCacheLink *link = &entry->links[entry->n_links++];

  link->entry = entry;
  link->tag = tag;
  link->previous = NULL;
  link->next = tag->first;
  if (link->next != NULL)
    link->next->previous = link;
  tag->first = link;
}

void
grel_memory_cache_tags_add (GHashTable *tags, GrelMemoryCacheEntry *entry, const char *const *names)
{
  for (; names != NULL && *names != NULL; names++)
    {
      GrelMemoryCacheTag *tag = grel_memory_cache_tags_ensure (tags, *names);

      if (!grel_memory_cache_entry_has_tag (entry, tag))
        grel_memory_cache_tag_link (tag, entry);
    }
}

static void
grel_memory_cache_tags_unlink (GHashTable *tags, GrelMemoryCacheLink *link)
{
  if (link->next != NULL)
    link->next->previous = link->previous;
  if (link->previous != NULL)
    link->previous->next = link->next;
  else
    link->tag->first = link->next;

  if (link->tag->first == NULL)
    g_hash_table_remove (tags, link->tag->name);
}

void
grel_memory_cache_tags_remove (GHashTable *tags, GrelMemoryCacheEntry *entry)
{
  for (guint i = 0; i < entry->n_links; i++)
    grel_memory_cache_tags_unlink (tags, &entry->links[i]);
  entry->n_links = 0;
}

GrelMemoryCacheEntry *
grel_memory_cache_tags_peek (GHashTable *tags, const char *name)
{
  GrelMemoryCacheTag *tag = g_hash_table_lookup (tags, name);

  return tag != NULL ? tag->first->entry : NULL;
}
