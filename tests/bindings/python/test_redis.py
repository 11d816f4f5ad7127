# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Locks, caches and circuits in a server, which two apps share, and the contract suites over it."""

import concurrent.futures
import contextlib
import threading
import unittest

import gi
from helpers import Grelmicro, on_every_loop
from redis_server import RedisServer

gi.require_version("GrelTest", "1")
from gi.repository import GrelTest


def setUpModule():
    global server
    server = RedisServer()


def tearDownModule():
    server.close()


class Contract(unittest.TestCase):
    pass


def add_rules(contract, backend_class):
    run = getattr(GrelTest, contract + "_contract_run")
    for rule in getattr(GrelTest, contract + "_contract_list")():

        def test(self, rule=rule):
            uri = server.get_uri(prefix=f"{rule}:")
            run(rule, Grelmicro.Provider.new_for_uri(uri).create_backend(backend_class), None)

        setattr(Contract, f"test_{contract}_{rule}", test)


add_rules("lock", Grelmicro.LockBackend)
add_rules("circuit_breaker", Grelmicro.CircuitBreakerBackend)
add_rules("cache", Grelmicro.CacheBackend)


class Shared(unittest.TestCase):
    """Two apps, each on a thread of its own, as two processes would be."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.apps = [Grelmicro.App(server.get_uri(prefix=self.id() + ":")) for _ in range(2)]
        for app in self.apps:
            stack.enter_context(app.in_thread())

    def test_what_one_holds_the_other_has_to_wait_for(self):
        here, there = [Grelmicro.Lock("cart", app=app) for app in self.apps]
        with here.from_thread as lease:
            with self.assertRaises(Grelmicro.WouldBlockError):
                there.from_thread.acquire(timeout=0)
        with there.from_thread as next_lease:
            self.assertGreater(next_lease.get_fencing_token(), lease.get_fencing_token())

    def test_what_one_keeps_the_other_finds_until_its_tag_is_deleted(self):
        here, there = [Grelmicro.TTLCache(ttl=60.0, app=app).from_thread for app in self.apps]
        big = bytes(range(256)) * 4096
        here.set("big", big, tags=["red"])
        here.set_many({"empty": b"", "blue": b"b"})
        for _ in range(10):
            found = there.get_many(["big", "none", "empty", "blue"])
            self.assertEqual(found, {"big": big, "empty": b"", "blue": b"b"})
        there.delete_tags(["red"])
        self.assertIsNone(here.get("big"))
        self.assertEqual(here.get("blue"), b"b")
        there.clear()
        self.assertEqual(here.get_many(["big", "empty", "blue"]), {})

    def test_a_function_runs_once_in_the_fleet(self):
        calls, door = [], threading.Barrier(8)

        def make_function(app):
            cache = Grelmicro.TTLCache(ttl=60.0, lock=Grelmicro.CacheLock.FLEET, app=app)

            @Grelmicro.cached(cache, key="user:{number}")
            def get_user(number):
                calls.append(number)
                return {"number": number}

            return get_user

        def visit(get_user):
            door.wait()
            return [get_user(number)["number"] for number in range(10)]

        functions = [make_function(app) for app in self.apps] * 4
        with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
            for numbers in pool.map(visit, functions):
                self.assertEqual(numbers, list(range(10)))
        self.assertEqual(sorted(calls), list(range(10)))

    def test_what_fails_for_one_is_open_for_the_other(self):
        here, there = [
            Grelmicro.CircuitBreaker("payment", error_threshold=1, app=app).from_thread
            for app in self.apps
        ]
        with self.assertRaises(OSError), here:
            raise OSError("no route")
        with self.assertRaises(Grelmicro.CircuitOpenError) as refused, there:
            self.fail("it was called")
        self.assertGreater(refused.exception.retry_after, 0)


class Loops(unittest.TestCase):
    @on_every_loop
    async def test_each_kind_of_loop_is_served(self):
        cache = Grelmicro.TTLCache(ttl=60.0, serializer=Grelmicro.JSON)
        async with Grelmicro.App(server.get_uri(prefix="loops:")):
            async with Grelmicro.Lock("cart") as lease, Grelmicro.CircuitBreaker("payment"):
                await cache.set("key", [1, None], tags=["red"])
            self.assertFalse(lease.is_valid())
            self.assertEqual(await cache.get_many(["key", "none"]), {"key": [1, None]})
            await cache.delete_tags(["red"])
            self.assertIsNone(await cache.get("key"))


class Faults(unittest.TestCase):
    def test_without_a_server_every_call_fails_and_then_goes_on(self):
        mine = RedisServer()
        self.addCleanup(mine.close)
        lock, cache = Grelmicro.Lock("cart"), Grelmicro.TTLCache(ttl=60.0)
        breaker = Grelmicro.CircuitBreaker("payment")
        calls = [
            lambda: lock.from_thread.acquire().from_thread.release(),
            lambda: cache.from_thread.set("key", b"value"),
            lambda: cache.from_thread.get("key"),
            lambda: breaker.from_thread.acquire().from_thread.succeed(),
        ]
        with Grelmicro.App(mine.get_uri(timeout=0.5, connect_timeout=0.5)).in_thread():
            mine.kill()
            for call in calls:
                self.assertRaises(Grelmicro.BackendError, call)
            mine.start()
            for call in calls:
                self.call_until_it_works(call)

    def call_until_it_works(self, call):
        while True:  # the suite has a timeout
            with contextlib.suppress(Grelmicro.BackendError):
                return call()


if __name__ == "__main__":
    unittest.main()
