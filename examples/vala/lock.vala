// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

void work (Grelmicro.Lock lock) {
    try {
        var lease = lock.acquire_from_thread (-1);
        print ("worker thread: token %lld\n", lease.get_fencing_token ());
        lease.release_from_thread ();
    } catch (Error e) {
        error ("%s", e.message);
    }
}

async void run () throws Error {
    var app = new Grelmicro.App ();
    var lock = new Grelmicro.Lock ("cart");
    yield app.open_async ();

    var lease = yield lock.acquire_async (-1);
    print ("event loop: token %lld\n", lease.get_fencing_token ());
    yield lease.release_async ();

    var worker = new Thread<void> ("worker", () => {
        work (lock);
        Idle.add (run.callback);
    });
    yield;
    worker.join ();

    yield app.close_async ();
}

int main () {
    var loop = new MainLoop ();

    run.begin ((source, result) => {
        try {
            run.end (result);
        } catch (Error e) {
            error ("%s", e.message);
        }
        loop.quit ();
    });
    loop.run ();
    return 0;
}
