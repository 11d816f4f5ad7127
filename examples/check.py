#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""check.py COMMAND…: starts a shop and has more customers come at once than it has pieces.

Exits with 0 if every customer got an answer, no piece was sold twice, and the shop gave its file
descriptors back and closed as it should.
"""

import collections
import concurrent.futures
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

ROUTES = ("/sell/async", "/sell/thread")
CUSTOMERS = 200
STOCK = 100
SPARE_DESCRIPTORS = 10  # what a service may have opened meanwhile for itself
DEADLINE = 120  # seconds, for everything

Answer = collections.namedtuple("Answer", "route status seconds")


def request(address, method, path):
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def get_left(address):
    return json.loads(request(address, "GET", "/stock")[1])["left"]


def buy(address, route, door):
    """What one customer does, and what came of it; the status is the error's name if none came."""
    door.wait()
    start = time.monotonic()
    try:
        status = request(address, "POST", route)[0]
    except (OSError, http.client.HTTPException) as error:
        status = type(error).__name__
    return Answer(route, status, time.monotonic() - start)


def buy_all(address):
    door = threading.Barrier(CUSTOMERS)
    with concurrent.futures.ThreadPoolExecutor(CUSTOMERS) as customers:
        visits = [
            customers.submit(buy, address, ROUTES[i % len(ROUTES)], door) for i in range(CUSTOMERS)
        ]
        return [visit.result() for visit in visits]


def count_descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def wait_for_descriptors(process, allowed):
    """Sockets are closed a moment after the client has its answer."""
    deadline = time.monotonic() + 10
    while count_descriptors(process) > allowed and time.monotonic() < deadline:
        time.sleep(0.05)
    return count_descriptors(process)


def print_table(answers):
    print(f"{'route':14}{'requests':>10}{'sold':>7}{'sold out':>10}{'refused':>9}{'slowest':>11}")
    for route in ROUTES:
        mine = [answer for answer in answers if answer.route == route]
        statuses = collections.Counter(answer.status for answer in mine)
        slowest = max(answer.seconds for answer in mine)
        print(
            f"{route:14}{len(mine):10}{statuses[200]:7}{statuses[409]:10}{statuses[503]:9}"
            f"{slowest * 1000:8.0f} ms"
        )


def find_faults(process, address):
    before = count_descriptors(process)
    left = get_left(address)
    answers = buy_all(address)
    left -= get_left(address)
    after = wait_for_descriptors(process, before + SPARE_DESCRIPTORS)

    sold = sum(answer.status == 200 for answer in answers)
    lost = collections.Counter(a.status for a in answers if a.status not in (200, 409, 503))
    print_table(answers)
    print(f"sold {sold} of {STOCK}, oversold {sold - left}; descriptors {before} -> {after}")

    if lost:
        yield f"not every customer got a proper answer: {dict(lost)}"
    if sold != left or sold > STOCK:
        yield f"{sold} sales took {left} pieces from a stock of {STOCK}"
    if after > before + SPARE_DESCRIPTORS:
        yield f"{after - before} file descriptors are still open"


def check(process):
    address = re.search(r"http://([\w.:]+)", process.stdout.readline())
    if not address:
        return ["the service did not start"]

    faults = list(find_faults(process, address[1]))
    process.send_signal(signal.SIGTERM)
    if process.wait() != 0:
        faults.append(f"the service ended with {process.returncode}")
    return faults


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0 if len(sys.argv) > 1 else 2)

    command = [*sys.argv[1:], "--port", "0", "--stock", str(STOCK)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:

        def stop(number, frame):
            process.kill()
            sys.exit(128 + number)

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        watchdog = threading.Timer(DEADLINE, process.kill)
        watchdog.start()
        try:
            faults = check(process)
        finally:
            watchdog.cancel()
            process.kill()

    print("\n".join(faults) or "all is well")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
