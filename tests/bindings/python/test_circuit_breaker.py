# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import asyncio
import contextlib
import gc
import math
import unittest

from breaker_helpers import (
    BACKENDS,
    fail,
    get_counts,
    get_state,
    in_every_app,
    is_admitted,
    new_breaker,
    open_,
)
from gi.repository import GLib
from helpers import Grelmicro, memory_app, on_every_loop, until

SETTINGS = (
    "error_threshold", "success_threshold", "reset_timeout", "half_open_capacity", "max_keyed"
)  # fmt: skip


def get_settings(breaker):
    return {name: getattr(breaker.props, name) for name in SETTINGS}


class Construction(unittest.TestCase):
    def test_settings_are_those_of_c_unless_given(self):
        self.assertEqual(
            get_settings(new_breaker()), get_settings(Grelmicro.CircuitBreaker.new("payment"))
        )
        self.assertEqual(new_breaker().props.name, "payment")
        self.assertIsNone(new_breaker().props.backend)
        self.assertIsNone(new_breaker().props.app)

    def test_seconds_become_microseconds(self):
        breaker = new_breaker(
            error_threshold=3,
            success_threshold=4,
            reset_timeout=1.5,
            half_open_capacity=6,
            max_keyed=0,
        )
        self.assertEqual(get_settings(breaker), dict(zip(SETTINGS, (3, 4, 1_500_000, 6, 0))))
        self.assertEqual(new_breaker(reset_timeout=1e-9).props.reset_timeout, 1)

    def test_a_bad_name_is_refused_at_once(self):
        for name in ("", "a\0b", "\0", "\udc80", "a" * 1001):
            with self.subTest(name=name), self.assertRaisesRegex(Grelmicro.SettingsError, "name"):
                new_breaker(name)
        for name in ("a", "größe 1", "a" * 1000):
            self.assertEqual(new_breaker(name).get_name(), name)

    def test_a_bad_setting_is_refused_at_once(self):
        bad = {
            "error_threshold": (0, -1),
            "success_threshold": (0, -1),
            "half_open_capacity": (0, -1),
            "max_keyed": (-1,),
            "reset_timeout": (0, -1, math.nan, math.inf, 1e300, 10**400),
        }
        for backend in (None, Grelmicro.MemoryCircuitBreakerAdapter()):
            for setting, values in bad.items():
                for value in values:
                    with self.subTest(setting=setting, value=value):
                        name = setting.replace("_", "[-_]")
                        with self.assertRaisesRegex(Grelmicro.SettingsError, name):
                            new_breaker(backend=backend, **{setting: value})

    def test_a_wrong_type_is_a_type_error(self):
        for setting in SETTINGS:
            for value in ("1", b"1", True, None, [1]):
                with self.subTest(setting=setting, value=value), self.assertRaises(TypeError):
                    new_breaker(**{setting: value})
        for keywords in (
            {"error_threshold": 1.5},
            {"ignore": OSError("no class")},
            {"ignore": ["OSError"]},
            {"ignore": [OSError, int]},
            {"ignore": asyncio.CancelledError},
            {"backend": "memory:"},
            {"backend": Grelmicro.MemoryLockAdapter()},
            {"app": Grelmicro.MemoryCircuitBreakerAdapter()},
            {"timeout": 5.0},
        ):
            with self.subTest(keywords=keywords), self.assertRaises(TypeError):
                new_breaker(**keywords)
        for name in (None, 5, b"payment"):
            with self.assertRaises(TypeError):
                new_breaker(name)

    def test_a_huge_count_is_one(self):
        self.assertEqual(new_breaker(error_threshold=2**70).props.error_threshold, 2**32 - 1)

    def test_none_of_it_counts(self):
        self.assertEqual(new_breaker().metrics()["rejections"], 0)


