# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Locks: await lock.acquire(), async with lock, and the same from a thread."""

from .introspection import Grelmicro, add_to
from .lock_base import LockBaseFromThread, never_opened
from .primitives import set_up, to_name
from .seconds import number, to_microseconds, to_timeout


@add_to(Grelmicro.Lock)
class _Lock:
    _kind = "lock"

    def __init__(
        self, name, *, lease_duration=60.0, retry_interval=0.1, retry_jitter=0.1,
        auto_extend=True, max_hold_duration=None, backend=None, app=None
    ):  # fmt: skip
        """Durations are seconds, and a max_hold_duration of None is no bound."""
        max_hold_duration = 0 if max_hold_duration is None else max_hold_duration
        set_up(
            self,
            never_opened,
            name=to_name(name),
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
        return await self._acquire(to_timeout(timeout))

    @property
    def from_thread(self):
        """The calls that block, for worker threads."""
        return _LockFromThread(self)


class _LockFromThread(LockBaseFromThread):
    def acquire(self, timeout=None):
        """Waits for the lock, so many seconds or for ever, and returns the Lease."""
        return self._acquire(to_timeout(timeout), at_once=(0,))
