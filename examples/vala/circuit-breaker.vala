// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors

// A bank that is down at first: the breaker spares it, and finds out when it is back.

int failures_left = 3;

async string charge (int amount) throws Error {
    if (failures_left-- > 0)
        throw new IOError.HOST_UNREACHABLE ("the bank does not answer");
    return @"charged $amount";
}

async string charge_through (Grelmicro.CircuitBreaker breaker, int amount) throws Error {
    var permit = yield breaker.acquire_async ();
    try {
        var receipt = yield charge (amount);
        yield permit.succeed_async ();
        return receipt;
    } catch (IOError e) {
        yield permit.fail_async (e);
        throw e;
    }
}

async string pay (Grelmicro.CircuitBreaker breaker, int amount) throws Error {
    while (true) {
        try {
            return yield charge_through (breaker, amount);
        } catch (Grelmicro.Error.CIRCUIT_OPEN e) {
            print ("%s\n", e.message);
            Timeout.add ((uint) (Grelmicro.Error.get_retry_after (e) / 1000 + 1), pay.callback);
            yield;
        } catch (IOError.HOST_UNREACHABLE e) {
            print ("%s\n", e.message);
        }
    }
}

async void run () throws Error {
    var app = new Grelmicro.App ();
    var payment = new Grelmicro.CircuitBreaker ("payment") {
        error_threshold = 3,
        success_threshold = 1,
        reset_timeout = 200 * TimeSpan.MILLISECOND
    };
    yield app.open_async ();

    payment.state_changed.connect ((before, after, cause) => print ("circuit: %s\n", cause));
    print ("%s\n", yield pay (payment, 5));

    yield app.close_async ();
}

int main () {
    Intl.setlocale ();
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