class Calls(unittest.TestCase):
    @in_every_app
    async def test_what_a_block_ends_with_is_the_outcome(self, clock):
        breaker = new_breaker()
        async with breaker:
            self.assertEqual(get_counts(breaker), (0, 0, 1))
        self.assertEqual(get_counts(breaker), (1, 0, 0))
        await fail(breaker)
        self.assertEqual(get_counts(breaker), (1, 1, 0))
        self.assertEqual(breaker.metrics()["last-error"], "OSError: no route")

    @in_every_app
    async def test_the_circuit_opens_and_recovers(self, clock):
        breaker = new_breaker(error_threshold=3, success_threshold=2, reset_timeout=10.0)
        for _ in range(3):
            self.assertEqual(get_state(breaker), "closed")
            await fail(breaker)
        self.assertEqual(get_state(breaker), "open")
        clock.advance(9_999_999)
        self.assertFalse(await is_admitted(breaker))
        clock.advance(1)
        for state in ("half-open", "closed"):
            async with breaker:
                self.assertEqual(get_state(breaker), "half-open")
            self.assertEqual(get_state(breaker), state)

    @in_every_app
    async def test_half_open_it_takes_as_many_errors_to_open_again(self, clock):
        breaker = new_breaker(error_threshold=2, reset_timeout=10.0)
        await open_(breaker)
        clock.advance(10_000_000)
        await fail(breaker)
        self.assertEqual(get_state(breaker), "half-open")
        await fail(breaker)
        self.assertEqual(get_state(breaker), "open")

    @in_every_app
    async def test_a_refusal_says_when_to_come_back(self, clock):
        breaker = new_breaker(reset_timeout=10.0)
        self.assertEqual(breaker.retry_after, 0.0)
        await open_(breaker)
        clock.advance(2_500_000)
        self.assertEqual(breaker.retry_after, 7.5)
        calls = (
            breaker.acquire,
            breaker.__aenter__,
            breaker.acquire_async,
            lambda: asyncio.to_thread(breaker.from_thread.acquire),
            lambda: asyncio.to_thread(breaker.from_thread.__enter__),
            lambda: asyncio.to_thread(breaker.acquire_from_thread, None),
        )
        for number, call in enumerate(calls):
            with self.assertRaisesRegex(Grelmicro.CircuitOpenError, "payment") as caught:
                await call()
            self.assertEqual(caught.exception.retry_after, 7.5)
            self.assertEqual(caught.exception.name, "payment")
            self.assertEqual(breaker.metrics()["rejections"], number + 1)

    @in_every_app
    async def test_nobody_knows_for_how_long_probes_run(self, clock):
        breaker = new_breaker(reset_timeout=10.0)
        await open_(breaker)
        clock.advance(10_000_000)
        async with breaker:
            with self.assertRaises(Grelmicro.CircuitOpenError) as caught:
                await breaker.acquire()
        self.assertEqual(caught.exception.retry_after, 0.0)

    @in_every_app
    async def test_it_can_be_isolated_and_reset(self, clock):
        breaker = new_breaker()
        self.assertIsNone(await breaker.isolate())
        self.assertEqual(get_state(breaker), "forced-open")
        with self.assertRaisesRegex(Grelmicro.CircuitOpenError, "isolated") as caught:
            await breaker.acquire()
        self.assertEqual(caught.exception.retry_after, 0.0)
        self.assertIsNone(await breaker.reset())
        self.assertEqual(breaker.metrics()["rejections"], 0)
        self.assertTrue(await is_admitted(breaker))

    @in_every_app
    async def test_two_of_one_name_are_one_circuit(self, clock):
        one, other = new_breaker(), new_breaker()
        await open_(one)
        self.assertFalse(await is_admitted(other))
        self.assertTrue(await is_admitted(new_breaker("other")))

    @in_every_app
    async def test_the_same_breaker_nests(self, clock):
        breaker = new_breaker()
        async with breaker as outer:
            with contextlib.suppress(OSError):
                async with breaker as inner:
                    self.assertIsNot(outer, inner)
                    self.assertEqual(get_counts(breaker), (0, 0, 2))
                    raise OSError
            self.assertEqual(get_counts(breaker), (0, 1, 1))
        self.assertEqual(get_counts(breaker), (1, 1, 0))

    @in_every_app
    async def test_a_block_is_left_by_the_task_that_entered_it(self, clock):
        breaker = new_breaker()
        await breaker.__aenter__()
        with self.assertRaises(RuntimeError):
            await asyncio.create_task(breaker.__aexit__(None, None, None))
        self.assertEqual(get_counts(breaker), (0, 0, 1))
        await breaker.__aexit__(None, None, None)
        self.assertEqual(get_counts(breaker), (1, 0, 0))
        with self.assertRaises(RuntimeError):
            await breaker.__aexit__(None, None, None)

    @in_every_app
    async def test_many_tasks_share_one_breaker(self, clock):
        breaker = new_breaker(error_threshold=1000)

        async def work(number):
            async with breaker:
                await asyncio.sleep(0)
                if number % 2:
                    raise OSError

        await asyncio.gather(*(work(number) for number in range(100)), return_exceptions=True)
        self.assertEqual(get_counts(breaker), (50, 50, 0))

    @on_every_loop
    async def test_each_task_finds_its_own_app(self):
        breaker = new_breaker()
        async with memory_app():
            async with memory_app():
                await open_(breaker)
                self.assertFalse(await is_admitted(breaker))
                refused = asyncio.to_thread(breaker.from_thread.acquire)
                with self.assertRaises(Grelmicro.CircuitOpenError):
                    await refused
            self.assertTrue(await is_admitted(breaker))
            self.assertEqual(get_state(breaker), "closed")

    @on_every_loop
    async def test_without_an_app_it_says_so(self):
        for breaker in (new_breaker(), new_breaker(app=memory_app())):
            with self.assertRaisesRegex(Grelmicro.GrelError, "payment"):
                async with breaker:
                    self.fail("it was entered")


