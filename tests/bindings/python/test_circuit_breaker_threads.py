# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import asyncio
import contextlib
import gc
import threading
import unittest

from breaker_helpers import BACKENDS, get_counts, get_state
from helpers import (
    LOOPS,
    PATIENCE,
    Grelmicro,
    eventually,
    everywhere,
    in_every_thread_app,
    in_thread,
    memory_app,
    on_every_loop,
    run_on,
    spawn,
)


on_every_backend = in_every_thread_app(*BACKENDS)


def new_breaker(reset_timeout=10.0, **settings):
    return Grelmicro.CircuitBreaker("payment", reset_timeout=reset_timeout, **settings)


def fail(breaker, error=None):
    """Lets a call fail that goes through the breaker."""
    error = OSError("no route") if error is None else error
    try:
        with breaker.from_thread:
            raise error
    except type(error) as caught:
        assert caught is error


def make_half_open(breaker, clock):
    breaker.from_thread.reset()
    while get_state(breaker) != "open":
        fail(breaker)
    clock.advance(10_000_000)


def is_admitted(breaker):
    try:
        permit = breaker.from_thread.acquire()
    except Grelmicro.CircuitOpenError:
        return False
    permit.abandon()
    return True


class Worker(unittest.TestCase):
    @on_every_backend
    def test_what_a_block_ends_with_is_the_outcome(self, clock):
        breaker = new_breaker()

        def work():
            breaker.from_thread.reset()
            with breaker.from_thread as permit:
                self.assertEqual(permit.get_name(), "payment")
                self.assertEqual(get_counts(breaker), (0, 0, 1))
            self.assertEqual(get_counts(breaker), (1, 0, 0))
            fail(breaker)
            self.assertEqual(get_counts(breaker), (1, 1, 0))
            self.assertEqual(breaker.metrics()["last-error"], "OSError: no route")

        everywhere(work)

    @on_every_backend
    def test_the_circuit_opens_and_recovers(self, clock):
        breaker = new_breaker()

        def work():
            make_half_open(breaker, clock)
            for state in ("half-open", "closed"):
                with breaker.from_thread:
                    self.assertEqual(get_state(breaker), "half-open")
                self.assertEqual(get_state(breaker), state)

        everywhere(work)

    @on_every_backend
    def test_a_refusal_says_when_to_come_back(self, clock):
        breaker = new_breaker(error_threshold=1)

        def work():
            breaker.from_thread.reset()
            fail(breaker)
            for call in (breaker.from_thread.acquire, breaker.from_thread.__enter__):
                with self.assertRaisesRegex(Grelmicro.CircuitOpenError, "payment") as caught:
                    call()
                self.assertEqual(caught.exception.retry_after, 10.0)
                self.assertEqual(caught.exception.name, "payment")

        everywhere(work)

    @on_every_backend
    def test_it_can_be_isolated_and_reset(self, clock):
        breaker = new_breaker()

        def work():
            self.assertIsNone(breaker.from_thread.isolate())
            with self.assertRaisesRegex(Grelmicro.CircuitOpenError, "isolated"):
                breaker.from_thread.acquire()
            self.assertIsNone(breaker.from_thread.reset())
            self.assertTrue(is_admitted(breaker))

        everywhere(work)

    @on_every_backend
    def test_a_permit_is_completed_once(self, clock):
        breaker = new_breaker()

        def work():
            breaker.from_thread.reset()
            for complete in ("succeed", "fail", "abandon"):
                permit = breaker.from_thread.acquire().from_thread
                args = [OSError()] if complete == "fail" else []
                self.assertIsNone(getattr(permit, complete)(*args))
                with self.assertRaisesRegex(Grelmicro.NotOwnedError, "payment") as caught:
                    permit.succeed()
                self.assertEqual(caught.exception.name, "payment")
                with self.assertRaises(Grelmicro.NotOwnedError):
                    permit.fail(OSError())
                permit.abandon()
            self.assertEqual(get_counts(breaker), (1, 1, 0))

        everywhere(work)

    @on_every_backend
    def test_what_is_no_exception_counts_nothing(self, clock):
        breaker = new_breaker()

        def generate():
            with breaker.from_thread:
                yield

        def work():
            for error in (KeyboardInterrupt(), SystemExit(), asyncio.CancelledError()):
                fail(breaker, error)
            generator = generate()
            next(generator)
            self.assertEqual(get_counts(breaker), (0, 0, 1))
            generator.close()
            self.assertEqual(get_counts(breaker), (0, 0, 0))

        everywhere(work)

    @on_every_backend
    def test_ignored_exceptions_are_successes(self, clock):
        breaker = new_breaker(ignore=LookupError)
        everywhere(lambda: fail(breaker, KeyError()))
        self.assertEqual(get_counts(breaker), (2, 0, 0))

    @on_every_backend
    def test_the_same_breaker_nests(self, clock):
        breaker = new_breaker()

        def work():
            breaker.from_thread.reset()
            with breaker.from_thread:
                with contextlib.suppress(OSError), breaker.from_thread:
                    raise OSError
                self.assertEqual(get_counts(breaker), (0, 1, 1))
            self.assertEqual(get_counts(breaker), (1, 1, 0))

        everywhere(work)

    @on_every_backend
    def test_a_block_is_left_by_the_thread_that_entered_it(self, clock):
        breaker = new_breaker()
        breaker.from_thread.__enter__()
        with self.assertRaises(RuntimeError):
            in_thread(breaker.from_thread.__exit__, None, None, None)
        breaker.from_thread.__exit__(None, None, None)
        self.assertEqual(get_counts(breaker), (1, 0, 0))

    @on_every_backend
    def test_a_dropped_permit_gives_its_slot_back(self, clock):
        breaker = new_breaker()

        def work():
            make_half_open(breaker, clock)
            permit = breaker.from_thread.acquire()
            self.assertFalse(is_admitted(breaker))
            del permit
            self.assertTrue(is_admitted(breaker))

        everywhere(work)

    @on_every_backend
    def test_so_does_a_thread_that_is_gone(self, clock):
        breaker = new_breaker()
        make_half_open(breaker, clock)
        in_thread(breaker.from_thread.__enter__)
        gc.collect()
        eventually(lambda: get_counts(breaker)[2] == 0)
        self.assertTrue(is_admitted(breaker))

    @on_every_backend
    def test_permits_may_be_dropped_on_any_thread_at_any_time(self, clock):
        """Finalizers, vfuncs, signals and mutexes: none may wait for another with the interpreter
        held."""
        breaker = new_breaker(0.001, error_threshold=3, success_threshold=1, half_open_capacity=2)
        breaker.connect("state-changed", lambda *args: args[0].metrics())

        def work():
            for _ in range(100):
                with contextlib.suppress(Grelmicro.CircuitOpenError):
                    permit = breaker.from_thread.acquire()
                    permit.fail_async(Grelmicro.BackendError("text"), None)
                    permit = breaker.from_thread.acquire()
                    del permit
                clock.advance(1_000)

        for thread in [spawn(work) for _ in range(6)]:
            thread.result(PATIENCE)
        eventually(lambda: get_counts(breaker)[2] == 0)

    @on_every_backend
    def test_a_decorated_function_may_run_anywhere(self, clock):
        breaker = new_breaker()

        @breaker
        def work():
            return get_counts(breaker)[2]

        self.assertEqual((work(), in_thread(work)), (1, 1))

    def test_asyncio_may_use_an_app_that_runs_in_a_thread(self):
        breaker = new_breaker()

        @breaker
        def plain():
            return 1

        async def work():
            async with breaker:
                return await asyncio.to_thread(plain) + plain()

        with memory_app().in_thread():
            for make_loop in LOOPS.values():
                self.assertEqual(run_on(make_loop, work()), 2)

    def test_what_was_never_opened_is_told(self):
        for backend in BACKENDS:
            breaker = new_breaker(backend=backend())
            for where in (in_thread, lambda call: call()):
                for call in ("acquire", "isolate", "reset", "__enter__"):
                    with self.assertRaisesRegex(Grelmicro.NotOpenError, "payment") as caught:
                        where(getattr(breaker.from_thread, call))
                    self.assertEqual(caught.exception.name, "payment")


