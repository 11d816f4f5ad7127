# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What the tests of circuit breakers share."""

import functools

from dict_circuit_breaker_backend import DictCircuitBreakerBackend
from helpers import LOOPS, Grelmicro, run_on

BACKENDS = (Grelmicro.MemoryCircuitBreakerAdapter, DictCircuitBreakerBackend)


def in_every_app(test):
    """Runs a test on every loop, with a backend that answers at once and one that doesn't."""

    async def run(self, backend):
        clock = Grelmicro.VirtualClock()
        async with Grelmicro.App(uses=[backend], clock=clock):
            await test(self, clock)

    @functools.wraps(test)
    def run_all(self):
        for name, make_loop in LOOPS.items():
            for make_backend in BACKENDS:
                with self.subTest(loop=name, backend=make_backend.__name__):
                    run_on(make_loop, run(self, make_backend()))

    return run_all


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
