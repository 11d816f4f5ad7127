/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include <grelmicro/core/grel-uri-private.h>

#include "grel-test.h"

static void
one_host_stands_for_all (void)
{
  static const struct
  {
    const char *uri;
    const char *single;
    const char *hosts;
  } uris[] = {
    { "redis://host:1/0", "redis://host/0", "host:1" },
    { "redis://a:1,[::1]:2,b", "redis://host", "a:1,[::1]:2,b" },
    { "redis://user:a,b@c,d/e@f?g@h#i", "redis://user:a,b@host/e@f?g@h#i", "c,d" },
    { "redis://user:a@b,c@d?e", "redis://user:a@host?e", "b,c@d" },
    { "redis://a,b?c/d", "redis://host?c/d", "a,b" },
    { "redis://user@", "redis://user@", "" },
    { "redis://", "redis://", "" },
    { "redis:///path", "redis:///path", "" },
    { "redis+unix:/path//a", "redis+unix:/path//a", NULL },
    { "REDIS://a", "REDIS://host", "a" },
    { "redis:", "redis:", NULL },
    { "//a", "//host", "a" },
    { "a", "a", NULL },
    { "", "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autofree char *hosts = NULL;
      g_autofree char *single = grel_uri_take_hosts (uris[i].uri, &hosts);

      g_assert_cmpstr (single, ==, uris[i].single);
      g_assert_cmpstr (hosts, ==, uris[i].hosts);
    }
}

#define RULE(name) g_test_add_func ("/uri/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RULE (one_host_stands_for_all);
  return g_test_run ();
}
