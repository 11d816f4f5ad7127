# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""How a cache loads a value: on the loop or the thread that asks for it.

What a loader raises goes through C, to all who wait for the key, as a GLib.Error. Each of them
raises the exception itself.
"""

import asyncio
import contextlib
import contextvars
import inspect
import queue
import threading

from gi.repository import GLib, GObject

from .answers import ask
from .errors import ReentrantError, to_glib_error
from .introspection import Grelmicro
from .primitives import block, find_backend

_flights = {}  # by key, while somebody waits for it
_mutex = threading.Lock()
_loads = contextvars.ContextVar("grelmicro loads", default=())  # that the caller is part of
_tasks = set()  # asyncio keeps weak references only


class _Flight:
    def __init__(self):
        self.n_waiting = 0
        self.raised = {}  # the exception by what C knows of it

    def find(self, error):
        return self.raised.get(_identify(error), error)


def _identify(error):
    return error.domain, error.code, error.message


@contextlib.contextmanager
def _waiting(key):
    with _mutex:
        flight = _flights.setdefault(key, _Flight())
        flight.n_waiting += 1
    try:
        yield flight
    finally:
        with _mutex:
            flight.n_waiting -= 1
            if flight.n_waiting == 0:
                del _flights[key]
                flight.raised = {}  # what was raised refers to its frames, and these to the flight


def _tell(key, error):
    """Remembers what a loader raised for those who wait, and returns it as C takes it."""
    failure = to_glib_error(error)
    with _mutex:
        if key in _flights:
            _flights[key].raised[_identify(failure)] = error
    return failure


class _Load:
    """That the code it calls must not wait for."""

    def __init__(self, cache, key):
        self.backend, self.key = find_backend(cache), key
        self.is_running = False

    def __enter__(self):
        self.is_running = True
        self.token = _loads.set((*_loads.get(), self))

    def __exit__(self, *error):
        self.is_running = False
        _loads.reset(self.token)


def _refuse_recursion(cache, key):
    loads = [load for load in _loads.get() if load.is_running and load.key == key]
    if not loads:
        return
    backend = find_backend(cache)
    if any(load.backend is backend for load in loads):
        text = f"cache “{key}”: its own loader asks for it, and would wait for itself"
        raise ReentrantError(text, key)


async def load(cache, key, loader, tags):
    """Gets the bytes of a key; a loader that is called returns some, or is to be awaited."""
    _refuse_recursion(cache, key)
    operation = _new_operation(cache, key, loader)
    with _waiting(key) as flight:
        try:
            return await ask(cache, "get_or_load", key, operation, tags)
        except GLib.Error as glib_error:
            error = flight.find(glib_error)
        raise error


def _new_operation(cache, key, loader):
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()

    async def run():
        with _Load(cache, key):
            data = loader()
            return await data if inspect.isawaitable(data) else data

    def start(task):
        if loop.is_closed():
            raise asyncio.CancelledError
        loading = loop.create_task(run(), context=context)
        _tasks.add(loading)
        loading.add_done_callback(_tasks.discard)
        _connect(task, loading, loop, key)

    return Grelmicro.Operation.new(start)


def _connect(task, loading, loop, key):
    """Ends an asyncio task with a task of C, and the other way round."""
    cancellable = task.get_cancellable()

    def cancel(*args):
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(loading.cancel)

    def done(loading):
        GObject.Object.disconnect(cancellable, handler)
        try:
            task.return_value(GLib.Bytes.new(loading.result()))
        except BaseException as error:
            task.return_error(_tell(key, error))

    handler = GObject.Object.connect(cancellable, "cancelled", cancel)
    loading.add_done_callback(done)
    if cancellable.is_cancelled():
        cancel()


def load_from_thread(cache, key, loader, tags):
    """Gets the bytes of a key; a loader that is called returns some, on this very thread."""
    _refuse_recursion(cache, key)
    loader = _ThreadLoader(cache, key, loader)
    args = "get_or_load", key, loader, None, tags
    with _waiting(key) as flight:
        waits = flight.n_waiting > 1 or cache.get_lock() != Grelmicro.CacheLock.LOCAL
        try:
            return block(cache, cache, *args, waits=waits, errands=loader.errands)
        except GLib.Error as glib_error:
            error = flight.find(glib_error)
        raise error


class _ThreadLoader:
    def __init__(self, cache, key, loader):
        self.cache, self.key, self.loader = cache, key, loader
        self.thread = threading.current_thread()
        self.errands = queue.SimpleQueue()

    def __call__(self, key, cancellable, *data):
        if threading.current_thread() is self.thread:
            data, failure = self.run()
        else:
            data, failure = self.run_there(cancellable)
        if failure is not None:
            raise failure
        return data

    def run(self):
        try:
            with _Load(self.cache, self.key):
                return GLib.Bytes.new(self.loader()), None
        except BaseException as error:
            return None, _tell(self.key, error)

    def run_there(self, cancellable):
        """Lets the thread run it that waits for this one, unless it has stopped to."""
        reply = queue.SimpleQueue()
        cancelled = None, to_glib_error(asyncio.CancelledError())
        handler = GObject.Object.connect(cancellable, "cancelled", lambda *_: reply.put(cancelled))
        if cancellable.is_cancelled():
            reply.put(cancelled)
        self.errands.put(lambda: reply.put(self.run()))
        try:
            return reply.get()
        finally:
            GObject.Object.disconnect(cancellable, handler)
