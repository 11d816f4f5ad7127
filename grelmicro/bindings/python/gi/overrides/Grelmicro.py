# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What Python adds to Grelmicro: await, with, exceptions, and seconds.

The introspected classes keep their methods, which take and give microseconds. The parts add those
that a Python program calls.
"""

from ._grelmicro import app, breaker, derivable, lock, methods, task_lock
from ._grelmicro.errors import *
from ._grelmicro.errors import __all__

methods.wrap_all()
