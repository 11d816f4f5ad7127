# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""A lock backend written in Python: a full one, and as small as one can be."""

import gi

gi.require_version("Grelmicro", "1")
from gi.repository import Grelmicro


class DictLockBackend(Grelmicro.LockBackend):
    def __init__(self):
        super().__init__()
        self.holders = {}  # (token, expiry) by name
        self.fences = {}

    def get_holder(self, name):
        token, expiry = self.holders.get(name, (None, 0))
        return token if self.get_clock().get_monotonic_time() <= expiry else None

    def hold(self, name, token, lease):
        self.holders[name] = token, self.get_clock().get_monotonic_time() + lease

    def do_get_scope(self):
        return Grelmicro.Scope.PROCESS

    def do_close(self, task):
        self.holders.clear()
        task.return_boolean(True)

    def do_acquire(self, name, token, lease, task):
        holder = self.get_holder(name)
        if holder is None:
            self.fences[name] = self.fences.get(name, 0) + 1
        if holder in (None, token):
            self.hold(name, token, lease)
            task.return_int(self.fences[name])
        else:
            task.return_int(0)

    def do_extend(self, name, token, lease, task):
        is_ours = self.get_holder(name) == token
        if is_ours:
            self.hold(name, token, lease)
        task.return_boolean(is_ours)

    def do_release(self, name, token, task):
        is_ours = self.get_holder(name) == token
        if is_ours:
            del self.holders[name]
        task.return_boolean(is_ours)

    def do_is_locked(self, name, task):
        task.return_boolean(self.get_holder(name) is not None)

    def do_is_owned(self, name, token, task):
        task.return_boolean(self.get_holder(name) == token)
