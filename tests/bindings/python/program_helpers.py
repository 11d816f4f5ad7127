# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Tests that run a program in a process of its own."""

import pathlib
import signal
import subprocess
import sys
import textwrap
import unittest

HERE = pathlib.Path(__file__).parent
PATIENCE = 60

PRELUDE = f"""
import asyncio, signal, sys, threading
sys.path.insert(0, {str(HERE)!r})
from dict_lock_backend import DictLockBackend
from helpers import *

lock = Grelmicro.Lock("cart")
"""


def start(program):
    return subprocess.Popen(
        [sys.executable, "-B", "-X", "faulthandler", "-c", PRELUDE + textwrap.dedent(program)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Program(unittest.TestCase):
    maxDiff = None

    def finish(self, process):
        try:
            output, errors = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            self.fail(f"it hangs: {process.communicate()}")
        return output, errors
