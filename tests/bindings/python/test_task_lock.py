# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import asyncio
import contextlib
import math
import threading
import unittest

from dict_lock_backend import DictLockBackend
from helpers import (
    Grelmicro,
    Store,
    in_every_app,
    in_thread,
    memory_app,
    on_every_loop,
    settle,
    spawn,
)

SETTINGS = ("min_hold_duration", "lease_duration")
SECOND = 1_000_000


def new_lock(name="nightly", **settings):
    return Grelmicro.TaskLock(name, **settings)


def get_settings(lock):
    return {name: getattr(lock.props, name) for name in SETTINGS}


# A store that answers at once, and one that doesn't.
on_every_store = in_every_app(Grelmicro.MemoryLockAdapter, DictLockBackend)


@contextlib.contextmanager
def app_in_thread(clock=None):
    with memory_app(clock=clock).in_thread():
        yield


class Construction(unittest.TestCase):
    def test_settings_are_those_of_c_unless_given(self):
        self.assertEqual(get_settings(new_lock()), get_settings(Grelmicro.TaskLock.new("nightly")))
        self.assertEqual(new_lock().props.name, "nightly")
        self.assertIsNone(new_lock().props.backend)
        self.assertIsNone(new_lock().props.app)

    def test_seconds_become_microseconds(self):
        lock = new_lock(min_hold_duration=0.5, lease_duration=90)
        self.assertEqual(get_settings(lock), dict(zip(SETTINGS, (500_000, 90_000_000))))
        self.assertEqual(new_lock(min_hold_duration=1e-9).props.min_hold_duration, 1)

    def test_a_bad_name_is_refused_at_once(self):
        for name in ("", "a b", "a\0b", "é", "-a", "a" * 201):
            with self.subTest(name=name), self.assertRaisesRegex(Grelmicro.SettingsError, "name"):
                new_lock(name)
        self.assertEqual(new_lock("a.b_c:d/e-f").get_name(), "a.b_c:d/e-f")

    def test_a_bad_setting_is_refused_at_once(self):
        for setting in SETTINGS:
            for value in (0, 0.0, -1, math.nan, math.inf, -math.inf, 10**400):
                with self.subTest(setting=setting, value=value):
                    name = setting.replace("_", "[-_]")
                    with self.assertRaisesRegex(Grelmicro.SettingsError, name):
                        new_lock(**{setting: value})

    def test_the_min_hold_is_not_longer_than_the_lease(self):
        new_lock(min_hold_duration=5.0, lease_duration=5.0)
        with self.assertRaisesRegex(Grelmicro.SettingsError, "min-hold-duration"):
            new_lock(min_hold_duration=5.1, lease_duration=5.0)

    def test_a_wrong_type_is_a_type_error(self):
        for keywords in (
            *({setting: value} for setting in SETTINGS for value in ("1", None, True, [1])),
            {"name": 5},
            {"backend": "memory:"},
            {"app": Grelmicro.MemoryLockAdapter()},
            {"auto_extend": True},
        ):
            with self.subTest(keywords=keywords), self.assertRaises(TypeError):
                Grelmicro.TaskLock(**{"name": "nightly", **keywords})

    def test_it_is_made_without_an_app_and_does_no_io(self):
        new_lock(backend=Store())
        new_lock(app=Grelmicro.App())

    def test_introspected_methods_refuse_seconds(self):
        lock = new_lock()
        for method in (lock.set_min_hold_duration, lock.set_lease_duration):
            with self.assertRaisesRegex(TypeError, "microseconds"):
                method(5.0)


class Acquire(unittest.TestCase):
    @on_every_loop
    async def test_it_never_waits_for_another(self):
        async with memory_app():
            async with new_lock() as lease:
                self.assertEqual(lease.get_fencing_token(), 1)
                with self.assertRaisesRegex(Grelmicro.WouldBlockError, "nightly") as caught:
                    await asyncio.create_task(new_lock().acquire())
                self.assertEqual(caught.exception.name, "nightly")
                with self.assertRaises(Grelmicro.WouldBlockError):
                    await asyncio.to_thread(new_lock().from_thread.acquire)
                self.assertTrue(lease.is_valid())

    @on_every_loop
    async def test_it_takes_no_timeout(self):
        async with memory_app():
            with self.assertRaises(TypeError):
                await new_lock().acquire(timeout=5.0)
            with self.assertRaises(TypeError):
                new_lock().from_thread.acquire(5.0)

    @on_every_loop
    async def test_one_of_many_does_the_work(self):
        async with memory_app():
            done = []

            async def work(number):
                with contextlib.suppress(Grelmicro.WouldBlockError):
                    async with new_lock():
                        await settle()
                        done.append(number)

            await asyncio.gather(*(work(number) for number in range(20)))
            self.assertEqual(done, [0])

    @on_every_loop
    async def test_a_store_that_is_slow_is_waited_for(self):
        store = Store()
        async with store:
            lock = new_lock(backend=store)
            asking = asyncio.create_task(lock.acquire())
            _, task = await asyncio.to_thread(store.wait)
            task.return_int(7)
            lease = await asking
            self.assertEqual(lease.get_fencing_token(), 7)

    @on_every_loop
    async def test_a_lock_of_the_same_name_is_another_lock(self):
        async with memory_app():
            lock = Grelmicro.Lock("nightly")
            async with lock, new_lock():
                self.assertTrue(await lock.is_locked())


