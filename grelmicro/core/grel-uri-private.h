/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include <glib.h>

#include <grelmicro/core/grel-version-macros.h>

G_BEGIN_DECLS

/* GUri knows of one host. Returns: (transfer full): the URI with one in place of all that it lists,
 * as in h1:1,[::1]:2. Those are in hosts: (transfer full) (nullable), NULL without any "//".
 * Also for the modules that come with the library. */
GREL_AVAILABLE_IN_ALL
char *grel_uri_take_hosts (const char *uri, char **hosts);

G_END_DECLS