class OwnLoop(unittest.TestCase):
    @on_every_loop
    async def test_the_thread_of_the_loop_is_refused(self):
        for backend in BACKENDS:
            async with Grelmicro.App(uses=[backend()]):
                breaker, ran = new_breaker(), []
                permit = await breaker.acquire()
                for call in (
                    breaker.from_thread.acquire,
                    breaker.from_thread.isolate,
                    breaker.from_thread.reset,
                    breaker.from_thread.__enter__,
                    breaker(lambda: ran.append(True)),
                    breaker.keyed("one").from_thread.acquire,
                    permit.from_thread.succeed,
                    lambda: permit.from_thread.fail(OSError()),
                ):
                    with self.assertRaisesRegex(Grelmicro.DeadlockError, "payment"):
                        call()
                self.assertEqual(ran, [])
                self.assertEqual(get_state(breaker), "closed")
                await asyncio.to_thread(permit.from_thread.succeed)
                permit = await asyncio.to_thread(breaker.from_thread.acquire)
                permit.from_thread.abandon()
                self.assertEqual(get_counts(breaker), (1, 0, 0))

    @on_every_loop
    async def test_so_is_it_inside_a_call(self):
        async with memory_app():
            breaker = new_breaker()
            with self.assertRaises(Grelmicro.DeadlockError):
                async with breaker:
                    with breaker.from_thread:
                        self.fail("it was entered")
            self.assertEqual(get_counts(breaker), (0, 0, 0))


