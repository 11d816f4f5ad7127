// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// The contract suites, run over backends written in JavaScript.

import GrelTest from 'gi://GrelTest?version=1';
import Grelmicro from 'gi://Grelmicro?version=1';

import {run, test} from './harness.js';
import {MapCacheAdapter} from './map-cache-adapter.js';
import {MapCircuitAdapter} from './map-circuit-adapter.js';
import {MapLockAdapter} from './map-lock-adapter.js';

function addRules(contract, Adapter) {
    const runRule = GrelTest[`${contract}_contract_run`];
    for (const rule of GrelTest[`${contract}_contract_list`]())
        test(`${contract}/${rule}`, () => runRule(rule, new Adapter(), new Grelmicro.VirtualClock()));
}

addRules('lock', MapLockAdapter);
addRules('circuit_breaker', MapCircuitAdapter);
addRules('cache', MapCacheAdapter);

run();
