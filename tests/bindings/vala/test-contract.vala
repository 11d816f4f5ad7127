// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// The contract suites, run over backends written in Vala.

void add_lock_rules () {
    foreach (unowned var rule in GrelTest.lock_contract_list ()) {
        Test.add_data_func ("/vala/contract/lock/" + rule, () => {
            var clock = new Grelmicro.VirtualClock ();
            GrelTest.lock_contract_run (rule, new TableLockAdapter (), clock);
        });
    }
}

void add_circuit_breaker_rules () {
    foreach (unowned var rule in GrelTest.circuit_breaker_contract_list ()) {
        Test.add_data_func ("/vala/contract/circuit-breaker/" + rule, () => {
            var clock = new Grelmicro.VirtualClock ();
            GrelTest.circuit_breaker_contract_run (rule, new TableCircuitAdapter (), clock);
        });
    }
}

void add_cache_rules () {
    foreach (unowned var rule in GrelTest.cache_contract_list ()) {
        Test.add_data_func ("/vala/contract/cache/" + rule, () => {
            var clock = new Grelmicro.VirtualClock ();
            GrelTest.cache_contract_run (rule, new TableCacheAdapter (), clock);
        });
    }
}

int main (string[] args) {
    Test.init (ref args);
    add_lock_rules ();
    add_circuit_breaker_rules ();
    add_cache_rules ();
    return Test.run ();
}
