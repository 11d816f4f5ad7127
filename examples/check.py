#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""check.py COMMAND…: starts a shop, has more customers come at once than it has pieces, and has its
bank fail and recover while customers pay.

Exits with 0 if every customer got an answer, no piece was sold twice, an open circuit spared the
bank and its customers, payments worked again after the reset timeout, and the shop gave its file
descriptors back and closed as it should.
"""

import collections
import concurrent.futures
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

SELL = ("/sell/async", "/sell/thread")
CATALOGUE = ("/catalogue/async", "/catalogue/thread")
PAY = ("/pay/async", "/pay/thread")
BUYERS = 200
READERS = 40  # of the catalogue
STOCK = 100
PAYERS = 20
RESET_TIMEOUT = 2  # seconds; longer than the shop waits for its bank
SPARE_DESCRIPTORS = 10  # what a service may have opened meanwhile for itself
DEADLINE = 120  # seconds, for everything

SALES = {"sold": (200,), "sold out": (409,), "refused": (503,)}
PAYMENTS = {"paid": (200,), "failed": (502, 504), "refused": (503,)}

Answer = collections.namedtuple("Answer", "route status seconds retry_after")


def wait_until(condition, seconds=20):
    """Whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def request(address, method, path):
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


class Shop:
    """A shop that is running, and its bank."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        threading.Thread(target=self.read_output, daemon=True).start()
        wait_until(lambda: self.find(r"(mode=up)") or process.poll() is not None)
        self.address = self.find(r"Listening on http://([\w.:]+)")
        self.bank = self.find(r"http://([\w.:]+)/bank")

    def read_output(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def find(self, pattern):
        matches = (re.search(pattern, line) for line in self.lines)
        return next((match[1] for match in matches if match), None)

    def get_transitions(self):
        """The states of the circuit that the shop told of, in pairs: before and after."""
        matches = (re.match(r"circuit payment: (\S+) -> (\S+)", line) for line in self.lines)
        return [match.groups() for match in matches if match]

    def get_state(self):
        return json.loads(request(self.address, "GET", "/breaker")[2])["state"]

    def get_left(self):
        return json.loads(request(self.address, "GET", "/stock")[2])["left"]

    def get_charges(self):
        return json.loads(request(self.bank, "GET", "/bank")[2])["charges"]

    def set_bank(self, mode):
        request(self.bank, "POST", f"/bank?mode={mode}")

    def count_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def visit(shop, route):
    """What one customer does, and what came of it; the status is the error's name if none came."""
    start = time.monotonic()
    try:
        status, headers, _ = request(shop.address, "POST", route)
    except (OSError, http.client.HTTPException) as error:
        status, headers = type(error).__name__, {}
    return Answer(route, status, time.monotonic() - start, headers.get("Retry-After"))


def visit_together(shop, routes, number):
    door = threading.Barrier(number)

    def enter(route):
        door.wait()
        return visit(shop, route)

    with concurrent.futures.ThreadPoolExecutor(number) as customers:
        visits = [customers.submit(enter, routes[i % len(routes)]) for i in range(number)]
        return [visit.result() for visit in visits]


def get_editions(shops):
    """The editions of the catalogue that customers get who ask at the same time, by every way."""
    door = threading.Barrier(READERS)
    ways = [(shop.address, route) for shop in shops for route in CATALOGUE]

    def ask(number):
        door.wait()
        address, route = ways[number % len(ways)]
        catalogue = json.loads(request(address, "GET", route)[2])
        return catalogue["maker"], catalogue["edition"]

    with concurrent.futures.ThreadPoolExecutor(READERS) as customers:
        return set(customers.map(ask, range(READERS)))


def find_catalogue_faults(*shops):
    editions = get_editions(shops)
    print(f"{READERS} readers got {len(editions)} edition(s) of the catalogue")
    if len(editions) != 1:
        yield f"the catalogue was made more than once: {sorted(editions)}"


def select(answers, statuses):
    return [answer for answer in answers if answer.status in statuses]


def print_table(answers, outcomes):
    print(f"{'route':14}{'requests':>10}", *(f"{name:>10}" for name in outcomes), f"{'slowest':>12}")
    for route in sorted({answer.route for answer in answers}):
        mine = [answer for answer in answers if answer.route == route]
        numbers = (f"{len(select(mine, statuses)):10}" for statuses in outcomes.values())
        slowest = max(answer.seconds for answer in mine)
        print(f"{route:14}{len(mine):10}", *numbers, f"{slowest * 1000:9.0f} ms")


def find_bad_answers(answers, outcomes):
    proper = sum(outcomes.values(), ())
    bad = collections.Counter(a.status for a in answers if a.status not in proper)
    if bad:
        yield f"not every customer got a proper answer: {dict(bad)}"


