#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
#
# check-format.sh CLANG-FORMAT ROOT: checks the format of every C file.
set -euo pipefail

cd "$2"
find grelmicro tests examples -name '*.[ch]' -print0 \
  | xargs -0 -r "$1" --dry-run --Werror --ferror-limit=20
