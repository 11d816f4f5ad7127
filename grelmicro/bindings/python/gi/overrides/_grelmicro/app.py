# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Apps and backends: async with, and with … in_thread()."""

import contextlib

from gi.repository import GLib, GObject

from .current import enter_app, in_current_app, leave_app
from .errors import ClosedError, SettingsError
from .introspection import Grelmicro, add_to
from .lifecycle import close, open_
from .primitives import block
from .seconds import to_microseconds


@add_to(Grelmicro.App)
@add_to(Grelmicro.Backend)
class _Openable:
    async def __aenter__(self):
        await open_(self)
        if isinstance(self, Grelmicro.App):
            enter_app(self)
        return self

    async def __aexit__(self, exc_type, error, traceback):
        leave_app(self)
        try:
            await close(self)
        except ClosedError:
            pass  # the program has closed it already
        except GLib.Error:
            if error is None:
                raise


@add_to(Grelmicro.App)
class _App:
    def __init__(self, uri=None, *, uses=(), environment=None, patience=None, clock=None):
        """uses: providers, backends, and pairs of a name and one of these. patience: seconds."""
        if environment not in (None, "development", "test", "staging", "production"):
            raise SettingsError(
                "app: environment: must be development, test, staging or production"
            )
        span = 1 if patience is None else to_microseconds("patience", patience)
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
                block(self, None, "close")
            raise
        with contextlib.suppress(ClosedError):  # the program has closed it already
            block(self, None, "close")


_dup_default = Grelmicro.App.dup_default
Grelmicro.App.dup_default = staticmethod(lambda: in_current_app(_dup_default))
