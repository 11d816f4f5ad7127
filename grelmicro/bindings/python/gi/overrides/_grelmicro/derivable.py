# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Classes derived in Python, which fail as Python does: with an exception."""

import functools
import types

from gi.repository import Gio, GObject

from .errors import to_glib_error
from .introspection import Grelmicro, add_to


def failing(function):
    """A function that is given a task, and lets that fail with what it raises."""

    @functools.wraps(function)
    def call(*args):
        try:
            return function(*args)
        except BaseException as error:
            task = next((arg for arg in args if isinstance(arg, Gio.Task)), None)
            if task is None or task.get_completed() or task.had_error():
                raise
            task.return_error(to_glib_error(error))

    return call


@add_to(Grelmicro.Backend)
@add_to(Grelmicro.Operation)
@add_to(Grelmicro.Provider)
class _Derivable:
    def __init_subclass__(cls, **kwargs):
        super(GObject.Object, cls).__init_subclass__(**kwargs)
        for name, member in list(vars(cls).items()):
            if name.startswith("do_") and isinstance(member, types.FunctionType):
                setattr(cls, name, failing(member))


class _FunctionOperation(Grelmicro.Operation):
    """An operation made from a function. C would free that in the context in which it was made,
    and the default one is run by nobody if the program is asyncio's."""

    __gtype_name__ = "GrelPythonOperation"
    __module__ = "grelmicro"  # in a module of overrides it would be no type of its own

    def __init__(self, func, *data):
        super().__init__()
        self._func, self._data = func, data

    def do_start(self, task):
        self._func(task, *self._data)


Grelmicro.Operation.new = staticmethod(_FunctionOperation)
