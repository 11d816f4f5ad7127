# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import asyncio
import contextvars
import json
import math
import pickle
import signal
import threading
import unittest

from dict_cache_backend import DictCacheBackend
from gi.repository import Gio, GLib
from helpers import (
    Grelmicro,
    eventually,
    everywhere,
    in_every_app,
    in_every_thread_app,
    in_thread,
    memory_app,
    on_every_loop,
    settle,
    spawn,
    until,
)

SETTINGS = ("ttl", "max_size", "stale_ttl", "early_refresh", "soft_timeout", "lock")
SECOND = 1_000_000

BACKENDS = Grelmicro.MemoryCacheAdapter, DictCacheBackend
on_every_backend = in_every_app(*BACKENDS)
on_every_backend_from_thread = in_every_thread_app(*BACKENDS)


def new_cache(**settings):
    return Grelmicro.TTLCache(**settings)


def new_json_cache(**settings):
    return new_cache(serializer=Grelmicro.JSON, **settings)


def get_settings(cache):
    return {name: getattr(cache.props, name) for name in SETTINGS}


def never():
    raise AssertionError("it was loaded")


class Construction(unittest.TestCase):
    def test_settings_are_those_of_c_unless_given(self):
        expected = get_settings(Grelmicro.TTLCache.new(60 * SECOND))
        self.assertEqual(get_settings(new_cache()), expected)
        self.assertIsNone(new_cache().props.backend)
        self.assertIsNone(new_cache().props.app)

    def test_seconds_become_microseconds(self):
        lock = Grelmicro.CacheLock.FLEET
        cache = new_cache(
            ttl=0.5, max_size=7, stale_ttl=90, early_refresh=0.25, soft_timeout=1.5, lock=lock
        )
        expected = 500_000, 7, 90 * SECOND, 0.25, 1_500_000, lock
        self.assertEqual(get_settings(cache), dict(zip(SETTINGS, expected)))

    def test_a_bad_setting_is_refused_at_once(self):
        never = math.nan, math.inf, -math.inf, -1, 10**400
        bad = {
            "ttl": (0, 0.0, *never),
            "max_size": (-1,),
            "stale_ttl": never,
            "soft_timeout": never,
            "early_refresh": (1.0, 1, -0.1, math.nan, math.inf),
        }
        for setting, values in bad.items():
            for value in values:
                with self.subTest(setting=setting, value=value):
                    name = setting.replace("_", "[-_]")
                    with self.assertRaisesRegex(Grelmicro.SettingsError, name):
                        new_cache(**{setting: value})

    def test_a_wrong_type_is_a_type_error(self):
        for keywords in (
            {"ttl": "1"},
            {"ttl": None},
            {"ttl": True},
            {"max_size": 1.5},
            {"stale_ttl": "1"},
            {"early_refresh": None},
            {"backend": Grelmicro.MemoryLockAdapter()},
            {"app": "memory:"},
            {"name": "users"},
        ):
            with self.subTest(keywords=keywords), self.assertRaises(TypeError):
                new_cache(**keywords)

    def test_a_serializer_is_an_object_that_dumps_and_loads(self):
        new_cache(serializer=pickle)
        for serializer in (type(Grelmicro.JSON), "json", 5, json.dumps):
            with self.subTest(serializer=serializer):
                with self.assertRaisesRegex(TypeError, "serializer"):
                    new_cache(serializer=serializer)

    def test_introspected_methods_refuse_seconds(self):
        cache = new_cache()
        for method in (cache.set_ttl, cache.set_stale_ttl, cache.set_soft_timeout):
            with self.assertRaisesRegex(TypeError, "microseconds"):
                method(5.0)
        cache.set_early_refresh(0.5)
        self.assertEqual(cache.get_early_refresh(), 0.5)


