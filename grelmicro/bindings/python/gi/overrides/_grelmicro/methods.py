# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""All introspected methods once more: they raise our exceptions, and refuse seconds."""

import asyncio
import threading

from gi.repository import GLib

from . import lifecycle
from .answers import Answer
from .current import in_current_app
from .errors import translated
from .introspection import Grelmicro
from .lease import use as use_lease
from .permit import to_failure

# What isn't in microseconds.
_TAKE_FLOATS = ("set_retry_jitter", "set_early_refresh")

# What runs a function, and raises what that raises.
_TAKE_FUNCTIONS = ("run_from_thread", "get_or_load_from_thread")


def wrap_all():
    for cls in [getattr(Grelmicro, name) for name in dir(Grelmicro)]:
        for name, method in list(vars(cls).items()) if isinstance(cls, type) else ():
            if hasattr(method, "can_throw_gerror") and not name.startswith("do_") and name != "new":
                if method.can_throw_gerror() or method.get_arguments():
                    _wrap(cls, name)


def _wrap(cls, name):
    raw = getattr(cls, name)
    method = _raising(raw) if name in _TAKE_FUNCTIONS else raw
    parameters = [argument.get_name() for argument in raw.get_arguments()]
    after = lifecycle.after.get(name)
    is_async, is_blocking = name.endswith("_async"), name.endswith("_from_thread")

    def call(*args, **kwargs):
        given = dict(zip(parameters, args[1:]), **kwargs)
        if name not in _TAKE_FLOATS and any(isinstance(v, float) for v in given.values()):
            raise TypeError(f"{name}() takes microseconds, as an int")
        in_loop = is_async and asyncio._get_running_loop() is not None
        if cls is Grelmicro.Lease and is_async:
            use_lease(args[0], asyncio.current_task() if in_loop else None)
        elif cls is Grelmicro.Lease and is_blocking:
            use_lease(args[0], threading.current_thread())
        if in_loop and not given.get("callback"):
            inputs = [given[parameter] for parameter in parameters[:-3]]
            return _schedule(args[0], name[:-6], inputs, given.get("cancellable"))
        try:
            result = in_current_app(method, *args, **kwargs)
        except GLib.Error as error:
            raise translated(error, *args) from None
        if after:
            after(args[0])
        return result

    call.__name__, call.__doc__, call.raw = name, raw.__doc__, raw
    setattr(cls, name, call if raw.is_method() else staticmethod(call))


def _schedule(source, operation, args, cancellable):
    """What a *_async method without a callback returns to asyncio."""
    if operation in ("open", "close"):
        return asyncio.ensure_future(_OWN[operation](source))
    answer = Answer(source, cancellable).ask(operation, *args)
    task = asyncio.ensure_future(answer.wait())
    # One that is cancelled before its first step never comes to wait().
    task.add_done_callback(lambda task: task.cancelled() and answer.cancellable.cancel())
    return task


_OWN = {"open": lifecycle.open_, "close": lifecycle.close}


def _raising(raw):
    def call(*args):
        index = next(i for i, arg in enumerate(args) if i > 0 and callable(arg))
        raised = []

        def run(*run_args):
            try:
                value = args[index](*run_args)
                return value if isinstance(value, GLib.Bytes) else value is not False
            except BaseException as error:
                raised.append(error)
                failure = to_failure(args[0], error)
                if failure is None:
                    return True
                raise failure from None

        try:
            result = raw(*args[:index], run, *args[index + 1 :])
        except GLib.Error:
            if not raised:
                raise
        if raised:
            raise raised.pop() from None
        return result

    return call
