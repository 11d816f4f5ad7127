# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
# shellcheck shell=bash

# To be sourced. How the builds are configured, in one place.

# grel_configure FOLDER OPTION…: configures a folder, also one that was configured otherwise.
grel_configure ()
{
  local folder=$1 again=()
  shift

  [ ! -e "$folder/build.ninja" ] || again=(--reconfigure)
  echo "Configuring $folder"
  meson setup "${again[@]}" "$folder" -Dbuildtype=debugoptimized -Dwerror=true -Dtests=enabled \
    "$@" >"$folder.log" || {
    cat "$folder.log"
    return 1
  }
  rm "$folder.log"
}
