#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
#
# expect-report.sh WORDS COMMAND…: passes if the command fails and says the words.
set -euo pipefail

words=$1
shift

if output=$("$@" 2>&1); then
  echo "Nothing was found; «$words» had to be."
  exit 1
fi
case $output in
  *"$words"*) ;;
  *)
    echo "Not «$words» was found, but:"
    echo "$output"
    exit 1
    ;;
esac
