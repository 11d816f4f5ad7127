# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What Python adds to Grelmicro: await, with, exceptions, and seconds.

The introspected classes keep their methods, which take and give microseconds. The classes below
add what a Python program calls, in seconds, and need no more than asyncio or a thread.
"""

import asyncio
import atexit
import collections
import contextlib
import contextvars
import functools
import math
import numbers
import queue
import threading
import types
import weakref

from gi.module import get_introspection_module
from gi.repository import Gio, GLib, GObject

Grelmicro = get_introspection_module("Grelmicro")

__all__ = ["GrelError"]


# Errors


class GrelError(GLib.Error):
    """An error of this library; there is a subclass for each code of Grelmicro.Error.

    name is that of the lock or other primitive, if it is about one. It makes sense to try again
    after retry_after seconds; 0.0 if that isn't known.
    """

    DOMAIN = GLib.quark_to_string(Grelmicro.Error.quark())
    CODE = -1

    def __init__(self, message="", name=None, retry_after=0.0):
        super().__init__(message, self.DOMAIN, self.CODE)
        self.name = name
        self.retry_after = retry_after

    def __str__(self):
        return self.message


_error_classes = {}


def _error_class(name, code):
    namespace = {"__doc__": f"Grelmicro.Error.{code}", "__module__": __name__}
    cls = type(name, (GrelError,), namespace)
    cls.CODE = int(getattr(Grelmicro.Error, code))
    _error_classes[cls.CODE] = cls
    __all__.append(name)
    return cls


NotOpenError = _error_class("NotOpenError", "NOT_OPEN")
ClosedError = _error_class("ClosedError", "CLOSED")
DeadlockError = _error_class("DeadlockError", "DEADLOCK")
LoopNotRunningError = _error_class("LoopNotRunningError", "LOOP_NOT_RUNNING")
SettingsError = _error_class("SettingsError", "SETTINGS")
NotRegisteredError = _error_class("NotRegisteredError", "NOT_REGISTERED")
AmbiguousError = _error_class("AmbiguousError", "AMBIGUOUS")
ScopeError = _error_class("ScopeError", "SCOPE")
BackendError = _error_class("BackendError", "BACKEND")
WouldBlockError = _error_class("WouldBlockError", "WOULD_BLOCK")
LockTimeoutError = _error_class("LockTimeoutError", "TIMED_OUT")
ReentrantError = _error_class("ReentrantError", "REENTRANT")
NotOwnedError = _error_class("NotOwnedError", "NOT_OWNED")
CircuitOpenError = _error_class("CircuitOpenError", "CIRCUIT_OPEN")
RateLimitedError = _error_class("RateLimitedError", "RATE_LIMITED")
BulkheadFullError = _error_class("BulkheadFullError", "BULKHEAD_FULL")
DeadlineExceededError = _error_class("DeadlineExceededError", "DEADLINE_EXCEEDED")


def _translated(error, source=None):
    """The exception for a GLib.Error that a method of source raised."""
    if error.domain != GrelError.DOMAIN or isinstance(error, GrelError):
        return error
    name = source.get_name() if hasattr(source, "get_name") else None
    if f"“{name}”" not in error.message:
        name = None  # the error isn't about it, or the name is what is wrong
    translated = _error_classes.get(error.code, GrelError)(error.message, name)
    translated.code = error.code
    return translated


def _for_c(error):
    """The GLib.Error that tells C of an exception."""
    if isinstance(error, GLib.Error):
        return error
    return BackendError(f"{type(error).__name__}: {error}")


# Seconds


def _microseconds(what, seconds):
    """Seconds as the library counts them: what is more than 0 never becomes 0."""
    if isinstance(seconds, bool) or not isinstance(seconds, numbers.Real):
        raise TypeError(f"{what}: must be a number of seconds, not {type(seconds).__name__}")
    if not isinstance(seconds, int) and not math.isfinite(seconds):
        raise SettingsError(f"{what}: must be finite")
    span = round(seconds * 1_000_000) or (seconds > 0) - (seconds < 0)
    return max(GLib.MININT64, min(span, GLib.MAXINT64))


def _timeout(seconds):
    if seconds is None:
        return -1
    span = _microseconds("timeout", seconds)
    if span < 0:
        raise SettingsError("timeout: must be 0 or more; None waits for ever")
    return span


# The introspected methods


def _add_to(target):
    """Adds what a class defines to an introspected one, which may be final."""

    def add(source):
        for name, member in vars(source).items():
            if name not in ("__dict__", "__doc__", "__module__", "__qualname__", "__weakref__"):
                setattr(target, name, member)
        return source

    return add


def _raw(source, name):
    """An introspected method as it was before _wrap()."""
    return getattr(type(source), name).raw


def _wrap(cls, name):
    """Makes an introspected method raise our exceptions, and refuse seconds for microseconds."""
    raw = getattr(cls, name)
    method = _passing_exceptions(raw) if name == "run_from_thread" else raw
    parameters = [argument.get_name() for argument in raw.get_arguments()]
    after = _lifecycle_hooks.get(name)

    def call(*args, **kwargs):
        given = dict(zip(parameters, args[1:]), **kwargs)
        if name != "set_retry_jitter" and any(isinstance(v, float) for v in given.values()):
            raise TypeError(f"{name}() takes microseconds, as an int")
        if cls is Grelmicro.Lease:
            _use_lease(args[0], _get_task())
        if name.endswith("_async") and not given.get("callback") and asyncio._get_running_loop():
            inputs = [given[parameter] for parameter in parameters[:-3]]
            return _schedule(args[0], name[:-6], inputs, given.get("cancellable"))
        try:
            result = method(*args, **kwargs)
        except GLib.Error as error:
            raise _translated(error, args[0] if args else None) from None
        if after is not None:
            after(args[0])
        return result

    call.__name__, call.__doc__, call.raw = name, raw.__doc__, raw
    setattr(cls, name, call if raw.is_method() else staticmethod(call))


def _passing_exceptions(raw):
    """A method that runs a function, and raises what the function raises."""

    def call(*args):
        raised = []

        def passing(function):
            def run(*run_args):
                try:
                    return function(*run_args) is not False
                except BaseException as error:
                    raised.append(error)
                    return False

            return run

        result = raw(*(passing(arg) if callable(arg) else arg for arg in args))
        if raised:
            raise raised.pop()
        return result

    return call


def _guarded(function):
    """A function that is given a task, which fails if the function raises."""

    @functools.wraps(function)
    def call(*args):
        try:
            return function(*args)
        except BaseException as error:
            task = next((arg for arg in args if isinstance(arg, Gio.Task)), None)
            if task is None or task.get_completed() or task.had_error():
                raise
            task.return_error(_for_c(error))
            if not isinstance(error, Exception):
                raise

    return call


# Calls from asyncio


class _Pushed:
    """A context that is thread-default for a while."""

    def __init__(self, context):
        self.context = context

    def __enter__(self):
        self.context.push_thread_default()

    def __exit__(self, *exc_info):
        self.context.pop_thread_default()


_answer_contexts = weakref.WeakKeyDictionary()  # of each asyncio loop that isn't GLib's


def _get_glib_context(loop):
    """The context that the loop runs, None if it doesn't."""
    context = getattr(loop, "_context", None)  # in gbulb as well as in gi.events
    return context if isinstance(context, GLib.MainContext) else None


