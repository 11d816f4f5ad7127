# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What the tests of the Python binding share."""

import asyncio
import concurrent.futures
import functools
import importlib.util
import threading
import time

import gi

gi.require_version("Grelmicro", "1")
from gi.repository import GLib, Grelmicro

try:
    from gi.events import GLibEventLoop  # since PyGObject 3.50, and gbulb is for older ones
except ImportError:
    from gbulb import GLibEventLoop as _GbulbLoop

    def GLibEventLoop(context):
        return _GbulbLoop(context=context)


# How long a test waits for what has to happen before it says that it hangs.
PATIENCE = 60

# Every kind of loop; a GLib loop has a context of its own, which is not the default one.
LOOPS = {
    "asyncio": asyncio.SelectorEventLoop,
    "glib": lambda: GLibEventLoop(GLib.MainContext()),
}
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS["uvloop"] = uvloop.new_event_loop


def run_on(make_loop, coroutine):
    """Runs a coroutine on a new loop, on this thread."""
    loop = make_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(coroutine, PATIENCE))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def run(coroutine):
    return run_on(LOOPS["asyncio"], coroutine)


def on_every_loop(test):
    """Runs an asynchronous test once for each kind of loop."""

    @functools.wraps(test)
    def run_all(self):
        for name, make_loop in LOOPS.items():
            with self.subTest(loop=name):
                run_on(make_loop, test(self))

    return run_all


def in_every_app(*make_backends):
    """Runs an asynchronous test on every loop and every backend, with a virtual clock."""

    def decorate(test):
        async def run(self, backend):
            clock = Grelmicro.VirtualClock()
            async with Grelmicro.App(uses=[backend], clock=clock):
                await test(self, clock)

        @functools.wraps(test)
        def run_all(self):
            for name, make_loop in LOOPS.items():
                for make_backend in make_backends:
                    with self.subTest(loop=name, backend=make_backend.__name__):
                        run_on(make_loop, run(self, make_backend()))

        return run_all

    return decorate


def in_every_thread_app(*make_backends):
    """Runs a test without a loop on every backend, with a virtual clock."""

    def decorate(test):
        @functools.wraps(test)
        def run_all(self):
            for make_backend in make_backends:
                with self.subTest(backend=make_backend.__name__):
                    clock = Grelmicro.VirtualClock()
                    with Grelmicro.App(uses=[make_backend()], clock=clock).in_thread():
                        test(self, clock)

        return run_all

    return decorate


def everywhere(function):
    """Runs a function on the main thread, and on another one."""
    function()
    in_thread(function)


def spawn(function, *args):
    """Runs a function on a thread of its own; what it returns or raises is in the future."""
    future = concurrent.futures.Future()

    def target():
        try:
            future.set_result(function(*args))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=target, daemon=True).start()
    return future


def in_thread(function, *args):
    """Runs a function on a thread of its own and waits for it."""
    return spawn(function, *args).result(PATIENCE)


def eventually(is_true):
    """Waits until something is true that nothing tells of."""
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError("it never came true")
        threading.Event().wait(0.002)


def give_way():
    """Gives other threads the time to get to where they wait; no test depends on it."""
    threading.Event().wait(0.05)


async def settle():
    """Lets all that is ready on this loop run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(is_true):
    """Lets the loop run until something is true that nothing tells of."""
    while not is_true():
        await asyncio.sleep(0.001)


def memory_app(**keywords):
    kinds = "Lock", "CircuitBreaker", "Cache"
    uses = [getattr(Grelmicro, f"Memory{kind}Adapter")() for kind in kinds]
    return Grelmicro.App(uses=uses, **keywords)


class Store(Grelmicro.LockBackend):
    """A store that answers when it is told to: questions gather until then."""

    def __init__(self):
        super().__init__()
        self.questions = []
        self.asked = threading.Semaphore(0)

    def ask(self, question, task):
        self.questions.append((question, task))
        self.asked.release()

    def wait(self):
        """Waits for the next question."""
        assert self.asked.acquire(timeout=PATIENCE)
        return self.questions.pop(0)

    def do_get_scope(self):
        return Grelmicro.Scope.PROCESS

    def do_acquire(self, name, token, lease, task):
        self.ask("acquire", task)

    def do_extend(self, name, token, lease, task):
        self.ask("extend", task)

    def do_release(self, name, token, task):
        self.ask("release", task)

    def do_is_locked(self, name, task):
        self.ask("is_locked", task)
