# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Permits, and what an exception says of the call that ended with it."""

import weakref

from gi.repository import GLib

from .answers import ask
from .errors import NotOwnedError, to_glib_error
from .introspection import Grelmicro, add_to
from .primitives import call_granted, get_origin

# Classes of exceptions by circuit breaker. Only those that have some: PyGObject revives a wrapper
# with attributes, and frees it twice, if the loop refers to the object while the callback of a weak
# reference lets go of the interpreter.
ignored = weakref.WeakKeyDictionary()


def to_failure(breaker, error):
    """What C is told that a call failed with; None if it counts as a success."""
    if error is None or (breaker is not None and isinstance(error, ignored.get(breaker, ()))):
        return None
    return to_glib_error(error)


def is_exit(error):
    """Whether the task or the thread is on its way out, and must not wait any more."""
    return error is not None and not isinstance(error, Exception)


def to_outcome(breaker, error):
    """The method of a permit that records what a call ended with, and its arguments."""
    failure = to_failure(breaker, error)
    return ("succeed",) if failure is None else ("fail", failure)


def take_loss(permit, error, failure):
    """The work is done, and ended with error or well, whatever becomes of the record."""
    if error is None and isinstance(failure, NotOwnedError):
        raise failure
    _log_loss(permit, failure)


def _log_loss(permit, failure):
    name = permit.get_name()
    fields = {
        "MESSAGE": f"circuit breaker “{name}”: an outcome was lost: {failure.message}",
        "GREL_PRIMITIVE": "circuit breaker",
        "GREL_NAME": name,
        "GREL_CODE": "record-failed",
    }
    variant = GLib.Variant("a{sv}", {key: GLib.Variant("s", fields[key]) for key in fields})
    GLib.log_variant("Grelmicro", GLib.LogLevelFlags.LEVEL_INFO, variant)


def _judge(permit, error):
    if not isinstance(error, BaseException):
        raise TypeError(f"error: must be an exception, not {type(error).__name__}")
    return to_outcome(get_origin(permit), error)


@add_to(Grelmicro.Permit)
class _Permit:
    async def succeed(self):
        """Records that the call succeeded."""
        await ask(self, "succeed")

    async def fail(self, error):
        """Records what the call ended with: that need not be a failure."""
        await ask(self, *_judge(self, error))

    @property
    def from_thread(self):
        """The calls that block, for worker threads."""
        return _PermitFromThread(self)


class _PermitFromThread:
    def __init__(self, permit):
        self._permit = permit

    def succeed(self):
        """Records that the call succeeded."""
        call_granted(self._permit, "succeed")

    def fail(self, error):
        """Records what the call ended with: that need not be a failure."""
        call_granted(self._permit, *_judge(self._permit, error))

    def abandon(self):
        """Records nothing, and gives back what the call took."""
        self._permit.abandon()
