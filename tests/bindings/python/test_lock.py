# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import asyncio
import math
import unittest

from gi.repository import GLib
from helpers import Grelmicro, Store, in_thread, memory_app, on_every_loop, settle

SETTINGS = ("lease_duration", "retry_interval", "retry_jitter", "auto_extend", "max_hold_duration")


def new_lock(name="cart", **settings):
    return Grelmicro.Lock(name, **settings)


def get_settings(lock):
    return {name: getattr(lock.props, name) for name in SETTINGS}


class Construction(unittest.TestCase):
    def test_settings_are_those_of_c_unless_given(self):
        self.assertEqual(get_settings(new_lock()), get_settings(Grelmicro.Lock.new("cart")))
        self.assertEqual(new_lock().props.name, "cart")
        self.assertIsNone(new_lock().props.backend)
        self.assertIsNone(new_lock().props.app)

    def test_seconds_become_microseconds(self):
        lock = new_lock(
            lease_duration=30.0,
            retry_interval=0.25,
            retry_jitter=0.5,
            auto_extend=False,
            max_hold_duration=90,
        )
        expected = 30_000_000, 250_000, 0.5, False, 90_000_000
        self.assertEqual(get_settings(lock), dict(zip(SETTINGS, expected)))

    def test_what_is_more_than_0_stays_so(self):
        self.assertEqual(new_lock(lease_duration=1e-9).props.lease_duration, 1)
        self.assertEqual(new_lock(max_hold_duration=1e-9).props.max_hold_duration, 1)

    def test_no_max_hold_duration_is_no_bound(self):
        self.assertEqual(new_lock(max_hold_duration=None).props.max_hold_duration, 0)

    def test_a_bad_name_is_refused_at_once(self):
        for name in ("", " ", "a b", "a\0b", "\0", "é", "\udc80", "-a", "a" * 201):
            with self.subTest(name=name), self.assertRaisesRegex(Grelmicro.SettingsError, "name"):
                new_lock(name)
        for name in ("a", "7", "a.b_c:d/e-f", "a" * 200):
            self.assertEqual(new_lock(name).get_name(), name)

    def test_a_bad_setting_is_refused_at_once(self):
        never = math.nan, math.inf, -math.inf, -1, 1e300, 10**400
        bad = {
            "lease_duration": (0, 0.0, *never),
            "retry_interval": (0, 0.0009, *never),
            "retry_jitter": (1.0, 1, -0.1, math.nan, math.inf),
            "max_hold_duration": never,
        }
        for setting, values in bad.items():
            for value in values:
                with self.subTest(setting=setting, value=value):
                    name = setting.replace("_", "[-_]")
                    with self.assertRaisesRegex(Grelmicro.SettingsError, name):
                        new_lock(**{setting: value})

    def test_a_wrong_type_is_a_type_error(self):
        for setting in ("lease_duration", "retry_interval", "max_hold_duration"):
            for value in ("1", b"1", True, [1], 1j):
                with self.subTest(setting=setting, value=value), self.assertRaises(TypeError):
                    new_lock(**{setting: value})
        for keywords in (
            {"lease_duration": None},
            {"retry_jitter": "1"},
            {"retry_jitter": None},
            {"backend": "memory:"},
            {"app": Grelmicro.MemoryLockAdapter()},
            {"timeout": 5.0},
        ):
            with self.subTest(keywords=keywords), self.assertRaises(TypeError):
                new_lock(**keywords)
        for name in (None, 5, b"cart"):
            with self.subTest(name=name), self.assertRaises(TypeError):
                new_lock(name)

    def test_a_lock_is_made_without_an_app_and_does_no_io(self):
        new_lock(backend=Store())
        new_lock(app=Grelmicro.App())

    def test_properties_keep_microseconds(self):
        lock = new_lock()
        lock.props.lease_duration = 5_000_000
        self.assertEqual(lock.get_lease_duration(), 5_000_000)

    def test_introspected_methods_refuse_seconds(self):
        lock = new_lock()
        for method in (
            lock.set_lease_duration,
            lock.set_retry_interval,
            lock.set_max_hold_duration,
            Grelmicro.App().set_patience,
            Grelmicro.MemoryLockAdapter().set_patience,
            Grelmicro.VirtualClock().advance,
        ):
            with self.subTest(method=method.__name__):
                with self.assertRaisesRegex(TypeError, "microseconds"):
                    method(5.0)
        with self.assertRaisesRegex(TypeError, "microseconds"):
            lock.acquire_from_thread(5.0, None)
        with self.assertRaisesRegex(TypeError, "microseconds"):
            lock.acquire_async(timeout=5.0, cancellable=None)
        lock.set_retry_jitter(0.5)
        self.assertEqual(lock.get_retry_jitter(), 0.5)


