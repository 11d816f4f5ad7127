# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import asyncio
import datetime
import enum
import functools
import os
import pickle
import subprocess
import sys
import threading
import unittest
import uuid

from dict_cache_backend import DictCacheBackend
from helpers import (
    Grelmicro,
    eventually,
    everywhere,
    in_every_app,
    in_every_thread_app,
    memory_app,
    on_every_loop,
    spawn,
    until,
)

SECOND = 1_000_000

on_every_backend = in_every_app(Grelmicro.MemoryCacheAdapter, DictCacheBackend)
on_every_backend_from_thread = in_every_thread_app(Grelmicro.MemoryCacheAdapter, DictCacheBackend)


def new_cache(**settings):
    return Grelmicro.TTLCache(**settings)


class Async(unittest.TestCase):
    @on_every_backend
    async def test_a_result_is_kept_for_a_while(self, clock):
        cache, calls = new_cache(ttl=10.0), []

        @Grelmicro.cached(cache, key="user:{user_id}")
        async def get_user(user_id):
            """Asks the database."""
            calls.append(user_id)
            await asyncio.sleep(0)
            return {"id": user_id, "n": len(calls)}

        self.assertEqual(await get_user(1), {"id": 1, "n": 1})
        self.assertEqual(await get_user(user_id=1), {"id": 1, "n": 1})
        self.assertEqual(await get_user(2), {"id": 2, "n": 2})
        self.assertEqual(await cache.get("user:1"), b'{"id":1,"n":1}')
        clock.advance(10 * SECOND)
        self.assertEqual(await get_user(1), {"id": 1, "n": 3})
        self.assertEqual((get_user.__name__, get_user.__doc__), ("get_user", "Asks the database."))

    @on_every_backend
    async def test_calls_at_the_same_time_run_it_once(self, clock):
        n_calls, finish = 0, asyncio.Event()

        @Grelmicro.cached(ttl=10.0)
        async def work(key):
            nonlocal n_calls
            n_calls += 1
            await finish.wait()
            return n_calls

        asking = [asyncio.create_task(work("a")) for _ in range(10)]
        await until(lambda: work.cache_info()["misses"] == 10)
        finish.set()
        self.assertEqual(await asyncio.gather(*asking), [1] * 10)

    @on_every_backend
    async def test_everybody_sees_the_same_value(self, clock):
        @Grelmicro.cached(ttl=10.0)
        async def get_pair():
            return (1, 2)

        self.assertEqual([await get_pair(), await get_pair()], [[1, 2], [1, 2]])
        (await get_pair()).append(3)
        self.assertEqual(await get_pair(), [1, 2])

    @on_every_backend
    async def test_nobody_sees_the_changes_of_others(self, clock):
        @Grelmicro.cached(ttl=10.0)
        async def get_cart():
            return {"items": ["tea"]}

        for _ in range(3):
            cart = await get_cart()
            self.assertEqual(cart, {"items": ["tea"]})
            cart["items"].append("milk")

    @on_every_backend
    async def test_none_is_a_result_as_any(self, clock):
        calls = []

        @Grelmicro.cached(ttl=10.0)
        async def find():
            calls.append(1)

        self.assertEqual((await find(), await find()), (None, None))
        self.assertEqual(len(calls), 1)

    @on_every_backend
    async def test_an_exception_is_not_kept(self, clock):
        calls = []

        @Grelmicro.cached(ttl=10.0)
        async def fail():
            calls.append(KeyError("a"))
            raise calls[-1]

        for n in (1, 2):
            with self.assertRaises(KeyError) as caught:
                await fail()
            self.assertIs(caught.exception, calls[n - 1])

    @on_every_backend
    async def test_a_stale_result_is_better_than_an_exception(self, clock):
        calls = []

        @Grelmicro.cached(ttl=10.0, stale_ttl=10.0)
        async def get():
            calls.append(1)
            if len(calls) > 1:
                raise OSError("down")
            return 1

        await get()
        clock.advance(15 * SECOND)
        self.assertEqual(await get(), 1)
        with self.assertRaises(OSError):
            await get.refresh()
        clock.advance(5 * SECOND)
        with self.assertRaises(OSError):
            await get()

    @on_every_backend
    async def test_what_is_skipped_is_not_kept(self, clock):
        calls = []

        @Grelmicro.cached(ttl=10.0, skip=lambda result: result is None)
        async def find(key):
            calls.append(key)
            return None if len(calls) == 1 else key

        self.assertEqual([await find("a") for _ in range(3)], [None, "a", "a"])
        self.assertEqual(len(calls), 2)

    @on_every_backend
    async def test_a_refresh_always_runs_it(self, clock):
        cache, calls = new_cache(), []

        @Grelmicro.cached(cache, key="n", tags=["t"], skip=lambda result: result == 3)
        async def count():
            calls.append(1)
            return len(calls)

        self.assertEqual(await count.refresh(), 1)
        self.assertEqual(await count(), 1)
        self.assertEqual(await count.refresh(), 2)
        self.assertEqual(await count.refresh(), 3)
        self.assertEqual(await count(), 2)
        await cache.delete_tags(["t"])
        self.assertEqual(await count(), 4)

    @on_every_backend
    async def test_tags_are_templates_too(self, clock):
        cache, calls = new_cache(), []

        @Grelmicro.cached(cache, key="{kind}/{n}", tags=["{kind}", "all"])
        async def get(n, kind="apple"):
            calls.append((kind, n))
            return n

        async def get_all():
            calls.clear()
            for kind in ("apple", "pear"):
                await get(1, kind)
            return [kind for kind, _ in calls]

        self.assertEqual(await get_all(), ["apple", "pear"])
        self.assertEqual(await get_all(), [])
        await cache.delete_tags(["apple"])
        self.assertEqual(await get_all(), ["apple"])
        await cache.delete_tags(["all"])
        self.assertEqual(await get_all(), ["apple", "pear"])

    @on_every_backend
    async def test_a_cache_that_is_given_is_cleared_as_a_whole(self, clock):
        cache = new_cache()

        @Grelmicro.cached(cache, key="n")
        async def get():
            return 1

        await cache.set("other", b"")
        await get()
        await get.cache_clear()
        self.assertEqual(await cache.get_many(["n", "other"]), {})

    @on_every_backend
    async def test_a_cache_of_its_own_is_cleared_without_others(self, clock):
        calls = []

        @Grelmicro.cached(ttl=10.0)
        async def one(n):
            calls.append(n)

        @Grelmicro.cached(ttl=10.0)
        async def other(n):
            calls.append(n)

        for function in (one, other):
            await function(1)
        await one.cache_clear()
        for function in (one, other):
            await function(1)
        self.assertEqual(calls, [1, 1, 1])
        self.assertEqual((one.cache_info()["hits"], other.cache_info()["hits"]), (0, 1))

    @on_every_backend
    async def test_the_serializer_of_the_cache_is_used(self, clock):
        @Grelmicro.cached(new_cache(serializer=pickle), key="a")
        async def get():
            return {(1, 2)}

        self.assertEqual([await get(), await get()], [{(1, 2)}] * 2)

    @on_every_loop
    async def test_without_an_app_it_is_not_run(self):
        cache, calls = new_cache(app=Grelmicro.App()), []

        @Grelmicro.cached(cache, key="a")
        async def work():
            calls.append(1)

        for call in (work, work.refresh, work.cache_clear):
            with self.assertRaises(Grelmicro.NotOpenError):
                await call()
        self.assertEqual(calls, [])


