# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import asyncio
import math
import threading
import unittest

from dict_lock_backend import DictLockBackend
from helpers import (
    PATIENCE,
    Grelmicro,
    Store,
    eventually,
    in_thread,
    memory_app,
    on_every_loop,
    run,
    settle,
    spawn,
)


class FailsToOpen(DictLockBackend):
    def do_open(self, task):
        raise OSError("no route")


class FailsToClose(DictLockBackend):
    def do_close(self, task):
        raise OSError("no route")


class SlowToOpen(DictLockBackend):
    """Opens when it is told to."""

    opening = None

    def do_open(self, task):
        self.opening = task

    def open_now(self):
        task, self.opening = self.opening, None
        task.return_boolean(True)


class Construction(unittest.TestCase):
    def test_without_arguments_it_uses_the_default_store(self):
        with Grelmicro.App().in_thread() as app:
            self.assertIsNotNone(app.get_backend(Grelmicro.LockBackend, None))
        for app in (Grelmicro.App(), Grelmicro.App(None), Grelmicro.App(uses=())):
            self.assertEqual(app.get_patience(), 5_000_000)
            self.assertIsNone(app.get_environment())
            self.assertIs(app.get_clock(), Grelmicro.Clock.get_real())

    def test_a_store_is_named_by_its_uri(self):
        app = Grelmicro.App("memory:")
        self.assertIsInstance(
            app.get_backend(Grelmicro.LockBackend, None), Grelmicro.MemoryLockAdapter
        )
        with self.assertRaises(Grelmicro.NotRegisteredError):
            Grelmicro.App("nosuchstore:")

    def test_it_uses_providers_backends_and_pairs(self):
        backend, other, third = (Grelmicro.MemoryLockAdapter() for _ in range(3))
        provider = Grelmicro.Provider.new_for_uri("memory:")
        uses = [None, provider, backend, ("other", other), ("third", third), ("fourth", None)]
        app = Grelmicro.App(uses=uses)
        self.assertIs(app.get_backend(Grelmicro.LockBackend, None), backend)
        self.assertIs(app.get_backend(Grelmicro.LockBackend, "other"), other)
        self.assertIs(app.get_backend(Grelmicro.LockBackend, "third"), third)
        with self.assertRaises(Grelmicro.NotRegisteredError):
            app.get_backend(Grelmicro.LockBackend, "fourth")
        app = Grelmicro.App("memory:", uses=(entry for entry in [backend]))
        self.assertIs(app.get_backend(Grelmicro.LockBackend, None), backend)

    def test_what_it_can_not_use_is_refused(self):
        for entry in ("memory:", 5, ("name", "memory:")):
            with self.subTest(entry=entry), self.assertRaises(TypeError):
                Grelmicro.App(uses=[entry])
        with self.assertRaises(Grelmicro.SettingsError):
            Grelmicro.App(uses=[Grelmicro.VirtualClock()])
        with self.assertRaises(Grelmicro.AmbiguousError):
            Grelmicro.App(uses=[Grelmicro.MemoryLockAdapter(), Grelmicro.MemoryLockAdapter()])

    def test_settings_are_keywords(self):
        clock = Grelmicro.VirtualClock()
        app = Grelmicro.App(environment="test", patience=2.5, clock=clock)
        self.assertEqual(app.get_environment(), "test")
        self.assertEqual(app.get_patience(), 2_500_000)
        self.assertIs(app.get_clock(), clock)
        self.assertEqual(Grelmicro.App(patience=1e-9).get_patience(), 1)

    def test_a_bad_setting_is_refused_at_once(self):
        for patience in (0, -1, math.nan, math.inf):
            with self.subTest(patience=patience), self.assertRaises(Grelmicro.SettingsError):
                Grelmicro.App(patience=patience)
        with self.assertRaisesRegex(Grelmicro.SettingsError, "environment: must be development, "):
            Grelmicro.App(environment="home")
        for keywords in ({"patience": "1"}, {"patience": True}, {"clock": 1}, {"url": "memory:"}):
            with self.subTest(keywords=keywords), self.assertRaises(TypeError):
                Grelmicro.App(**keywords)