class Hold(unittest.TestCase):
    @on_every_store
    async def test_quick_work_leaves_it_held_for_the_rest_of_the_min_hold(self, clock):
        lock = new_lock(min_hold_duration=10.0)
        async with lock as lease:
            clock.advance(4 * SECOND)
        self.assertFalse(lease.is_valid())
        self.assertFalse(lease.get_cancellable().is_cancelled())
        clock.advance(6 * SECOND - 1)
        self.assertTrue(await lock.is_locked())
        clock.advance(2)
        self.assertFalse(await lock.is_locked())

    @on_every_store
    async def test_work_of_the_min_hold_or_longer_leaves_it_free(self, clock):
        lock = new_lock(min_hold_duration=10.0)
        for seconds in (10, 30):
            async with lock:
                clock.advance(seconds * SECOND)
            self.assertFalse(await lock.is_locked())

    @on_every_store
    async def test_who_held_it_does_not_get_in_before_that_either(self, clock):
        lock = new_lock(min_hold_duration=10.0)
        async with lock:
            pass
        with self.assertRaises(Grelmicro.WouldBlockError):
            await lock.acquire()
        clock.advance(10 * SECOND + 1)
        async with lock as lease:
            self.assertEqual(lease.get_fencing_token(), 2)

    @on_every_store
    async def test_a_dropped_lease_holds_it_as_long(self, clock):
        lock = new_lock(min_hold_duration=10.0)
        lease = await lock.acquire()
        del lease
        await settle()
        self.assertTrue(await lock.is_locked())
        clock.advance(10 * SECOND + 1)
        self.assertFalse(await lock.is_locked())

    @on_every_store
    async def test_failed_work_holds_it_as_long(self, clock):
        lock = new_lock(min_hold_duration=10.0)
        with self.assertRaises(ZeroDivisionError):
            async with lock:
                1 / 0
        self.assertTrue(await lock.is_locked())

    @on_every_store
    async def test_a_lease_is_released_once(self, clock):
        lease = await new_lock().acquire()
        self.assertIsNone(await lease.release())
        with self.assertRaisesRegex(Grelmicro.NotOwnedError, "nightly"):
            await lease.release()


class Lose(unittest.TestCase):
    @on_every_loop
    async def test_a_lease_is_not_extended_by_itself(self):
        clock = Grelmicro.VirtualClock()
        async with memory_app(clock=clock):
            lock = new_lock(lease_duration=10.0)
            with self.assertRaisesRegex(Grelmicro.NotOwnedError, "nightly"):
                async with lock as lease:
                    clock.advance(10 * SECOND + 1)
                    self.assertFalse(lease.is_valid())
            async with lock:
                pass

    @on_every_loop
    async def test_long_work_extends_it(self):
        clock = Grelmicro.VirtualClock()
        async with memory_app(clock=clock):
            async with new_lock(lease_duration=10.0) as lease:
                for _ in range(3):
                    clock.advance(9 * SECOND)
                    await lease.extend()
                self.assertEqual(lease.get_fencing_token(), 1)

    @on_every_loop
    async def test_a_lost_lease_does_not_come_back(self):
        clock = Grelmicro.VirtualClock()
        async with memory_app(clock=clock):
            lease = await new_lock(lease_duration=10.0).acquire()
            clock.advance(10 * SECOND + 1)
            with self.assertRaises(Grelmicro.NotOwnedError):
                await lease.extend()

    @on_every_loop
    async def test_the_exception_of_the_work_wins(self):
        clock = Grelmicro.VirtualClock()
        async with memory_app(clock=clock):
            with self.assertRaises(ZeroDivisionError):
                async with new_lock(lease_duration=10.0):
                    clock.advance(11 * SECOND)
                    1 / 0


