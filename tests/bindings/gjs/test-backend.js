// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A class written in JavaScript is a full one, and fails as JavaScript does: with an exception.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Grelmicro from 'gi://Grelmicro?version=1';
import System from 'system';

import {
    assert, assertEqual, assertThrows, eventually, run, test, turn, withApp
} from './harness.js';
import {MapLockAdapter} from './map-lock-adapter.js';

const {seconds} = Grelmicro;
const newLock = () => new Grelmicro.Lock({name: 'cart', lease_duration: seconds(30)});

const Recorder = GObject.registerClass(
class Recorder extends MapLockAdapter {
    calls = [];

    vfunc_open(task) {
        this.calls.push(['open']);
        task.return_boolean(true);
    }

    vfunc_close(task) {
        this.calls.push(['close']);
        task.return_boolean(true);
    }

    vfunc_acquire(name, token, lease, task) {
        this.calls.push(['acquire', name, lease]);
        super.vfunc_acquire(name, token, lease, task);
    }

    vfunc_extend(name, token, lease, task) {
        this.calls.push(['extend', name, lease]);
        super.vfunc_extend(name, token, lease, task);
    }

    vfunc_release(name, token, task) {
        this.calls.push(['release', name]);
        super.vfunc_release(name, token, task);
    }
});

test('it is asked what the lock asks', async () => {
    const backend = new Recorder();
    await withApp([backend], () => newLock().with(lease => lease.extend_async()));
    assertEqual(backend.calls, [
        ['open'],
        ['acquire', 'lock:cart', 30_000_000],
        ['extend', 'lock:cart', 30_000_000],
        ['release', 'lock:cart'],
        ['close'],
    ]);
});

test('it works without an app', async () => {
    const backend = new MapLockAdapter();
    await backend.open_async();
    const lock = new Grelmicro.Lock({name: 'cart', backend});
    assertEqual(await lock.with(lease => lease.get_fencing_token()), 1);
    await backend.close_async();
});

test('its scope counts', async () => {
    await assertThrows(Grelmicro.ScopeError, 'cluster',
        () => withApp([new MapLockAdapter()], () => {}, {environment: 'production'}));
});

const Later = GObject.registerClass(
class Later extends MapLockAdapter {
    async vfunc_acquire(name, token, lease, task) {
        await turn();
        if (this.error)
            throw this.error;
        super.vfunc_acquire(name, token, lease, task);
    }
});

test('its functions may be asynchronous', async () => {
    const backend = new Later();
    await withApp([backend], async () => {
        assertEqual(await newLock().with(lease => lease.get_fencing_token()), 1);
        backend.error = new RangeError('disk on fire');
        await assertThrows(Grelmicro.BackendError, 'disk on fire', () => newLock().with(() => {}));
    });
});

const Broken = GObject.registerClass(
class Broken extends MapLockAdapter {
    check() {
        if (this.error)
            throw this.error;
    }

    vfunc_acquire(name, token, lease, task) {
        this.check();
        super.vfunc_acquire(name, token, lease, task);
    }

    vfunc_extend(name, token, lease, task) {
        this.check();
        super.vfunc_extend(name, token, lease, task);
    }

    vfunc_release(name, token, task) {
        this.check();
        super.vfunc_release(name, token, task);
    }

    vfunc_is_locked(name, task) {
        this.check();
        super.vfunc_is_locked(name, task);
    }
});

test('an exception fails the call', async () => {
    const backend = new Broken();
    await withApp([backend], async () => {
        const lock = newLock();
        const lease = await lock.acquire_async(-1);
        backend.error = new RangeError('disk on fire');
        const calls = [() => lock.is_locked_async(), () => lease.extend_async(),
            () => lease.release_async(), () => Grelmicro.Lock.new('other').acquire_async(-1)];
        for (const call of calls)
            await assertThrows(Grelmicro.BackendError, 'RangeError: disk on fire', call);
        assertEqual((await lock.is_locked_async().catch(error => error)).name, 'cart');
        backend.error = null;
        await lease.release_async();
        assertEqual(await lock.is_locked_async(), false);
    });
});

test('an exception may be an error of the library, or anything', async () => {
    const backend = new Broken();
    await withApp([backend], async () => {
        const call = () => newLock().is_locked_async();
        backend.error = new Grelmicro.NotRegisteredError('no such table');
        const error = await assertThrows(Grelmicro.NotRegisteredError, 'no such table', call);
        assertEqual(error.name, 'cart');
        backend.error = new GLib.Error(GLib.FileError, GLib.FileError.NOSPC, 'disk full');
        await assertThrows(Grelmicro.BackendError, 'disk full', call);
        backend.error = 'just text';
        await assertThrows(Grelmicro.BackendError, 'just text', call);
    });
});

