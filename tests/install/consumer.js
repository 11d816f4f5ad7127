// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// The JavaScript counterpart of consumer.c: typelib and override come from the installation.

import GLib from 'gi://GLib';
import Grelmicro from 'gi://Grelmicro?version=1';
import System from 'system';

const loop = new GLib.MainLoop(null, false);
let status = 1;

async function guarded() {
    const app = new Grelmicro.App();
    await app.open_async();
    print(await new Grelmicro.Lock({name: 'cart'}).with(lease => lease.get_fencing_token()));
    await app.close_async();
    status = 0;
}

guarded().catch(logError).finally(() => loop.quit());
loop.run();
System.exit(status);
