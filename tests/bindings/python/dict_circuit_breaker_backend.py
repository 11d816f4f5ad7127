# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: grelmicro contributors
"""A circuit breaker backend written in Python: a full one, and as small as one can be."""

import gi

gi.require_version("Grelmicro", "1")
from gi.repository import Grelmicro

CLOSED, OPEN = Grelmicro.CircuitState.CLOSED, Grelmicro.CircuitState.OPEN
HALF_OPEN, FORCED_OPEN = Grelmicro.CircuitState.HALF_OPEN, Grelmicro.CircuitState.FORCED_OPEN
NONE, ERROR = Grelmicro.CircuitOutcome.NONE, Grelmicro.CircuitOutcome.ERROR

LIFETIME = 24 * 60 * 60 * 1_000_000  # of a circuit that nobody uses


class Circuit:
    def __init__(self, state=CLOSED, since=0, open_until=0):
        self.state, self.since, self.open_until = state, since, open_until
        self.errors = self.successes = 0
        self.probes = {}  # when they count as dead, by ticket


class DictCircuitBreakerBackend(Grelmicro.CircuitBreakerBackend):
    def __init__(self):
        super().__init__()
        self.circuits = {}
        self.last_ticket = 1

    def now(self):
        return self.get_clock().get_monotonic_time()

    def find(self, name):
        now, circuit = self.now(), self.circuits.get(name)
        if circuit is None or (
            circuit.state in (CLOSED, OPEN, HALF_OPEN)
            and max(circuit.used + LIFETIME, circuit.open_until) <= now
        ):
            circuit = self.circuits[name] = Circuit()
        circuit.used = now
        return circuit

    def enter(self, circuit, state, open_until=0):
        self.last_ticket += 1
        circuit.__init__(state, self.last_ticket, open_until)
        circuit.used = self.now()

    def tell(self, name, circuit):
        left = max(circuit.open_until - self.now(), 0)
        self.report(name, circuit.state, circuit.errors, circuit.successes, left)

    def admit(self, circuit, settings):
        now = self.now()
        if circuit.state == OPEN and circuit.open_until <= now:
            self.enter(circuit, HALF_OPEN)
        if circuit.state == OPEN:
            return now - circuit.open_until
        if circuit.state == HALF_OPEN:
            circuit.probes = {one: end for one, end in circuit.probes.items() if end > now}
            if len(circuit.probes) >= settings.half_open_capacity:
                return 0
            self.last_ticket += 1
            circuit.probes[self.last_ticket] = now + settings.reset_timeout
        return 0 if circuit.state == FORCED_OPEN else self.last_ticket

    def count(self, circuit, outcome, settings):
        if outcome == ERROR:
            circuit.errors, circuit.successes = circuit.errors + 1, 0
            if circuit.errors >= settings.error_threshold:
                self.enter(circuit, OPEN, self.now() + settings.reset_timeout)
        else:
            circuit.errors, circuit.successes = 0, circuit.successes + 1
            if circuit.state == HALF_OPEN and circuit.successes >= settings.success_threshold:
                self.enter(circuit, CLOSED)

    def do_get_scope(self):
        return Grelmicro.Scope.PROCESS

    def do_close(self, task):
        self.circuits.clear()
        task.return_boolean(True)

    def do_admit(self, name, settings, task):
        circuit = self.find(name)
        answer = self.admit(circuit, settings)
        self.tell(name, circuit)
        task.return_int(answer)

    def do_record(self, name, ticket, outcome, settings, task):
        circuit = self.find(name)
        is_current = ticket >= circuit.since and circuit.state in (CLOSED, HALF_OPEN)
        if circuit.state == HALF_OPEN:
            is_current = circuit.probes.pop(ticket, None) is not None
        counts = is_current and outcome != NONE
        if counts:
            self.count(circuit, outcome, settings)
        self.tell(name, circuit)
        task.return_boolean(counts)

    def do_set_state(self, name, state, cool_down, task):
        circuit = self.find(name)
        self.enter(circuit, state, self.now() + cool_down if state == OPEN else 0)
        self.tell(name, circuit)
        task.return_boolean(True)

    def do_get_state(self, name, task):
        circuit = self.find(name)
        self.tell(name, circuit)
        task.return_int(circuit.state)
