# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""How calls end: blocks, permits and decorated functions."""

import asyncio
import concurrent.futures
import contextlib
import functools
import gc
import inspect
import unittest

import helpers
from breaker_helpers import (
    fail,
    get_counts,
    get_state,
    in_every_app,
    is_admitted,
    new_breaker,
    open_,
)
from dict_circuit_breaker_backend import DictCircuitBreakerBackend
from gi.repository import GLib
from helpers import PATIENCE, Grelmicro, until


class Outcomes(unittest.TestCase):
    @in_every_app
    async def test_what_is_no_exception_counts_nothing(self, clock):
        breaker = new_breaker()
        await fail(breaker)
        for error in (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit):
            await fail(breaker, error())
            await fail(breaker, type("Derived", (error,), {})())
        await fail(breaker, BaseExceptionGroup("", [OSError(), KeyboardInterrupt()]))
        await fail(breaker, concurrent.futures.CancelledError())
        self.assertEqual(get_counts(breaker), (0, 1, 0))
        self.assertEqual(breaker.metrics()["consecutive-errors"], 1)

    @in_every_app
    async def test_so_do_refusals_and_misuse_of_other_primitives(self, clock):
        breaker = new_breaker()
        for error in (
            Grelmicro.WouldBlockError("text"),
            Grelmicro.CircuitOpenError("text"),
            Grelmicro.NotOpenError("text"),
            Grelmicro.ClosedError("text"),
            Grelmicro.DeadlockError("text"),
            Grelmicro.ReentrantError("text"),
        ):
            await fail(breaker, error)
        self.assertEqual(get_counts(breaker), (0, 0, 0))
        for error in (Grelmicro.LockTimeoutError("text"), Grelmicro.BackendError("text")):
            await fail(breaker, error)
        self.assertEqual(get_counts(breaker), (0, 2, 0))
        self.assertEqual(breaker.metrics()["last-error"], "text")

    @in_every_app
    async def test_ignored_exceptions_are_successes(self, clock):
        for ignore in (LookupError, [LookupError], (ValueError, LookupError), {LookupError}):
            breaker = new_breaker(ignore=ignore)
            await breaker.reset()
            await fail(breaker)
            await fail(breaker, KeyError("key"))
            self.assertEqual(get_counts(breaker), (1, 1, 0))
            self.assertEqual(breaker.metrics()["consecutive-errors"], 0)

    @in_every_app
    async def test_ignored_refusals_are_successes_too(self, clock):
        breaker = new_breaker(ignore=Grelmicro.WouldBlockError)
        await fail(breaker, Grelmicro.WouldBlockError("text"))
        await fail(breaker, Grelmicro.CircuitOpenError("text"))
        self.assertEqual(get_counts(breaker), (1, 0, 0))

    @in_every_app
    async def test_errors_that_c_was_told_to_ignore_are_successes(self, clock):
        breaker = new_breaker()
        breaker.ignore_error("test-quark", 7)
        breaker.ignore_error(Grelmicro.GrelError.domain, Grelmicro.Error.WOULD_BLOCK)
        await fail(breaker, GLib.Error("text", "test-quark", 7))
        await fail(breaker, Grelmicro.WouldBlockError("text"))
        await fail(breaker, GLib.Error("text", "test-quark", 8))
        self.assertEqual(get_counts(breaker), (2, 1, 0))

    @in_every_app
    async def test_any_exception_can_be_told(self, clock):
        class Unprintable(Exception):
            def __str__(self):
                raise ValueError

        breaker = new_breaker(error_threshold=100)
        texts = {
            ValueError("a\0b"): "ValueError: a\\0b",
            ValueError("\udc80"): "ValueError: \\udc80",
            ValueError("größe"): "ValueError: größe",
            Unprintable(): "Unprintable: it can't be printed",
        }
        for error, text in texts.items():
            await fail(breaker, error)
            self.assertEqual(breaker.metrics()["last-error"], text)

    @in_every_app
    async def test_a_cancelled_probe_gives_its_slot_back(self, clock):
        breaker, entered = new_breaker(reset_timeout=10.0), asyncio.Event()

        async def work():
            async with breaker:
                entered.set()
                await asyncio.sleep(PATIENCE)

        await open_(breaker)
        clock.advance(10_000_000)
        for _ in range(3):
            entered.clear()
            task = asyncio.create_task(work())
            await entered.wait()
            self.assertFalse(await is_admitted(breaker))
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(get_state(breaker), "half-open")
        self.assertTrue(await is_admitted(breaker))

    @in_every_app
    async def test_so_does_one_that_is_cancelled_while_it_asks(self, clock):
        breaker = new_breaker(reset_timeout=10.0)
        await open_(breaker)
        clock.advance(10_000_000)
        for pauses in range(4):
            task = asyncio.create_task(breaker.acquire())
            for _ in range(pauses):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Grelmicro.CircuitOpenError):
                (await task).abandon()
            del task
        while not await is_admitted(breaker):
            await asyncio.sleep(0.001)  # the store may not have heard of it yet
        self.assertEqual(get_counts(breaker)[2], 0)

    @in_every_app
    async def test_so_does_a_generator_that_is_closed(self, clock):
        breaker = new_breaker(reset_timeout=10.0)

        async def work():
            async with breaker:
                yield

        await open_(breaker)
        clock.advance(10_000_000)
        generator = work()
        await generator.__anext__()
        self.assertFalse(await is_admitted(breaker))
        await generator.aclose()
        self.assertTrue(await is_admitted(breaker))

    @in_every_app
    async def test_so_does_a_task_that_is_gone(self, clock):
        breaker = new_breaker(reset_timeout=10.0)
        await open_(breaker)
        clock.advance(10_000_000)
        await asyncio.create_task(breaker.__aenter__())
        gc.collect()
        await until(lambda: get_counts(breaker)[2] == 0)
        self.assertTrue(await is_admitted(breaker))


