# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What locks, circuit breakers and caches have in common.

A class of primitives says what it is called (_kind), where its state lives (_backend_type), and
which operation fails at once, and in no other way, if its backend was never opened (_probe).
"""

import contextlib
import functools
import queue
import threading
import weakref

from gi.repository import Gio, GLib, GObject

from .answers import ask
from .errors import DeadlockError, NotOpenError, WouldBlockError, translated
from .introspection import Grelmicro, raw
from .lifecycle import current, opened

# These decide on the spot: asking them never blocks.
_AT_ONCE = (Grelmicro.MemoryLockAdapter,)

# Which primitive granted a lease or permit. That is no attribute of these: PyGObject would then
# finalize them, which takes a mutex, without letting go of the interpreter.
origins = weakref.WeakKeyDictionary()

_entered = weakref.WeakKeyDictionary()  # [(primitive, grant)] by asyncio task or thread


def set_up(primitive, never_opened, *, name, backend, app, **properties):
    """Constructs a primitive, and raises at once what its operations would fail with."""
    if not isinstance(name, str):
        raise TypeError(f"name: must be a str, not {type(name).__name__}")
    if not name.isascii() or "\0" in name:
        name = ""  # C would not see all of it
    GObject.Object.__init__(primitive, name=name, backend=never_opened, app=app, **properties)
    with contextlib.suppress(NotOpenError):  # the settings are judged first
        getattr(primitive, primitive._probe + "_from_thread")(None)
    primitive.set_backend(backend)


# Where its state lives


def bind(primitive):
    """The primitive, or one like it on the backend that the app of the current task uses."""
    app = current.get()
    if app is None or primitive.get_backend() is not None or primitive.get_app() is not None:
        return primitive
    return app.twins.get(primitive) or _make_twin(app, primitive)


def _make_twin(app, primitive):
    flags = {pspec.name: pspec.flags for pspec in primitive.list_properties()}
    fixed = [name for name in flags if flags[name] & GObject.ParamFlags.CONSTRUCT_ONLY]
    values = {name: primitive.get_property(name) for name in fixed}
    twin = app.twins[primitive] = GObject.new(type(primitive), app=app.owner, **values)
    twin.set_backend(find_backend(twin))
    for name in set(flags).difference(fixed, ("backend", "app")):
        if flags[name] & GObject.ParamFlags.WRITABLE:
            primitive.bind_property(name, twin, name, GObject.BindingFlags.SYNC_CREATE)
    return twin


def find_backend(primitive):
    """The backend that the primitive is going to use, None if it won't find one."""
    backend = primitive.get_backend()
    app = None if backend else primitive.get_app() or Grelmicro.App.dup_default()
    try:
        return raw(app, "get_backend")(app, primitive._backend_type, None) if app else backend
    except GLib.Error:
        return None


# Calls


def call(primitive, operation, *args):
    """Calls a *_async method of a primitive, for asyncio."""
    return ask(bind(primitive), operation, *args)


def call_from_thread(primitive, operation, *args):
    """Calls a *_from_thread method of a primitive."""
    primitive = bind(primitive)
    return block(primitive, primitive, operation, *args)


def call_granted(grant, operation, *args):
    """Calls a *_from_thread method of what a primitive granted."""
    primitive = origins.get(grant)
    if primitive is None:  # it came from an introspected method: C judges alone
        return getattr(grant, operation + "_from_thread")(*args, None)
    return block(grant, primitive, operation, *args)


def block(source, primitive, operation, *args, at_once=None):
    """Calls a *_from_thread method, if that can end, and on the main thread so that Ctrl-C can.

    source: the primitive, what it granted, or an owner, for which the primitive is None.
    at_once: arguments with which an operation doesn't wait that may wait with others.
    """
    thread = threading.current_thread()
    is_main = thread is threading.main_thread()
    own_contexts = [one.context for one in list(opened.values()) if one.thread is thread]
    method = functools.partial(raw(source, operation + "_from_thread"), source, *args)
    try:
        if not is_main and not own_contexts:
            return method(None)
        backend = primitive and find_backend(primitive)
        is_at_once = isinstance(backend, _AT_ONCE)
        # Asked on this very thread, C refuses the one that runs the context.
        if (own_contexts or not is_at_once) and backend is not None and backend.get_is_open():
            _refuse_own_loop(primitive, backend, own_contexts)
        if not is_main or (primitive is not None and backend is None):
            return method(None)
        if is_at_once:
            if at_once is None or at_once == args:
                return method(None)
            with contextlib.suppress(WouldBlockError):
                return getattr(source, operation + "_from_thread")(*at_once, None)
        return _ask_interruptibly(method)
    except GLib.Error as error:
        raise translated(error, source) from None


def _ask_interruptibly(method):
    """Asks on another thread, since the main one runs no signal handlers while it is in C."""
    cancellable = Gio.Cancellable()
    answers = queue.SimpleQueue()

    def run():
        try:
            answers.put((method(cancellable), None))
        except BaseException as error:
            answers.put((None, error))

    try:
        threading.Thread(target=run, name="grelmicro", daemon=True).start()
        value, error = answers.get()
    except BaseException:
        cancellable.cancel()
        with contextlib.suppress(queue.Empty):
            answers.get(timeout=1)  # what it may have won is given back by being dropped
        raise
    if error is not None:
        raise error
    return value


def _refuse_own_loop(primitive, backend, own_contexts):
    """On the thread of the loop that opened it, a task may hold what would be waited for."""
    context = backend.ref_main_context()
    if context is not None and (context.is_owner() or context in own_contexts):
        text = (
            f"{primitive._kind} “{primitive.get_name()}”: a from_thread call on the thread of the "
            "loop that opened the backend might wait for itself; await it here, or call from a "
            "worker thread"
        )
        raise DeadlockError(text, primitive.get_name())


# Blocks


def enter(primitive, grant, holder):
    """Remembers what the task or thread was granted for the block that it enters."""
    _entered.setdefault(holder, []).append((primitive, grant))


def leave(primitive, holder):
    """What was granted for the innermost block of the primitive that the holder is in."""
    entered = _entered.get(holder, [])
    index = max((i for i, (entry, _) in enumerate(entered) if entry is primitive), default=None)
    if index is None:
        raise RuntimeError(f"a {primitive._kind} is left where it was entered")
    return entered.pop(index)[1]
