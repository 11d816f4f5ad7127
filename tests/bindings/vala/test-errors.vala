// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// Each error has a catch clause of its own, and says what it is about.

async void a_clause_catches_one_code () throws Error {
    var clock = new Grelmicro.VirtualClock ();
    var app = new_app (new Grelmicro.MemoryLockAdapter (), clock);
    var cart = new Grelmicro.Lock ("cart");
    var caught = 0;
    yield app.open_async ();
    var lease = yield cart.acquire_async (-1);

    try {
        yield cart.acquire_async (0);
    } catch (Grelmicro.Error.WOULD_BLOCK e) {
        assert (Grelmicro.Error.is_refusal (e));
        assert (Grelmicro.Error.get_name (e) == "cart");
        assert (Grelmicro.Error.get_retry_after (e) == 0);
        caught++;
    }

    Idle.add (() => {
        clock.advance (6 * TimeSpan.SECOND);
        return Source.REMOVE;
    });
    try {
        yield cart.acquire_async (5 * TimeSpan.SECOND);
    } catch (Grelmicro.Error.TIMED_OUT e) {
        caught++;
    }

    yield lease.release_async ();
    try {
        yield lease.release_async ();
    } catch (Grelmicro.Error.NOT_OWNED e) {
        caught++;
    }
    assert (caught == 3);
    yield app.close_async ();
}

async void others_pass_by () throws Error {
    var caught = false;
    try {
        yield new Grelmicro.Lock ("a b").acquire_async (-1);
    } catch (Grelmicro.Error.TIMED_OUT e) {
        assert_not_reached ();
    } catch (Grelmicro.Error e) {
        assert (e.code == Grelmicro.Error.SETTINGS);
        assert (e is Grelmicro.Error.SETTINGS);
        assert (!Grelmicro.Error.is_outcome (e));
        caught = true;
    }
    assert (caught);
}

async void a_store_without_a_name_is_none () throws Error {
    var caught = 0;
    try {
        new Grelmicro.App.for_uri ("nosuchstore:");
    } catch (Grelmicro.Error.NOT_REGISTERED e) {
        caught++;
    }
    try {
        Grelmicro.Provider.new_for_uri ("nosuchstore:");
    } catch (Grelmicro.Error.NOT_REGISTERED e) {
        caught++;
    }
    assert (caught == 2);
    new Grelmicro.App.for_uri ("memory:");
    assert (Grelmicro.Provider.new_for_uri ("memory:").dup_uri () == "memory:");
}

int main (string[] args) {
    Test.init (ref args);
    add_async ("/vala/errors/a-clause-catches-one-code",
               (d) => a_clause_catches_one_code.begin (d),
               (r) => a_clause_catches_one_code.end (r));
    add_async ("/vala/errors/others-pass-by",
               (d) => others_pass_by.begin (d),
               (r) => others_pass_by.end (r));
    add_async ("/vala/errors/a-store-without-a-name-is-none",
               (d) => a_store_without_a_name_is_none.begin (d),
               (r) => a_store_without_a_name_is_none.end (r));
    return Test.run ();
}
