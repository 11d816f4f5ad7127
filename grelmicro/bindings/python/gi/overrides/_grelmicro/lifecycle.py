# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Open and close: which app and which thread, which loop and which of its tasks."""

import asyncio
import atexit
import collections
import contextlib
import threading

from gi.repository import GLib

from .answers import Answer, dispatch, get_context
from .introspection import raw


class _Runner(threading.Thread):
    """Runs a context for what is opened on a loop that has none."""

    def __init__(self, answer):
        super().__init__(name="grelmicro", daemon=True)
        self.answer = answer
        self.context = GLib.MainContext()
        self.loop = GLib.MainLoop(self.context)

    def run(self):
        owner = self.answer.source
        self.context.push_thread_default()
        raw(owner, "open_async")(owner, None, self.opened)
        self.loop.run()
        dispatch(self.context)
        self.context.pop_thread_default()

    def opened(self, owner, result):
        answer, self.answer, error = self.answer, None, None
        try:
            raw(owner, "open_finish")(owner, result)
        except GLib.Error as glib_error:
            error = glib_error
            self.loop.quit()
        answer.loop.call_soon_threadsafe(answer.arrive, None, error)


Opened = collections.namedtuple("Opened", "context runner thread")
opened = {}  # Opened by owner, for what was opened on an asyncio loop
_has_thread = {}  # by owner: whether what is open runs on a thread of the library

# What is left to do after these introspected methods of an owner.
after = {
    "open_finish": lambda owner: _has_thread.setdefault(owner, False),
    "open_in_thread": lambda owner: _has_thread.update({owner: True}),
    "close_finish": lambda owner: _has_thread.pop(owner, None),
    "close_from_thread": lambda owner: _has_thread.pop(owner, None),
}


async def open_(owner):
    answer = Answer(owner)
    context, runner = get_context(answer.loop), None
    if context is not None:
        answer.ask("open")
    else:
        runner = _Runner(answer)
        runner.start()
        context = runner.context
    if not owner.get_is_open():
        _has_thread[owner] = runner is not None
    try:
        await answer.wait(can_cancel=False)
    except asyncio.CancelledError:
        if answer.error is None:
            await close(owner, runner)
        raise
    finally:
        if answer.error is not None and not owner.get_is_open():
            _has_thread.pop(owner, None)
    opened[owner] = Opened(context, runner, threading.current_thread())


async def close(owner, runner=None):
    if owner in opened:
        runner = opened.pop(owner).runner
    _has_thread.pop(owner, None)
    try:
        await Answer(owner).ask("close").wait(can_cancel=False)
    finally:
        if runner is not None:
            runner.loop.quit()


@atexit.register
def _close_at_exit():
    """Closes what is still open: no thread of the library calls into Python after that."""
    runners = [one.runner for one in opened.values() if one.runner is not None]
    for owner, has_thread in list(_has_thread.items()):
        with contextlib.suppress(GLib.Error):
            if has_thread:
                raw(owner, "close_from_thread")(owner, None)
            else:
                # What was granted ends at once. The rest would need a loop that nobody may run any
                # more, and to iterate it here would run what else waits there.
                raw(owner, "close_async")(owner, None, None)
    for runner in runners:
        if runner.is_alive():  # it isn't after a fork
            runner.loop.quit()
            runner.join(1)
