# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""A cache backend written in Python: a full one, and as small as one can be."""

import gi

gi.require_version("Grelmicro", "1")
from gi.repository import Grelmicro


class DictCacheBackend(Grelmicro.CacheBackend):
    def __init__(self):
        super().__init__()
        self.entries = {}  # (value, expiry, tags) by key

    def do_get_scope(self):
        return Grelmicro.Scope.PROCESS

    def do_close(self, task):
        self.entries.clear()
        task.return_boolean(True)

    def find(self, key):
        value, expiry, _ = self.entries.get(key, (None, 0, ()))
        return value if self.get_clock().get_monotonic_time() < expiry else None

    def do_get(self, key, task):
        self.return_value(task, self.find(key))

    def do_set(self, key, value, ttl, tags, task):
        self.entries[key] = value, self.get_clock().get_monotonic_time() + ttl, tuple(tags or ())
        task.return_boolean(True)

    def do_delete(self, key, task):
        was_there = self.find(key) is not None
        self.entries.pop(key, None)
        task.return_boolean(was_there)

    def do_delete_tags(self, tags, task):
        self.entries = {k: e for k, e in self.entries.items() if not set(tags) & set(e[2])}
        task.return_boolean(True)

    def do_clear(self, task):
        self.entries.clear()
        task.return_boolean(True)


class DictOfManyCacheBackend(DictCacheBackend):
    def do_get_many(self, keys, task):
        found = {key: self.find(key) for key in keys}
        self.return_values(task, {k: v for k, v in found.items() if v is not None})

    def do_set_many(self, values, ttl, tags, task):
        expiry = self.get_clock().get_monotonic_time() + ttl
        self.entries |= {key: (v, expiry, tuple(tags or ())) for key, v in values.items()}
        task.return_boolean(True)

    def do_delete_many(self, keys, task):
        for key in keys:
            self.entries.pop(key, None)
        task.return_boolean(True)