class Together(unittest.TestCase):
    """Tasks and threads."""

    CAPACITY, TASKS, THREADS = 3, 20, 8

    async def probe(self, breaker):
        """Everybody tries at once; who gets in stays until all others were refused."""
        lock, inside, refused = threading.Lock(), [], []
        expected = self.TASKS + self.THREADS - self.CAPACITY

        async def task():
            try:
                async with breaker:
                    inside.append(True)
                    while len(refused) < expected:
                        await asyncio.sleep(0.001)
            except Grelmicro.CircuitOpenError:
                with lock:
                    refused.append(True)

        def thread():
            try:
                with breaker.from_thread:
                    inside.append(True)
                    eventually(lambda: len(refused) == expected)
            except Grelmicro.CircuitOpenError:
                with lock:
                    refused.append(True)

        threads = [asyncio.wrap_future(spawn(thread)) for _ in range(self.THREADS)]
        await asyncio.gather(*threads, *(task() for _ in range(self.TASKS)))
        return len(inside), len(refused)

    @on_every_loop
    async def test_no_more_than_the_capacity_are_let_through_half_open(self):
        for backend in BACKENDS:
            clock = Grelmicro.VirtualClock()
            async with Grelmicro.App(uses=[backend()], clock=clock):
                settings = {"half_open_capacity": self.CAPACITY, "success_threshold": 100}
                breaker = new_breaker(**settings)
                await asyncio.to_thread(make_half_open, breaker, clock)
                for _ in range(3):
                    expected = self.CAPACITY, self.TASKS + self.THREADS - self.CAPACITY
                    self.assertEqual(await self.probe(breaker), expected)
                self.assertEqual(get_state(breaker), "half-open")
                self.assertEqual(get_counts(breaker)[2], 0)

    @on_every_loop
    async def test_all_that_is_closed_is_counted(self):
        for backend in BACKENDS:
            async with Grelmicro.App(uses=[backend()]):
                breaker = new_breaker(error_threshold=10_000)

                async def task(number):
                    async with breaker:
                        await asyncio.sleep(0)
                        if number % 2:
                            raise OSError

                def thread():
                    for number in range(20):
                        with contextlib.suppress(OSError), breaker.from_thread:
                            if number % 2:
                                raise OSError

                threads = [asyncio.wrap_future(spawn(thread)) for _ in range(4)]
                tasks = [task(number) for number in range(100)]
                await asyncio.gather(*threads, *tasks, return_exceptions=True)
                self.assertEqual(get_counts(breaker), (90, 90, 0))


if __name__ == "__main__":
    unittest.main()
