# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""The shop of c/shop.c in Python: two routes sell from one stock, under one lock."""

import argparse
import asyncio
import json
import signal
import time

import gbulb
import gi

gi.require_version("Grelmicro", "1")
gi.require_version("Soup", "3.0")
from gi.repository import Gio, Grelmicro, Soup

MOMENT = 0.002  # what a sale takes, in seconds


class SoldOutError(Exception):
    pass


STATUSES = {
    SoldOutError: 409,
    Grelmicro.LockTimeoutError: 503,
    Grelmicro.NotOwnedError: 503,
    Grelmicro.BackendError: 503,
    Grelmicro.ClosedError: 503,
}


class Shop:
    def __init__(self, stock):
        self.stock = stock  # changes under the lock only
        self.lock = Grelmicro.Lock("stock")
        self.server = Soup.Server()
        self.server.add_handler(None, self.serve)
        self.service = Gio.SocketService()  # not Soup's own listener; c/shop.c says why
        self.service.connect("incoming", self.accept)

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
        if self.stock == 0:
            raise SoldOutError("Sold out")
        return self.stock - 1

    def write_stock(self, lease, left):
        if not lease.is_valid():
            raise Grelmicro.NotOwnedError("The lock was lost")
        self.stock = left
        return {"left": left, "token": lease.get_fencing_token()}

    async def find_answer(self, route):
        if route == "POST /sell/async":
            return 200, await self.sell()
        if route == "POST /sell/thread":
            return 200, await asyncio.to_thread(self.sell_from_thread)
        if route == "GET /stock":
            return 200, {"left": self.stock}
        return 404, {"error": "No such route"}

    async def answer(self, message, path):
        finished = asyncio.Event()
        message.connect("finished", lambda message: finished.set())
        try:
            status, content = await self.find_answer(f"{message.get_method()} {path}")
        except Exception as error:
            status, content = STATUSES.get(type(error), 500), {"error": str(error)}
        message.get_response_headers().replace("Connection", "close")
        if status == 503:
            message.get_response_headers().replace("Retry-After", "1")
        message.set_status(status)
        message.set_response("application/json", Soup.MemoryUse.COPY, json.dumps(content).encode())
        message.unpause()
        await finished.wait()

    def serve(self, server, message, path, query):
        message.pause()
        self.requests.create_task(self.answer(message, path))

    def accept(self, service, connection, source):
        here, there = connection.get_local_address(), connection.get_remote_address()
        self.server.accept_iostream(connection, here, there)

    async def run(self, port):
        closing = asyncio.Event()
        for number in signal.SIGINT, signal.SIGTERM:
            asyncio.get_running_loop().add_signal_handler(number, closing.set)

        address = Gio.InetSocketAddress.new_from_string("127.0.0.1", port)
        kind = Gio.SocketType.STREAM, Gio.SocketProtocol.TCP
        self.service.set_backlog(256)
        _, address = self.service.add_address(address, *kind, None)
        uri = f"http://127.0.0.1:{address.get_port()}"
        print(f"Listening on {uri}; try\n  curl -X POST {uri}/sell/async")
        print(f"  curl -X POST {uri}/sell/thread\n  curl {uri}/stock", flush=True)

        async with asyncio.TaskGroup() as self.requests:  # all are answered when it ends
            await closing.wait()
            self.service.stop()


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--stock", type=int, default=100)
    options = parser.parse_args()
    async with Grelmicro.App():
        await Shop(options.stock).run(options.port)


gbulb.install()
asyncio.run(main())
