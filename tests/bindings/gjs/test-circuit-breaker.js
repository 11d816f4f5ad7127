// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// Every test runs over the memory of the process and over a backend written in JavaScript.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Grelmicro from 'gi://Grelmicro?version=1';
import System from 'system';

import {
    assert, assertEqual, assertThrows, eventually, isCancelled, run, test, turn, withApp
} from './harness.js';
import {MapCircuitAdapter} from './map-circuit-adapter.js';

const {CLOSED, OPEN, HALF_OPEN, FORCED_OPEN} = Grelmicro.CircuitState;
const {seconds} = Grelmicro;
const settings = {name: 'payment', error_threshold: 2, reset_timeout: seconds(10)};
const newBreaker = () => new Grelmicro.CircuitBreaker(settings);

class NotFoundError extends Error {}

function fail() {
    throw new RangeError('no route');
}

function testBoth(name, func) {
    for (const klass of [Grelmicro.MemoryCircuitBreakerAdapter, MapCircuitAdapter]) {
        test(`${klass.name.split('_').pop()}/${name}`, () => {
            const clock = new Grelmicro.VirtualClock();
            return withApp([new klass()], () => func(newBreaker(), clock), {clock});
        });
    }
}

function getMetrics(breaker) {
    return breaker.get_metrics().recursiveUnpack();
}

async function open(breaker) {
    for (let i = 0; i < 2; i++)
        await assertThrows(RangeError, 'no route', () => breaker.run(fail));
}

test('settings are those of C unless given', () => {
    const breaker = Grelmicro.CircuitBreaker.new('payment');
    assertEqual(breaker.name, 'payment');
    assertEqual(breaker.error_threshold, 5);
    assertEqual(breaker.success_threshold, 2);
    assertEqual(breaker.reset_timeout, 30_000_000);
    assertEqual(breaker.backend, null);
    assertEqual(newBreaker().error_threshold, 2);
});

test('a bad name or setting is refused at once', async () => {
    for (const name of ['', 'a\0b', null]) {
        await assertThrows(Grelmicro.SettingsError, 'name',
            () => new Grelmicro.CircuitBreaker({name}));
        await assertThrows(Grelmicro.SettingsError, 'name',
            () => Grelmicro.CircuitBreaker.new(name));
    }
    const bad = {
        error_threshold: [0, -1, 1.5, NaN],
        success_threshold: [0, -1, 2 ** 32, Infinity],
        half_open_capacity: [0, -1, 0.5],
        reset_timeout: [0, -1, 0.5, NaN],
    };
    for (const [setting, values] of Object.entries(bad)) {
        for (const value of values) {
            await assertThrows(Grelmicro.SettingsError, setting.split('_')[0],
                () => new Grelmicro.CircuitBreaker({name: 'payment', [setting]: value}));
        }
    }
});

testBoth('run() returns what the function returns', async breaker => {
    assertEqual(await breaker.run(() => 5), 5);
    assertEqual(await breaker.run(async () => {
        await turn();
        assertEqual(getMetrics(breaker)['active-calls'], 1);
        return 'later';
    }), 'later');
    const metrics = getMetrics(breaker);
    assertEqual([metrics.state, metrics.successes, metrics.errors], ['closed', 2, 0]);
    await assertThrows(TypeError, 'function', () => breaker.run());
    assertEqual(getMetrics(breaker)['active-calls'], 0);
});

testBoth('an exception counts, and opens the circuit', async breaker => {
    await open(breaker);
    assertEqual(breaker.state, OPEN);
    const error = await assertThrows(Grelmicro.CircuitOpenError, 'payment',
        () => breaker.run(() => assert(false)));
    assert(error.matches(Grelmicro.Error, Grelmicro.Error.CIRCUIT_OPEN));
    assertEqual(error.name, 'payment');
    assertEqual(error.retry_after, seconds(10));
    assertEqual(breaker.get_retry_after(), seconds(10));
    const metrics = getMetrics(breaker);
    assertEqual([metrics.state, metrics.errors, metrics.rejections], ['open', 2, 1]);
    assertEqual(metrics['last-error'], 'RangeError: no route');
});

testBoth('probes close it again', async (breaker, clock) => {
    await open(breaker);
    clock.advance(seconds(10));
    await breaker.run(async () => {
        assertEqual(breaker.state, HALF_OPEN);
        const error = await assertThrows(Grelmicro.CircuitOpenError, 'payment',
            () => breaker.run(() => assert(false)));
        assertEqual(error.retry_after, 0);
    });
    assertEqual(breaker.state, HALF_OPEN);
    await breaker.run(() => {});
    assertEqual(breaker.state, CLOSED);
});

testBoth('a ticket counts as a permit does', async breaker => {
    const app = Grelmicro.App.dup_default();
    const backend = app.get_backend(Grelmicro.CircuitBreakerBackend, null);
    if (!(backend instanceof Grelmicro.MemoryCircuitBreakerAdapter)) {
        await assertThrows(Grelmicro.WouldBlockError, 'payment', () => breaker.allow());
        return;
    }
    const [isAllowed, first] = breaker.allow();
    assert(isAllowed);
    assert(breaker.record_success(first));
    for (let i = 0; i < 2; i++) {
        const [, ticket] = breaker.allow();
        const reason = new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.TIMED_OUT, 'late');
        assert(breaker.record_error(ticket, reason));
        assert(!breaker.record_error(ticket, reason));
    }
    const error = await assertThrows(Grelmicro.CircuitOpenError, 'payment',
        () => breaker.allow());
    assertEqual(error.retry_after, seconds(10));
    const metrics = getMetrics(breaker);
    assertEqual([metrics.successes, metrics.errors, metrics['active-calls']], [1, 2, 0]);
});

