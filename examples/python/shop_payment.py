# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Payments go to the bank through one circuit breaker, by two ways: on the event loop, and on a
worker thread. What either of them learns of the bank, both know.
"""

import asyncio
import json

from gi.repository import Gio, GLib, Grelmicro, Soup

# For how long the bank may be silent, in seconds. Without a timeout a call that hangs would never
# count as an error.
TIMEOUT = 1
CONNECTIONS = 256  # one for each customer who pays at a time


class BankError(Exception):
    pass


class BankTimeoutError(BankError):
    pass


def print_change(breaker, before, after, cause):
    states = f"{before.value_nick} -> {after.value_nick}"
    print(f"circuit {breaker.props.name}: {states} ({cause})", flush=True)


def read_receipt(message, receive):
    """The bank's receipt; or raises an error, which the breaker counts."""
    try:
        body = receive()
    except GLib.Error as error:
        timed_out = error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT)
        raise (BankTimeoutError if timed_out else BankError)(error.message) from error
    if message.get_status() != Soup.Status.OK:
        raise BankError(f"The bank answered {int(message.get_status())}")
    return json.loads(body.get_data())


class PaymentClient:
    def __init__(self, bank, reset_timeout):
        self.uri = f"{bank}/charge"
        self.breaker = Grelmicro.CircuitBreaker("payment", reset_timeout=reset_timeout)
        self.breaker.connect("state-changed", print_change)
        self.session = Soup.Session(  # sends from any thread
            timeout=TIMEOUT, max_conns=CONNECTIONS, max_conns_per_host=CONNECTIONS
        )

    async def pay(self):
        """A payment on the event loop."""
        message = Soup.Message.new("POST", self.uri)
        async with self.breaker:
            result = await self.send(message)
            return read_receipt(message, lambda: self.session.send_and_read_finish(result))

    def pay_from_thread(self):
        """The same payment on a worker thread."""
        message = Soup.Message.new("POST", self.uri)
        with self.breaker.from_thread:
            return read_receipt(message, lambda: self.session.send_and_read(message, None))

    async def send(self, message):
        sent = asyncio.get_running_loop().create_future()
        self.session.send_and_read_async(
            message, GLib.PRIORITY_DEFAULT, None, lambda session, result: sent.set_result(result)
        )
        return await sent
