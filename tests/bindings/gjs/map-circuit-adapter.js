// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A circuit breaker backend written in JavaScript: a full one, and as small as one can be.

import GObject from 'gi://GObject';
import Grelmicro from 'gi://Grelmicro?version=1';

const {CLOSED, OPEN, HALF_OPEN, FORCED_OPEN, FORCED_CLOSED} = Grelmicro.CircuitState;
const DAY = Grelmicro.seconds(24 * 60 * 60);

export const MapCircuitAdapter = GObject.registerClass(
class MapCircuitAdapter extends Grelmicro.CircuitBreakerBackend {
    circuits = new Map();
    lastTicket = 1;

    get now() {
        return this.get_clock().get_monotonic_time();
    }

    lookUp(name) {
        const circuit = this.circuits.get(name);
        if (!circuit || circuit.lapsesAt <= this.now)
            this.enter(name, CLOSED);
        return this.circuits.get(name);
    }

    // since: tickets before this one count nothing; probes: when each ticket's slot is free again
    enter(name, state, coolDown = 0) {
        const isForced = state === FORCED_OPEN || state === FORCED_CLOSED;
        this.circuits.set(name, {
            state, errors: 0, successes: 0, openUntil: this.now + coolDown,
            lapsesAt: isForced ? Infinity : this.now + Math.max(DAY, 10 * coolDown),
            since: ++this.lastTicket, probes: new Map(),
        });
    }

    tell(name) {
        const {state, errors, successes, openUntil} = this.lookUp(name);
        const retryAfter = state === OPEN ? Math.max(openUntil - this.now, 0) : 0;
        this.report(name, state, errors, successes, retryAfter);
    }

    admitProbe({probes}, {half_open_capacity: capacity, reset_timeout: resetTimeout}) {
        for (const [ticket, expiresAt] of probes) {
            if (expiresAt <= this.now)
                probes.delete(ticket);
        }
        if (probes.size >= capacity)
            return 0;
        probes.set(++this.lastTicket, this.now + resetTimeout);
        return this.lastTicket;
    }

    admit(name, settings) {
        if (this.lookUp(name).state === OPEN && this.lookUp(name).openUntil <= this.now)
            this.enter(name, HALF_OPEN);
        const circuit = this.lookUp(name);
        switch (circuit.state) {
        case OPEN:
            return this.now - circuit.openUntil;
        case FORCED_OPEN:
            return 0;
        case HALF_OPEN:
            return this.admitProbe(circuit, settings);
        default:
            return this.lastTicket;
        }
    }

    record(name, ticket, outcome, settings) {
        const circuit = this.lookUp(name);
        let isCurrent = ticket >= circuit.since;
        if (circuit.state === HALF_OPEN)
            isCurrent &&= circuit.probes.delete(ticket);
        else if (circuit.state !== CLOSED)
            return false;
        if (!isCurrent || outcome === Grelmicro.CircuitOutcome.NONE)
            return false;

        const hasFailed = outcome === Grelmicro.CircuitOutcome.ERROR;
        circuit.errors = hasFailed ? circuit.errors + 1 : 0;
        circuit.successes = hasFailed || circuit.state === CLOSED ? 0 : circuit.successes + 1;
        if (circuit.errors >= settings.error_threshold)
            this.enter(name, OPEN, settings.reset_timeout);
        else if (circuit.successes >= settings.success_threshold)
            this.enter(name, CLOSED);
        return true;
    }

    vfunc_get_scope() {
        return Grelmicro.Scope.PROCESS;
    }

    vfunc_admit(name, settings, task) {
        const answer = this.admit(name, settings);
        this.tell(name);
        task.return_int(answer);
    }

    vfunc_record(name, ticket, outcome, settings, task) {
        const hasCounted = this.record(name, ticket, outcome, settings);
        this.tell(name);
        task.return_boolean(hasCounted);
    }

    vfunc_set_state(name, state, coolDown, task) {
        this.enter(name, state, coolDown);
        this.tell(name);
        task.return_boolean(true);
    }

    vfunc_get_state(name, task) {
        this.tell(name);
        task.return_int(this.lookUp(name).state);
    }
});