class Values(unittest.TestCase):
    @on_every_backend
    async def test_a_value_is_kept_until_it_is_deleted(self, clock):
        cache = new_cache()
        self.assertIsNone(await cache.get("a"))
        for value in (b"", b"apple", b"\0\xff" * 100_000, bytearray(b"b"), memoryview(b"m")):
            self.assertIsNone(await cache.set("a", value))
            self.assertEqual(await cache.get("a"), bytes(value))
        self.assertIsNone(await cache.delete("a"))
        self.assertIsNone(await cache.get("a"))
        await cache.delete("a")

    @on_every_backend
    async def test_a_value_is_kept_for_its_ttl(self, clock):
        cache = new_cache(ttl=10.0)
        await cache.set("short", b"s", ttl=5.0)
        await cache.set("own", b"o")
        await cache.set("zero", b"z", ttl=0)
        clock.advance(5 * SECOND)
        self.assertIsNone(await cache.get("short"))
        self.assertEqual(await cache.get_many(["own", "zero"]), {"own": b"o", "zero": b"z"})
        clock.advance(5 * SECOND)
        self.assertEqual(await cache.get_many(["own", "zero"]), {})

    @on_every_backend
    async def test_a_default_is_for_a_miss_only(self, clock):
        cache, missing = new_json_cache(), object()
        self.assertIs(await cache.get("a", missing), missing)
        await cache.set("a", None)
        self.assertIsNone(await cache.get("a", missing))
        self.assertEqual(await cache.get_many(["a", "b"]), {"a": None})
        self.assertIsNone(await cache.get_or_load("a", never))

    @on_every_loop
    async def test_a_peek_waits_for_nothing(self):
        cache, missing = new_json_cache(), object()
        self.assertIs(cache.peek("a", missing), missing)  # there is no backend
        async with memory_app():
            self.assertIsNone(cache.peek("a"))
            await cache.set("a", {"b": 1})
            self.assertEqual(cache.peek("a"), {"b": 1})
            self.assertEqual(in_thread(cache.peek, "a"), {"b": 1})
            with self.assertRaisesRegex(TypeError, "key"):
                cache.peek(5)

    @on_every_backend
    async def test_many_at_once(self, clock):
        cache = new_json_cache()
        self.assertEqual(await cache.get_many([]), {})
        await cache.set_many({})
        await cache.delete_many([])
        await cache.set_many({"a": 1, "b": [2], "c": None}, ttl=5.0, tags=["t"])
        self.assertEqual(await cache.get_many(iter("abcd")), {"a": 1, "b": [2], "c": None})
        await cache.delete_many(("a", "d"))
        self.assertEqual(await cache.get_many({"b", "c"}), {"b": [2], "c": None})
        await cache.delete_tags(["t"])
        self.assertEqual(await cache.get_many(["a", "b", "c"]), {})

    @on_every_backend
    async def test_tags_delete_what_was_kept_with_them(self, clock):
        cache = new_cache()
        await cache.set("a", b"a", tags=["x"])
        await cache.set("b", b"b", tags=("x", "y"))
        await cache.set("c", b"c", tags={"y"})
        await cache.set("d", b"d")
        await cache.delete_tags(["x", "unknown"])
        self.assertEqual(sorted(await cache.get_many(["a", "b", "c", "d"])), ["c", "d"])
        await cache.clear()
        self.assertEqual(await cache.get_many(["c", "d"]), {})

    @on_every_backend
    async def test_json_values_come_back(self, clock):
        cache = new_json_cache()
        for value in (0, 1.5, "é\0\udc80", True, None, [], {"a": [1, {"b": None}]}, 10**30):
            await cache.set("a", value)
            self.assertEqual(await cache.get("a"), value)
        for value in (b"bytes", object(), {1, 2}):
            with self.assertRaises(TypeError):
                await cache.set("a", value)
        with self.assertRaises(ValueError):
            await cache.set("a", math.nan)
        self.assertEqual(await cache.get("a"), 10**30)

    @on_every_backend
    async def test_any_serializer_will_do(self, clock):
        cache = new_cache(serializer=pickle)
        await cache.set("a", {1, (2, 3)})
        self.assertEqual(await cache.get("a"), {1, (2, 3)})
        self.assertIsInstance(await new_cache().get("a"), bytes)

    @on_every_loop
    async def test_without_a_serializer_a_value_is_bytes(self):
        async with memory_app():
            for value in (None, "text", 5, [1]):
                with self.assertRaisesRegex(TypeError, "value"):
                    await new_cache().set("a", value)
                with self.assertRaisesRegex(TypeError, "value"):
                    await new_cache().get_or_load("a", lambda: value)

    @on_every_loop
    async def test_a_key_is_any_text(self):
        async with memory_app():
            cache = new_cache()
            for key in ("", " ", "é:\n\x1f", "a" * 10_000):
                await cache.set(key, key.encode())
                self.assertEqual(await cache.get(key), key.encode())
            for key in ("a\0b", "\udc80"):
                for call in (cache.get(key), cache.delete(key), cache.set(key, b"")):
                    with self.assertRaisesRegex(Grelmicro.SettingsError, "key"):
                        await call
                with self.assertRaisesRegex(Grelmicro.SettingsError, "keys"):
                    await cache.get_many(["a", key])
                with self.assertRaisesRegex(Grelmicro.SettingsError, "tags"):
                    await cache.set("a", b"", tags=[key])
            for key in (None, 5, b"a"):
                with self.assertRaisesRegex(TypeError, "key"):
                    await cache.get(key)
            one = cache.set("a", b"", tags="b")
            for call in (cache.get_many("ab"), cache.delete_tags("ab"), one):
                with self.assertRaisesRegex(TypeError, "several"):
                    await call

    @on_every_loop
    async def test_a_bad_ttl_is_refused(self):
        async with memory_app():
            for ttl in (-1, -0.001, math.nan, math.inf):
                with self.assertRaisesRegex(Grelmicro.SettingsError, "ttl"):
                    await new_cache().set("a", b"", ttl=ttl)
            with self.assertRaises(TypeError):
                await new_cache().set("a", b"", ttl="5")

    @on_every_loop
    async def test_what_is_too_much_is_evicted_and_counted(self):
        async with memory_app():
            cache = new_cache(max_size=2)
            for key in "abc":
                await cache.set(key, b"")
            self.assertEqual(await cache.get_many(["a", "b", "c"]), {"b": b"", "c": b""})
            stats = cache.stats()
            self.assertEqual((stats["size"], stats["evictions"]), (2, 1))
            self.assertEqual((stats["hits"], stats["misses"]), (2, 1))

    @on_every_loop
    async def test_an_error_names_the_key(self):
        cache = new_cache(app=Grelmicro.App())
        for call in (cache.get("a"), cache.set("a", b""), cache.get_or_load("a", never)):
            with self.assertRaisesRegex(Grelmicro.NotOpenError, "cache “a”") as caught:
                await call
            self.assertEqual(caught.exception.name, "a")
        with self.assertRaisesRegex(Grelmicro.NotOpenError, "cache") as caught:
            await cache.clear()
        self.assertIsNone(caught.exception.name)


