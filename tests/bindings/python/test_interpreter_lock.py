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
    def check(self, program):
        process = start(program)
        output, errors = self.finish(process)
        self.assertEqual((output, process.returncode), ("end\n", 0), errors)

    def test_breakers_come_and_go_while_their_state_changes(self):
        self.check(
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


if __name__ == "__main__":
    unittest.main()
