// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// The contract suites, run over backends written in Vala.

int main (string[] args) {
    Test.init (ref args);
    foreach (unowned var rule in GrelTest.lock_contract_list ()) {
        Test.add_data_func ("/vala/contract/lock/" + rule, () => {
            var clock = new Grelmicro.VirtualClock ();
            GrelTest.lock_contract_run (rule, new TableLockAdapter (), clock);
        });
    }
    foreach (unowned var rule in GrelTest.circuit_breaker_contract_list ()) {
        Test.add_data_func ("/vala/contract/circuit-breaker/" + rule, () => {
            var clock = new Grelmicro.VirtualClock ();
            GrelTest.circuit_breaker_contract_run (rule, new TableCircuitAdapter (), clock);
        });
    }
    return Test.run ();
}
