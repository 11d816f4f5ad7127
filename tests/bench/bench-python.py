#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What locks, circuit breakers and caches cost in Python, beside what else there is."""

import asyncio
import contextlib
import functools
import os
import subprocess
import tempfile
import threading
import time

import cachetools
import gi
import redis
import redis.asyncio
from grel_bench import Row, main

gi.require_version("Grelmicro", "1")

from gi.repository import Grelmicro  # noqa: E402, isort: skip
from gi.overrides._grelmicro.cache import peek  # noqa: E402, isort: skip


class PlainOpenError(Exception):
    pass


class PlainBreaker:
    """A circuit breaker of the usual shape, as in most libraries that are all Python."""

    def __init__(self, error_threshold=5, success_threshold=2, reset_timeout=30.0):
        self.error_threshold, self.success_threshold = error_threshold, success_threshold
        self.reset_timeout = reset_timeout
        self.mutex = threading.Lock()
        self.state = "closed"
        self.n_errors = self.n_successes = self.n_calls = 0
        self.opened_at = 0.0

    def before(self):
        with self.mutex:
            if self.state == "open":
                if time.monotonic() - self.opened_at < self.reset_timeout:
                    raise PlainOpenError
                self.state, self.n_successes = "half-open", 0
            self.n_calls += 1

    def after(self, error):
        now = time.monotonic()
        with self.mutex:
            if error is None:
                self.n_errors = 0
                self.n_successes += 1
                if self.state == "half-open" and self.n_successes >= self.success_threshold:
                    self.state = "closed"
            else:
                self.n_errors += 1
                if self.state == "half-open" or self.n_errors >= self.error_threshold:
                    self.state, self.opened_at = "open", now

    def __enter__(self):
        self.before()

    def __exit__(self, exc_type, error, traceback):
        self.after(error)

    async def __aenter__(self):
        self.before()

    async def __aexit__(self, exc_type, error, traceback):
        self.after(error)

    def __call__(self, function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return call

    def decorate_async(self, function):
        @functools.wraps(function)
        async def call(*args, **kwargs):
            async with self:
                return await function(*args, **kwargs)

        return call

    def get_error_threshold(self):
        return self.error_threshold


def repeat(step, n):
    for _ in range(n):
        step()


class Worker:
    """A thread that runs no loop, and repeats what the main thread gives it."""

    def __init__(self):
        self.given, self.done = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            self.given.acquire()
            repeat(self.step, self.n)
            self.done.release()

    def repeat(self, step, n):
        self.step, self.n = step, n
        self.given.release()
        self.done.acquire()


class Loop:
    """The asyncio loop of the main thread."""

    def __init__(self):
        self.run = asyncio.new_event_loop().run_until_complete

    def repeat(self, step, n):
        async def work():
            for _ in range(n):
                await step()

        self.run(work())


def block(entered):
    def step():
        with entered:
            pass

    return step


def async_block(entered):
    async def step():
        async with entered:
            pass

    return step


def cycle(lock):
    def step():
        lock.acquire()
        lock.release()

    return step


def async_cycle(lock):
    async def step():
        await lock.acquire()
        await lock.release()

    return step


def with_argument(function):
    return lambda: function("tea")


def get_price(item):
    return 12.5


def get_offer(item):
    return {"item": item, "price": 12.5}


async def get_price_async(item):
    return 12.5


def cachetools_get(function):
    mutex, table = threading.Lock(), cachetools.TTLCache(1000, 3600.0)
    return cachetools.cached(table, lock=mutex)(function)


def cachetools_get_async(function):
    get = cachetools_get(get_price)

    async def step(item):
        return get(item)

    return step


def call_raw(breaker):
    allow = Grelmicro.CircuitBreaker.allow.raw
    record = Grelmicro.CircuitBreaker.record_success.raw

    def step():
        record(breaker, allow(breaker)[1])

    return step


def peek_at(cache, load):
    return lambda: peek(cache, "offer:tea") or load("tea")


def in_thread_rows(app):
    """Name, step, reference, its step, target."""
    breaker, plain = Grelmicro.CircuitBreaker("payment", app=app), PlainBreaker()
    cache = Grelmicro.TTLCache(ttl=3600.0, app=app)
    price = Grelmicro.cached(cache, key="price:{item}")(get_price)
    offer = Grelmicro.cached(cache, key="offer:{item}")(get_offer)
    decorated, plain_decorated = breaker(get_price), plain(get_price)
    rival, rival_offer = cachetools_get(get_price), cachetools_get(get_offer)
    lock, bare = Grelmicro.Lock("cart", app=app), threading.Lock()
    in_python, in_cachetools = "a circuit breaker in Python", "cachetools and a Lock"
    yield ("floor", breaker.get_error_threshold, "a method in Python", plain.get_error_threshold, 0)
    yield ("breaker/two-calls", call_raw(breaker), in_python, block(plain), 0)
    yield (
        "breaker/function", with_argument(decorated), in_python, with_argument(plain_decorated), 0.5
    )
    yield ("breaker/block", block(breaker.from_thread), in_python, block(plain), 0.5)
    yield ("cached/one-call", peek_at(cache, offer), in_cachetools, with_argument(rival), 0)
    yield ("cached/number", with_argument(price), in_cachetools, with_argument(rival), 0.5)
    yield ("cached/dict", with_argument(offer), in_cachetools, with_argument(rival_offer), 0.5)
    yield ("lock/block", block(lock.from_thread), "threading.Lock", block(bare), 0)


def in_loop_rows(app):
    breaker, plain = Grelmicro.CircuitBreaker("payment", app=app), PlainBreaker()
    cache = Grelmicro.TTLCache(ttl=3600.0, app=app)
    price = Grelmicro.cached(cache, key="price:{item}")(get_price_async)
    rival = cachetools_get_async(get_price)
    decorated, plain_decorated = breaker(get_price_async), plain.decorate_async(get_price_async)
    lock, bare = Grelmicro.Lock("cart", app=app), asyncio.Lock()
    in_python, in_cachetools = "a circuit breaker in Python", "cachetools and a Lock"
    yield (
        "breaker/async-function", with_argument(decorated), in_python,
        with_argument(plain_decorated), 0
    )  # fmt: skip
    yield ("breaker/async-block", async_block(breaker), in_python, async_block(plain), 0)
    yield ("cached/async", with_argument(price), in_cachetools, with_argument(rival), 0)
    yield ("lock/async-block", async_block(lock), "asyncio.Lock", async_block(bare), 0)


def in_thread_redis_rows(app, socket):
    lock = Grelmicro.Lock("cart", app=app)
    rival = redis.Redis(unix_socket_path=socket).lock("rival", timeout=60.0)
    yield ("redis/block", block(lock.from_thread), "redis.lock.Lock", cycle(rival), 0)


def in_loop_redis_rows(app, socket):
    lock = Grelmicro.Lock("cart", app=app)
    rival = redis.asyncio.Redis(unix_socket_path=socket).lock("rival", timeout=60.0)
    yield (
        "redis/async-block", async_block(lock), "redis.asyncio.lock.Lock", async_cycle(rival), 0
    )


def bind(rows, place, opened):
    for name, step, reference, reference_step, target in rows:
        yield Row(
            f"python/{name}",
            reference,
            functools.partial(place.repeat, step),
            functools.partial(place.repeat, reference_step),
            opened,
            target,
        )


@contextlib.contextmanager
def open_in_thread(app):
    app.open_in_thread()
    yield
    app.close_from_thread(None)


@contextlib.contextmanager
def open_on_loop(app, loop):
    loop.run(app.__aenter__())
    yield
    loop.run(app.__aexit__(None, None, None))


@contextlib.contextmanager
def serve(socket, opened):
    """Runs a Redis while an app is open that uses it."""
    folder = os.path.dirname(socket)
    command = ["redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder]
    command += ["--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(socket)
            with opened:
                yield
        finally:
            server.kill()


def wait_for(socket):
    client = redis.Redis(unix_socket_path=socket)
    while True:
        with contextlib.suppress(redis.ConnectionError):
            client.ping()
            return
        time.sleep(0.001)


def make_rows(socket):
    worker, loop = Worker(), Loop()

    def memory():
        return Grelmicro.App.new_for_uri("memory:")

    def server():
        return Grelmicro.App.new_for_uri(f"redis+unix://{socket}")

    app = memory()
    yield from bind(in_thread_rows(app), worker, lambda: open_in_thread(app))
    app_on_loop = memory()
    yield from bind(in_loop_rows(app_on_loop), loop, lambda: open_on_loop(app_on_loop, loop))
    shared = server()
    yield from bind(
        in_thread_redis_rows(shared, socket), worker, lambda: serve(socket, open_in_thread(shared))
    )
    shared_on_loop = server()
    yield from bind(
        in_loop_redis_rows(shared_on_loop, socket),
        loop,
        lambda: serve(socket, open_on_loop(shared_on_loop, loop)),
    )


with tempfile.TemporaryDirectory(prefix="grel-redis-") as name:
    main(make_rows(f"{name}/redis.sock"))
