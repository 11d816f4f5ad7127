# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What Python adds to Grelmicro: await, with, exceptions, and seconds.

The introspected classes keep their methods, which take and give microseconds. Below they get those
that a Python program calls: see _App, _Openable, _Lock and _Lease.
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
    """An error of this library: NotOpenError, … for each code of Grelmicro.Error.

    name is that of the lock or other primitive, if it is about one. It makes sense to try again
    after retry_after seconds; 0.0 if that isn't known.
    """

    domain = GLib.quark_to_string(Grelmicro.Error.quark())
    code = -1

    def __init__(self, message="", name=None, retry_after=0.0):
        super().__init__(message, self.domain, self.code)
        self.name = name
        self.retry_after = retry_after

    def __str__(self):
        return self.message

    def __repr__(self):
        return f"{type(self).__name__}({self.message!r})"


_error_classes = {}  # by code


def _new_error_class(name, code):
    __all__.append(name)
    cls = type(name, (GrelError,), {"code": int(code), "__module__": __name__})
    return _error_classes.setdefault(cls.code, cls)


NotOpenError = _new_error_class("NotOpenError", Grelmicro.Error.NOT_OPEN)
ClosedError = _new_error_class("ClosedError", Grelmicro.Error.CLOSED)
DeadlockError = _new_error_class("DeadlockError", Grelmicro.Error.DEADLOCK)
LoopNotRunningError = _new_error_class("LoopNotRunningError", Grelmicro.Error.LOOP_NOT_RUNNING)
SettingsError = _new_error_class("SettingsError", Grelmicro.Error.SETTINGS)
NotRegisteredError = _new_error_class("NotRegisteredError", Grelmicro.Error.NOT_REGISTERED)
AmbiguousError = _new_error_class("AmbiguousError", Grelmicro.Error.AMBIGUOUS)
ScopeError = _new_error_class("ScopeError", Grelmicro.Error.SCOPE)
BackendError = _new_error_class("BackendError", Grelmicro.Error.BACKEND)
WouldBlockError = _new_error_class("WouldBlockError", Grelmicro.Error.WOULD_BLOCK)
LockTimeoutError = _new_error_class("LockTimeoutError", Grelmicro.Error.TIMED_OUT)
ReentrantError = _new_error_class("ReentrantError", Grelmicro.Error.REENTRANT)
NotOwnedError = _new_error_class("NotOwnedError", Grelmicro.Error.NOT_OWNED)
CircuitOpenError = _new_error_class("CircuitOpenError", Grelmicro.Error.CIRCUIT_OPEN)
RateLimitedError = _new_error_class("RateLimitedError", Grelmicro.Error.RATE_LIMITED)
BulkheadFullError = _new_error_class("BulkheadFullError", Grelmicro.Error.BULKHEAD_FULL)
DeadlineExceededError = _new_error_class("DeadlineExceededError", Grelmicro.Error.DEADLINE_EXCEEDED)


def _translated(error, source=None):
    """What to raise for an error that a method of source raised."""
    if getattr(error, "domain", None) != GrelError.domain or isinstance(error, GrelError):
        return error
    name = source.get_name() if hasattr(source, "get_name") else None
    if f"“{name}”" not in error.message:
        name = None  # the error is about something else, or the name is what is wrong
    return _error_classes[error.code](error.message, name)


# Seconds


def _number(what, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what}: must be a number, not {type(value).__name__}")
    if not isinstance(value, int) and not math.isfinite(value):
        raise SettingsError(f"{what}: must be finite")
    return value


def _microseconds(what, seconds):
    """Seconds as the library counts them: what is more than 0 never becomes 0."""
    span = round(_number(what, seconds) * 1_000_000) or (seconds > 0) - (seconds < 0)
    return max(GLib.MININT64, min(span, GLib.MAXINT64))


def _timeout(seconds):
    span = -1 if seconds is None else _microseconds("timeout", seconds)
    if span < 0 and seconds is not None:
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


