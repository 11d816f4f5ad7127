# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""Tests that run a program in a process of its own."""

import pathlib
import signal
import subprocess
import sys
import textwrap
import time
import unittest

HERE = pathlib.Path(__file__).parent
PATIENCE = 60
PROMPT = 10  # what is prompt on a slow machine; whatever waits for a loop in vain takes longer

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

    def check(self, program, status=0, output="", errors=""):
        """Runs a program that says when it is about to end."""
        process = start(program)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        lines = []
        for line in process.stdout:
            if line == "end\n":
                break
            lines.append(line)
        began = time.monotonic()
        _, actual_errors = self.finish(process)
        self.assertLess(time.monotonic() - began, PROMPT)
        if errors:
            self.assertRegex(actual_errors, errors)
        else:
            self.assertEqual(actual_errors, "")
        self.assertEqual(process.returncode, status)
        self.assertRegex("".join(lines), f"^{output}$")