class Open(unittest.TestCase):
    @on_every_loop
    async def test_a_block_opens_and_closes(self):
        app = memory_app()
        async with app as opened:
            self.assertIs(opened, app)
            self.assertTrue(app.get_is_open())
        self.assertFalse(app.get_is_open())

    @on_every_loop
    async def test_it_closes_after_an_exception(self):
        app = memory_app()
        with self.assertRaises(ZeroDivisionError):
            async with app:
                1 / 0
        self.assertFalse(app.get_is_open())

    @on_every_loop
    async def test_it_closes_when_the_task_is_cancelled(self):
        app = memory_app()

        async def work():
            async with app:
                await asyncio.sleep(PATIENCE)

        task = asyncio.create_task(work())
        while not app.get_is_open():
            await asyncio.sleep(0)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertFalse(app.get_is_open())

    @on_every_loop
    async def test_a_closing_that_fails_is_told_after_a_successful_body(self):
        app = Grelmicro.App(uses=[FailsToClose()])
        with self.assertRaisesRegex(Grelmicro.BackendError, "no route"):
            async with app:
                pass
        self.assertFalse(app.get_is_open())
        with self.assertRaises(ZeroDivisionError):
            async with app:
                1 / 0
        self.assertFalse(app.get_is_open())

    @on_every_loop
    async def test_an_opening_that_fails_leaves_it_closed(self):
        app = Grelmicro.App(uses=[FailsToOpen()])
        with self.assertRaisesRegex(Grelmicro.BackendError, "no route"):
            async with app:
                self.fail("it opened")
        self.assertFalse(app.get_is_open())
        with self.assertRaisesRegex(Grelmicro.GrelError, "cart"):
            await Grelmicro.Lock("cart", app=app).acquire()

    @on_every_loop
    async def test_a_cancelled_opening_leaves_it_closed(self):
        backend = SlowToOpen()
        app = Grelmicro.App(uses=[backend])
        task = asyncio.create_task(app.__aenter__())
        while backend.opening is None:
            await asyncio.sleep(0)
        task.cancel()
        await settle()
        backend.open_now()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertFalse(app.get_is_open())
        self.assertFalse(backend.get_is_open())

    @on_every_loop
    async def test_an_open_app_is_not_opened_again(self):
        async with memory_app() as app:
            with self.assertRaises(Grelmicro.SettingsError):
                async with app:
                    self.fail("it opened")
            async with Grelmicro.Lock("cart"):
                pass

    @on_every_loop
    async def test_a_closed_app_can_be_opened_again(self):
        app, lock = memory_app(), Grelmicro.Lock("cart")
        for fence in (1, 2, 3):
            async with app, lock as lease:
                self.assertEqual(lease.get_fencing_token(), fence)

    @on_every_loop
    async def test_it_may_be_closed_by_hand(self):
        app = memory_app()
        async with app:
            await asyncio.to_thread(app.close_from_thread, None)
        async with app:
            await app.close_async()
        self.assertFalse(app.get_is_open())

    @on_every_loop
    async def test_introspected_methods_can_be_awaited(self):
        app = memory_app()
        await app.open_async()
        self.assertTrue(app.get_is_open())
        async with Grelmicro.Lock("cart", app=app):
            pass
        await app.close_async(None)
        self.assertFalse(app.get_is_open())
        with self.assertRaises(Grelmicro.ClosedError):
            await app.close_async()

    @on_every_loop
    async def test_closing_ends_what_waits(self):
        app, lock = memory_app(), Grelmicro.Lock("cart")
        async with app:
            lease = await lock.acquire()
            task = asyncio.create_task(lock.acquire())
            thread = spawn(lock.from_thread.acquire)
            await settle()
        self.assertFalse(lease.is_valid())
        with self.assertRaises(Grelmicro.ClosedError):
            await task
        with self.assertRaises((Grelmicro.ClosedError, Grelmicro.NotOpenError)):
            await asyncio.wrap_future(thread)

    def test_without_a_loop_it_opens_in_a_thread(self):
        app = memory_app()
        with app.in_thread() as opened:
            self.assertIs(opened, app)
            with Grelmicro.Lock("cart").from_thread as lease:
                self.assertTrue(lease.is_valid())
        self.assertFalse(app.get_is_open())
        with self.assertRaises(ZeroDivisionError):
            with app.in_thread():
                1 / 0
        self.assertFalse(app.get_is_open())
        with app.in_thread():
            app.close_from_thread(None)

    def test_errors_in_a_thread_are_told_as_on_a_loop(self):
        with self.assertRaisesRegex(Grelmicro.BackendError, "no route"):
            with Grelmicro.App(uses=[FailsToOpen()]).in_thread():
                self.fail("it opened")
        with self.assertRaisesRegex(Grelmicro.BackendError, "no route"):
            with Grelmicro.App(uses=[FailsToClose()]).in_thread():
                pass
        with self.assertRaises(ZeroDivisionError):
            with Grelmicro.App(uses=[FailsToClose()]).in_thread():
                1 / 0

    def test_in_production_a_lock_has_to_be_shared(self):
        for environment in ("staging", "production"):
            app = memory_app(environment=environment)
            with self.assertRaises(Grelmicro.ScopeError):
                with app.in_thread():
                    self.fail("it opened")
            app.require_scope(Grelmicro.LockBackend, Grelmicro.Scope.PROCESS)
            with app.in_thread():
                pass