class Acquire(unittest.TestCase):
    @on_every_loop
    async def test_a_lease_holds_until_it_is_released(self):
        async with memory_app():
            lock = new_lock()
            lease = await lock.acquire()
            self.assertEqual(lease.get_fencing_token(), 1)
            self.assertTrue(lease.is_valid())
            self.assertTrue(await lock.is_locked())
            await lease.release()
            self.assertFalse(lease.is_valid())
            self.assertFalse(await lock.is_locked())
            with self.assertRaisesRegex(Grelmicro.NotOwnedError, "cart"):
                await lease.release()
            with self.assertRaises(Grelmicro.NotOwnedError):
                await lease.extend()

    @on_every_loop
    async def test_a_block_holds_until_it_is_left(self):
        async with memory_app():
            lock = new_lock()
            async with lock as lease:
                self.assertTrue(lease.is_valid())
                self.assertTrue(await lock.is_locked())
            self.assertFalse(await lock.is_locked())
            with self.assertRaises(ZeroDivisionError):
                async with lock:
                    1 / 0
            self.assertFalse(await lock.is_locked())

    @on_every_loop
    async def test_a_timeout_of_0_does_not_wait(self):
        async with memory_app():
            lease = await new_lock().acquire(timeout=0)
            for timeout in (0, 0.0):
                with self.assertRaisesRegex(Grelmicro.WouldBlockError, "cart"):
                    await asyncio.create_task(new_lock().acquire(timeout=timeout))
            await lease.release()

    @on_every_loop
    async def test_a_timeout_runs_out(self):
        async with memory_app():
            lease = await new_lock().acquire(timeout=5.0)
            for timeout in (0.02, 1e-9, 5e-7):
                with self.assertRaisesRegex(Grelmicro.LockTimeoutError, "cart"):
                    await asyncio.create_task(new_lock().acquire(timeout=timeout))
            await lease.release()

    @on_every_loop
    async def test_a_bad_timeout_is_refused(self):
        async with memory_app():
            for timeout in (-1, -0.001, math.nan, math.inf):
                with self.assertRaisesRegex(Grelmicro.SettingsError, "timeout"):
                    await new_lock().acquire(timeout=timeout)
                with self.assertRaisesRegex(Grelmicro.SettingsError, "timeout"):
                    new_lock().from_thread.acquire(timeout=timeout)
            for timeout in ("5", True):
                with self.assertRaises(TypeError):
                    await new_lock().acquire(timeout=timeout)

    @on_every_loop
    async def test_a_very_long_timeout_is_one(self):
        async with memory_app():
            for timeout in (1e9, 1e300, 10**30):
                lease = await new_lock().acquire(timeout=timeout)
                await lease.release()

    @on_every_loop
    async def test_a_waiter_gets_the_lock_when_it_is_released(self):
        async with memory_app():
            lock = new_lock()
            first = await lock.acquire()
            waiter = asyncio.create_task(lock.acquire())
            await settle()
            self.assertFalse(waiter.done())
            await first.release()
            second = await waiter
            self.assertEqual(second.get_fencing_token(), 2)
            await second.release()

    @on_every_loop
    async def test_an_extension_keeps_the_fence(self):
        clock = Grelmicro.VirtualClock()
        async with memory_app(clock=clock):
            lease = await new_lock(lease_duration=10.0, auto_extend=False).acquire()
            deadline = lease.get_deadline()
            clock.advance(4_000_000)
            await lease.extend()
            self.assertEqual(lease.get_deadline(), deadline + 4_000_000)
            self.assertEqual(lease.get_fencing_token(), 1)
            clock.advance(10_000_001)
            self.assertFalse(lease.is_valid())
            with self.assertRaises(Grelmicro.NotOwnedError):
                await lease.extend()

    @on_every_loop
    async def test_a_changed_setting_applies_to_the_next_lease(self):
        clock = Grelmicro.VirtualClock()
        async with memory_app(clock=clock):
            lock = new_lock(lease_duration=10.0)
            for seconds in (10, 20, 30):
                lock.set_lease_duration(seconds * 1_000_000)
                async with lock as lease:
                    now = clock.get_monotonic_time()
                    self.assertEqual(lease.get_deadline() - now, seconds * 1_000_000)

    @on_every_loop
    async def test_dropping_a_lease_releases_it(self):
        async with memory_app():
            lease = await new_lock().acquire()
            del lease
            lease = await new_lock().acquire(timeout=0)
            self.assertEqual(lease.get_fencing_token(), 2)
            del lease
            self.assertFalse(await new_lock().is_locked())


