# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Whoever waits for the interpreter holds no mutex that the interpreter may wait for.

The first new reference to an object that has Python attributes waits for the interpreter, and such
an object is made and finalized by who holds it. What goes wrong stops the whole process, so that
each test is one of its own.
"""

import unittest

from program_helpers import Program, start


class InterpreterLock(Program):
    def expect_end(self, program):
        process = start(program)
        output, errors = self.finish(process)
        self.assertEqual((output, process.returncode), ("end\n", 0), errors)

    def test_breakers_come_and_go_while_their_state_changes(self):
        self.expect_end(
            """
            def new_breaker():
                breaker = Grelmicro.CircuitBreaker("payment")
                breaker.text = "an attribute"
                breaker.from_thread.reset()
                return breaker

            def change(breaker):
                for _ in range(500):
                    breaker.from_thread.isolate()
                    breaker.from_thread.reset()

            def come_and_go():
                while not changing.done():
                    breakers = [new_breaker() for _ in range(3)]
                    del breakers

            with memory_app().in_thread():
                kept = new_breaker()
                changing = spawn(change, kept)
                others = [spawn(come_and_go) for _ in range(2)]
                come_and_go()
                for thread in (changing, *others):
                    thread.result(PATIENCE)
            print("end", flush=True)
            """
        )

    def test_leases_are_dropped_while_a_cancellable_arrives(self):
        self.expect_end(
            """
            from gi.repository import Gio
            import time

            def new_lease(lock):
                lease = lock.acquire_from_thread(-1, None)
                lease.text = "an attribute"
                return lease

            def drop():
                while leases:
                    leases.pop()
                    time.sleep(0)  # lets go of the interpreter

            with Grelmicro.App(uses=[DictLockBackend()]).in_thread():
                leases = [new_lease(Grelmicro.Lock(f"cart-{n}")) for n in range(1000)]
                dropping = spawn(drop)
                while not dropping.done():
                    cancellable = Gio.Cancellable()
                    cancellable.text = "an attribute"
                    lock.acquire_from_thread(-1, cancellable).release_from_thread(None)
                dropping.result()
            print("end", flush=True)
            """
        )

    def test_a_backend_drops_a_task_while_a_cache_arrives(self):
        self.expect_end(
            """
            from dict_cache_backend import DictCacheBackend

            class Backend(DictCacheBackend):
                def do_get(self, key, task):
                    super().do_get(key, task)
                    task.text = "an attribute"
                    self.last_task = task

            def call():
                for _ in range(500):
                    cache = Grelmicro.TTLCache()
                    cache.text = "an attribute"
                    cache.get_from_thread("key", None)

            with Grelmicro.App(uses=[Backend()]).in_thread():
                for thread in [spawn(call) for _ in range(4)]:
                    thread.result(PATIENCE)
            print("end", flush=True)
            """
        )


if __name__ == "__main__":
    unittest.main()
