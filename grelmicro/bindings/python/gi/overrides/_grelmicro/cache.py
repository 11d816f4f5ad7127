# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Caches: await cache.get(key), and the same from a thread."""

import inspect

from gi.repository import GLib

from .answers import ask
from .current import get_current_app, in_current_app
from .introspection import Grelmicro, add_to
from .loading import load, load_from_thread
from .primitives import call_from_thread, set_up, to_text
from .seconds import number, to_count, to_microseconds
from .serializers import get_serializer, set_serializer

_never_opened = Grelmicro.MemoryCacheAdapter()
_peek = Grelmicro.TTLCache.peek


@add_to(Grelmicro.TTLCache)
class _TTLCache:
    _kind, _backend_type, _probe = "cache", Grelmicro.CacheBackend, "clear"

    def __init__(
        self, *, ttl=60.0, max_size=0, stale_ttl=0, early_refresh=0.0, soft_timeout=None,
        lock=Grelmicro.CacheLock.LOCAL, serializer=None, backend=None, app=None
    ):  # fmt: skip
        """Durations are seconds. serializer: JSON, or what has dumps() and loads(), as pickle."""
        soft_timeout = 0 if soft_timeout is None else soft_timeout
        set_up(
            self,
            _never_opened,
            backend=backend,
            app=app,
            ttl=to_microseconds("ttl", ttl),
            max_size=to_count("max_size", max_size),
            stale_ttl=to_microseconds("stale_ttl", stale_ttl),
            early_refresh=number("early_refresh", early_refresh),
            soft_timeout=to_microseconds("soft_timeout", soft_timeout),
            lock=lock,
        )
        set_serializer(self, serializer)

    async def get(self, key, default=None):
        """Returns the value of a key, or default if there is none that is fresh."""
        return _decode(self, await ask(self, "get", to_text("key", key)), default)

    async def set(self, key, value, ttl=None, tags=()):
        """Keeps a value, for ttl seconds or as long as the cache does."""
        await ask(self, "set", *_to_entry(self, key, value), _to_ttl(ttl), to_tags(tags))

    async def delete(self, key):
        """Forgets a value."""
        await ask(self, "delete", to_text("key", key))

    async def delete_tags(self, tags):
        """Forgets the values that were kept with one of the tags."""
        await ask(self, "delete_tags", to_texts("tags", tags))

    async def clear(self):
        """Forgets all values in the backend of the cache."""
        await ask(self, "clear")

    async def get_many(self, keys):
        """Returns the values by key, of those keys that have one."""
        keys = to_texts("keys", keys)
        return _decode_all(self, keys, await ask(self, "get_many", keys))

    async def set_many(self, values, ttl=None, tags=()):
        """Keeps values, by key."""
        await ask(self, "set_many", _to_entries(self, values), _to_ttl(ttl), to_tags(tags))

    async def delete_many(self, keys):
        """Forgets several values."""
        await ask(self, "delete_many", to_texts("keys", keys))

    async def get_or_load(self, key, loader, tags=()):
        """Returns the value of a key. If there is none, it is the one that loader() returns, or
        that this gives when it is awaited; and it is kept."""
        serializer, loader = get_serializer(self), _check_loader(loader)

        async def load_value():
            value = loader()
            return serializer.dumps(await value if inspect.isawaitable(value) else value)

        return _decode(self, await load(self, to_text("key", key), load_value, to_tags(tags)))

    def peek(self, key, default=None):
        """Returns the value of a key if it can be had at once, without a turn of any loop; on any
        thread."""
        return _decode(self, peek(self, to_text("key", key)), default)

    def stats(self):
        """What was counted, as a dict: see get_stats()."""
        return self.get_stats().unpack()

    @property
    def from_thread(self):
        """The calls that block, for worker threads."""
        return _TTLCacheFromThread(self)


class _TTLCacheFromThread:
    def __init__(self, cache):
        self._cache = cache

    def get(self, key, default=None):
        """Returns the value of a key, or default if there is none that is fresh."""
        return _decode(self._cache, self._call("get", to_text("key", key)), default)

    def set(self, key, value, ttl=None, tags=()):
        """Keeps a value, for ttl seconds or as long as the cache does."""
        self._call("set", *_to_entry(self._cache, key, value), _to_ttl(ttl), to_tags(tags))

    def delete(self, key):
        """Forgets a value."""
        self._call("delete", to_text("key", key))

    def delete_tags(self, tags):
        """Forgets the values that were kept with one of the tags."""
        self._call("delete_tags", to_texts("tags", tags))

    def clear(self):
        """Forgets all values in the backend of the cache."""
        self._call("clear")

    def get_many(self, keys):
        """Returns the values by key, of those keys that have one."""
        keys = to_texts("keys", keys)
        return _decode_all(self._cache, keys, self._call("get_many", keys))

    def set_many(self, values, ttl=None, tags=()):
        """Keeps values, by key."""
        self._call("set_many", _to_entries(self._cache, values), _to_ttl(ttl), to_tags(tags))

    def delete_many(self, keys):
        """Forgets several values."""
        self._call("delete_many", to_texts("keys", keys))

    def get_or_load(self, key, loader, tags=()):
        """Returns the value of a key. If there is none, it is the one that loader() returns on
        this thread; and it is kept."""
        cache, serializer, loader = self._cache, get_serializer(self._cache), _check_loader(loader)

        def load_value():
            return serializer.dumps(loader())

        data = load_from_thread(cache, to_text("key", key), load_value, to_tags(tags))
        return _decode(cache, data)

    def _call(self, operation, *args):
        return call_from_thread(self._cache, operation, *args)


def peek(cache, key):
    """The bytes of a key if they can be had at once."""
    return _peek(cache, key) if get_current_app() is None else in_current_app(_peek, cache, key)


def _to_ttl(ttl):
    return 0 if ttl is None else to_microseconds("ttl", ttl)


def to_texts(what, texts):
    if isinstance(texts, (str, bytes)):
        raise TypeError(f"{what}: must be several str")
    return [to_text(what, text) for text in texts]


def to_tags(tags):
    return to_texts("tags", tags) or None


def _to_entry(cache, key, value):
    return to_text("key", key), GLib.Bytes.new(get_serializer(cache).dumps(value))


def _to_entries(cache, values):
    return dict(_to_entry(cache, key, value) for key, value in values.items())


def _decode(cache, data, default=None):
    return default if data is None else get_serializer(cache).loads(data.get_data())


def _decode_all(cache, keys, values):
    found = ((key, data) for key, data in zip(keys, values) if data is not None)
    return {key: _decode(cache, data) for key, data in found}


def _check_loader(loader):
    if not callable(loader):
        raise TypeError("loader: must be a function")
    return loader