class Keyed(unittest.TestCase):
    @in_every_app
    async def test_each_key_is_a_circuit(self, clock):
        breaker = new_breaker()
        await open_(breaker.keyed("one"))
        self.assertFalse(await is_admitted(breaker.keyed("one")))
        self.assertTrue(await is_admitted(breaker.keyed("other")))
        self.assertTrue(await is_admitted(breaker))
        await breaker.keyed("one").reset()
        self.assertTrue(await is_admitted(breaker.keyed("one")))

    @in_every_app
    async def test_it_has_the_name_and_the_settings_of_the_breaker(self, clock):
        breaker = new_breaker(error_threshold=1, ignore=LookupError)
        keyed = breaker.keyed("größe 1")
        self.assertIs(keyed, breaker.keyed("größe 1"))
        self.assertEqual(keyed.get_name(), "payment:größe 1")
        await fail(keyed, KeyError())
        self.assertEqual(get_counts(keyed), (1, 0, 0))
        await fail(keyed)
        with self.assertRaises(Grelmicro.CircuitOpenError) as caught:
            await keyed.acquire()
        self.assertEqual(caught.exception.name, "payment:größe 1")
        self.assertGreater(caught.exception.retry_after, 0)

    @in_every_app
    async def test_what_was_counted_outlasts_the_object(self, clock):
        breaker = new_breaker(ignore=LookupError)
        async with breaker.keyed("one"):
            pass
        gc.collect()
        await fail(breaker.keyed("one"), KeyError())
        self.assertEqual(get_counts(breaker.keyed("one")), (2, 0, 0))

    @in_every_app
    async def test_idle_ones_are_forgotten(self, clock):
        breaker = new_breaker(max_keyed=2)
        held = breaker.keyed("held")
        async with held:
            pass
        for key in "abcdef":
            async with breaker.keyed(key):
                pass
        self.assertIs(breaker.keyed("held"), held)
        self.assertEqual(get_counts(breaker.keyed("held")), (1, 0, 0))
        self.assertEqual(get_counts(breaker.keyed("a")), (0, 0, 0))

    @in_every_app
    async def test_a_call_under_way_may_be_nested_in_another(self, clock):
        breaker = new_breaker()
        async with breaker, breaker.keyed("one"), breaker.keyed("other"), breaker.keyed("one"):
            self.assertEqual(get_counts(breaker.keyed("one")), (0, 0, 2))
        for circuit, successes in ((breaker, 1), (breaker.keyed("one"), 2)):
            self.assertEqual(get_counts(circuit), (successes, 0, 0))

    def test_a_key_is_text(self):
        for key in (None, 5, b"one"):
            with self.assertRaises(TypeError):
                new_breaker().keyed(key)
        for key in ("a\0b", "\udc80"):
            with self.assertRaisesRegex(Grelmicro.SettingsError, "key"):
                new_breaker().keyed(key)


