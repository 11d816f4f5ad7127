// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// Every test runs over the memory of the process and over a backend written in Vala.

delegate Grelmicro.CircuitBreakerBackend NewBackend ();

class Scene {
    public Grelmicro.VirtualClock clock = new Grelmicro.VirtualClock ();
    public Grelmicro.App app;
    public Grelmicro.CircuitBreaker breaker = new Grelmicro.CircuitBreaker ("payment") {
        error_threshold = 2,
        reset_timeout = 10 * TimeSpan.SECOND
    };

    public Scene (Grelmicro.CircuitBreakerBackend backend) {
        app = new_app (backend, clock);
    }

    public uint64 get_figure (string name) {
        uint64 figure = 0;
        breaker.get_metrics ().lookup (name, "t", out figure);
        return figure;
    }

    public async void fail () {
        try {
            yield breaker.run_async (new Grelmicro.Operation ((task) => {
                task.return_error (new FileError.NOSPC ("no route"));
            }));
            assert_not_reached ();
        } catch (FileError.NOSPC e) {
            // that is what it ended with
        } catch (Error e) {
            error ("%s", e.message);
        }
    }
}

Grelmicro.Operation new_operation (string answer) {
    return new Grelmicro.Operation ((task) => {
        task.return_value (answer);
    });
}

async void errors_open_it (Scene scene) throws Error {
    yield scene.app.open_async ();
    var is_refused = false;
    yield scene.fail ();
    yield scene.fail ();
    assert (scene.breaker.state == OPEN);
    try {
        yield scene.breaker.acquire_async ();
    } catch (Grelmicro.Error.CIRCUIT_OPEN e) {
        assert (Grelmicro.Error.get_name (e) == "payment");
        assert (Grelmicro.Error.get_retry_after (e) == 10 * TimeSpan.SECOND);
        is_refused = true;
    }
    assert (is_refused);
    assert (scene.breaker.get_retry_after () == 10 * TimeSpan.SECOND);
    assert (scene.get_figure ("errors") == 2);
    assert (scene.get_figure ("rejections") == 1);
    yield scene.app.close_async ();
}

async void probes_close_it (Scene scene) throws Error {
    yield scene.app.open_async ();
    string[] causes = {};
    scene.breaker.state_changed.connect ((before, after, cause) => {
        causes += cause;
    });
    yield scene.fail ();
    yield scene.fail ();
    scene.clock.advance (10 * TimeSpan.SECOND);
    for (var i = 0; i < 2; i++)
        assert ((yield scene.breaker.run_async (new_operation ("done"))).get_string () == "done");
    assert (scene.breaker.state == CLOSED);
    while (causes.length < 3)
        yield turn ();
    assert (string.joinv (" ", causes) == "error-threshold reset-timeout success-threshold");
    yield scene.app.close_async ();
}

async void a_permit_is_completed_once (Scene scene) throws Error {
    yield scene.app.open_async ();
    var is_spent = false;
    var permit = yield scene.breaker.acquire_async ();
    assert (permit.get_name () == "payment");
    assert (scene.get_figure ("active-calls") == 1);
    assert (yield permit.succeed_async ());
    try {
        yield permit.fail_async (new FileError.NOSPC ("late"));
    } catch (Grelmicro.Error.NOT_OWNED e) {
        is_spent = true;
    }
    assert (is_spent);
    assert (scene.get_figure ("successes") == 1);

    permit = yield scene.breaker.acquire_async ();
    permit = null; // which abandons it
    assert (scene.get_figure ("active-calls") == 0);
    assert (scene.get_figure ("successes") == 1);
    yield scene.app.close_async ();
}

async void an_ignored_error_counts_as_a_success (Scene scene) throws Error {
    yield scene.app.open_async ();
    scene.breaker.ignore_error ("g-file-error-quark", FileError.NOSPC);
    for (var i = 0; i < 3; i++)
        yield scene.fail ();
    assert (scene.breaker.state == CLOSED);
    assert (scene.get_figure ("successes") == 3);
    yield scene.app.close_async ();
}

async void a_key_has_a_circuit_of_its_own (Scene scene) throws Error {
    yield scene.app.open_async ();
    var here = scene.breaker.get_keyed ("here");
    assert (here.name == "payment:here");
    assert (here == scene.breaker.get_keyed ("here"));
    yield here.isolate_async ();
    assert (here.state == FORCED_OPEN && scene.breaker.state == CLOSED);
    yield here.reset_async ();
    assert ((yield here.run_async (new_operation ("done"))).get_string () == "done");
    yield scene.app.close_async ();
}

