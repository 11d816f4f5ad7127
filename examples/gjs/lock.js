// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Grelmicro from 'gi://Grelmicro?version=1';
import System from 'system';

Gio._promisify(Grelmicro.App.prototype, 'open_async', 'open_finish');
Gio._promisify(Grelmicro.App.prototype, 'close_async', 'close_finish');
Gio._promisify(Grelmicro.Lock.prototype, 'acquire_async', 'acquire_finish');
Gio._promisify(Grelmicro.Lease.prototype, 'release_async', 'release_finish');

const loop = new GLib.MainLoop(null, false);
let status = 0;

async function main() {
    const app = new Grelmicro.App();
    await app.open_async(null);

    const lease = await new Grelmicro.Lock({name: 'cart'}).acquire_async(-1, null);
    print(`event loop: token ${lease.get_fencing_token()}`);
    await lease.release_async(null);

    await app.close_async(null);
}

main().catch(error => {
    logError(error);
    status = 1;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
