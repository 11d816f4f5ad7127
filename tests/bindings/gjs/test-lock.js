// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

import Gio from 'gi://Gio';
import Grelmicro from 'gi://Grelmicro?version=1';
import System from 'system';

import {
    assert, assertEqual, assertThrows, eventually, isCancelled, run, test, turn, withApp
} from './harness.js';

const {seconds} = Grelmicro;

test('settings are those of C unless given', () => {
    const lock = new Grelmicro.Lock(
        {name: 'cart', lease_duration: seconds(30), retryInterval: 5000});
    assertEqual(lock.name, 'cart');
    assertEqual(lock.lease_duration, 30_000_000);
    assertEqual(lock.retry_interval, 5000);
    assertEqual(lock.retry_jitter, 0.1);
    assertEqual(lock.auto_extend, true);
    assertEqual(lock.max_hold_duration, 0);
    assertEqual(lock.backend, null);
    assertEqual(lock.app, null);
});

test('a backend and an app that are given stay', () => {
    const backend = new Grelmicro.MemoryLockAdapter();
    const app = new Grelmicro.App();
    const lock = new Grelmicro.Lock({name: 'cart', backend, app});
    assertEqual(lock.backend, backend);
    assertEqual(lock.app, app);
});

test('a bad name is refused at once', async () => {
    const long = 'a'.repeat(201);
    for (const name of ['', ' ', 'a b', 'a\0b', '\0', 'é', '\ud800', '-a', long, null]) {
        await assertThrows(Grelmicro.SettingsError, 'name', () => new Grelmicro.Lock({name}));
        await assertThrows(Grelmicro.SettingsError, 'name', () => Grelmicro.Lock.new(name));
    }
    await assertThrows(Grelmicro.SettingsError, 'name', () => new Grelmicro.Lock());
    for (const name of ['a', '7', 'a.b_c:d/e-f', 'a'.repeat(200)])
        assertEqual(Grelmicro.Lock.new(name).name, name);
});

test('a bad setting is refused at once', async () => {
    const bad = {
        lease_duration: [0, -1, 0.3, NaN, Infinity, '7', true],
        retry_interval: [0, 999, 0.1, NaN, -Infinity],
        retry_jitter: [1, -0.1, NaN, Infinity],
        max_hold_duration: [-1, 0.5, NaN, Infinity, null],
    };
    for (const [setting, values] of Object.entries(bad)) {
        for (const value of values) {
            await assertThrows(Grelmicro.SettingsError, setting.split('_')[0],
                () => new Grelmicro.Lock({name: 'cart', [setting]: value}));
        }
    }
    await assertThrows(Error, 'nam', () => new Grelmicro.Lock({nam: 'cart'}));
});

test('with() holds the lock while the function runs', () => withApp([], async () => {
    const lock = Grelmicro.Lock.new('cart');
    const result = await lock.with(async lease => {
        assertEqual(lease.get_fencing_token(), 1);
        assert(lease.is_valid());
        assertEqual(await lock.is_locked_async(), true);
        return 'done';
    });
    assertEqual(result, 'done');
    assertEqual(await lock.is_locked_async(), false);
    assertEqual(await lock.with(lease => lease.get_fencing_token()), 2);
}));

test('with() releases after an exception, which the caller gets', () => withApp([], async () => {
    const lock = Grelmicro.Lock.new('cart');
    await assertThrows(RangeError, 'own', () => lock.with(async () => {
        await turn();
        throw new RangeError('own');
    }));
    await assertThrows(RangeError, 'own', () => lock.with(() => {
        throw new RangeError('own');
    }));
    assertEqual(await lock.is_locked_async(), false);
}));

