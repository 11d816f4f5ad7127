// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// The introspected methods: promises for every pair, callbacks as ever, whole microseconds.

import Gio from 'gi://Gio';
import GObject from 'gi://GObject';
import Grelmicro from 'gi://Grelmicro?version=1';

import {assert, assertEqual, assertThrows, eventually, run, test, withApp} from './harness.js';

const classes = Object.values(Grelmicro).filter(
    klass => klass?.prototype instanceof GObject.Object);

function getPairs(proto) {
    return Object.getOwnPropertyNames(proto).filter(
        name => name.endsWith('_async') && `${name.slice(0, -5)}finish` in proto &&
            !name.startsWith('_original_'));
}

test('every pair of every class returns a promise', () => {
    const pairs = [];
    for (const {name, prototype} of classes) {
        for (const pair of getPairs(prototype)) {
            const promise = prototype[pair].call(prototype); // which is no instance
            promise.catch(() => {});
            assert(promise instanceof Promise);
            pairs.push(`${name.split('_').pop()}.${pair}`);
        }
    }
    for (const pair of ['App.open_async', 'App.close_async', 'Backend.open_async',
        'Lease.extend_async', 'Lease.release_async', 'Lock.acquire_async', 'Lock.is_locked_async',
        'Operation.run_async', 'Provider.check_async'])
        assert(pairs.includes(pair));
});

test('the cancellable may be left out', () => withApp([], async () => {
    const lock = Grelmicro.Lock.new('cart');
    const lease = await lock.acquire_async(-1);
    assertEqual(await lock.is_locked_async(), true);
    assertEqual(await lease.extend_async(null), true);
    assertEqual(await lease.release_async(new Gio.Cancellable()), true);
    assertEqual(await lock.is_locked_async(), false);
}));

test('a callback gets the result as ever', () => withApp([], async () => {
    const lock = Grelmicro.Lock.new('cart');
    const answers = [];
    assertEqual(lock.acquire_async(-1, null, (...args) => answers.push(args)), undefined);
    await eventually(() => answers.length > 0);
    const [source, result] = answers[0];
    assertEqual(source, lock);
    const lease = lock.acquire_finish(result);
    assert(lease.is_valid());
    lease.release_async(null, null);
    await eventually(async () => !await lock.is_locked_async());
}));

test('_promisify() once more changes nothing', () => withApp([], async () => {
    Gio._promisify(Grelmicro.Lock.prototype, 'acquire_async', 'acquire_finish');
    const lease = await Grelmicro.Lock.new('cart').acquire_async(-1, null);
    await lease.release_async();
}));

test('an argument too few is told', async () => {
    const lock = Grelmicro.Lock.new('cart');
    await assertThrows(TypeError, 'arguments', () => lock.acquire_async());
    await assertThrows(TypeError, 'arguments', () => lock.acquire_from_thread());
});

test('microseconds are whole', async () => {
    const lock = Grelmicro.Lock.new('cart');
    for (const timeout of [0.5, NaN, Infinity, 2 ** 53]) {
        for (const name of ['acquire_async', 'acquire_from_thread']) {
            await assertThrows(Grelmicro.SettingsError, 'whole microseconds',
                () => lock[name](timeout, null));
        }
    }
});

test('seconds() makes microseconds', async () => {
    assertEqual(Grelmicro.seconds(5), 5_000_000);
    assertEqual(Grelmicro.seconds(0.07), 70_000);
    assertEqual(Grelmicro.seconds(0), 0);
    assertEqual(Grelmicro.seconds(1e-9), 1);
    assertEqual(Grelmicro.seconds(-1e-9), -1);
    assertEqual(Grelmicro.seconds(1e300), Number.MAX_SAFE_INTEGER);
    for (const count of [NaN, Infinity])
        await assertThrows(Grelmicro.SettingsError, 'finite', () => Grelmicro.seconds(count));
    for (const count of ['5', null, undefined, true])
        await assertThrows(TypeError, 'number', () => Grelmicro.seconds(count));
});

run();
