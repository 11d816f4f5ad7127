// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

void threads_take_turns () {
    var app = new Grelmicro.App ();
    var cart = new Grelmicro.Lock ("cart");
    var inside = 0, served = 0;
    Thread<void>[] workers = {};

    try {
        app.open_in_thread ();
        for (var i = 0; i < 8; i++) {
            workers += new Thread<void> (null, () => {
                try {
                    for (var j = 0; j < 25; j++) {
                        var lease = cart.acquire_from_thread (-1);
                        assert (++inside == 1);
                        Thread.yield ();
                        inside--;
                        served++;
                        lease.release_from_thread ();
                    }
                } catch (Error e) {
                    error ("%s", e.message);
                }
            });
        }
        foreach (var worker in workers)
            worker.join ();
        assert (served == 200);
        app.close_from_thread ();
    } catch (Error e) {
        error ("%s", e.message);
    }
}

void a_function_runs_under_the_lock () {
    var app = new Grelmicro.App ();
    var cart = new Grelmicro.Lock ("cart");
    var has_run = false, has_failed = false;

    try {
        app.open_in_thread ();
        assert (cart.run_from_thread (-1, (cancellable) => {
            assert (!cancellable.is_cancelled ());
            assert (cart.is_locked_from_thread ());
            return has_run = true;
        }));
        assert (has_run);
        assert (!cart.is_locked_from_thread ());
        try {
            cart.run_from_thread (0, () => {
                throw new FileError.NOSPC ("disk full");
            });
        } catch (FileError.NOSPC e) {
            has_failed = true;
        }
        assert (has_failed);
        assert (!cart.is_locked_from_thread ());
        app.close_from_thread ();
    } catch (Error e) {
        error ("%s", e.message);
    }
}

async void the_thread_of_the_loop_is_refused () throws Error {
    var app = new Grelmicro.App ();
    var cart = new Grelmicro.Lock ("cart");
    var is_refused = false;
    yield app.open_async ();
    try {
        cart.acquire_from_thread (-1);
    } catch (Grelmicro.Error.DEADLOCK e) {
        is_refused = true;
    }
    assert (is_refused);

    int64 token = 0;
    var worker = new Thread<void> (null, () => {
        try {
            token = cart.acquire_from_thread (-1).get_fencing_token ();
        } catch (Error e) {
            error ("%s", e.message);
        }
        Idle.add (the_thread_of_the_loop_is_refused.callback);
    });
    yield;
    worker.join ();
    assert (token == 1);
    yield app.close_async ();
}

int main (string[] args) {
    Test.init (ref args);
    Test.add_func ("/vala/threads/threads-take-turns", threads_take_turns);
    Test.add_func ("/vala/threads/a-function-runs-under-the-lock", a_function_runs_under_the_lock);
    add_async ("/vala/threads/the-thread-of-the-loop-is-refused",
               (d) => the_thread_of_the_loop_is_refused.begin (d),
               (r) => the_thread_of_the_loop_is_refused.end (r));
    return Test.run ();
}