class Threads(unittest.TestCase):
    @on_every_backend_from_thread
    def test_a_function_runs_on_the_thread_that_calls_it(self, clock):
        calls = []

        @Grelmicro.cached(ttl=10.0)
        def double(n):
            calls.append(threading.get_ident())
            return 2 * n

        def work():
            calls.clear()
            self.assertEqual([double(2), double(n=2), double(3)], [4, 4, 6])
            self.assertEqual(calls, [threading.get_ident()] * 2)
            self.assertEqual(double.refresh(2), 4)
            self.assertEqual(len(calls), 3)
            double.cache_clear()
            double(2)
            self.assertEqual(len(calls), 4)
            double.cache_clear()

        everywhere(work)

    @on_every_backend_from_thread
    def test_threads_run_it_once(self, clock):
        n_calls, finish = 0, threading.Event()

        @Grelmicro.cached(ttl=10.0)
        def work():
            nonlocal n_calls
            n_calls += 1
            finish.wait()
            return n_calls

        asking = [spawn(work) for _ in range(8)]
        eventually(lambda: work.cache_info()["misses"] == 8)
        finish.set()
        self.assertEqual([one.result() for one in asking], [1] * 8)

    @on_every_backend_from_thread
    def test_what_it_raises_is_raised(self, clock):
        def work():
            for error in (KeyError("a"), SystemExit(3)):

                @Grelmicro.cached(ttl=10.0)
                def fail(error=error):
                    raise error

                with self.assertRaises(type(error)) as caught:
                    fail.__wrapped__()
                cached = Grelmicro.cached(ttl=10.0, key="a")(fail.__wrapped__)
                with self.assertRaises(type(error)) as caught:
                    cached()
                self.assertIs(caught.exception, error)

        everywhere(work)

    @on_every_backend_from_thread
    def test_what_is_skipped_is_not_kept(self, clock):
        calls = []

        @Grelmicro.cached(ttl=10.0, skip=lambda result: result < 2)
        def count():
            calls.append(1)
            return len(calls)

        self.assertEqual([count(), count(), count()], [1, 2, 2])

    @on_every_backend
    async def test_on_the_loops_own_thread_it_is_not_run(self, clock):
        calls = []

        @Grelmicro.cached(ttl=10.0)
        def work():
            calls.append(1)

        for call in (work, work.refresh, work.cache_clear):
            with self.assertRaises(Grelmicro.DeadlockError):
                call()
        self.assertEqual(calls, [])
        await asyncio.to_thread(work)
        self.assertEqual(calls, [1])

    @on_every_backend
    async def test_tasks_and_threads_share_results(self, clock):
        cache, calls = new_cache(), []

        @Grelmicro.cached(cache, key="n:{n}")
        def get_in_thread(n):
            calls.append("thread")
            return n

        @Grelmicro.cached(cache, key="n:{n}")
        async def get(n):
            calls.append("task")
            return n

        self.assertEqual((await get(1), await asyncio.to_thread(get_in_thread, 1)), (1, 1))
        self.assertEqual((await asyncio.to_thread(get_in_thread, 2), await get(2)), (2, 2))
        self.assertEqual(calls, ["task", "thread"])