test('with() tells of a lease that was lost, unless the function throws', () => {
    const clock = new Grelmicro.VirtualClock();
    return withApp([], async () => {
        const lock = new Grelmicro.Lock(
            {name: 'cart', lease_duration: seconds(10), auto_extend: false});
        await assertThrows(Grelmicro.NotOwnedError, 'cart',
            () => lock.with(() => clock.advance(seconds(11))));
        await assertThrows(RangeError, 'own', () => lock.with(() => {
            clock.advance(seconds(11));
            throw new RangeError('own');
        }));
    }, {clock});
});

test('with() serves everyone in turn', () => withApp([], async () => {
    const lock = Grelmicro.Lock.new('cart');
    const inside = [], served = [];
    await Promise.all(Array.from({length: 50}, (_, number) => lock.with(async lease => {
        inside.push(number);
        assertEqual(inside, [number]);
        await turn();
        assert(lease.is_valid());
        inside.pop();
        served.push(lease.get_fencing_token());
    })));
    assertEqual(served, Array.from({length: 50}, (_, index) => index + 1));
}));

test('with() does not wait longer than it is told', () => {
    const clock = new Grelmicro.VirtualClock();
    return withApp([], async () => {
        const lock = Grelmicro.Lock.new('cart');
        const never = () => assert(false);
        await lock.with(async () => {
            await assertThrows(Grelmicro.WouldBlockError, 'cart',
                () => lock.with(never, {timeout: 0}));
            const waiter = lock.with(never, {timeout: seconds(5)});
            clock.advance(seconds(6));
            await assertThrows(Grelmicro.LockTimeoutError, 'cart', () => waiter);
            await assertThrows(Grelmicro.SettingsError, 'whole',
                () => lock.with(never, {timeout: 0.5}));
            await assertThrows(TypeError, 'function', () => lock.with());
        });
    }, {clock});
});

test('a cancellable ends the wait, and nothing is held', () => withApp([], async () => {
    const lock = Grelmicro.Lock.new('cart');
    const cancellable = new Gio.Cancellable();
    const lease = await lock.acquire_async(-1);
    const waiters = [
        lock.with(() => assert(false), {cancellable}),
        lock.acquire_async(-1, cancellable),
    ];
    await turn();
    cancellable.cancel();
    for (const waiter of waiters)
        assert(isCancelled(await waiter.catch(error => error)));
    await lease.release_async();
    assertEqual(await lock.is_locked_async(), false);
    assert(isCancelled(await lock.acquire_async(0, cancellable).catch(error => error)));
    assertEqual(await lock.is_locked_async(), false);
}));

test('a waiter gets the lock when it is released', () => withApp([], async () => {
    const lock = Grelmicro.Lock.new('cart');
    const first = await lock.acquire_async(-1);
    const waiter = lock.acquire_async(-1);
    await turn();
    await first.release_async();
    const second = await waiter;
    assertEqual(second.get_fencing_token(), 2);
    await second.release_async();
    await assertThrows(Grelmicro.NotOwnedError, 'cart', () => second.release_async());
    await assertThrows(Grelmicro.NotOwnedError, 'cart', () => second.extend_async());
}));

test('a lease that is lost says so', () => {
    const clock = new Grelmicro.VirtualClock();
    return withApp([], async () => {
        const lock = new Grelmicro.Lock(
            {name: 'cart', lease_duration: seconds(10), auto_extend: false});
        const lease = await lock.acquire_async(-1);
        assertEqual(lease.get_deadline() - clock.get_monotonic_time(), seconds(10));
        let isTold = false;
        lease.get_cancellable().connect(() => {
            isTold = true;
        });
        clock.advance(seconds(9));
        await lease.extend_async();
        clock.advance(seconds(9));
        assert(lease.is_valid());
        clock.advance(seconds(2));
        assert(!lease.is_valid());
        await eventually(() => isTold);
    }, {clock});
});

test('a lease that nobody holds any more is released at some point', () => withApp([], async () => {
    const lock = Grelmicro.Lock.new('cart');
    await (async () => assert((await lock.acquire_async(-1)).is_valid()))();
    await eventually(async () => {
        System.gc();
        return !await lock.is_locked_async();
    });
}));

run();