def _get_answer_context(loop):
    """The context in which answers to calls from this loop arrive."""
    context = _get_glib_context(loop) or _answer_contexts.get(loop)
    if context is None:
        flags = GLib.MainContextFlags.OWNERLESS_POLLING
        context = _answer_contexts[loop] = GLib.MainContext.new_with_flags(flags)
        loop.add_reader(Grelmicro.main_context_get_fd(context), _dispatch, context)
    return context


def _dispatch(context):
    while context.iteration(False):
        pass


class _Answer:
    """What an asyncio task waits for."""

    def __init__(self, source, cancellable=None):
        self.source = source
        self.cancellable = Gio.Cancellable() if cancellable is None else cancellable
        self.loop = asyncio.get_running_loop()
        self.future = self.loop.create_future()
        self.value = self.error = None
        self.has_arrived = self.is_unwanted = False

    def ask(self, operation, *args):
        finish = _raw(self.source, operation + "_finish")

        def ready(source, result, *user_data):
            try:
                self.arrive(finish(source, result))
            except GLib.Error as error:
                self.arrive(None, error)

        with _Pushed(_get_answer_context(self.loop)):
            start = _raw(self.source, operation + "_async")
            start(self.source, *args, self.cancellable, ready)
        return self

    def arrive(self, value, error=None):
        self.has_arrived = True
        if not self.is_unwanted:
            self.value, self.error = value, error
        if not self.future.done():
            self.future.set_result(None)

    async def wait(self, can_cancel=True):
        """Returns or raises the answer.

        A task that is cancelled waits for the answer all the same: it comes at once if the call can
        be cancelled, and what was won in that instant is given back by being dropped.
        """
        cancelled = None
        while not self.has_arrived:
            try:
                await self.future
            except asyncio.CancelledError as error:
                cancelled = error
                self.future = self.loop.create_future()
                if can_cancel:
                    self.cancellable.cancel()
            except BaseException:  # the coroutine is closed: nobody is there to take the answer
                self.is_unwanted = True
                self.cancellable.cancel()
                raise
        value, self.value = self.value, None
        if cancelled is not None:
            value = None
            raise cancelled
        if self.error is not None:
            raise _translated(self.error, self.source) from None
        return value


