// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A lock backend written in JavaScript: a full one, and as small as one can be.

import GObject from 'gi://GObject';
import Grelmicro from 'gi://Grelmicro?version=1';

export const MapLockAdapter = GObject.registerClass(
class MapLockAdapter extends Grelmicro.LockBackend {
    rows = new Map(); // by name: {token, expiresAt, fence}

    lookUp(name) {
        const now = this.get_clock().get_monotonic_time();
        const row = this.rows.get(name) ?? {token: null, expiresAt: 0, fence: 0};
        if (row.expiresAt < now)
            row.token = null;
        this.rows.set(name, row);
        return {row, now};
    }

    vfunc_get_scope() {
        return Grelmicro.Scope.PROCESS;
    }

    vfunc_acquire(name, token, lease, task) {
        const {row, now} = this.lookUp(name);
        if (row.token !== null && row.token !== token) {
            task.return_int(0);
            return;
        }
        if (row.token === null)
            row.fence++;
        row.token = token;
        row.expiresAt = now + lease;
        task.return_int(row.fence);
    }

    vfunc_extend(name, token, lease, task) {
        const {row, now} = this.lookUp(name);
        if (row.token === token)
            row.expiresAt = now + lease;
        task.return_boolean(row.token === token);
    }

    vfunc_release(name, token, task) {
        const {row} = this.lookUp(name);
        const isOurs = row.token === token;
        if (isOurs)
            row.token = null;
        task.return_boolean(isOurs);
    }

    vfunc_is_locked(name, task) {
        task.return_boolean(this.lookUp(name).row.token !== null);
    }

    vfunc_is_owned(name, token, task) {
        task.return_boolean(this.lookUp(name).row.token === token);
    }
});
