# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""The shop of c/shop.c in Python: it sells from one stock under one lock, and its customers pay at
one bank through one circuit breaker.
"""

import argparse
import asyncio
import math
import os
import signal
import time

import gbulb
import gi

gi.require_version("Grelmicro", "1")
gi.require_version("Soup", "3.0")
from gi.repository import Grelmicro
from shop_bank import Bank
from shop_http import Server
from shop_payment import BankError, BankTimeoutError, PaymentClient
from shop_stock import FileStock, MemoryStock, StaleTokenError

MOMENT = 0.002  # what a sale takes, in seconds
CATALOGUE_MOMENT = 0.2  # what a catalogue takes to make
LEASE = 2  # how long others wait for a shop that died with the lock, in seconds

catalogue = Grelmicro.TTLCache(ttl=60.0, lock=Grelmicro.CacheLock.FLEET, serializer=Grelmicro.JSON)


class SoldOutError(Exception):
    pass


STATUSES = {
    SoldOutError: 409,
    StaleTokenError: 503,
    BankError: 502,
    BankTimeoutError: 504,
    Grelmicro.CircuitOpenError: 503,
    Grelmicro.LockTimeoutError: 503,
    Grelmicro.NotOwnedError: 503,
    Grelmicro.BackendError: 503,
    Grelmicro.ClosedError: 503,
}

USAGE = """Listening on {shop}; try
  curl -X POST {shop}/sell/async
  curl -X POST {shop}/sell/thread
  curl {shop}/stock
  curl -i -X POST {shop}/pay/async
  curl -i -X POST {shop}/pay/thread
  curl {shop}/breaker
  curl {shop}/catalogue/async
  curl {shop}/catalogue/thread
and have the bank fail and recover
  curl -X POST '{bank}/bank?mode=down'
  curl -X POST '{bank}/bank?mode=slow'
  curl -X POST '{bank}/bank?mode=up'"""


def answer_error(error):
    status = STATUSES.get(type(error), 500)
    headers = {}
    if status == 503:  # only an open circuit knows when to come back; a second is a guess
        seconds = math.ceil(getattr(error, "retry_after", 0))
        headers["Retry-After"] = str(max(seconds, 1))
    return status, {"error": str(error)}, headers


class Shop:
    def __init__(self, stock):
        self.stock = stock  # changes under the lock only
        self.edition = 0  # of the catalogue
        self.lock = Grelmicro.Lock("stock", lease_duration=LEASE)
        self.bank = Bank()
        self.server = Server(self.find_answer)

    async def sell(self):
        """A sale on the event loop."""
        async with self.lock as lease:
            left = self.read_stock()
            await asyncio.sleep(MOMENT)
            return self.write_stock(lease, left)

    def sell_from_thread(self):
        """The same sale on a worker thread."""
        with self.lock.from_thread as lease:
            left = self.read_stock()
            time.sleep(MOMENT)
            return self.write_stock(lease, left)

    def read_stock(self):
        left = self.stock.read()
        if left == 0:
            raise SoldOutError("Sold out")
        return left - 1

    def write_stock(self, lease, left):
        if not lease.is_valid():
            raise Grelmicro.NotOwnedError("The lock was lost")
        token = lease.get_fencing_token()
        self.stock.write(left, token)
        return {"left": left, "token": token}

    def new_edition(self):
        self.edition += 1
        return {"edition": self.edition, "maker": os.getpid(), "items": ["apples"]}

    @Grelmicro.cached(catalogue, key="catalogue")
    async def make_catalogue(self):
        """What takes a while to make is made once for all who ask, by whichever way, in whichever
        shop that shares a server."""
        await asyncio.sleep(CATALOGUE_MOMENT)
        return self.new_edition()

    @Grelmicro.cached(catalogue, key="catalogue")
    def make_catalogue_from_thread(self):
        time.sleep(CATALOGUE_MOMENT)
        return self.new_edition()

    async def follow(self, route):
        if route == "POST /sell/async":
            return await self.sell()
        if route == "POST /sell/thread":
            return await asyncio.to_thread(self.sell_from_thread)
        if route == "POST /pay/async":
            return await self.payments.pay()
        if route == "POST /pay/thread":
            return await asyncio.to_thread(self.payments.pay_from_thread)
        if route == "GET /stock":
            return {"left": self.stock.read()}
        if route == "GET /catalogue/async":
            return await self.make_catalogue()
        if route == "GET /catalogue/thread":
            return await asyncio.to_thread(self.make_catalogue_from_thread)
        if route == "GET /breaker":
            return self.payments.breaker.metrics()
        return None

    async def find_answer(self, route, query):
        try:
            content = await self.follow(route)
        except Exception as error:
            return answer_error(error)
        if content is None:
            return 404, {"error": "No such route"}, {}
        return 200, content, {}

    async def run(self, port, reset_timeout):
        closing = asyncio.Event()
        for number in signal.SIGINT, signal.SIGTERM:
            asyncio.get_running_loop().add_signal_handler(number, closing.set)

        bank = self.bank.server.listen(0)
        self.payments = PaymentClient(bank, reset_timeout)
        print(USAGE.format(shop=self.server.listen(port), bank=bank), flush=True)
        await closing.wait()
        await self.server.close()


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--stock", type=int, default=100)
    parser.add_argument("--stock-file", help="where several shops keep the stock that they share")
    parser.add_argument("--reset-timeout", type=float, default=10.0)
    options = parser.parse_args()
    stock = MemoryStock(options.stock)
    if options.stock_file:
        stock = FileStock(options.stock_file, options.stock)
    async with Grelmicro.App():
        await Shop(stock).run(options.port, options.reset_timeout)


gbulb.install()
asyncio.run(main())