def _wrap(cls, name):
    """Lets an introspected method raise our exceptions, and refuse seconds for microseconds."""
    raw = getattr(cls, name)
    method = _raising(raw) if name == "run_from_thread" else raw
    parameters = [argument.get_name() for argument in raw.get_arguments()]
    done = _lifecycle.get(name)

    def call(*args, **kwargs):
        given = dict(zip(parameters, args[1:]), **kwargs)
        if name != "set_retry_jitter" and any(isinstance(v, float) for v in given.values()):
            raise TypeError(f"{name}() takes microseconds, as an int")
        in_loop = asyncio._get_running_loop() is not None
        if cls is Grelmicro.Lease and name.endswith("_async"):
            _use_lease(args[0], asyncio.current_task() if in_loop else None)
        elif cls is Grelmicro.Lease and name.endswith("_from_thread"):
            _use_lease(args[0], threading.current_thread())
        if name.endswith("_async") and in_loop and not given.get("callback"):
            inputs = [given[parameter] for parameter in parameters[:-3]]
            return _schedule(args[0], name[:-6], inputs, given.get("cancellable"))
        try:
            result = method(*args, **kwargs)
        except GLib.Error as error:
            raise _translated(error, args[0] if args else None) from None
        if done:
            done(args[0])
        return result

    call.__name__, call.__doc__, call.raw = name, raw.__doc__, raw
    setattr(cls, name, call if raw.is_method() else staticmethod(call))


def _raw(source, name):
    """An introspected method as it was before _wrap()."""
    return getattr(type(source), name).raw


def _raising(raw):
    """A method that runs a function, and raises what that raises."""

    def call(*args):
        index = next(i for i, arg in enumerate(args) if callable(arg))
        raised = []

        def run(*run_args):
            try:
                return args[index](*run_args) is not False
            except BaseException as error:
                raised.append(error)
                return False

        result = raw(*args[:index], run, *args[index + 1 :])
        if raised:
            raise raised.pop()
        return result

    return call


def _failing(function):
    """A function that is given a task, and lets that fail with what it raises."""

    @functools.wraps(function)
    def call(*args):
        try:
            return function(*args)
        except BaseException as error:
            task = next((arg for arg in args if isinstance(arg, Gio.Task)), None)
            if task is None or task.get_completed() or task.had_error():
                raise
            if not isinstance(error, GLib.Error):
                error = BackendError(f"{type(error).__name__}: {error}")
            task.return_error(error)
            if not isinstance(error, Exception):
                raise

    return call


@_add_to(Grelmicro.Backend)
@_add_to(Grelmicro.Operation)
@_add_to(Grelmicro.Provider)
class _Derivable:
    def __init_subclass__(cls, **kwargs):
        super(GObject.Object, cls).__init_subclass__(**kwargs)
        for name, member in list(vars(cls).items()):
            if name.startswith("do_") and isinstance(member, types.FunctionType):
                setattr(cls, name, _failing(member))


# Calls from asyncio

_answer_contexts = weakref.WeakKeyDictionary()  # by asyncio loop, unless that runs a context


def _get_context(loop):
    """The context that the loop runs, None if it is no loop of GLib's."""
    context = getattr(loop, "_context", None)  # in gbulb as well as in gi.events
    return context if isinstance(context, GLib.MainContext) else None


def _get_answer_context(loop):
    """The context in which answers to calls from this loop arrive."""
    context = _get_context(loop) or _answer_contexts.get(loop)
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
        self.cancellable = cancellable or Gio.Cancellable()
        self.loop = asyncio.get_running_loop()
        self.future = self.loop.create_future()
        self.value = self.error = None
        self.has_arrived = self.is_unwanted = False

    def ask(self, operation, *args):
        finish = _raw(self.source, operation + "_finish")

        def ready(source, result, *user_data):
            try:
                self.arrive(finish(source, result))
            except BaseException as error:  # an interrupt of this very function, too
                self.arrive(None, error)

        context = _get_answer_context(self.loop)
        context.push_thread_default()
        try:
            _raw(self.source, operation + "_async")(self.source, *args, self.cancellable, ready)
        finally:
            context.pop_thread_default()
        return self

    def arrive(self, value, error=None):
        self.has_arrived = True
        if not self.is_unwanted:
            self.value, self.error = value, error
        if not self.future.done():
            self.future.set_result(None)

    async def wait(self, can_cancel=True):
        """Returns or raises the answer.

        A task that is cancelled waits for it all the same: it comes at once from what can be
        cancelled. What was won in that instant is given back by being dropped.
        """
        try:
            await self.future
        except asyncio.CancelledError:
            if can_cancel:
                self.cancellable.cancel()
            while not self.has_arrived:
                self.future = self.loop.create_future()
                with contextlib.suppress(asyncio.CancelledError):
                    await self.future
            self.value = None
            raise
        finally:
            self.is_unwanted = True
            if not self.has_arrived:  # the coroutine was closed
                self.cancellable.cancel()
        if self.error is not None:
            raise _translated(self.error, self.source) from None
        return self.value


