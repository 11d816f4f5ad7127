# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""The introspected namespace, and how classes of it get more methods."""

from gi.module import get_introspection_module

Grelmicro = get_introspection_module("Grelmicro")

_PYTHONS_OWN = ("__dict__", "__doc__", "__module__", "__qualname__", "__weakref__")


def add_to(target):
    """Adds what a class defines to an introspected one, which may be final."""

    def add(source):
        for name, member in vars(source).items():
            if name not in _PYTHONS_OWN:
                setattr(target, name, member)
        return source

    return add


def is_seen_whole(text):
    """Whether C sees all of a str."""
    if "\0" in text:
        return False
    return text.isascii() or text.encode(errors="ignore").decode() == text


def raw(source, name):
    """An introspected method as it was before methods.py wrapped it."""
    return getattr(type(source), name).raw
