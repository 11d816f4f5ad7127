# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""A circuit breaker backend derived in Python, and stores that fail."""

import asyncio
import threading
import unittest

from dict_circuit_breaker_backend import DictCircuitBreakerBackend
from gi.repository import GLib
from helpers import PATIENCE, Grelmicro, on_every_loop, until
from program_helpers import Program


class Recorder(DictCircuitBreakerBackend):
    """Writes down what it is asked, and where."""

    def __init__(self):
        super().__init__()
        self.calls, self.contexts = [], set()

    def record_call(self, *call):
        self.calls.append(call)
        self.contexts.add(GLib.MainContext.ref_thread_default() == self.ref_main_context())

    def do_admit(self, name, settings, task):
        values = (
            settings.error_threshold,
            settings.success_threshold,
            settings.half_open_capacity,
            settings.reset_timeout,
        )
        self.record_call("admit", name, *values)
        super().do_admit(name, settings, task)

    def do_record(self, name, ticket, outcome, settings, task):
        self.record_call("record", name, ticket, outcome.value_nick, settings.reset_timeout)
        super().do_record(name, ticket, outcome, settings, task)

    def do_set_state(self, name, state, cool_down, task):
        self.record_call("set_state", name, state.value_nick)
        super().do_set_state(name, state, cool_down, task)


class Broken(DictCircuitBreakerBackend):
    """Raises, wherever it is told to."""

    where = ()

    def check(self, where):
        if where in self.where:
            raise OSError("disk on fire")

    def do_admit(self, name, settings, task):
        self.check("admit")
        super().do_admit(name, settings, task)

    def do_record(self, name, ticket, outcome, settings, task):
        self.check("record")
        super().do_record(name, ticket, outcome, settings, task)

    def do_set_state(self, name, state, cool_down, task):
        self.check("set_state")
        super().do_set_state(name, state, cool_down, task)


class Slow(Grelmicro.CircuitBreakerBackend):
    """Answers when it is told to."""

    def __init__(self):
        super().__init__()
        self.tasks = []
        self.asked = threading.Semaphore(0)

    def ask(self, task):
        self.tasks.append(task)
        self.asked.release()

    def wait(self):
        assert self.asked.acquire(timeout=PATIENCE)
        return self.tasks.pop(0)

    def do_admit(self, name, settings, task):
        self.ask(task)

    def do_record(self, name, ticket, outcome, settings, task):
        self.recorded = ticket, outcome
        self.ask(task)


class Full(unittest.TestCase):
    @on_every_loop
    async def test_it_is_asked_in_its_context(self):
        backend = Recorder()
        breaker = Grelmicro.CircuitBreaker(
            "payment", error_threshold=7, success_threshold=3, half_open_capacity=2,
            reset_timeout=20.0
        )  # fmt: skip
        async with Grelmicro.App(uses=[backend]):
            async with breaker:
                pass
            permit = await asyncio.to_thread(breaker.from_thread.acquire)
            await permit.fail(OSError())
            (await breaker.acquire()).abandon()
            await breaker.keyed("one").isolate()
            await breaker.reset()
        admit = "admit", "cb:payment", 7, 3, 2, 20_000_000
        self.assertEqual(
            backend.calls[:5],
            [
                admit,
                ("record", "cb:payment", 1, "success", 20_000_000),
                admit,
                ("record", "cb:payment", 1, "error", 20_000_000),
                admit,
            ],
        )
        # What gives a slot back isn't judged by settings.
        self.assertEqual(backend.calls[5][:4], ("record", "cb:payment", 1, "none"))
        expected = [("set_state", "cb:payment:one", "forced-open")]
        self.assertEqual(backend.calls[6:], [*expected, ("set_state", "cb:payment", "closed")])
        self.assertEqual(backend.contexts, {True})

    @on_every_loop
    async def test_what_it_reports_is_the_state(self):
        backend, seen = DictCircuitBreakerBackend(), []
        breaker = Grelmicro.CircuitBreaker("payment")
        breaker.connect("state-changed", lambda *args: seen.append(args[2].value_nick))
        async with Grelmicro.App(uses=[backend], clock=Grelmicro.VirtualClock()):
            async with breaker:
                pass
            state = Grelmicro.CircuitState.OPEN
            await asyncio.to_thread(backend.report, "cb:payment", state, 0, 0, 2_500_000)
            await until(lambda: seen == ["open"])
            self.assertEqual(breaker.get_state(), state)
            self.assertEqual(breaker.retry_after, 2.5)
            self.assertEqual(breaker.metrics()["state"], "open")
            backend.report("cb:other", state, 0, 0, 2_500_000)
            with self.assertRaises(TypeError):
                backend.report("cb:payment", state, 0, 0, 2.5)

    @on_every_loop
    async def test_it_may_answer_later(self):
        backend = Slow()
        async with Grelmicro.App(uses=[backend]):
            task = asyncio.create_task(Grelmicro.CircuitBreaker("payment").acquire())
            question = await asyncio.to_thread(backend.wait)
            self.assertFalse(task.done())
            question.return_int(7)
            del question
            permit = await task
            task = asyncio.create_task(permit.succeed())
            question = await asyncio.to_thread(backend.wait)
            self.assertFalse(task.done())
            self.assertEqual(backend.recorded, (7, Grelmicro.CircuitOutcome.SUCCESS))
            question.return_boolean(True)
            del question
            await task

    @on_every_loop
    async def test_what_it_leaves_out_is_told(self):
        class Nothing(Grelmicro.CircuitBreakerBackend):
            pass

        async with Grelmicro.App(uses=[Nothing()]):
            with self.assertRaisesRegex(Grelmicro.BackendError, "payment.*admit"):
                await Grelmicro.CircuitBreaker("payment").acquire()
            with self.assertRaisesRegex(Grelmicro.BackendError, "payment.*set_state"):
                await Grelmicro.CircuitBreaker("payment").isolate()