class Find(unittest.TestCase):
    """Which app a lock uses."""

    def test_no_app_is_an_error_that_names_the_lock(self):
        with self.assertRaisesRegex(Grelmicro.GrelError, "cart"):
            run(Grelmicro.Lock("cart").acquire())

    @on_every_loop
    async def test_each_task_finds_its_own(self):
        lock, inside = Grelmicro.Lock("cart"), []

        async def work():
            async with memory_app(), lock as lease:
                self.assertEqual(lease.get_fencing_token(), 1)
                inside.append(lease)
                while len(inside) < 3:
                    await asyncio.sleep(0)
                self.assertTrue(await lock.is_locked())

        await asyncio.gather(work(), work(), work())

    @on_every_loop
    async def test_the_inner_app_comes_before_the_outer(self):
        lock, outer, inner = Grelmicro.Lock("cart"), memory_app(), memory_app()
        async with outer, lock:
            async with inner:
                async with lock as lease:
                    self.assertEqual(lease.get_fencing_token(), 1)
                    self.assertTrue(await Grelmicro.Lock("cart", app=inner).is_locked())
                self.assertFalse(await lock.is_locked())
            self.assertTrue(await lock.is_locked())

    @on_every_loop
    async def test_child_tasks_and_their_threads_inherit_it(self):
        lock = Grelmicro.Lock("cart")
        async with memory_app():
            async with memory_app(), lock:
                self.assertTrue(await asyncio.create_task(lock.is_locked()))
                self.assertTrue(await asyncio.to_thread(lock.from_thread.is_locked))
            self.assertFalse(await asyncio.create_task(lock.is_locked()))
            self.assertFalse(await asyncio.to_thread(lock.from_thread.is_locked))

    @on_every_loop
    async def test_a_task_never_falls_back_on_the_app_of_another(self):
        lock, left = Grelmicro.Lock("cart"), asyncio.Event()

        async def linger():
            await left.wait()
            await lock.acquire()

        async with memory_app():
            async with memory_app():
                task = asyncio.create_task(linger())
                await settle()
            left.set()
            with self.assertRaises(Grelmicro.ClosedError):
                await task

    @on_every_loop
    async def test_what_a_lock_was_given_wins(self):
        other, backend = memory_app(), Grelmicro.MemoryLockAdapter()
        locks = [
            Grelmicro.Lock("cart"),
            Grelmicro.Lock("cart", app=other),
            Grelmicro.Lock("cart", backend=backend),
            Grelmicro.Lock("cart", app=other, backend=backend),
        ]
        async with other, backend, memory_app():
            for lock, held in zip(locks, ([0], [1], [2, 3], [2, 3])):
                async with lock:
                    states = [await lock.is_locked() for lock in locks]
                self.assertEqual([i for i, state in enumerate(states) if state], held)
            locks[0].set_app(other)
            async with locks[0]:
                self.assertTrue(await locks[1].is_locked())

    @on_every_loop
    async def test_introspected_calls_find_it_too(self):
        lock, outer, inner = Grelmicro.Lock("cart"), memory_app(), memory_app()
        async with outer:
            async with inner:
                self.assertIs(Grelmicro.App.dup_default(), inner)
                lease = await lock.acquire_async(0)
                self.assertTrue(await asyncio.to_thread(lock.is_locked_from_thread, None))
                self.assertTrue(await Grelmicro.Lock("cart", app=inner).is_locked())
            self.assertIs(Grelmicro.App.dup_default(), outer)
            self.assertFalse(await lock.is_locked_async())
            self.assertFalse(lease.is_valid())

    @on_every_loop
    async def test_a_lease_belongs_to_the_app_that_it_came_from(self):
        lock, outer, inner = Grelmicro.Lock("cart"), memory_app(), memory_app()
        async with outer:
            lease = await lock.acquire()
            async with inner, lock:
                with self.assertRaises(Grelmicro.DeadlockError):
                    lease.from_thread.release()
                await asyncio.to_thread(lease.from_thread.release)
                self.assertTrue(await lock.is_locked())
            self.assertFalse(await lock.is_locked())

    def test_elsewhere_the_only_one_is_found(self):
        lock = Grelmicro.Lock("cart")
        with memory_app().in_thread():
            in_thread(lock.from_thread.acquire)
            with memory_app().in_thread():
                with self.assertRaisesRegex(Grelmicro.AmbiguousError, "cart"):
                    in_thread(lock.from_thread.acquire)
                with self.assertRaisesRegex(Grelmicro.AmbiguousError, "cart"):
                    lock.from_thread.acquire()
            in_thread(lock.from_thread.acquire)

    def test_asyncio_may_use_an_app_that_runs_in_a_thread(self):
        async def work():
            async with Grelmicro.Lock("cart") as lease:
                return lease.get_fencing_token()

        with memory_app().in_thread():
            self.assertEqual([run(work()) for _ in range(3)], [1, 2, 3])


