// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A Redis server of the test's own.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';

import {eventually} from './harness.js';

export class RedisServer {
    #folder = GLib.Dir.make_tmp('grel-redis-XXXXXX');
    #socket = GLib.build_filenamev([this.#folder, 'redis.sock']);
    #process = null;

    getUri(query) {
        return `redis+unix://${this.#socket}?${query}`;
    }

    async start() {
        const words = ['redis-server', '--port', '0', '--unixsocket', this.#socket, '--save', ''];
        this.#process = Gio.Subprocess.new(words, Gio.SubprocessFlags.STDOUT_SILENCE);
        await eventually(() => this.#answers());
    }

    #answers() {
        const words = ['redis-cli', '-s', this.#socket, 'PING'];
        const {STDOUT_PIPE, STDERR_SILENCE} = Gio.SubprocessFlags;
        const [, answer] = Gio.Subprocess.new(words, STDOUT_PIPE | STDERR_SILENCE)
            .communicate_utf8(null, null);
        return answer.trim() === 'PONG';
    }

    kill() {
        this.#process.force_exit();
        this.#process.wait(null);
    }

    close() {
        this.kill();
        Gio.File.new_for_path(this.#socket).delete(null);
        Gio.File.new_for_path(this.#folder).delete(null);
    }
}
