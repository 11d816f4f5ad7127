# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Python's numbers and the library's: microseconds for seconds."""

import math
import numbers

from gi.repository import GLib

from .errors import SettingsError


def number(what, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what}: must be a number, not {type(value).__name__}")
    if not isinstance(value, int) and not math.isfinite(value):
        raise SettingsError(f"{what}: must be finite")
    return value


def to_count(what, value):
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what}: must be an int, not {type(value).__name__}")
    if value < 0:
        raise SettingsError(f"{what}: must not be negative")
    return min(value, GLib.MAXUINT)


def to_microseconds(what, seconds):
    """Seconds as the library counts them: what is more than 0 never becomes 0."""
    span = round(number(what, seconds) * 1_000_000) or (seconds > 0) - (seconds < 0)
    return max(GLib.MININT64, min(span, GLib.MAXINT64))


def to_timeout(seconds):
    span = -1 if seconds is None else to_microseconds("timeout", seconds)
    if span < 0 and seconds is not None:
        raise SettingsError("timeout: must be 0 or more; None waits for ever")
    return span
