#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Checks the C files below grelmicro/: includes point down only, and nothing grows too long."""

import pathlib
import re
import sys

CORE, DOMAIN, ADAPTER, TOP = range(4)
LAYERS = {
    "core": CORE,
    "coordination": DOMAIN,
    "resilience": DOMAIN,
    "cache": DOMAIN,
    "memory": ADAPTER,
    "sqlite": ADAPTER,
    "redis": ADAPTER,
    "postgres": ADAPTER,
    "soup": TOP,
}
SIBLINGS = {("cache", "coordination")}  # the first may include the second's public headers
UMBRELLA = "grelmicro/grelmicro.h"
KNOWS_ALL = {UMBRELLA, "grelmicro/grel-builtin.c"}

PLATFORM = re.compile(
    r"config\.h|(glib|gio|gobject|gmodule)(-object|-unix)?(/.+)?\.h|sys/.+\.h|"
    r"(assert|errno|fcntl|inttypes|limits|locale|math|pthread|signal|std\w+|string|time|unistd)\.h"
)
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')

FUNCTION_LINES = 60
FILE_LINES = 600
ADAPTER_LINES = 250


def folder(path):
    return path.split("/")[1]


def why_not(source, header):
    """Why `source` may not include `header`, both paths from the top; None if it may."""
    if header == UMBRELLA:
        return "the umbrella header is for users"
    here, there = folder(source), folder(header)
    private = header.endswith("-private.h")
    if private and source.endswith(".h") and not source.endswith("-private.h"):
        return "a public header includes a private one"
    if source in KNOWS_ALL or here == there:
        return None
    if here not in LAYERS or there not in LAYERS:
        return "a folder without a layer"
    if private and there != "core":
        return "a private header stays inside its folder"
    if LAYERS[there] > LAYERS[here]:
        return "includes point down only"
    if LAYERS[there] == LAYERS[here] and (here, there) not in SIBLINGS:
        return "siblings stay apart"
    if LAYERS[here] == ADAPTER and there != "core":
        if not re.search(r"-(backend|types)\.h$", header):
            return "an adapter sees the *-backend.h and *-types.h of a domain only"
    return None


def check_include(source, name):
    if name.startswith("grelmicro/"):
        return why_not(source, name)
    if PLATFORM.fullmatch(name):
        return None
    if name.startswith("grel-"):
        return "the path of a header starts with grelmicro/"
    if LAYERS.get(folder(source)) == TOP and name.startswith("libsoup/"):
        return None
    if LAYERS.get(folder(source)) == ADAPTER and source.endswith("-connection.c"):
        return None
    return "a vendor's header belongs into an adapter's *-connection.c"


def long_functions(lines):
    """Line numbers and lengths of the function bodies that are too long."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start + 1 > FUNCTION_LINES:
                yield start, number - start + 1
            start = None


def check_file(source, lines):
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        reason = match and check_include(source, match[1])
        if reason:
            yield f"{source}:{number}: {match[1]}: {reason}"
    for number, length in long_functions(lines):
        yield f"{source}:{number}: a function of {length} lines, {FUNCTION_LINES} are allowed"
    allowed = ADAPTER_LINES if source.endswith("-adapter.c") else FILE_LINES
    if len(lines) > allowed:
        yield f"{source}: {len(lines)} lines, {allowed} are allowed"


def check_tree(root):
    for path in sorted((root / "grelmicro").rglob("*.[ch]")):
        source = path.relative_to(root).as_posix()
        yield from check_file(source, path.read_text(encoding="utf-8").splitlines())


def main():
    findings = list(check_tree(pathlib.Path(sys.argv[1])))
    print("\n".join(findings) or "nothing found")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
