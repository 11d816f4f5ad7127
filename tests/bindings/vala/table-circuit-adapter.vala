// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A circuit breaker backend written in Vala: a full one, and as small as one can be.
public class TableCircuitAdapter : Grelmicro.CircuitBreakerBackend {
    class Circuit {
        public Grelmicro.CircuitState state;
        public uint errors;
        public uint successes;
        public int64 open_until;
        public int64 lapses_at;
        public int64 since; // tickets before this one count nothing
        public HashTable<int64?, int64?> probes // by ticket, when its slot is free again
            = new HashTable<int64?, int64?> (int64_hash, int64_equal);
    }

    HashTable<string, Circuit> circuits = new HashTable<string, Circuit> (str_hash, str_equal);
    int64 last_ticket;

    int64 get_now () {
        return get_clock ().get_monotonic_time ();
    }

    Circuit enter (string name, Grelmicro.CircuitState state, TimeSpan cool_down = 0) {
        var circuit = new Circuit ();
        circuits[name] = circuit;
        circuit.state = state;
        circuit.open_until = get_now () + cool_down;
        circuit.lapses_at = state == FORCED_OPEN || state == FORCED_CLOSED
            ? int64.MAX : get_now () + int64.max (TimeSpan.DAY, 10 * cool_down);
        circuit.since = ++last_ticket;
        return circuit;
    }

    Circuit look_up (string name) {
        var circuit = circuits[name];
        return circuit != null && circuit.lapses_at > get_now () ? circuit : enter (name, CLOSED);
    }

    void tell (string name) {
        var circuit = look_up (name);
        var left = circuit.state == OPEN ? int64.max (circuit.open_until - get_now (), 0) : 0;
        report (name, circuit.state, circuit.errors, circuit.successes, left);
    }

    int64 admit_probe (Circuit circuit, Grelmicro.CircuitSettings settings) {
        var now = get_now ();
        circuit.probes.foreach_remove ((ticket, expires_at) => expires_at <= now);
        if (circuit.probes.size () >= settings.half_open_capacity)
            return 0;
        circuit.probes[++last_ticket] = now + settings.reset_timeout;
        return last_ticket;
    }

    int64 decide (string name, Grelmicro.CircuitSettings settings) {
        var circuit = look_up (name);
        if (circuit.state == OPEN && circuit.open_until <= get_now ())
            circuit = enter (name, HALF_OPEN);
        switch (circuit.state) {
        case OPEN:
            return get_now () - circuit.open_until;
        case FORCED_OPEN:
            return 0;
        case HALF_OPEN:
            return admit_probe (circuit, settings);
        default:
            return last_ticket;
        }
    }

    bool count (string name, int64 ticket, Grelmicro.CircuitOutcome outcome,
                Grelmicro.CircuitSettings settings) {
        var circuit = look_up (name);
        var is_current = ticket >= circuit.since;
        if (circuit.state == HALF_OPEN)
            is_current = is_current && circuit.probes.remove (ticket);
        else if (circuit.state != CLOSED)
            return false;
        if (!is_current || outcome == NONE)
            return false;

        circuit.errors = outcome == ERROR ? circuit.errors + 1 : 0;
        circuit.successes = outcome == ERROR || circuit.state == CLOSED ? 0 : circuit.successes + 1;
        if (circuit.errors >= settings.error_threshold)
            enter (name, OPEN, settings.reset_timeout);
        else if (circuit.successes >= settings.success_threshold)
            enter (name, CLOSED);
        return true;
    }

    public override Grelmicro.Scope get_scope () {
        return PROCESS;
    }

    public override void admit (string name, Grelmicro.CircuitSettings settings, Task task) {
        var answer = decide (name, settings);
        tell (name);
        task.return_int ((ssize_t) answer);
    }

    public override void record (string name, int64 ticket, Grelmicro.CircuitOutcome outcome,
                                 Grelmicro.CircuitSettings settings, Task task) {
        var has_counted = count (name, ticket, outcome, settings);
        tell (name);
        task.return_boolean (has_counted);
    }

    public override void set_state (string name, Grelmicro.CircuitState state, TimeSpan cool_down,
                                    Task task) {
        enter (name, state, cool_down);
        tell (name);
        task.return_boolean (true);
    }

    public override void get_state (string name, Task task) {
        tell (name);
        task.return_int (look_up (name).state);
    }
}
