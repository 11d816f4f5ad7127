# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What all kinds of locks have in common: a lease, and a block that has it."""

import asyncio
import threading

from gi.repository import GLib

from .answers import ask
from .introspection import Grelmicro, add_to
from .lease import hold, refuse_nested
from .primitives import block, call_from_thread, enter, find_backend, leave, remember

never_opened = Grelmicro.MemoryLockAdapter()


@add_to(Grelmicro.Lock)
@add_to(Grelmicro.TaskLock)
class _LockBase:
    _backend_type, _probe = Grelmicro.LockBackend, "is_locked"

    async def _acquire(self, *args):
        backend, task = find_backend(self), asyncio.current_task()
        refuse_nested(self, backend, task)
        lease = await ask(self, "acquire", *args)
        remember(lease, self)
        hold(lease, self, backend, task)
        return lease

    async def is_locked(self):
        """Whether anybody holds the lock."""
        return await ask(self, "is_locked")

    async def __aenter__(self):
        lease = await self.acquire()
        enter(self, lease, asyncio.current_task())
        return lease

    async def __aexit__(self, exc_type, error, traceback):
        try:
            await leave(self, asyncio.current_task()).release()
        except GLib.Error:
            if error is None:
                raise


class LockBaseFromThread:
    def __init__(self, lock):
        self._lock = lock

    def _acquire(self, *args, at_once=None):
        lock, backend, thread = self._lock, None, threading.current_thread()
        if thread is threading.main_thread():  # C knows who asks from another
            backend = find_backend(lock)
            refuse_nested(lock, backend, thread)
        lease = block(lock, lock, "acquire", *args, at_once=at_once)
        remember(lease, lock)
        if thread is threading.main_thread():
            hold(lease, lock, backend, thread)
        return lease

    def is_locked(self):
        """Whether anybody holds the lock."""
        return call_from_thread(self._lock, "is_locked")

    def __enter__(self):
        lease = self.acquire()
        enter(self._lock, lease)
        return lease

    def __exit__(self, exc_type, error, traceback):
        try:
            leave(self._lock).from_thread.release()
        except GLib.Error:
            if error is None:
                raise