class Load(unittest.TestCase):
    @on_every_backend
    async def test_a_miss_is_loaded_and_kept(self, clock):
        cache = new_json_cache(ttl=10.0)
        loaded = []

        async def load():
            await asyncio.sleep(0)
            loaded.append("a")
            return {"n": len(loaded)}

        self.assertEqual(await cache.get_or_load("a", load, tags=["t"]), {"n": 1})
        self.assertEqual(await cache.get_or_load("a", load), {"n": 1})
        self.assertEqual(await cache.get("a"), {"n": 1})
        await cache.delete_tags(["t"])
        self.assertEqual(await cache.get_or_load("a", load), {"n": 2})
        clock.advance(10 * SECOND)
        self.assertEqual(await cache.get_or_load("a", load), {"n": 3})
        self.assertEqual(cache.stats()["loads"], 3)

    @on_every_backend
    async def test_a_loader_may_be_any_function(self, clock):
        async def load():
            return b"async"

        cache, loop = new_cache(), asyncio.get_running_loop()
        self.assertEqual(await cache.get_or_load("a", lambda: b"sync"), b"sync")
        self.assertEqual(await cache.get_or_load("b", lambda: load()), b"async")
        future = loop.create_future()
        loop.call_soon(future.set_result, b"future")
        self.assertEqual(await cache.get_or_load("c", lambda: future), b"future")
        with self.assertRaisesRegex(TypeError, "loader"):
            await cache.get_or_load("d", b"value")

    @on_every_backend
    async def test_one_load_is_for_all_who_ask(self, clock):
        cache, n_loads, finish = new_cache(), 0, asyncio.Event()

        async def load():
            nonlocal n_loads
            n_loads += 1
            await finish.wait()
            return b"a"

        asking = [asyncio.create_task(cache.get_or_load("a", load)) for _ in range(10)]
        await until(lambda: n_loads)
        asking.append(asyncio.create_task(cache.get_or_load("a", load)))
        self.assertEqual(await cache.get_or_load("b", lambda: b"b"), b"b")
        finish.set()
        self.assertEqual(await asyncio.gather(*asking), [b"a"] * 11)
        self.assertEqual(n_loads, 1)

    @on_every_backend
    async def test_all_who_wait_get_the_very_exception(self, clock):
        cache, finish, raised = new_cache(), asyncio.Event(), []

        async def load():
            await finish.wait()
            raised.append(KeyError("no such user"))
            raise raised[-1]

        asking = [asyncio.create_task(cache.get_or_load("a", load)) for _ in range(5)]
        await until(lambda: cache.stats()["misses"] == 5)
        finish.set()
        errors = await asyncio.gather(*asking, return_exceptions=True)
        self.assertEqual(len(raised), 1)
        for error in errors:
            self.assertIs(error, raised[0])
        self.assertIsNone(await cache.get("a"))
        self.assertEqual(cache.stats()["failures"], 1)

    @on_every_backend
    async def test_an_error_of_glib_stays_what_it_is(self, clock):
        cache = new_cache()
        domain = GLib.quark_to_string(Gio.io_error_quark())
        for error in (
            Grelmicro.WouldBlockError("lock “x”: taken", "x"),
            GLib.Error("gone", domain, Gio.IOErrorEnum.NOT_FOUND),
            ConnectionError("é"),
            ExceptionGroup("many", [OSError(), ValueError()]),
        ):

            def load(error=error):
                raise error

            with self.assertRaises(type(error)) as caught:
                await cache.get_or_load("a", load)
            self.assertIs(caught.exception, error)

    @on_every_backend
    async def test_the_cause_of_an_exception_is_kept(self, clock):
        def load():
            raise KeyError("a") from OSError("cause")

        with self.assertRaises(KeyError) as caught:
            await new_cache().get_or_load("a", load)
        self.assertIsInstance(caught.exception.__cause__, OSError)

    @on_every_backend
    async def test_a_cancelled_caller_cancels_its_loader_and_the_next_one_loads(self, clock):
        cache, started, ended = new_cache(), [], []

        async def load(name):
            started.append(name)
            try:
                await asyncio.sleep(3600 if name == "first" else 0)
                return name.encode()
            finally:
                ended.append(name)

        first = asyncio.create_task(cache.get_or_load("a", lambda: load("first")))
        await until(lambda: started)
        second = asyncio.create_task(cache.get_or_load("a", lambda: load("second")))
        await settle()
        first.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await first
        self.assertEqual(await second, b"second")
        await until(lambda: len(ended) == 2)
        self.assertEqual(started, ["first", "second"])

    @on_every_backend
    async def test_a_loader_that_is_cancelled_by_itself_cancels_its_caller(self, clock):
        async def load():
            raise asyncio.CancelledError

        with self.assertRaises(asyncio.CancelledError):
            await new_cache().get_or_load("a", load)

    @on_every_backend
    async def test_a_loader_that_asks_for_its_own_key_is_refused(self, clock):
        cache = new_cache()

        async def ask():
            return await cache.get_or_load("a", never)

        async def ask_through_another():
            return await cache.get_or_load("b", ask)

        async def ask_through_a_thread():
            return await asyncio.to_thread(cache.from_thread.get_or_load, "a", never)

        for load in (ask, ask_through_another, ask_through_a_thread):
            with self.assertRaisesRegex(Grelmicro.ReentrantError, "cache “a”") as caught:
                await cache.get_or_load("a", load)
            self.assertEqual(caught.exception.name, "a")
        self.assertEqual(await cache.get_or_load("a", lambda: b"a"), b"a")

    @on_every_loop
    async def test_a_loader_may_ask_another_backend_for_its_key(self):
        async with Grelmicro.MemoryCacheAdapter() as near, DictCacheBackend() as far:
            first, second = new_cache(backend=near), new_cache(backend=far)

            async def load():
                return await second.get_or_load("a", lambda: b"a")

            self.assertEqual(await first.get_or_load("a", load), b"a")

    @on_every_backend
    async def test_what_a_loader_left_behind_may_ask_later(self, clock):
        cache, finish, left = new_cache(), asyncio.Event(), []

        async def ask_later():
            await finish.wait()
            return await cache.get_or_load("a", never)

        async def load():
            left.append(asyncio.create_task(ask_later()))
            return b"a"

        await cache.get_or_load("a", load)
        finish.set()
        self.assertEqual(await left[0], b"a")

    @on_every_backend
    async def test_a_load_does_not_overwrite_what_is_newer(self, clock):
        cache, finish = new_cache(), asyncio.Event()

        async def load():
            await finish.wait()
            return b"old"

        asking = asyncio.create_task(cache.get_or_load("a", load))
        await until(lambda: cache.stats()["loads"])
        await cache.set("a", b"new")
        finish.set()
        await asking
        self.assertEqual(await cache.get("a"), b"new")

    @on_every_backend
    async def test_a_loader_sees_the_context_of_its_caller(self, clock):
        request = contextvars.ContextVar("request", default=b"none")
        request.set(b"7")
        self.assertEqual(await new_cache().get_or_load("a", request.get), b"7")

    @on_every_loop
    async def test_a_backend_that_closes_ends_the_load(self):
        app, cache, ended = memory_app(), new_cache(), []

        async def load():
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append(True)

        async with app:
            asking = asyncio.create_task(cache.get_or_load("a", load))
            await until(lambda: cache.stats()["loads"])
        with self.assertRaises(Grelmicro.ClosedError):
            await asking
        await until(lambda: ended)


