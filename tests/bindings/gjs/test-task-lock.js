// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

import Gio from 'gi://Gio';
import Grelmicro from 'gi://Grelmicro?version=1';

import {assert, assertEqual, assertThrows, isCancelled, run, test, withApp} from './harness.js';
import {MapLockAdapter} from './map-lock-adapter.js';

const {seconds} = Grelmicro;

test('a bad name or setting is refused at once', async () => {
    for (const name of ['', 'a b', 'a\0b', null])
        await assertThrows(Grelmicro.SettingsError, 'name', () => Grelmicro.TaskLock.new(name));
    for (const duration of [-1, 0.5, NaN]) {
        await assertThrows(Grelmicro.SettingsError, 'min',
            () => new Grelmicro.TaskLock({name: 'nightly', min_hold_duration: duration}));
    }
    assertEqual(Grelmicro.TaskLock.new('nightly').min_hold_duration, seconds(1));
});

for (const klass of [Grelmicro.MemoryLockAdapter, MapLockAdapter]) {
    test(`${klass.name.split('_').pop()}/with() never waits, and holds for a while`, () => {
        const clock = new Grelmicro.VirtualClock();
        return withApp([new klass()], async () => {
            const lock = new Grelmicro.TaskLock(
                {name: 'nightly', min_hold_duration: seconds(10)});
            assertEqual(await lock.with(async lease => {
                assert(lease.is_valid());
                await assertThrows(Grelmicro.WouldBlockError, 'nightly', () => lock.with(() => {}));
                return 'done';
            }), 'done');
            assertEqual(await lock.is_locked_async(), true);
            await assertThrows(Grelmicro.WouldBlockError, 'nightly', () => lock.with(() => {}));
            clock.advance(seconds(11));
            assertEqual(await lock.with(lease => lease.get_fencing_token()), 2);
        }, {clock});
    });
}

test('a cancellable stops the asking', () => withApp([], async () => {
    const cancellable = new Gio.Cancellable();
    const lock = Grelmicro.TaskLock.new('nightly');
    cancellable.cancel();
    assert(isCancelled(
        await lock.with(() => assert(false), {cancellable}).catch(error => error)));
    assertEqual(await lock.is_locked_async(), false);
}));

run();