def _ask(source, operation, *args):
    return _Answer(source).ask(operation, *args).wait()


def _schedule(source, operation, args, cancellable):
    """What a *_async method without a callback returns to asyncio."""
    if operation in ("open", "close"):
        return asyncio.ensure_future({"open": _open, "close": _close}[operation](source))
    answer = _Answer(source, cancellable).ask(operation, *args)
    task = asyncio.ensure_future(answer.wait())
    # One that is cancelled before its first step never comes to wait().
    task.add_done_callback(lambda task: task.cancelled() and answer.cancellable.cancel())
    return task


# Open and close


class _Runner(threading.Thread):
    """Runs a context for what is opened on a loop that has none."""

    def __init__(self, answer):
        super().__init__(name="grelmicro", daemon=True)
        self.answer = answer
        self.context = GLib.MainContext()
        self.loop = GLib.MainLoop(self.context)

    def run(self):
        owner = self.answer.source
        self.context.push_thread_default()
        _raw(owner, "open_async")(owner, None, self.opened)
        self.loop.run()
        _dispatch(self.context)
        self.context.pop_thread_default()

    def opened(self, owner, result):
        answer, self.answer, error = self.answer, None, None
        try:
            _raw(owner, "open_finish")(owner, result)
        except GLib.Error as glib_error:
            error = glib_error
            self.loop.quit()
        answer.loop.call_soon_threadsafe(answer.arrive, None, error)


_current = contextvars.ContextVar("grelmicro", default=None)  # the app of the asyncio task
_Opened = collections.namedtuple("_Opened", "owner context runner thread outer twins")
_opened = {}  # by owner, what was opened on an asyncio loop
_has_thread = {}  # by owner: whether what is open runs on a thread of the library
_lifecycle = {
    "open_finish": lambda owner: _has_thread.setdefault(owner, False),
    "open_in_thread": lambda owner: _has_thread.update({owner: True}),
    "close_finish": lambda owner: _has_thread.pop(owner, None),
    "close_from_thread": lambda owner: _has_thread.pop(owner, None),
}


async def _open(owner):
    answer = _Answer(owner)
    context, runner = _get_context(answer.loop), None
    if context is not None:
        answer.ask("open")
    else:
        runner = _Runner(answer)
        runner.start()
        context = runner.context
    if not owner.get_is_open():
        _has_thread[owner] = runner is not None
    try:
        await answer.wait(can_cancel=False)
    except asyncio.CancelledError:
        if answer.error is None:
            await _close(owner, runner)
        raise
    finally:
        if answer.error is not None and not owner.get_is_open():
            _has_thread.pop(owner, None)
    thread, twins = threading.current_thread(), weakref.WeakKeyDictionary()
    _opened[owner] = _Opened(owner, context, runner, thread, _current.get(), twins)


async def _close(owner, runner=None):
    if owner in _opened:
        runner = _opened.pop(owner).runner
    _has_thread.pop(owner, None)
    try:
        await _Answer(owner).ask("close").wait(can_cancel=False)
    finally:
        if runner is not None:
            runner.loop.quit()


@_add_to(Grelmicro.App)
@_add_to(Grelmicro.Backend)
class _Openable:
    async def __aenter__(self):
        await _open(self)
        if isinstance(self, Grelmicro.App):
            _current.set(_opened[self])
        return self

    async def __aexit__(self, exc_type, error, traceback):
        opened = _current.get()
        if opened is not None and opened.owner is self:
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
    def __init__(self, uri=None, *, uses=(), environment=None, patience=None, clock=None):
        """uses: providers, backends, and pairs of a name and one of these. patience: seconds."""
        if environment not in (None, "development", "test", "staging", "production"):
            raise SettingsError("app: environment: there is no such environment")
        span = 1 if patience is None else _microseconds("patience", patience)
        if span <= 0:
            raise SettingsError("app: patience: must be more than 0")
        GObject.Object.__init__(self, environment=environment, clock=clock)
        if patience is not None:
            self.set_patience(span)
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
                _block(self, None, "close")
            raise
        with contextlib.suppress(ClosedError):  # the program has closed it already
            _block(self, None, "close")


