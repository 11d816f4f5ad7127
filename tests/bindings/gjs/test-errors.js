// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

import GLib from 'gi://GLib';
import Grelmicro from 'gi://Grelmicro?version=1';

import {assert, assertEqual, assertThrows, isCancelled, run, test, withApp} from './harness.js';

const CLASSES = {
    NOT_OPEN: 'NotOpenError',
    CLOSED: 'ClosedError',
    DEADLOCK: 'DeadlockError',
    LOOP_NOT_RUNNING: 'LoopNotRunningError',
    SETTINGS: 'SettingsError',
    NOT_REGISTERED: 'NotRegisteredError',
    AMBIGUOUS: 'AmbiguousError',
    SCOPE: 'ScopeError',
    BACKEND: 'BackendError',
    WOULD_BLOCK: 'WouldBlockError',
    TIMED_OUT: 'LockTimeoutError',
    REENTRANT: 'ReentrantError',
    NOT_OWNED: 'NotOwnedError',
    CIRCUIT_OPEN: 'CircuitOpenError',
    RATE_LIMITED: 'RateLimitedError',
    BULKHEAD_FULL: 'BulkheadFullError',
    DEADLINE_EXCEEDED: 'DeadlineExceededError',
};

test('every code has a class', () => {
    for (const [key, name] of Object.entries(CLASSES)) {
        const error = new Grelmicro[name]('text');
        const code = Grelmicro.Error[key];
        assertEqual(Grelmicro[name].name, name);
        assert(error instanceof Grelmicro[name]);
        assert(error instanceof Grelmicro.Error);
        assert(error instanceof GLib.Error);
        assertEqual(error instanceof Grelmicro.ClosedError, key === 'CLOSED');
        assertEqual(error.code, code);
        assertEqual(error.message, 'text');
        assert(error.matches(Grelmicro.Error, code));
        assertEqual(error.matches(Grelmicro.Error, Grelmicro.Error.CLOSED), key === 'CLOSED');
        assertEqual(error.name, null);
        assertEqual(error.retry_after, 0);
    }
});

test('every code is known', () => {
    const keys = Object.keys(Grelmicro.Error).filter(key => key === key.toUpperCase());
    assertEqual(keys, Object.keys(CLASSES));
});

test('other values are instances of none', () => {
    const others = [null, undefined, 5, 'text', {}, new Error('text'),
        new GLib.Error(GLib.FileError, GLib.FileError.EXIST, 'text')];
    for (const other of others)
        assert(!(other instanceof Grelmicro.NotOpenError));
});

test('the library takes them for its own', () => {
    assert(Grelmicro.error_is_refusal(new Grelmicro.WouldBlockError('text')));
    assert(!Grelmicro.error_is_refusal(new Grelmicro.DeadlockError('text')));
    assert(!Grelmicro.error_is_outcome(new Grelmicro.DeadlockError('text')));
    assert(Grelmicro.error_is_outcome(new Grelmicro.BackendError('text')));
});

test('an error says what it is about', async () => {
    const backend = new Grelmicro.MemoryLockAdapter();
    const lock = new Grelmicro.Lock({name: 'cart', backend});
    const calls = [() => lock.acquire_async(-1), () => lock.is_locked_async(),
        () => lock.acquire_from_thread(0), () => lock.with(() => {})];
    for (const call of calls) {
        const error = await assertThrows(Grelmicro.NotOpenError, 'cart', call);
        assertEqual(error.name, 'cart');
        assertEqual(error.retry_after, 0);
    }
});

test('an error of an app has no name', async () => {
    const app = new Grelmicro.App();
    const calls = {
        NotOpenError: () => app.close_from_thread(),
        SettingsError: () => app.use(new Grelmicro.VirtualClock()),
        NotRegisteredError: () => Grelmicro.App.new_for_uri('nosuchstore:'),
    };
    for (const [name, call] of Object.entries(calls))
        assertEqual((await assertThrows(Grelmicro[name], '', call)).name, null);
});

test('a call on the thread of the loop is refused', () => withApp([], async () => {
    await assertThrows(Grelmicro.DeadlockError, 'cart',
        () => Grelmicro.Lock.new('cart').acquire_from_thread(-1));
}));

test('errors of others stay what they are', () => withApp([], async () => {
    const file = new GLib.Error(GLib.FileError, GLib.FileError.EXIST, 'text');
    const lock = Grelmicro.Lock.new('cart');
    assertEqual(await lock.with(() => Promise.reject(file)).catch(error => error), file);
    assert(!isCancelled(file));
}));

run();