def find_sale_faults(shop):
    left = shop.get_left()
    answers = visit_together(shop, SELL, BUYERS)
    left -= shop.get_left()
    sold = len(select(answers, SALES["sold"]))

    print_table(answers, SALES)
    print(f"sold {sold} of {STOCK}, oversold {sold - left}")
    yield from find_bad_answers(answers, SALES)
    if sold != left or sold > STOCK:
        yield f"{sold} sales took {left} pieces from a stock of {STOCK}"


def find_opening_faults(failed, refused):
    """Customers failed with the bank, and the next ones came while the circuit was open."""
    if {answer.route for answer in select(refused, PAYMENTS["refused"])} != set(PAY):
        yield "an open circuit refused nobody on some route"
    if select(failed + refused, PAYMENTS["paid"]):
        yield "customers paid at a bank that failed"


def find_refusal_faults(answers):
    hints = collections.Counter(a.retry_after for a in select(answers, PAYMENTS["refused"]))
    if not set(hints).issubset(map(str, range(1, RESET_TIMEOUT + 1))):
        yield f"refusals have a wrong Retry-After: {dict(hints)}"


def find_delay_faults(failed, refused):
    """A customer who is refused doesn't wait for the bank."""
    delays = [answer.seconds for answer in select(failed, (504,))]
    waits = [answer.seconds for answer in select(refused, PAYMENTS["refused"])]
    if not delays or not waits:
        yield "nobody waited for the bank, or nobody was refused"
        return

    delay, wait = statistics.median(delays), statistics.median(waits)
    print(f"waited {delay * 1000:.0f} ms for the bank, {wait * 1000:.0f} ms to be refused")
    if wait > delay / 2:
        yield "refusals are slow"


def find_transition_faults(transitions):
    print(*(f"{before} -> {after}" for before, after in transitions), sep=", ")
    needed = {("closed", "open"), ("open", "half-open"), ("half-open", "closed")}
    if not needed.issubset(transitions):
        yield "the circuit did not open, try and close"
    states = ["closed", *(after for _, after in transitions)]
    if states[:-1] != [before for before, _ in transitions]:
        yield "the circuit skipped a state"


def return_as_told(shop, route):
    """What a customer does who is refused, and what came of the first attempt."""
    answer = visit(shop, route)
    if answer.retry_after:
        time.sleep(int(answer.retry_after))
    return answer


def find_payment_faults(shop, mode):
    charges, known = shop.get_charges(), len(shop.get_transitions())
    shop.set_bank(mode)
    failed = visit_together(shop, PAY, PAYERS)
    refused = visit_together(shop, PAY, PAYERS)
    shop.set_bank("up")
    early = return_as_told(shop, PAY[0])
    recovered = [visit(shop, route) for route in PAY] + visit_together(shop, PAY, PAYERS)

    answers = [*failed, *refused, early, *recovered]
    asked = len(answers) - len(select(answers, PAYMENTS["refused"]))
    print(f"the bank was {mode}, then up")
    print_table(answers, PAYMENTS)
    yield from find_bad_answers(answers, PAYMENTS)
    yield from find_opening_faults(failed, refused)
    yield from find_refusal_faults(answers)
    if mode == "slow":
        yield from find_delay_faults(failed, refused)
    if len(select(recovered, PAYMENTS["paid"])) != len(recovered):
        yield "not every customer could pay after the reset timeout"
    if not wait_until(lambda: shop.get_charges() == charges + asked):
        yield f"{asked} calls were let through, the bank got {shop.get_charges() - charges}"
    if not wait_until(lambda: shop.get_transitions()[known:][-1:] == [("half-open", "closed")]):
        yield f"the circuit is {shop.get_state()}"
    yield from find_transition_faults(shop.get_transitions()[known:])


def find_faults(shop):
    before = shop.count_descriptors()
    yield from find_sale_faults(shop)
    yield from find_catalogue_faults(shop)
    for mode in ("down", "slow"):
        yield from find_payment_faults(shop, mode)

    # Sockets are closed a moment after the client has its answer.
    allowed = before + SPARE_DESCRIPTORS
    given_back = wait_until(lambda: shop.count_descriptors() <= allowed)
    print(f"descriptors {before} -> {shop.count_descriptors()}")
    if not given_back:
        yield f"{shop.count_descriptors() - before} file descriptors are still open"


def check(process):
    shop = Shop(process)
    if not shop.address or not shop.bank:
        return ["the service did not start"]

    faults = list(find_faults(shop))
    process.send_signal(signal.SIGTERM)
    if process.wait() != 0:
        faults.append(f"the service ended with {process.returncode}")
    return faults


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0 if len(sys.argv) > 1 else 2)

    options = ["--port", "0", "--stock", str(STOCK), "--reset-timeout", str(RESET_TIMEOUT)]
    with subprocess.Popen(
        [*sys.argv[1:], *options],
        env={**os.environ, "G_DEBUG": "fatal-criticals"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
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
