// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A cache backend written in JavaScript: a full one, and as small as one can be.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Grelmicro from 'gi://Grelmicro?version=1';

export const MapCacheAdapter = GObject.registerClass(
class MapCacheAdapter extends Grelmicro.CacheBackend {
    rows = new Map(); // by key: {value, expiresAt, tags}

    lookUp(key) {
        const row = this.rows.get(key);
        return row && this.get_clock().get_monotonic_time() < row.expiresAt ? row.value : null;
    }

    vfunc_get_scope() {
        return Grelmicro.Scope.PROCESS;
    }

    vfunc_get(key, task) {
        this.return_value(task, this.lookUp(key));
    }

    vfunc_set(key, value, ttl, tags, task) {
        const expiresAt = this.get_clock().get_monotonic_time() + ttl;
        const copy = new GLib.Bytes(value.toArray()); // GJS lends bytes until a vfunc returns
        this.rows.set(key, {value: copy, expiresAt, tags: tags ?? []});
        task.return_boolean(true);
    }

    vfunc_delete(key, task) {
        const wasThere = this.lookUp(key) !== null;
        this.rows.delete(key);
        task.return_boolean(wasThere);
    }

    vfunc_delete_tags(tags, task) {
        for (const [key, row] of this.rows) {
            if (row.tags.some(tag => tags.includes(tag)))
                this.rows.delete(key);
        }
        task.return_boolean(true);
    }

    vfunc_clear(task) {
        this.rows.clear();
        task.return_boolean(true);
    }
});