class Failing(unittest.TestCase):
    @on_every_loop
    async def test_a_store_that_fails_admits_nobody(self):
        backend = Broken()
        backend.where = "admit", "set_state"
        breaker = Grelmicro.CircuitBreaker("payment")
        async with Grelmicro.App(uses=[backend]):
            for call in (breaker.acquire, breaker.isolate, breaker.reset, breaker.__aenter__):
                with self.assertRaisesRegex(Grelmicro.BackendError, "disk on fire") as caught:
                    await call()
                self.assertEqual(caught.exception.name, "payment")
            for call in (breaker.from_thread.acquire, breaker.from_thread.isolate):
                with self.assertRaisesRegex(Grelmicro.BackendError, "disk on fire"):
                    await asyncio.to_thread(call)
            self.assertEqual(breaker.metrics()["active-calls"], 0)

    @on_every_loop
    async def test_a_lost_outcome_is_told_to_who_completes_a_permit(self):
        backend = Broken()
        breaker = Grelmicro.CircuitBreaker("payment")
        async with Grelmicro.App(uses=[backend]):
            permit, other = await breaker.acquire(), await breaker.acquire()
            backend.where = ("record",)
            with self.assertRaisesRegex(Grelmicro.BackendError, "disk on fire") as caught:
                await permit.succeed()
            self.assertEqual(caught.exception.name, "payment")
            with self.assertRaisesRegex(Grelmicro.BackendError, "disk on fire"):
                await asyncio.to_thread(other.from_thread.fail, OSError())

    @on_every_loop
    async def test_it_is_no_outcome_of_a_block(self):
        backend = Broken()
        backend.where = ("record",)
        breaker = Grelmicro.CircuitBreaker("payment", ignore=LookupError)

        @breaker
        async def work(error):
            if error is not None:
                raise error
            return "done"

        @breaker
        def plain_work(error):
            if error is not None:
                raise error
            return "done"

        async with Grelmicro.App(uses=[backend]):
            self.assertEqual(await work(None), "done")
            self.assertEqual(await asyncio.to_thread(plain_work, None), "done")
            for error in (OSError(), KeyError(), KeyboardInterrupt()):
                for call in (work(error), asyncio.to_thread(plain_work, error)):
                    try:
                        await call
                    except BaseException as caught:
                        self.assertIs(caught, error)
                    else:
                        self.fail("it was lost")

    @on_every_loop
    async def test_neither_is_that_the_backend_was_closed_meanwhile(self):
        for backend in (Grelmicro.MemoryCircuitBreakerAdapter(), DictCircuitBreakerBackend()):
            app, breaker = Grelmicro.App(uses=[backend]), Grelmicro.CircuitBreaker("payment")
            async with app:
                async with breaker:
                    permit = await breaker.acquire()
                    await app.close_async()
            with self.assertRaisesRegex(Grelmicro.ClosedError, "payment"):
                await permit.succeed()
            with self.assertRaises(ZeroDivisionError):
                async with app, breaker:
                    await app.close_async()
                    1 / 0

            def work():
                with breaker.from_thread:
                    app.close_from_thread(None)
                return "done"

            async with app:
                self.assertEqual(await asyncio.to_thread(work), "done")

    @on_every_loop
    async def test_a_cancelled_task_is_cancelled_while_it_records(self):
        backend = Slow()
        breaker = Grelmicro.CircuitBreaker("payment")

        async def work():
            async with breaker:
                pass

        async with Grelmicro.App(uses=[backend]):
            task = asyncio.create_task(work())
            (await asyncio.to_thread(backend.wait)).return_int(7)
            question = await asyncio.to_thread(backend.wait)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(backend.recorded, (7, Grelmicro.CircuitOutcome.SUCCESS))
            self.assertFalse(question.get_cancellable().is_cancelled())
            question.return_boolean(True)

    @on_every_loop
    async def test_an_answer_that_nobody_waits_for_gives_its_slot_back(self):
        backend = Slow()
        async with Grelmicro.App(uses=[backend]):
            task = asyncio.create_task(Grelmicro.CircuitBreaker("payment").acquire())
            question = await asyncio.to_thread(backend.wait)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            question.return_int(7)
            del question
            (await asyncio.to_thread(backend.wait)).return_boolean(False)
            self.assertEqual(backend.recorded, (7, Grelmicro.CircuitOutcome.NONE))


class Programs(Program):
    def test_a_lost_outcome_is_logged(self):
        self.check(
            """
            import os
            from test_circuit_breaker_backend import Broken
            os.environ["G_MESSAGES_DEBUG"] = "Grelmicro"

            async def work():
                backend = Broken()
                backend.where = ("record",)
                async with Grelmicro.App(uses=[backend]):
                    async with Grelmicro.CircuitBreaker("payment"):
                        print("working", flush=True)

            run(work())
            print("end", flush=True)
            """,
            output="working\\n.*INFO.*circuit breaker “payment”: an outcome was lost: .*on fire\\n",
        )

    def test_ctrl_c_interrupts_a_call_on_the_main_thread(self):
        self.check(
            """
            from test_circuit_breaker_backend import Slow

            backend, questions = Slow(), []
            with Grelmicro.App(uses=[backend]).in_thread():
                def interrupt():
                    questions.append(backend.wait())
                    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

                threading.Thread(target=interrupt).start()
                try:
                    Grelmicro.CircuitBreaker("payment").from_thread.acquire()
                except KeyboardInterrupt:
                    print("interrupted", flush=True)
            print("end", flush=True)
            """,
            output="interrupted\\n",
        )


if __name__ == "__main__":
    unittest.main()
