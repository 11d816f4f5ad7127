# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What the tests of circuit breakers share."""

import helpers
from dict_circuit_breaker_backend import DictCircuitBreakerBackend
from helpers import Grelmicro

BACKENDS = (Grelmicro.MemoryCircuitBreakerAdapter, DictCircuitBreakerBackend)

# A backend that answers at once, and one that doesn't.
in_every_app = helpers.in_every_app(*BACKENDS)


def new_breaker(name="payment", **settings):
    return Grelmicro.CircuitBreaker(name, **settings)


def get_state(breaker):
    return breaker.get_state().value_nick


def get_counts(breaker):
    metrics = breaker.metrics()
    return metrics["successes"], metrics["errors"], metrics["active-calls"]


async def fail(breaker, error=None):
    """Lets a call fail that goes through the breaker."""
    error = OSError("no route") if error is None else error
    try:
        async with breaker:
            raise error
    except type(error) as caught:
        assert caught is error


async def open_(breaker):
    while get_state(breaker) != "open":
        await fail(breaker)


async def is_admitted(breaker):
    try:
        permit = await breaker.acquire()
    except Grelmicro.CircuitOpenError:
        return False
    permit.abandon()
    return True
