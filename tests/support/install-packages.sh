# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
# shellcheck shell=bash disable=SC2034

# To be sourced. What a Debian system needs, in one place.

GREL_BUILD_PACKAGES=(
  dpkg-dev gcc libc6-dev meson ninja-build pkg-config
  libglib2.0-dev gobject-introspection libgirepository1.0-dev
  python3 python3-gi
)
# What the benchmarks run beside the library.
GREL_RIVAL_PACKAGES=(libhiredis-dev python3-cachetools python3-redis redis-server)
GREL_TEST_PACKAGES=(
  "${GREL_BUILD_PACKAGES[@]}" "${GREL_RIVAL_PACKAGES[@]}"
  clang-format gi-docgen gir1.2-soup-3.0 gjs glib-networking libc6-dbg libsoup-3.0-dev libtsan2
  openssl python3-gbulb python3-uvloop redis-sentinel redis-tools valac valgrind
)
GREL_BENCH_PACKAGES=(
  "${GREL_BUILD_PACKAGES[@]}" "${GREL_RIVAL_PACKAGES[@]}" gjs gnuplot-nox redis-tools valgrind
)

# grel_install_packages PACKAGE…: installs those that are missing. Elsewhere than on Debian it only
# says what is needed.
grel_install_packages ()
{
  local missing=() as_root=() package

  if ! command -v apt-get >/dev/null; then
    echo "This is no Debian system. Needed here are the equivalents of: $*"
    return 0
  fi

  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed \
      || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  echo "Installing ${missing[*]}"
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq </dev/null \
    && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}
