# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What Python adds to Grelmicro: await, with, exceptions, and seconds.

The introspected classes keep their methods, which take and give microseconds. The parts add those
that a Python program calls.
"""

from ._grelmicro import app, breaker, cache, derivable, lock, methods, task_lock
from ._grelmicro.cached import cached
from ._grelmicro.errors import *
from ._grelmicro.errors import __all__ as _errors
from ._grelmicro.serializers import JSON

__all__ = [*_errors, "JSON", "cached"]

methods.wrap_all()
