# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""A Redis server of the test's own."""

import os
import socket
import subprocess
import tempfile
import time

from helpers import PATIENCE


class RedisServer:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.socket = os.path.join(self.folder.name, "redis.sock")
        self.start()

    def get_uri(self, **parameters):
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"redis+unix://{self.socket}?{query}"

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        give_up = time.monotonic() + PATIENCE
        while not self.answers():
            assert time.monotonic() < give_up, "redis-server does not start"

    def answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.socket)
                client.sendall(b"PING\r\n")
                return client.recv(7).startswith(b"+PONG")
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        self.folder.cleanup()
