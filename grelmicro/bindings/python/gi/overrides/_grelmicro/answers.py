# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Awaiting introspected calls, on asyncio's own loops and on GLib's."""

import asyncio
import contextlib
import weakref

from gi.repository import Gio, GLib

from .current import in_current_app
from .errors import translated
from .introspection import Grelmicro, raw

_contexts = weakref.WeakKeyDictionary()  # by asyncio loop, unless that runs a context


def get_context(loop):
    """The context that the loop runs, None if it is no loop of GLib's."""
    context = getattr(loop, "_context", None)  # in gbulb as well as in gi.events
    return context if isinstance(context, GLib.MainContext) else None


def _get_answer_context(loop):
    """The context in which answers to calls from this loop arrive."""
    context = get_context(loop) or _contexts.get(loop)
    if context is None:
        flags = GLib.MainContextFlags.OWNERLESS_POLLING
        context = _contexts[loop] = GLib.MainContext.new_with_flags(flags)
        loop.add_reader(Grelmicro.main_context_get_fd(context), dispatch, context)
    return context


def dispatch(context):
    while context.iteration(False):
        pass


class Answer:
    """What an asyncio task waits for."""

    def __init__(self, source, cancellable=None):
        self.source, self.args = source, ()
        self.cancellable = cancellable or Gio.Cancellable()
        self.loop = asyncio.get_running_loop()
        self.future = self.loop.create_future()
        self.value = self.error = None
        self.has_arrived = self.is_unwanted = False

    def ask(self, operation, *args):
        self.args = args
        finish = raw(self.source, operation + "_finish")

        def ready(source, result, *user_data):
            try:
                self.arrive(finish(source, result))
            except BaseException as error:  # an interrupt of this very function, too
                self.arrive(None, error)

        context = _get_answer_context(self.loop)
        context.push_thread_default()
        try:
            method = raw(self.source, operation + "_async")
            in_current_app(method, self.source, *args, self.cancellable, ready)
        finally:
            context.pop_thread_default()
        return self

    def arrive(self, value, error=None):
        self.has_arrived = True
        if not self.is_unwanted:
            self.value, self.error = value, error
        if not self.future.done():
            self.future.set_result(None)

    async def wait(self, can_cancel=True):
        """Returns or raises the answer.

        A task that is cancelled waits for it all the same: it comes at once from what can be
        cancelled. What was won in that instant is given back by being dropped.
        """
        try:
            await self.future
        except asyncio.CancelledError:
            if can_cancel:
                self.cancellable.cancel()
            while not self.has_arrived:
                self.future = self.loop.create_future()
                with contextlib.suppress(asyncio.CancelledError):
                    await self.future
            self.value = None
            raise
        finally:
            self.is_unwanted = True
            if not self.has_arrived:  # the coroutine was closed
                self.cancellable.cancel()
        if self.error is not None:
            raise translated(self.error, self.source, *self.args) from None
        return self.value


def ask(source, operation, *args):
    return Answer(source).ask(operation, *args).wait()
