# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Cancel, timeout, release and close against each other: whatever comes first, nothing is lost."""

import asyncio
import contextlib
import random
import unittest

from dict_lock_backend import DictLockBackend
from gi.repository import Gio
from helpers import PATIENCE, Grelmicro, LOOPS, in_thread, run_on

OUTCOMES = (Grelmicro.GrelError, TimeoutError, asyncio.CancelledError)


class Round:
    """Some tasks and threads that want one lock, and give up on it in every way."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lock = Grelmicro.Lock("cart")
        self.inside = 0
        self.overlaps = 0

    def pause(self):
        return self.random.choice((0, 0, 0.0002, 0.001))

    @contextlib.contextmanager
    def watch(self):
        self.inside += 1
        self.overlaps += self.inside != 1
        try:
            yield
        finally:
            self.inside -= 1

    async def use(self, lease):
        with self.watch():
            await asyncio.sleep(self.pause())
        how = self.random.randrange(4)
        if how == 0:
            await lease.release()
        elif how == 1:
            await asyncio.to_thread(lease.from_thread.release)
        elif how == 2:
            asyncio.create_task(lease.release()).cancel()
        # else it is dropped

    async def task(self):
        with contextlib.suppress(*OUTCOMES):
            how = self.random.randrange(3)
            if how == 0:
                await self.use(await self.lock.acquire(self.pause()))
            elif how == 1:
                await self.use(await asyncio.wait_for(self.lock.acquire(), self.pause()))
            else:
                async with self.lock:
                    with self.watch():
                        await asyncio.sleep(self.pause())

    def thread(self, pause, drops):
        with contextlib.suppress(*OUTCOMES):
            if drops:
                lease = self.lock.from_thread.acquire(pause)
                with self.watch():
                    lease.get_fencing_token()
                del lease
            else:
                with self.lock.from_thread:
                    with self.watch():
                        pass

    async def cancelled_thread(self):
        cancellable = Gio.Cancellable()

        def wait():
            with contextlib.suppress(Grelmicro.GrelError, Exception):
                lease = self.lock.acquire_from_thread(-1, cancellable)
                with self.watch():
                    pass
                lease.release_from_thread(None)

        waiting = asyncio.create_task(asyncio.to_thread(wait))
        await asyncio.sleep(self.pause())
        cancellable.cancel()
        await waiting

    async def play(self, closes):
        tasks = [asyncio.create_task(self.task()) for _ in range(6)]
        others = [asyncio.create_task(self.cancelled_thread())]
        for drops in (False, True):
            thread = asyncio.to_thread(self.thread, self.pause(), drops)
            others.append(asyncio.create_task(thread))
        for task in self.random.sample(tasks, 3):
            await asyncio.sleep(self.pause())
            task.cancel()
        if closes is not None:
            await closes()
        await asyncio.wait_for(asyncio.gather(*tasks, *others, return_exceptions=True), PATIENCE)


class Races(unittest.TestCase):
    async def play(self, seeds, backend):
        for seed in seeds:
            app = Grelmicro.App(uses=[backend])
            race = Round(seed)
            async with app:
                closes = app.close_async if seed % 5 == 0 else None
                await race.play(closes)
                if closes is None:
                    # Nobody is left, so the lock is free as soon as the last release is through.
                    lease = await race.lock.acquire(timeout=PATIENCE)
                    await lease.release()
                    self.assertFalse(await race.lock.is_locked())
            self.assertEqual(race.overlaps, 0, seed)
        async with app:
            async with race.lock as lease:
                self.assertTrue(lease.is_valid())

    def test_with_a_backend_that_answers_at_once(self):
        for make_loop in LOOPS.values():
            for first in range(0, 100, 10):
                seeds = range(first, first + 10)
                run_on(make_loop, self.play(seeds, Grelmicro.MemoryLockAdapter()))

    def test_with_a_backend_that_does_not(self):
        for make_loop in LOOPS.values():
            for first in range(100, 160, 10):
                seeds = range(first, first + 10)
                run_on(make_loop, self.play(seeds, DictLockBackend()))

    def test_away_from_the_main_thread(self):
        for make_loop in LOOPS.values():
            for first in range(200, 240, 10):
                seeds = range(first, first + 10)
                in_thread(run_on, make_loop, self.play(seeds, Grelmicro.MemoryLockAdapter()))


if __name__ == "__main__":
    unittest.main()