class Color(enum.Enum):
    RED = 1


class Keys(unittest.TestCase):
    @on_every_loop
    async def test_the_default_key_is_made_of_all_arguments(self):
        calls = []

        @Grelmicro.cached(ttl=10.0)
        async def work(a, *args, b=2, **kwargs):
            calls.append(a)

        same = (((1,), {}), ((), {"a": 1}), ((1,), {"b": 2}))
        others = (
            ((1,), {"b": 3}),
            ((1, 5), {}),
            ((1,), {"c": 1, "d": 2}),
            ((1.0,), {}),
            ((True,), {}),
            (("1",), {}),
            ((b"1",), {}),
            ((None,), {}),
            (([1],), {}),
            (((1,),), {}),
            (({1: 2, 3: 4},), {}),
            (({"1", "2"},), {}),
            ((Color.RED,), {}),
            ((datetime.date(2026, 1, 1),), {}),
            ((uuid.UUID(int=1),), {}),
            (("\udc80",), {}),
        )
        async with memory_app():
            for args, kwargs in same:
                await work(*args, **kwargs)
            self.assertEqual(len(calls), 1)
            for args, kwargs in others * 2:
                await work(*args, **kwargs)
            self.assertEqual(len(calls), 1 + len(others))
            await work(1, d=2, c=1)
            await work({3: 4, 1: 2})
            self.assertEqual(len(calls), 1 + len(others))

    def test_the_default_key_is_the_same_in_each_process(self):
        script = (
            "import gi; gi.require_version('Grelmicro', '1')\n"
            "from gi.repository import Grelmicro\n"
            "from gi.overrides._grelmicro.keys import new_default_key\n"
            "import inspect\n"
            "def f(a): pass\n"
            "f.__module__ = 'm'\n"
            "print(new_default_key(f, inspect.signature(f))({'a': {'x', 'y', 'z', ('t', 1)}}))\n"
        )
        keys = {
            subprocess.check_output(
                [sys.executable, "-B", "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}
            )
            for seed in ("1", "2", "3")
        }
        self.assertEqual(len(keys), 1)
        self.assertRegex(keys.pop().decode(), "^m\\.f:[0-9a-f]{64}\n$")

    @on_every_loop
    async def test_what_looks_different_in_each_process_needs_a_key(self):
        @Grelmicro.cached(ttl=10.0)
        async def work(a):
            return 1

        async with memory_app():
            for value in (object(), [object()], {"a": len, "b": lambda: 1}):
                with self.assertRaisesRegex(TypeError, "give a key"):
                    await work(value)
            self.assertEqual(await work("at 0x12"), 1)

    @on_every_loop
    async def test_a_key_may_be_a_function_of_the_arguments(self):
        cache = new_cache()

        @Grelmicro.cached(cache, key=lambda user, **kwargs: f"user:{user['id']}")
        async def get_name(user, upper=False):
            return user["name"]

        async with memory_app():
            await get_name({"id": 7, "name": "eve"}, upper=True)
            self.assertEqual(await cache.get("user:7"), b'"eve"')

            @Grelmicro.cached(cache, key=lambda: 5)
            async def get():
                return 1

            with self.assertRaisesRegex(TypeError, "key"):
                await get()

    @on_every_loop
    async def test_a_method_needs_a_key(self):
        with self.assertRaisesRegex(TypeError, "method"):

            @Grelmicro.cached(ttl=10.0)
            async def method(self):
                pass

        for function in (self.subTest, functools.partial(print, 1)):
            with self.assertRaisesRegex(TypeError, "method"):
                Grelmicro.cached(ttl=10.0)(function)
        cache = new_cache()

        class Shop:
            def __init__(self, name):
                self.name = name

            @Grelmicro.cached(cache, key="{self.name}:{item[id]}")
            async def get_price(self, item):
                return [self.name, item["id"]]

            @staticmethod
            @Grelmicro.cached(cache)
            async def get_static(item):
                return item

            @classmethod
            @Grelmicro.cached(cache)
            async def get_class(cls, item):
                return cls.__name__

        async with memory_app():
            for name in ("a", "b"):
                self.assertEqual(await Shop(name).get_price({"id": 1}), [name, 1])
                self.assertIsNotNone(await cache.get(f"{name}:1"))
            self.assertEqual(await Shop.get_static(1), 1)
            self.assertEqual(await Shop.get_class(1), "Shop")

    def test_a_template_is_checked_when_it_decorates(self):
        def function(user_id, *args, size=1, **kwargs):
            pass

        for template in ("{user_id:{size}}", "{user_id!r}", "{{}}", "constant", "{args}{kwargs}"):
            Grelmicro.cached(ttl=1.0, key=template, tags=[template])(function)
        for template in ("{userid}", "{}", "{0}", "{user_id:{width}}", "{user_id", "}", "{.x}"):
            with self.subTest(template=template):
                with self.assertRaisesRegex(Grelmicro.SettingsError, "^key"):
                    Grelmicro.cached(ttl=1.0, key=template)(function)
                with self.assertRaisesRegex(Grelmicro.SettingsError, "^tags"):
                    Grelmicro.cached(ttl=1.0, key="a", tags=[template])(function)
        for wrong in ({"key": 5}, {"tags": "{user_id}"}, {"tags": [5]}, {"skip": True}):
            with self.subTest(wrong=wrong), self.assertRaises(TypeError):
                Grelmicro.cached(**{"ttl": 1.0, "key": "a", **wrong})(function)


class Decoration(unittest.TestCase):
    def test_it_takes_a_cache_or_the_settings_of_one(self):
        for args, kwargs in (
            ((), {}),
            ((new_cache(),), {"ttl": 5.0}),
            ((new_cache(),), {"max_size": 5}),
            ((), {"max_size": 5}),
            ((lambda: 1,), {}),
            ((5.0,), {}),
            ((), {"ttl": 5.0, "size": 5}),
        ):
            with self.subTest(args=args, kwargs=kwargs), self.assertRaises(TypeError):
                Grelmicro.cached(*args, **kwargs)(lambda: 1)
        with self.assertRaisesRegex(Grelmicro.SettingsError, "ttl"):
            Grelmicro.cached(ttl=0)(lambda: 1)

    def test_it_decorates_functions_that_return(self):
        def generate():
            yield 1

        async def generate_async():
            yield 1

        for function in (generate, generate_async, functools.partial(generate), 5, None):
            with self.subTest(function=function), self.assertRaises(TypeError):
                Grelmicro.cached(ttl=1.0, key="a")(function)

    @on_every_loop
    async def test_what_is_called_as_a_function_is_one(self):
        class Callable:
            async def __call__(self, n):
                return n

        async def add(a, b):
            return a + b

        async with memory_app():
            self.assertEqual(await Grelmicro.cached(ttl=1.0, key="c:{n}")(Callable())(5), 5)
            partial = functools.partial(add, 1)
            self.assertEqual(await Grelmicro.cached(ttl=1.0, key="p:{b}")(partial)(2), 3)


if __name__ == "__main__":
    unittest.main()
