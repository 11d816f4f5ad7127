// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// Locks, caches and circuits in a server, which two apps share.

import GLib from 'gi://GLib';
import Grelmicro from 'gi://Grelmicro?version=1';

import {assert, assertEqual, assertThrows, eventually, run, test, turn} from './harness.js';
import {RedisServer} from './redis-server.js';

const {seconds} = Grelmicro;
const encode = text => new GLib.Bytes(text);
const decode = bytes => bytes && new TextDecoder().decode(bytes.toArray());

// As two processes would be: each app has a connection of its own.
function testShared(name, func, query = 'timeout=9') {
    test(name, async () => {
        const server = new RedisServer();
        await server.start();
        const apps = [1, 2].map(() => Grelmicro.App.new_for_uri(server.getUri(query)));
        await Promise.all(apps.map(app => app.open_async()));
        try {
            await func(apps, server);
        } finally {
            await Promise.all(apps.map(app => app.close_async()));
            server.close();
        }
    });
}

testShared('what one holds the other has to wait for', async apps => {
    const [here, there] = apps.map(app => new Grelmicro.Lock({name: 'cart', app}));
    let waiting;

    await here.with(async () => {
        await assertThrows(Grelmicro.WouldBlockError, 'cart', () => there.acquire_async(0));
        waiting = there.with(lease => lease.is_valid());
        await turn();
    });
    assertEqual(await waiting, true);
});

testShared('what one keeps the other finds until its tag is deleted', async apps => {
    const [here, there] = apps.map(app => new Grelmicro.TTLCache({ttl: seconds(60), app}));

    await here.set_async('red', encode('r'), 0, ['colour']);
    await here.set_async('empty', encode(''), 0, null);
    assertEqual((await there.get_many_async(['red', 'none', 'empty'])).map(decode), ['r', null, '']);
    await there.delete_tags_async(['colour']);
    assertEqual(await here.get_async('red'), null);
    assertEqual(decode(await here.get_async('empty')), '');
});

testShared('a function runs once in the fleet', async apps => {
    let nCalls = 0;
    const functions = apps.map(app => Grelmicro.cached(
        new Grelmicro.TTLCache({ttl: seconds(60), lock: Grelmicro.CacheLock.FLEET, app}),
        id => `user:${id}`,
        async id => {
            nCalls++;
            await turn();
            return {id};
        }));
    const users = await Promise.all([...functions, ...functions].map(getUser => getUser(7)));
    assertEqual(users.map(user => user.id), [7, 7, 7, 7]);
    assertEqual(nCalls, 1);
});

testShared('what fails for one is open for the other', async apps => {
    const [here, there] = apps.map(app =>
        new Grelmicro.CircuitBreaker({name: 'payment', error_threshold: 1, app}));

    await assertThrows(RangeError, 'no route', () => here.run(() => {
        throw new RangeError('no route');
    }));
    await assertThrows(Grelmicro.CircuitOpenError, 'payment', () => there.run(() => assert(false)));
});

testShared('without a server calls fail, and then go on', async ([app], server) => {
    const lock = new Grelmicro.Lock({name: 'cart', app});
    const cache = new Grelmicro.TTLCache({ttl: seconds(60), app});
    const breaker = new Grelmicro.CircuitBreaker({name: 'payment', app});
    const calls = [
        () => lock.with(() => true),
        () => cache.set_async('key', encode('value'), 0, null),
        () => breaker.run(() => true),
    ];

    server.kill();
    for (const call of calls)
        await assertThrows(Grelmicro.BackendError, '', call);
    await server.start();
    for (const call of calls)
        await eventually(() => call().catch(() => false));
}, 'timeout=0.5&connect_timeout=0.5');

run();
