# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Circuit breakers: async with cb, with cb.from_thread, and @cb."""

import asyncio
import functools

from gi.repository import GLib

from .answers import ask
from .functions import is_async
from .introspection import Grelmicro, add_to, raw
from .permit import ignored, is_exit, take_loss, to_outcome
from .primitives import (
    call_from_thread,
    call_granted,
    enter,
    is_plain_worker,
    leave,
    remember,
    set_up,
    to_name,
    to_text,
)
from .seconds import to_count, to_microseconds
from .tickets import record_exception, record_success, take_ticket

_never_opened = Grelmicro.MemoryCircuitBreakerAdapter()


@add_to(Grelmicro.CircuitBreaker)
class _CircuitBreaker:
    _kind, _backend_type = "circuit breaker", Grelmicro.CircuitBreakerBackend
    _probe = "acquire"

    def __init__(
        self, name, *, error_threshold=5, success_threshold=2, reset_timeout=30.0,
        half_open_capacity=1, max_keyed=1024, ignore=(), backend=None, app=None
    ):  # fmt: skip
        """reset_timeout: seconds. ignore: the exceptions, by class, that count as a success."""
        classes = _to_classes(ignore)
        set_up(
            self,
            _never_opened,
            name=to_name(name),
            backend=backend,
            app=app,
            error_threshold=to_count("error_threshold", error_threshold),
            success_threshold=to_count("success_threshold", success_threshold),
            reset_timeout=to_microseconds("reset_timeout", reset_timeout),
            half_open_capacity=to_count("half_open_capacity", half_open_capacity),
            max_keyed=to_count("max_keyed", max_keyed),
        )
        if classes:  # else there need be no weak reference: see ignored
            ignored[self] = classes

    def keyed(self, key):
        """The circuit breaker for one of several things that fail on their own."""
        breaker = raw(self, "get_keyed")(self, to_text("key", key))
        if self in ignored:
            ignored[breaker] = ignored[self]
        return breaker

    async def acquire(self):
        """Returns a Permit, or raises CircuitOpenError."""
        permit = await ask(self, "acquire")
        remember(permit, self)
        return permit

    async def isolate(self):
        """Refuses all calls until it is reset."""
        await ask(self, "isolate")

    async def reset(self):
        """Lets all calls through, and counts from 0."""
        await ask(self, "reset")

    def metrics(self):
        """What was counted, as a dict: see get_metrics()."""
        return self.get_metrics().unpack()

    @property
    def retry_after(self):
        """For how many seconds it is open still."""
        return self.get_retry_after() / 1_000_000

    async def __aenter__(self):
        permit = await self.acquire()
        enter(self, permit, asyncio.current_task())
        return permit

    async def __aexit__(self, exc_type, error, traceback):
        permit = leave(self, asyncio.current_task())
        if is_exit(error):
            permit.abandon()
            return
        try:
            await ask(permit, *to_outcome(self, error))
        except GLib.Error as failure:
            take_loss(permit, error, failure)

    def __call__(self, function):
        """Decorates a function: each call of it has to go through."""
        return _decorate(self, function)

    @property
    def from_thread(self):
        """The calls that block, for worker threads."""
        return _CircuitBreakerFromThread(self)


class _CircuitBreakerFromThread:
    def __init__(self, breaker):
        self._breaker = breaker

    def acquire(self):
        """Returns a Permit, or raises CircuitOpenError."""
        permit = call_from_thread(self._breaker, "acquire")
        remember(permit, self._breaker)
        return permit

    def isolate(self):
        """Refuses all calls until it is reset."""
        call_from_thread(self._breaker, "isolate")

    def reset(self):
        """Lets all calls through, and counts from 0."""
        call_from_thread(self._breaker, "reset")

    def __enter__(self):
        permit = self.acquire()
        enter(self._breaker, permit)
        return permit

    def __exit__(self, exc_type, error, traceback):
        permit = leave(self._breaker)
        if is_exit(error):
            permit.abandon()
            return
        try:
            call_granted(permit, *to_outcome(self._breaker, error))
        except GLib.Error as failure:
            take_loss(permit, error, failure)


def _to_classes(ignore):
    classes = (ignore,) if isinstance(ignore, type) else tuple(ignore)
    for cls in classes:
        if not isinstance(cls, type) or not issubclass(cls, Exception):
            raise TypeError("ignore: must be subclasses of Exception")
    return classes


def _decorate(breaker, function):
    if is_async(function, "a circuit breaker"):

        @functools.wraps(function)
        async def call(*args, **kwargs):
            ticket = take_ticket(breaker)
            if ticket is None:
                async with breaker:
                    return await function(*args, **kwargs)
            try:
                value = await function(*args, **kwargs)
            except BaseException as error:
                record_exception(breaker, ticket, error)
                raise
            record_success(breaker, ticket)
            return value

    else:

        @functools.wraps(function)
        def call(*args, **kwargs):
            ticket = take_ticket(breaker) if is_plain_worker() else None
            if ticket is None:
                with breaker.from_thread:
                    return function(*args, **kwargs)
            try:
                value = function(*args, **kwargs)
            except BaseException as error:
                record_exception(breaker, ticket, error)
                raise
            record_success(breaker, ticket)
            return value

    return call
