// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

async void a_peek_waits_for_nothing () throws Error {
    var app = new_app (new Grelmicro.MemoryCacheAdapter ());
    var cache = new Grelmicro.TTLCache (60 * TimeSpan.SECOND);
    assert (cache.peek ("key") == null);
    yield app.open_async ();
    assert (cache.peek ("key") == null);
    yield cache.set_async ("key", new Bytes ("value".data), 0, { "red" });

    Bytes? value = cache.peek ("key");
    assert (value != null && value.compare (new Bytes ("value".data)) == 0);
    yield cache.delete_tags_async ({ "red" });
    assert (cache.peek ("key") == null);
    yield app.close_async ();
}

int main (string[] args) {
    Test.init (ref args);
    add_async ("/vala/cache/a-peek-waits-for-nothing",
               (d) => a_peek_waits_for_nothing.begin (d),
               (r) => a_peek_waits_for_nothing.end (r));
    return Test.run ();
}
