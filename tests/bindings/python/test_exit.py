# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""How programs end, and how Ctrl-C gets through: each in a process of its own."""

import signal
import time
import unittest

from program_helpers import PROMPT, Program, start


class Exit(Program):
    def test_with_an_app_open_in_a_thread(self):
        for backend in ("Grelmicro.MemoryLockAdapter", "DictLockBackend"):
            self.check(
                f"""
                app = Grelmicro.App(uses=[{backend}()])
                app.open_in_thread()
                print("end", flush=True)
                """
            )

    def test_with_an_app_that_nobody_remembers(self):
        self.check(
            """
            Grelmicro.App(uses=[DictLockBackend()]).open_in_thread()
            lock.from_thread.acquire()
            print("end", flush=True)
            """
        )

    def test_with_leases_held(self):
        for backend in ("Grelmicro.MemoryLockAdapter", "DictLockBackend"):
            self.check(
                f"""
                app = Grelmicro.App(uses=[{backend}()])
                app.open_in_thread()
                lock.set_lease_duration(20_000)
                other = Grelmicro.Lock("other")
                leases = [lock.from_thread.acquire(), in_thread(other.from_thread.acquire)]
                leases[0].get_cancellable().connect(lambda *args: args)  # on a slow machine at any time
                give_way()
                print("end", flush=True)
                """
            )

    def test_with_what_an_asyncio_loop_left_open(self):
        owners = "memory_app()", "Grelmicro.App(uses=[DictLockBackend()])", "DictLockBackend()"
        for loop in ("asyncio", "glib"):
            for owner in owners:
                self.check(
                    f"""
                    owner = {owner}
                    loop = LOOPS[{loop!r}]()

                    async def work():
                        await owner.__aenter__()
                        if isinstance(owner, Grelmicro.LockBackend):
                            lock.set_backend(owner)
                        return await lock.acquire()

                    lease = loop.run_until_complete(work())
                    loop.close()
                    print("end", flush=True)
                    """
                )

    def test_when_sys_exit_is_called_inside(self):
        self.check(
            """
            with memory_app().in_thread(), lock.from_thread:
                print("end", flush=True)
                sys.exit(3)
            """,
            status=3,
        )
        for loop in ("asyncio", "glib"):
            self.check(
                f"""
                async def work():
                    async with memory_app(), lock:
                        print("end", flush=True)
                        sys.exit(3)

                LOOPS[{loop!r}]().run_until_complete(work())
                """,
                status=3,
            )

    def test_after_an_exception(self):
        self.check(
            """
            app = memory_app()
            app.open_in_thread()
            lease = lock.from_thread.acquire()
            print("end", flush=True)
            1 / 0
            """,
            status=1,
            errors="ZeroDivisionError",
        )

    def test_with_daemon_threads_that_wait(self):
        for backend in ("Grelmicro.MemoryLockAdapter", "DictLockBackend"):
            self.check(
                f"""
                app = Grelmicro.App(uses=[{backend}()])
                app.open_in_thread()
                lease = lock.from_thread.acquire()

                def wait():
                    try:
                        lock.from_thread.acquire()
                    except Grelmicro.ClosedError:
                        pass

                for _ in range(3):
                    threading.Thread(target=wait, daemon=True).start()
                give_way()
                print("end", flush=True)
                """
            )

    def test_threads_that_work_may_go_on_working(self):
        self.check(
            """
            app = Grelmicro.App(uses=[DictLockBackend()])
            app.open_in_thread()

            def work():
                threading.main_thread().join()
                with lock.from_thread as lease:
                    print(lease.is_valid(), flush=True)
                print("end", flush=True)

            threading.Thread(target=work).start()
            """,
            output="True\n",
        )

    def test_with_a_loop_that_another_thread_still_runs(self):
        self.check(
            """
            loop, app = LOOPS["glib"](), Grelmicro.App(uses=[DictLockBackend()])
            opened = threading.Event()

            async def work():
                async with app:
                    lease = await lock.acquire()
                    opened.set()
                    await asyncio.Event().wait()

            threading.Thread(target=loop.run_until_complete, args=[work()], daemon=True).start()
            opened.wait()
            print("end", flush=True)
            """
        )

    def test_a_fork_has_nothing_to_close(self):
        self.check(
            """
            import os
            app = memory_app()
            app.open_in_thread()
            lease = lock.from_thread.acquire()
            if os.fork() == 0:
                assert not lease.is_valid()
                try:
                    lock.from_thread.acquire()
                except Grelmicro.NotOpenError:
                    sys.exit(0)
                sys.exit(1)
            _, status = os.wait()
            assert status == 0 and lease.is_valid()
            print("end", flush=True)
            """
        )


