# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""A bank that is down at first: the breaker spares it, and finds out when it is back."""

import asyncio
import itertools

import gi

gi.require_version("Grelmicro", "1")
from gi.repository import Grelmicro

payment = Grelmicro.CircuitBreaker(
    "payment", error_threshold=3, success_threshold=1, reset_timeout=0.2
)
attempts = itertools.count()


@payment
async def charge(amount):
    if next(attempts) < 3:
        raise ConnectionError("the bank does not answer")
    return f"charged {amount}"


async def pay(amount):
    while True:
        try:
            return await charge(amount)
        except Grelmicro.CircuitOpenError as error:
            print(error)
            await asyncio.sleep(error.retry_after)
        except ConnectionError as error:
            print(error)


async def main():
    payment.connect("state-changed", lambda *args: print("circuit:", args[-1]))
    async with Grelmicro.App():
        print(await pay(5))


asyncio.run(main())