test('a release that fails is told, unless the function throws', async () => {
    const backend = new Broken();
    await withApp([backend], async () => {
        const breakIt = () => {
            backend.error = new RangeError('disk on fire');
        };
        await assertThrows(Grelmicro.BackendError, 'disk on fire', () => newLock().with(breakIt));
        backend.error = null;
        await assertThrows(TypeError, 'own', () => Grelmicro.Lock.new('other').with(() => {
            breakIt();
            throw new TypeError('own');
        }));
        backend.error = null;
    });
});

test('an opening that throws leaves it closed', async () => {
    const FailsToOpen = GObject.registerClass(
    class FailsToOpen extends MapLockAdapter {
        vfunc_open() {
            throw new RangeError('no route');
        }
    });
    const backend = new FailsToOpen();
    await assertThrows(Grelmicro.BackendError, 'no route', () => withApp([backend], () => {}));
    assert(!backend.is_open);
});

test('what it leaves out or drops is told', async () => {
    const Nothing = GObject.registerClass(class Nothing extends Grelmicro.LockBackend {});
    const Forgetful = GObject.registerClass(
    class Forgetful extends MapLockAdapter {
        vfunc_acquire() {}
    });
    await withApp([new Nothing()], async () => {
        await assertThrows(Grelmicro.BackendError, 'acquire', () => newLock().acquire_async(-1));
    });
    await withApp([new Forgetful()], async () => {
        const answer = newLock().acquire_async(-1).catch(error => error);
        let error = null;
        answer.then(value => {
            error = value;
        });
        await eventually(() => {
            System.gc();
            return error !== null;
        });
        assert(error instanceof Grelmicro.BackendError);
    });
});

test('a lease that the garbage collector finds is released through it', async () => {
    const backend = new Recorder();
    await withApp([backend], async () => {
        await (async () => assert((await newLock().acquire_async(-1)).is_valid()))();
        await eventually(async () => {
            System.gc();
            await turn();
            return backend.calls.some(([name]) => name === 'release');
        });
    });
});

test('it may tell of a release by others', async () => {
    const backend = new MapLockAdapter();
    await withApp([backend], async () => {
        const lease = await newLock().acquire_async(-1);
        const waiter = new Grelmicro.Lock(
            {name: 'cart', retry_interval: seconds(3600), retry_jitter: 0}).acquire_async(-1);
        await turn();
        backend.rows.get('lock:cart').token = null;
        backend.notify_released('lock:cart');
        assertEqual((await waiter).get_fencing_token(), 2);
        assert(lease.get_fencing_token() === 1);
    });
});

const Provider = GObject.registerClass(
class Provider extends Grelmicro.Provider {
    calls = [];

    vfunc_open(task) {
        this.calls.push('open');
        task.return_boolean(true);
    }

    vfunc_check() {
        throw new RangeError('no route');
    }

    vfunc_close(task) {
        this.calls.push('close');
        task.return_boolean(true);
    }
});

test('a provider may be written in JavaScript', async () => {
    const provider = new Provider();
    await withApp([provider], async () => {
        await assertThrows(Grelmicro.BackendError, 'no route', () => provider.check_async());
    });
    assertEqual(provider.calls, ['open', 'close']);
});

const Work = GObject.registerClass(
class Work extends Grelmicro.Operation {
    vfunc_start(task) {
        if (this.error)
            throw this.error;
        task.return_value('done');
    }
});

test('an operation is a function or a class', async () => {
    assertEqual(await new Work().run_async(), 'done');
    assertEqual(await Grelmicro.Operation.new(task => task.return_value(7)).run_async(), 7);
    assertEqual(await Grelmicro.Operation.new(async task => {
        await turn();
        task.return_value('later');
    }).run_async(), 'later');
});

test('an operation that throws fails', async () => {
    const work = new Work();
    work.error = new RangeError('disk on fire');
    const operations = [
        work,
        Grelmicro.Operation.new(() => {
            throw work.error;
        }),
        Grelmicro.Operation.new(async () => {
            await turn();
            throw work.error;
        }),
    ];
    for (const operation of operations)
        await assertThrows(Grelmicro.BackendError, 'disk on fire', () => operation.run_async());
});

run();
