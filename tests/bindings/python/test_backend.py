# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""A class derived in Python is a full one, and fails as Python does: with an exception."""

import asyncio
import gc
import unittest
import weakref

from dict_lock_backend import DictLockBackend
from gi.repository import Gio, GLib
from helpers import PATIENCE, Grelmicro, Store, on_every_loop, spawn


class Recorder(DictLockBackend):
    """Writes down what it is asked, and where."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def record(self, *call):
        self.calls.append(call)
        self.contexts = getattr(self, "contexts", set())
        self.contexts.add(GLib.MainContext.ref_thread_default() == self.ref_main_context())

    def do_open(self, task):
        self.record("open")
        task.return_boolean(True)

    def do_close(self, task):
        self.record("close")
        super().do_close(task)

    def do_acquire(self, name, token, lease, task):
        self.record("acquire", name, lease)
        super().do_acquire(name, token, lease, task)

    def do_extend(self, name, token, lease, task):
        self.record("extend", name, lease)
        super().do_extend(name, token, lease, task)

    def do_release(self, name, token, task):
        self.record("release", name)
        super().do_release(name, token, task)

    def do_is_locked(self, name, task):
        self.record("is_locked", name)
        super().do_is_locked(name, task)


class Broken(DictLockBackend):
    """Raises what it is given, wherever it is told to."""

    error = OSError("disk on fire")
    where = ()

    def check(self, where):
        if where in self.where:
            raise self.error

    def do_acquire(self, name, token, lease, task):
        self.check("acquire")
        super().do_acquire(name, token, lease, task)

    def do_extend(self, name, token, lease, task):
        self.check("extend")
        super().do_extend(name, token, lease, task)

    def do_release(self, name, token, task):
        self.check("release")
        super().do_release(name, token, task)

    def do_is_locked(self, name, task):
        self.check("is_locked")
        super().do_is_locked(name, task)


class Full(unittest.TestCase):
    @on_every_loop
    async def test_it_is_asked_in_its_context(self):
        backend = Recorder()
        lock = Grelmicro.Lock("cart", lease_duration=30.0)
        async with Grelmicro.App(uses=[backend]):
            lease = await lock.acquire()
            await lock.is_locked()
            await lease.extend()
            await lease.release()
            lease = await asyncio.to_thread(lock.from_thread.acquire)
            await asyncio.to_thread(lease.from_thread.release)
        self.assertEqual(
            backend.calls,
            [
                ("open",),
                ("acquire", "lock:cart", 30_000_000),
                ("is_locked", "lock:cart"),
                ("extend", "lock:cart", 30_000_000),
                ("release", "lock:cart"),
                ("acquire", "lock:cart", 30_000_000),
                ("release", "lock:cart"),
                ("close",),
            ],
        )
        self.assertEqual(backend.contexts, {True})

    def test_its_scope_counts(self):
        class Shared(DictLockBackend):
            def do_get_scope(self):
                return Grelmicro.Scope.CLUSTER

        with Grelmicro.App(uses=[Shared()], environment="production").in_thread():
            pass
        with self.assertRaises(Grelmicro.ScopeError):
            with Grelmicro.App(uses=[DictLockBackend()], environment="production").in_thread():
                self.fail("it opened")

    @on_every_loop
    async def test_it_may_answer_later(self):
        store = Store()
        async with Grelmicro.App(uses=[store]):
            task = asyncio.create_task(Grelmicro.Lock("cart").acquire())
            _, question = await asyncio.to_thread(store.wait)
            self.assertFalse(task.done())
            question.return_int(3)
            del question
            self.assertEqual((await task).get_fencing_token(), 3)

    @on_every_loop
    async def test_what_it_leaves_out_is_told(self):
        class Nothing(Grelmicro.LockBackend):
            pass

        async with Grelmicro.App(uses=[Nothing()]):
            with self.assertRaisesRegex(Grelmicro.BackendError, "cart.*acquire"):
                await Grelmicro.Lock("cart").acquire()

    @on_every_loop
    async def test_a_task_that_it_drops_is_told(self):
        class Forgetful(DictLockBackend):
            def do_acquire(self, name, token, lease, task):
                pass

        async with Grelmicro.App(uses=[Forgetful()]):
            with self.assertRaisesRegex(Grelmicro.BackendError, "cart"):
                await Grelmicro.Lock("cart").acquire()

    @on_every_loop
    async def test_a_store_that_hangs_does_not_keep_an_app_from_closing(self):
        store = Store()
        async with Grelmicro.App(uses=[store]):
            lock = Grelmicro.Lock("cart")
            task = asyncio.create_task(lock.acquire())
            _, question = await asyncio.to_thread(store.wait)
        with self.assertRaises(Grelmicro.ClosedError):
            await task
        self.assertTrue(question.get_cancellable().is_cancelled())
        question.return_int(1)

    def test_dropped_leases_and_slow_answers_get_along(self):
        """Finalizers, vfuncs and mutexes: none may wait for another with the interpreter held."""
        with Grelmicro.App(uses=[DictLockBackend()]).in_thread():

            def work(lock):
                for _ in range(150):
                    lease = lock.from_thread.acquire()
                    del lease

            locks = [Grelmicro.Lock(f"cart{number % 3}") for number in range(6)]
            for thread in [spawn(work, lock) for lock in locks]:
                thread.result(PATIENCE)


class Exceptions(unittest.TestCase):
    @on_every_loop
    async def test_they_fail_the_call(self):
        backend = Broken()
        lock = Grelmicro.Lock("cart")
        async with Grelmicro.App(uses=[backend]):
            lease = await lock.acquire()
            backend.where = "acquire", "extend", "release", "is_locked"
            other = asyncio.create_task(lock.acquire())
            for call in (lock.is_locked(), lease.extend(), lease.release(), other):
                with self.assertRaisesRegex(Grelmicro.BackendError, "disk on fire") as caught:
                    await call
                self.assertEqual(caught.exception.name, "cart")
            for call in (lock.from_thread.is_locked, lease.from_thread.release):
                with self.assertRaisesRegex(Grelmicro.BackendError, "disk on fire"):
                    await asyncio.to_thread(call)
            backend.where = ()
            await lease.release()
            self.assertFalse(await lock.is_locked())

    @on_every_loop
    async def test_a_body_that_raises_wins_over_a_release_that_fails(self):
        backend = Broken()
        lock = Grelmicro.Lock("cart")
        async with Grelmicro.App(uses=[backend]):
            with self.assertRaises(ZeroDivisionError):
                async with lock:
                    backend.where = ("release",)
                    1 / 0
            backend.where = ()
            with self.assertRaisesRegex(Grelmicro.BackendError, "disk on fire"):
                async with Grelmicro.Lock("other"):
                    backend.where = ("release",)

            def work(raises):
                backend.where = ()
                with Grelmicro.Lock(f"third{raises}").from_thread:
                    backend.where = ("release",)
                    1 / (not raises)

            with self.assertRaises(ZeroDivisionError):
                await asyncio.to_thread(work, True)
            with self.assertRaisesRegex(Grelmicro.BackendError, "disk on fire"):
                await asyncio.to_thread(work, False)
            backend.where = ()

    @on_every_loop
    async def test_they_may_be_errors_of_the_library(self):
        backend = Broken()
        backend.where = ("acquire",)
        async with Grelmicro.App(uses=[backend]):
            backend.error = Grelmicro.BackendError("no quorum")
            with self.assertRaisesRegex(Grelmicro.BackendError, "cart.*no quorum") as caught:
                await Grelmicro.Lock("cart").acquire()
            self.assertEqual(caught.exception.name, "cart")
            backend.error = GLib.Error("no route", "g-io-error-quark", Gio.IOErrorEnum.FAILED)
            with self.assertRaisesRegex(Grelmicro.BackendError, "cart.*no route"):
                await Grelmicro.Lock("cart").acquire()
            backend.error = AssertionError()
            with self.assertRaisesRegex(Grelmicro.BackendError, "AssertionError"):
                await Grelmicro.Lock("cart").acquire()

    def test_a_mixin_that_is_no_vfunc_stays_as_it_is(self):
        class Own(DictLockBackend):
            def do_something_else(self):
                raise KeyError("own")

        with self.assertRaises(KeyError):
            Own().do_something_else()


class Operations(unittest.TestCase):
    def run_operation(self, operation):
        context, results = GLib.MainContext(), []
        context.push_thread_default()
        operation.run_async(None, lambda source, result: results.append(result))
        while not results:
            context.iteration(True)
        context.pop_thread_default()
        return operation.run_finish(results[0])

    @on_every_loop
    async def test_a_function_is_let_go_with_its_operation(self):
        def work(task, data):
            task.return_value("done")

        operation, there = Grelmicro.Operation.new(work, "data"), weakref.ref(work)
        del work
        self.assertEqual(await operation.run_async(), "done")
        del operation
        gc.collect()
        self.assertIsNone(there())

    def test_a_function_is_one(self):
        def work(task, text):
            value = GLib.Variant("s", text)
            task.return_value(value)

        self.assertEqual(self.run_operation(Grelmicro.Operation.new(work, "done")).unpack(), "done")

    def test_so_is_a_class(self):
        class Work(Grelmicro.Operation):
            def do_start(self, task):
                task.return_value("done")

        self.assertEqual(self.run_operation(Work()), "done")

    def test_what_they_raise_is_the_outcome(self):
        def work(task, *data):
            raise OSError("disk on fire")

        class Work(Grelmicro.Operation):
            def do_start(self, task):
                raise OSError("disk on fire")

        for operation in (Grelmicro.Operation.new(work), Work()):
            with self.assertRaisesRegex(Grelmicro.BackendError, "disk on fire"):
                self.run_operation(operation)

    def test_what_they_drop_is_told(self):
        with self.assertRaises(Grelmicro.BackendError):
            self.run_operation(Grelmicro.Operation.new(lambda task, *data: None))

    @on_every_loop
    async def test_they_can_be_awaited(self):
        operation = Grelmicro.Operation.new(lambda task, *data: task.return_value("done"))
        self.assertEqual(await operation.run_async(), "done")


if __name__ == "__main__":
    unittest.main()