class Reentrancy(unittest.TestCase):
    @on_every_loop
    async def test_a_nested_acquire_is_refused(self):
        async with memory_app() as app:
            lock = new_lock()
            async with lock:
                for inner in (lock, new_lock(), new_lock(app=app)):
                    with self.assertRaisesRegex(Grelmicro.ReentrantError, "task lock “nightly”"):
                        await inner.acquire()

    @on_every_loop
    async def test_a_lock_of_the_same_name_is_no_nesting(self):
        async with memory_app():
            lock, task_lock = Grelmicro.Lock("nightly"), new_lock()
            async with lock, task_lock:
                with self.assertRaisesRegex(Grelmicro.ReentrantError, "^lock"):
                    await lock.acquire(0)
                with self.assertRaisesRegex(Grelmicro.ReentrantError, "^task lock"):
                    await task_lock.acquire()

    def test_so_it_is_on_a_thread(self):
        def nest():
            lock, task_lock = Grelmicro.Lock("nightly"), new_lock()
            with task_lock.from_thread, lock.from_thread:
                with self.assertRaisesRegex(Grelmicro.ReentrantError, "^task lock"):
                    new_lock().from_thread.acquire()
                with self.assertRaisesRegex(Grelmicro.ReentrantError, "^lock"):
                    lock.from_thread.acquire(0)

        with app_in_thread():
            nest()  # on the main thread
        with app_in_thread():
            in_thread(nest)


class Threads(unittest.TestCase):
    def test_a_block_holds_until_it_is_left(self):
        clock = Grelmicro.VirtualClock()

        def work():
            lock = new_lock(min_hold_duration=10.0)
            clock.advance(10 * SECOND + 1)
            with lock.from_thread as lease:
                self.assertTrue(lease.is_valid())
                self.assertTrue(lock.from_thread.is_locked())
                with self.assertRaisesRegex(Grelmicro.WouldBlockError, "nightly"):
                    in_thread(lock.from_thread.acquire)
                clock.advance(4 * SECOND)
            self.assertTrue(lock.from_thread.is_locked())
            with self.assertRaises(Grelmicro.WouldBlockError):
                lock.from_thread.acquire()
            clock.advance(6 * SECOND + 1)
            self.assertFalse(lock.from_thread.is_locked())

        with app_in_thread(clock):
            work()  # on the main thread
            in_thread(work)

    def test_a_lost_lease_is_told_after_successful_work_only(self):
        clock = Grelmicro.VirtualClock()
        with app_in_thread(clock):
            lock = new_lock(lease_duration=10.0)
            with self.assertRaises(Grelmicro.NotOwnedError):
                with lock.from_thread:
                    clock.advance(11 * SECOND)
            with self.assertRaises(ZeroDivisionError):
                with lock.from_thread:
                    clock.advance(11 * SECOND)
                    1 / 0

    def test_one_of_many_threads_does_the_work(self):
        def work():
            everybody.wait()
            try:
                with new_lock().from_thread:
                    return True
            except Grelmicro.WouldBlockError:
                return False

        everybody = threading.Barrier(8)
        with app_in_thread():
            workers = [spawn(work) for _ in range(8)]
            self.assertEqual(sum(worker.result() for worker in workers), 1)

    @on_every_loop
    async def test_the_loops_own_thread_is_told_to_await(self):
        store = DictLockBackend()
        async with store:
            lock = new_lock(backend=store)
            for call in (lock.from_thread.acquire, lock.from_thread.is_locked):
                with self.assertRaisesRegex(Grelmicro.DeadlockError, "task lock “nightly”"):
                    call()
            self.assertEqual(store.fences, {})

    def test_without_an_app_it_is_not_open(self):
        with self.assertRaisesRegex(Grelmicro.NotOpenError, "task lock “nightly”"):
            new_lock(app=Grelmicro.App()).from_thread.acquire()

    def test_a_function_may_run_under_it(self):
        with app_in_thread():
            lock, seen = new_lock(), []
            self.assertTrue(in_thread(lock.run_from_thread, lambda *args: seen.append(args[1]), 7))
            self.assertEqual(seen, [7])
            with self.assertRaises(Grelmicro.WouldBlockError):
                in_thread(lock.run_from_thread, lambda *args: seen.append(args[1]), 8)
            self.assertEqual(seen, [7])


class Introspected(unittest.TestCase):
    @on_every_loop
    async def test_without_a_callback_it_can_be_awaited(self):
        async with memory_app():
            lock = new_lock()
            lease = await lock.acquire_async()
            self.assertTrue(await lock.is_locked_async())
            with self.assertRaises(Grelmicro.WouldBlockError):
                await lock.acquire_async(None)
            await lease.release_async()


if __name__ == "__main__":
    unittest.main()
