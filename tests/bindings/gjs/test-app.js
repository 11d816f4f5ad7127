// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

import Gio from 'gi://Gio';
import Grelmicro from 'gi://Grelmicro?version=1';

import {assert, assertEqual, assertThrows, run, test, turn, withApp} from './harness.js';
import {MapLockAdapter} from './map-lock-adapter.js';

test('it opens and closes', async () => {
    const app = new Grelmicro.App();
    await app.open_async();
    assert(app.is_open);
    await Grelmicro.Lock.new('cart').with(lease => assert(lease.is_valid()));
    await app.close_async();
    assert(!app.is_open);
    await assertThrows(Grelmicro.ClosedError, '', () => app.close_async());
});

test('a bad setting is refused at once', async () => {
    for (const patience of [0, -1, 0.5, NaN]) {
        await assertThrows(Grelmicro.SettingsError, 'patience',
            () => new Grelmicro.App({patience}));
    }
    await assertThrows(Grelmicro.SettingsError, 'environment: must be development,',
        () => new Grelmicro.App({environment: 'home'}));
    for (const environment of [null, 'development', 'test', 'staging', 'production'])
        assertEqual(new Grelmicro.App({environment}).environment, environment);
});

test('it uses a part, with a name or without', async () => {
    const app = new Grelmicro.App();
    const [first, second] = [new Grelmicro.MemoryLockAdapter(), new Grelmicro.MemoryLockAdapter()];
    assertEqual(app.use(first), true);
    assertEqual(app.use(second, 'second'), true);
    assertEqual(app.get_backend(Grelmicro.LockBackend, null), first);
    assertEqual(app.get_backend(Grelmicro.LockBackend, 'second'), second);
    await assertThrows(Grelmicro.AmbiguousError, '',
        () => app.use(new Grelmicro.MemoryLockAdapter()));
});

test('closing ends what waits, and every lease', async () => {
    const app = new Grelmicro.App();
    const lock = new Grelmicro.Lock({name: 'cart', app});
    await app.open_async();
    const lease = await lock.acquire_async(-1);
    const waiter = lock.acquire_async(-1);
    await turn();
    const closing = app.close_async();
    await assertThrows(Grelmicro.ClosedError, 'cart', () => waiter);
    await closing;
    assert(!lease.is_valid());
    assert(lease.get_cancellable().is_cancelled());
});

test('it follows an application', () => {
    const application = new Gio.Application({application_id: null});
    const app = new Grelmicro.App();
    const seen = [];
    app.attach(application);
    application.connect('activate', () => {
        seen.push(app.is_open);
        application.hold();
        const lock = new Grelmicro.Lock({name: 'cart', app});
        lock.acquire_async(-1, null, (_, result) => {
            seen.push(lock.acquire_finish(result).get_fencing_token());
            application.release();
        });
    });
    assertEqual(application.run([]), 0);
    assertEqual(seen, [true, 1]);
    assert(!app.is_open);
});

test('without parts in JavaScript it opens in a thread', () => {
    const app = new Grelmicro.App();
    const lock = new Grelmicro.Lock({name: 'cart', app});
    app.use(new Grelmicro.MemoryLockAdapter());
    app.open_in_thread();
    const lease = lock.acquire_from_thread(-1);
    assertEqual(lock.is_locked_from_thread(), true);
    lease.release_from_thread();
    assertEqual(lock.run_from_thread(-1, () => true), true);
    app.close_from_thread();
});

test('with a part in JavaScript it does not', async () => {
    const app = new Grelmicro.App();
    const backend = new MapLockAdapter();
    app.use(backend, 'own');
    await assertThrows(Grelmicro.SettingsError, 'JavaScript', () => app.open_in_thread());
    assert(!app.is_open);
    await app.open_async();
    assert(backend.is_open);
    await app.close_async();
});

test('two apps have two stores', () => withApp([], first => withApp([], async second => {
    const [here, there] = [first, second].map(app => new Grelmicro.Lock({name: 'cart', app}));
    await here.with(() => there.with(() => {}, {timeout: 0}));
    await assertThrows(Grelmicro.AmbiguousError, 'cart',
        () => Grelmicro.Lock.new('cart').is_locked_from_thread());
})));

run();
