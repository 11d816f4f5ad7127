// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// What the tests of the Vala binding share.

public delegate void Begin (owned AsyncReadyCallback done);
public delegate void End (AsyncResult result) throws Error;

// Adds a test that is an async method: `add_async ("/a", (d) => a.begin (d), (r) => a.end (r))`.
public void add_async (string path, owned Begin begin, owned End end) {
    Test.add_data_func (path, () => {
        var loop = new MainLoop ();
        begin ((source, result) => {
            try {
                end (result);
            } catch (Error e) {
                error ("%s", e.message);
            }
            loop.quit ();
        });
        loop.run ();
    });
}

// A turn of the main loop.
public async void turn () {
    Idle.add (turn.callback, Priority.LOW);
    yield;
}

public Grelmicro.App new_app (Grelmicro.Backend backend, Grelmicro.Clock? clock = null) {
    var app = new Grelmicro.App ();
    app.clock = clock;
    try {
        app.use (backend);
    } catch (Error e) {
        error ("%s", e.message);
    }
    return app;
}
