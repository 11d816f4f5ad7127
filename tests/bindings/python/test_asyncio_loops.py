# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import asyncio
import gc
import os
import threading
import unittest

from dict_lock_backend import DictLockBackend
from gi.repository import Gio, GLib
from helpers import (
    LOOPS,
    PATIENCE,
    GLibEventLoop,
    Grelmicro,
    Store,
    eventually,
    in_thread,
    memory_app,
    on_every_loop,
    run,
    run_on,
    settle,
    spawn,
)


class Context(unittest.TestCase):
    """Where an app works."""

    async def get_context(self):
        async with memory_app() as app:
            return app.get_backend(Grelmicro.LockBackend, None).ref_main_context()

    def test_on_a_glib_loop_it_is_that_of_the_loop(self):
        context = GLib.MainContext()
        loop = GLibEventLoop(context)
        self.assertEqual(loop.run_until_complete(self.get_context()), context)
        loop.close()

    def test_so_it_is_if_that_is_the_default_one(self):
        context = GLib.MainContext.default()
        loop = GLibEventLoop(context)
        self.assertEqual(loop.run_until_complete(self.get_context()), context)
        loop.close()

    def test_so_it_is_on_another_thread(self):
        context = GLib.MainContext()
        loop = GLibEventLoop(context)
        self.assertEqual(in_thread(loop.run_until_complete, self.get_context()), context)
        loop.close()

    def test_on_any_other_loop_it_is_one_of_its_own(self):
        for make_loop in (asyncio.SelectorEventLoop, asyncio.new_event_loop):
            contexts = [run_on(make_loop, self.get_context()) for _ in range(2)]
            contexts.append(GLib.MainContext.default())
            self.assertEqual(len(set(map(hash, contexts))), 3)

    def test_callbacks_run_on_the_thread_of_the_loop(self):
        async def work():
            async with memory_app():
                lock, threads = Grelmicro.Lock("cart"), []
                lease = await lock.acquire()
                task = asyncio.create_task(lock.acquire())
                task.add_done_callback(lambda task: threads.append(threading.current_thread()))
                await settle()
                await asyncio.to_thread(lease.from_thread.release)
                await task
                await settle()
                return threads == [threading.current_thread()]

        for make_loop in LOOPS.values():
            self.assertTrue(run_on(make_loop, work()))
            self.assertTrue(in_thread(run_on, make_loop, work()))

    def test_a_loop_goes_on_while_an_app_opens(self):
        class Slow(DictLockBackend):
            def do_open(self, task):
                self.opening = task

        async def work():
            backend = Slow()
            opening = asyncio.create_task(Grelmicro.App(uses=[backend]).__aenter__())
            while not hasattr(backend, "opening"):
                await asyncio.sleep(0)
            await settle()
            self.assertFalse(opening.done())
            backend.opening.return_boolean(True)
            del backend.opening
            app = await opening
            await app.__aexit__(None, None, None)

        for make_loop in LOOPS.values():
            run_on(make_loop, work())


class Several(unittest.TestCase):
    """Loops and apps side by side."""

    def test_loops_on_several_threads_do_not_touch_each_other(self):
        barrier = threading.Barrier(2 * len(LOOPS))
        lock = Grelmicro.Lock("cart")

        async def work():
            async with memory_app():
                await asyncio.to_thread(barrier.wait, PATIENCE)
                for fence in range(1, 51):
                    async with lock as lease:
                        self.assertEqual(lease.get_fencing_token(), fence)
                    with self.assertRaises(Grelmicro.DeadlockError):
                        lock.from_thread.acquire()
                await asyncio.to_thread(barrier.wait, PATIENCE)
                self.assertFalse(await lock.is_locked())

        for thread in [spawn(run_on, make_loop, work()) for make_loop in [*LOOPS.values()] * 2]:
            thread.result(PATIENCE)

    def test_loops_on_several_threads_share_one_app(self):
        lock, inside, fences = Grelmicro.Lock("cart"), [], []

        async def work():
            async def one():
                async with lock as lease:
                    inside.append(lease)
                    self.assertEqual(inside, [lease])
                    await asyncio.sleep(0)
                    fences.append(lease.get_fencing_token())
                    inside.clear()

            await asyncio.gather(*(one() for _ in range(25)))

        for backend in (Grelmicro.MemoryLockAdapter(), DictLockBackend()):
            fences.clear()
            with Grelmicro.App(uses=[backend]).in_thread():
                loops = [*LOOPS.values()] * 2
                for thread in [spawn(run_on, make_loop, work()) for make_loop in loops]:
                    thread.result(PATIENCE)
            self.assertEqual(fences, list(range(1, 25 * len(loops) + 1)))

    @on_every_loop
    async def test_many_tasks_and_threads_exclude_each_other(self):
        for backend in (Grelmicro.MemoryLockAdapter(), DictLockBackend()):
            lock, inside, fences = Grelmicro.Lock("cart"), [], []

            def enter(lease):
                inside.append(lease)
                self.assertEqual(inside, [lease])
                fences.append(lease.get_fencing_token())

            async def task():
                async with lock as lease:
                    enter(lease)
                    await asyncio.sleep(0)
                    inside.clear()

            def thread():
                for _ in range(10):
                    with lock.from_thread as lease:
                        enter(lease)
                        inside.clear()

            async with Grelmicro.App(uses=[backend]):
                threads = [asyncio.to_thread(thread) for _ in range(8)]
                await asyncio.gather(*threads, *(task() for _ in range(200)))
                self.assertFalse(await lock.is_locked())
            self.assertEqual(fences, list(range(1, 281)))

    def test_loops_come_and_go_and_leave_nothing(self):
        async def work():
            async with memory_app(), Grelmicro.Lock("cart"):
                pass

        def count():
            gc.collect()
            return len(os.listdir("/proc/self/fd"))

        for make_loop in LOOPS.values():
            run_on(make_loop, work())
            before = count()
            for _ in range(30):
                run_on(make_loop, work())
            self.assertLess(count(), before + 10)


