# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import asyncio
import threading
import unittest

from dict_lock_backend import DictLockBackend
from helpers import (
    LOOPS,
    PATIENCE,
    Grelmicro,
    Store,
    give_way,
    in_thread,
    memory_app,
    on_every_loop,
    run_on,
    spawn,
)

BACKENDS = (Grelmicro.MemoryLockAdapter, DictLockBackend)


def on_every_backend(test):
    """Runs a test once for a backend that answers at once, and for one that doesn't."""

    def run_all(self):
        for backend in BACKENDS:
            with self.subTest(backend=backend.__name__):
                with Grelmicro.App(uses=[backend()]).in_thread() as app:
                    test(self, app)

    run_all.__name__ = test.__name__
    return run_all


def everywhere(function, *args):
    """Runs a function on the main thread, and on another one."""
    yield function(*args)
    yield in_thread(function, *args)


class Worker(unittest.TestCase):
    @on_every_backend
    def test_a_lease_holds_until_it_is_released(self, app):
        lock = Grelmicro.Lock("cart")

        def work():
            lease = lock.from_thread.acquire(timeout=5.0)
            self.assertTrue(lease.is_valid())
            self.assertTrue(lock.from_thread.is_locked())
            lease.from_thread.extend()
            lease.from_thread.release()
            self.assertFalse(lease.is_valid())
            self.assertFalse(lock.from_thread.is_locked())
            for call in (lease.from_thread.extend, lease.from_thread.release):
                with self.assertRaisesRegex(Grelmicro.NotOwnedError, "cart") as caught:
                    call()
                self.assertEqual(caught.exception.name, "cart")
            return lease.get_fencing_token()

        self.assertEqual(list(everywhere(work)), [1, 2])

    @on_every_backend
    def test_a_block_holds_until_it_is_left(self, app):
        lock = Grelmicro.Lock("cart")

        def work():
            with lock.from_thread as lease:
                self.assertTrue(lease.is_valid())
                self.assertTrue(lock.from_thread.is_locked())
            self.assertFalse(lock.from_thread.is_locked())
            with self.assertRaises(ZeroDivisionError):
                with lock.from_thread:
                    1 / 0
            self.assertFalse(lock.from_thread.is_locked())

        list(everywhere(work))

    @on_every_backend
    def test_timeouts_are_seconds(self, app):
        lock = Grelmicro.Lock("cart")
        holder = in_thread(lock.from_thread.acquire)

        def work():
            with self.assertRaisesRegex(Grelmicro.WouldBlockError, "cart"):
                lock.from_thread.acquire(timeout=0)
            for timeout in (0.02, 1e-9):
                with self.assertRaisesRegex(Grelmicro.LockTimeoutError, "cart"):
                    lock.from_thread.acquire(timeout=timeout)

        list(everywhere(work))
        self.assertTrue(holder.is_valid())

    @on_every_backend
    def test_a_waiter_gets_the_lock_when_it_is_released(self, app):
        lock = Grelmicro.Lock("cart")
        for wait in (lambda: spawn(lock.from_thread.acquire), None):
            first = in_thread(lock.from_thread.acquire)
            if wait is not None:
                second = wait()
                give_way()
                first.from_thread.release()
                second = second.result(PATIENCE)
            else:
                release = threading.Timer(0.02, first.from_thread.release)
                release.start()
                second = lock.from_thread.acquire()
                release.join()
            self.assertEqual(second.get_fencing_token(), first.get_fencing_token() + 1)
            second.from_thread.release()

    @on_every_backend
    def test_dropping_a_lease_releases_it(self, app):
        lock = Grelmicro.Lock("cart")

        def work():
            lease = lock.from_thread.acquire()
            del lease
            lease = lock.from_thread.acquire(timeout=5.0)
            return lease.get_fencing_token()

        self.assertEqual(list(everywhere(work)), [2, 4])

    @on_every_backend
    def test_threads_exclude_each_other(self, app):
        lock, inside, fences = Grelmicro.Lock("cart"), [], []
        shared = lock.from_thread

        def work():
            for _ in range(20):
                with shared as lease:
                    inside.append(lease)
                    self.assertEqual(inside, [lease])
                    fences.append(lease.get_fencing_token())
                    inside.clear()

        threads = [spawn(work) for _ in range(8)]
        for thread in threads:
            thread.result(PATIENCE)
        self.assertEqual(fences, list(range(1, 161)))

    @on_every_backend
    def test_closing_ends_what_waits(self, app):
        lock = Grelmicro.Lock("cart")
        lease = in_thread(lock.from_thread.acquire)
        waiting = [spawn(lock.from_thread.acquire) for _ in range(3)]
        give_way()
        threading.Timer(0.02, app.close_from_thread, [None]).start()
        with self.assertRaises((Grelmicro.ClosedError, Grelmicro.NotOpenError)):
            lock.from_thread.acquire()
        for thread in waiting:
            with self.assertRaises((Grelmicro.ClosedError, Grelmicro.NotOpenError)):
                thread.result(PATIENCE)
        self.assertFalse(lease.is_valid())

    def test_what_was_never_opened_is_told(self):
        for backend in BACKENDS:
            lock = Grelmicro.Lock("cart", backend=backend())
            for where in (in_thread, lambda call: call()):
                with self.assertRaisesRegex(Grelmicro.NotOpenError, "cart"):
                    where(lock.from_thread.acquire)

    def test_an_open_loop_that_nobody_runs_is_told(self):
        loop = LOOPS["glib"]()
        app = memory_app(patience=0.05)
        loop.run_until_complete(app.__aenter__())
        lease = in_thread(Grelmicro.Lock("cart").from_thread.acquire)
        with self.assertRaisesRegex(Grelmicro.LoopNotRunningError, "cart"):
            in_thread(Grelmicro.Lock("cart").from_thread.acquire)
        self.assertTrue(lease.is_valid())
        loop.run_until_complete(app.__aexit__(None, None, None))
        loop.close()