def _ask(source, operation, *args):
    return _Answer(source).ask(operation, *args).wait()


def _schedule(source, operation, args, cancellable):
    """What an *_async method returns on an asyncio loop, if it was given no callback."""
    if operation in ("open", "close"):
        return asyncio.ensure_future({"open": _open, "close": _close}[operation](source))
    answer = _Answer(source, cancellable).ask(operation, *args)
    task = asyncio.ensure_future(answer.wait())
    # A task that is cancelled before its first step never gets to wait ().
    task.add_done_callback(lambda task: task.cancelled() and answer.cancellable.cancel())
    return task


# Open and close


class _Runner(threading.Thread):
    """Runs a context for what was opened on a loop that runs none."""

    def __init__(self, answer):
        super().__init__(name="grelmicro", daemon=True)
        self.answer = answer
        self.context = GLib.MainContext()
        self.loop = GLib.MainLoop(self.context)

    def run(self):
        owner = self.answer.source
        with _Pushed(self.context):
            _raw(owner, "open_async")(owner, None, self.opened)
            self.loop.run()
            _dispatch(self.context)

    def opened(self, owner, result):
        answer, self.answer, error = self.answer, None, None
        try:
            _raw(owner, "open_finish")(owner, result)
        except GLib.Error as glib_error:
            error = glib_error
            self.loop.quit()
        answer.loop.call_soon_threadsafe(answer.arrive, None, error)


class _Opened:
    """What is to know of an app or backend that was opened on an asyncio loop."""

    def __init__(self, owner, context, runner):
        self.owner = owner
        self.context = context
        self.runner = runner
        self.thread = threading.current_thread()
        self.outer = _current.get()
        self.twins = weakref.WeakKeyDictionary()  # see _bind()


_current = contextvars.ContextVar("grelmicro", default=None)  # of the asyncio task
_opened = {}  # by owner
_is_open_in_thread = {}  # by owner, for all that may be open: see _close_at_exit()
_lifecycle_hooks = {
    "open_finish": lambda owner: _is_open_in_thread.setdefault(owner, False),
    "open_in_thread": lambda owner: _is_open_in_thread.update({owner: True}),
    "close_finish": lambda owner: _is_open_in_thread.pop(owner, None),
    "close_from_thread": lambda owner: _is_open_in_thread.pop(owner, None),
}


async def _open(owner):
    answer = _Answer(owner)
    context, runner = _get_glib_context(answer.loop), None
    if context is not None:
        answer.ask("open")
    else:
        runner = _Runner(answer)
        runner.start()
        context = runner.context
    try:
        await answer.wait(can_cancel=False)
    except asyncio.CancelledError:
        if answer.error is None:
            await _shut(owner, runner)
        raise
    _is_open_in_thread[owner] = runner is not None
    _opened[owner] = _Opened(owner, context, runner)
    return _opened[owner]


async def _shut(owner, runner):
    try:
        await _Answer(owner).ask("close").wait(can_cancel=False)
    finally:
        if runner is not None:
            runner.loop.quit()