class Blocks(unittest.TestCase):
    async def lose(self, clock, lease):
        clock.advance(11_000_000)
        self.assertFalse(lease.is_valid())

    @on_every_loop
    async def test_a_lost_lease_is_told_after_a_successful_body(self):
        clock = Grelmicro.VirtualClock()
        async with memory_app(clock=clock):
            lock = new_lock(lease_duration=10.0, auto_extend=False)
            with self.assertRaises(Grelmicro.NotOwnedError):
                async with lock as lease:
                    await self.lose(clock, lease)

            def hold():
                with lock.from_thread:
                    clock.advance(11_000_000)

            with self.assertRaises(Grelmicro.NotOwnedError):
                await asyncio.to_thread(hold)
            self.assertFalse(await lock.is_locked())

    @on_every_loop
    async def test_the_exception_of_the_body_wins(self):
        clock = Grelmicro.VirtualClock()
        async with memory_app(clock=clock):
            lock = new_lock(lease_duration=10.0, auto_extend=False)
            with self.assertRaises(ZeroDivisionError):
                async with lock as lease:
                    await self.lose(clock, lease)
                    1 / 0

            def hold():
                with lock.from_thread:
                    clock.advance(11_000_000)
                    1 / 0

            with self.assertRaises(ZeroDivisionError):
                await asyncio.to_thread(hold)

    @on_every_loop
    async def test_a_backend_closed_in_the_body_is_told(self):
        app = memory_app()
        with self.assertRaises(Grelmicro.ClosedError):
            async with app:
                async with new_lock() as lease:
                    await app.close_async()
                    self.assertFalse(lease.is_valid())
        self.assertFalse(app.get_is_open())

    @on_every_loop
    async def test_many_tasks_share_one_lock_object(self):
        async with memory_app():
            lock, inside, served = new_lock(), [], []

            async def work(number):
                async with lock as lease:
                    inside.append(number)
                    self.assertEqual(inside, [number])
                    await asyncio.sleep(0)
                    self.assertTrue(lease.is_valid())
                    inside.remove(number)
                    served.append(lease.get_fencing_token())

            await asyncio.gather(*(work(number) for number in range(50)))
            self.assertEqual(served, list(range(1, 51)))

    @on_every_loop
    async def test_blocks_of_several_locks_may_end_in_any_order(self):
        async with memory_app():
            one, two = new_lock("one"), new_lock("two")
            await one.__aenter__()
            await two.__aenter__()
            await one.__aexit__(None, None, None)
            self.assertEqual((await one.is_locked(), await two.is_locked()), (False, True))
            await two.__aexit__(None, None, None)
            self.assertFalse(await two.is_locked())

    @on_every_loop
    async def test_a_block_is_left_by_the_task_that_entered_it(self):
        async with memory_app():
            lock = new_lock()
            await lock.__aenter__()
            with self.assertRaises(RuntimeError):
                await asyncio.create_task(lock.__aexit__(None, None, None))
            self.assertTrue(await lock.is_locked())
            await lock.__aexit__(None, None, None)

    @on_every_loop
    async def test_a_task_that_is_gone_holds_nothing(self):
        async with memory_app():
            lock = new_lock()
            await asyncio.create_task(lock.__aenter__())
            await settle()
            self.assertFalse(await lock.is_locked())