class Interrupt(Program):
    """Programs that wait for ever, until they get a signal."""

    def interrupt(self, program, number=signal.SIGINT, output=""):
        process = start(program)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.assertEqual(process.stdout.readline(), "waiting\n")
        process.send_signal(number)
        began = time.monotonic()
        actual, errors = self.finish(process)
        self.assertEqual(errors, "")
        self.assertLess(time.monotonic() - began, PROMPT)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(actual, output)

    def test_a_blocking_acquire(self):
        for backend in ("Grelmicro.MemoryLockAdapter", "DictLockBackend"):
            self.interrupt(
                f"""
                with Grelmicro.App(uses=[{backend}()]).in_thread():
                    lease = in_thread(lock.from_thread.acquire)
                    threading.Timer(0.1, print, ["waiting"], dict(flush=True)).start()
                    try:
                        lock.from_thread.acquire()
                    except KeyboardInterrupt:
                        print("interrupted", flush=True)
                    in_thread(lease.from_thread.release)
                    print(lock.from_thread.acquire(timeout=0).get_fencing_token(), flush=True)
                """,
                output="interrupted\n2\n",
            )

    def test_a_block(self):
        self.interrupt(
            """
            try:
                with memory_app().in_thread(), Grelmicro.Lock("other").from_thread:
                    lease = in_thread(lock.from_thread.acquire)
                    threading.Timer(0.1, print, ["waiting"], dict(flush=True)).start()
                    with lock.from_thread:
                        print("entered", flush=True)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            """,
            output="interrupted\n",
        )

    def test_a_store_that_never_answers(self):
        self.interrupt(
            """
            store, questions = Store(), []
            with Grelmicro.App(uses=[store]).in_thread():
                def wait():
                    questions.append(store.wait())
                    print("waiting", flush=True)

                threading.Thread(target=wait).start()
                try:
                    lock.from_thread.acquire()
                except KeyboardInterrupt:
                    print("interrupted", flush=True)
            """,
            output="interrupted\n",
        )

    def test_a_handler_that_returns_lets_it_wait_on(self):
        self.interrupt(
            """
            with memory_app().in_thread():
                lease = in_thread(lock.from_thread.acquire)

                def handle(number, frame):
                    print("handled", flush=True)
                    spawn(lease.from_thread.release)

                signal.signal(signal.SIGUSR1, handle)
                threading.Timer(0.1, print, ["waiting"], dict(flush=True)).start()
                with lock.from_thread as mine:
                    print(mine.get_fencing_token(), flush=True)
            """,
            number=signal.SIGUSR1,
            output="handled\n2\n",
        )

    def test_asyncio(self):
        # PyGObject watches for signals in the default context, so a GLib loop has to run that one.
        for make_loop in (
            "asyncio.SelectorEventLoop",
            "lambda: GLibEventLoop(GLib.MainContext.default())",
        ):
            self.interrupt(
                f"""
                async def work():
                    async with memory_app():
                        lease = await lock.acquire()
                        loop = asyncio.get_running_loop()
                        loop.call_later(0.1, lambda: print("waiting", flush=True))
                        await asyncio.create_task(lock.acquire())

                policy = asyncio.DefaultEventLoopPolicy()
                policy.new_event_loop = {make_loop}
                asyncio.set_event_loop_policy(policy)
                try:
                    asyncio.run(work())
                except KeyboardInterrupt:
                    print("interrupted", flush=True)
                """,
                output="interrupted\n",
            )


if __name__ == "__main__":
    unittest.main()
