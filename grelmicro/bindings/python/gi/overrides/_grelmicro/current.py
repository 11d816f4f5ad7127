# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""The app of the current asyncio task's context, which comes before what C would find."""

import collections
import contextvars

_Entered = collections.namedtuple("_Entered", "app outer")
_entered = contextvars.ContextVar("grelmicro", default=None)


def enter_app(app):
    _entered.set(_Entered(app, _entered.get()))


def leave_app(app):
    entered = _entered.get()
    if entered is not None and entered.app is app:
        _entered.set(entered.outer)


def get_current_app():
    entered = _entered.get()
    return None if entered is None else entered.app


def in_current_app(method, *args, **kwargs):
    """Calls an introspected method, which knows contexts and threads, but no tasks."""
    app = get_current_app()
    if app is None:
        return method(*args, **kwargs)
    app.push_thread_default()
    try:
        return method(*args, **kwargs)
    finally:
        app.pop_thread_default()
