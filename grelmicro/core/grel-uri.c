/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/core/grel-uri-private.h>

#include <string.h>

/* Splits where GUri does: user and password end at the first @. */
char *
grel_uri_take_hosts (const char *uri, char **hosts)
{
  g_autofree char *scheme = g_uri_parse_scheme (uri); /* a look at it would keep it for ever */
  const char *first = scheme != NULL ? strchr (uri, ':') + 1 : uri;
  const char *at;
  gsize length;

  *hosts = NULL;
  if (!g_str_has_prefix (first, "//"))
    return g_strdup (uri);

  first += 2;
  length = strcspn (first, "/?#");
  at = memchr (first, '@', length);
  if (at != NULL)
    {
      length -= at + 1 - first;
      first = at + 1;
    }
  *hosts = g_strndup (first, length);
  return g_strdup_printf ("%.*s%s%s", (int) (first - uri), uri, length > 0 ? "host" : "",
                          first + length);
}