async void a_ticket_counts_as_a_permit_does (Scene scene) throws Error {
    yield scene.app.open_async ();
    uint64 ticket;
    var is_refused = false;
    scene.breaker.allow (out ticket);
    assert (scene.breaker.record_success (ticket));
    for (var i = 0; i < 2; i++) {
        scene.breaker.allow (out ticket);
        assert (scene.breaker.record_error (ticket, new FileError.NOSPC ("no route")));
        assert (!scene.breaker.record_success (ticket));
    }
    try {
        scene.breaker.allow (out ticket);
    } catch (Grelmicro.Error.CIRCUIT_OPEN e) {
        is_refused = true;
    }
    assert (is_refused && ticket == 0);
    assert (scene.get_figure ("successes") == 1 && scene.get_figure ("errors") == 2);
    yield scene.app.close_async ();
}

async void a_store_that_takes_time_gives_no_ticket (Scene scene) throws Error {
    yield scene.app.open_async ();
    var is_refused = false;
    try {
        uint64 ticket;
        scene.breaker.allow (out ticket);
    } catch (Grelmicro.Error.WOULD_BLOCK e) {
        is_refused = true;
    }
    assert (is_refused);
    yield scene.app.close_async ();
}

async void a_thread_goes_through_it (Scene scene) throws Error {
    yield scene.app.open_async ();
    var has_run = false, has_failed = false;
    var worker = new Thread<void> ("worker", () => {
        try {
            has_run = scene.breaker.run_from_thread ((cancellable) => true);
            scene.breaker.run_from_thread ((cancellable) => {
                throw new FileError.NOSPC ("no route");
            });
        } catch (Error e) {
            has_failed = e is FileError.NOSPC;
        }
        Idle.add (a_thread_goes_through_it.callback);
    });
    yield;
    worker.join ();
    assert (has_run && has_failed);
    assert (scene.get_figure ("successes") == 1 && scene.get_figure ("errors") == 1);
    yield scene.app.close_async ();
}

delegate void BeginScene (Scene scene, owned AsyncReadyCallback done);

void add (string path, owned NewBackend new_backend, owned BeginScene begin, owned End end) {
    add_async (path,
               (done) => begin (new Scene (new_backend ()), (owned) done),
               (result) => end (result));
}

void add_all (string store, owned NewBackend n) {
    var path = "/vala/circuit-breaker/" + store;
    add (path + "/errors-open-it", () => n (),
         (s, d) => errors_open_it.begin (s, d), (r) => errors_open_it.end (r));
    add (path + "/probes-close-it", () => n (),
         (s, d) => probes_close_it.begin (s, d), (r) => probes_close_it.end (r));
    add (path + "/a-permit-is-completed-once", () => n (),
         (s, d) => a_permit_is_completed_once.begin (s, d),
         (r) => a_permit_is_completed_once.end (r));
    add (path + "/an-ignored-error-counts-as-a-success", () => n (),
         (s, d) => an_ignored_error_counts_as_a_success.begin (s, d),
         (r) => an_ignored_error_counts_as_a_success.end (r));
    add (path + "/a-key-has-a-circuit-of-its-own", () => n (),
         (s, d) => a_key_has_a_circuit_of_its_own.begin (s, d),
         (r) => a_key_has_a_circuit_of_its_own.end (r));
    add (path + "/a-thread-goes-through-it", () => n (),
         (s, d) => a_thread_goes_through_it.begin (s, d),
         (r) => a_thread_goes_through_it.end (r));
}

int main (string[] args) {
    Test.init (ref args);
    add_all ("memory", () => new Grelmicro.MemoryCircuitBreakerAdapter ());
    add_all ("table", () => new TableCircuitAdapter ());
    add ("/vala/circuit-breaker/memory/a-ticket-counts-as-a-permit-does",
         () => new Grelmicro.MemoryCircuitBreakerAdapter (),
         (s, d) => a_ticket_counts_as_a_permit_does.begin (s, d),
         (r) => a_ticket_counts_as_a_permit_does.end (r));
    add ("/vala/circuit-breaker/table/a-store-that-takes-time-gives-no-ticket",
         () => new TableCircuitAdapter (),
         (s, d) => a_store_that_takes_time_gives_no_ticket.begin (s, d),
         (r) => a_store_that_takes_time_gives_no_ticket.end (r));
    return Test.run ();
}