class WithoutAnApp(unittest.TestCase):
    @on_every_loop
    async def test_a_backend_opens_and_closes_by_itself(self):
        for backend in (Grelmicro.MemoryLockAdapter(), DictLockBackend()):
            lock = Grelmicro.Lock("cart", backend=backend)
            async with backend as opened:
                self.assertIs(opened, backend)
                async with lock as lease:
                    self.assertTrue(await asyncio.to_thread(lock.from_thread.is_locked))
                    self.assertTrue(lease.is_valid())
                with self.assertRaises(Grelmicro.DeadlockError):
                    lock.from_thread.acquire()
            self.assertFalse(backend.get_is_open())
            with self.assertRaises(Grelmicro.ClosedError):
                await lock.acquire()

    @on_every_loop
    async def test_it_is_not_the_app_of_other_locks(self):
        async with Grelmicro.MemoryLockAdapter():
            with self.assertRaises(Grelmicro.GrelError):
                await Grelmicro.Lock("cart").acquire()
        async with memory_app(), Grelmicro.MemoryLockAdapter() as backend:
            async with Grelmicro.Lock("cart", backend=backend):
                self.assertFalse(await Grelmicro.Lock("cart").is_locked())

    @on_every_loop
    async def test_leases_run_out_and_are_extended_there(self):
        async with DictLockBackend() as backend:
            lock = Grelmicro.Lock("cart", backend=backend, lease_duration=1.5)
            async with lock as lease:
                first = lease.get_deadline()
                while lease.get_deadline() == first:
                    await asyncio.sleep(0.01)
            lock.set_auto_extend(False)
            lock.set_lease_duration(50_000)
            lease = await lock.acquire()
            lost = asyncio.Event()
            loop = asyncio.get_running_loop()
            lease.get_cancellable().connect(lambda *_: loop.call_soon_threadsafe(lost.set))
            await lost.wait()
            self.assertFalse(lease.is_valid())


class Threads(unittest.TestCase):
    def test_the_thread_of_an_app_ends_with_it(self):
        def count():
            return sum(thread.name == "grelmicro" for thread in threading.enumerate())

        async def work():
            async with memory_app(), Store():
                self.assertEqual(count(), 2)

        eventually(lambda: count() == 0)  # those of other tests may be about to end
        run(work())
        eventually(lambda: count() == 0)


if __name__ == "__main__":
    unittest.main()