class Cancellation(unittest.TestCase):
    @on_every_loop
    async def test_a_cancelled_waiter_is_gone(self):
        async with memory_app():
            lock = Grelmicro.Lock("cart")
            lease = await lock.acquire()
            waiters = [asyncio.create_task(lock.acquire()) for _ in range(5)]
            await settle()
            for waiter in waiters:
                waiter.cancel()
            for waiter in waiters:
                with self.assertRaises(asyncio.CancelledError):
                    await waiter
            await lease.release()
            lease = await lock.acquire(timeout=0)
            self.assertEqual(lease.get_fencing_token(), 2)

    @on_every_loop
    async def test_what_was_won_in_that_instant_is_given_back(self):
        async with memory_app() as app:
            lock = Grelmicro.Lock("cart")
            lease = await lock.acquire()
            waiter = asyncio.create_task(lock.acquire())
            await settle()
            # The loop stands still meanwhile, so the waiter does not hear of what it won.
            in_thread(lease.from_thread.release)
            if app.get_backend(Grelmicro.LockBackend, None).ref_main_context().is_owner():
                self.assertFalse(in_thread(lock.from_thread.is_locked))
            else:
                eventually(lambda: in_thread(lock.from_thread.is_locked))
            waiter.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await waiter
            await lock.acquire(timeout=0)

    @on_every_loop
    async def test_before_its_first_step_a_task_asks_for_nothing(self):
        async with memory_app():
            lock = Grelmicro.Lock("cart")
            task = asyncio.create_task(lock.acquire())
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            lease = await lock.acquire(timeout=0)
            self.assertEqual(lease.get_fencing_token(), 1)

    @on_every_loop
    async def test_timeouts_of_asyncio_work(self):
        async with memory_app():
            lock = Grelmicro.Lock("cart")
            async with lock:

                async def wait():
                    with self.assertRaises(TimeoutError):
                        await asyncio.wait_for(lock.acquire(), 0.01)
                    with self.assertRaises(TimeoutError):
                        async with asyncio.timeout(0.01):
                            async with lock:
                                self.fail("it was entered twice")
                    with self.assertRaises(Grelmicro.WouldBlockError):
                        await lock.acquire(timeout=0)

                await asyncio.create_task(wait())
            await lock.acquire(timeout=0)

    @on_every_loop
    async def test_several_cancels_are_one(self):
        async with memory_app():
            lock = Grelmicro.Lock("cart")
            async with lock:
                waiter = asyncio.create_task(lock.acquire())
                await settle()
                waiter.cancel()
                await asyncio.sleep(0)
                waiter.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await waiter

    @on_every_loop
    async def test_a_store_that_is_slow_to_answer_keeps_no_task(self):
        store = Store()
        async with Grelmicro.App(uses=[store]):
            lock = Grelmicro.Lock("cart")
            task = asyncio.create_task(lock.acquire())
            _, question = await asyncio.to_thread(store.wait)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            question.return_int(1)
            del question
            what, question = await asyncio.to_thread(store.wait)
            self.assertEqual(what, "release")
            question.return_boolean(True)

    @on_every_loop
    async def test_a_cancelled_block_is_left_properly(self):
        async with memory_app():
            lock, entered = Grelmicro.Lock("cart"), asyncio.Event()

            async def work():
                async with lock:
                    entered.set()
                    await asyncio.sleep(PATIENCE)

            task = asyncio.create_task(work())
            await entered.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await lock.acquire(timeout=0)

    @on_every_loop
    async def test_a_cancelled_release_is_a_release(self):
        store = Store()
        async with Grelmicro.App(uses=[store]):
            task = asyncio.create_task(Grelmicro.Lock("cart").acquire())
            (await asyncio.to_thread(store.wait))[1].return_int(1)
            lease = await task
            task = asyncio.create_task(lease.release())
            what, question = await asyncio.to_thread(store.wait)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(what, "release")
            question.return_boolean(True)
            del question
            await settle()
            self.assertFalse(lease.is_valid())

    @on_every_loop
    async def test_a_cancel_from_elsewhere_is_no_cancel_of_the_task(self):
        async with memory_app():
            lock, cancellable = Grelmicro.Lock("cart"), Gio.Cancellable()
            async with lock:
                waiter = lock.acquire_async(-1, cancellable)
                await settle()
                cancellable.cancel()
                with self.assertRaises(GLib.Error) as caught:
                    await waiter
                self.assertFalse(waiter.cancelled())
                error = Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED
                self.assertTrue(caught.exception.matches(*error))

    def test_asyncio_run_cleans_up(self):
        lock, started = Grelmicro.Lock("cart"), []

        async def wait():
            started.append(True)
            async with lock:
                pass

        async def work():
            await lock.acquire()
            for _ in range(3):
                asyncio.create_task(wait())
            while len(started) < 3:
                await asyncio.sleep(0)

        with memory_app().in_thread():
            asyncio.run(work())
            lock.from_thread.acquire(timeout=0)

    def test_a_coroutine_that_is_closed_wants_nothing_any_more(self):
        async def work():
            async with memory_app():
                lock = Grelmicro.Lock("cart")
                async with lock:

                    async def wait():
                        coroutine = lock.acquire()
                        coroutine.send(None)
                        coroutine.close()

                    await asyncio.create_task(wait())
                await settle()
                await lock.acquire(timeout=0)

        run(work())


if __name__ == "__main__":
    unittest.main()