@atexit.register
def _close_at_exit():
    """Closes what is still open: no thread of the library calls into Python after that."""
    runners = [opened.runner for opened in _opened.values() if opened.runner is not None]
    for owner, has_thread in list(_has_thread.items()):
        with contextlib.suppress(GLib.Error):
            if has_thread:
                _raw(owner, "close_from_thread")(owner, None)
            else:
                # What was granted ends at once. The rest would need a loop that nobody may run any
                # more, and to iterate it here would run what else waits there.
                _raw(owner, "close_async")(owner, None, None)
    for runner in runners:
        if runner.is_alive():  # it isn't after a fork
            runner.loop.quit()
            runner.join(1)


# Calls from a thread


def _block(source, lock, operation, *args):
    """Calls a *_from_thread method, if that can end, and on the main thread so that Ctrl-C can."""
    thread = threading.current_thread()
    is_main = thread is threading.main_thread()
    ask = functools.partial(_raw(source, operation + "_from_thread"), source, *args)
    try:
        if not is_main and all(opened.thread is not thread for opened in list(_opened.values())):
            return ask(None)
        backend = lock and _find_backend(lock)
        if backend is not None and backend.get_is_open():
            _refuse_own_loop(lock, backend, thread)
        if not is_main or (lock is not None and backend is None):
            return ask(None)
        # What these decide they decide on the spot: asking them never blocks.
        if isinstance(backend, Grelmicro.MemoryLockAdapter):
            if operation != "acquire" or args == (0,):
                return ask(None)
            with contextlib.suppress(WouldBlockError):
                return source.acquire_from_thread(0, None)
        return _ask_interruptibly(ask)
    except GLib.Error as error:
        raise _translated(error, source) from None


def _ask_interruptibly(ask):
    """Asks on another thread, since the main one runs no signal handlers while it is in C."""
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
        cancellable.cancel()
        with contextlib.suppress(queue.Empty):
            answers.get(timeout=1)  # what it may have won is given back by being dropped
        raise
    if error is not None:
        raise error
    return value


def _refuse_own_loop(lock, backend, thread):
    """On the thread of the loop that opened it, a task may hold what would be waited for."""
    context = backend.ref_main_context()
    own = [opened.context for opened in list(_opened.values()) if opened.thread is thread]
    if context is not None and (context.is_owner() or context in own):
        text = (
            f"lock “{lock.get_name()}”: a from_thread call on the thread of the loop that opened "
            "the backend might wait for itself; await it here, or call from a worker thread"
        )
        raise DeadlockError(text, lock.get_name())


# Locks

# No attributes on the leases themselves: PyGObject would then finalize them, which takes a mutex,
# without letting go of the interpreter.
_origins = weakref.WeakKeyDictionary()  # [lock, weak reference to the holder] by lease
_held = weakref.WeakValueDictionary()  # the last lease by (backend, name)
_entered = weakref.WeakKeyDictionary()  # [(lock, lease)] by asyncio task


def _bind(lock):
    """The lock, or one like it on the backend that the app of the current asyncio task uses."""
    opened = _current.get()
    if opened is None or lock.get_backend() is not None or lock.get_app() is not None:
        return lock
    twin = opened.twins.get(lock)
    if twin is None:
        twin = opened.twins[lock] = Grelmicro.Lock.new(lock.get_name())
        twin.set_app(opened.owner)
        twin.set_backend(_find_backend(twin))
        for pspec in Grelmicro.Lock.list_properties():
            if pspec.name not in ("name", "backend", "app"):
                flags = GObject.BindingFlags.SYNC_CREATE
                lock.bind_property(pspec.name, twin, pspec.name, flags)
    return twin


def _find_backend(lock):
    """The backend that the lock is going to use, None if it won't find one."""
    backend = lock.get_backend()
    app = None if backend else lock.get_app() or Grelmicro.App.dup_default()
    try:
        return app.get_backend(Grelmicro.LockBackend, None) if app else backend
    except NotRegisteredError:
        return None


def _refuse_nested(lock, backend, caller):
    lease = _held.get((backend, lock.get_name()))
    holder = _origins[lease][1] if lease is not None and lease.is_valid() else None
    if holder is not None and holder() is caller:
        text = f"lock “{lock.get_name()}”: whoever asks holds it already"
        raise ReentrantError(text, lock.get_name())


def _hold(lease, lock, backend, holder):
    """Remembers who must not ask again for as long as the lease is valid."""
    _origins[lease] = [lock, weakref.ref(holder)]
    _held[backend, lease.get_name()] = lease


def _use_lease(lease, user):
    """A lease that another uses, too, marks nobody any more."""
    origin = _origins.get(lease)
    if origin is not None and origin[1] is not None and origin[1]() is not user:
        origin[1] = None