class OwnLoop(unittest.TestCase):
    @on_every_loop
    async def test_the_thread_of_the_loop_is_refused(self):
        for backend in BACKENDS:
            async with Grelmicro.App(uses=[backend()]):
                lock = Grelmicro.Lock("cart")
                lease = await lock.acquire()
                calls = (
                    lock.from_thread.acquire,
                    lock.from_thread.is_locked,
                    lock.from_thread.__enter__,
                    lease.from_thread.extend,
                    lease.from_thread.release,
                    lambda: lock.from_thread.acquire(timeout=0),
                )
                for call in calls:
                    with self.assertRaisesRegex(Grelmicro.DeadlockError, "cart") as caught:
                        call()
                    self.assertEqual(caught.exception.name, "cart")
                lease = await asyncio.to_thread(lease.from_thread.extend) or lease
                self.assertTrue(lease.is_valid())
                await lease.release()
                lease = await asyncio.to_thread(lock.from_thread.acquire)
                with self.assertRaisesRegex(Grelmicro.DeadlockError, "cart"):
                    lease.from_thread.release()
                await lease.release()

    def test_on_another_thread_as_well(self):
        for make_loop in LOOPS.values():

            async def work():
                async with memory_app():
                    with self.assertRaises(Grelmicro.DeadlockError):
                        Grelmicro.Lock("cart").from_thread.acquire()

            in_thread(run_on, make_loop, work())

    @on_every_loop
    async def test_the_loop_of_another_is_no_obstacle(self):
        async with memory_app() as app:

            async def borrow():
                async with memory_app():
                    lock = Grelmicro.Lock("cart", app=app)
                    with lock.from_thread as lease:
                        self.assertTrue(lease.is_valid())
                    with self.assertRaises(Grelmicro.DeadlockError):
                        Grelmicro.Lock("cart").from_thread.acquire()

            for make_loop in LOOPS.values():
                await asyncio.to_thread(run_on, make_loop, borrow())

    @on_every_loop
    async def test_it_is_refused_by_an_explicit_backend_too(self):
        backends = {name: Grelmicro.MemoryLockAdapter() for name in ("default", "other")}
        async with Grelmicro.App(uses=list(backends.items())):
            for backend in backends.values():
                with self.assertRaises(Grelmicro.DeadlockError):
                    Grelmicro.Lock("cart", backend=backend).from_thread.acquire()

    @on_every_loop
    async def test_a_closed_backend_says_so_instead(self):
        app = memory_app()
        async with app:
            await app.close_async()
            with self.assertRaises(Grelmicro.ClosedError):
                Grelmicro.Lock("cart").from_thread.acquire()

    @on_every_loop
    async def test_a_thread_that_opened_nothing_is_served_in_a_task(self):
        def work():
            async def borrow():
                with Grelmicro.Lock("cart", app=app).from_thread as lease:
                    return lease.is_valid()

            return run_on(LOOPS["asyncio"], borrow())

        async with memory_app() as app:
            self.assertTrue(await asyncio.to_thread(work))


