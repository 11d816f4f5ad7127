// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

async void yield_waits_for_the_lock () throws Error {
    var app = new Grelmicro.App ();
    yield app.open_async ();
    var cart = new Grelmicro.Lock ("cart");

    var first = yield cart.acquire_async (-1);
    assert (first.get_fencing_token () == 1);
    assert (yield cart.is_locked_async ());

    Grelmicro.Lease? second = null;
    cart.acquire_async.begin (-1, null, (source, result) => {
        try {
            second = cart.acquire_async.end (result);
        } catch (Error e) {
            error ("%s", e.message);
        }
    });
    yield turn ();
    assert (second == null);
    assert (yield first.release_async ());
    while (second == null)
        yield turn ();
    assert (second.get_fencing_token () == 2);
    assert (yield second.extend_async ());

    yield app.close_async ();
    assert (!second.is_valid ());
}

async void the_last_reference_releases () throws Error {
    var app = new Grelmicro.App ();
    yield app.open_async ();
    var cart = new Grelmicro.Lock ("cart");
    var lease = yield cart.acquire_async (-1);
    assert (lease.is_valid ());
    lease = null;
    assert (!yield cart.is_locked_async ());
    yield app.close_async ();
}

async void a_virtual_clock_moves_leases () throws Error {
    var clock = new Grelmicro.VirtualClock ();
    var app = new_app (new Grelmicro.MemoryLockAdapter (), clock);
    var cart = new Grelmicro.Lock ("cart") {
        lease_duration = 10 * TimeSpan.SECOND,
        auto_extend = false
    };
    yield app.open_async ();
    var lease = yield cart.acquire_async (-1);
    var is_told = false;
    lease.get_cancellable ().cancelled.connect (() => {
        is_told = true;
    });

    clock.advance (9 * TimeSpan.SECOND);
    assert (lease.is_valid ());
    clock.advance (2 * TimeSpan.SECOND);
    assert (!lease.is_valid ());
    while (!is_told)
        yield turn ();
    yield app.close_async ();
}

async void a_cancellable_ends_the_wait () throws Error {
    var app = new Grelmicro.App ();
    var cart = new Grelmicro.Lock ("cart");
    var cancellable = new Cancellable ();
    var is_cancelled = false;
    yield app.open_async ();
    var lease = yield cart.acquire_async (-1);

    Idle.add (() => {
        cancellable.cancel ();
        return Source.REMOVE;
    });
    try {
        yield cart.acquire_async (-1, cancellable);
    } catch (IOError.CANCELLED e) {
        is_cancelled = true;
    }
    assert (is_cancelled);
    yield lease.release_async ();
    assert (!yield cart.is_locked_async ());
    yield app.close_async ();
}

async void an_app_finds_what_it_uses () throws Error {
    var first = new Grelmicro.MemoryLockAdapter ();
    var second = new Grelmicro.MemoryLockAdapter ();
    var app = new_app (first);
    app.use (second, "second");
    assert (app.get_backend (typeof (Grelmicro.LockBackend)) == first);
    assert (app.get_backend (typeof (Grelmicro.LockBackend), "second") == second);
    yield app.open_async ();
    assert (first.is_open && second.is_open);
    yield app.close_async ();
}

int main (string[] args) {
    Test.init (ref args);
    add_async ("/vala/lock/yield-waits-for-the-lock",
               (d) => yield_waits_for_the_lock.begin (d),
               (r) => yield_waits_for_the_lock.end (r));
    add_async ("/vala/lock/the-last-reference-releases",
               (d) => the_last_reference_releases.begin (d),
               (r) => the_last_reference_releases.end (r));
    add_async ("/vala/lock/a-virtual-clock-moves-leases",
               (d) => a_virtual_clock_moves_leases.begin (d),
               (r) => a_virtual_clock_moves_leases.end (r));
    add_async ("/vala/lock/a-cancellable-ends-the-wait",
               (d) => a_cancellable_ends_the_wait.begin (d),
               (r) => a_cancellable_ends_the_wait.end (r));
    add_async ("/vala/lock/an-app-finds-what-it-uses",
               (d) => an_app_finds_what_it_uses.begin (d),
               (r) => an_app_finds_what_it_uses.end (r));
    return Test.run ();
}
