# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Leases, and who holds which."""

import asyncio
import threading
import weakref

from .answers import ask
from .errors import ReentrantError
from .introspection import Grelmicro, add_to
from .primitives import call_granted

_holders = weakref.WeakKeyDictionary()  # weak reference to the task or thread by lease
_held = weakref.WeakValueDictionary()  # the last lease by (backend, kind, name)


def refuse_nested(lock, backend, caller):
    lease = _held.get((backend, lock._kind, lock.get_name()))
    holder = _holders.get(lease) if lease is not None and lease.is_valid() else None
    if holder is not None and holder() is caller:
        text = f"{lock._kind} “{lock.get_name()}”: whoever asks holds it already"
        raise ReentrantError(text, lock.get_name())


def hold(lease, lock, backend, holder):
    """Remembers who must not ask again for as long as the lease is valid."""
    _holders[lease] = weakref.ref(holder)
    _held[backend, lock._kind, lock.get_name()] = lease


def use(lease, user):
    """A lease that another uses, too, marks nobody any more."""
    holder = _holders.get(lease)
    if holder is not None and holder() is not user:
        del _holders[lease]


@add_to(Grelmicro.Lease)
class _Lease:
    async def extend(self):
        """Lets the lease run for the lock's lease duration from now on."""
        await self._call("extend")

    async def release(self):
        """Releases the lock."""
        await self._call("release")

    async def _call(self, operation):
        use(self, asyncio.current_task())
        await ask(self, operation)

    @property
    def from_thread(self):
        """The calls that block, for worker threads."""
        return _LeaseFromThread(self)


class _LeaseFromThread:
    def __init__(self, lease):
        self._lease = lease

    def extend(self):
        """Lets the lease run for the lock's lease duration from now on."""
        self._call("extend")

    def release(self):
        """Releases the lock."""
        self._call("release")

    def _call(self, operation):
        use(self._lease, threading.current_thread())
        call_granted(self._lease, operation)