class Stale(unittest.TestCase):
    @on_every_backend
    async def test_a_failed_load_makes_do_with_a_stale_value(self, clock):
        cache = new_cache(ttl=10.0, stale_ttl=20.0)

        def fail():
            raise ConnectionError("no route")

        await cache.set("a", b"old")
        clock.advance(15 * SECOND)
        self.assertIsNone(await cache.get("a"))
        self.assertEqual(await cache.get_or_load("a", fail), b"old")
        self.assertEqual(cache.stats()["stale"], 1)
        clock.advance(15 * SECOND)
        with self.assertRaises(ConnectionError):
            await cache.get_or_load("a", fail)

    @on_every_backend
    async def test_what_is_no_outcome_is_not_covered_up(self, clock):
        cache = new_cache(ttl=10.0, stale_ttl=20.0)

        def fail():
            raise Grelmicro.SettingsError("lock: name: bad")

        await cache.set("a", b"old")
        clock.advance(15 * SECOND)
        with self.assertRaises(Grelmicro.SettingsError):
            await cache.get_or_load("a", fail)

    @on_every_backend
    async def test_a_value_is_refreshed_before_it_is_stale(self, clock):
        cache, n_loads = new_cache(ttl=100.0, early_refresh=0.5), 0

        async def load():
            nonlocal n_loads
            n_loads += 1
            clock.advance(10 * SECOND)
            return b"%d" % n_loads

        self.assertEqual(await cache.get_or_load("a", load), b"1")
        clock.advance(100 * SECOND - 1)
        self.assertEqual(await cache.get_or_load("a", load), b"1")
        await until(lambda: cache.stats()["refreshes"] and n_loads == 2)
        await settle()
        value = await cache.get("a")
        while value != b"2":
            value = await cache.get("a")


    @on_every_backend
    async def test_a_failed_refresh_is_told(self, clock):
        cache, told, n_loads = new_cache(ttl=100.0, early_refresh=0.5), [], 0
        cache.connect("background-error", lambda *args: told.append(args))

        async def load():
            nonlocal n_loads
            n_loads += 1
            clock.advance(10 * SECOND)
            if n_loads == 2:
                raise ConnectionError("no route")
            return b"1"

        await cache.get_or_load("a", load)
        clock.advance(100 * SECOND - 1)
        self.assertEqual(await cache.get_or_load("a", load), b"1")
        await until(lambda: told)
        self.assertEqual(told[0][:2], (cache, "a"))
        self.assertIn("ConnectionError: no route", told[0][2].message)


