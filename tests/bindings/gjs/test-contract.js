// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// The contract suites, run over backends written in JavaScript.

import GrelTest from 'gi://GrelTest?version=1';
import Grelmicro from 'gi://Grelmicro?version=1';

import {run, test} from './harness.js';
import {MapCircuitAdapter} from './map-circuit-adapter.js';
import {MapLockAdapter} from './map-lock-adapter.js';

for (const rule of GrelTest.lock_contract_list()) {
    test(`lock/${rule}`, () => {
        GrelTest.lock_contract_run(rule, new MapLockAdapter(), new Grelmicro.VirtualClock());
    });
}

for (const rule of GrelTest.circuit_breaker_contract_list()) {
    test(`circuit-breaker/${rule}`, () => {
        GrelTest.circuit_breaker_contract_run(
            rule, new MapCircuitAdapter(), new Grelmicro.VirtualClock());
    });
}

run();
