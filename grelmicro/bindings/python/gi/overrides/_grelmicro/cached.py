# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""@cached: what a function returned is returned again for a while."""

import contextlib
import functools
import inspect
import marshal

from gi.repository import GLib

from .answers import ask
from .cache import peek, to_texts
from .functions import describe, is_async
from .introspection import Grelmicro
from .keys import new_default_key, new_template
from .loading import load, load_from_thread
from .primitives import call_from_thread, is_plain_worker, to_text
from .serializers import JSON, get_serializer


_BY_POSITION = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}

_MAX_COPIES, _MAX_COPY_SIZE = 256, 4096
_UNKNOWN = None, None


def cached(cache=None, *, key=None, tags=(), skip=None, **settings):
    """Decorates a function: a call with the same arguments returns what an earlier one did.

    cache: a TTLCache. Without one it gets its own, of these settings, such as ttl=60.0.
    key, tags: templates of the arguments, such as "user:{user_id}". The key may be a function, too,
    that is called with the arguments.
    skip: a function that is given a result, and says whether not to keep it.
    """
    if cache is not None and not isinstance(cache, Grelmicro.TTLCache):
        raise TypeError("cached: takes a TTLCache, or a ttl: @cached(ttl=60.0)")
    if (cache is None) != ("ttl" in settings) or (cache is not None and settings):
        raise TypeError("cached: takes either a cache, or a ttl and other settings of its own one")
    if skip is not None and not callable(skip):
        raise TypeError("skip: must be a function")

    def decorate(function):
        decorated = _decorate_async if is_async(function, "cached") else _decorate
        own = cache or Grelmicro.TTLCache(**settings)
        return decorated(_Results(own, function, key, tags, skip, is_own=cache is None), function)

    return decorate


class _Results:
    """What a function returned, in a cache."""

    def __init__(self, cache, function, key, tags, skip, is_own):
        self.cache, self.skip = cache, skip
        self.serializer = get_serializer(cache, JSON)
        self.signature = inspect.signature(function)
        self.call_key = key if callable(key) else None
        if key is None:
            self.make_key = new_default_key(function, self.signature)
        elif self.call_key is None:
            self.make_key = new_template("key", key, self.signature)
        tags = to_texts("tags", tags)
        self.make_tags = [new_template("tags", tag, self.signature) for tag in tags]
        # Its own cache still shares the backend with others.
        self.own_tags = [describe(function)] if is_own else []
        kinds = {parameter.kind for parameter in self.signature.parameters.values()}
        self.names = tuple(self.signature.parameters) if kinds <= _BY_POSITION else None
        self.copies = {}  # the bytes, and the value for marshal, by key

    def bind(self, args, kwargs):
        """The arguments of a call by name."""
        if not kwargs and self.names is not None and len(args) == len(self.names):
            return dict(zip(self.names, args))
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    def locate(self, args, kwargs):
        """The key of a call, and its arguments by name."""
        arguments, call_key = self.bind(args, kwargs), self.call_key
        key = call_key(*args, **kwargs) if call_key else self.make_key(arguments)
        return to_text("key", key), arguments

    def tag(self, arguments):
        """The tags of a call; None if there are none."""
        tags = self.own_tags + [make_tag(arguments) for make_tag in self.make_tags]
        return to_texts("tags", tags) or None

    def pack(self, key, value):
        """A result that is being loaded."""
        if self.skip is not None and self.skip(value):
            self.cache.skip(key)
        return self.serializer.dumps(value)

    def pack_anew(self, value):
        """A result that is not being loaded, and whether to keep it."""
        keeps = self.skip is None or not self.skip(value)
        return GLib.Bytes.new(self.serializer.dumps(value)), keeps

    def unpack(self, key, data):
        """A result of bytes. Each caller gets its own, which marshal makes sooner than others do,
        as long as the cache has the very same bytes."""
        known, copy = self.copies.get(key, _UNKNOWN)
        if known == data:
            return marshal.loads(copy)
        content = data.get_data()
        value = self.serializer.loads(content)
        if len(content) <= _MAX_COPY_SIZE:
            self.keep_copy(key, data, value)
        return value

    def keep_copy(self, key, data, value):
        if len(self.copies) >= _MAX_COPIES:
            self.copies.clear()
        with contextlib.suppress(ValueError):  # it is none of Python's own types
            self.copies[key] = data, marshal.dumps(value)

    def to_clear(self):
        return ("delete_tags", self.own_tags) if self.own_tags else ("clear",)


def _decorate_async(results, function):
    @functools.wraps(function)
    async def call(*args, **kwargs):
        key, arguments = results.locate(args, kwargs)
        data = peek(results.cache, key)
        if data is not None:
            return results.unpack(key, data)

        async def load_result():
            return results.pack(key, await function(*args, **kwargs))

        data = await load(results.cache, key, load_result, results.tag(arguments))
        return results.unpack(key, data)

    async def refresh(*args, **kwargs):
        """Calls the function, and keeps what it returns."""
        key, arguments = results.locate(args, kwargs)
        tags = results.tag(arguments)
        await ask(results.cache, "get_many", [])  # fails as the set would
        data, keeps = results.pack_anew(await function(*args, **kwargs))
        if keeps:
            await ask(results.cache, "set", key, data, 0, tags)
        return results.unpack(key, data)

    async def cache_clear():
        """Forgets what is in the cache."""
        await ask(results.cache, *results.to_clear())

    return _add_helpers(call, results, refresh, cache_clear)


def _decorate(results, function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        key, arguments = results.locate(args, kwargs)
        data = peek(results.cache, key) if is_plain_worker() else None
        if data is not None:
            return results.unpack(key, data)

        def load_result():
            return results.pack(key, function(*args, **kwargs))

        data = load_from_thread(results.cache, key, load_result, results.tag(arguments))
        return results.unpack(key, data)

    def refresh(*args, **kwargs):
        """Calls the function, and keeps what it returns."""
        key, arguments = results.locate(args, kwargs)
        tags = results.tag(arguments)
        call_from_thread(results.cache, "get_many", [])  # fails as the set would
        data, keeps = results.pack_anew(function(*args, **kwargs))
        if keeps:
            call_from_thread(results.cache, "set", key, data, 0, tags)
        return results.unpack(key, data)

    def cache_clear():
        """Forgets what is in the cache."""
        call_from_thread(results.cache, *results.to_clear())

    return _add_helpers(call, results, refresh, cache_clear)


def _add_helpers(call, results, refresh, cache_clear):
    call.refresh, call.cache_clear = refresh, cache_clear
    call.cache_info = results.cache.stats
    return call