testBoth('a cancelled call is no outcome', async (breaker, clock) => {
    await open(breaker);
    clock.advance(seconds(10));
    const cancelled = new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED, 'stopped');
    for (let i = 0; i < 3; i++)
        assert(isCancelled(await breaker.run(() => Promise.reject(cancelled)).catch(e => e)));
    assertEqual(breaker.state, HALF_OPEN);
    assertEqual(getMetrics(breaker).errors, 2);
});

testBoth('a cancellable stops the asking', async breaker => {
    const cancellable = new Gio.Cancellable();
    cancellable.cancel();
    assert(isCancelled(
        await breaker.run(() => assert(false), {cancellable}).catch(error => error)));
});

testBoth('an ignored exception counts as a success', async breaker => {
    for (let i = 0; i < 3; i++) {
        await assertThrows(NotFoundError, 'nobody', () => breaker.run(() => {
            throw new NotFoundError('nobody');
        }, {ignore: [SyntaxError, NotFoundError]}));
    }
    assertEqual(breaker.state, CLOSED);
    assertEqual(getMetrics(breaker).successes, 3);

    breaker.ignore_error('g-file-error-quark', GLib.FileError.NOENT);
    const missing = new GLib.Error(GLib.FileError, GLib.FileError.NOENT, 'nobody');
    assertEqual(await breaker.run(() => Promise.reject(missing)).catch(error => error), missing);
    assertEqual(getMetrics(breaker).successes, 4);
});

testBoth('a permit is completed once', async breaker => {
    const permit = await breaker.acquire_async();
    assertEqual(permit.get_name(), 'payment');
    assertEqual(await permit.succeed_async(), true);
    await assertThrows(Grelmicro.NotOwnedError, 'payment', () => permit.succeed_async());
    await assertThrows(Grelmicro.NotOwnedError, 'payment',
        () => permit.fail_async(new Grelmicro.BackendError('late')));
    permit.abandon();
    assertEqual(getMetrics(breaker).successes, 1);
});

testBoth('a permit that nobody holds any more is abandoned at some point', async breaker => {
    await (async () => assert(await breaker.acquire_async()))();
    await eventually(() => {
        System.gc();
        return getMetrics(breaker)['active-calls'] === 0;
    });
    assertEqual(getMetrics(breaker).successes, 0);
});

testBoth('keyed() has a circuit for each key', async breaker => {
    const [here, there] = [breaker.keyed('here'), breaker.keyed('there')];
    assertEqual(here.name, 'payment:here');
    assertEqual(breaker.keyed('here'), here);
    assertEqual(here.error_threshold, 2);
    await open(here);
    assertEqual([breaker, here, there].map(({state}) => state), [CLOSED, OPEN, CLOSED]);
    assertEqual(await there.run(() => 5), 5);
    await assertThrows(Grelmicro.SettingsError, 'key', () => breaker.keyed('a\0b'));
});

testBoth('its signals tell of changes', async (breaker, clock) => {
    const seen = [];
    let notified = 0;
    breaker.connect('state-changed', (self, before, after, cause) => {
        assertEqual(self, breaker);
        seen.push([before, after, cause]);
    });
    breaker.connect('notify::state', () => notified++);
    await open(breaker);
    clock.advance(seconds(10));
    await breaker.run(() => {});
    await breaker.run(() => {});
    await eventually(() => seen.length === 3);
    assertEqual(seen, [
        [CLOSED, OPEN, 'error-threshold'],
        [OPEN, HALF_OPEN, 'reset-timeout'],
        [HALF_OPEN, CLOSED, 'success-threshold'],
    ]);
    assertEqual(notified, 3);
});

testBoth('it is isolated until it is reset', async breaker => {
    assertEqual(await breaker.isolate_async(), true);
    assertEqual(breaker.state, FORCED_OPEN);
    await assertThrows(Grelmicro.CircuitOpenError, 'payment', () => breaker.run(() => {}));
    assertEqual(await breaker.reset_async(), true);
    assertEqual(await breaker.run(() => 5), 5);
});

testBoth('it runs an operation, which may be JavaScript', async breaker => {
    const operation = Grelmicro.Operation.new(async task => {
        await turn();
        task.return_value('done');
    });
    assertEqual(await breaker.run_async(operation), 'done');
    for (let i = 0; i < 2; i++) {
        await assertThrows(Grelmicro.BackendError, 'no route',
            () => breaker.run_async(Grelmicro.Operation.new(fail)));
    }
    assertEqual(breaker.state, OPEN);
});

testBoth('it is closed once its backend is', async breaker => {
    await open(breaker);
    const backend = Grelmicro.App.dup_default().get_backend(Grelmicro.CircuitBreakerBackend, null);
    await backend.close_async();
    assertEqual(breaker.state, CLOSED);
    await assertThrows(Grelmicro.ClosedError, 'payment', () => breaker.run(() => assert(false)));
});

test('a record that fails leaves the call as it was', async () => {
    const backend = new MapCircuitAdapter();
    backend.record = () => {
        throw new TypeError('disk on fire');
    };
    await withApp([backend], async () => {
        const breaker = newBreaker();
        assertEqual(await breaker.run(() => 5), 5);
        await assertThrows(RangeError, 'no route', () => breaker.run(fail));
        const permit = await breaker.acquire_async();
        await assertThrows(Grelmicro.BackendError, 'TypeError: disk on fire',
            () => permit.succeed_async());
    });
});

run();