async def _close(owner):
    opened = _opened.pop(owner, None)
    _is_open_in_thread.pop(owner, None)
    await _shut(owner, opened and opened.runner)


@_add_to(Grelmicro.App)
@_add_to(Grelmicro.Backend)
class _Openable:
    async def __aenter__(self):
        opened = await _open(self)
        if isinstance(self, Grelmicro.App):
            _current.set(opened)
        return self

    async def __aexit__(self, exc_type, error, traceback):
        opened = _opened.get(self)
        if opened is not None and _current.get() is opened:
            _current.set(opened.outer)
        try:
            await _close(self)
        except ClosedError:
            pass  # the program has closed it already
        except GLib.Error:
            if error is None:
                raise


@_add_to(Grelmicro.App)
class _App:
    """App (uri=None, *, uses=(), environment=None, patience=None, clock=None)"""

    def __init__(self, uri=None, *, uses=(), environment=None, patience=None, clock=None):
        GObject.Object.__init__(self, environment=environment, clock=clock)
        if environment not in (None, "development", "test", "staging", "production"):
            raise SettingsError("app: environment: no such environment")
        if patience is not None:
            self.set_patience(_microseconds("patience", patience))
            if self.get_patience() <= 0:
                raise SettingsError("app: patience: must be more than 0")
        if uri is not None:
            self.use(Grelmicro.Provider.new_for_uri(uri), None)
        for entry in uses:
            name, component = entry if isinstance(entry, tuple) else (None, entry)
            if component is not None:
                self.use(component, name)

    @contextlib.contextmanager
    def in_thread(self):
        """Opens the app on a thread of its own, for programs without a loop."""
        self.open_in_thread()
        try:
            yield self
        except BaseException:
            with contextlib.suppress(GLib.Error):
                self._close_from_here()
            raise
        with contextlib.suppress(ClosedError):
            self._close_from_here()

    def _close_from_here(self):
        _is_open_in_thread.pop(self, None)
        _block(self, None, "close")


@_add_to(Grelmicro.Backend)
@_add_to(Grelmicro.Operation)
@_add_to(Grelmicro.Provider)
class _Derivable:
    def __init_subclass__(cls, **kwargs):
        super(GObject.Object, cls).__init_subclass__(**kwargs)
        for name, member in list(vars(cls).items()):
            if name.startswith("do_") and isinstance(member, types.FunctionType):
                setattr(cls, name, _guarded(member))


@atexit.register
def _close_at_exit():
    """Closes what is still open; no thread of the library calls into Python after that."""
    runners = [opened.runner for opened in _opened.values() if opened.runner is not None]
    for owner, is_open_in_thread in list(_is_open_in_thread.items()):
        with contextlib.suppress(GLib.Error):
            if is_open_in_thread:
                _raw(owner, "close_from_thread")(owner, None)
            elif owner.get_is_open():
                # Its loop may never run again, and what else waits there is none of ours: what was
                # granted ends here and now, and a connection ends with the process.
                _raw(owner, "close_async")(owner, None, None)
    for runner in runners:
        runner.loop.quit()
        runner.join(1)


# Calls from a thread

# These decide on the spot, so that asking them never blocks.
_IMMEDIATE_BACKENDS = (Grelmicro.MemoryLockAdapter,)


def _block(source, lock, operation, *args):
    """Calls a *_from_thread method of source, which is about lock, unless that might never end."""
    thread = threading.current_thread()
    is_main = thread is threading.main_thread()
    ask = functools.partial(_raw(source, operation + "_from_thread"), source, *args)
    try:
        if not is_main and not _has_opened(thread):
            return ask(None)
        backend = lock and _find_backend(lock)
        if backend and backend.get_is_open():
            _refuse_own_loop(source, backend, thread)
        if not is_main:
            return ask(None)
        if isinstance(backend, _IMMEDIATE_BACKENDS):
            if operation != "acquire" or args == (0,):
                return ask(None)
            with contextlib.suppress(WouldBlockError):
                return source.acquire_from_thread(0, None)
        return _ask_interruptibly(ask)
    except GLib.Error as error:
        raise _translated(error, source) from None


def _has_opened(thread):
    return any(opened.thread is thread for opened in tuple(_opened.values()))