class Reentrancy(unittest.TestCase):
    @on_every_loop
    async def test_a_nested_acquire_is_refused_in_every_combination(self):
        async with memory_app() as app:
            backend = app.get_backend(Grelmicro.LockBackend, None)
            same = (
                new_lock(),
                new_lock(app=app),
                new_lock(backend=backend),
                new_lock(lease_duration=5.0),
            )
            for outer in same:
                async with outer:
                    for inner in (outer, *same):
                        for timeout in (None, 0, 1.0):
                            with self.assertRaisesRegex(Grelmicro.ReentrantError, "cart") as caught:
                                await inner.acquire(timeout)
                            self.assertEqual(caught.exception.name, "cart")
                        with self.assertRaises(Grelmicro.ReentrantError):
                            async with inner:
                                self.fail("it was entered twice")

    @on_every_loop
    async def test_other_names_and_backends_are_no_nesting(self):
        async with memory_app(), Grelmicro.MemoryLockAdapter() as backend:
            async with new_lock(), new_lock("other"), new_lock(backend=backend):
                pass

    @on_every_loop
    async def test_the_mark_ends_with_the_lease(self):
        clock = Grelmicro.VirtualClock()
        async with memory_app(clock=clock):
            lock = new_lock(lease_duration=10.0, auto_extend=False)
            lease = await lock.acquire()
            await lease.release()
            lease = await lock.acquire()
            clock.advance(11_000_000)
            lease = await lock.acquire()
            del lease
            lease = await lock.acquire()
            self.assertEqual(lease.get_fencing_token(), 4)

    @on_every_loop
    async def test_another_task_waits(self):
        async with memory_app():
            lock = new_lock()
            async with lock:
                with self.assertRaises(Grelmicro.WouldBlockError):
                    await asyncio.create_task(lock.acquire(0))
                with self.assertRaises(Grelmicro.LockTimeoutError):
                    await asyncio.create_task(lock.acquire(0.001))

    @on_every_loop
    async def test_the_mark_ends_when_another_uses_the_lease(self):
        async with memory_app():
            lock = new_lock()
            users = (
                lambda lease: asyncio.create_task(lease.extend()),
                lambda lease: asyncio.to_thread(lease.from_thread.extend),
                lambda lease: asyncio.to_thread(lease.extend_from_thread, None),
            )
            for use in users:
                async with lock as lease:
                    await use(lease)
                    with self.assertRaises(Grelmicro.WouldBlockError):
                        await lock.acquire(0)
                async with lock as lease:
                    await lease.extend()
                    with self.assertRaises(Grelmicro.ReentrantError):
                        await lock.acquire(0)

    @on_every_loop
    async def test_a_lease_may_be_handed_to_another_task(self):
        async with memory_app():
            lock = new_lock()
            lease = await lock.acquire()
            await asyncio.create_task(lease.release())
            async with lock:
                pass


class Introspected(unittest.TestCase):
    @on_every_loop
    async def test_a_callback_works_as_ever(self):
        context = getattr(asyncio.get_running_loop(), "_context", None)
        async with memory_app():
            lock, results = new_lock(), []
            context = context if isinstance(context, GLib.MainContext) else GLib.MainContext()
            context.push_thread_default()
            lock.acquire_async(5_000_000, None, lambda *args: results.append(args), "data")
            context.pop_thread_default()
            while not results:
                context.iteration(False)
                await asyncio.sleep(0)
            ((source, result, data),) = results
            self.assertEqual((source, data), (lock, "data"))
            lease = lock.acquire_finish(result)
            self.assertTrue(lease.is_valid())
            await asyncio.to_thread(lease.release_from_thread, None)
            with self.assertRaises(Grelmicro.NotOwnedError):
                await asyncio.to_thread(lease.release_from_thread, None)

    @on_every_loop
    async def test_without_a_callback_it_can_be_awaited(self):
        async with memory_app():
            lock = new_lock()
            lease = await lock.acquire_async(5_000_000)
            self.assertTrue(await lock.is_locked_async())
            with self.assertRaises(Grelmicro.WouldBlockError):
                await lock.acquire_async(0, None)
            with self.assertRaises(Grelmicro.WouldBlockError):
                await lock.acquire_async(timeout=0)
            waiter = lock.acquire_async(-1)
            self.assertTrue(await lease.extend_async())
            self.assertTrue(await lease.release_async(None))
            lease = await waiter
            self.assertEqual(lease.get_fencing_token(), 2)
            never = lock.acquire_async(-1)
            never.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await never
            await lease.release_async()
            await settle()
            self.assertFalse(await lock.is_locked())

    def test_without_a_callback_nor_a_loop_it_is_started(self):
        with memory_app().in_thread():
            lock = new_lock()
            lease = lock.from_thread.acquire()
            self.assertIsNone(lease.release_async(None))
            self.assertFalse(lock.from_thread.is_locked())

    def test_a_function_may_run_under_the_lock(self):
        with memory_app().in_thread():
            lock, seen = new_lock(), []

            def work(cancellable, data):
                seen.append((cancellable.is_cancelled(), data, lock.from_thread.is_locked()))

            self.assertTrue(in_thread(lock.run_from_thread, -1, work, "data"))
            self.assertEqual(seen, [(False, "data", True)])
            with self.assertRaises(ZeroDivisionError):
                in_thread(lock.run_from_thread, -1, lambda *args: 1 / 0)
            self.assertFalse(lock.from_thread.is_locked())


if __name__ == "__main__":
    unittest.main()
