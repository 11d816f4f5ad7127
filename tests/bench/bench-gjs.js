#!/usr/bin/env -S gjs -m
// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// What locks, circuit breakers and cached functions cost in JavaScript, beside the same written in
// JavaScript: there is no library of them for GJS.

import Grelmicro from 'gi://Grelmicro?version=1';

import {main} from './grel-bench.js';

class PlainBreaker {
    constructor(name) {
        this.name = name;
        this.error_threshold = 5;
        this._errors = 0;
        this._successes = 0;
        this._openedAt = 0;
    }

    get_error_threshold() {
        return this.error_threshold;
    }

    async run(func) {
        if (this._openedAt > 0 && Date.now() - this._openedAt < 30000)
            throw new Error('the circuit is open');
        try {
            const result = await func();
            this._errors = this._openedAt = 0;
            this._successes++;
            return result;
        } catch (error) {
            if (++this._errors >= this.error_threshold)
                this._openedAt = Date.now();
            throw error;
        }
    }
}

class PlainLock {
    constructor() {
        this._last = Promise.resolve();
    }

    async with(func) {
        const before = this._last;
        let release;
        this._last = new Promise(resolve => (release = resolve));
        await before;
        try {
            return await func();
        } finally {
            release();
        }
    }
}

function plainCached(ttl, makeKey, func) {
    const table = new Map();
    return async function (...args) {
        const key = makeKey(...args);
        const entry = table.get(key);
        if (entry !== undefined && entry.until > Date.now())
            return entry.value;
        const value = await func(...args);
        table.set(key, {value, until: Date.now() + ttl});
        return value;
    };
}

const app = Grelmicro.App.new_for_uri('memory:');
const breaker = new Grelmicro.CircuitBreaker({name: 'payment', app});
const cache = new Grelmicro.TTLCache({ttl: Grelmicro.seconds(3600), app});
const lock = new Grelmicro.Lock({name: 'cart', app});
const plainBreaker = new PlainBreaker('payment');
const plainLock = new PlainLock();

const makeKey = item => `price:${item}`;
const getPrice = async item => ({item, price: 12.5});
const getCached = Grelmicro.cached(cache, makeKey, getPrice);
const getPlain = plainCached(3600000, makeKey, getPrice);

function repeat(step) {
    return n => {
        for (let i = 0; i < n; i++)
            step();
    };
}

function repeatAsync(step) {
    return async n => {
        for (let i = 0; i < n; i++)
            await step();
    };
}

function takeTicket() {
    breaker.record_success(breaker.allow()[1]);
}

main([
    {
        name: 'gjs/floor',
        run: repeat(() => breaker.get_error_threshold()),
        reference: {
            name: 'a method in JavaScript',
            run: repeat(() => plainBreaker.get_error_threshold()),
        },
    },
    {
        name: 'gjs/breaker/two-calls',
        run: repeat(takeTicket),
        reference: {
            name: 'a circuit breaker in JavaScript',
            run: repeatAsync(() => plainBreaker.run(getPrice)),
        },
    },
    {
        name: 'gjs/breaker/run',
        run: repeatAsync(() => breaker.run(getPrice)),
        reference: {
            name: 'a circuit breaker in JavaScript',
            run: repeatAsync(() => plainBreaker.run(getPrice)),
        },
    },
    {
        name: 'gjs/cached',
        run: repeatAsync(() => getCached('tea')),
        reference: {name: 'a Map in JavaScript', run: repeatAsync(() => getPlain('tea'))},
    },
    {
        name: 'gjs/lock',
        run: repeatAsync(() => lock.with(getPrice)),
        reference: {
            name: 'a lock in JavaScript',
            run: repeatAsync(() => plainLock.with(getPrice)),
        },
    },
], {open: () => app.open_async(), close: () => app.close_async()});
