# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""What there is to sell: in the memory of one shop, or in a file that several shops share.

The file stands for a database, and holds "LEFT TOKEN". A database compares the token and writes in
one step; here flock() makes it one.
"""

import contextlib
import fcntl
import os

SIZE = 32


class StaleTokenError(Exception):
    """Somebody else has sold since."""


class MemoryStock:
    def __init__(self, left):
        self.left = left

    def read(self):
        return self.left

    def write(self, left, token):
        self.left = left


class FileStock:
    def __init__(self, path, left):
        self.path, self.initial = path, left

    @contextlib.contextmanager
    def entered(self):
        """A file descriptor that nobody else has meanwhile."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield fd
        finally:
            os.close(fd)

    def load(self, fd):
        record = os.pread(fd, SIZE, 0)  # a file that is empty is a new one
        return map(int, record.split()) if record else (self.initial, 0)

    def read(self):
        with self.entered() as fd:
            left, _ = self.load(fd)
            return left

    def write(self, left, token):
        """Refuses a token older than the last: the lease ended on the way to the file."""
        with self.entered() as fd:
            _, last = self.load(fd)
            if token < last:
                raise StaleTokenError("Somebody else has sold since")
            os.pwrite(fd, f"{left:10} {token:20}\n".encode(), 0)