class Reentrancy(unittest.TestCase):
    @on_every_backend
    def test_a_nested_acquire_is_refused_in_every_combination(self, app):
        backend = app.get_backend(Grelmicro.LockBackend, None)
        locks = Grelmicro.Lock("cart"), Grelmicro.Lock("cart", backend=backend)

        def work():
            for outer in locks:
                with outer.from_thread:
                    for inner in locks:
                        for timeout in (None, 0, 1.0):
                            with self.assertRaisesRegex(Grelmicro.ReentrantError, "cart") as caught:
                                inner.from_thread.acquire(timeout)
                            self.assertEqual(caught.exception.name, "cart")
                        with self.assertRaises(Grelmicro.ReentrantError):
                            with inner.from_thread:
                                self.fail("it was entered twice")
                with outer.from_thread, Grelmicro.Lock("other").from_thread:
                    pass

        list(everywhere(work))

    @on_every_backend
    def test_so_it_is_after_waiting(self, app):
        lock = Grelmicro.Lock("cart")

        def work():
            first = in_thread(lock.from_thread.acquire)
            threading.Timer(0.02, first.from_thread.release).start()
            with lock.from_thread as lease:
                with self.assertRaises(Grelmicro.ReentrantError):
                    lock.from_thread.acquire()
                lease.from_thread.extend()
                with self.assertRaises(Grelmicro.ReentrantError):
                    lock.from_thread.acquire()

        list(everywhere(work))

    @on_every_backend
    def test_another_thread_waits(self, app):
        lock = Grelmicro.Lock("cart")

        def work():
            with lock.from_thread:
                with self.assertRaises(Grelmicro.WouldBlockError):
                    in_thread(lock.from_thread.acquire, 0)

        list(everywhere(work))

    @on_every_backend
    def test_the_mark_ends_when_another_uses_the_lease(self, app):
        lock = Grelmicro.Lock("cart")

        def work():
            lease = lock.from_thread.acquire()
            in_thread(lease.from_thread.extend)
            with self.assertRaises(Grelmicro.WouldBlockError):
                lock.from_thread.acquire(0)
            in_thread(lease.from_thread.release)
            with lock.from_thread:
                pass

        list(everywhere(work))


class Questions(unittest.TestCase):
    """What a slow store is asked, and what happens meanwhile."""

    def test_the_main_thread_waits_for_a_slow_store(self):
        store = Store()
        with Grelmicro.App(uses=[store]).in_thread():
            lock = Grelmicro.Lock("cart")

            def answer():
                for _ in range(4):
                    question, task = store.wait()
                    if question == "acquire":
                        task.return_int(7)
                    else:
                        task.return_boolean(True)

            answering = spawn(answer)
            with lock.from_thread as lease:
                self.assertEqual(lease.get_fencing_token(), 7)
                self.assertTrue(lock.from_thread.is_locked())
                lease.from_thread.extend()
            answering.result(PATIENCE)

    def test_errors_of_the_store_come_through(self):
        class Full(DictLockBackend):
            def do_acquire(self, name, token, lease, task):
                task.return_error(Grelmicro.BackendError("disk full"))

        with Grelmicro.App(uses=[Full()]).in_thread():
            for where in (in_thread, lambda call: call()):
                with self.assertRaisesRegex(Grelmicro.BackendError, "disk full") as caught:
                    where(Grelmicro.Lock("cart").from_thread.acquire)
                self.assertEqual(caught.exception.name, "cart")


if __name__ == "__main__":
    unittest.main()