class Threads(unittest.TestCase):
    @on_every_backend_from_thread
    def test_all_can_be_done_from_a_thread(self, clock):
        cache = new_json_cache(ttl=10.0)
        calls, missing = cache.from_thread, object()

        def work():
            self.assertIs(calls.get("a", missing), missing)
            self.assertIsNone(calls.set("a", None, ttl=5.0, tags=["t"]))
            self.assertIsNone(calls.get("a", missing))
            self.assertIsNone(calls.delete("a"))
            calls.set_many({"b": 1, "c": 2}, tags=["t"])
            self.assertEqual(calls.get_many(["a", "b", "c"]), {"b": 1, "c": 2})
            calls.delete_many(["b"])
            calls.delete_tags(["t"])
            self.assertEqual(calls.get_many(["b", "c"]), {})
            self.assertEqual(calls.get_or_load("d", lambda: [4], tags=["t"]), [4])
            self.assertEqual(calls.get_or_load("d", never), [4])
            calls.clear()
            self.assertIsNone(calls.get("d"))
            for key in (None, "a\0"):
                with self.assertRaises((TypeError, Grelmicro.SettingsError)):
                    calls.get(key)

        everywhere(work)

    @on_every_backend_from_thread
    def test_a_loader_runs_on_the_thread_that_asks(self, clock):
        cache = new_cache()

        def work():
            threads = []
            cache.from_thread.get_or_load("a", lambda: threads.append(threading.get_ident()) or b"")
            self.assertEqual(threads, [threading.get_ident()])
            cache.from_thread.clear()

        everywhere(work)

    @on_every_backend_from_thread
    def test_a_loader_raises_what_it_raises(self, clock):
        cache = new_cache()

        def work():
            for error in (KeyError("a"), KeyboardInterrupt(), Grelmicro.WouldBlockError("x")):

                def load(error=error):
                    raise error

                with self.assertRaises(type(error)) as caught:
                    cache.from_thread.get_or_load("a", load)
                self.assertIs(caught.exception, error)
            with self.assertRaises(TypeError):
                cache.from_thread.get_or_load("a", lambda: None)
            self.assertEqual(cache.from_thread.get_or_load("a", lambda: b"a"), b"a")
            cache.from_thread.clear()

        everywhere(work)

    @on_every_backend_from_thread
    def test_one_load_is_for_all_threads(self, clock):
        cache, n_loads, finish = new_cache(), 0, threading.Event()

        def load():
            nonlocal n_loads
            n_loads += 1
            finish.wait()
            return b"a"

        asking = [spawn(cache.from_thread.get_or_load, "a", load) for _ in range(8)]
        eventually(lambda: n_loads)
        eventually(lambda: cache.stats()["misses"] == 8)
        spawn(finish.set)
        self.assertEqual(cache.from_thread.get_or_load("a", load), b"a")
        self.assertEqual([one.result() for one in asking], [b"a"] * 8)
        self.assertEqual(n_loads, 1)

    @on_every_backend_from_thread
    def test_all_threads_that_wait_get_the_very_exception(self, clock):
        cache, finish, error = new_cache(), threading.Event(), KeyError("a")

        def load():
            finish.wait()
            raise error

        asking = [spawn(cache.from_thread.get_or_load, "a", load) for _ in range(4)]
        eventually(lambda: cache.stats()["misses"] == 4)
        finish.set()
        for one in asking:
            self.assertIs(one.exception(), error)

    @on_every_backend
    async def test_threads_and_tasks_share_one_load(self, clock):
        cache, finish = new_cache(), asyncio.Event()

        async def load():
            await finish.wait()
            return b"a"

        asking = asyncio.create_task(cache.get_or_load("a", load))
        await until(lambda: cache.stats()["loads"])
        thread = asyncio.create_task(asyncio.to_thread(cache.from_thread.get_or_load, "a", never))
        await until(lambda: cache.stats()["misses"] == 2)
        finish.set()
        self.assertEqual((await asking, await thread), (b"a", b"a"))

        started, go_on = threading.Event(), threading.Event()

        def load_in_thread():
            started.set()
            go_on.wait()
            return b"b"

        thread = asyncio.create_task(
            asyncio.to_thread(cache.from_thread.get_or_load, "b", load_in_thread)
        )
        await until(started.is_set)
        asking = asyncio.create_task(cache.get_or_load("b", never))
        await until(lambda: cache.stats()["misses"] == 4)
        go_on.set()
        self.assertEqual((await asking, await thread), (b"b", b"b"))

    @on_every_backend_from_thread
    def test_a_loader_that_asks_for_its_own_key_is_refused(self, clock):
        calls = new_cache().from_thread

        def work():
            for load in (
                lambda: calls.get_or_load("a", never),
                lambda: calls.get_or_load("b", lambda: calls.get_or_load("a", never)),
            ):
                with self.assertRaisesRegex(Grelmicro.ReentrantError, "cache “a”"):
                    calls.get_or_load("a", load)
            self.assertEqual(calls.get_or_load("a", lambda: b"a"), b"a")
            calls.clear()

        everywhere(work)

    @on_every_backend
    async def test_the_loops_own_thread_is_told_to_await(self, clock):
        cache = new_cache()
        calls = cache.from_thread
        for call in (
            lambda: calls.get("a"),
            lambda: calls.set("a", b""),
            lambda: calls.clear(),
            lambda: calls.get_many(["a"]),
            lambda: calls.get_or_load("a", never),
        ):
            with self.assertRaises(Grelmicro.DeadlockError):
                call()

    def test_ctrl_c_ends_a_wait_for_the_load_of_another(self):
        with memory_app().in_thread():
            cache, finish = new_cache(), threading.Event()

            def load():
                finish.wait()
                return b"a"

            other = spawn(cache.from_thread.get_or_load, "a", load)
            eventually(lambda: cache.stats()["loads"])
            main = threading.main_thread().ident

            def interrupt():
                eventually(lambda: cache.stats()["misses"] == 2)
                signal.pthread_kill(main, signal.SIGINT)

            spawn(interrupt)
            with self.assertRaises(KeyboardInterrupt):
                cache.from_thread.get_or_load("a", never)
            finish.set()
            self.assertEqual(other.result(), b"a")

    def test_ctrl_c_ends_a_load_on_the_main_thread(self):
        for make_backend in BACKENDS:
            with self.subTest(backend=make_backend.__name__):
                with Grelmicro.App(uses=[make_backend()]).in_thread():
                    cache = new_cache()

                    def load():
                        signal.raise_signal(signal.SIGINT)
                        threading.Event().wait()

                    with self.assertRaises(KeyboardInterrupt):
                        cache.from_thread.get_or_load("a", load)
                    value = in_thread(cache.from_thread.get_or_load, "a", lambda: b"a")
                    self.assertEqual(value, b"a")


