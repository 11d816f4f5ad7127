#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
#
# check-symbols.sh [--update] LIBRARY FILE: checks that the library exports what FILE lists, or
# writes FILE anew.
set -euo pipefail

exported ()
{
  nm --dynamic --defined-only --format=posix "$1" | cut -d ' ' -f 1 | LC_ALL=C sort
}

if [ "$1" = --update ]; then
  exported "$2" >"$3"
else
  diff --unified=0 --label "$2" "$2" --label "$1" <(exported "$1")
fi