def _refuse_own_loop(source, backend, thread):
    """On the thread of the loop that opened it, a task may hold what the call would wait for."""
    context = backend.ref_main_context()
    loops = [opened.context for opened in tuple(_opened.values()) if opened.thread is thread]
    if context is not None and (context.is_owner() or context in loops):
        raise DeadlockError(
            f"“{source.get_name()}”: a from_thread call on the thread of the loop that opened its"
            " backend might wait for itself; await it here, or call from a worker thread",
            source.get_name(),
        )


def _ask_interruptibly(ask):
    """Asks on another thread: signal handlers run on the main one, and not while it is in C."""
    cancellable = Gio.Cancellable()
    answers = queue.SimpleQueue()

    def run():
        try:
            answers.put((ask(cancellable), None))
        except BaseException as error:
            answers.put((None, error))

    try:
        threading.Thread(target=run, name="grelmicro", daemon=True).start()
        value, error = answers.get()
    except BaseException:
        # What may have been won is given back by being dropped, if need be along with the queue.
        cancellable.cancel()
        with contextlib.suppress(queue.Empty):
            answers.get(timeout=1)
        raise
    if error is not None:
        raise error
    return value


# Locks

_held = weakref.WeakValueDictionary()  # the last lease by (backend, name)
_blocks = weakref.WeakKeyDictionary()  # [(lock, lease)] by asyncio task


def _bind(lock):
    """A lock like this one in the app of the current asyncio task; itself if it has its own."""
    opened = _current.get()
    if opened is None or lock.get_backend() or lock.get_app():
        return lock
    twin = opened.twins.get(lock)
    if twin is None:
        twin = opened.twins[lock] = Grelmicro.Lock.new(lock.get_name())
        twin.set_app(opened.owner)
        for pspec in Grelmicro.Lock.list_properties():
            if pspec.name not in ("name", "backend", "app"):
                flags = GObject.BindingFlags.SYNC_CREATE
                lock.bind_property(pspec.name, twin, pspec.name, flags)
    return twin


def _find_backend(lock):
    """The backend that the lock is going to use, None if it won't find one."""
    backend = lock.get_backend()
    if backend:
        return backend
    app = lock.get_app() or Grelmicro.App.dup_default()
    try:
        return app and app.get_backend(Grelmicro.LockBackend, None)
    except NotRegisteredError:
        return None


def _refuse_nested(lock, backend, holder):
    lease = _held.get((backend, lock.get_name()))
    if lease and lease._holder and lease._holder() is holder and lease.is_valid():
        raise ReentrantError(
            f"lock “{lock.get_name()}”: the caller holds it already", lock.get_name()
        )


def _hold(lease, backend, holder):
    """Remembers who must not ask again for as long as the lease is valid."""
    lease._holder = weakref.ref(holder)
    _held[backend, lease.get_name()] = lease


def _use_lease(lease, user):
    """A lease that another uses as well is nobody's any more."""
    holder = getattr(lease, "_holder", None)
    if holder and holder() is not user:
        lease._holder = None


def _get_task():
    return asyncio.current_task() if asyncio._get_running_loop() else None


