# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What locks, circuit breakers and caches have in common.

A class of primitives says what it is called (_kind), where its state lives (_backend_type), and
which operation fails at once, and in no other way, if its backend was never opened (_probe).
"""

import contextlib
import contextvars
import functools
import queue
import threading
import weakref

from gi.repository import Gio, GLib, GObject

from .current import get_current_app, in_current_app
from .errors import (
    DeadlockError,
    NotOpenError,
    SettingsError,
    WouldBlockError,
    get_name,
    translated,
)
from .introspection import Grelmicro, is_seen_whole, raw
from .lifecycle import opened

# These decide on the spot: asking them never blocks.
_AT_ONCE = (
    Grelmicro.MemoryLockAdapter,
    Grelmicro.MemoryCircuitBreakerAdapter,
    Grelmicro.MemoryCacheAdapter,
)

# The primitive and the current app by what they granted. These are no attributes of that: PyGObject
# would then finalize it, which takes a mutex, without letting go of the interpreter.
_origins = weakref.WeakKeyDictionary()

_entered = weakref.WeakKeyDictionary()  # [(primitive, grant)] by asyncio task
_local = threading.local()  # its entered is the same of the thread


def to_name(name):
    """A name for C to judge."""
    if not isinstance(name, str):
        raise TypeError(f"name: must be a str, not {type(name).__name__}")
    return name if is_seen_whole(name) else ""


def to_text(what, text):
    """A text that may be any, as a key is."""
    if not isinstance(text, str):
        raise TypeError(f"{what}: must be a str, not {type(text).__name__}")
    if not is_seen_whole(text):
        raise SettingsError(f"{what}: must be UTF-8 without a null character")
    return text


def set_up(primitive, never_opened, *, backend, app, **properties):
    """Constructs a primitive, and raises at once what its operations would fail with."""
    GObject.Object.__init__(primitive, backend=never_opened, app=app, **properties)
    with contextlib.suppress(NotOpenError):  # the settings are judged first
        getattr(primitive, primitive._probe + "_from_thread")(None)
    primitive.set_backend(backend)


def find_backend(primitive, current_app=None):
    """The backend that the primitive is going to use, None if it won't find one."""
    backend = primitive.get_backend()
    app = None if backend else primitive.get_app() or current_app or Grelmicro.App.dup_default()
    try:
        return raw(app, "get_backend")(app, primitive._backend_type, None) if app else backend
    except GLib.Error:
        return None


# Calls


def call_from_thread(primitive, operation, *args):
    """Calls a *_from_thread method of a primitive."""
    return block(primitive, primitive, operation, *args)


def remember(grant, primitive):
    """Remembers where a lease or permit came from."""
    _origins[grant] = primitive, get_current_app()


def get_origin(grant):
    """The primitive that granted it; None if an introspected method did."""
    return _origins.get(grant, (None, None))[0]


def call_granted(grant, operation, *args):
    """Calls a *_from_thread method of what a primitive granted."""
    primitive, app = _origins.get(grant, (None, None))
    if primitive is None:  # it came from an introspected method: C judges alone
        return getattr(grant, operation + "_from_thread")(*args, None)
    return block(grant, primitive, operation, *args, current_app=app)


def is_plain_worker():
    """Whether this thread may wait in C: it isn't the main one, and no loop on it opened an app."""
    thread = threading.current_thread()
    if thread is threading.main_thread():
        return False
    return not opened or all(one.thread is not thread for one in list(opened.values()))


def block(
    source, primitive, operation, *args, at_once=None, waits=False, current_app=None, errands=None
):  # fmt: skip
    """Calls a *_from_thread method, if that can end, and on the main thread so that Ctrl-C can.

    source: the primitive, what it granted, or an owner, for which the primitive is None.
    at_once: arguments with which an operation doesn't wait that may wait with others.
    waits: whether it may wait whatever the backend.
    current_app: that of when the source was granted.
    errands: functions in a queue, which have to run on this thread before the operation can end.
    """
    method = raw(source, operation + "_from_thread")
    try:
        if is_plain_worker():
            return in_current_app(method, source, *args, None)
        method = functools.partial(in_current_app, method, source, *args)
        thread = threading.current_thread()
        is_main = thread is threading.main_thread()
        own_contexts = [one.context for one in list(opened.values()) if one.thread is thread]
        backend = primitive and find_backend(primitive, current_app)
        is_at_once = not waits and isinstance(backend, _AT_ONCE)
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
        return _ask_interruptibly(method, errands or queue.SimpleQueue())
    except GLib.Error as error:
        raise translated(error, source, *args) from None


def _ask_interruptibly(method, answers):
    """Asks on another thread, since the main one runs no signal handlers while it is in C."""
    cancellable = Gio.Cancellable()

    def run():
        try:
            answers.put((method(cancellable), None))
        except BaseException as error:
            answers.put((None, error))

    try:
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=[run], name="grelmicro", daemon=True).start()
        while callable(answer := answers.get()):
            answer()
        value, error = answer
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
        name = get_name(primitive)
        text = (
            f"{primitive._kind}{f' “{name}”' if name else ''}: a from_thread call on the thread of "
            "the loop that opened the backend might wait for itself; await it here, or call from a "
            "worker thread"
        )
        raise DeadlockError(text, name)


# Blocks


def _get_entered(task):
    if task is not None:
        return _entered.setdefault(task, [])
    if not hasattr(_local, "entered"):
        _local.entered = []
    return _local.entered


def enter(primitive, grant, task=None):
    """Remembers what the task, or else this thread, was granted for the block that it enters."""
    _get_entered(task).append((primitive, grant))


def leave(primitive, task=None):
    """What was granted for the innermost block of the primitive that the task or thread is in."""
    entered = _get_entered(task)
    for index in range(len(entered) - 1, -1, -1):
        if entered[index][0] is primitive:
            return entered.pop(index)[1]
    raise RuntimeError(f"a {primitive._kind} is left where it was entered")
