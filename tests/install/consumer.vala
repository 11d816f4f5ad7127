// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// The Vala counterpart of consumer.c.

async void guarded () throws Error {
    var app = new Grelmicro.App ();
    yield app.open_async ();
    var lease = yield new Grelmicro.Lock ("cart").acquire_async (-1);
    yield lease.release_async ();
    yield app.close_async ();
    print ("%lld\n", lease.get_fencing_token ());
}

int main () {
    var loop = new MainLoop ();
    var status = 1;
    guarded.begin ((source, result) => {
        try {
            guarded.end (result);
            status = 0;
        } catch (Error e) {
            printerr ("%s\n", e.message);
        }
        loop.quit ();
    });
    loop.run ();
    return status;
}
