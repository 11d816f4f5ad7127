// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A cache backend written in Vala: a full one, and as small as one can be.
public class TableCacheAdapter : Grelmicro.CacheBackend {
    class Row {
        public Bytes value;
        public int64 expires_at;
        public string[] tags;
    }

    HashTable<string, Row> rows = new HashTable<string, Row> (str_hash, str_equal);

    Bytes? look_up (string key) {
        var row = rows[key];
        return row != null && get_clock ().get_monotonic_time () < row.expires_at ? row.value : null;
    }

    public override Grelmicro.Scope get_scope () {
        return PROCESS;
    }

    public override void @get (string key, Task task) {
        return_value (task, look_up (key));
    }

    public override void @set (
        string key, Bytes value, TimeSpan ttl, string[]? tags, Task task
    ) {
        var row = new Row ();
        row.value = value;
        row.expires_at = get_clock ().get_monotonic_time () + ttl;
        for (var i = 0; tags != null && tags[i] != null; i++)
            row.tags += tags[i];
        rows[key] = row;
        task.return_boolean (true);
    }

    public override void delete (string key, Task task) {
        var was_there = look_up (key) != null;
        rows.remove (key);
        task.return_boolean (was_there);
    }

    public override void delete_tags (string[] tags, Task task) {
        rows.foreach_remove ((key, row) => {
            for (var i = 0; tags[i] != null; i++)
                if (tags[i] in row.tags)
                    return true;
            return false;
        });
        task.return_boolean (true);
    }

    public override void clear (Task task) {
        rows.remove_all ();
        task.return_boolean (true);
    }
}