class Introspected(unittest.TestCase):
    @on_every_backend
    async def test_the_methods_of_c_take_bytes_and_microseconds(self, clock):
        cache, data = new_cache(), GLib.Bytes.new(b"a")
        self.assertTrue(await cache.set_async("a", data, 5 * SECOND, ["t"]))
        self.assertEqual((await cache.get_async("a")).get_data(), b"a")
        self.assertIsNone(await cache.get_async("b"))
        await cache.set_many_async({"b": data}, 0, None)
        for _ in range(3):
            values = await cache.get_many_async(["a", "c", "b"])
            values = [value and value.get_data() for value in values]
            self.assertEqual(values, [b"a", None, b"a"])
        operation = Grelmicro.Operation.new(lambda task: task.return_value(data))
        loaded = await cache.get_or_load_async("c", operation, None)
        self.assertEqual(loaded.get_data(), b"a")

    def test_a_function_that_loads_raises_what_it_raises(self):
        with memory_app().in_thread():
            cache = new_cache()

            def load(key, cancellable, data):
                return GLib.Bytes.new(f"{key} {data}".encode())

            value = in_thread(cache.get_or_load_from_thread, "a", load, 7, None, None)
            self.assertEqual(value.get_data(), b"a 7")
            with self.assertRaises(ZeroDivisionError):
                in_thread(cache.get_or_load_from_thread, "b", lambda *args: 1 / 0, None, None, None)


if __name__ == "__main__":
    unittest.main()
