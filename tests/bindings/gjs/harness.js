// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// What the tests of the JavaScript binding share.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Grelmicro from 'gi://Grelmicro?version=1';
import System from 'system';

const tests = [];

export function test(name, func) {
    tests.push({name, func});
}

async function runAll() {
    let failed = 0;

    for (const [index, {name, func}] of tests.entries()) {
        let verdict = 'ok';
        try {
            await func();
        } catch (error) {
            verdict = 'not ok';
            failed++;
            printerr(`${error}\n${error?.stack}`);
        }
        print(`${verdict} ${index + 1} - ${name}`);
    }
    print(`1..${tests.length}`);
    return failed;
}

// The end of every file: runs its tests, prints TAP, and leaves.
export function run() {
    const loop = new GLib.MainLoop(null, false);
    let failed = 1;

    runAll().then(count => {
        failed = count;
    }).catch(logError).finally(() => loop.quit());
    loop.run();
    System.exit(failed > 0 ? 1 : 0);
}

// Arrays are equal if all they hold prints alike, anything else if it is the same.
export function assertEqual(actual, expected) {
    const isEqual = Array.isArray(expected)
        ? JSON.stringify(actual) === JSON.stringify(expected)
        : Object.is(actual, expected);
    if (!isEqual)
        throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

export function assert(isTrue) {
    assertEqual(Boolean(isTrue), true);
}

// Checks that a function throws, or the promise it returns is rejected; returns the error.
export async function assertThrows(klass, text, func) {
    let error = null;

    try {
        await func();
    } catch (e) {
        error = e;
    }
    if (!(error instanceof klass))
        throw new Error(`${error} is no ${klass.name}`);
    if (!error.message.includes(text))
        throw new Error(`«${error.message}» does not tell of «${text}»`);
    return error;
}

export function isCancelled(error) {
    return error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
}

// A turn of the main loop.
export function turn() {
    return new Promise(resolve => {
        GLib.idle_add(GLib.PRIORITY_LOW, () => void resolve());
    });
}

// Waits until something is true that nothing tells of.
export async function eventually(isTrue) {
    while (!await isTrue())
        await turn();
}

// Runs a function with an app that uses these parts, memory if there are none.
export async function withApp(parts, func, settings = {}) {
    const app = new Grelmicro.App(settings);

    for (const part of parts)
        app.use(part);
    await app.open_async();
    try {
        return await func(app);
    } finally {
        if (app.is_open)
            await app.close_async();
    }
}
