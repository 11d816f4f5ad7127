// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors
import GLib from 'gi://GLib';
import Grelmicro from 'gi://Grelmicro?version=1';
import System from 'system';

const loop = new GLib.MainLoop(null, false);
let status = 0;

async function main() {
    const app = new Grelmicro.App();
    await app.open_async();

    await new Grelmicro.Lock({name: 'cart'}).with(lease => {
        print(`event loop: token ${lease.get_fencing_token()}`);
    });

    await app.close_async();
}

main().catch(error => {
    logError(error);
    status = 1;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