class Permits(unittest.TestCase):
    @in_every_app
    async def test_a_permit_is_completed_with_an_outcome(self, clock):
        breaker = new_breaker()
        permit = await breaker.acquire()
        self.assertEqual(permit.get_name(), "payment")
        self.assertIsNone(await permit.succeed())
        self.assertEqual(get_counts(breaker), (1, 0, 0))
        permit = await breaker.acquire()
        self.assertIsNone(await permit.fail(OSError("no route")))
        self.assertEqual(get_counts(breaker), (1, 1, 0))
        self.assertEqual(breaker.metrics()["last-error"], "OSError: no route")
        permit = await breaker.acquire()
        self.assertIsNone(permit.abandon())
        self.assertEqual(get_counts(breaker), (1, 1, 0))

    @in_every_app
    async def test_it_is_completed_once(self, clock):
        breaker = new_breaker()
        for complete in (
            lambda permit: permit.succeed(),
            lambda permit: permit.fail(OSError()),
            lambda permit: permit.succeed_async(None),
            lambda permit: asyncio.to_thread(permit.from_thread.succeed),
            lambda permit: asyncio.to_thread(permit.from_thread.fail, OSError()),
            lambda permit: asyncio.to_thread(permit.from_thread.abandon),
        ):
            permit = await breaker.acquire()
            await complete(permit)
            for call in (permit.succeed(), permit.fail(OSError()), permit.fail(GeneratorExit())):
                with self.assertRaisesRegex(Grelmicro.NotOwnedError, "payment") as caught:
                    await call
                self.assertEqual(caught.exception.name, "payment")
            permit.abandon()
        self.assertEqual(get_counts(breaker), (3, 2, 0))

    @in_every_app
    async def test_a_failure_is_judged_as_in_a_block(self, clock):
        breaker = new_breaker(ignore=LookupError)
        for error in (KeyError(), asyncio.CancelledError(), Grelmicro.WouldBlockError("text")):
            await (await breaker.acquire()).fail(error)
            permit = await breaker.acquire()
            await asyncio.to_thread(permit.from_thread.fail, error)
        self.assertEqual(get_counts(breaker), (2, 0, 0))

    @in_every_app
    async def test_a_failure_is_an_exception(self, clock):
        permit = await new_breaker().acquire()
        for error in (None, "no route", OSError):
            with self.assertRaises(TypeError):
                await permit.fail(error)
            with self.assertRaises(TypeError):
                permit.from_thread.fail(error)
        await permit.fail(OSError())

    @in_every_app
    async def test_a_dropped_one_gives_its_slot_back(self, clock):
        breaker = new_breaker(reset_timeout=10.0)
        await open_(breaker)
        clock.advance(10_000_000)
        for _ in range(3):
            permit = await breaker.acquire()
            self.assertFalse(await is_admitted(breaker))
            del permit
        permit = [await breaker.acquire()]
        permit.append(permit)
        del permit
        self.assertFalse(await is_admitted(breaker))
        gc.collect()
        self.assertTrue(await is_admitted(breaker))

    @in_every_app
    async def test_a_block_hands_it_out_but_completes_it_itself(self, clock):
        breaker = new_breaker()
        with self.assertRaises(Grelmicro.NotOwnedError):
            async with breaker as permit:
                await permit.succeed()
        with self.assertRaises(ZeroDivisionError):
            async with breaker as permit:
                await permit.succeed()
                1 / 0
        self.assertEqual(get_counts(breaker), (2, 0, 0))

    @in_every_app
    async def test_a_cancelled_record_is_a_record(self, clock):
        breaker = new_breaker()
        permit = await breaker.acquire()
        task = asyncio.create_task(permit.succeed())
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with self.assertRaises(Grelmicro.NotOwnedError):
            await permit.succeed()
        self.assertEqual(get_counts(breaker), (1, 0, 0))

    @helpers.in_every_app(DictCircuitBreakerBackend)
    async def test_a_backend_that_takes_time_gives_no_ticket(self, clock):
        with self.assertRaisesRegex(Grelmicro.WouldBlockError, "payment"):
            new_breaker().allow()

    @helpers.in_every_app(Grelmicro.MemoryCircuitBreakerAdapter)
    async def test_a_ticket_counts_as_a_permit_does(self, clock):
        breaker = new_breaker(error_threshold=2)
        allowed, ticket = breaker.allow()
        self.assertTrue(allowed)
        self.assertTrue(breaker.record_success(ticket))
        error = GLib.Error("text", "test-quark", 7)
        for _ in range(2):
            _, ticket = breaker.allow()
            self.assertTrue(breaker.record_error(ticket, error))
            self.assertFalse(breaker.record_error(ticket, error))
        with self.assertRaises(Grelmicro.CircuitOpenError) as caught:
            breaker.allow()
        self.assertEqual(caught.exception.retry_after, 30)
        self.assertEqual(get_counts(breaker), (1, 2, 0))

    @in_every_app
    async def test_it_is_judged_by_the_settings_it_was_admitted_with(self, clock):
        breaker = new_breaker(error_threshold=1)
        permit = await breaker.acquire()
        breaker.set_error_threshold(5)
        await permit.fail(OSError())
        self.assertEqual(get_state(breaker), "open")


