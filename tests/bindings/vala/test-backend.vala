// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A class written in Vala is a full one.

class SlowLockAdapter : TableLockAdapter {
    public string[] calls = {};
    public bool is_broken;

    public override void open (Task task) {
        calls += "open";
        task.return_boolean (true);
    }

    public override void close (Task task) {
        calls += "close";
        task.return_boolean (true);
    }

    public override void acquire (string name, string token, TimeSpan lease, Task task) {
        calls += "acquire";
        acquire_later.begin (name, token, lease, task);
    }

    async void acquire_later (string name, string token, TimeSpan lease, Task task) {
        yield turn ();
        if (is_broken)
            task.return_error (new FileError.NOSPC ("disk full"));
        else
            base.acquire (name, token, lease, task);
    }

    public override void is_locked (string name, Task task) {
        calls += "is_locked";
    }
}

async void it_may_answer_later () throws Error {
    var backend = new SlowLockAdapter ();
    var app = new_app (backend);
    yield app.open_async ();
    var lease = yield new Grelmicro.Lock ("cart").acquire_async (-1);
    assert (lease.get_fencing_token () == 1);
    yield lease.release_async ();
    yield app.close_async ();
    assert (string.joinv (" ", backend.calls) == "open acquire close");
}

async void what_it_fails_with_or_drops_is_told () throws Error {
    var backend = new SlowLockAdapter ();
    var app = new_app (backend);
    var cart = new Grelmicro.Lock ("cart");
    var told = 0;
    yield app.open_async ();
    backend.is_broken = true;
    try {
        yield cart.acquire_async (-1);
    } catch (Grelmicro.Error.BACKEND e) {
        assert ("disk full" in e.message);
        assert (Grelmicro.Error.get_name (e) == "cart");
        told++;
    }
    try {
        yield cart.is_locked_async ();
    } catch (Grelmicro.Error.BACKEND e) {
        told++;
    }
    assert (told == 2);
    yield app.close_async ();
}

async void it_works_without_an_app () throws Error {
    var backend = new TableLockAdapter ();
    var cart = new Grelmicro.Lock ("cart") { backend = backend };
    yield backend.open_async ();
    var lease = yield cart.acquire_async (-1);
    yield lease.release_async ();
    yield backend.close_async ();
}

class Watch : Object {
    public bool is_gone;
}

class Token : Object {
    public Watch watch { get; construct; }

    public Token (Watch watch) {
        Object (watch: watch);
    }

    ~Token () {
        watch.is_gone = true;
    }
}

Grelmicro.Operation new_operation (Token token) {
    return new Grelmicro.Operation ((task) => {
        task.return_value (token.watch.is_gone ? "gone" : "held");
    });
}

async void an_operation_owns_its_closure () throws Error {
    var watch = new Watch ();
    var operation = new_operation (new Token (watch));
    for (var i = 0; i < 2; i++)
        assert ((yield operation.run_async ()).get_string () == "held");
    operation = null;
    while (!watch.is_gone)
        yield turn ();
}

class Work : Grelmicro.Operation {
    public override void start (Task task) {
        task.return_error (new FileError.NOSPC ("disk full"));
    }
}

async void an_operation_may_be_a_class_and_fail () throws Error {
    var has_failed = false;
    try {
        yield new Work ().run_async ();
    } catch (FileError.NOSPC e) {
        has_failed = true;
    }
    assert (has_failed);
}

int main (string[] args) {
    Test.init (ref args);
    add_async ("/vala/backend/it-may-answer-later",
               (d) => it_may_answer_later.begin (d),
               (r) => it_may_answer_later.end (r));
    add_async ("/vala/backend/what-it-fails-with-or-drops-is-told",
               (d) => what_it_fails_with_or_drops_is_told.begin (d),
               (r) => what_it_fails_with_or_drops_is_told.end (r));
    add_async ("/vala/backend/it-works-without-an-app",
               (d) => it_works_without_an_app.begin (d),
               (r) => it_works_without_an_app.end (r));
    add_async ("/vala/backend/an-operation-owns-its-closure",
               (d) => an_operation_owns_its_closure.begin (d),
               (r) => an_operation_owns_its_closure.end (r));
    add_async ("/vala/backend/an-operation-may-be-a-class-and-fail",
               (d) => an_operation_may_be_a_class_and_fail.begin (d),
               (r) => an_operation_may_be_a_class_and_fail.end (r));
    return Test.run ();
}
