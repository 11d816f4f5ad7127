# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Locks: await lock.acquire(), async with lock, and the same from a thread."""

import asyncio
import threading

from gi.repository import GLib

from .answers import ask
from .introspection import Grelmicro, add_to
from .lease import hold, refuse_nested
from .primitives import (
    block,
    call_from_thread,
    enter,
    find_backend,
    leave,
    remember,
    set_up,
)
from .seconds import number, to_microseconds, to_timeout

_never_opened = Grelmicro.MemoryLockAdapter()


@add_to(Grelmicro.Lock)
class _Lock:
    _kind, _backend_type, _probe = "lock", Grelmicro.LockBackend, "is_locked"

    def __init__(
        self, name, *, lease_duration=60.0, retry_interval=0.1, retry_jitter=0.1,
        auto_extend=True, max_hold_duration=None, backend=None, app=None
    ):  # fmt: skip
        """Durations are seconds, and a max_hold_duration of None is no bound."""
        max_hold_duration = 0 if max_hold_duration is None else max_hold_duration
        set_up(
            self,
            _never_opened,
            name=name,
            backend=backend,
            app=app,
            lease_duration=to_microseconds("lease_duration", lease_duration),
            retry_interval=to_microseconds("retry_interval", retry_interval),
            retry_jitter=number("retry_jitter", retry_jitter),
            auto_extend=auto_extend,
            max_hold_duration=to_microseconds("max_hold_duration", max_hold_duration),
        )

    async def acquire(self, timeout=None):
        """Waits for the lock, so many seconds or for ever, and returns the Lease."""
        span, task = to_timeout(timeout), asyncio.current_task()
        backend = find_backend(self)
        refuse_nested(self, backend, task)
        lease = await ask(self, "acquire", span)
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

    @property
    def from_thread(self):
        """The calls that block, for worker threads."""
        return _LockFromThread(self)


class _LockFromThread:
    def __init__(self, lock):
        self._lock = lock

    def acquire(self, timeout=None):
        """Waits for the lock, so many seconds or for ever, and returns the Lease."""
        span, thread = to_timeout(timeout), threading.current_thread()
        lock, backend = self._lock, None
        if thread is threading.main_thread():  # C knows who asks from another
            backend = find_backend(lock)
            refuse_nested(lock, backend, thread)
        lease = block(lock, lock, "acquire", span, at_once=(0,))
        remember(lease, lock)
        if thread is threading.main_thread():
            hold(lease, lock, backend, thread)
        return lease

    def is_locked(self):
        """Whether anybody holds the lock."""
        return call_from_thread(self._lock, "is_locked")

    def __enter__(self):
        lease = self.acquire()
        enter(self._lock, lease, threading.current_thread())
        return lease

    def __exit__(self, exc_type, error, traceback):
        try:
            leave(self._lock, threading.current_thread()).from_thread.release()
        except GLib.Error:
            if error is None:
                raise
