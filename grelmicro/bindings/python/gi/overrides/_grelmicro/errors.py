# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""One exception class for each code of Grelmicro.Error."""

import concurrent.futures

from gi.repository import Gio, GLib

from .introspection import Grelmicro

__all__ = ["GrelError"]

_PUBLIC_MODULE = "gi.overrides.Grelmicro"


class GrelError(GLib.Error):
    """An error of this library: NotOpenError, … for each code of Grelmicro.Error.

    name is that of the lock or other primitive, if it is about one. It makes sense to try again
    after retry_after seconds; 0.0 if that isn't known.
    """

    __module__ = _PUBLIC_MODULE
    domain = GLib.quark_to_string(Grelmicro.Error.quark())
    code = -1

    def __init__(self, message="", name=None, retry_after=0.0):
        super().__init__(message, self.domain, self.code)
        self.name = name
        self.retry_after = retry_after

    def __str__(self):
        return self.message

    def __repr__(self):
        return f"{type(self).__name__}({self.message!r})"


_error_classes = {}  # by code


def _new_error_class(name, code):
    __all__.append(name)
    cls = type(name, (GrelError,), {"code": int(code), "__module__": _PUBLIC_MODULE})
    return _error_classes.setdefault(cls.code, cls)


NotOpenError = _new_error_class("NotOpenError", Grelmicro.Error.NOT_OPEN)
ClosedError = _new_error_class("ClosedError", Grelmicro.Error.CLOSED)
DeadlockError = _new_error_class("DeadlockError", Grelmicro.Error.DEADLOCK)
LoopNotRunningError = _new_error_class("LoopNotRunningError", Grelmicro.Error.LOOP_NOT_RUNNING)
SettingsError = _new_error_class("SettingsError", Grelmicro.Error.SETTINGS)
NotRegisteredError = _new_error_class("NotRegisteredError", Grelmicro.Error.NOT_REGISTERED)
AmbiguousError = _new_error_class("AmbiguousError", Grelmicro.Error.AMBIGUOUS)
ScopeError = _new_error_class("ScopeError", Grelmicro.Error.SCOPE)
BackendError = _new_error_class("BackendError", Grelmicro.Error.BACKEND)
WouldBlockError = _new_error_class("WouldBlockError", Grelmicro.Error.WOULD_BLOCK)
LockTimeoutError = _new_error_class("LockTimeoutError", Grelmicro.Error.TIMED_OUT)
ReentrantError = _new_error_class("ReentrantError", Grelmicro.Error.REENTRANT)
NotOwnedError = _new_error_class("NotOwnedError", Grelmicro.Error.NOT_OWNED)
CircuitOpenError = _new_error_class("CircuitOpenError", Grelmicro.Error.CIRCUIT_OPEN)
RateLimitedError = _new_error_class("RateLimitedError", Grelmicro.Error.RATE_LIMITED)
BulkheadFullError = _new_error_class("BulkheadFullError", Grelmicro.Error.BULKHEAD_FULL)
DeadlineExceededError = _new_error_class("DeadlineExceededError", Grelmicro.Error.DEADLINE_EXCEEDED)


def get_name(source, *args):
    """The name of a primitive; that of a cache is the key it is asked for."""
    if hasattr(source, "get_name"):
        return source.get_name()
    is_keyed = isinstance(source, Grelmicro.TTLCache) and args and isinstance(args[0], str)
    return args[0] if is_keyed else None


def translated(error, source=None, *args):
    """What to raise for an error that a method of source raised."""
    if getattr(error, "domain", None) != GrelError.domain or isinstance(error, GrelError):
        return error
    name = get_name(source, *args)
    if f"“{name}”" not in error.message:
        name = None  # the error is about something else, or the name is what is wrong
    # PyGObject leaves behind what else the error carries.
    is_refusal = name is not None and error.code == CircuitOpenError.code
    retry_after = source.get_retry_after() / 1_000_000 if is_refusal else 0.0
    return _error_classes[error.code](error.message, name, retry_after)


def _describe(error):
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        text = f"{type(error).__name__}: it can't be printed"
    return text.replace("\0", "\\0").encode(errors="backslashreplace").decode()


def to_glib_error(error):
    """An exception as C takes it. What is no Exception says nothing of the work."""
    if isinstance(error, GLib.Error):
        return error
    text = _describe(error)
    if isinstance(error, Exception) and not isinstance(error, concurrent.futures.CancelledError):
        return BackendError(text)
    domain = GLib.quark_to_string(Gio.io_error_quark())
    return GLib.Error(text, domain, Gio.IOErrorEnum.CANCELLED)
