#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
#
# test-install.sh BUILD PREFIX OVERRIDES-DIR PYTHON MODULE…: installs the build into a temporary
# folder and uses it from there, as a program outside the tree would. Prints TAP.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$1 prefix=$2 overrides=$3 python=$4
shift 4
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
count=0

# check NAME COMMAND…: one test.
check ()
{
  local name=$1 verdict=ok
  shift
  count=$((count + 1))
  "$@" >"$top/log" 2>&1 || {
    verdict='not ok'
    cat "$top/log" >&2
  }
  echo "$verdict $count - $name"
}

landed () { find "$top$prefix" -path "*$1" | grep .; }

# One .pc file moves with the installation; PKG_CONFIG_SYSROOT_DIR would move GLib's as well.
relocate ()
{
  pc=$(landed /pkgconfig/grelmicro-1.pc)
  sed -i "s|^prefix=.*|prefix=$top$prefix|" "$pc"
  export PKG_CONFIG_PATH=${pc%/*}
  LD_LIBRARY_PATH=$(pkg-config --variable=libdir grelmicro-1)
  export LD_LIBRARY_PATH
  export GI_TYPELIB_PATH=$LD_LIBRARY_PATH/girepository-1.0
  export PYTHONPATH=$top${overrides%/gi/overrides}
  XDG_DATA_DIRS=$(dirname "$(dirname "$(dirname "$(landed /overrides/Grelmicro.js)")")")
  export XDG_DATA_DIRS
}

c_consumer ()
{
  # shellcheck disable=SC2046
  ${CC:-cc} -Wall -Werror "$here/consumer.c" -o "$top/c" $(pkg-config --cflags --libs grelmicro-1)
  "$top/c"
}

single_header ()
{
  echo '#include <grelmicro/core/grel-error.h>' >"$top/single.c"
  # shellcheck disable=SC2046
  ! ${CC:-cc} -fsyntax-only "$top/single.c" $(pkg-config --cflags grelmicro-1)
}

vala_consumer ()
{
  valac --vapidir="$(dirname "$(landed /vapi/grelmicro-1.vapi)")" --pkg grelmicro-1 -X -w \
    "$here/consumer.vala" -o "$top/vala"
  "$top/vala"
}

check 'meson install' env DESTDIR="$top" meson install -C "$build" --quiet
for path in \
  /include/grelmicro-1/grelmicro/grelmicro.h \
  /include/grelmicro-1/grelmicro/core/grel-enums.h \
  /include/grelmicro-1/grelmicro/core/grel-version.h \
  /libgrelmicro-1.so /libgrelmicro-1.so.0 \
  /pkgconfig/grelmicro-1.pc \
  /gir-1.0/Grelmicro-1.gir /girepository-1.0/Grelmicro-1.typelib \
  /vapi/grelmicro-1.vapi /vapi/grelmicro-1.deps \
  /gi/overrides/Grelmicro.py /gjs-1.0/overrides/Grelmicro.js; do
  check "${path##*/} landed" landed "$path"
done
for module in "$@"; do
  check "the module $module landed" landed "/grelmicro-1/providers/libgrel-$module.so"
done
relocate
check 'C program' c_consumer
check 'a single header is refused' single_header
check 'Vala program' vala_consumer
check 'Python program' "$python" -B "$here/consumer.py"
check 'JavaScript program' gjs -m "$here/consumer.js"
echo "1..$count"
