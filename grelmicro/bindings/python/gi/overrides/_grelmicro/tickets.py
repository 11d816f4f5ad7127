# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Calls through a circuit breaker that need no permit: its backend decides at once, and nobody sees
more of the call than how it ends."""

from gi.repository import GLib

from .current import in_current_app
from .errors import CircuitOpenError, translated
from .introspection import Grelmicro
from .permit import to_failure

_allow = Grelmicro.CircuitBreaker.allow
_record_success = Grelmicro.CircuitBreaker.record_success
_record_error = Grelmicro.CircuitBreaker.record_error


def take_ticket(breaker):
    """Returns a ticket, or raises CircuitOpenError; None if a permit has to be asked for, which
    tells what else is wrong as well."""
    try:
        return in_current_app(_allow, breaker)[1]
    except GLib.Error as error:
        if error.domain != CircuitOpenError.domain or error.code != CircuitOpenError.code:
            return None
        raise translated(error, breaker) from None


def record_success(breaker, ticket):
    _record_success(breaker, ticket)


def record_exception(breaker, ticket, error):
    failure = to_failure(breaker, error)
    if failure is None:
        _record_success(breaker, ticket)
    else:
        _record_error(breaker, ticket, failure)