@_add_to(Grelmicro.Lock)
class _Lock:
    """Lock (name, *, lease_duration=60.0, …): durations are seconds"""

    def __init__(
        self,
        name,
        *,
        lease_duration=60.0,
        retry_interval=0.1,
        retry_jitter=0.1,
        auto_extend=True,
        max_hold_duration=None,
        backend=None,
        app=None,
    ):
        if not isinstance(name, str):
            raise TypeError(f"name: must be a str, not {type(name).__name__}")
        GObject.Object.__init__(
            self,
            name=name if name.isascii() and "\0" not in name else "",  # neither gets through to C
            lease_duration=_microseconds("lease_duration", lease_duration),
            retry_interval=_microseconds("retry_interval", retry_interval),
            retry_jitter=retry_jitter,
            auto_extend=auto_extend,
            max_hold_duration=_microseconds("max_hold_duration", max_hold_duration or 0),
            backend=_never_opened,
            app=app,
        )
        # The settings are judged at each use, and before the backend is asked.
        with contextlib.suppress(NotOpenError):
            self.is_locked_from_thread(None)
        self.set_backend(backend)

    async def acquire(self, timeout=None):
        """Waits for the lock for so many seconds, None for ever, and returns the Lease."""
        span = _timeout(timeout)
        lock, task = _bind(self), asyncio.current_task()
        with _Pushed(_get_answer_context(asyncio.get_running_loop())):
            backend = _find_backend(lock)
        _refuse_nested(lock, backend, task)
        lease = await _ask(lock, "acquire", span)
        _hold(lease, backend, task)
        lease._lock = lock
        return lease

    async def is_locked(self):
        """Whether anybody holds the lock."""
        return await _ask(_bind(self), "is_locked")

    async def __aenter__(self):
        lease = await self.acquire()
        _blocks.setdefault(asyncio.current_task(), []).append((self, lease))
        return lease

    async def __aexit__(self, exc_type, error, traceback):
        entered = _blocks.get(asyncio.current_task(), [])
        index = max((i for i, (lock, _) in enumerate(entered) if lock is self), default=None)
        if index is None:
            raise RuntimeError("left in another task than it was entered in")
        _, lease = entered.pop(index)
        try:
            await lease.release()
        except GLib.Error:
            if error is None:
                raise

    @property
    def from_thread(self):
        """The same calls, to be made on a thread: they block."""
        return _LockFromThread(self)


class _LockFromThread:
    """A lock as seen from a thread."""

    def __init__(self, lock):
        self._lock = lock
        self._entered = collections.defaultdict(list)  # leases by thread

    def acquire(self, timeout=None):
        """Waits for the lock for so many seconds, None for ever, and returns the Lease."""
        span = _timeout(timeout)
        lock, thread = _bind(self._lock), threading.current_thread()
        if thread is not threading.main_thread():
            lease = _block(lock, lock, "acquire", span)
        else:
            # Elsewhere C knows the thread; this one may ask through others.
            backend = _find_backend(lock)
            _refuse_nested(lock, backend, thread)
            lease = _block(lock, lock, "acquire", span)
            _hold(lease, backend, thread)
        lease._lock = lock
        return lease

    def is_locked(self):
        """Whether anybody holds the lock."""
        lock = _bind(self._lock)
        return _block(lock, lock, "is_locked")

    def __enter__(self):
        lease = self.acquire()
        self._entered[threading.get_ident()].append(lease)
        return lease

    def __exit__(self, exc_type, error, traceback):
        lease = self._entered[threading.get_ident()].pop()
        try:
            lease.from_thread.release()
        except GLib.Error:
            if error is None:
                raise


@_add_to(Grelmicro.Lease)
class _Lease:
    async def extend(self):
        """Lets the lease run for the lock's lease duration from now on."""
        _use_lease(self, asyncio.current_task())
        await _ask(self, "extend")

    async def release(self):
        """Releases the lock."""
        _use_lease(self, asyncio.current_task())
        await _ask(self, "release")

    @property
    def from_thread(self):
        """The same calls, to be made on a thread: they block."""
        return _LeaseFromThread(self)


class _LeaseFromThread:
    """A lease as seen from a thread."""

    def __init__(self, lease):
        self._lease = lease

    def extend(self):
        """Lets the lease run for the lock's lease duration from now on."""
        self._ask("extend")

    def release(self):
        """Releases the lock."""
        self._ask("release")

    def _ask(self, operation):
        _use_lease(self._lease, threading.current_thread())
        _block(self._lease, getattr(self._lease, "_lock", None), operation)


# All the rest

for _class_name in dir(Grelmicro):
    _class = getattr(Grelmicro, _class_name)
    for _name, _info in list(vars(_class).items()) if isinstance(_class, type) else ():
        if hasattr(_info, "can_throw_gerror") and not _name.startswith(("do_", "new")):
            if _info.get_arguments() or _info.can_throw_gerror():
                _wrap(_class, _name)

_wrap(Grelmicro.App, "new_for_uri")
_wrap(Grelmicro.Provider, "new_for_uri")

_new_operation = Grelmicro.Operation.new
Grelmicro.Operation.new = staticmethod(lambda func, *data: _new_operation(_guarded(func), *data))

_never_opened = Grelmicro.MemoryLockAdapter()
