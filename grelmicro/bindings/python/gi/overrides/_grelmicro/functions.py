# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What decorators have to know of a function."""

import functools
import inspect


def _look_into(function):
    while isinstance(function, functools.partial):
        function = function.func
    return function


def is_async(function, decorator):
    """Whether it is an async def; refuses what does its work after the call."""
    if not callable(function):
        raise TypeError(f"{decorator} decorates functions")
    called = _look_into(function)
    if not inspect.isroutine(called):
        called = type(called).__call__
    if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
        raise TypeError(f"{decorator}: a generator works after the call; decorate what it calls")
    return inspect.iscoroutinefunction(called)


def describe(function):
    """What it is called, the same in each process."""
    named = _look_into(function)
    if not hasattr(named, "__qualname__"):
        named = type(named)
    return f"{named.__module__}.{named.__qualname__}"


def has_state(function):
    """Whether what it returns depends on more than the arguments that it shows."""
    is_bound = inspect.ismethod(function) and not isinstance(function.__self__, type)
    return is_bound or not inspect.isroutine(function)
