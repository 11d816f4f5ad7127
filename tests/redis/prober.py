# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""prober.py URI RESET-MS: what `prober URI RESET-MS probe` does, in Python."""

import sys
import time

import gi

gi.require_version("Grelmicro", "1")
from gi.repository import GLib, Grelmicro

N_PROBES = 40


def main(uri, reset_ms):
    breaker = Grelmicro.CircuitBreaker(
        "probed",
        error_threshold=1,
        success_threshold=2**31 - 1,
        half_open_capacity=2,
        reset_timeout=int(reset_ms) / 1000,
    )
    n_left = N_PROBES
    with Grelmicro.App(uri).in_thread():
        while n_left > 0:
            try:
                with breaker.from_thread:
                    since = GLib.get_monotonic_time()
                    time.sleep(0.001)
                    print(since, GLib.get_monotonic_time(), flush=True)
                    n_left -= 1
            except Grelmicro.CircuitOpenError:
                time.sleep(0.0005)


main(*sys.argv[1:])
