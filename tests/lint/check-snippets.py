#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""check-snippets.py ROOT COMPILER…: what the README and the guides show compiles with the library that
pkg-config finds, and the programs in the README are those in examples/."""

import ast
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
PROGRAMS = ("c/lock.c", "python/lock.py", "gjs/lock.js", "vala/lock.vala")
LICENSE = re.compile(r"\A(/\* SPDX[^/]*/\n|((#|//) SPDX.*\n)+)\s*")

# What a snippet takes from the program around it, which may be anything but the library's.
ASSUMED = re.compile(r"(?:implicit declaration of function )?‘(?!g_|grel_|GREL_)\w+’(?: undeclared|;|$| \[)")


def compile_c(compiler, code):
    command = [*compiler, "-fsyntax-only", "-Wall", "-Wno-unused", "-xc", "-"]
    code = f"#include <grelmicro/grelmicro.h>\n{code}"
    done = subprocess.run(command, input=code, capture_output=True, text=True)
    faults = re.findall(r"(?:error|warning): (.*)", done.stderr)
    return [fault for fault in faults if not ASSUMED.match(fault)]


def check_c(compiler, code):
    """A snippet is a piece of a file, or of a function."""
    as_file = compile_c(compiler, code)
    if not as_file:
        return None
    as_function = compile_c(compiler, f"void snippet (void)\n{{\n{code}}}\n")
    return (as_file if "\n{\n" in code else as_function)[0] if as_function else None


def check_python(code):
    try:
        compile(code, "snippet", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        return str(error)
    return None


def check(path, compiler):
    text = path.read_text()
    for match in BLOCK.finditer(text):
        language, code = match.groups()
        if language == "c":
            fault = check_c(compiler, code)
        else:
            fault = check_python(code) if language == "python" else None
        if fault:
            yield f"{path.name}:{text.count(chr(10), 0, match.start()) + 2}: {fault}"


def find_missing_programs(root):
    blocks = {code for _, code in BLOCK.findall((root / "README.md").read_text())}
    for name in PROGRAMS:
        if LICENSE.sub("", (root / "examples" / name).read_text()) not in blocks:
            yield f"README.md: does not show examples/{name} as it is"


def main():
    root = pathlib.Path(sys.argv[1])
    flags = subprocess.check_output(["pkg-config", "--cflags", "grelmicro-1"], text=True).split()
    compiler = [*sys.argv[2:], *flags, f"-I{root / 'tests/contract'}"]
    faults = list(find_missing_programs(root))
    for path in (root / "README.md", *sorted((root / "docs").glob("*.md"))):
        faults += check(path, compiler)
    print("\n".join(faults))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