class Decorator(unittest.TestCase):
    @in_every_app
    async def test_a_function_goes_through_the_breaker(self, clock):
        breaker = new_breaker(error_threshold=1)

        @breaker
        async def divide(a, b, *, factor=1):
            """Divides."""
            return factor * a / b

        self.assertEqual(await divide(6, 3), 2)
        self.assertEqual(await divide(6, b=3, factor=2), 4)
        with self.assertRaises(ZeroDivisionError):
            await divide(1, 0)
        with self.assertRaises(Grelmicro.CircuitOpenError):
            await divide(6, 3)
        self.assertEqual(get_counts(breaker), (2, 1, 0))
        self.assertEqual((divide.__name__, divide.__doc__), ("divide", "Divides."))
        self.assertTrue(inspect.iscoroutinefunction(divide))
        self.assertTrue(inspect.iscoroutinefunction(divide.__wrapped__))

    @in_every_app
    async def test_a_plain_one_does_so_from_a_thread(self, clock):
        breaker, calls = new_breaker(error_threshold=1), []

        @breaker
        def divide(a, b):
            """Divides."""
            calls.append((a, b))
            return a / b

        with self.assertRaises(Grelmicro.DeadlockError):
            divide(6, 3)
        self.assertEqual(calls, [])
        self.assertEqual(await asyncio.to_thread(divide, 6, b=3), 2)
        with self.assertRaises(ZeroDivisionError):
            await asyncio.to_thread(divide, 1, 0)
        with self.assertRaises(Grelmicro.CircuitOpenError):
            await asyncio.to_thread(divide, 6, 3)
        self.assertEqual(get_counts(breaker), (1, 1, 0))
        self.assertEqual((divide.__name__, divide.__doc__), ("divide", "Divides."))
        self.assertFalse(inspect.iscoroutinefunction(divide))

    @in_every_app
    async def test_partials_and_objects_and_methods_are_functions(self, clock):
        breaker = new_breaker()

        class Async:
            async def __call__(self, value):
                return value

            @breaker
            async def method(self, value):
                return value

        class Plain:
            def __call__(self, value):
                return value

            @breaker
            def method(self, value):
                return value

        async def add(a, b):
            return a + b

        partial = functools.partial
        for function in (Async(), Async().__call__, partial(add, 0), partial(partial(add), 0)):
            self.assertEqual(await breaker(function)(1), 1)
        self.assertEqual(await breaker(partial(Async(), 1))(), 1)
        self.assertEqual(await Async().method(1), 1)
        for function in (Plain(), Plain().__call__, partial(Plain()), Plain().method, int, abs):
            call = function if function == Plain.method else breaker(function)
            self.assertEqual(await asyncio.to_thread(call, 1), 1)

    def test_what_has_no_outcome_is_refused(self):
        def generate():
            yield

        async def generate_async():
            yield

        for function in (generate, generate_async, functools.partial(generate)):
            with self.assertRaisesRegex(TypeError, "generator"):
                new_breaker()(function)
        for function in (None, "function", 5):
            with self.assertRaises(TypeError):
                new_breaker()(function)


if __name__ == "__main__":
    unittest.main()