@_add_to(Grelmicro.Lock)
class _Lock:
    def __init__(
        self, name, *, lease_duration=60.0, retry_interval=0.1, retry_jitter=0.1,
        auto_extend=True, max_hold_duration=None, backend=None, app=None
    ):  # fmt: skip
        """Durations are seconds, and a max_hold_duration of None is no bound."""
        if not isinstance(name, str):
            raise TypeError(f"name: must be a str, not {type(name).__name__}")
        max_hold_duration = 0 if max_hold_duration is None else max_hold_duration
        GObject.Object.__init__(
            self,
            name=name if name.isascii() and "\0" not in name else "",  # C would not see all of it
            lease_duration=_microseconds("lease_duration", lease_duration),
            retry_interval=_microseconds("retry_interval", retry_interval),
            retry_jitter=_number("retry_jitter", retry_jitter),
            auto_extend=auto_extend,
            max_hold_duration=_microseconds("max_hold_duration", max_hold_duration),
            backend=_never_opened,
            app=app,
        )
        with contextlib.suppress(NotOpenError):  # the settings are judged first
            self.is_locked_from_thread(None)
        self.set_backend(backend)

    async def acquire(self, timeout=None):
        """Waits for the lock, so many seconds or for ever, and returns the Lease."""
        span, task = _timeout(timeout), asyncio.current_task()
        lock = _bind(self)
        backend = _find_backend(lock)
        _refuse_nested(lock, backend, task)
        lease = await _ask(lock, "acquire", span)
        _hold(lease, lock, backend, task)
        return lease

    async def is_locked(self):
        """Whether anybody holds the lock."""
        return await _ask(_bind(self), "is_locked")

    async def __aenter__(self):
        lease = await self.acquire()
        _entered.setdefault(asyncio.current_task(), []).append((self, lease))
        return lease

    async def __aexit__(self, exc_type, error, traceback):
        entered = _entered.get(asyncio.current_task(), [])
        index = max((i for i, (lock, _) in enumerate(entered) if lock is self), default=None)
        if index is None:
            raise RuntimeError("a lock is left in the asyncio task that entered it")
        try:
            await entered.pop(index)[1].release()
        except GLib.Error:
            if error is None:
                raise

    @property
    def from_thread(self):
        """The calls that block, for worker threads."""
        return _LockFromThread(self)


class _LockFromThread:
    def __init__(self, lock):
        self._lock = lock
        self._entered = collections.defaultdict(list)  # leases by thread

    def acquire(self, timeout=None):
        """Waits for the lock, so many seconds or for ever, and returns the Lease."""
        span, thread = _timeout(timeout), threading.current_thread()
        lock = _bind(self._lock)
        if thread is not threading.main_thread():  # C knows who asks
            lease = _block(lock, lock, "acquire", span)
            _origins[lease] = [lock, None]
        else:
            backend = _find_backend(lock)
            _refuse_nested(lock, backend, thread)
            lease = _block(lock, lock, "acquire", span)
            _hold(lease, lock, backend, thread)
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
        await self._ask("extend")

    async def release(self):
        """Releases the lock."""
        await self._ask("release")

    async def _ask(self, operation):
        _use_lease(self, asyncio.current_task())
        await _ask(self, operation)

    @property
    def from_thread(self):
        """The calls that block, for worker threads."""
        return _LeaseFromThread(self)


class _LeaseFromThread:
    def __init__(self, lease):
        self._lease = lease

    def extend(self):
        """Lets the lease run for the lock's lease duration from now on."""
        self._ask("extend")

    def release(self):
        """Releases the lock."""
        self._ask("release")

    def _ask(self, operation):
        origin = _origins.get(self._lease)
        if origin is None:  # it came from an introspected method: C judges alone
            getattr(self._lease, operation + "_from_thread")(None)
        else:
            _use_lease(self._lease, threading.current_thread())
            _block(self._lease, origin[0], operation)


# The finish

for _class in [getattr(Grelmicro, _name) for _name in dir(Grelmicro)]:
    for _name, _info in list(vars(_class).items()) if isinstance(_class, type) else ():
        if hasattr(_info, "can_throw_gerror") and not _name.startswith("do_") and _name != "new":
            if _info.can_throw_gerror() or _info.get_arguments():
                _wrap(_class, _name)

_new_operation = Grelmicro.Operation.new
Grelmicro.Operation.new = staticmethod(lambda func, *data: _new_operation(_failing(func), *data))

_never_opened = Grelmicro.MemoryLockAdapter()