class Watching(unittest.TestCase):
    @in_every_app
    async def test_changes_are_told(self, clock):
        breaker, other, seen = new_breaker(error_threshold=1), new_breaker(), []
        await is_admitted(other)

        def changed(breaker, before, after, cause):
            seen.append((breaker, before.value_nick, after.value_nick, cause))

        for one in (breaker, other):
            one.connect("state-changed", changed)
            one.connect("notify::state", lambda one, _: seen.append((one, get_state(one))))
        await fail(breaker)
        await until(lambda: len(seen) == 4)
        for one in (breaker, other):
            mine = [entry[1:] for entry in seen if entry[0] is one]
            self.assertEqual(mine, [("open",), ("closed", "open", "error-threshold")])

    @in_every_app
    async def test_every_change_has_a_cause(self, clock):
        breaker = new_breaker(error_threshold=1, success_threshold=1, reset_timeout=10.0)
        causes = []
        breaker.connect("state-changed", lambda *args: causes.append(args[-1]))
        await fail(breaker)
        clock.advance(10_000_000)
        async with breaker:
            pass
        await breaker.isolate()
        await breaker.reset()
        await until(lambda: len(causes) == 5)
        expected = ["error-threshold", "reset-timeout", "success-threshold", "manual", "manual"]
        self.assertEqual(causes, expected)

    @on_every_loop
    async def test_closing_is_one(self):
        for backend in BACKENDS:
            breaker, seen = new_breaker(), []
            breaker.connect("state-changed", lambda *args: seen.append(args[-1]))
            async with Grelmicro.App(uses=[backend()]):
                await open_(breaker)
                await until(lambda: seen == ["error-threshold"])
            await until(lambda: seen == ["error-threshold", "closed"])
            self.assertEqual(get_state(breaker), "closed")

    @in_every_app
    async def test_a_handler_may_call_back(self, clock):
        breaker, tasks, states = new_breaker(error_threshold=1), [], []
        loop = asyncio.get_running_loop()

        def changed(breaker, before, after, cause):
            if after == Grelmicro.CircuitState.OPEN:
                states.append(breaker.metrics()["state"])
                tasks.append(asyncio.run_coroutine_threadsafe(breaker.reset(), loop))

        breaker.connect("state-changed", changed)
        await fail(breaker)
        await until(lambda: tasks and tasks[0].done())
        tasks[0].result()
        self.assertEqual(states, ["open"])
        self.assertTrue(await is_admitted(breaker))

    @in_every_app
    async def test_figures_are_plain_values(self, clock):
        breaker = new_breaker(error_threshold=2)
        fresh = {
            "state": "closed",
            "active-calls": 0,
            "successes": 0,
            "errors": 0,
            "consecutive-successes": 0,
            "consecutive-errors": 0,
            "rejections": 0,
            "last-error": "",
        }
        self.assertEqual(breaker.metrics(), fresh)
        for _ in range(2):
            async with breaker:
                pass
        await fail(breaker)
        permit = await breaker.acquire()
        counted = {"active-calls": 1, "successes": 2, "errors": 1, "consecutive-errors": 1}
        counted["last-error"] = "OSError: no route"
        self.assertEqual(breaker.metrics(), fresh | counted)
        await permit.succeed()
        await breaker.reset()
        self.assertEqual(breaker.metrics(), fresh)


class Introspected(unittest.TestCase):
    @in_every_app
    async def test_without_a_callback_it_can_be_awaited(self, clock):
        breaker = new_breaker()
        permit = await breaker.acquire_async()
        self.assertTrue(await permit.succeed_async())
        permit = await breaker.acquire_async(None)
        self.assertTrue(await permit.fail_async(Grelmicro.BackendError("text")))
        self.assertEqual(get_counts(breaker), (1, 1, 0))
        self.assertTrue(await breaker.isolate_async())
        self.assertTrue(await breaker.reset_async())

    @in_every_app
    async def test_an_operation_may_run_through_it(self, clock):
        breaker = new_breaker()
        operation = Grelmicro.Operation.new(lambda task, *data: task.return_value("done"))
        self.assertEqual(await breaker.run_async(operation), "done")

        def raise_(task, error):
            raise error

        for error in (OSError("no route"), KeyboardInterrupt()):
            with self.assertRaises(GLib.Error):
                await breaker.run_async(Grelmicro.Operation.new(raise_, error))
        self.assertEqual(get_counts(breaker), (1, 1, 0))

    @in_every_app
    async def test_so_may_a_function_on_a_thread(self, clock):
        breaker, data = new_breaker(ignore=LookupError), []

        def work(cancellable, value):
            data.append(value)

        self.assertTrue(await asyncio.to_thread(breaker.run_from_thread, work, "data"))
        self.assertEqual(data, ["data"])
        self.assertEqual(get_counts(breaker), (1, 0, 0))
        errors = OSError("no route"), KeyError(), SystemExit(), Grelmicro.WouldBlockError("text")
        for error in errors:

            def work(*args):
                raise error

            with self.assertRaises(type(error)) as caught:
                await asyncio.to_thread(breaker.run_from_thread, work)
            self.assertIs(caught.exception, error)
        self.assertEqual(get_counts(breaker), (2, 1, 0))
        self.assertEqual(breaker.metrics()["last-error"], "OSError: no route")


if __name__ == "__main__":
    unittest.main()
