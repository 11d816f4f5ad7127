// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A lock backend written in Vala: a full one, and as small as one can be.
public class TableLockAdapter : Grelmicro.LockBackend {
    class Row {
        public string? token;
        public int64 expires_at;
        public int fence;
    }

    HashTable<string, Row> rows = new HashTable<string, Row> (str_hash, str_equal);

    int64 get_now () {
        return get_clock ().get_monotonic_time ();
    }

    Row look_up (string name) {
        if (!rows.contains (name))
            rows[name] = new Row ();
        var row = rows[name];
        if (row.expires_at < get_now ())
            row.token = null;
        return row;
    }

    public override Grelmicro.Scope get_scope () {
        return PROCESS;
    }

    public override void acquire (string name, string token, TimeSpan lease, Task task) {
        var row = look_up (name);
        if (row.token != null && row.token != token) {
            task.return_int (0);
            return;
        }
        if (row.token == null)
            row.fence++;
        row.token = token;
        row.expires_at = get_now () + lease;
        task.return_int (row.fence);
    }

    public override void extend (string name, string token, TimeSpan lease, Task task) {
        var row = look_up (name);
        if (row.token == token)
            row.expires_at = get_now () + lease;
        task.return_boolean (row.token == token);
    }

    public override void release (string name, string token, Task task) {
        var row = look_up (name);
        var is_ours = row.token == token;
        if (is_ours)
            row.token = null;
        task.return_boolean (is_ours);
    }

    public override void is_locked (string name, Task task) {
        task.return_boolean (look_up (name).token != null);
    }

    public override void is_owned (string name, string token, Task task) {
        task.return_boolean (look_up (name).token == token);
    }
}
