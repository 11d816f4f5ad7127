# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""An HTTP server on a port of this host; why it is not Soup's own listener, c/shop-http.c says."""

import asyncio
import json

from gi.repository import Gio, Soup


class Server:
    def __init__(self, find_answer):
        """find_answer: takes a route and a query; returns a status, what to send, and headers."""
        self.find_answer = find_answer
        self.answers = set()  # tasks
        self.soup = Soup.Server()
        self.soup.add_handler(None, self.serve)
        self.service = Gio.SocketService()
        self.service.connect("incoming", self.accept)

    def listen(self, port):
        address = Gio.InetSocketAddress.new_from_string("127.0.0.1", port)
        kind = Gio.SocketType.STREAM, Gio.SocketProtocol.TCP
        self.service.set_backlog(256)
        _, address = self.service.add_address(address, *kind, None)
        return f"http://127.0.0.1:{address.get_port()}"

    def accept(self, service, connection, source):
        here, there = connection.get_local_address(), connection.get_remote_address()
        self.soup.accept_iostream(connection, here, there)

    def serve(self, soup, message, path, query):
        message.pause()
        task = asyncio.ensure_future(self.answer(message, path, query or {}))
        self.answers.add(task)
        task.add_done_callback(self.answers.discard)

    async def answer(self, message, path, query):
        finished = asyncio.Event()
        message.connect("finished", lambda message: finished.set())
        status, content, headers = await self.find_answer(f"{message.get_method()} {path}", query)
        for name, value in {"Connection": "close", **headers}.items():
            message.get_response_headers().replace(name, value)
        message.set_status(status)
        message.set_response("application/json", Soup.MemoryUse.COPY, json.dumps(content).encode())
        message.unpause()
        await finished.wait()

    async def close(self):
        """What was begun is answered first."""
        self.service.stop()
        while self.answers:
            await asyncio.wait(self.answers)
