// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// What grel-bench.c is for C: rows that are measured beside a floor or rival, turn by turn.

import GLib from 'gi://GLib';
import System from 'system';

const REPETITIONS = 15;

function parse(args) {
    const options = {seconds: 1, only: '', lists: args.includes('--list')};
    for (const [index, arg] of args.entries()) {
        if (arg === '--seconds')
            options.seconds = Number(args[index + 1]);
        else if (arg === '--only')
            options.only = args[index + 1];
    }
    return options;
}

// Nanoseconds for each.
async function measure(run, n) {
    const before = GLib.get_monotonic_time();
    await run(n);
    return (GLib.get_monotonic_time() - before) * 1000 / n;
}

async function calibrate(run, nanoseconds) {
    let n = 1, each;
    if (nanoseconds <= 0)
        return n;
    while ((each = await measure(run, n)) * n < nanoseconds / 4)
        n *= 2;
    return Math.max(Math.floor(nanoseconds / each), 1);
}

function quantile(values, share) {
    return values.sort((a, b) => a - b)[Math.floor(values.length * share)];
}

// The two take turns, and which one begins changes.
async function compare({run, reference: {run: runReference}}, seconds) {
    const sides = [runReference, run];
    const nTurns = seconds > 0 ? REPETITIONS : 1;
    const nanoseconds = seconds * 1e9 / (2 * nTurns);
    const n = [await calibrate(sides[0], nanoseconds), await calibrate(sides[1], nanoseconds)];
    const values = [[], []];
    for (let turn = 0; turn < nTurns; turn++) {
        for (const i of [turn % 2, 1 - turn % 2])
            values[i].push(Math.max(await measure(sides[i], n[i]), 1));
    }
    return values;
}

async function describe(row, seconds) {
    const [references, subjects] = await compare(row, seconds);
    const ratios = subjects.map((subject, turn) => subject / references[turn]);
    const ratio = quantile(ratios, 0.5);
    return {
        name: row.name,
        reference: row.reference.name,
        countable: false,
        ns: quantile(subjects, 0.5),
        reference_ns: quantile(references, 0.5),
        ratio,
        spread: (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / ratio,
    };
}

async function measureAll(rows, {seconds, only, lists}) {
    for (const row of rows) {
        if (only !== '' && row.name !== only && !row.name.startsWith(`${only}/`))
            continue;
        print(lists ? row.name : JSON.stringify(await describe(row, seconds)));
    }
}

// rows: a name, what to run n times, and the same of the reference.
export function main(rows, {open, close}) {
    const loop = new GLib.MainLoop(null, false);
    let status = 1;

    open().then(() => measureAll(rows, parse(System.programArgs))).then(close)
        .then(() => (status = 0)).catch(logError).finally(() => loop.quit());
    loop.run();
    System.exit(status);
}
