// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A bank that is down at first: the breaker spares it, and finds out when it is back.

import GLib from 'gi://GLib';
import Grelmicro from 'gi://Grelmicro?version=1';
import System from 'system';

const loop = new GLib.MainLoop(null, false);
let status = 0;
let failuresLeft = 3;

const payment = new Grelmicro.CircuitBreaker({
    name: 'payment',
    error_threshold: 3,
    success_threshold: 1,
    reset_timeout: Grelmicro.seconds(0.2),
});

async function charge(amount) {
    if (failuresLeft-- > 0)
        throw new Error('the bank does not answer');
    return `charged ${amount}`;
}

function sleep(span) {
    return new Promise(resolve => {
        GLib.timeout_add(GLib.PRIORITY_DEFAULT, Math.ceil(span / 1000), () => void resolve());
    });
}

async function pay(amount) {
    for (;;) {
        try {
            return await payment.run(() => charge(amount));
        } catch (error) {
            print(error.message);
            if (error instanceof Grelmicro.CircuitOpenError)
                await sleep(error.retry_after);
        }
    }
}

async function main() {
    const app = new Grelmicro.App();
    await app.open_async();

    payment.connect('state-changed', (_, before, after, cause) => print(`circuit: ${cause}`));
    print(await pay(5));

    await app.close_async();
}

main().catch(error => {
    logError(error);
    status = 1;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
