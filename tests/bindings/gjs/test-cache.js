// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

import GLib from 'gi://GLib';
import Grelmicro from 'gi://Grelmicro?version=1';

import {assertEqual, assertThrows, run, test, turn, withApp} from './harness.js';
import {MapCacheAdapter} from './map-cache-adapter.js';

const {seconds} = Grelmicro;

test('a bad setting is refused at once', async () => {
    for (const ttl of [0, -1, NaN])
        await assertThrows(Grelmicro.SettingsError, 'ttl', () => Grelmicro.TTLCache.new(ttl));
    assertEqual(Grelmicro.TTLCache.new(seconds(1)).ttl, seconds(1));
});

test('cached() wants functions', async () => {
    const cache = Grelmicro.TTLCache.new(seconds(60));
    await assertThrows(TypeError, 'func', () => Grelmicro.cached(cache, 'key', () => 1));
    await assertThrows(TypeError, 'func', () => Grelmicro.cached(cache, () => 'key', null));
});

test('a peek waits for nothing', () => withApp([new Grelmicro.MemoryCacheAdapter()], async () => {
    const cache = Grelmicro.TTLCache.new(seconds(60));
    assertEqual(cache.peek('key'), null);
    await cache.set_async('key', new GLib.Bytes('value'), 0, null, null);
    assertEqual(new TextDecoder().decode(cache.peek('key').toArray()), 'value');
}));

for (const klass of [Grelmicro.MemoryCacheAdapter, MapCacheAdapter]) {
    const name = klass.name.split('_').pop();
    const withCache = (func, settings) => withApp([new klass()], func, settings);

    test(`${name}/a cached function runs once for each key, also for many at a time`, () =>
        withCache(async () => {
            const calls = [];
            const getUser = Grelmicro.cached(Grelmicro.TTLCache.new(seconds(60)),
                id => `user:${id}`, async id => {
                    calls.push(id);
                    await turn();
                    return {id, tags: ['é', null]};
                });
            const users = await Promise.all([1, 1, 2, 1].map(id => getUser(id)));
            assertEqual(calls, [1, 2]);
            assertEqual(users.map(user => user.id), [1, 1, 2, 1]);
            assertEqual((await getUser(2)).tags, ['é', null]);
            assertEqual(calls, [1, 2]);
        }));

    test(`${name}/null and undefined are values`, () => withCache(async () => {
        let nCalls = 0;
        const getNothing = Grelmicro.cached(Grelmicro.TTLCache.new(seconds(60)), key => key,
            async key => {
                nCalls++;
                return key === 'a' ? null : undefined;
            });
        for (const key of ['a', 'a', 'b', 'b'])
            assertEqual(await getNothing(key), null);
        assertEqual(nCalls, 2);
    }));

    test(`${name}/it runs again when its result is out of date`, () => {
        const clock = new Grelmicro.VirtualClock();
        return withCache(async () => {
            let nCalls = 0;
            const count = Grelmicro.cached(Grelmicro.TTLCache.new(seconds(1)), () => 'count',
                async () => ++nCalls);
            assertEqual(await count(), 1);
            clock.advance(seconds(2));
            assertEqual(await count(), 2);
        }, {clock});
    });

    test(`${name}/what it throws is kept for nobody`, () => withCache(async () => {
        let nCalls = 0;
        const fail = Grelmicro.cached(Grelmicro.TTLCache.new(seconds(60)), () => 'fail',
            async () => {
                if (nCalls++ === 0)
                    throw new Error('no database');
                return 'there it is';
            });
        await assertThrows(Grelmicro.BackendError, 'no database', () => fail());
        assertEqual(await fail(), 'there it is');
    }));
}

run();
