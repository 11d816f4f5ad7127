#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Checks that every source file starts with the two SPDX lines."""

import pathlib
import sys

TAGS = ("SPDX-License-Identifier: MIT", "SPDX-FileCopyrightText: grelmicro contributors")
SUFFIXES = set(".c .h .in .js .lua .metadata .py .sh .sql .supp .vala".split())
NAMES = {"meson.build", "meson_options.txt", ".clang-format", ".editorconfig", ".gitignore"}


def is_source(path):
    if path.suffix in SUFFIXES or path.name in NAMES:
        return True
    with path.open("rb") as start:
        return start.read(2) == b"#!"


def source_files(root):
    for path in sorted(root.iterdir()):
        if path.is_dir():
            if path.name != ".git" and not path.name.startswith("_build"):
                yield from source_files(path)
        elif path.is_file() and is_source(path):
            yield path


def check_tree(root):
    for path in source_files(root):
        head = path.read_text(encoding="utf-8").splitlines()[:4]
        for tag in TAGS:
            if not any(tag in line for line in head):
                yield f"{path.relative_to(root)}: no line «{tag}»"


def main():
    findings = list(check_tree(pathlib.Path(sys.argv[1])))
    print("\n".join(findings) or "nothing found")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
