# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors

import pickle
import unittest

from gi.repository import Gio, GLib
from helpers import Grelmicro, in_thread, memory_app, on_every_loop

CODES = {
    "NOT_OPEN": "NotOpenError",
    "CLOSED": "ClosedError",
    "DEADLOCK": "DeadlockError",
    "LOOP_NOT_RUNNING": "LoopNotRunningError",
    "SETTINGS": "SettingsError",
    "NOT_REGISTERED": "NotRegisteredError",
    "AMBIGUOUS": "AmbiguousError",
    "SCOPE": "ScopeError",
    "BACKEND": "BackendError",
    "WOULD_BLOCK": "WouldBlockError",
    "TIMED_OUT": "LockTimeoutError",
    "REENTRANT": "ReentrantError",
    "NOT_OWNED": "NotOwnedError",
    "CIRCUIT_OPEN": "CircuitOpenError",
    "RATE_LIMITED": "RateLimitedError",
    "BULKHEAD_FULL": "BulkheadFullError",
    "DEADLINE_EXCEEDED": "DeadlineExceededError",
}


class Errors(unittest.TestCase):
    def test_every_code_has_a_class(self):
        for code, name in CODES.items():
            with self.subTest(code=code):
                error = getattr(Grelmicro, name)("text", "cart", 1.5)
                self.assertIsInstance(error, Grelmicro.GrelError)
                self.assertIsInstance(error, GLib.Error)
                self.assertEqual(error.code, getattr(Grelmicro.Error, code))
                quark = Grelmicro.Error.quark()
                self.assertTrue(error.matches(quark, getattr(Grelmicro.Error, code)))
                self.assertEqual(error.matches(quark, Grelmicro.Error.CLOSED), code == "CLOSED")

    def test_every_code_is_known(self):
        codes = [name for name in vars(Grelmicro.Error) if name.isupper()]
        self.assertEqual(sorted(codes), sorted(CODES))

    def test_an_error_says_what_it_is_about(self):
        error = Grelmicro.CircuitOpenError("text", "payment", 1.5)
        self.assertEqual((str(error), error.name, error.retry_after), ("text", "payment", 1.5))
        self.assertEqual(repr(error), "CircuitOpenError('text')")
        error = Grelmicro.NotOpenError("text")
        self.assertEqual((error.name, error.retry_after), (None, 0.0))

    def test_an_error_survives_pickling(self):
        error = pickle.loads(pickle.dumps(Grelmicro.WouldBlockError("text", "cart", 2.0)))
        self.assertIs(type(error), Grelmicro.WouldBlockError)
        self.assertEqual((error.message, error.name, error.retry_after), ("text", "cart", 2.0))

    def test_the_library_takes_them_for_its_own(self):
        self.assertTrue(Grelmicro.error_is_refusal(Grelmicro.WouldBlockError("text")))
        self.assertFalse(Grelmicro.error_is_outcome(Grelmicro.DeadlockError("text")))

    def test_calls_from_a_thread_raise_them(self):
        lock = Grelmicro.Lock("cart", backend=Grelmicro.MemoryLockAdapter())
        for call in (lock.from_thread.acquire, lock.from_thread.is_locked):
            for where in (in_thread, lambda call: call()):
                with self.assertRaisesRegex(Grelmicro.NotOpenError, "cart") as caught:
                    where(call)
                self.assertEqual(caught.exception.name, "cart")

    @on_every_loop
    async def test_awaited_calls_raise_them(self):
        lock = Grelmicro.Lock("cart", backend=Grelmicro.MemoryLockAdapter())
        for call in (lock.acquire, lock.is_locked):
            with self.assertRaisesRegex(Grelmicro.NotOpenError, "cart") as caught:
                await call()
            self.assertEqual(caught.exception.name, "cart")

    def test_introspected_methods_raise_them(self):
        app = Grelmicro.App()
        with self.assertRaises(Grelmicro.NotRegisteredError):
            Grelmicro.App.new_for_uri("nosuchstore:")
        with self.assertRaises(Grelmicro.NotRegisteredError):
            Grelmicro.Provider.new_for_uri("nosuchstore:")
        with self.assertRaises(Grelmicro.NotRegisteredError):
            app.get_backend(Grelmicro.LockBackend, "other")
        with self.assertRaises(Grelmicro.SettingsError):
            app.use(Gio.Cancellable(), None)
        with self.assertRaises(Grelmicro.NotOpenError):
            app.close_from_thread(None)
        with self.assertRaises(Grelmicro.NotOpenError):
            Grelmicro.Lock("cart", app=app).acquire_from_thread(0, None)

    def test_an_error_of_an_app_has_no_name(self):
        with self.assertRaises(Grelmicro.NotOpenError) as caught:
            Grelmicro.App().close_from_thread(None)
        self.assertIsNone(caught.exception.name)

    def test_errors_of_others_stay_what_they_are(self):
        cancellable = Gio.Cancellable()
        cancellable.cancel()
        with memory_app().in_thread():
            with self.assertRaises(GLib.Error) as caught:
                Grelmicro.Lock("cart").acquire_from_thread(0, cancellable)
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))
        self.assertNotIsInstance(caught.exception, Grelmicro.GrelError)

    def test_no_error_carries_a_rejected_value(self):
        with self.assertRaises(Grelmicro.SettingsError) as caught:
            Grelmicro.Lock("my secret")
        self.assertNotIn("secret", str(caught.exception))
        self.assertIsNone(caught.exception.name)
        with self.assertRaises(Grelmicro.SettingsError) as caught:
            Grelmicro.App(environment="my secret")
        self.assertNotIn("secret", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
