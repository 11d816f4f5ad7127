#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""check_fleet.py COMMAND…: starts two shops on a Redis server of their own. They show one
catalogue, and sell from one stock; while customers crowd into both, one of them is stopped for longer
than its lease with the lock in its hands, and killed with it later.

Exits with 0 if the catalogue was made once for both, no piece was sold twice, fencing tokens rose from
sale to sale, and the other shop went on each time, once the lease had run out.
"""

import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from check import SELL, Shop, find_catalogue_faults, request, wait_until

CUSTOMERS = 20
STOCK = 1500
SOLD_BEFORE = 50  # pieces, before something happens to a shop
DEADLINE = 120  # seconds, for everything
STILL = 0.2  # seconds with one holder, while a shop is stopped, that show that it is the holder
ATTEMPTS = 100

Sale = collections.namedtuple("Sale", "piece token shop")


class Redis:
    """A server that only those know who know its folder."""

    def __init__(self, folder):
        self.socket = os.path.join(folder, "redis.sock")
        self.uri = f"redis+unix://{self.socket}"
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        if not wait_until(lambda: self.ask("PING") == "PONG"):
            sys.exit("redis-server did not start")

    def ask(self, *words):
        command = ["redis-cli", "-s", self.socket, *words]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()


class Crowd:
    """Customers who buy until all is sold, each at a shop of their choice as long as it is there."""

    def __init__(self, shops):
        self.shops = shops
        self.sales = []
        self.refused = collections.Counter()
        self.unanswered = 0
        self.is_over = threading.Event()

    def buy(self, shop):
        try:
            status, _, body = request(shop.address, "POST", random.choice(SELL))
        except (OSError, http.client.HTTPException):
            self.unanswered += 1
            self.shops = [other for other in self.shops if other is not shop]
            return
        if status == 200:
            answer = json.loads(body)
            self.sales.append(Sale(answer["left"], answer["token"], shop.process.pid))
        elif status == 409:
            self.is_over.set()
        else:
            self.refused[status] += 1

    def visit(self, number):
        while self.shops and not self.is_over.is_set():
            self.buy(self.shops[number % len(self.shops)])


def holds_lock(redis):
    """Whether a shop that is stopped has the lock: the other would not keep it for so long."""
    holder = redis.ask("GET", "lock:stock")
    return holder and not wait_until(lambda: redis.ask("GET", "lock:stock") != holder, STILL)


def stop_with_lock(shop, redis):
    for _ in range(ATTEMPTS):
        shop.process.send_signal(signal.SIGSTOP)
        if holds_lock(redis):
            return True
        shop.process.send_signal(signal.SIGCONT)
        time.sleep(random.uniform(0, 0.05))
    return False


def find_sale_faults(crowd, left):
    sales = sorted(crowd.sales, reverse=True)  # the pieces are numbered down
    pieces = {sale.piece for sale in sales}
    tokens = [sale.token for sale in sales]
    untold = STOCK - left - len(sales)

    print(
        f"sold {len(sales)} of {STOCK}, {left} left, {untold} sold without an answer,",
        f"oversold {len(sales) - len(pieces)}",
    )
    if left > 0:
        yield "not everything was sold"
    if len(pieces) != len(sales):
        yield "a piece was sold twice"
    if any(before >= after for before, after in zip(tokens, tokens[1:])):
        yield "fencing tokens did not rise from sale to sale"
    if not 0 <= untold <= crowd.unanswered:
        yield f"{untold} sales are missing, {crowd.unanswered} customers got no answer"
    if set(crowd.refused) - {503}:
        yield f"not every customer got a proper answer: {dict(crowd.refused)}"


def find_stop_faults(crowd, victim, redis):
    """It is stopped with the lock, for longer than its lease."""
    known = len(crowd.sales)
    wait_until(lambda: len(crowd.sales) >= known + SOLD_BEFORE)
    if not stop_with_lock(victim, redis):
        yield "the shop that was stopped never had the lock"
    known = len(crowd.sales)
    print(f"one shop was stopped with the lock, after {known} sales")
    if not wait_until(lambda: len(crowd.sales) > known):
        yield "the other shop did not go on"


def find_faults(shops, redis):
    victim, survivor = shops
    crowd = Crowd(shops)
    with concurrent.futures.ThreadPoolExecutor(CUSTOMERS) as customers:
        visits = [customers.submit(crowd.visit, number) for number in range(CUSTOMERS)]
        yield from find_stop_faults(crowd, victim, redis)
        victim.process.send_signal(signal.SIGCONT)
        yield from find_stop_faults(crowd, victim, redis)
        victim.process.kill()
        for visit in visits:
            visit.result()

    yield from find_sale_faults(crowd, survivor.get_left())


def check(processes, redis):
    shops = [Shop(process) for process in processes]
    if not all(shop.address for shop in shops):
        return ["the services did not start"]

    faults = [*find_catalogue_faults(*shops), *find_faults(shops, redis)]
    processes[1].send_signal(signal.SIGTERM)
    if processes[1].wait() != 0:
        faults.append(f"the service ended with {processes[1].returncode}")
    return faults


def start(command, redis, stock_file):
    return subprocess.Popen(
        [*command, "--port", "0", "--stock", str(STOCK), "--stock-file", stock_file],
        env={**os.environ, "G_DEBUG": "fatal-criticals", "GREL_URL": redis.uri},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0 if len(sys.argv) > 1 else 2)

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        redis = Redis(folder)
        stack.callback(redis.process.kill)
        processes = []
        for _ in range(2):
            processes.append(start(sys.argv[1:], redis, os.path.join(folder, "stock")))
            stack.callback(processes[-1].kill)
        watchdog = threading.Timer(DEADLINE, lambda: [process.kill() for process in processes])
        watchdog.start()
        stack.callback(watchdog.cancel)
        faults = check(processes, redis)

    print("\n".join(faults) or "all is well")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
