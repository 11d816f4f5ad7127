# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Task locks: async with task_lock, and the same from a thread."""

from .introspection import Grelmicro, add_to
from .lock_base import LockBaseFromThread, never_opened
from .primitives import set_up, to_name
from .seconds import to_microseconds


@add_to(Grelmicro.TaskLock)
class _TaskLock:
    _kind = "task lock"

    def __init__(
        self, name, *, min_hold_duration=1.0, lease_duration=60.0, backend=None, app=None
    ):  # fmt: skip
        """Durations are seconds."""
        set_up(
            self,
            never_opened,
            name=to_name(name),
            backend=backend,
            app=app,
            min_hold_duration=to_microseconds("min_hold_duration", min_hold_duration),
            lease_duration=to_microseconds("lease_duration", lease_duration),
        )

    async def acquire(self):
        """Returns the Lease, or raises WouldBlockError: it never waits for another."""
        return await self._acquire()

    @property
    def from_thread(self):
        """The calls that block, for worker threads."""
        return _TaskLockFromThread(self)


class _TaskLockFromThread(LockBaseFromThread):
    def acquire(self):
        """Returns the Lease, or raises WouldBlockError: it never waits for another."""
        return self._acquire()
