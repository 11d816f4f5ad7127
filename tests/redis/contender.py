# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""contender.py URI ROUNDS LEASE-MS HOLD-MS: what contender.c does, in Python."""

import sys
import time

import gi

gi.require_version("Grelmicro", "1")
from gi.repository import GLib, Grelmicro


def hold(lease, seconds):
    since = until = GLib.get_monotonic_time()
    if not lease.is_valid():
        return
    while until - since < seconds * 1e6 and lease.is_valid():
        until = GLib.get_monotonic_time()
        time.sleep(0.0001)
    if not lease.is_valid():
        until = min(until, lease.get_deadline())
    print(lease.get_fencing_token(), since, until, flush=True)


def main(uri, rounds, lease_ms, hold_ms):
    lock = Grelmicro.Lock("contended", lease_duration=int(lease_ms) / 1000)
    with Grelmicro.App(uri).in_thread():
        for _ in range(int(rounds)):
            with lock.from_thread as lease:
                hold(lease, int(hold_ms) / 1000)


main(*sys.argv[1:])
